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
    v_ours uuid := saas.uuid_or_null(p_ours);
BEGIN
    IF v_ours IS NULL OR EXISTS (
        SELECT FROM saas.refunds AS r
        WHERE r.team_id = p_team AND r.provider = p_provider AND r.provider_refund_id = p_ref
    ) THEN
        RETURN;
    END IF;
    UPDATE saas.refunds AS r
    SET provider_refund_id = p_ref
    WHERE r.team_id = p_team
        AND r.id = v_ours
        AND r.provider = p_provider
        AND r.provider_refund_id IS NULL
        AND r.payment_id = p_payment
        AND r.amount = p_amount;
    IF FOUND THEN
        UPDATE saas.payment_transactions AS t
        SET provider_reference = p_ref
        WHERE t.team_id = p_team
            AND t.payment_id = p_payment
            AND t.operation = 'refund'
            AND t.provider_reference = 'saas:' || v_ours;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.link_provider_refund(uuid, text, text, text, uuid, bigint) IS
'Gives the refund that we asked for, by our identifier, that of the provider, and its operation likewise, unless payment or amount differ or one of the two is linked already. The caller holds the payment''s row lock.';
REVOKE ALL ON FUNCTION saas.link_provider_refund(uuid, text, text, text, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.link_provider_refund(uuid, text, text, text, uuid, bigint) TO saas_internal;
