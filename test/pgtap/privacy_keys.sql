-- Foreign keys to rows that go when people are erased together: looked after once a statement, or by the server's triggers, and the
-- same comes of it.
BEGIN;
SELECT no_plan();
CREATE SCHEMA shop;
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    buyer uuid NOT NULL REFERENCES saas.users (id),
    code text UNIQUE,
    place integer NOT NULL DEFAULT 0,
    answers bigint REFERENCES shop.orders (id) ON DELETE SET NULL,
    UNIQUE (place, code)
);
CREATE INDEX ON shop.orders (buyer);
CREATE INDEX ON shop.orders (answers);
-- Keys that the map does not know.
CREATE TABLE shop.cascading (order_id bigint NOT NULL REFERENCES shop.orders (id) ON DELETE CASCADE, line integer, PRIMARY KEY (order_id, line));
CREATE TABLE shop.below (order_id bigint, line integer, word text, FOREIGN KEY (order_id, line) REFERENCES shop.cascading ON DELETE CASCADE);
CREATE TABLE shop.emptied (id integer PRIMARY KEY, code text REFERENCES shop.orders (code) ON DELETE SET NULL);
CREATE TABLE shop.half_emptied (id integer PRIMARY KEY, place integer NOT NULL, code text, FOREIGN KEY (place, code) REFERENCES shop.orders (place, code) ON DELETE SET NULL (code));
CREATE TABLE shop.defaulted (id integer PRIMARY KEY, order_id bigint DEFAULT NULL REFERENCES shop.orders (id) ON DELETE SET DEFAULT);
CREATE TABLE shop.noting (user_id uuid REFERENCES saas.users (id) ON DELETE CASCADE, month integer) PARTITION BY LIST (month);
CREATE TABLE shop.noting_1 PARTITION OF shop.noting FOR VALUES IN (1);
CREATE TABLE shop.noting_2 PARTITION OF shop.noting FOR VALUES IN (2);
CREATE TABLE shop.refusing (order_id bigint REFERENCES shop.orders (id));
CREATE TABLE shop.heir () INHERITS (shop.refusing);
CREATE TABLE shop.narrow (order_id integer REFERENCES shop.orders (id) ON DELETE RESTRICT);
CREATE TABLE shop.worded (code varchar(50) REFERENCES shop.orders (code));
CREATE TABLE shop.deferred (order_id bigint REFERENCES shop.orders (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE shop.paired (code text, place integer, FOREIGN KEY (place, code) REFERENCES shop.orders (place, code) ON DELETE RESTRICT);
CREATE TABLE shop.people_of_old (user_id uuid REFERENCES saas.users (id)) PARTITION BY HASH (user_id);
CREATE TABLE shop.people_of_old_0 PARTITION OF shop.people_of_old FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE shop.hidden (order_id bigint REFERENCES shop.orders (id));
ALTER TABLE shop.hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- Tables with triggers of somebody's own, partitions and heirs.
CREATE TABLE shop.letters (id bigint PRIMARY KEY, writer uuid NOT NULL REFERENCES saas.users (id));
CREATE TABLE shop.lines (letter bigint REFERENCES shop.letters (id) ON DELETE CASCADE);
CREATE TABLE shop.removed (what text);
CREATE FUNCTION shop.note_removal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO shop.removed SELECT format('letter %s with %s lines left', OLD.id, count(*)) FROM shop.lines AS l WHERE l.letter = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER zz_note_removal AFTER DELETE ON shop.letters FOR EACH ROW EXECUTE FUNCTION shop.note_removal();
CREATE TABLE shop.stubborn (id bigint PRIMARY KEY, owner uuid NOT NULL REFERENCES saas.users (id));
CREATE FUNCTION shop.keep_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN OLD.id > 1 THEN OLD END;
END
$$;
CREATE TRIGGER keep_one BEFORE DELETE ON shop.stubborn FOR EACH ROW EXECUTE FUNCTION shop.keep_one();
CREATE TABLE shop.visits (id bigint, visitor uuid NOT NULL REFERENCES saas.users (id), month integer, PRIMARY KEY (month, id)) PARTITION BY LIST (month);
CREATE TABLE shop.visits_1 PARTITION OF shop.visits FOR VALUES IN (1);
CREATE TABLE shop.visits_2 PARTITION OF shop.visits FOR VALUES IN (2);
CREATE TABLE shop.pages (month integer, visit bigint, FOREIGN KEY (month, visit) REFERENCES shop.visits ON DELETE CASCADE);
CREATE TABLE shop.gifts (id bigint PRIMARY KEY, giver uuid NOT NULL);
CREATE TABLE shop.large_gifts () INHERITS (shop.gifts);
CREATE TABLE shop.wrappings (gift bigint REFERENCES shop.gifts (id) ON DELETE CASCADE);
GRANT USAGE ON SCHEMA shop TO saas_internal;
GRANT SELECT, UPDATE, DELETE ON shop.orders, shop.letters, shop.stubborn, shop.visits, shop.gifts TO saas_internal;
SELECT saas.declare_personal_data('shop.orders', 'buyer', '{buyer}'), saas.declare_personal_data('shop.letters', 'writer', '{writer}'),
    saas.declare_personal_data('shop.stubborn', 'owner', '{owner}'), saas.declare_personal_data('shop.visits', 'visitor', '{visitor}'),
    saas.declare_personal_data('shop.gifts', 'giver', '{giver}', p_kind => 'column') \g /dev/null
CREATE TEMPORARY TABLE people AS SELECT n, saas.create_user(format('keys%s@example.org', n), format('Keys Number%s', n)) AS id FROM generate_series(1, 12) AS n;
CREATE FUNCTION pg_temp.person(p_number integer) RETURNS uuid LANGUAGE sql AS $$SELECT p.id FROM people AS p WHERE p.n = p_number$$;
CREATE FUNCTION pg_temp.orders_of(p_number integer) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(o.id ORDER BY o.id) FROM shop.orders AS o WHERE o.buyer = pg_temp.person(p_number)
$$;
INSERT INTO shop.orders (buyer, code) SELECT p.id, format('order %s of %s', k, p.n) FROM people AS p CROSS JOIN generate_series(1, 2) AS k ORDER BY p.n, k;
-- Without what a failure is tried again by: its SQLSTATE, the table, and what is said of the key, with the row's values by the server alone.
CREATE FUNCTION pg_temp.erase(p_number integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
    v_table text;
    v_detail text;
BEGIN
    PERFORM FROM saas.erase_people('erase', saas.privacy_state(), ARRAY[pg_temp.person(p_number)], ARRAY[gen_random_uuid()], ARRAY['\x00'::bytea],
        '\x000102030405060708090a0b0c0d0e0f', true, 1000);
    RETURN 'erased';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_table = TABLE_NAME, v_detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', v_state, NULLIF(v_table, ''), CASE v_state WHEN '23503' THEN v_detail END);
END
$$;
CREATE FUNCTION pg_temp.status(p_number integer) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', e.status, e.status_reason) FROM saas.gdpr_erase_users(ARRAY[pg_temp.person(p_number)], p_strict => false) AS e
$$;

-- They do what they say.
INSERT INTO shop.cascading SELECT o.id, l FROM shop.orders AS o CROSS JOIN generate_series(1, 3) AS l WHERE o.buyer IN (pg_temp.person(1), pg_temp.person(2));
INSERT INTO shop.below SELECT c.order_id, c.line, 'x' FROM shop.cascading AS c;
INSERT INTO shop.emptied SELECT o.id, o.code FROM shop.orders AS o WHERE o.buyer IN (pg_temp.person(1), pg_temp.person(2));
INSERT INTO shop.half_emptied SELECT o.id, 0, o.code FROM shop.orders AS o WHERE o.buyer IN (pg_temp.person(1), pg_temp.person(2));
INSERT INTO shop.defaulted SELECT o.id, o.id FROM shop.orders AS o WHERE o.buyer IN (pg_temp.person(1), pg_temp.person(2));
INSERT INTO shop.noting SELECT pg_temp.person(p), m FROM generate_series(1, 2) AS p CROSS JOIN generate_series(1, 2) AS m;
UPDATE shop.orders SET answers = (pg_temp.orders_of(1))[1] WHERE id = (pg_temp.orders_of(2))[1];
UPDATE shop.orders SET answers = (pg_temp.orders_of(1))[2] WHERE id = (pg_temp.orders_of(1))[1];
CREATE FUNCTION pg_temp.left_over() RETURNS TABLE (what text, has bigint, emptied bigint) LANGUAGE sql AS $$
    SELECT 'below', count(*), count(*) FILTER (WHERE b.order_id IS NULL) FROM shop.below AS b
    UNION ALL SELECT 'cascading', count(*), 0 FROM shop.cascading
    UNION ALL SELECT 'defaulted', count(*), count(*) FILTER (WHERE d.order_id IS NULL) FROM shop.defaulted AS d
    UNION ALL SELECT 'emptied', count(*), count(*) FILTER (WHERE e.code IS NULL) FROM shop.emptied AS e
    UNION ALL SELECT 'half_emptied', count(*), count(*) FILTER (WHERE h.code IS NULL AND h.place = 0) FROM shop.half_emptied AS h
    UNION ALL SELECT 'noting', count(*), 0 FROM shop.noting
    UNION ALL SELECT 'orders', count(*), count(*) FILTER (WHERE o.answers IS NULL) FROM shop.orders AS o WHERE o.buyer IN (pg_temp.person(1), pg_temp.person(2))
$$;
SELECT results_eq('SELECT * FROM pg_temp.left_over()', $$VALUES ('below', 12::bigint, 0::bigint), ('cascading', 12, 0), ('defaulted', 4, 0), ('emptied', 4, 0),
    ('half_emptied', 4, 0), ('noting', 4, 0), ('orders', 4, 2)$$, 'rows that refer to two people''s');
SAVEPOINT before;
SELECT is(pg_temp.erase(1), 'erased', 'one of them is erased');
SELECT results_eq('SELECT * FROM pg_temp.left_over()', $$VALUES ('below', 6::bigint, 0::bigint), ('cascading', 6, 0), ('defaulted', 4, 2), ('emptied', 4, 2),
    ('half_emptied', 4, 2), ('noting', 2, 0), ('orders', 2, 2)$$, 'the other''s rows stay: cascades go down, columns are emptied, partitions and rows of the same table too');
ROLLBACK TO before;
DELETE FROM shop.orders WHERE buyer = pg_temp.person(1);
DELETE FROM saas.users WHERE id = pg_temp.person(1);
SELECT results_eq('SELECT * FROM pg_temp.left_over()', $$VALUES ('below', 6::bigint, 0::bigint), ('cascading', 6, 0), ('defaulted', 4, 2), ('emptied', 4, 2),
    ('half_emptied', 4, 2), ('noting', 2, 0), ('orders', 2, 2)$$, 'as by a DELETE statement');
ROLLBACK TO before;

-- A trigger of somebody's own after DELETE sees what the server's have done for the row before.
INSERT INTO shop.letters SELECT n, pg_temp.person(1) FROM generate_series(1, 2) AS n;
INSERT INTO shop.lines SELECT l.id FROM shop.letters AS l;
SELECT is(pg_temp.erase(1), 'erased', 'a table with a trigger after DELETE');
SELECT results_eq('SELECT what FROM shop.removed ORDER BY 1', $$VALUES ('letter 1 with 0 lines left'), ('letter 2 with 0 lines left')$$, 'which is called for each row, after what cascades');
ROLLBACK TO before;

-- One that keeps a row: what erases people together leaves it to the way step by step, which notices.
INSERT INTO shop.stubborn SELECT n, pg_temp.person(3) FROM generate_series(1, 2) AS n;
SELECT is(pg_temp.erase(3), 'SA134', 'triggers that keep rows are not for many at once');
SELECT matches(pg_temp.status(3), '^blocked 23503: shop\.stubborn', 'a row that stays keeps its person, and that is said');
SELECT is((SELECT count(*) FROM saas.users WHERE id = pg_temp.person(3)), 1::bigint, 'who is still there');
ROLLBACK TO before;

-- Keys that refuse.
INSERT INTO shop.refusing VALUES ((pg_temp.orders_of(4))[1]);
SELECT is(pg_temp.erase(4), '23503 refusing Key is still referenced from table "refusing".', 'a row that refers to one that goes');
SELECT is((SELECT count(*) FROM shop.orders WHERE buyer = pg_temp.person(4)), 2::bigint, 'keeps all of it');
SELECT is(pg_temp.status(4), 'blocked 23503: shop.refusing: the last call failed; saas.run_deletion_request() says more', 'and is told, without values');
SELECT is(pg_temp.erase(5), 'erased', 'nobody else minds');
ROLLBACK TO before;
INSERT INTO shop.deferred VALUES ((pg_temp.orders_of(4))[1]);
SELECT is(pg_temp.status(4), 'blocked 23503: shop.deferred: the last call failed; saas.run_deletion_request() says more', 'a deferred key blocks the request as well');
SELECT is(pg_temp.erase(4), 'erased', 'since it is asked later');
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', '23503', NULL, 'before the transaction ends');
ROLLBACK TO before;
INSERT INTO shop.narrow VALUES ((pg_temp.orders_of(4))[1]);
SELECT is(pg_temp.erase(4), '23503 narrow Key is still referenced from table "narrow".', 'a key of another type refuses');
ROLLBACK TO before;
INSERT INTO shop.worded SELECT o.code FROM shop.orders AS o WHERE o.id = (pg_temp.orders_of(4))[1];
SELECT is(pg_temp.erase(4), '23503 worded Key (code)=(order 1 of 4) is still referenced from table "worded".', 'one that is compared as a third type is the server''s matter');
ROLLBACK TO before;
INSERT INTO shop.paired SELECT o.code, NULL FROM shop.orders AS o WHERE o.buyer = pg_temp.person(6);
INSERT INTO shop.paired SELECT o.code, 0 FROM shop.orders AS o WHERE o.buyer = pg_temp.person(4);
SELECT is(pg_temp.erase(6), 'erased', 'a key of two columns of which one is NULL does not refer');
SELECT is(pg_temp.erase(4), '23503 paired Key is still referenced from table "paired".', 'it does where both are there');
ROLLBACK TO before;
INSERT INTO shop.people_of_old VALUES (pg_temp.person(7));
SELECT is(pg_temp.erase(7), '23503 people_of_old Key is still referenced from table "people_of_old".', 'partitions refer through their table');
SELECT is(pg_temp.erase(8), 'erased', 'and not to others');
ROLLBACK TO before;
INSERT INTO shop.heir VALUES ((pg_temp.orders_of(8))[1]);
SELECT is(pg_temp.erase(8), 'erased', 'heirs do not inherit a key');
ROLLBACK TO before;
INSERT INTO shop.hidden VALUES ((pg_temp.orders_of(4))[1]);
SELECT is(pg_temp.erase(4), '23503 hidden Key is still referenced from table "hidden".', 'row-level security hides no row from a key');
ALTER TABLE shop.orders DISABLE TRIGGER ALL;
SELECT is(pg_temp.erase(4), 'erased', 'which is not asked while the triggers of its table are disabled');
ROLLBACK TO before;

-- Rows in partitions and heirs that go.
INSERT INTO shop.visits SELECT 10 * p + m, pg_temp.person(p), m FROM generate_series(1, 2) AS p CROSS JOIN generate_series(1, 2) AS m;
INSERT INTO shop.pages SELECT v.month, v.id FROM shop.visits AS v;
INSERT INTO shop.gifts SELECT p, pg_temp.person(p) FROM generate_series(1, 2) AS p;
INSERT INTO shop.wrappings SELECT g.id FROM shop.gifts AS g;
INSERT INTO shop.large_gifts SELECT 10 + p, pg_temp.person(p) FROM generate_series(1, 2) AS p;
SELECT is(pg_temp.erase(1), 'erased', 'rows in partitions and heirs');
SELECT results_eq($$SELECT (SELECT count(*) FROM shop.visits), (SELECT count(*) FROM shop.pages), (SELECT count(*) FROM shop.gifts), (SELECT count(*) FROM shop.wrappings)$$,
    'VALUES (2::bigint, 2::bigint, 2::bigint, 1::bigint)', 'go with what refers to them');
ROLLBACK TO before;

-- The same key from its other table: rows that came together go together, and the other way round.
SELECT is(saas.insert_together('INSERT INTO shop.cascading SELECT u.id, 1 FROM unnest($1) AS u (id) RETURNING order_id', pg_temp.orders_of(10)), 2::bigint, 'rows that refer are added together');
SELECT is(pg_temp.erase(10), 'erased', 'in the session that erases whom they are of');
SELECT is((SELECT count(*) FROM shop.cascading AS c WHERE NOT EXISTS (SELECT FROM shop.orders AS o WHERE o.id = c.order_id)), 0::bigint, 'with which they go');
SELECT is(saas.insert_together('INSERT INTO shop.refusing SELECT u.id FROM unnest($1) AS u (id) RETURNING order_id', pg_temp.orders_of(11)), 2::bigint, 'a key that was looked after in rows that went');
SELECT is(pg_temp.erase(11), '23503 refusing Key is still referenced from table "refusing".', 'is looked after in rows that came, and then refuses');
SELECT throws_ok($$SELECT saas.insert_together('INSERT INTO shop.refusing SELECT u.id FROM unnest($1) AS u (id) RETURNING order_id', ARRAY[-1::bigint])$$, '23503', NULL, 'as it does what refers to nothing');
ROLLBACK TO before;

-- Trees: what the server's triggers delete leads to more rows of the table, whose keys count as well.
CREATE TABLE shop.topics (id bigint PRIMARY KEY, starter uuid REFERENCES saas.users (id), above bigint);
CREATE TABLE shop.boards (id bigint PRIMARY KEY, topic bigint REFERENCES shop.topics (id) ON DELETE CASCADE DEFERRABLE);
CREATE TABLE shop.pinned (topic bigint REFERENCES shop.topics (id));
ALTER TABLE shop.topics ADD board bigint REFERENCES shop.boards (id) ON DELETE CASCADE;
CREATE INDEX ON shop.topics (starter);
GRANT SELECT, UPDATE, DELETE ON shop.topics TO saas_internal;
SELECT saas.declare_personal_data('shop.topics', 'starter', '{starter}') \g /dev/null
INSERT INTO shop.topics VALUES (1, pg_temp.person(1), NULL, NULL), (2, NULL, 1, NULL), (3, NULL, 2, NULL);
INSERT INTO shop.boards VALUES (1, 1);
INSERT INTO shop.topics VALUES (4, NULL, NULL, 1);
SAVEPOINT topics;
ALTER TABLE shop.topics ADD FOREIGN KEY (above) REFERENCES shop.topics (id) ON DELETE CASCADE DEFERRABLE;
SELECT is(pg_temp.erase(1), 'erased', 'a tree goes');
SELECT is((SELECT count(*) FROM shop.topics), 0::bigint, 'whole, also by way of another table');
ROLLBACK TO topics;
ALTER TABLE shop.topics ADD FOREIGN KEY (above) REFERENCES shop.topics (id) ON DELETE CASCADE DEFERRABLE;
INSERT INTO shop.pinned VALUES (3);
SELECT is(pg_temp.erase(1), '23503 pinned Key (id)=(3) is still referenced from table "pinned".', 'a row below that is referred to keeps it');
ROLLBACK TO topics;
ALTER TABLE shop.topics ADD FOREIGN KEY (above) REFERENCES shop.topics (id) ON DELETE CASCADE;
INSERT INTO shop.pinned VALUES (3);
CREATE FUNCTION shop.do_nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER zz_nothing AFTER DELETE ON shop.topics FOR EACH ROW EXECUTE FUNCTION shop.do_nothing();
SELECT is(pg_temp.erase(1), '23503 pinned Key (id)=(3) is still referenced from table "pinned".', 'and beside a trigger of somebody''s own');
ROLLBACK TO topics;
INSERT INTO shop.pinned VALUES (4);
SELECT is(pg_temp.erase(1), '23503 pinned Key (id)=(4) is still referenced from table "pinned".', 'and one that is reached by way of another table');
ROLLBACK TO before;

-- What is counted is what goes.
CREATE TEMPORARY TABLE counted AS
SELECT e.table_name, e.action, e.records FROM saas.gdpr_erase(pg_temp.person(9), p_strict => false, p_dry_run => true) AS e WHERE e.records > 0;
SELECT results_eq($$SELECT e.table_name, e.action, e.records FROM saas.gdpr_erase(pg_temp.person(9), p_strict => false) AS e WHERE e.records > 0 ORDER BY 1, 2$$,
    'SELECT c.table_name, c.action, c.records FROM counted AS c ORDER BY 1, 2', 'the dry run counts what an erasure does');
SELECT is((SELECT string_agg(concat(c.table_name, ' ', c.records), ', ' ORDER BY 1) FROM counted AS c WHERE c.table_name LIKE 'shop.%'), 'shop.orders 2', 'rows of the shop among it');
SELECT * FROM finish();
ROLLBACK;
