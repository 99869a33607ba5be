-- Rows looked up one at a time: find_row() and lock_row() answer what a SELECT of the row would.
BEGIN;
SELECT no_plan();
SET LOCAL client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.things (
    id integer PRIMARY KEY,
    maker text NOT NULL,
    code char(3),
    note text,
    size integer
);
CREATE UNIQUE INDEX things_maker_code_key ON shop.things (maker, code);
CREATE UNIQUE INDEX things_code_key ON shop.things (code) NULLS NOT DISTINCT WHERE size > 100;
CREATE INDEX things_size_idx ON shop.things (size) INCLUDE (note);
CREATE INDEX things_lower_idx ON shop.things (lower(maker));
CREATE INDEX things_hash_idx ON shop.things USING hash (maker);
CREATE TABLE shop.others (id integer PRIMARY KEY);
INSERT INTO shop.things VALUES
    (1, 'a', 'one', 'first', 1), (2, 'a', 'two', NULL, 2), (3, 'a', NULL, NULL, 2), (4, 'b', NULL, NULL, 200),
    (5, 'b', 'one', NULL, 300);

SELECT is(saas.find_row(NULL::shop.things, 'things_pkey', 1), ROW(1, 'a', 'one', 'first', 1)::shop.things, 'by the primary key');
SELECT is(saas.find_row(NULL::shop.things, 'things_pkey', 9), NULL, 'no such row');
SELECT is((saas.find_row(NULL::shop.things, 'things_maker_code_key', 'a'::text, 'two'::char(3))).id, 2, 'by two columns');
SELECT is((saas.find_row(NULL::shop.things, 'things_maker_code_key', 'b'::text)).maker, 'b', 'by the first of them: one of the rows');
SELECT is(saas.find_row(NULL::shop.things, 'things_maker_code_key', 'a'::text, NULL::char(3)), NULL, 'NULL finds nothing');
SELECT is((saas.find_row(NULL::shop.things, 'things_size_idx', 2)).size, 2, 'an index that is not unique');
SELECT is((saas.find_row(NULL::shop.things, 'things_code_key', 'one'::char(3))).id, 5, 'a partial index has its own rows');
SELECT is(saas.find_row(NULL::shop.things, 'things_code_key', 'two'::char(3)), NULL, 'and no others');
SELECT is((saas.find_row(NULL::shop.things, 'things_code_key', NULL::char(3))).id, 4, 'NULL where it is not distinct');
SELECT ok(saas.has_row(NULL::shop.things, 'things_maker_code_key', 'a'::text, 'two'::char(3)), 'there is a row');
SELECT ok(NOT saas.has_row(NULL::shop.things, 'things_maker_code_key', 'a'::text, 'six'::char(3)), 'there is none');
SELECT ok(NOT saas.has_row(NULL::shop.things, 'things_maker_code_key', 'a'::text, NULL::char(3)), 'of NULL there is none');

-- What it refuses.
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'nothing', 1)$$, '42704', '"things" has no index "nothing"', 'an unknown index');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'others', 1)$$, '42704', '"things" has no index "others"', 'a table');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'others_pkey', 1)$$, '42809', '"others_pkey" is not a btree index of "things"', 'an index of another table');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_hash_idx', 'a'::text)$$, '42809', '"things_hash_idx" is not a btree index of "things"', 'another kind of index');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_lower_idx', 'a'::text)$$, '42809', 'the index "things_lower_idx" is one of expressions', 'an index of expressions');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_pkey', 1::bigint)$$, '42804', 'column "id" is of type integer, not bigint', 'another type');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_pkey', 1, 2)$$, '42804', 'there is not one value for each column', 'too many values');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_size_idx', 1, 'first'::text)$$, '42804', 'there is not one value for each column', 'a column that is only included');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_pkey', VARIADIC ARRAY[1])$$, '42804', 'there is not one value for each column', 'an array of values');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, NULL, 1)$$, '22004', 'no index is named', 'no index');
SELECT throws_ok($$SELECT saas.find_row(5, 'things_pkey', 1)$$, '42809', 'integer is not the row type of a table', 'no row');
SELECT throws_ok($$SELECT saas.find_row(NULL::pg_stat_activity, 'things_pkey', 1)$$, '42809', '"pg_stat_activity" is not a plain table', 'a view');
SELECT throws_ok($$SELECT saas.lock_row(NULL::shop.things, 'FOR EVER', 'things_pkey', 1)$$, '22023', '"FOR EVER" is no lock of rows', 'an unknown lock');
SELECT throws_ok($$SELECT saas.lock_row(NULL::shop.things, NULL, 'things_pkey', 1)$$, '22004', 'no lock is named', 'no lock');

