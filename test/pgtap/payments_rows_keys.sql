-- Foreign keys of rows that insert_row() and update_row() write hold as those of INSERT and UPDATE do.
BEGIN;
SELECT no_plan();
SET LOCAL client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.parents (id integer PRIMARY KEY, code integer UNIQUE, note text);
CREATE TABLE shop.pairs (a integer, b integer, UNIQUE (a, b));
CREATE TABLE shop.children (
    id integer PRIMARY KEY,
    parent integer CONSTRAINT children_parent_fkey REFERENCES shop.parents (id),
    later integer CONSTRAINT children_later_fkey REFERENCES shop.parents (code) DEFERRABLE INITIALLY DEFERRED,
    sooner integer CONSTRAINT children_sooner_fkey REFERENCES shop.parents (code) DEFERRABLE,
    above integer CONSTRAINT children_above_fkey REFERENCES shop.children (id),
    a integer,
    b integer,
    c integer,
    d integer,
    wide bigint CONSTRAINT children_wide_fkey REFERENCES shop.parents (id),
    CONSTRAINT children_a_b_fkey FOREIGN KEY (b, a) REFERENCES shop.pairs (b, a),
    CONSTRAINT children_c_d_fkey FOREIGN KEY (c, d) REFERENCES shop.pairs (a, b) MATCH FULL
);
INSERT INTO shop.parents VALUES (1, 10), (2, 20), (3, 30);
INSERT INTO shop.pairs VALUES (1, 2);
CREATE FUNCTION pg_temp.child(VARIADIC p_values integer[]) RETURNS shop.children LANGUAGE sql AS $$
    SELECT ROW(
        p_values[1], p_values[2], p_values[3], p_values[4], p_values[5], p_values[6], p_values[7],
        p_values[8], p_values[9], p_values[10]
    )::shop.children
$$;
CREATE FUNCTION pg_temp.violates(p_constraint text) RETURNS text LANGUAGE sql AS $$
    SELECT format('insert or update on table "children" violates foreign key constraint "%s"', p_constraint)
$$;

-- One column.
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(1, 1))', 'a key that is there');
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(2))', 'NULL');
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(3, 9))', '23503', pg_temp.violates('children_parent_fkey'), 'a key that is not');
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 3))', 'another type');
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 9))', '23503', pg_temp.violates('children_wide_fkey'), 'which is not there');

-- Several columns, in another order than the index.
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(4, NULL, NULL, NULL, NULL, 1, 2))', 'two columns');
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(5, NULL, NULL, NULL, NULL, 2, 1))', '23503', pg_temp.violates('children_a_b_fkey'), 'the other way round');
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(5, NULL, NULL, NULL, NULL, 9, NULL))', 'one of them NULL');
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(6, NULL, NULL, NULL, NULL, NULL, NULL, 1))', '23503', pg_temp.violates('children_c_d_fkey'), 'but not with MATCH FULL');
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(6, NULL, NULL, NULL, NULL, NULL, NULL, 1, 2))', 'which all columns fulfil');

-- A row that refers to its own table, also to itself.
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(7, NULL, NULL, NULL, 7))', 'a row that refers to itself');
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(8, NULL, NULL, NULL, 7))', 'to another one');
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(9, NULL, NULL, NULL, 99))', '23503', pg_temp.violates('children_above_fkey'), 'to none');

-- Constraints that wait.
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(11, NULL, 40))', 'a deferred key');
INSERT INTO shop.parents VALUES (4, 40);
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'is there in time');
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(12, NULL, 50))', '23503', pg_temp.violates('children_later_fkey'), 'and is not waited for any longer');
SET CONSTRAINTS ALL DEFERRED;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(12, NULL, NULL, 50))', 'one that can be deferred, and is');
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', '23503', pg_temp.violates('children_sooner_fkey'), 'and is never there');
UPDATE shop.children SET sooner = NULL WHERE id = 12;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(13, NULL, NULL, 50))', '23503', pg_temp.violates('children_sooner_fkey'), 'as it is by itself');

-- What the transaction itself has done, and taken back.
CREATE FUNCTION pg_temp.try_child(p_before text, p_again boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE p_before;
        PERFORM saas.insert_row(pg_temp.child(20, 5));
        RAISE EXCEPTION USING ERRCODE = 'P0001', MESSAGE = 'found';
    EXCEPTION WHEN raise_exception THEN
        IF NOT p_again THEN
            RETURN 'found';
        END IF;
    END;
    PERFORM saas.insert_row(pg_temp.child(20, 5));
    RETURN 'found twice';
END $$;
SELECT is(pg_temp.try_child('INSERT INTO shop.parents VALUES (5)', false), 'found', 'inserted by the transaction');
SELECT throws_ok($$SELECT pg_temp.try_child('INSERT INTO shop.parents VALUES (5)', true)$$, '23503', NULL, 'and taken back');
INSERT INTO shop.parents VALUES (5);
SELECT throws_ok($$SELECT pg_temp.try_child('DELETE FROM shop.parents WHERE id = 5', false)$$, '23503', NULL, 'deleted by the transaction');
SELECT throws_ok($$SELECT pg_temp.try_child('UPDATE shop.parents SET id = 6 WHERE id = 5', false)$$, '23503', NULL, 'another key');
SELECT is(pg_temp.try_child('UPDATE shop.parents SET note = ''x'' WHERE id = 5', true), 'found twice', 'another column');
SELECT throws_ok('DELETE FROM shop.parents WHERE id = 5', '23503', NULL, 'what is referred to stays');
DELETE FROM shop.children WHERE id = 20;
DO $$
BEGIN
    PERFORM saas.insert_row(pg_temp.child(20, 5));
    DELETE FROM shop.children WHERE id = 20;
    DELETE FROM shop.parents WHERE id = 5;
END $$;
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(20, 5))', '23503', NULL, 'a key that this transaction has found and then deleted');

