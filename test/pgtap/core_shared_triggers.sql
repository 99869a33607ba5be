-- Triggers for tables of one's own: rows that are never deleted, arguments that are checked.
BEGIN;
SELECT plan(24);

CREATE SCHEMA shop;
CREATE TABLE shop.orders (id integer PRIMARY KEY, status text, note text, amount integer);
CREATE TABLE shop.items (id integer PRIMARY KEY, order_id integer REFERENCES shop.orders (id) ON DELETE CASCADE);
INSERT INTO shop.orders VALUES (1, 'pending'), (2, 'pending');
INSERT INTO shop.items VALUES (1, 1), (2, 2);

SELECT lives_ok($$SELECT saas.add_refuse_delete('shop.items')$$, 'a table keeps its rows');
SELECT throws_ok('DELETE FROM shop.items WHERE id = 1', 'SA033', NULL, 'DELETE is refused');
SELECT throws_ok('TRUNCATE shop.items', 'SA033', NULL, 'so is TRUNCATE');
SELECT throws_ok('TRUNCATE shop.orders CASCADE', 'SA033', NULL, 'of the parent as well');
CREATE FUNCTION pg_temp.delete_item() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM shop.items; RETURN NULL; END';
CREATE TRIGGER by_trigger AFTER UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION pg_temp.delete_item();
SELECT throws_ok('UPDATE shop.orders SET id = id', 'SA033', NULL, 'and a DELETE in a trigger');
DROP TRIGGER by_trigger ON shop.orders;
SELECT lives_ok('DELETE FROM shop.orders WHERE id = 1', 'a cascade takes the row along');
SELECT is((SELECT count(*)::integer FROM shop.items), 1, 'as the foreign key says');
SELECT lives_ok($$SELECT saas.add_refuse_delete('shop.items', true)$$, 'unless strict');
SELECT throws_ok('DELETE FROM shop.orders', 'SA033', NULL, 'when a cascade is refused, too');

SELECT throws_ok($$SELECT saas.add_state_machine('shop.orders', 'no_machine')$$, '42704', NULL, 'an unknown machine is refused at once');
SELECT throws_ok($$SELECT saas.add_state_machine('shop.orders', 'refund', 'stat')$$, 'SA034', NULL, 'so is a column that is not there');
SELECT throws_ok($$SELECT saas.add_state_machine('shop.orders', 'refund', 'amount')$$, 'SA034', NULL, 'one of another type');
SELECT throws_ok($$SELECT saas.add_state_machine('shop.orders', 'refund', 'status', 'source')$$, 'SA034', NULL, 'and a source that is not there');
SELECT lives_ok($$SELECT saas.add_state_machine('shop.orders', 'refund')$$, 'the right ones do');
SELECT throws_ok($$UPDATE shop.orders SET status = 'nonsense'$$, 'SA070', NULL, 'and hold');
SELECT throws_ok($$SELECT saas.add_immutable('shop.orders', 'note', 'nothing')$$, 'SA034', NULL, 'immutable columns exist');
SELECT lives_ok($$SELECT saas.add_immutable('shop.orders', 'note')$$, 'as here');
SELECT throws_ok($$UPDATE shop.orders SET note = 'x'$$, 'SA071', NULL, 'and stay');
SELECT is_empty($$SELECT * FROM saas.validate_triggers()$$, 'validate() finds no wrong trigger');

CREATE TRIGGER bad_machine BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('no_machine', 'status');
CREATE TRIGGER bad_column BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION saas.enforce_immutable('größe');
CREATE TRIGGER bad_time AFTER UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE TRIGGER bad_argument BEFORE DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION saas.refuse_delete('sometimes');
SELECT results_eq($$SELECT object, finding FROM saas.validate() WHERE object LIKE 'bad\_%' ORDER BY object, finding COLLATE "C"$$,
    $$VALUES ('bad_argument ON shop.orders', 'saas.refuse_delete() does not take these arguments'),
        ('bad_column ON shop.orders', 'the table has no column "größe"'),
        ('bad_machine ON shop.orders', 'there is no state machine ''no_machine'''),
        ('bad_time ON shop.orders', 'the table has no column updated_at of type timestamp with time zone'),
        ('bad_time ON shop.orders', 'the trigger fires at the wrong time for saas.set_updated_at()')$$, 'and those that the server let pass');
SELECT throws_ok('DELETE FROM shop.orders', '39P01', NULL, 'a wrong argument is refused when the trigger fires');
CREATE TRIGGER misplaced BEFORE INSERT ON shop.items FOR EACH ROW EXECUTE FUNCTION saas.refuse_delete();
SELECT throws_ok('INSERT INTO shop.items VALUES (9, NULL)', '39P01', NULL, 'so is a wrong time');
SELECT is(length(saas.random_token()), 64, 'a random token has 256 bits');
SELECT isnt(saas.random_token(), saas.random_token(), 'and is another each time');
SELECT * FROM finish();
ROLLBACK;
