-- insert_row() and update_row() where INSERT and UPDATE refuse, cascade to other tables, or depend on types and roles.
BEGIN;
SELECT no_plan();
SET LOCAL client_min_messages = error;
CREATE SCHEMA shop;

-- What is no row.
SELECT throws_ok('SELECT saas.insert_row(5)', '42809', 'the row is of no table', 'a number');
SELECT throws_ok($$SELECT saas.insert_row('a'::text)$$, '42809', 'the row is of no table', 'a text');
SELECT throws_ok('SELECT saas.update_row(ARRAY[1])', '42809', 'the row is of no table', 'an array');

-- What modifies a column's type counts as in an assignment.
CREATE TABLE shop.lengths (id integer PRIMARY KEY, code varchar(3), price numeric(5, 2), codes varchar(3)[]);
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.lengths, '{code}', 'four'::varchar)$$, '22001', 'value too long for type character varying(3)', 'a text that is too long');
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.lengths, '{code}', 'four'::varchar(4))$$, '22001', NULL, 'though of some length');
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.lengths, '{price}', 1234.567::numeric)$$, '22003', 'numeric field overflow', 'a number that is too large');
SELECT is((saas.with_columns(NULL::shop.lengths, '{price}', 1.567::numeric)).price, 1.57, 'a number is rounded');
SELECT is((saas.with_columns(NULL::shop.lengths, '{code}', 'abc'::varchar(3))).code, 'abc', 'a text that fits');
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.lengths, '{codes}', ARRAY['four']::varchar[])$$, '42804', 'column "codes" is of type character varying(3)[]', 'an array has to be cast');
SELECT is((saas.with_columns(NULL::shop.lengths, '{codes}', ARRAY['abc']::varchar(3)[])).codes, '{abc}', 'and can be');

-- A foreign key that cascades leaves the triggers of the other table to the statement.
CREATE TABLE shop.parents (id integer PRIMARY KEY, code integer NOT NULL UNIQUE);
CREATE TABLE shop.children (id integer PRIMARY KEY, code integer REFERENCES shop.parents (code) ON UPDATE CASCADE);
CREATE TABLE shop.seen (n bigint GENERATED ALWAYS AS IDENTITY, code integer);
CREATE FUNCTION shop.after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop.seen (code) VALUES (NEW.code);
    RETURN NULL;
END $$;
CREATE TRIGGER after AFTER UPDATE ON shop.children FOR EACH ROW EXECUTE FUNCTION shop.after();
INSERT INTO shop.parents VALUES (1, 1);
INSERT INTO shop.children VALUES (1, 1);
SELECT saas.update_row(ROW(1, 2)::shop.parents) \g /dev/null
SELECT saas.update_row(ROW(1, 3)::shop.parents) \g /dev/null
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE shop.children ADD COLUMN note text; -- 55006 if it were still open
SELECT saas.update_row(ROW(1, 4)::shop.parents) \g /dev/null
SELECT results_eq('SELECT code FROM shop.children', 'VALUES (4)', 'the key cascades');
SELECT results_eq('SELECT code FROM shop.seen ORDER BY n', 'VALUES (2), (3), (4)', 'and the other table''s triggers run');

-- A BEFORE trigger that writes its own row.
CREATE FUNCTION shop.itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN UPDATE shop.seen SET code = 9 WHERE n = NEW.n; END IF;
    RETURN NEW;
END $$;
ALTER TABLE shop.seen ADD PRIMARY KEY (n);
CREATE TRIGGER itself BEFORE UPDATE ON shop.seen FOR EACH ROW EXECUTE FUNCTION shop.itself();
SELECT throws_ok('SELECT saas.update_row(ROW(1, 5)::shop.seen)', '27000', 'a trigger of "seen" has changed the row that is to be updated', 'is no race to be tried again');

-- Identity.
SELECT throws_ok('SELECT saas.insert_row(ROW(77, 1)::shop.seen)', '428C9', 'column "n" is GENERATED ALWAYS', 'a number of one''s own');
SELECT is((saas.insert_row(ROW(NULL, 1)::shop.seen)).n, 4::bigint, 'the next one');

