-- What the adapters of all providers share: reading objects, locking them, joining snapshots.
CREATE OR REPLACE FUNCTION saas.provider_object_id(p_value jsonb, p_required boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF jsonb_typeof(p_value) = 'object' THEN -- expanded
        p_value := p_value -> 'id';
        p_required := true;
    END IF;
    IF jsonb_typeof(p_value) = 'string' AND length(p_value #>> '{}') BETWEEN 1 AND 255 THEN
        RETURN p_value #>> '{}';
    ELSIF COALESCE(p_value, 'null') = 'null' AND NOT p_required THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA072',
        MESSAGE = 'an object has no id, or it is not a text of 1 to 255 characters';
END
$$;
COMMENT ON FUNCTION saas.provider_object_id(jsonb, boolean) IS
'The identifier that a provider''s object gives for itself or for another one, as text or in an expanded object. SA072 unless it has 1 to 255 characters; NULL when it is missing and not required.';
REVOKE ALL ON FUNCTION saas.provider_object_id(jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.provider_object_id(jsonb, boolean) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.lock_provider_object(p_team uuid, p_provider text, p_object text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(
        hashtextextended(p_provider || ' ' || p_object, uuid_hash_extended(p_team, 0))
    );
END
$$;
COMMENT ON FUNCTION saas.lock_provider_object(uuid, text, text) IS
'Locks a provider''s object until the end of the transaction, whether or not there is a row for it yet: a parent and its child that arrive at once queue here. Lock the event first, then the intent, then the charge.';
REVOKE ALL ON FUNCTION saas.lock_provider_object(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_provider_object(uuid, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.lock_intent_first(
    p_team uuid,
    p_provider text,
    p_payment_ref text,
    p_intent_ref text DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_intent_ref text := p_intent_ref;
    v_intent uuid;
BEGIN
    -- A snapshot without its intent queues where those with it do.
    SELECT COALESCE(v_intent_ref, p.provider_intent_id), p.payment_intent_id
    INTO v_intent_ref, v_intent
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.provider = p_provider AND p.provider_payment_id = p_payment_ref;
    v_intent_ref := COALESCE(v_intent_ref, p_intent_ref);
    IF v_intent_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_team, p_provider, v_intent_ref);
    END IF;
    -- The row as well: whoever moves money from SQL locks it before the payment's.
    IF v_intent IS NOT NULL THEN
        PERFORM FROM saas.payment_intents AS i
        WHERE i.team_id = p_team AND i.id = v_intent
        FOR NO KEY UPDATE;
    ELSIF v_intent_ref IS NOT NULL THEN
        PERFORM FROM saas.payment_intents AS i
        WHERE i.team_id = p_team AND i.provider = p_provider AND i.provider_intent_id = v_intent_ref
        FOR NO KEY UPDATE;
    END IF;
    RETURN v_intent_ref;
END
$$;
COMMENT ON FUNCTION saas.lock_intent_first(uuid, text, text, text) IS
'Locks the intent of a payment, both named by the provider, before the payment is locked, as everybody does; returns the provider''s identifier of the intent.';
REVOKE ALL ON FUNCTION saas.lock_intent_first(uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_intent_first(uuid, text, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.add_state(p_states text[], p_state text)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF p_states IS NULL THEN
        RETURN ARRAY[p_state];
    ELSIF p_state = ANY (p_states) THEN
        RETURN p_states;
    END IF;
    FOR n IN 1 .. cardinality(p_states) LOOP
        IF p_state < p_states[n] THEN
            RETURN p_states[:n - 1] || p_state || p_states[n:];
        END IF;
    END LOOP;
    RETURN p_states || p_state;
END
$$;
COMMENT ON FUNCTION saas.add_state(text[], text) IS
'The set of states with one more in it, sorted, so that equal sets are equal arrays.';
REVOKE ALL ON FUNCTION saas.add_state(text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_state(text[], text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.state_source(p_machine text, p_state text, p_seen text[], p_before text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF cardinality(p_seen) > 1 AND saas.states_conflict(p_machine, p_state, p_seen) THEN
        RETURN 'conflict';
    END IF;
    RETURN p_before;
END
$$;
COMMENT ON FUNCTION saas.state_source(text, text, text[], text) IS
'conflict when a snapshot seen contradicts the state that holds, else the source given.';
REVOKE ALL ON FUNCTION saas.state_source(text, text, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.state_source(text, text, text[], text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.live_refunds(
    p_team uuid,
    p_payment uuid,
    p_snapshot_at timestamptz,
    p_except uuid,
    OUT live bigint,
    OUT lost bigint
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    SELECT
        COALESCE(sum(r.amount) FILTER (
            WHERE r.status IN ('pending', 'requires_action', 'succeeded')
        ), 0),
        COALESCE(sum(r.amount) FILTER (
            WHERE r.status IN ('failed', 'canceled')
                AND r.provider_created_at <= p_snapshot_at
                AND r.snapshot_at > p_snapshot_at
        ), 0)
    INTO live, lost
    FROM saas.refunds AS r
    WHERE r.team_id = p_team AND r.payment_id = p_payment AND r.id IS DISTINCT FROM p_except;
END
$$;
COMMENT ON FUNCTION saas.live_refunds(uuid, uuid, timestamptz, uuid) IS
'Of a payment''s refunds but one: the sum that has left or is about to leave, and the sum that came back after a snapshot of the payment which still counted it.';
REVOKE ALL ON FUNCTION saas.live_refunds(uuid, uuid, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.live_refunds(uuid, uuid, timestamptz, uuid) TO saas_internal;
