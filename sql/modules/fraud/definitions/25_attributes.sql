-- The attributes that rules read: what the application supplied, over which the tables' own columns are laid.
CREATE OR REPLACE FUNCTION saas.payment_attributes(p_team uuid, p_intent uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN -- its plan is kept, as that of an SQL function is not
    -- Of the latest payment only what nobody supplied; of the intent always its own columns.
    RETURN (SELECT jsonb_strip_nulls(jsonb_build_object(
            'card_brand', p.card_brand,
            'card_last4', p.card_last4,
            'card_country', p.card_country,
            'card_funding', p.card_funding,
            'card_fingerprint', p.card_fingerprint,
            'cvc_check', p.cvc_check,
            'address_zip_check', p.address_zip_check,
            'payment_method_type', p.payment_method_type,
            'attempt_count', NULLIF(p.attempts, 0),
            'billing_address', NULLIF(concat_ws(
                ' ', i.attributes ->> 'billing_address_line1', i.attributes ->> 'billing_address_line2',
                i.attributes ->> 'billing_city', i.attributes ->> 'billing_state',
                i.attributes ->> 'billing_postal_code', i.attributes ->> 'billing_country'
            ), ''),
            'shipping_address', NULLIF(concat_ws(
                ' ', i.attributes ->> 'shipping_address_line1', i.attributes ->> 'shipping_address_line2',
                i.attributes ->> 'shipping_city', i.attributes ->> 'shipping_state',
                i.attributes ->> 'shipping_postal_code', i.attributes ->> 'shipping_country'
            ), '')
        ))
        || i.attributes
        || jsonb_strip_nulls(jsonb_build_object(
            'amount', i.amount,
            'currency', i.currency,
            'customer', i.provider_customer_id,
            'description', i.description,
            'capture_method', i.capture_method,
            'provider', i.provider,
            'livemode', i.livemode,
            'payment_method_id', i.provider_payment_method_id,
            'metadata', i.metadata
        ))
    FROM saas.payment_intents AS i
    LEFT JOIN LATERAL (
        SELECT h.card_brand, h.card_last4, h.card_country, h.card_funding, h.card_fingerprint, h.cvc_check,
            h.address_zip_check, h.payment_method_type, count(*) OVER () AS attempts
        FROM saas.payments AS h
        WHERE h.team_id = p_team AND h.payment_intent_id = p_intent
        ORDER BY h.created_at DESC, h.id DESC
        LIMIT 1
    ) AS p ON true
    WHERE i.team_id = p_team AND i.id = p_intent);
END
$$;
COMMENT ON FUNCTION saas.payment_attributes(uuid, uuid) IS
'The attributes of a payment intent as the rules read them; NULL for an unknown intent. Checks no caller.';
REVOKE ALL ON FUNCTION saas.payment_attributes(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_attributes(uuid, uuid) TO saas_internal;
