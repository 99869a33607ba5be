-- Stripe's charges are payments.
CREATE OR REPLACE FUNCTION saas.apply_stripe_charge(
    p_team uuid,
    p_charge jsonb,
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
    v_money record := saas.charge_currency('stripe', p_charge ->> 'currency');
    v_card jsonb := p_charge #> '{payment_method_details,card}';
    v_row saas.payments;
    v_result record;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'stripe';
    v_row.provider_payment_id := saas.provider_object_id(p_charge -> 'id', true);
    v_row.provider_intent_id := saas.provider_object_id(p_charge -> 'payment_intent');
    v_row.amount := saas.minor_units(p_charge -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_row.currency := v_money.code;
    v_row.snapshot_refunded := saas.minor_units(
        COALESCE(NULLIF(p_charge -> 'amount_refunded', 'null'), '0'),
        v_money.provider_exponent, v_money.exponent
    );
    v_row.status := (saas.map_status(
        'stripe',
        CASE
            WHEN p_charge ->> 'status' IS DISTINCT FROM 'succeeded' THEN 'charge'
            WHEN p_charge -> 'captured' = 'true' THEN 'captured_charge'
            WHEN p_charge -> 'refunded' = 'true' OR v_row.snapshot_refunded >= v_row.amount
                THEN 'released_charge'
            ELSE 'charge'
        END,
        p_charge ->> 'status'
    )).state;
    v_row.amount_captured := 0;
    IF v_row.status = 'paid' THEN -- the amount captured has a member of its own since 2020-08-27
        v_row.amount_captured := saas.minor_units(
            COALESCE(NULLIF(p_charge -> 'amount_captured', 'null'), p_charge -> 'amount'),
            v_money.provider_exponent, v_money.exponent
        );
    END IF;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.failure_code := p_charge ->> 'failure_code';
    v_row.failure_message := p_charge ->> 'failure_message';
    v_row.payment_method_type := p_charge #>> '{payment_method_details,type}';
    v_row.card_brand := v_card ->> 'brand';
    v_row.card_last4 := v_card ->> 'last4';
    v_row.card_country := v_card ->> 'country';
    v_row.card_funding := v_card ->> 'funding';
    v_row.card_fingerprint := v_card ->> 'fingerprint';
    v_row.cvc_check := v_card #>> '{checks,cvc_check}';
    v_row.address_zip_check := v_card #>> '{checks,address_postal_code_check}';
    v_row.provider_customer_id := COALESCE(p_charge #>> '{customer,id}', p_charge ->> 'customer');
    v_row.description := p_charge ->> 'description';
    v_row.metadata := saas.object_or_empty(p_charge -> 'metadata');
    v_row.is_disputed := p_charge -> 'disputed' IS NOT DISTINCT FROM 'true';
    v_row.livemode := p_charge -> 'livemode' IS NOT DISTINCT FROM 'true';
    v_row.provider_created_at := saas.stripe_time(p_charge -> 'created');
    v_result := saas.apply_payment(v_row);
    outcome := v_result.outcome;
    detail := v_result.detail;
    waits_for := v_result.waits_for;
    landed := v_result.landed;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe charge, as the event of that id and time showed it, into payments and payment_transactions. landed: the identifiers for which deferred events may have waited.';
REVOKE ALL ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) TO saas_internal;
