-- The two-person property: over data in every table of all modules, made at random where they may be, and in tables of
-- one's own with circles and soft links, erasing A leaves nothing of A, and every row of B as it was.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
\ir include/person_in_every_table.sql
\ir include/mentions.sql
-- Evidence of A in a dispute of B's: it stays, and only the mention goes.
SET LOCAL session_replication_role = replica;
INSERT INTO saas.dispute_evidence SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'content', 'a bill', 'created_by', :'ann'::uuid))).* FROM saas.dispute_evidence AS e WHERE e.team_id = :'blue';
SET LOCAL session_replication_role = origin;
SELECT setseed(0.1121) \g /dev/null
CREATE SCHEMA shop;
CREATE TABLE shop.people (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid REFERENCES saas.users (id), favourite uuid);
CREATE TABLE shop.orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES shop.people (id), previous uuid REFERENCES shop.orders (id), note text);
ALTER TABLE shop.people ADD CONSTRAINT people_favourite_fkey FOREIGN KEY (favourite) REFERENCES shop.orders (id);
CREATE TABLE shop.threads (id bigint PRIMARY KEY, parent bigint REFERENCES shop.threads (id), author uuid REFERENCES saas.users (id) ON DELETE SET NULL, words text);
CREATE TABLE shop.mail (day date, id bigint, "To" text, body jsonb, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE shop.mail_1 PARTITION OF shop.mail FOR VALUES FROM ('2026-01-01') TO ('2026-06-01');
CREATE TABLE shop.mail_2 PARTITION OF shop.mail DEFAULT;
-- A circle whose keys may not be NULL.
CREATE TABLE shop.left_side (id uuid PRIMARY KEY, person uuid NOT NULL REFERENCES saas.users (id), other uuid NOT NULL);
CREATE TABLE shop.right_side (id uuid PRIMARY KEY, other uuid NOT NULL REFERENCES shop.left_side (id));
ALTER TABLE shop.left_side ADD FOREIGN KEY (other) REFERENCES shop.right_side (id) DEFERRABLE;
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
    saas.declare_personal_data('shop.mail', 'by', '{body}', p_kind => 'json', p_json_path => '{by,0,id}'),
    saas.declare_personal_data('shop.left_side', 'person', '{person}'), saas.declare_personal_data('shop.right_side', 'left', '{other}', 'shop.left_side', '{id}'),
    saas.declare_personal_data('shop.left_side', 'right', '{other}', 'shop.right_side', '{id}') \g /dev/null
SELECT is((SELECT string_agg(DISTINCT s.circle, ',') FROM saas.planned_steps('erase') AS s WHERE s.table_name = 'shop.threads'), 'none', 'threads have no circle to be erased');

-- People in pairs with everything that an application writes about them: owners of a team each, and two who are in both.
CREATE TEMPORARY TABLE pairs AS
SELECT 1 AS n, :'ann'::uuid AS a, :'bob'::uuid AS b
UNION ALL
SELECT 2, saas.create_user('alpha2@example.org', 'Alpha Number2'), saas.create_user('beta2@example.net', 'Beta Number2');
CREATE FUNCTION pg_temp.fill(p_user uuid, p_team uuid, p_admin uuid, p_rows integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_email text := (SELECT u.email FROM saas.users AS u WHERE u.id = p_user);
    v_name text := (SELECT u.display_name FROM saas.users AS u WHERE u.id = p_user);
    v_person uuid;
    v_orders uuid[];
BEGIN
    IF p_user <> p_admin THEN
        PERFORM saas.set_context(p_team, p_admin), saas.add_team_member(p_team, p_user);
    END IF;
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
    SET CONSTRAINTS ALL DEFERRED;
    INSERT INTO shop.left_side VALUES (v_person, p_user, v_orders[1]);
    INSERT INTO shop.right_side VALUES (v_orders[1], v_person);
    SET CONSTRAINTS ALL IMMEDIATE;
    PERFORM saas.clear_context();
END
$$;
SELECT pg_temp.fill(u.id, u.team, u.admin, 3 + (random() * 6)::integer)
FROM pairs AS p CROSS JOIN LATERAL (
    VALUES (1, p.a, :'red'::uuid, :'ann'::uuid), (1, p.b, :'blue', :'bob'), (2, p.a, :'red', :'ann'), (2, p.a, :'blue', :'bob'), (2, p.b, :'red', :'ann'), (2, p.b, :'blue', :'bob')
) AS u (n, id, team, admin)
WHERE u.n = p.n ORDER BY p.n, u.team \g /dev/null
CREATE TEMPORARY TABLE named AS
SELECT p.n, u.id = p.a AS is_a, u.id, ARRAY[u.email, u.display_name, COALESCE(u.website_url, u.email)] AS words FROM pairs AS p JOIN saas.users AS u ON u.id IN (p.a, p.b);
SELECT is_empty('SELECT * FROM saas.undeclared_personal_data()', 'everything is declared');

-- What proves the erasure names the person by an id, until the certificate is signed.
CREATE FUNCTION pg_temp.found(p_words text[]) RETURNS TABLE (name text, hits bigint, digest text) LANGUAGE sql AS $$
    SELECT * FROM pg_temp.mentions(p_words, '{saas,shop}', '{erasure_rows,audit_redactions,user_deletion_requests}')
$$;
CREATE TEMPORARY TABLE before AS SELECT w.n, m.* FROM named AS w CROSS JOIN LATERAL pg_temp.found(w.words || w.id::text) AS m WHERE NOT w.is_a AND m.name <> 'saas.audit_logs';
CREATE TEMPORARY TABLE trail AS SELECT l.id, l.created_at, l AS entry FROM saas.audit_logs AS l;
SELECT cmp_ok((SELECT count(*) FROM named AS w CROSS JOIN LATERAL pg_temp.found(w.words) AS m WHERE w.is_a AND w.n = 1), '>', 22::bigint, 'A is in many tables');
CREATE TEMPORARY TABLE counted AS SELECT e.* FROM saas.gdpr_erase(:'ann', p_dry_run => true) AS e;
SELECT is_empty(
    $$SELECT s.table_name, s.action, s.party_link FROM saas.planned_steps('erase') AS s WHERE NOT EXISTS (SELECT FROM counted AS c WHERE c.table_name = s.table_name AND c.path = s.path AND c.records > 0)$$,
    'A has rows in every table on the map, in each of its ways'
);
SELECT is_empty(
    $$SELECT DISTINCT m.table_name FROM saas.personal_data_map AS m
    WHERE m.action <> 'keep' AND m.classification IN ('confidential', 'restricted') AND m.table_name NOT IN (SELECT c.table_name FROM counted AS c)
        AND m.table_name NOT IN ('saas.encryption_keys', 'saas.erasure_rows')$$,
    'no other table has a column that an erasure changes, but the engine''s own'
);
CREATE TEMPORARY TABLE erased AS SELECT e.* FROM saas.gdpr_erase(:'ann') AS e;
CREATE TEMPORARY TABLE deleted AS SELECT d.* FROM pairs AS p CROSS JOIN LATERAL saas.gdpr_delete_user_data(p.a) AS d WHERE p.n = 2;
SELECT set_eq($$SELECT table_name, action, path, records FROM erased WHERE table_name <> 'saas.audit_logs'$$,
    $$SELECT table_name, action, path, records FROM counted WHERE table_name <> 'saas.audit_logs'$$, 'dry runs count what happens');
SELECT set_eq(
    'SELECT w.n, m.name FROM named AS w CROSS JOIN LATERAL pg_temp.found(w.words) AS m WHERE w.is_a',
    $$VALUES (1, 'saas.customer_verifications'), (1, 'saas.fraud_list_changes'), (1, 'saas.fraud_list_items')$$,
    'nothing of A is left anywhere but where the law keeps it'
);
SELECT set_has($$SELECT table_name FROM erased WHERE action = 'keep' AND basis IS NOT NULL AND kept_until > now()$$,
    $$VALUES ('saas.customer_verifications'), ('saas.fraud_list_changes'), ('saas.fraud_list_items'), ('saas.subscriptions'), ('saas.subscription_changes')$$, 'which the erasure says, with basis and end');
SELECT set_eq($$SELECT DISTINCT m.name FROM named AS w CROSS JOIN LATERAL pg_temp.found(ARRAY[w.id::text]) AS m WHERE w.is_a$$,
    '{saas.audit_logs,saas.consent_records,saas.encryption_keys,saas.subscriptions,saas.subscription_changes}'::text[], 'not even the id, but in the audit trail, the proof of consent, what is kept for the books, and by the destroyed keys');
SELECT is_empty($$SELECT k.key_no FROM saas.encryption_keys AS k JOIN named AS w ON w.id = k.subject_id AND w.is_a WHERE k.status <> 'shredded' OR k.wrapped IS NOT NULL$$, 'they are destroyed');
SELECT set_eq('SELECT w.n, m.* FROM named AS w CROSS JOIN LATERAL pg_temp.found(w.words || w.id::text) AS m WHERE NOT w.is_a AND m.name <> ''saas.audit_logs''', 'SELECT * FROM before', 'every row of B is as it was');
SELECT is_empty(
    $$SELECT t.id, (t.entry).table_name FROM trail AS t LEFT JOIN saas.audit_logs AS l ON l.created_at = t.created_at AND l.id = t.id
    WHERE l IS DISTINCT FROM t.entry AND EXISTS (
        SELECT FROM named AS w WHERE NOT w.is_a AND concat((t.entry).row_key, (t.entry).old_values, (t.entry).new_values) ILIKE ANY (SELECT '%' || x || '%' FROM unnest(w.words || w.id::text) AS x)
    )$$,
    'so are entries of the audit trail about B''s rows'
);
SELECT is((SELECT count(*) FROM saas.user_deletion_requests WHERE status = 'completed' AND saas.verify_erasure_certificate(certificate)), 2::bigint, 'each with a certificate');
SELECT cmp_ok((SELECT count(*) FROM shop.threads WHERE words = '[erased]' AND author IS NULL), '>', (SELECT e.records FROM erased AS e WHERE e.table_name = 'shop.threads'), 'threads stay, without their authors');
SELECT is((SELECT count(DISTINCT p.id) FROM shop.people AS p), 3::bigint, 'rows in circles have gone');
SELECT is((SELECT count(*) FROM shop.left_side) + (SELECT count(*) FROM shop.right_side), 6::bigint, 'so have those that go together');
SELECT is((SELECT sum(d.records_deleted) FROM deleted AS d WHERE d.table_name LIKE 'shop.%side'), 4::bigint, 'in one statement');
SELECT * FROM finish();
ROLLBACK;
