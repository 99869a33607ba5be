-- Random walks over the state machines, in the words of every provider: any order and any repetition of what
-- was delivered ends in the same rows and balances.
BEGIN;
SELECT plan(7);
\ir include/payments.sql
\ir include/provider_events.sql
\getenv seed SAAS_WALK_SEED
\if :{?seed}
\else
\set seed w
\endif
SELECT diag('seed of the walks: ' || :'seed');

CREATE FUNCTION pg_temp.chance(p_seed text, p_below integer) RETURNS integer LANGUAGE sql AS $$
    SELECT (('x' || left(md5(p_seed), 7))::bit(28)::integer) % p_below
$$;
-- The states of one walk along the transitions of a machine, from where it may begin.
CREATE FUNCTION pg_temp.states(p_machine text, p_seed text, p_steps integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    v_state text;
    v_states text[] := '{}';
BEGIN
    FOR i IN 0..p_steps LOOP
        SELECT t.to_state INTO v_state FROM saas.state_transitions AS t
        WHERE t.machine = p_machine AND t.from_state IS NOT DISTINCT FROM v_state
        ORDER BY md5(p_seed || i || t.to_state) LIMIT 1;
        EXIT WHEN v_state IS NULL;
        v_states := v_states || v_state;
    END LOOP;
    RETURN v_states;
END
$$;
-- Events of an intent, two payments of it, captures, refunds, a dispute that may rise, and a payout.
CREATE FUNCTION pg_temp.walk_events(p_provider text, p_seed text) RETURNS TABLE (event_id text, payload jsonb) LANGUAGE sql AS $$
    WITH objects AS (
        SELECT o.* FROM (VALUES
            ('intent', 'payment_intent', 'in', NULL, CASE pg_temp.chance(p_seed || 'a', 4) WHEN 0 THEN 1500 ELSE 1000 END, NULL),
            ('payment', 'payment', 'auth1', 'in', 1000, NULL),
            ('payment', 'payment', 'pay2', CASE pg_temp.chance(p_seed || 'p', 2) WHEN 0 THEN 'in' END, 1000, NULL),
            ('capture', 'payment_transaction', 'cap1', 'auth1', 600, NULL),
            ('capture', 'payment_transaction', 'cap2', 'auth1', CASE pg_temp.chance(p_seed || 'c', 4) WHEN 0 THEN 500 ELSE 400 END, NULL),
            ('refund', 'refund', 're1', CASE WHEN p_provider IN ('paypal', 'standard', 'svix') THEN 'cap1' ELSE 'auth1' END, 450, NULL),
            ('refund', 'refund', 're2', 'pay2', 450, NULL),
            ('dispute', 'dispute', 'dp1', CASE WHEN p_provider IN ('paypal', 'standard', 'svix') THEN 'cap1' ELSE 'auth1' END, 300, 'dispute'),
            ('payout', 'payout', 'po1', NULL, 100, NULL)
        ) AS o (kind, machine, ref, parent, amount, stage)
    ), steps AS (
        SELECT o.*, s.state, s.n,
            CASE WHEN o.kind = 'dispute' THEN CASE WHEN s.state LIKE 'warning%' THEN 'pre_dispute' WHEN pg_temp.chance(p_seed || 'stage' || s.n, 5) = 0 THEN 'pre_arbitration' ELSE 'dispute' END END AS at_stage
        FROM objects AS o
        CROSS JOIN LATERAL unnest(pg_temp.states(o.machine, p_seed || o.ref, 4)) WITH ORDINALITY AS s (state, n)
    ), rendered AS (
        SELECT s.*, s.ref || '-' || s.n AS event_id, pg_temp.render(p_provider, s.kind, s.ref, s.parent, s.state, s.at_stage, s.amount,
            1600000000 + s.n / 2 + pg_temp.chance(p_seed || s.ref || s.n, 3), s.ref || '-' || s.n) AS payload
        FROM steps AS s
    )
    -- Adyen names an event by its code and reference: each happens once.
    SELECT DISTINCT ON (COALESCE((r.payload ->> 'eventCode') || (r.payload ->> 'pspReference'), r.event_id)) r.event_id, r.payload
    FROM rendered AS r WHERE r.payload IS NOT NULL
    ORDER BY COALESCE((r.payload ->> 'eventCode') || (r.payload ->> 'pspReference'), r.event_id), r.event_id
$$;
CREATE FUNCTION pg_temp.rows_of(p_provider text, p_events jsonb[], p_order text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_event jsonb;
    v_rows text;
BEGIN
    FOR v_event IN
        SELECT d.event FROM (
            SELECT e.event, md5(p_order || e.n) AS place FROM unnest(p_events) WITH ORDINALITY AS e (event, n)
            UNION ALL
            SELECT e.event, md5(p_order || 'again' || e.n) FROM unnest(p_events) WITH ORDINALITY AS e (event, n) WHERE md5(p_order || 'twice' || e.n) < '4'
        ) AS d ORDER BY d.place
    LOOP
        IF (pg_temp.send(p_provider, v_event -> 'payload', v_event ->> 'id')).outcome IN ('failed', 'rejected', 'ignored') THEN
            RAISE EXCEPTION 'not applied: % % %', p_provider, v_event, (SELECT reason FROM saas.webhook_events ORDER BY id DESC LIMIT 1);
        END IF;
    END LOOP;
    v_rows := pg_temp.rows_made();
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = COALESCE(v_rows, '') || COALESCE((SELECT E'\nproof ' || string_agg(p::text, ' ') FROM saas.ledger_proof AS p WHERE p.team_id = pg_temp.team()), '');
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN SQLERRM;
END
$$;

CREATE TEMPORARY TABLE sets ON COMMIT DROP AS
SELECT p.provider, w.walk, (
    SELECT array_agg(jsonb_build_object('id', e.event_id, 'payload', e.payload) ORDER BY e.event_id)
    FROM pg_temp.walk_events(p.provider, :'seed' || p.provider || w.walk) AS e
) AS events
FROM (VALUES ('stripe'), ('paypal'), ('square'), ('adyen'), ('razorpay'), ('standard'), ('svix')) AS p (provider),
    generate_series(1, 43) AS w (walk);
SELECT cmp_ok((SELECT count(*) FROM sets), '>=', 300::bigint, 'there are hundreds of walks');
SELECT is_empty($$SELECT provider FROM sets GROUP BY provider HAVING avg(cardinality(events)) < 6$$, 'of several events each');
CREATE TEMPORARY TABLE walked ON COMMIT DROP AS
SELECT s.provider, s.walk, o.n, pg_temp.rows_of(s.provider, s.events, s.provider || s.walk || 'order' || o.n) AS rows
FROM sets AS s, generate_series(1, 2) AS o (n);
SELECT is_empty(
    $$SELECT provider, walk FROM walked GROUP BY provider, walk HAVING count(DISTINCT rows) <> 1$$,
    'two orders of each walk make the same rows and balances, whoever the provider is'
);
SELECT is_empty($$SELECT provider, walk FROM walked WHERE rows LIKE '%proof%'$$, 'and the ledger agrees with each');
SELECT is_empty($$SELECT provider FROM walked GROUP BY provider HAVING count(DISTINCT rows) < 38$$, 'different walks make different rows');
SELECT is_empty(
    $$SELECT p.provider FROM (SELECT DISTINCT provider FROM sets) AS p WHERE NOT EXISTS (SELECT FROM walked AS w WHERE w.provider = p.provider AND w.rows LIKE '%"status_source": "conflict"%')$$,
    'among them contradictions'
);
SELECT cmp_ok((SELECT count(DISTINCT provider) FROM walked WHERE rows LIKE '%"integrity_hold": true%'), '>=', 4::bigint, 'and payments on hold');
SELECT * FROM finish();
ROLLBACK;