-- Domains.
CREATE DOMAIN shop.size AS integer CHECK (VALUE > 0);
CREATE DOMAIN shop.required AS integer;
CREATE TABLE shop.things (id integer PRIMARY KEY, size integer DEFAULT 5::shop.size, other shop.required);
SELECT lives_ok('SELECT saas.insert_row(ROW(1, NULL, NULL)::shop.things)', 'defaults of domains');
ALTER DOMAIN shop.size ADD CHECK (VALUE > 7);
SELECT throws_ok('SELECT saas.insert_row(ROW(2, NULL, NULL)::shop.things)', '23514', NULL, 'a new constraint of a domain');
SELECT lives_ok('SELECT saas.insert_row(ROW(2, 8, NULL)::shop.things)', 'concerns the default alone');
DELETE FROM shop.things;
ALTER DOMAIN shop.required SET NOT NULL;
SELECT throws_ok($$SELECT saas.insert_row(saas.with_columns(NULL::shop.things, '{id,size}', 3, 8))$$, '23502', 'domain shop.required does not allow null values', 'a domain that must not be NULL');

-- What is published needs an identity.
INSERT INTO shop.things VALUES (4, 8, 1);
ALTER TABLE shop.things REPLICA IDENTITY NOTHING;
SELECT lives_ok('SELECT saas.update_row(ROW(4, 9, 1)::shop.things)', 'without a publication');
CREATE PUBLICATION things FOR TABLE shop.things;
SELECT throws_ok('SELECT saas.update_row(ROW(4, 10, 1)::shop.things)', '55000', NULL, 'an update that subscribers could not follow');
ALTER TABLE shop.things REPLICA IDENTITY DEFAULT;
SELECT lives_ok('SELECT saas.update_row(ROW(4, 10, 1)::shop.things)', 'with the primary key they can');

-- The right to call what a default calls is that of each role.
CREATE FUNCTION shop.three() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 3; END';
REVOKE ALL ON FUNCTION shop.three() FROM PUBLIC;
CREATE TABLE shop.numbers (id integer PRIMARY KEY, n integer DEFAULT shop.three());
CREATE ROLE rows_other;
GRANT USAGE ON SCHEMA shop, saas TO rows_other;
GRANT INSERT ON shop.numbers TO rows_other;
GRANT EXECUTE ON FUNCTION saas.insert_row(anyelement) TO rows_other;
SELECT is((saas.insert_row(ROW(1, NULL)::shop.numbers)).n, 3, 'the owner may');
SET LOCAL ROLE rows_other;
SELECT throws_ok('SELECT saas.insert_row(ROW(2, NULL)::shop.numbers)', '42501', 'permission denied for function three', 'another role may not');
RESET ROLE;

-- As in SQL, origins of replication fire no triggers of others.
CREATE TRIGGER after AFTER INSERT ON shop.things FOR EACH ROW EXECUTE FUNCTION shop.after();
SET LOCAL session_replication_role = replica;
SELECT lives_ok('SELECT saas.insert_row(ROW(5, 8, 1)::shop.things)', 'a replica does not run the trigger, which would fail');
SET LOCAL session_replication_role = origin;
SELECT throws_ok('SELECT saas.insert_row(ROW(6, 8, 1)::shop.things)', '42703', NULL, 'an origin does');
ALTER TABLE shop.things DISABLE TRIGGER after;

-- Tables that are gone leave nothing behind.
DO $$
BEGIN
    FOR i IN 1 .. 50 LOOP
        EXECUTE 'CREATE TABLE shop.passing (id integer PRIMARY KEY)';
        EXECUTE 'SELECT saas.insert_row(ROW(1)::shop.passing)';
        DROP TABLE shop.passing;
    END LOOP;
END $$;
SELECT cmp_ok((SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'saas prepared table'), '<', 20::bigint, 'what was prepared for dropped tables is forgotten');

SET LOCAL transaction_read_only = on;
SELECT throws_ok('SELECT saas.insert_row(ROW(7, 8, 1)::shop.things)', '25006', 'cannot execute INSERT in a read-only transaction', 'a transaction that only reads');
SELECT throws_ok('SELECT saas.update_row(ROW(4, 8, 1)::shop.things)', '25006', 'cannot execute UPDATE in a read-only transaction', 'neither');

SELECT * FROM finish();
ROLLBACK;
