-- Rows written one at a time: insert_row() and update_row() do what INSERT and UPDATE do, whatever changed in between;
-- and what ingestion keeps in the backend follows its tables.
BEGIN;
SELECT no_plan();
SET LOCAL client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.parents (id uuid PRIMARY KEY);
CREATE TABLE shop.things (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    parent uuid REFERENCES shop.parents (id),
    name text NOT NULL CONSTRAINT things_name_check CHECK (length(name) BETWEEN 1 AND 10),
    size integer NOT NULL DEFAULT 7,
    note text DEFAULT 'new',
    doubled integer GENERATED ALWAYS AS (size * 2) STORED,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX things_name_key ON shop.things (lower(name)) WHERE size > 0;
CREATE TABLE shop.seen (n bigint GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION shop.before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name = 'skipped' THEN RETURN NULL; END IF;
    NEW.note := concat(NEW.note, '!');
    RETURN NEW;
END $$;
CREATE TRIGGER before BEFORE INSERT OR UPDATE ON shop.things FOR EACH ROW EXECUTE FUNCTION shop.before();
CREATE FUNCTION shop.after() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_child shop.things;
BEGIN
    INSERT INTO shop.seen (what) VALUES (TG_OP || ' ' || NEW.name);
    IF NEW.name = 'outer' THEN -- the table is being written to
        v_child.name := 'inner';
        v_child := saas.insert_row(v_child);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER after AFTER INSERT OR UPDATE ON shop.things FOR EACH ROW EXECUTE FUNCTION shop.after();
CREATE FUNCTION shop.of_size() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop.seen (what) VALUES ('size');
    RETURN NULL;
END $$;
CREATE TRIGGER of_size AFTER UPDATE OF size ON shop.things FOR EACH ROW EXECUTE FUNCTION shop.of_size();
CREATE FUNCTION pg_temp.thing(p_name text, p_size integer DEFAULT NULL, p_parent uuid DEFAULT NULL)
RETURNS shop.things LANGUAGE sql AS $$
    SELECT saas.with_columns(NULL::shop.things, '{name, size, parent}', p_name, p_size, p_parent)
$$;

-- Rows of columns.
SELECT is(pg_temp.thing('a', 3), ROW(NULL, NULL, 'a', 3, NULL, NULL)::shop.things, 'a row of three columns');
SELECT is((saas.with_columns(ROW(NULL, NULL, 'a', 3, 'n', 6)::shop.things, '{size}', NULL::integer)).note, 'n', 'others stay');
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.things, '{colour}', 'red'::text)$$, '42703', 'the row has no column "colour"', 'an unknown column');
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.things, '{size}', 3::bigint)$$, '42804', 'column "size" is of type integer, not bigint', 'another type');
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.things, '{size,name}', 3)$$, '42804', 'there is not one value for each column', 'too few values');
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.things, '{size}', VARIADIC ARRAY[3])$$, '42804', 'there is not one value for each column', 'an array of values');
SELECT throws_ok($$SELECT saas.with_columns(NULL::shop.things, NULL, 3)$$, '22004', 'no columns are named', 'no names');
SELECT throws_ok($$SELECT saas.with_columns(1, '{size}', 3)$$, '42809', 'the row is of no table', 'no row');

