-- A team with 200,000 attempts of a year, as they were assessed: twelve attributes each, one in a thousand fraud.
DROP SCHEMA IF EXISTS backtest_bench CASCADE;
DROP INDEX IF EXISTS saas.backtest_bench_email;
DELETE FROM saas.teams WHERE slug = 'backtest-bench';
CREATE SCHEMA backtest_bench;
CREATE TABLE backtest_bench.results (what text, attempts bigint, seconds double precision);
INSERT INTO saas.teams (id, name, slug)
VALUES ('00000000-0000-7000-8000-0000000b7e57', 'Backtest bench', 'backtest-bench');
ALTER TABLE saas.payment_intents DISABLE TRIGGER USER;
INSERT INTO saas.payment_intents (team_id, provider, amount, currency, status, attributes, created_at)
SELECT '00000000-0000-7000-8000-0000000b7e57', 'stripe', n % 5000 + 1, 'EUR', 'requires_payment_method',
    jsonb_build_object('email', 'buyer' || n % 9973 || '@shop.example'), timestamptz '2025-01-01Z' + n * interval '150 seconds'
FROM generate_series(1, 200000) AS n;
ALTER TABLE saas.payment_intents ENABLE TRIGGER USER;
-- Checks of foreign keys are planned by these statistics.
ANALYZE saas.payment_intents;
ALTER TABLE saas.fraud_assessments DISABLE TRIGGER USER;
INSERT INTO saas.fraud_assessments (
    team_id, payment_intent_id, score, decision, matched, shadow, errors, attributes, rule_set_version, assessed_at, microseconds
)
SELECT i.team_id, i.id, 0, 'approve', '[]', '[]', '[]', i.attributes || jsonb_build_object(
        'amount', i.amount, 'currency', i.currency, 'card_country', (ARRAY['US', 'DE', 'FR', 'BR'])[1 + i.amount % 4],
        'ip_country', (ARRAY['US', 'DE', 'FR'])[1 + i.amount % 3], 'card_funding', 'credit', 'card_brand', 'visa',
        'card_fingerprint', 'fp_' || i.amount, 'ip', '192.0.2.' || i.amount % 250, 'livemode', true,
        'provider', 'stripe', 'metadata', jsonb_build_object('items', '3')
    ), repeat('0', 32), i.created_at, 10
FROM saas.payment_intents AS i
WHERE i.team_id = '00000000-0000-7000-8000-0000000b7e57';
ALTER TABLE saas.fraud_assessments ENABLE TRIGGER USER;
INSERT INTO saas.payments (
    team_id, provider, provider_payment_id, payment_intent_id, amount, currency, status, fraud_warned_at
)
SELECT i.team_id, 'stripe', 'ch_' || i.id, i.id, i.amount, i.currency, 'paid', now()
FROM saas.payment_intents AS i
WHERE i.team_id = '00000000-0000-7000-8000-0000000b7e57' AND i.amount = 4321;
-- The index that saas.fraud_index_advice() names.
CREATE INDEX backtest_bench_email
ON saas.payment_intents (team_id, (lower((attributes ->> 'email') COLLATE "C")), created_at);
VACUUM ANALYZE saas.fraud_assessments, saas.payment_intents, saas.payments;

-- What one would do without a backtest: the engine's function for one payment, called for each attempt.
CREATE FUNCTION backtest_bench.one_by_one(p_rule text, p_limit bigint)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_attempt record;
    v_hits bigint := 0;
BEGIN
    FOR v_attempt IN
        SELECT a.attributes, a.assessed_at
        FROM saas.fraud_assessments AS a
        WHERE a.team_id = '00000000-0000-7000-8000-0000000b7e57'
        ORDER BY a.assessed_at
        LIMIT p_limit
    LOOP
        IF (saas.assess('00000000-0000-7000-8000-0000000b7e57', v_attempt.attributes, v_attempt.assessed_at)).matched <> '[]' THEN
            v_hits := v_hits + 1;
        END IF;
    END LOOP;
    RETURN v_hits;
END
$$;
CREATE FUNCTION backtest_bench.measure(p_what text, p_rule text, p_to timestamptz)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_begin timestamptz := clock_timestamp();
    v_attempts bigint;
BEGIN
    SELECT b.attempts INTO v_attempts
    FROM saas.backtest_rule('00000000-0000-7000-8000-0000000b7e57', p_rule, '2025-01-01Z', p_to) AS b;
    INSERT INTO backtest_bench.results
    VALUES (p_what, v_attempts, EXTRACT(epoch FROM clock_timestamp() - v_begin));
END
$$;
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
VALUES ('00000000-0000-7000-8000-0000000b7e57', 'tried', 'BLOCK IF :card_country: != :ip_country: AND :amount: > 4000');
