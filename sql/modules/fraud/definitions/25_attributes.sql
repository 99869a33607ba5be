-- The attributes that rules read: what the application supplied, over which the tables' own columns are laid.
CREATE OR REPLACE FUNCTION saas.intent_attributes(
    p_intent saas.payment_intents,
    p_latest saas.payments,
    p_attempts bigint
)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_given constant jsonb := p_intent.attributes;
    v_derived jsonb := '{}'::jsonb;
BEGIN
    -- Of the latest payment only what nobody supplied; of the intent always its own columns.
    IF p_attempts > 0 THEN
        v_derived := saas.row_members(
            p_latest,
            '{card_brand,card_last4,card_country,card_funding,card_fingerprint,cvc_check,
              address_zip_check,payment_method_type}'
        ) || jsonb_build_object('attempt_count', p_attempts);
    END IF;
    IF v_given ?| '{billing_address_line1,billing_address_line2,billing_city,billing_state,billing_postal_code,billing_country,shipping_address_line1,shipping_address_line2,shipping_city,shipping_state,shipping_postal_code,shipping_country}'::text[]
    THEN
        v_derived := v_derived || jsonb_strip_nulls(jsonb_build_object(
            'billing_address', NULLIF(concat_ws(
                ' ', v_given ->> 'billing_address_line1', v_given ->> 'billing_address_line2',
                v_given ->> 'billing_city', v_given ->> 'billing_state',
                v_given ->> 'billing_postal_code', v_given ->> 'billing_country'
            ), ''),
            'shipping_address', NULLIF(concat_ws(
                ' ', v_given ->> 'shipping_address_line1', v_given ->> 'shipping_address_line2',
                v_given ->> 'shipping_city', v_given ->> 'shipping_state',
                v_given ->> 'shipping_postal_code', v_given ->> 'shipping_country'
            ), '')
        ));
    END IF;
    RETURN v_derived || v_given || jsonb_strip_nulls(saas.row_members(
        p_intent,
        '{amount,currency,customer=provider_customer_id,description,capture_method,provider,livemode,
          payment_method_id=provider_payment_method_id,metadata}'
    ));
END
$$;
COMMENT ON FUNCTION saas.intent_attributes(saas.payment_intents, saas.payments, bigint) IS
'The attributes of a payment intent as the rules read them, from its row, that of its latest payment, and how many payments it has.';
REVOKE ALL ON FUNCTION saas.intent_attributes(saas.payment_intents, saas.payments, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.intent_attributes(saas.payment_intents, saas.payments, bigint) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.payment_attributes(p_team uuid, p_intent uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_intent saas.payment_intents;
    v_latest saas.payments;
    v_attempts bigint;
BEGIN
    SELECT i.* INTO v_intent FROM saas.payment_intents AS i WHERE i.team_id = p_team AND i.id = p_intent;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT count(*) INTO v_attempts
    FROM saas.payments AS h
    WHERE h.team_id = p_team AND h.payment_intent_id = p_intent;
    SELECT h.* INTO v_latest
    FROM saas.payments AS h
    WHERE h.team_id = p_team AND h.payment_intent_id = p_intent
    ORDER BY h.created_at DESC, h.id DESC
    LIMIT 1;
    RETURN saas.intent_attributes(v_intent, v_latest, v_attempts);
END
$$;
COMMENT ON FUNCTION saas.payment_attributes(uuid, uuid) IS
'The attributes of a payment intent as the rules read them; NULL for an unknown intent. Checks no caller.';
REVOKE ALL ON FUNCTION saas.payment_attributes(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_attributes(uuid, uuid) TO saas_internal;
