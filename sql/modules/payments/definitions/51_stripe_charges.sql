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
    v_row := saas.with_columns(
        v_row,
        '{snapshot_at,snapshot_event_id,failure_code,failure_message,payment_method_type,card_brand,
          card_last4,card_country,card_funding,card_fingerprint,cvc_check,address_zip_check,
          provider_customer_id,description,metadata,is_disputed,livemode,provider_created_at}',
        p_at, p_event_id, p_charge ->> 'failure_code', p_charge ->> 'failure_message',
        p_charge #>> '{payment_method_details,type}', v_card ->> 'brand', v_card ->> 'last4',
        v_card ->> 'country', v_card ->> 'funding', v_card ->> 'fingerprint',
        v_card #>> '{checks,cvc_check}', v_card #>> '{checks,address_postal_code_check}',
        COALESCE(p_charge #>> '{customer,id}', p_charge ->> 'customer'), p_charge ->> 'description',
        saas.object_or_empty(p_charge -> 'metadata'), p_charge -> 'disputed' IS NOT DISTINCT FROM 'true',
        p_charge -> 'livemode' IS NOT DISTINCT FROM 'true', saas.stripe_time(p_charge -> 'created')
    );
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