-- Locks.
SELECT is((saas.lock_row(NULL::shop.things, l.name, 'things_pkey', 1)).id, 1, l.name)
FROM unnest('{FOR KEY SHARE,FOR SHARE,FOR NO KEY UPDATE,FOR UPDATE}'::text[]) AS l (name);
SELECT is(saas.lock_row(NULL::shop.things, 'FOR UPDATE', 'things_pkey', 9), NULL, 'no such row to lock');
SELECT is((saas.lock_row(NULL::shop.things, 'FOR UPDATE', 'things_maker_code_key', 'a'::text, 'two'::char(3))).id, 2, 'by two columns');

-- What the transaction itself has done is seen, and what it took back is not.
CREATE FUNCTION pg_temp.steps() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v_row shop.things;
BEGIN
    INSERT INTO shop.things VALUES (10, 'c', 'ten', NULL, 0);
    v_row := saas.find_row(NULL::shop.things, 'things_pkey', 10);
    RETURN NEXT 'inserted ' || v_row.code;
    UPDATE shop.things SET note = 'changed' WHERE id = 10;
    v_row := saas.lock_row(v_row, 'FOR UPDATE', 'things_maker_code_key', 'c'::text, 'ten'::char(3));
    RETURN NEXT v_row.note;
    BEGIN
        UPDATE shop.things SET code = 'new', note = 'taken back' WHERE id = 10;
        v_row := saas.lock_row(v_row, 'FOR UPDATE', 'things_maker_code_key', 'c'::text, 'ten'::char(3));
        RETURN NEXT COALESCE(v_row.note, 'not by the former key');
        v_row := saas.lock_row(v_row, 'FOR UPDATE', 'things_maker_code_key', 'c'::text, 'new'::char(3));
        RETURN NEXT v_row.note;
        RAISE EXCEPTION USING ERRCODE = 'P0001';
    EXCEPTION WHEN raise_exception THEN
        v_row := saas.lock_row(NULL::shop.things, 'FOR UPDATE', 'things_maker_code_key', 'c'::text, 'ten'::char(3));
        RETURN NEXT v_row.note;
    END;
    DELETE FROM shop.things WHERE id = 10;
    v_row := saas.find_row(v_row, 'things_pkey', 10);
    RETURN NEXT COALESCE(v_row.note, 'deleted');
END $$;
SELECT results_eq('SELECT pg_temp.steps()', $$VALUES ('inserted ten'), ('changed'), ('not by the former key'), ('taken back'), ('changed'), ('deleted')$$, 'each step sees the ones before it');
SELECT results_eq($$WITH u AS (UPDATE shop.things SET note = 'x' WHERE id = 1 RETURNING id) SELECT (saas.find_row(NULL::shop.things, 'things_pkey', u.id)).note FROM u$$, $$VALUES ('first')$$, 'a statement does not see what it does itself');
SELECT results_eq($$WITH u AS (UPDATE shop.things SET note = 'y' WHERE id = 1 RETURNING id) SELECT (saas.lock_row(NULL::shop.things, 'FOR UPDATE', 'things_pkey', u.id)).note FROM u$$, $$VALUES (NULL::text)$$, 'nor locks what it has changed');
UPDATE shop.things SET note = repeat(md5(random()::text), 1000) WHERE id = 1;
SELECT is(length((saas.find_row(NULL::shop.things, 'things_pkey', 1)).note), 32000, 'a value out of line');

