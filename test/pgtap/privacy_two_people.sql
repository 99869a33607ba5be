-- The two-person property: over data made at random in all modules and in tables of one's own, with circles and soft
-- links, erasing A leaves nothing of A, and every row of B as it was.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT setseed(0.1121) \g /dev/null
SELECT saas.set_platform_role(:'ann', 'admin') \g /dev/null
CREATE SCHEMA shop;
CREATE TABLE shop.people (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid REFERENCES saas.users (id), favourite uuid);
CREATE TABLE shop.orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES shop.people (id), previous uuid REFERENCES shop.orders (id), note text);
ALTER TABLE shop.people ADD CONSTRAINT people_favourite_fkey FOREIGN KEY (favourite) REFERENCES shop.orders (id);
CREATE TABLE shop.threads (id bigint PRIMARY KEY, parent bigint REFERENCES shop.threads (id), author uuid REFERENCES saas.users (id) ON DELETE SET NULL, words text);
CREATE TABLE shop.mail (day date, id bigint, "To" text, body jsonb, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE shop.mail_1 PARTITION OF shop.mail FOR VALUES FROM ('2026-01-01') TO ('2026-06-01');
CREATE TABLE shop.mail_2 PARTITION OF shop.mail DEFAULT;
GRANT USAGE ON SCHEMA shop TO saas_internal;
GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO saas_internal;
SELECT saas.declare_personal_data('shop.people', 'user', '{user_id}'),
    saas.declare_personal_data('shop.orders', 'person', '{person}', 'shop.people', '{id}'),
    saas.declare_personal_data('shop.orders', 'previous', '{previous}', 'shop.orders', '{id}', p_action => 'null'),
    saas.declare_personal_data('shop.people', 'favourite', '{favourite}', 'shop.orders', '{id}', p_action => 'null'),
    saas.declare_personal_data('shop.threads', 'author', '{author}', p_action => 'anonymise'),
    saas.declare_personal_column('shop.threads', 'words', 'anonymise', '[erased]'),
    saas.declare_personal_column('shop.threads', 'author', 'null'),
    saas.declare_personal_data('shop.mail', 'to', '{To}', p_parent_columns => '{email}', p_kind => 'email'),
    saas.declare_personal_data('shop.mail', 'by', '{body}', p_kind => 'json', p_json_path => '{by,0,id}') \g /dev/null
SELECT is((SELECT string_agg(DISTINCT s.circle, ',') FROM saas.planned_steps('erase') AS s WHERE s.table_name = 'shop.threads'), 'none', 'threads have no circle to be erased');

-- People in pairs with everything that an application writes about them.
CREATE TEMPORARY TABLE pairs AS
SELECT n, saas.create_user('alpha' || n || '@example.org', 'Alpha Number' || n) AS a, saas.create_user('beta' || n || '@example.net', 'Beta Number' || n) AS b
FROM generate_series(1, 4) AS n;
CREATE FUNCTION pg_temp.fill(p_user uuid, p_team uuid, p_admin uuid, p_rows integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_email text := (SELECT u.email FROM saas.users AS u WHERE u.id = p_user);
    v_name text := (SELECT u.display_name FROM saas.users AS u WHERE u.id = p_user);
    v_person uuid;
    v_orders uuid[];
BEGIN
    PERFORM saas.set_context(p_team, p_admin), saas.add_team_member(p_team, p_user);
    PERFORM saas.set_context(p_team, p_user);
    INSERT INTO saas.addresses (team_id, user_id, recipient, line1, city, country, phone)
    SELECT p_team, p_user, v_name, n || ' Road of ' || v_name, 'Town', 'GB', '+44 20 ' || (1000000 + random() * 8999999)::integer FROM generate_series(1, p_rows) AS n;
    PERFORM saas.create_notification(p_team, p_user, 'To ' || v_name, p_data => jsonb_build_object('mail', v_email)), saas.create_session(p_user, p_ip => '192.0.2.1') FROM generate_series(1, p_rows);
    PERFORM saas.log_activity(p_team, 'wrote', 'thread', NULL, jsonb_build_object('as', v_email)) FROM generate_series(1, p_rows);
    PERFORM saas.make_recovery_codes(p_user), saas.issue_user_token(v_email, 'email_verification');
    INSERT INTO saas.payment_intents (team_id, provider, provider_intent_id, amount, currency, status, provider_customer_id, attributes, metadata)
    SELECT p_team, 'stripe', 'pi_' || md5(p_user::text) || n, 100 * n, 'USD', 'requires_payment_method', CASE WHEN n % 2 = 0 THEN 'cus_' || md5(p_user::text) END,
        CASE n % 3 WHEN 0 THEN jsonb_build_object('email', upper(v_email)) WHEN 1 THEN jsonb_build_object('customer', jsonb_build_object('email', v_email)) ELSE '{}' END,
        CASE n % 3 WHEN 2 THEN jsonb_build_object('user_id', p_user, 'name', v_name) ELSE '{}' END
    FROM generate_series(1, p_rows) AS n;
    INSERT INTO shop.people (user_id) VALUES (p_user) RETURNING id INTO v_person;
    WITH made AS (INSERT INTO shop.orders (person, note) SELECT v_person, 'for ' || v_name FROM generate_series(1, p_rows) RETURNING id)
    SELECT array_agg(m.id) INTO v_orders FROM made AS m;
    UPDATE shop.orders AS o SET previous = v_orders[1 + (random() * (p_rows - 1))::integer] WHERE o.person = v_person;
    UPDATE shop.people AS p SET favourite = v_orders[1] WHERE p.id = v_person;
    INSERT INTO shop.threads (id, parent, author, words)
    SELECT (SELECT COALESCE(max(t.id), 0) FROM shop.threads AS t) + n, (SELECT max(t.id) FROM shop.threads AS t), p_user, 'I, ' || v_name || ', say so' FROM generate_series(1, p_rows) AS n;
    INSERT INTO shop.mail (day, id, "To", body)
    SELECT '2026-05-25'::date + n, (random() * 1e15)::bigint, CASE WHEN n % 2 = 0 THEN upper(v_email) END, jsonb_build_object('by', jsonb_build_array(jsonb_build_object('id', p_user)), 'sig', v_name || E'\n' || v_email)
    FROM generate_series(1, p_rows) AS n;
    PERFORM saas.clear_context();
END
$$;
SELECT pg_temp.fill(u.id, :'red', :'ann', 3 + (random() * 6)::integer) FROM pairs AS p CROSS JOIN LATERAL (VALUES (p.a), (p.b)) AS u (id) \g /dev/null
SELECT is_empty('SELECT * FROM saas.undeclared_personal_data()', 'everything is declared');

-- Every row of every table that mentions somebody, by a plain search through its text.
CREATE FUNCTION pg_temp.mentions(p_pattern text) RETURNS TABLE (name text, hits bigint, digest text) LANGUAGE plpgsql AS $$
BEGIN
    FOR name IN SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('saas', 'shop') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname NOT IN ('erasure_rows', 'audit_redactions', 'user_deletion_requests')
    LOOP
        EXECUTE format('SELECT count(*), md5(string_agg(t::text, %L ORDER BY t::text)) FROM %s AS t WHERE t::text ~* $1', '|', name) INTO hits, digest USING p_pattern;
        IF hits > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
CREATE TEMPORARY TABLE before AS
SELECT p.n, m.* FROM pairs AS p CROSS JOIN LATERAL pg_temp.mentions('beta' || p.n || '@|Beta Number' || p.n || '\M|' || p.b) AS m;
SELECT cmp_ok((SELECT count(*) FROM pg_temp.mentions('alpha1@|Alpha Number1\M')), '>', 9::bigint, 'A is in many tables');
CREATE TEMPORARY TABLE counted AS SELECT p.n, e.table_name, e.action, e.records FROM pairs AS p CROSS JOIN LATERAL saas.gdpr_erase(p.a, p_dry_run => true) AS e WHERE p.n = 1;
CREATE TEMPORARY TABLE erased AS SELECT p.n, e.* FROM pairs AS p CROSS JOIN LATERAL saas.gdpr_erase(p.a) AS e;
SELECT set_eq($$SELECT table_name, action, records FROM erased WHERE n = 1 AND table_name <> 'saas.audit_logs'$$, $$SELECT table_name, action, records FROM counted WHERE table_name <> 'saas.audit_logs'$$, 'dry runs count what happens');
SELECT is((SELECT string_agg(m.name || ' ' || m.hits, ', ') FROM pairs AS p CROSS JOIN LATERAL pg_temp.mentions('alpha' || p.n || '@|Alpha Number' || p.n || '\M') AS m),
    NULL, 'nothing of A is left anywhere');
SELECT is((SELECT string_agg(m.name || ' ' || m.hits, ', ') FROM pairs AS p CROSS JOIN LATERAL pg_temp.mentions(p.a::text) AS m WHERE m.name <> 'saas.audit_logs'),
    NULL, 'not even the id, but in the audit trail');
SELECT set_eq(
    $$SELECT p.n, m.name, m.hits, m.digest FROM pairs AS p CROSS JOIN LATERAL pg_temp.mentions('beta' || p.n || '@|Beta Number' || p.n || '\M|' || p.b) AS m$$,
    'SELECT * FROM before', 'every row of B is as it was');
SELECT is((SELECT count(*) FROM saas.user_deletion_requests WHERE status = 'completed' AND saas.verify_erasure_certificate(certificate)), 4::bigint, 'each with a certificate');
SELECT cmp_ok((SELECT count(*) FROM shop.threads WHERE words = '[erased]' AND author IS NULL), '=', (SELECT sum(e.records) FROM erased AS e WHERE e.table_name = 'shop.threads')::bigint, 'threads stay, without their authors');
SELECT is((SELECT count(DISTINCT p.id) FROM shop.people AS p), 4::bigint, 'rows in circles have gone');

-- Tables in a circle whose keys may not be NULL.
CREATE TABLE shop.left_side (id uuid PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), other uuid NOT NULL);
CREATE TABLE shop.right_side (id uuid PRIMARY KEY, other uuid NOT NULL REFERENCES shop.left_side (id));
ALTER TABLE shop.left_side ADD FOREIGN KEY (other) REFERENCES shop.right_side (id) DEFERRABLE;
GRANT SELECT, DELETE ON shop.left_side, shop.right_side TO saas_internal;
SELECT saas.declare_personal_data('shop.left_side', 'person', '{person}'), saas.declare_personal_data('shop.right_side', 'left', '{other}', 'shop.left_side', '{id}'),
    saas.declare_personal_data('shop.left_side', 'right', '{other}', 'shop.right_side', '{id}') \g /dev/null
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO shop.left_side SELECT p.b, p.b, p.a FROM pairs AS p;
INSERT INTO shop.right_side SELECT p.a, p.b FROM pairs AS p;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT is((SELECT sum(d.records_deleted) FROM pairs AS p CROSS JOIN LATERAL saas.gdpr_delete_user_data(p.b) AS d WHERE p.n = 1 AND d.table_name LIKE 'shop.%side'), 2::bigint, 'go in one statement');
SELECT is((SELECT count(*) FROM shop.left_side) + (SELECT count(*) FROM shop.right_side), 6::bigint, 'those of others stay');
SELECT * FROM finish();
ROLLBACK;
