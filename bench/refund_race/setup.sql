-- A team with captured payments, ten for each round, delivered by the provider. Variable: payments.
SELECT saas.create_team('Race', 'race', saas.create_user('race@example.test')) AS team \gset
INSERT INTO saas.payment_providers (team_id, provider, display_name, webhook_secrets)
VALUES (:'team', 'stripe', 'Stripe', ARRAY['whsec_bench'::bytea]);
CREATE SCHEMA bench;
CREATE TABLE bench.settings AS SELECT :'team'::uuid AS team_id;
SELECT count(i.outcome)
FROM (
    SELECT n, jsonb_build_object(
        'id', 'evt_' || n, 'object', 'event', 'type', 'charge.succeeded', 'created', 1700000000,
        'data', jsonb_build_object('object', jsonb_build_object(
            'id', 'ch_' || n, 'object', 'charge', 'amount', 10000, 'amount_captured', 10000, 'captured', true,
            'currency', 'eur', 'status', 'succeeded', 'created', 1700000000
        ))
    )::text AS body
    FROM generate_series(1, :payments) AS n
) AS b
CROSS JOIN LATERAL saas.ingest_webhook(
    :'team', 'stripe',
    jsonb_build_object('Stripe-Signature', 't=1700000000,v1=' || encode(hmac('1700000000.' || b.body, 'whsec_bench', 'sha256'), 'hex')),
    convert_to(b.body, 'UTF8'), NULL, to_timestamp(1700000000)
) AS i;
CREATE TABLE bench.payments AS
SELECT p.id, substr(p.provider_payment_id, 4)::integer - 1 AS n FROM saas.payments AS p WHERE p.team_id = :'team';
ALTER TABLE bench.payments ADD PRIMARY KEY (n);
CREATE SEQUENCE bench.keys CACHE 100;

-- What is refused counts as well; what has to be tried again is raised to the client.
CREATE FUNCTION bench.ask(p_payment integer)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    v_team uuid := (SELECT s.team_id FROM bench.settings AS s);
BEGIN
    PERFORM saas.set_context(v_team);
    PERFORM saas.refund_payment(
        v_team, (SELECT p.id FROM bench.payments AS p WHERE p.n = p_payment), 333, nextval('bench.keys')::text
    );
    RETURN 'granted';
EXCEPTION WHEN SQLSTATE 'SA078' THEN
    RETURN 'refused';
END
$$;
VACUUM ANALYZE;
