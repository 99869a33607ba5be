-- Deliveries of providers on the map: for each link an event that nothing but this link leads to, for two people;
-- and each kind of event as each provider writes it. Erasing one of them empties theirs, and leaves the other's.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
\ir include/provider_events.sql
\ir include/mentions.sql
SELECT saas.clear_context() \g /dev/null
SELECT saas.create_user('anna@payers.example', 'Anna Payer') AS a, saas.create_user('berta@payers.example', 'Berta Payer') AS b \gset

-- A text at a path, objects and arrays around it.
CREATE FUNCTION pg_temp.nested(p_path text[], p_value text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_value jsonb := to_jsonb(p_value);
BEGIN
    FOR i IN REVERSE cardinality(p_path) .. 1 LOOP
        v_value := CASE WHEN p_path[i] ~ '^[0-9]+$' THEN jsonb_build_array(v_value) ELSE jsonb_build_object(p_path[i], v_value) END;
    END LOOP;
    RETURN v_value;
END
$$;

-- What each link of deliveries leads from: a row with a value that is nowhere else.
CREATE TEMPORARY TABLE links AS
SELECT l.link_name, l.parent_table, l.parent_columns[cardinality(l.parent_columns)] AS wanted, l.kind, l.json_path,
    COALESCE(substring(l.link_name FROM '^(paypal|square|adyen|razorpay)_'), CASE WHEN l.link_name LIKE 'neutral\_%' THEN (ARRAY['standard', 'svix'])[1 + row_number() OVER (ORDER BY l.link_name) % 2] END, 'stripe') AS provider
FROM saas.package_personal_links() AS l WHERE l.table_name = 'saas.webhook_events';
CREATE TEMPORARY TABLE people AS SELECT u.id, u.email, split_part(u.email, '@', 1) AS name FROM saas.users AS u WHERE u.id IN (:'a', :'b');
CREATE TEMPORARY TABLE parents AS
SELECT p.name, l.link_name, l.provider, saas.uuid_v7() AS intent, saas.uuid_v7() AS payment, concat_ws('_', l.link_name, 'of', p.name) AS value
FROM links AS l CROSS JOIN people AS p WHERE l.parent_table <> 'saas.users';
-- The rules of states and integrity of payments are not what this is about.
SET LOCAL session_replication_role = replica;
INSERT INTO saas.payment_intents (team_id, id, provider, provider_intent_id, amount, currency, status, provider_customer_id, metadata)
SELECT pg_temp.team(), r.intent, r.provider, CASE WHEN l.parent_table = 'saas.payment_intents' AND l.wanted = 'provider_intent_id' THEN r.value ELSE 'in_' || r.value END,
    100, 'USD', 'requires_payment_method', CASE WHEN l.parent_table = 'saas.payment_intents' AND l.wanted = 'provider_customer_id' THEN r.value END,
    jsonb_build_object('user_id', p.id)
FROM parents AS r JOIN people AS p USING (name) JOIN links AS l USING (link_name);
INSERT INTO saas.payments (team_id, id, provider, provider_payment_id, payment_intent_id, amount, currency, status, provider_customer_id)
SELECT pg_temp.team(), r.payment, r.provider, CASE WHEN l.parent_table = 'saas.payments' AND l.wanted = 'provider_payment_id' THEN r.value ELSE 'pay_' || r.value END,
    r.intent, 100, 'USD', 'pending', CASE WHEN l.parent_table = 'saas.payments' AND l.wanted = 'provider_customer_id' THEN r.value END
FROM parents AS r JOIN links AS l USING (link_name);
INSERT INTO saas.refunds (team_id, provider, provider_refund_id, payment_id, amount, currency, status)
SELECT pg_temp.team(), r.provider, r.value, r.payment, 10, 'USD', 'pending'
FROM parents AS r JOIN links AS l USING (link_name) WHERE l.parent_table = 'saas.refunds';
INSERT INTO saas.payment_disputes (team_id, provider, provider_dispute_id, payment_id, amount, currency, status, stage)
SELECT pg_temp.team(), r.provider, r.value, r.payment, 10, 'USD', 'needs_response', 'dispute'
FROM parents AS r JOIN links AS l USING (link_name) WHERE l.parent_table = 'saas.payment_disputes';
SET LOCAL session_replication_role = origin;
CREATE TEMPORARY TABLE sent AS
SELECT l.link_name, l.provider, p.name, COALESCE(r.value, upper(p.email)) AS value,
    pg_temp.nested(l.json_path, COALESCE(r.value, upper(p.email))) || jsonb_build_object('remark', 'paid by ' || p.name) AS payload
FROM links AS l CROSS JOIN people AS p LEFT JOIN parents AS r ON r.link_name = l.link_name AND r.name = p.name;
INSERT INTO saas.webhook_events (team_id, provider, provider_event_id, event_type, status, payload, body_sha256, body_bytes, received_at, last_received_at)
SELECT pg_temp.team(), s.provider, concat_ws(' ', s.link_name, s.name), 'x', 'processed', s.payload, sha256(''), 0, now(), now() FROM sent AS s;
-- The same values from another provider, and from another team.
SELECT saas.create_team('Other', 'other-payers', :'b') AS other \gset
INSERT INTO saas.webhook_events (team_id, provider, provider_event_id, event_type, status, payload, body_sha256, body_bytes, received_at, last_received_at)
SELECT o.team, o.provider, 'other ' || s.link_name || o.provider, 'x', 'processed', pg_temp.nested(l.json_path, s.value), sha256(''), 0, now(), now()
FROM sent AS s JOIN links AS l USING (link_name) CROSS JOIN LATERAL (VALUES (pg_temp.team(), 'other'), (:'other', s.provider)) AS o (team, provider)
WHERE s.name = 'anna' AND l.parent_table <> 'saas.users';
SELECT cmp_ok((SELECT count(*) FROM links), '>=', 32::bigint, 'there are links of all providers');
SELECT set_eq('SELECT DISTINCT provider FROM links', '{stripe,paypal,square,adyen,razorpay,standard,svix}'::text[], 'of all that deliver');

-- Each kind of event as each provider writes it, delivered in the order of a payment's life. Nothing in a body names
-- the person but a remark: an application has noted whose intent, or whose payment where there is no intent, it is.
CREATE TEMPORARY TABLE told AS
SELECT p.name, v.provider, k.n, k.ref, pg_temp.render(v.provider, k.kind, concat_ws('-', k.ref, v.provider, p.name), concat_ws('-', k.parent, v.provider, p.name), k.state,
    CASE k.kind WHEN 'dispute' THEN 'dispute' END, k.amount, 1700000000 + k.n, concat_ws('-', v.provider, k.ref, p.name)) AS body
FROM people AS p CROSS JOIN unnest('{stripe,paypal,square,adyen,razorpay,standard,svix}'::text[]) AS v (provider)
CROSS JOIN (
    VALUES (1, 'intent', 'in', NULL, 'succeeded', 1000, '{}'::text[]), (2, 'payment', 'pay', 'in', 'paid', 1000, '{}'),
        (3, 'payment', 'auth', 'in', 'authorized', 1000, '{}'), (4, 'capture', 'cap', 'auth', 'succeeded', 1000, '{}'),
        (5, 'refund', 're', 'pay', 'succeeded', 100, '{adyen}'), (6, 'refund', 'back', 'cap', 'succeeded', 100, '{stripe,square,razorpay,adyen}'),
        (7, 'refund', 'again', 'auth', 'succeeded', 100, '{stripe,square,razorpay,paypal,standard,svix}'),
        (8, 'dispute', 'dp', 'pay', 'needs_response', 100, '{adyen}'), (9, 'dispute', 'cb', 'auth', 'needs_response', 100, '{stripe,square,razorpay,paypal,standard,svix}')
) AS k (n, kind, ref, parent, state, amount, without)
WHERE v.provider <> ALL (k.without);
DELETE FROM told WHERE body IS NULL;
CREATE FUNCTION pg_temp.tell() RETURNS TABLE (name text, provider text, ref text, event uuid, outcome text) LANGUAGE plpgsql AS $$
BEGIN
    FOR name, provider, ref, event, outcome IN
        SELECT t.name, t.provider, t.ref, (d.sent).webhook_event_id, (d.sent).outcome
        FROM (SELECT * FROM told ORDER BY n) AS t
        CROSS JOIN LATERAL (SELECT pg_temp.send(t.provider, t.body || jsonb_build_object('remark', 'paid by ' || t.name), concat_ws('-', t.provider, t.ref, t.name)) AS sent OFFSET 0) AS d
    LOOP
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE TEMPORARY TABLE delivered AS SELECT * FROM pg_temp.tell();
SELECT is_empty($$SELECT provider, ref, outcome FROM delivered WHERE outcome <> 'processed'$$, 'events of every provider are taken in');
SELECT results_eq('SELECT DISTINCT provider FROM delivered ORDER BY 1', '{adyen,paypal,razorpay,square,standard,stripe,svix}'::text[], 'of all seven');
UPDATE saas.payment_intents AS i SET metadata = jsonb_build_object('user_id', p.id) FROM people AS p WHERE i.team_id = pg_temp.team() AND i.provider_intent_id LIKE 'in-%-' || p.name;
UPDATE saas.payments AS y SET metadata = jsonb_build_object('user_id', p.id) FROM people AS p
WHERE y.team_id = pg_temp.team() AND y.payment_intent_id IS NULL AND y.provider_payment_id LIKE '%-' || p.name;

-- What was saved for customers, of intents and of payments that no intent leads to.
INSERT INTO saas.payment_method_tokens (team_id, provider, provider_customer_id, token_reference, token_sha256, brand, last4)
SELECT DISTINCT ON (x.customer) pg_temp.team(), x.provider, x.customer, 'pm_' || x.customer, sha256(x.customer::bytea), 'visa', '4242'
FROM (
    SELECT i.provider, i.provider_customer_id AS customer FROM saas.payment_intents AS i WHERE i.team_id = pg_temp.team()
    UNION ALL
    SELECT y.provider, y.provider_customer_id FROM saas.payments AS y WHERE y.team_id = pg_temp.team()
) AS x
WHERE x.customer IS NOT NULL AND x.provider NOT IN ('standard', 'svix');
-- Without statistics the server takes every table for one of a single row.
ANALYZE saas.payment_intents, saas.payments, saas.webhook_events;
CREATE TEMPORARY TABLE before AS
SELECT m.* FROM pg_temp.mentions('{berta@payers.example,paid by berta,_of_berta}') AS m;
SELECT cmp_ok((SELECT hits FROM before WHERE name = 'saas.webhook_events'), '=', (SELECT count(*) FROM sent WHERE name = 'berta') + (SELECT count(*) FROM delivered WHERE name = 'berta'), 'the search of this test finds deliveries');
SELECT is((SELECT records FROM saas.gdpr_erase(:'a', p_strict => false) WHERE table_name = 'saas.webhook_events'), (SELECT count(*) FROM sent WHERE name = 'anna') + (SELECT count(*) FROM delivered WHERE name = 'anna'), 'deliveries of every link and every provider are found');
SELECT is_empty(
    $$SELECT s.provider, s.link_name FROM sent AS s JOIN saas.webhook_events AS e ON e.provider_event_id = concat_ws(' ', s.link_name, s.name) WHERE s.name = 'anna' AND e.payload IS NOT NULL$$,
    'the one of each link is empty'
);
SELECT is_empty($$SELECT d.provider, d.ref FROM delivered AS d JOIN saas.webhook_events AS e ON e.team_id = pg_temp.team() AND e.id = d.event WHERE d.name = 'anna' AND e.payload IS NOT NULL$$, 'so is each that was delivered');
SELECT is_empty($$SELECT provider FROM saas.payment_intents WHERE provider_customer_id LIKE '%anna' UNION SELECT provider FROM saas.payments WHERE provider_customer_id LIKE '%anna'
    UNION SELECT provider FROM saas.payment_method_tokens WHERE provider_customer_id LIKE '%anna'$$, 'no customer of any provider is left');
SELECT is((SELECT string_agg(m.name || ' ' || m.hits, ', ') FROM pg_temp.mentions('{anna@payers.example,Anna Payer,paid by anna}') AS m), NULL, 'nothing of the person is left in any table');
SELECT set_eq($$SELECT m.* FROM pg_temp.mentions('{berta@payers.example,paid by berta,_of_berta}') AS m$$, 'SELECT * FROM before', 'the other person''s rows are as they were');
SELECT is((SELECT count(*) FROM saas.webhook_events WHERE provider_event_id LIKE 'other %' AND payload IS NULL), 0::bigint, 'so are those with the same ids from another provider or in another team');
SELECT * FROM finish();
ROLLBACK;