-- Updates.
CREATE FUNCTION pg_temp.change(p_id integer, p_columns text[], VARIADIC p_values integer[]) RETURNS shop.children LANGUAGE plpgsql AS $$
DECLARE
    v_child shop.children;
BEGIN
    SELECT c.* INTO STRICT v_child FROM shop.children AS c WHERE c.id = p_id FOR UPDATE;
    FOR i IN 1 .. cardinality(p_columns) LOOP
        v_child := saas.with_columns(v_child, p_columns[i:i], p_values[i]);
    END LOOP;
    RETURN saas.update_row(v_child);
END $$;
SELECT is((pg_temp.change(1, '{parent}', 2)).parent, 2, 'another key that is there');
SELECT throws_ok($$SELECT pg_temp.change(1, '{parent}', 9)$$, '23503', pg_temp.violates('children_parent_fkey'), 'one that is not');
SELECT throws_ok($$SELECT pg_temp.change(4, '{b}', 7)$$, '23503', pg_temp.violates('children_a_b_fkey'), 'a column of two');
SELECT is((pg_temp.change(4, '{b}', NULL)).b, NULL, 'none');
SELECT is((pg_temp.change(2, '{parent,above}', 1, 2)).above, 2, 'two keys, one to itself');
SELECT throws_ok($$SELECT pg_temp.change(2, '{later}', 77)$$, '23503', pg_temp.violates('children_later_fkey'), 'one that can be deferred');
SET LOCAL session_replication_role = replica;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(21, 9))', 'rows of an origin that has checked them');
SET LOCAL session_replication_role = origin;
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(22, 9))', '23503', NULL, 'others are checked');
SELECT throws_ok($$SELECT pg_temp.change(21, '{above}', 21)$$, '23503', pg_temp.violates('children_parent_fkey'), 'a row of this transaction is checked whole again');
DELETE FROM shop.children WHERE id = 21;
ALTER TABLE shop.children DISABLE TRIGGER ALL;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(21, 9))', 'triggers that are off');
DELETE FROM shop.children WHERE id = 21;
ALTER TABLE shop.children ENABLE TRIGGER ALL;
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(21, 9))', '23503', NULL, 'and on again');

-- Triggers that come before the check, and after it.
CREATE FUNCTION shop.add_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop.parents (id) VALUES (NEW.parent) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER after AFTER INSERT ON shop.children FOR EACH ROW EXECUTE FUNCTION shop.add_parent();
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(30, 31))', '23503', NULL, 'the parent would come after the check');
ALTER TRIGGER after ON shop.children RENAME TO "Before";
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(30, 31))', 'it comes before');
CREATE OR REPLACE FUNCTION shop.add_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM shop.parents WHERE id = NEW.parent;
    RETURN NULL;
END $$;
INSERT INTO shop.parents VALUES (32);
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(32, 32))', '23503', 'update or delete on table "parents" violates foreign key constraint "children_parent_fkey" on table "children"', 'it goes before');
DROP TRIGGER "Before" ON shop.children;

-- What changes between two rows counts for the second.
ALTER TABLE shop.children DROP CONSTRAINT children_parent_fkey;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(40, 41))', 'no constraint any more');
ALTER TABLE shop.children ADD CONSTRAINT children_parent_fkey FOREIGN KEY (parent) REFERENCES shop.parents (code) NOT VALID;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(41, 20))', 'a key of another column');
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(42, 1))', '23503', pg_temp.violates('children_parent_fkey'), 'and not of the former one');
ALTER TABLE shop.children ALTER CONSTRAINT children_parent_fkey DEFERRABLE INITIALLY DEFERRED;
SET CONSTRAINTS ALL DEFERRED;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(42, 1))', 'which may now wait');
DELETE FROM shop.children WHERE id = 42;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE shop.children ALTER CONSTRAINT children_parent_fkey NOT DEFERRABLE;
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(42, 1))', '23503', NULL, 'and no longer');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.pairs_a_b_key'::regclass;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(43, NULL, NULL, NULL, NULL, 1, 2))', 'without a usable index the server checks');
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(44, NULL, NULL, NULL, NULL, 2, 2))', '23503', pg_temp.violates('children_a_b_fkey'), 'as well');

-- The referenced table is read with the rights of its owner.
CREATE ROLE rows_owner;
GRANT USAGE ON SCHEMA shop TO rows_owner;
ALTER TABLE shop.parents OWNER TO rows_owner;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(50, 10))', 'an owner with rights');
REVOKE SELECT ON shop.parents FROM rows_owner;
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(51, 10))', '42501', 'permission denied for table parents', 'and without them');
CREATE ROLE rows_readers;
GRANT SELECT ON shop.parents TO rows_readers;
GRANT rows_readers TO rows_owner;
SELECT lives_ok('SELECT saas.insert_row(pg_temp.child(51, 10))', 'as a member of another role');
REVOKE rows_readers FROM rows_owner;
SELECT throws_ok('SELECT saas.insert_row(pg_temp.child(52, 10))', '42501', 'permission denied for table parents', 'no longer a member');

SELECT * FROM finish();
ROLLBACK;