-- What changes between two look-ups counts for the second.
ALTER TABLE shop.things DROP COLUMN note, ADD COLUMN colour text DEFAULT 'red';
SELECT is((saas.find_row(NULL::shop.things, 'things_pkey', 1)).colour, 'red', 'a column more and one less');
ALTER INDEX shop.things_pkey RENAME TO things_main;
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_pkey', 1)$$, '42704', NULL, 'an index has another name');
SELECT is((saas.find_row(NULL::shop.things, 'things_main', 1)).id, 1, 'by which it is found');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_size_idx', 2)$$, '42704', NULL, 'an index that has gone with its column');
CREATE INDEX things_size_idx ON shop.things (id);
SELECT is((saas.find_row(NULL::shop.things, 'things_size_idx', 3)).id, 3, 'another one of its name');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.things_code_key'::regclass;
SELECT is((saas.find_row(NULL::shop.things, 'things_code_key', 'one'::char(3))).id, 5, 'an index that cannot be used: the table is read for its rows');
SELECT is(saas.find_row(NULL::shop.things, 'things_code_key', 'two'::char(3)), NULL, 'and for no others');
SELECT is((saas.lock_row(NULL::shop.things, 'FOR UPDATE', 'things_code_key', NULL::char(3))).id, 4, 'also with a lock');
TRUNCATE shop.things;
SELECT is(saas.find_row(NULL::shop.things, 'things_main', 1), NULL, 'an empty table');

