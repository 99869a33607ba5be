-- saas.verify_webhook(): Stripe's scheme, with digests computed independently.
CREATE FUNCTION verify(
    header text,
    body text DEFAULT '{"id":"evt_test_webhook","object":"event"}',
    now bigint DEFAULT 1495999758,
    secrets text[] DEFAULT '{whsec_test_secret}',
    OUT ok boolean, OUT reason text, OUT secret_no integer, OUT event_id text, OUT signed_at timestamptz
)
LANGUAGE sql AS $$
    SELECT v.*
    FROM saas.verify_webhook(
        'stripe', jsonb_build_object('Stripe-Signature', header), convert_to(body, 'UTF8'), NULL,
        ARRAY(SELECT convert_to(s, 'UTF8') FROM unnest(secrets) WITH ORDINALITY AS u (s, n) ORDER BY n),
        to_timestamp(now)
    ) AS v
$$;
SET TIME ZONE 'UTC';

-- Genuine.
SELECT * FROM verify('t=1495999758,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871');
SELECT * FROM verify(
    't=12345,v1=88744cb5ff43b7b56410276564ff7b78fc7fa253b71b9a8115f688c5ef6a059f',
    E'{\n  "id": "evt_test_webhook",\n  "object": "event",\n  "api_version": "2020-01-01"\n}',
    12345
);
-- While secrets are rolled: several secrets, several signatures, other schemes.
SELECT * FROM verify(
    't=1495999758,v0=1234,v1=00,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871,v9=x',
    secrets => '{whsec_new,whsec_test_secret}'
);
-- Other bytes: re-serialised, truncated, another time, another secret.
SELECT reason FROM verify(
    't=1495999758,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871',
    '{"id": "evt_test_webhook", "object": "event"}'
);
SELECT reason FROM verify(
    't=1495999758,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871',
    '{"id":"evt_test_webhook","object":"event"'
);
SELECT reason FROM verify('t=1495999757,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871');
SELECT reason FROM verify(
    't=1495999758,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871', secrets => '{test_secret}'
);
SELECT reason FROM verify(
    't=1495999758,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871', secrets => '{}'
);
-- Only v0; no header that could be read.
SELECT reason FROM verify('t=1495999758,v0=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871');
SELECT header, reason
FROM unnest(ARRAY['', 'v1=00', 't=1495999758,v1', 't=x,v1=00', 't=-1,v1=00', 't=1,t=1']) AS header, verify(header);
-- The tolerance, both ways.
SELECT delta, ok, reason, secret_no
FROM unnest(ARRAY[-301, -300, 0, 300, 301]) AS delta,
    verify('t=1495999758,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871', now => 1495999758 + delta);
-- Header names in any case; a value or an array of one; never two.
SELECT headers, v.ok, v.reason
FROM (
    VALUES
        ('{"STRIPE-SIGNATURE": "H"}'::text),
        ('{"host": "x", "stripe-signature": ["H"]}'),
        ('{"stripe-signature": ["H", "H"]}'),
        ('{"stripe-signature": "H", "Stripe-Signature": "H"}'),
        ('{"stripe-signature": 5}'),
        ('{"stripe-signature": {"a": "H"}}'),
        ('{"x": {"stripe-signature": "H"}}'),
        ('{"stripe-signature2": "H"}'),
        ('[]'), ('"H"')
) AS h (headers),
    saas.verify_webhook(
        'stripe',
        replace(headers, 'H', 't=1495999758,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871')::jsonb,
        '{"id":"evt_test_webhook","object":"event"}', NULL, ARRAY['whsec_test_secret'::bytea], to_timestamp(1495999758)
    ) AS v;
-- The event id comes from the outermost object of a genuine body.
CREATE FUNCTION event_id(body bytea) RETURNS text LANGUAGE sql AS $$
    SELECT v.ok || ' ' || COALESCE(v.event_id, 'none')
    FROM saas.verify_webhook(
        'stripe',
        jsonb_build_object('Stripe-Signature', 't=1,v1=' || encode(hmac('1.'::bytea || body, 'k'::bytea, 'sha256'), 'hex')),
        body, NULL, ARRAY['k'::bytea], to_timestamp(1)
    ) AS v
$$;
SELECT body, event_id(convert_to(body, 'UTF8'))
FROM unnest(ARRAY[
    '{"id":"evt_1"}', '{"data":{"id":"inner"},"list":[{"id":"inner"}],"id":"evt_2"}', '{"id":"a","id":"b"}',
    '{"id":"evt_\u00e9"}', '{"id":5}', '{"id":null}', '{"id":{"id":"inner"}}', '["id"]', '"id"', '', '{"id":"a"', '{}x'
]) AS body;
SELECT event_id('\x7b226964223a22ff227d'), event_id(convert_to(repeat('[', 600) || repeat(']', 600), 'UTF8'));
-- Other providers, missing arguments, bad arguments.
SELECT ok, reason FROM saas.verify_webhook('other', '{}', '', NULL, '{}', now());
SELECT ok, reason FROM saas.verify_webhook('stripe', NULL, '', NULL, '{}', now());
SELECT ok, reason FROM saas.verify_webhook('stripe', '{}', '', NULL, '{}', now());
SELECT ok, reason
FROM saas.verify_webhook(
    'stripe',
    jsonb_build_object('stripe-signature', 't=1,v1=' || encode(hmac('1.', '', 'sha256'), 'hex')), '', NULL, ARRAY[''::bytea, NULL], to_timestamp(1)
);
SELECT reason
FROM unnest(ARRAY['-infinity', 'infinity']::timestamptz[]) AS at,
    saas.verify_webhook(
        'stripe', '{"stripe-signature": "t=1495999758,v1=bd9584a798a9bd54c579fb7780e70d915eb8f35bcacc651f9a06a3cce74be871"}',
        '{"id":"evt_test_webhook","object":"event"}', NULL, ARRAY['whsec_test_secret'::bytea], at
    );
SELECT saas.verify_webhook('stripe', '{}', '', NULL, '{}', now(), -1);
DROP FUNCTION verify(text, text, bigint, text[]);
DROP FUNCTION event_id(bytea);
