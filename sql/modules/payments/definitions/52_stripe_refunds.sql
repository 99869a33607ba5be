-- Stripe's refunds.
CREATE OR REPLACE FUNCTION saas.apply_stripe_refund(
    p_team uuid,
    p_refund jsonb,
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
    v_charge_ref text := saas.provider_object_id(p_refund -> 'charge');
    v_intent_ref text := saas.provider_object_id(p_refund -> 'payment_intent');
    v_money record := saas.charge_currency('stripe', p_refund ->> 'currency');
    v_row saas.refunds;
    v_result record;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'stripe';
    v_row.provider_refund_id := saas.provider_object_id(p_refund -> 'id', true);
    v_row.amount := saas.minor_units(p_refund -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_row.currency := v_money.code;
    v_row.status := (saas.map_status('stripe', 'refund', p_refund ->> 'status')).state;
    IF v_charge_ref IS NULL AND v_intent_ref IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'the refund names neither a charge nor a payment intent';
    END IF;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.reason := p_refund ->> 'reason';
    v_row.failure_reason := p_refund ->> 'failure_reason';
    v_row.metadata := saas.object_or_empty(p_refund -> 'metadata');
    v_row.provider_created_at := saas.stripe_time(p_refund -> 'created');
    v_result := saas.apply_refund(
        v_row, v_charge_ref, v_intent_ref, p_refund #>> '{metadata,saas_refund_id}'
    );
    outcome := v_result.outcome;
    detail := v_result.detail;
    waits_for := v_result.waits_for;
    landed := v_result.landed;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe refund, as the event of that id and time showed it, into refunds, payment_transactions and the amounts of its payment.';
REVOKE ALL ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_refund(uuid, jsonb, timestamptz, text) TO saas_internal;
