-- Discovery on tables as they are met with: what is personal is proposed, what only looks so is not.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.clear_context() \g /dev/null
\ir include/found_data.sql
CREATE TEMPORARY TABLE found AS SELECT p.* FROM saas.discover_personal_data() AS p;
SELECT is_empty(
    $$SELECT t.* FROM truth AS t WHERE NOT EXISTS (SELECT FROM found AS f WHERE (f.table_name, f.column_name, f.json_path) = (t.table_name, t.column_name, t.json_path))$$,
    'all that is personal is found');
SELECT is_empty(
    $$SELECT f.table_name, f.column_name, f.json_path, f.kind, f.why FROM found AS f
      WHERE NOT EXISTS (SELECT FROM truth AS t WHERE (f.table_name, f.column_name, f.json_path) = (t.table_name, t.column_name, t.json_path))
        AND (f.table_name, f.column_name) NOT IN (SELECT e.table_name, e.column_name FROM either AS e)$$,
    'and nothing else');
SELECT results_eq(
    $$SELECT f.table_name, f.column_name, f.kind FROM found AS f WHERE f.kind LIKE 'text with %' ORDER BY 1, 2$$,
    $$VALUES ('shop.kunden', 'bemerkung', 'text with email'), ('shop.log_lines', 'message', 'text with email'), ('shop.orders', 'note', 'text with phone'), ('shop.tickets', 'body', 'text with email')$$,
    'free text is told from values');
SELECT results_eq(
    $$SELECT f.json_path, f.kind FROM found AS f WHERE f.column_name = 'payload' ORDER BY 1$$,
    $$VALUES ('client,ip', 'ip'), ('shipping,address,street', 'name'), ('shipping,address,zip', 'name'), ('shipping,contact,nachname', 'name'), ('shipping,contact,tel', 'phone'), ('shipping,contact,vorname', 'name')$$,
    'inside JSON values by keys as well as by values');
SELECT results_eq($$SELECT f.column_name, f.kind FROM found AS f WHERE f.table_name IN ('shop.visits', 'shop.tickets') AND f.kind = 'user_id' ORDER BY 1$$, $$VALUES ('opened_by', 'user_id'), ('visitor', 'user_id')$$,
    'ids of users without a key, by their values');

-- Types that are made of others.
CREATE DOMAIN shop.mail AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE shop.typed (id bigint PRIMARY KEY, contact shop.mail, phones text[], networks cidr[], machines inet[], email_sent boolean);
INSERT INTO shop.typed VALUES (1, 'x@example.com', '{0301}', '{10.0.0.0/8}', '{10.0.0.1}', true);
SELECT results_eq($$SELECT f.column_name, f.kind FROM saas.discover_personal_data() AS f WHERE f.table_name = 'shop.typed' ORDER BY 1$$,
    $$VALUES ('contact', 'email'), ('machines', 'name'), ('phones', 'name')$$, 'domains and arrays are seen through');
SELECT is(saas.plain_type('shop.mail[]'::regtype), 'text'::regtype::oid, 'one in the other');
SELECT is(saas.plain_type(1), NULL, 'no type is none');
DROP TABLE shop.typed;

-- Values that look alike.
SELECT is(saas.personal_kind_of(v), k, v || ' is ' || COALESCE(k, 'nothing'))
FROM (VALUES ('ann@example.com', 'email'), ('DE89370400440532013000', 'iban'), ('DE89 3704 0044 0532 0130 00', 'iban'), ('DE89370400440532013001', NULL), ('192.0.2.1', 'ip'), ('300.1.2.3', NULL), ('1.2.3', NULL),
    ('2001:db8::1', 'ip'), ('12:30', NULL), ('+44 20 7946 0000', 'phone'), ('030 / 1234567', 'local phone'), ('(212) 555-0100', 'local phone'), ('06 12 34 56 78', 'local phone'), ('2024-01-02', NULL), ('01.02.2024', NULL),
    ('4111 1111 1111 1111', 'card'), ('4111 1111 1111 1112', NULL), ('4006381333931', NULL), ('123-45-6789', 'ssn'), (repeat('a', 500) || '@example.com', NULL), ('', NULL)) AS s (v, k);
SELECT is(saas.personal_kind_inside(v), k, left(v, 40) || ' has ' || COALESCE(k, 'nothing'))
FROM (VALUES ('ask ann@example.com.', 'text with email'), ('call +1 (212) 555-0100 now', 'text with phone'), ('1+12345678901234', NULL), ('from @home', NULL), (repeat('x ', 5000) || 'ann@example.com', NULL)) AS s (v, k);

-- What is decided is not proposed again.
SELECT saas.declare_personal_data('shop.kunden', 'mail', '{e_mail}', p_parent_columns => '{email}', p_kind => 'email'), saas.dismiss_personal_data('shop.devices', 'imei', 'test devices'),
    saas.declare_personal_data('shop.tickets', 'opened', '{opened_by}', p_kind => 'column', p_action => 'null'), saas.declare_personal_column('shop.orders', 'payload', 'null') \g /dev/null
ALTER TABLE shop.patients DROP COLUMN diagnosis;
CREATE TEMPORARY TABLE again AS SELECT p.* FROM saas.discover_personal_data() AS p;
SELECT is_empty($$SELECT a.* FROM again AS a WHERE a.table_name = 'shop.kunden'$$, 'of a table whose rows go with the person nothing is');
SELECT is_empty($$SELECT a.* FROM again AS a WHERE a.column_name IN ('imei', 'opened_by', 'payload', 'diagnosis')$$, 'nor what was declared or dismissed, or is gone');
SELECT is((SELECT count(*) FROM again), (SELECT count(*) FROM found AS f WHERE f.table_name <> 'shop.kunden' AND f.column_name NOT IN ('imei', 'opened_by', 'payload', 'diagnosis')), 'all the rest is');
SELECT is((SELECT count(*) FROM saas.undeclared_personal_data() AS u WHERE u.column_name IN ('email_sent_at', 'email_verified', 'name', 'phone_model') AND u.table_name IN ('shop.kunden', 'shop.products')), 0::bigint,
    'and an erasure that is strict is not stopped by what only looks personal');
SELECT * FROM finish();
ROLLBACK;
