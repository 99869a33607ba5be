-- saas.set_updated_at(): anyone may put it on a table of their own, of whatever shape.
BEGIN;
SELECT plan(3);

CREATE TABLE public.timed (id integer, updated_at timestamptz);
INSERT INTO public.timed VALUES (1, '2020-01-01');
CREATE TRIGGER timed_10_updated_at BEFORE UPDATE ON public.timed
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
UPDATE public.timed SET id = 2;
SELECT is((SELECT updated_at FROM public.timed), now(), 'updated_at is the time of the transaction');

ALTER TABLE public.timed ALTER COLUMN updated_at TYPE text;
SELECT throws_ok(
    'UPDATE public.timed SET id = 3', '39P01', 'the table has no column updated_at of type timestamptz',
    'a column of another type is refused');
ALTER TABLE public.timed DROP COLUMN updated_at;
SELECT throws_ok(
    'UPDATE public.timed SET id = 3', '39P01', 'the table has no column updated_at of type timestamptz',
    'so is a table without the column');
SELECT * FROM finish();
ROLLBACK;
