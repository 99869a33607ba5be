-- Stripe's charges are payments.
CREATE OR REPLACE FUNCTION saas.stripe_charge(
    p_team uuid,
    p_charge jsonb,
    p_at timestamptz,
    p_event_id text
)
RETURNS saas.payments
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
AS $$
DECLARE
    v_row saas.payments;
BEGIN
    v_row := saas.with_json_columns(
        saas.with_columns(
            v_row, '{team_id,provider,snapshot_at,snapshot_event_id}', p_team, 'stripe'::text, p_at, p_event_id
        ),
        'stripe', p_charge,
        '
        @card  json  payment_method_details.card

        currency               currency        currency
        provider_payment_id    required_id     id
        provider_intent_id     id              payment_intent
        amount                 units           amount
        snapshot_refunded      units_or_zero   amount_refunded
        failure_code           text            failure_code
        failure_message        text            failure_message
        payment_method_type    text            payment_method_details.type
        card_brand             text            @card.brand
        card_last4             text            @card.last4
        card_country           text            @card.country
        card_funding           text            @card.funding
        card_fingerprint       text            @card.fingerprint
        cvc_check              text            @card.checks.cvc_check
        address_zip_check      text            @card.checks.address_postal_code_check
        provider_customer_id   text            customer.id | customer
        description            text            description
        metadata               object          metadata
        is_disputed            flag_or_false   disputed
        livemode               flag_or_false   livemode
        provider_created_at    unix_time       created
        '
    );
    v_row := saas.with_json_columns(v_row, 'stripe', p_charge, CASE
        WHEN p_charge ->> 'status' = 'failed' THEN
            -- Of one that did not fail the outcome tells of its risk.
            '
            status        state:charge  status
            decline_code  text          outcome.reason
            '
        WHEN p_charge ->> 'status' IS DISTINCT FROM 'succeeded' THEN 'status state:charge status'
        WHEN p_charge -> 'captured' = 'true' THEN 'status state:captured_charge status'
        WHEN p_charge -> 'refunded' = 'true' OR v_row.snapshot_refunded >= v_row.amount
            THEN 'status state:released_charge status'
        ELSE 'status state:charge status'
    END);
    IF v_row.status = 'paid' THEN -- the amount captured has a member of its own since 2020-08-27
        RETURN saas.with_json_columns(
            v_row, 'stripe', p_charge,
            '
            currency         currency  currency
            amount_captured  units     amount_captured | amount
            '
        );
    END IF;
    v_row.amount_captured := 0;
    RETURN v_row;
END
$$;
COMMENT ON FUNCTION saas.stripe_charge(uuid, jsonb, timestamptz, text) IS
'A Stripe charge, as the event of that id and time showed it, as a row of payments.';
REVOKE ALL ON FUNCTION saas.stripe_charge(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.stripe_charge(uuid, jsonb, timestamptz, text) TO saas_internal;
DROP FUNCTION IF EXISTS saas.apply_stripe_charge(uuid, jsonb, timestamptz, text);