-- Inserting.
SELECT saas.insert_row(pg_temp.thing('first')) AS row \gset
SELECT results_eq('SELECT name, size, note, doubled FROM shop.things', $$VALUES ('first', 7, 'new!', 14)$$, 'defaults, trigger and generated column');
SELECT is((SELECT t FROM shop.things AS t), :'row'::shop.things, 'what is returned is what is stored');
SELECT is((SELECT string_agg(what, ',') FROM shop.seen), 'INSERT first', 'the AFTER trigger has run');
SELECT throws_ok($$SELECT saas.insert_row(pg_temp.thing(NULL))$$, '23502', NULL, 'NULL without a default');
SELECT throws_ok($$SELECT saas.insert_row(pg_temp.thing('eleven char'))$$, '23514', 'new row for relation "things" violates check constraint "things_name_check"', 'a CHECK');
SELECT throws_ok($$SELECT saas.insert_row(pg_temp.thing('FIRST'))$$, '23505', NULL, 'a unique index of an expression');
SELECT lives_ok($$SELECT saas.insert_row(pg_temp.thing('first', -1))$$, 'outside of the index''s predicate');
SELECT throws_ok($$SELECT saas.insert_row(pg_temp.thing('orphan', 1, '00000000-0000-7000-8000-00000000000f'))$$, '23503', NULL, 'a foreign key');
SELECT is(saas.insert_row(pg_temp.thing('skipped')), NULL, 'a trigger skips a row');
SELECT is((SELECT count(*) FROM shop.things), 2::bigint, 'which is not there; nor are those that failed');
SELECT saas.insert_row(pg_temp.thing('outer')) \g /dev/null
SELECT is((SELECT count(*) FROM shop.things WHERE name IN ('outer', 'inner')), 2::bigint, 'a trigger of the table inserts into it the same way');
SELECT throws_ok($$SELECT saas.insert_row(ROW(1, 2))$$, '42809', 'the row is of no table', 'a row of no table');

-- What changes between two rows counts for the second.
ALTER TABLE shop.things ADD CONSTRAINT things_size_check CHECK (size < 100);
SELECT throws_ok($$SELECT saas.insert_row(pg_temp.thing('big', 100))$$, '23514', NULL, 'a new constraint');
ALTER TABLE shop.things DROP CONSTRAINT things_size_check;
SELECT lives_ok($$SELECT saas.insert_row(pg_temp.thing('big', 100))$$, 'and one that has gone');
CREATE UNIQUE INDEX things_size_key ON shop.things (size) WHERE size > 50;
SELECT throws_ok($$SELECT saas.insert_row(pg_temp.thing('bigger', 100))$$, '23505', NULL, 'a new index');
CREATE OR REPLACE FUNCTION shop.before() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'other'; RETURN NEW; END $$;
SELECT is((saas.insert_row(pg_temp.thing('second'))).note, 'other', 'another text of the trigger''s function');
ALTER TABLE shop.things DISABLE TRIGGER before;
SELECT is((saas.insert_row(pg_temp.thing('third'))).note, 'new', 'a trigger that is off');
ALTER TABLE shop.things ADD COLUMN colour text NOT NULL DEFAULT 'red', DROP COLUMN note;
SELECT is((saas.insert_row(pg_temp.thing('fourth'))).colour, 'red', 'a column more and one less');
CREATE FUNCTION shop.statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop.seen (what) SELECT TG_OP || ' of ' || count(*) FROM fresh;
    RETURN NULL;
END $$;
CREATE TRIGGER statement AFTER INSERT ON shop.things REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION shop.statement();
CREATE TRIGGER statement_update AFTER UPDATE ON shop.things REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION shop.statement();
SELECT saas.insert_row(pg_temp.thing('fifth')) \g /dev/null
SELECT is((SELECT what FROM shop.seen ORDER BY n DESC LIMIT 1), 'INSERT of 1', 'a trigger for each statement with its rows');

