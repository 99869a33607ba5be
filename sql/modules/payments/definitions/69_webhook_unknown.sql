-- What providers send that we have no use for yet: types of events, and members of objects.
CREATE OR REPLACE FUNCTION saas.webhook_objects(p_provider text, p_payload jsonb)
RETURNS TABLE (
    kind text,
    object jsonb
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT o.kind, o.object
    FROM (
        SELECT p_payload #>> '{data,object,object}' AS kind, p_payload #> '{data,object}' AS object
        WHERE p_provider = 'stripe'
        UNION ALL
        SELECT p_payload ->> 'resource_type', p_payload -> 'resource' WHERE p_provider = 'paypal'
        UNION ALL
        SELECT s.key, s.value
        FROM jsonb_each(
            CASE
                WHEN p_provider = 'square' AND jsonb_typeof(p_payload #> '{data,object}') = 'object'
                    THEN p_payload #> '{data,object}'
                ELSE '{}'
            END
        ) AS s
        UNION ALL
        SELECT 'item', p_payload -> 'NotificationRequestItem' WHERE p_provider = 'adyen'
        UNION ALL
        SELECT r.key, r.value -> 'entity'
        FROM jsonb_each(
            CASE
                WHEN p_provider = 'razorpay' AND jsonb_typeof(p_payload -> 'payload') = 'object'
                    THEN p_payload -> 'payload'
                ELSE '{}'
            END
        ) AS r
        UNION ALL
        SELECT split_part(p_payload ->> 'type', '.', 1), p_payload -> 'data'
        WHERE p_provider IN ('standard', 'svix')
    ) AS o
    WHERE jsonb_typeof(o.object) = 'object'
$$;
COMMENT ON FUNCTION saas.webhook_objects(text, jsonb) IS
'The objects that a provider''s event carries, each with the provider''s name of its kind.';
REVOKE ALL ON FUNCTION saas.webhook_objects(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.webhook_objects(text, jsonb) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE VIEW saas.webhook_unknown_events
WITH (security_invoker = true) AS
SELECT
    e.team_id,
    e.provider,
    e.event_type,
    count(*) AS events,
    min(e.received_at) AS first_received_at,
    max(e.received_at) AS last_received_at,
    (array_agg(e.id ORDER BY e.id DESC))[1] AS example_id
FROM saas.webhook_events AS e
WHERE e.status NOT IN ('rejected', 'cert_needed')
    AND NOT EXISTS (
        SELECT FROM saas.provider_status_map AS m
        WHERE m.provider = e.provider AND m.object = 'event' AND m.provider_status = e.event_type
    )
GROUP BY e.team_id, e.provider, e.event_type;
COMMENT ON VIEW saas.webhook_unknown_events IS
'Types of events that providers sent and provider_status_map does not know: kept, and applied by replay_webhooks() once they are.';
COMMENT ON COLUMN saas.webhook_unknown_events.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_events.provider IS 'The provider. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_events.event_type IS 'The type as the provider writes it; NULL where an event has none. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_events.events IS 'How many came. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_events.first_received_at IS 'When the first one did. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_events.last_received_at IS 'When the last one did. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_events.example_id IS 'The last one, in webhook_events. [internal]';
GRANT SELECT ON saas.webhook_unknown_events TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE VIEW saas.webhook_unknown_keys
WITH (security_invoker = true) AS
SELECT
    e.team_id,
    e.provider,
    o.kind AS object,
    k.key,
    count(*) AS events,
    min(e.received_at) AS first_received_at,
    max(e.received_at) AS last_received_at,
    (array_agg(e.id ORDER BY e.id DESC))[1] AS example_id
FROM saas.webhook_events AS e
CROSS JOIN LATERAL saas.webhook_objects(e.provider, e.payload) AS o
CROSS JOIN LATERAL jsonb_object_keys(o.object) AS k (key)
WHERE e.payload IS NOT NULL
    AND EXISTS (
        SELECT FROM saas.provider_object_keys AS p
        WHERE p.provider = e.provider AND p.object = o.kind
    )
    AND NOT EXISTS (
        SELECT FROM saas.provider_object_keys AS p
        WHERE p.provider = e.provider AND p.object = o.kind AND p.key = k.key
    )
GROUP BY e.team_id, e.provider, o.kind, k.key;
COMMENT ON VIEW saas.webhook_unknown_keys IS
'Members of the objects that providers sent which no adapter reads. Reads every stored event of the team.';
COMMENT ON COLUMN saas.webhook_unknown_keys.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_keys.provider IS 'The provider. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_keys.object IS 'The provider''s name of the object. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_keys.key IS 'The member. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_keys.events IS 'How many events had it. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_keys.first_received_at IS 'When the first one came. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_keys.last_received_at IS 'When the last one came. [internal]';
COMMENT ON COLUMN saas.webhook_unknown_keys.example_id IS 'The last one, in webhook_events. [internal]';
GRANT SELECT ON saas.webhook_unknown_keys TO saas_app, saas_service;