-- Nobody gains a right.
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.find_row(NULL::saas.payments, 'payments_pkey', saas.uuid_v7())$$, '42501', 'permission denied for function find_row', 'services may not find');
SELECT throws_ok($$SELECT saas.has_row(NULL::saas.payments, 'payments_pkey', saas.uuid_v7())$$, '42501', 'permission denied for function has_row', 'nor ask');
SELECT throws_ok($$SELECT saas.lock_row(NULL::saas.payments, 'FOR UPDATE', 'payments_pkey', saas.uuid_v7())$$, '42501', 'permission denied for function lock_row', 'nor lock');
RESET ROLE;
CREATE ROLE rows_reader;
GRANT USAGE ON SCHEMA shop, saas TO rows_reader;
GRANT EXECUTE ON FUNCTION saas.insert_row(anyelement), saas.update_row(anyelement), saas.with_columns(anyelement, text[], "any"), saas.find_row(anyelement, text, "any"), saas.has_row(anyelement, text, "any"), saas.lock_row(anyelement, text, text, "any") TO rows_reader;
GRANT SELECT ON shop.things TO rows_reader;
SET LOCAL ROLE rows_reader;
SELECT lives_ok($$SELECT saas.find_row(NULL::shop.things, 'things_main', 1)$$, 'with the right to read');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.others, 'others_pkey', 1)$$, '42501', 'permission denied for table others', 'without it');
SELECT throws_ok($$SELECT saas.has_row(NULL::shop.others, 'others_pkey', 1)$$, '42501', 'permission denied for table others', 'nor is it told whether a row is there');
SELECT throws_ok($$SELECT saas.lock_row(NULL::shop.things, 'FOR KEY SHARE', 'things_main', 1)$$, '42501', 'permission denied for table things', 'without the right to update');
RESET ROLE;
ALTER TABLE shop.things ENABLE ROW LEVEL SECURITY;
SET LOCAL ROLE rows_reader;
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_main', 1)$$, '42501', 'row-level security would filter what is read of "things"', 'under row-level security');
RESET ROLE;
ALTER TABLE shop.things DISABLE ROW LEVEL SECURITY;
GRANT UPDATE ON shop.things TO rows_reader;
SET LOCAL ROLE rows_reader;
SELECT lives_ok($$SELECT saas.lock_row(NULL::shop.things, 'FOR KEY SHARE', 'things_main', 1)$$, 'with the right to update');
RESET ROLE;
REVOKE UPDATE ON shop.things FROM rows_reader;
SET LOCAL ROLE rows_reader;
SELECT throws_ok($$SELECT saas.lock_row(NULL::shop.things, 'FOR KEY SHARE', 'things_main', 1)$$, '42501', 'permission denied for table things', 'which is taken away');
SELECT lives_ok($$SELECT saas.find_row(NULL::shop.things, 'things_main', 1)$$, 'the right to read stays');
RESET ROLE;
CREATE ROLE rows_group;
GRANT ALL ON shop.things TO rows_group;
REVOKE SELECT ON shop.things FROM rows_reader;
GRANT rows_group TO rows_reader;
SET LOCAL ROLE rows_reader;
SELECT lives_ok($$SELECT saas.lock_row(NULL::shop.things, 'FOR UPDATE', 'things_main', 1)$$, 'rights of a group');
SELECT lives_ok($$SELECT saas.insert_row(ROW(1, 'g', NULL, NULL, NULL)::shop.things)$$, 'also to write');
SELECT lives_ok($$SELECT saas.update_row(saas.with_columns(saas.find_row(NULL::shop.things, 'things_main', 1), '{size}', 2))$$, 'and to change');
RESET ROLE;
REVOKE rows_group FROM rows_reader;
SET LOCAL ROLE rows_reader;
SELECT throws_ok($$SELECT saas.lock_row(NULL::shop.things, 'FOR UPDATE', 'things_main', 1)$$, '42501', 'permission denied for table things', 'no longer one of it: locks nothing');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_main', 1)$$, '42501', 'permission denied for table things', 'reads nothing');
SELECT throws_ok($$SELECT saas.insert_row(ROW(2, 'g', NULL, NULL, NULL)::shop.things)$$, '42501', 'permission denied for table things', 'writes nothing');
SELECT throws_ok($$SELECT saas.update_row(ROW(1, 'h', NULL, NULL, NULL)::shop.things)$$, '42501', 'permission denied for table things', 'changes nothing');
RESET ROLE;
GRANT INSERT, UPDATE, SELECT ON shop.things TO rows_reader;
ALTER ROLE rows_reader BYPASSRLS;
ALTER TABLE shop.things ENABLE ROW LEVEL SECURITY;
SET LOCAL ROLE rows_reader;
SELECT lives_ok($$SELECT saas.insert_row(ROW(3, 'g', NULL, NULL, NULL)::shop.things)$$, 'a role that row-level security does not filter');
SELECT is((saas.find_row(NULL::shop.things, 'things_main', 3)).id, 3, 'finds what it has written');
RESET ROLE;
ALTER ROLE rows_reader NOBYPASSRLS;
SET LOCAL ROLE rows_reader;
SELECT throws_ok($$SELECT saas.insert_row(ROW(4, 'g', NULL, NULL, NULL)::shop.things)$$, '42501', 'row-level security would filter what is written to "things"', 'until it does');
SELECT throws_ok($$SELECT saas.find_row(NULL::shop.things, 'things_main', 3)$$, '42501', 'row-level security would filter what is read of "things"', 'also for reading');
RESET ROLE;
SET LOCAL ROLE saas_internal;
SELECT lives_ok($$SELECT saas.lock_row(NULL::saas.payments, 'FOR UPDATE', 'payments_pkey', saas.uuid_v7(), saas.uuid_v7())$$, 'the package may');
RESET ROLE;

SET LOCAL transaction_read_only = on;
SELECT lives_ok($$SELECT saas.find_row(NULL::shop.things, 'things_main', 1)$$, 'a transaction that only reads');
SELECT throws_ok($$SELECT saas.lock_row(NULL::shop.things, 'FOR UPDATE', 'things_main', 1)$$, '25006', 'cannot execute SELECT FOR UPDATE in a read-only transaction', 'locks nothing');

SELECT * FROM finish();
ROLLBACK;