-- Updating.
TRUNCATE shop.seen;
SELECT id AS fifth FROM shop.things WHERE name = 'fifth' \gset
SELECT is((saas.update_row(t)).id, :'fifth', 'the row as it is') FROM shop.things AS t WHERE id = :'fifth';
SELECT is_empty('SELECT FROM shop.seen', 'is not written');
SELECT is((saas.update_row(saas.with_columns(t, '{name}', 'five'::text))).name, 'five', 'a column') FROM shop.things AS t WHERE id = :'fifth';
SELECT results_eq('SELECT what FROM shop.seen ORDER BY n', $$VALUES ('UPDATE five'), ('UPDATE of 1')$$, 'no trigger of another column');
SELECT is((saas.update_row(saas.with_columns(t, '{size,doubled}', 9, 1))).doubled, 18, 'a generated column is computed') FROM shop.things AS t WHERE id = :'fifth';
SELECT is((SELECT count(*) FROM shop.seen WHERE what = 'size'), 1::bigint, 'the trigger of the column that differs');
SELECT throws_ok(format($$SELECT saas.update_row(saas.with_columns(t, '{name}', ''::text)) FROM shop.things AS t WHERE id = %L$$, :'fifth'), '23514', NULL, 'a CHECK');
SELECT throws_ok(format($$SELECT saas.update_row(saas.with_columns(t, '{name}', 'fourth'::text)) FROM shop.things AS t WHERE id = %L$$, :'fifth'), '23505', NULL, 'a unique index');
SELECT throws_ok(format($$SELECT saas.update_row(saas.with_columns(t, '{id}', saas.uuid_v7())) FROM shop.things AS t WHERE id = %L$$, :'fifth'), 'P0002', 'there is no such row in "things"', 'another key');
SELECT throws_ok($$SELECT saas.update_row(pg_temp.thing('no key'))$$, 'P0002', NULL, 'no key');
UPDATE shop.things SET colour = repeat(md5(random()::text), 1000) WHERE id = :'fifth';
SELECT saas.update_row(saas.with_columns(t, '{size}', 8)) FROM shop.things AS t WHERE id = :'fifth' \g /dev/null
SELECT is((SELECT (size, length(colour)) FROM shop.things WHERE id = :'fifth'), (8, 32000), 'a value out of line stays');
CREATE TABLE shop.keyless (n integer);
SELECT throws_ok($$SELECT saas.update_row(ROW(1)::shop.keyless)$$, '42809', '"keyless" has no primary key', 'a table without a key');
CREATE VIEW shop.view AS SELECT 1 AS n;
SELECT throws_ok($$SELECT saas.insert_row(ROW(1)::shop.view)$$, '42809', '"view" is not a plain table', 'a view');

-- Nobody gains a right.
SET LOCAL ROLE saas_service;
SELECT throws_ok($$SELECT saas.insert_row(t) FROM saas.teams AS t$$, '42501', 'permission denied for function insert_row', 'services may not');
RESET ROLE;
CREATE ROLE rows_other;
GRANT USAGE ON SCHEMA shop, saas TO rows_other;
GRANT EXECUTE ON FUNCTION saas.insert_row(anyelement), saas.update_row(anyelement) TO rows_other;
GRANT SELECT ON shop.things, shop.keyless TO rows_other;
SET LOCAL ROLE rows_other;
SELECT throws_ok($$SELECT saas.insert_row(ROW(1)::shop.keyless)$$, '42501', 'permission denied for table keyless', 'without the right to insert');
SELECT throws_ok($$SELECT saas.update_row(t) FROM shop.things AS t LIMIT 1$$, '42501', 'permission denied for table things', 'without the right to update');
RESET ROLE;
CREATE TABLE shop.unseen (id integer PRIMARY KEY, n integer);
INSERT INTO shop.unseen VALUES (1, 1);
GRANT UPDATE ON shop.unseen TO rows_other;
SET LOCAL ROLE rows_other;
SELECT throws_ok('SELECT saas.update_row(ROW(1, 2)::shop.unseen)', '42501', 'permission denied for table unseen', 'an update looks for its row, as UPDATE … WHERE does');
RESET ROLE;
GRANT SELECT ON shop.unseen TO rows_other;
SET LOCAL ROLE rows_other;
SELECT is((saas.update_row(ROW(1, 2)::shop.unseen)).n, 2, 'which takes both rights');
RESET ROLE;
GRANT INSERT ON shop.keyless TO rows_other;
ALTER TABLE shop.keyless ENABLE ROW LEVEL SECURITY;
SET LOCAL ROLE rows_other;
SELECT throws_ok($$SELECT saas.insert_row(ROW(1)::shop.keyless)$$, '42501', 'row-level security would filter what is written to "keyless"', 'where policies would have to be asked');
RESET ROLE;

-- Reference rows.
SELECT results_eq(
    $$SELECT (saas.find_provider_status(m.provider, m.object, m.provider_status)).* FROM saas.provider_status_map AS m ORDER BY m.provider, m.object, m.provider_status$$,
    $$SELECT m.state, m.stage, m.machine, m.reason FROM saas.provider_status_map AS m ORDER BY m.provider, m.object, m.provider_status$$,
    'every status');
