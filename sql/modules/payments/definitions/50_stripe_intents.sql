-- Stripe's objects become snapshots. The state comes from the object; the type of the event is a hint.

CREATE OR REPLACE FUNCTION saas.stripe_time(p_value jsonb)
RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF jsonb_typeof(p_value) = 'number' AND p_value::numeric BETWEEN 0 AND 253402300799 THEN
        RETURN to_timestamp(p_value::double precision);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.stripe_time(jsonb) IS
'A time given in unix seconds; NULL unless it is a number between the years 1970 and 9999.';
REVOKE ALL ON FUNCTION saas.stripe_time(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.stripe_time(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.stripe_intent_attributes(p_intent jsonb, p_amount bigint, p_currency text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    -- The method that was tried last, or that is expanded in the object; a charge has the same members
    -- under payment_method_details.
    v_method jsonb := COALESCE(
        p_intent #> '{last_payment_error,payment_method}',
        p_intent #> '{latest_charge,payment_method_details}',
        p_intent #> '{charges,data,0,payment_method_details}',
        p_intent -> 'payment_method'
    );
    v_billing jsonb := COALESCE(
        p_intent #> '{last_payment_error,payment_method,billing_details}',
        p_intent #> '{latest_charge,billing_details}',
        p_intent #> '{charges,data,0,billing_details}',
        p_intent #> '{payment_method,billing_details}'
    );
    v_card jsonb := v_method -> 'card';
    v_email text := lower(COALESCE(p_intent ->> 'receipt_email', v_billing ->> 'email'));
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'amount', p_amount,
        'currency', p_currency,
        'email', v_email,
        'email_domain', substring(v_email FROM '@([^@]+)$'),
        'ip', COALESCE(p_intent #>> '{metadata,ip}', p_intent #>> '{metadata,ip_address}'),
        'card_brand', v_card ->> 'brand',
        'card_country', v_card ->> 'country',
        'card_funding', v_card ->> 'funding',
        'card_fingerprint', v_card ->> 'fingerprint',
        'card_last4', v_card ->> 'last4',
        'cvc_check', v_card #>> '{checks,cvc_check}',
        'address_zip_check', v_card #>> '{checks,address_postal_code_check}',
        'customer', COALESCE(p_intent #>> '{customer,id}', p_intent ->> 'customer'),
        'description', p_intent ->> 'description',
        'capture_method', p_intent ->> 'capture_method',
        'payment_method_type', COALESCE(v_method ->> 'type', p_intent #>> '{payment_method_types,0}'),
        'livemode', (p_intent -> 'livemode') = 'true',
        'shipping_country', p_intent #>> '{shipping,address,country}',
        'billing_country', v_billing #>> '{address,country}'
    ));
END
$$;
COMMENT ON FUNCTION saas.stripe_intent_attributes(jsonb, bigint, text) IS
'What fraud rules may ask about a Stripe payment intent, by the names they use; members that are not known are left out.';
REVOKE ALL ON FUNCTION saas.stripe_intent_attributes(jsonb, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.stripe_intent_attributes(jsonb, bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_stripe_intent(
    p_team uuid,
    p_intent jsonb,
    p_at timestamptz,
    p_event_id text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_money record := saas.charge_currency('stripe', p_intent ->> 'currency');
    v_amount bigint;
    v_row saas.payment_intents;
    v_result record;
BEGIN
    v_amount := saas.minor_units(p_intent -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_row := saas.with_columns(
        v_row,
        '{team_id,provider,provider_intent_id,amount,amount_capturable,amount_received,currency,
          status,snapshot_at,snapshot_event_id,capture_method,description,provider_customer_id,
          provider_payment_method_id,last_error_code,last_error_decline_code,last_error_message,
          cancellation_reason,canceled_at,attributes,metadata,livemode,provider_created_at}',
        p_team, 'stripe'::text, saas.provider_object_id(p_intent -> 'id', true), v_amount,
        saas.minor_units(
            COALESCE(NULLIF(p_intent -> 'amount_capturable', 'null'), '0'),
            v_money.provider_exponent, v_money.exponent
        ),
        saas.minor_units(
            COALESCE(NULLIF(p_intent -> 'amount_received', 'null'), '0'),
            v_money.provider_exponent, v_money.exponent
        ),
        v_money.code, (saas.map_status('stripe', 'payment_intent', p_intent ->> 'status')).state, p_at,
        p_event_id, p_intent ->> 'capture_method', p_intent ->> 'description',
        COALESCE(p_intent #>> '{customer,id}', p_intent ->> 'customer'),
        COALESCE(p_intent #>> '{payment_method,id}', p_intent ->> 'payment_method'),
        COALESCE(p_intent #>> '{last_payment_error,code}', p_intent #>> '{last_payment_error,type}'),
        p_intent #>> '{last_payment_error,decline_code}', p_intent #>> '{last_payment_error,message}',
        p_intent ->> 'cancellation_reason', saas.stripe_time(p_intent -> 'canceled_at'),
        saas.stripe_intent_attributes(p_intent, v_amount, v_money.code),
        saas.object_or_empty(p_intent -> 'metadata'), p_intent -> 'livemode' IS NOT DISTINCT FROM 'true',
        saas.stripe_time(p_intent -> 'created')
    );
    v_result := saas.apply_intent(v_row, p_intent #>> '{metadata,saas_intent_id}');
    outcome := v_result.outcome;
    detail := v_result.detail;
    waits_for := v_result.waits_for;
    landed := v_result.landed;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_intent(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe payment intent, as the event of that id and time showed it, into payment_intents.';
REVOKE ALL ON FUNCTION saas.apply_stripe_intent(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_intent(uuid, jsonb, timestamptz, text) TO saas_internal;
