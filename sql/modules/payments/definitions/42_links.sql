-- Objects that providers made at our request bear our identifier in their metadata: whichever arrives
-- first, the answer or the event, it is one row.
CREATE OR REPLACE FUNCTION saas.uuid_or_null(p_text text)
RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RETURN CASE
        WHEN p_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN p_text::uuid
    END;
END
$$;
COMMENT ON FUNCTION saas.uuid_or_null(text) IS 'The identifier that a text spells; NULL when it spells none.';
REVOKE ALL ON FUNCTION saas.uuid_or_null(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.uuid_or_null(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.link_provider_intent(
    p_team uuid,
    p_provider text,
    p_ref text,
    p_ours text,
    p_amount bigint,
    p_currency text
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
BEGIN
    IF saas.uuid_or_null(p_ours) IS NULL OR EXISTS (
        SELECT FROM saas.payment_intents AS i
        WHERE i.team_id = p_team AND i.provider = p_provider AND i.provider_intent_id = p_ref
    ) THEN
        RETURN;
    END IF;
    UPDATE saas.payment_intents AS i
    SET provider_intent_id = p_ref
    WHERE i.team_id = p_team
        AND i.id = saas.uuid_or_null(p_ours)
        AND i.provider = p_provider
        AND i.provider_intent_id IS NULL
        AND i.amount = p_amount
        AND i.currency = p_currency;
    IF FOUND THEN -- payments that came before it
        UPDATE saas.payments AS p
        SET payment_intent_id = saas.uuid_or_null(p_ours)
        WHERE p.team_id = p_team
            AND p.provider = p_provider
            AND p.provider_intent_id = p_ref
            AND p.payment_intent_id IS NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.link_provider_intent(uuid, text, text, text, bigint, text) IS
'Gives the intent that we asked for, by our identifier, that of the provider, unless amount or currency differ or one of the two is linked already.';
REVOKE ALL ON FUNCTION saas.link_provider_intent(uuid, text, text, text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.link_provider_intent(uuid, text, text, text, bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.join_told_refund(p_ours saas.refunds, p_told saas.refunds)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_told saas.payment_transactions;
BEGIN
    DELETE FROM saas.payment_transactions AS t
    WHERE t.team_id = p_told.team_id
        AND t.payment_id = p_told.payment_id
        AND t.operation = 'refund'
        AND t.provider_reference = p_told.provider_refund_id
    RETURNING t.* INTO v_told;
    DELETE FROM saas.refunds AS r
    WHERE r.team_id = p_told.team_id AND r.id = p_told.id;
    UPDATE saas.refunds AS r
    SET provider_refund_id = p_told.provider_refund_id,
        status = p_told.status,
        status_source = p_told.status_source,
        states_seen = p_told.states_seen,
        snapshot_at = p_told.snapshot_at,
        snapshot_event_id = p_told.snapshot_event_id,
        reason = COALESCE(p_told.reason, r.reason),
        failure_reason = p_told.failure_reason,
        metadata = p_told.metadata,
        provider_created_at = p_told.provider_created_at
    WHERE r.team_id = p_ours.team_id AND r.id = p_ours.id;
    UPDATE saas.payment_transactions AS t
    SET provider_reference = v_told.provider_reference,
        status = v_told.status,
        status_source = v_told.status_source,
        failure_code = v_told.failure_code,
        occurred_at = v_told.occurred_at
    WHERE t.team_id = p_ours.team_id
        AND t.payment_id = p_ours.payment_id
        AND t.operation = 'refund'
        AND t.provider_reference = 'saas:' || p_ours.id;
END
$$;
COMMENT ON FUNCTION saas.join_told_refund(saas.refunds, saas.refunds) IS
'Makes one of a refund that we asked for and of what an event has told of it without our identifier: ours takes over what was told, whose rows go. The amounts of the payment are the caller''s to derive anew.';
REVOKE ALL ON FUNCTION saas.join_told_refund(saas.refunds, saas.refunds) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.join_told_refund(saas.refunds, saas.refunds) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.link_provider_refund(
    p_team uuid,
    p_provider text,
    p_ref text,
    p_ours text,
    p_payment uuid,
    p_amount bigint
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_ours saas.refunds;
    v_told saas.refunds;
BEGIN
    SELECT r.* INTO v_ours
    FROM saas.refunds AS r
    WHERE r.team_id = p_team
        AND r.id = saas.uuid_or_null(p_ours)
        AND r.provider = p_provider
        AND r.provider_refund_id IS NULL
        AND r.payment_id = p_payment
        AND r.amount = p_amount;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT r.* INTO v_told
    FROM saas.refunds AS r
    WHERE r.team_id = p_team AND r.provider = p_provider AND r.provider_refund_id = p_ref;
    IF FOUND THEN -- an event that does not bear our identifier was first
        PERFORM saas.join_told_refund(v_ours, v_told)
        WHERE v_told.payment_id = p_payment
            AND v_told.amount = p_amount
            AND (v_ours.status = 'pending' OR v_ours.status = v_told.status);
        RETURN;
    END IF;
    UPDATE saas.refunds AS r
    SET provider_refund_id = p_ref
    WHERE r.team_id = p_team AND r.id = v_ours.id;
    UPDATE saas.payment_transactions AS t
    SET provider_reference = p_ref
    WHERE t.team_id = p_team
        AND t.payment_id = p_payment
        AND t.operation = 'refund'
        AND t.provider_reference = 'saas:' || v_ours.id;
END
$$;
COMMENT ON FUNCTION saas.link_provider_refund(uuid, text, text, text, uuid, bigint) IS
'Gives the refund that we asked for, by our identifier, that of the provider, and its operation likewise, unless payment or amount differ or it is linked already. What an event has told of that refund before, as of one that we did not ask for, becomes part of ours. The caller holds the payment''s row lock.';
REVOKE ALL ON FUNCTION saas.link_provider_refund(uuid, text, text, text, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.link_provider_refund(uuid, text, text, text, uuid, bigint) TO saas_internal;