SELECT is((SELECT s::text FROM saas.find_provider_status('stripe', 'event', 'none') AS s), '(,,,)', 'no status');
SELECT is((SELECT s::text FROM saas.find_provider_status('stripe', 'event', NULL) AS s), '(,,,)', 'NULL');
SELECT results_eq(
    $$SELECT (saas.find_currency(p, lower(c.code))).* FROM saas.currencies AS c, unnest('{stripe,adyen,razorpay,none}'::text[]) AS p WHERE c.exponent IS NOT NULL ORDER BY p, c.code$$,
    $$SELECT (saas.provider_currency(p, c.code)).* FROM saas.currencies AS c, unnest('{stripe,adyen,razorpay,none}'::text[]) AS p WHERE c.exponent IS NOT NULL ORDER BY p, c.code$$,
    'every currency of every provider');
SELECT is((saas.find_currency('stripe', c)).code, NULL, 'no currency: ' || c) FROM unnest('{XAU,EURO,"",€€€}'::text[]) AS c;
SAVEPOINT before;
UPDATE saas.provider_status_map SET reason = 'changed' WHERE provider = 'stripe' AND object = 'event' AND provider_status = 'charge.succeeded';
UPDATE saas.currencies SET exponent = 4 WHERE code = 'EUR';
SELECT is((saas.find_provider_status('stripe', 'event', 'charge.succeeded')).reason, 'changed', 'a change is seen at once');
SELECT is((saas.find_currency('stripe', 'eur')).exponent, 4, 'of a currency, too');
ROLLBACK TO before;
SELECT is((saas.find_currency('stripe', 'eur')).exponent, 2, 'and gone when it is taken back');
SELECT isnt((saas.find_provider_status('stripe', 'event', 'charge.succeeded')).reason, 'changed', 'likewise');

-- The lock is the same one.
SELECT is(saas.lock_object('00000000-0000-7000-8000-000000000001', 'stripe', 'pi_1'), 'pi_1', 'a lock returns its object');
SELECT saas.lock_provider_object('00000000-0000-7000-8000-000000000001', 'stripe', 'pi_1') \g /dev/null
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), 1::bigint, 'one lock by both functions');

\ir include/two_teams.sql
-- Columns of the owner's own stay what they are, and get their defaults.
ALTER TABLE saas.payments ADD COLUMN region text DEFAULT 'north', ADD COLUMN note_of_ours text;
ALTER TABLE saas.payment_intents ADD COLUMN region text DEFAULT 'north';
SELECT pg_temp.deliver(:'red', 'evt_own', '{"id": "ch_own", "object": "charge", "amount": 500, "captured": false, "currency": "usd", "status": "pending", "created": 1700000001}') \g /dev/null
UPDATE saas.payments SET note_of_ours = 'kept' WHERE provider_payment_id = 'ch_own';
SELECT pg_temp.deliver(:'red', 'evt_own_2', '{"id": "ch_own", "object": "charge", "amount": 500, "captured": true, "currency": "usd", "status": "succeeded", "created": 1700000001}') \g /dev/null
SELECT results_eq($$SELECT status, region, note_of_ours FROM saas.payments WHERE provider_payment_id = 'ch_own'$$, $$VALUES ('paid', 'north', 'kept')$$, 'columns of the owner''s own');

-- The ledger balances at the end of each transaction, whatever was found before.
SELECT id AS account FROM saas.ledger_accounts WHERE team_id = :'red' AND kind = 'sales' \gset
WITH t AS (
    INSERT INTO saas.ledger_transactions (team_id, kind, effective_at) VALUES (:'red', 'adjustment', now()) RETURNING id
)
SELECT id AS posted FROM t \gset
INSERT INTO saas.ledger_entries (team_id, transaction_id, account_id, amount, currency, effective_at)
SELECT team_id, :'posted', id, 5, currency, now() FROM saas.ledger_accounts WHERE team_id = :'red' AND id = :'account';
SAVEPOINT half;
INSERT INTO saas.ledger_entries (team_id, transaction_id, account_id, amount, currency, effective_at)
SELECT team_id, :'posted', id, -5, currency, now() FROM saas.ledger_accounts WHERE team_id = :'red' AND id = :'account';
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'two entries balance');
ROLLBACK TO half;
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', 'SA075', NULL, 'one that is left does not, although both were found to');
SELECT * FROM finish();
ROLLBACK;
