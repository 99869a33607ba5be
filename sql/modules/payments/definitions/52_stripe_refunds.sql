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
    v_row saas.refunds;
    v_result record;
BEGIN
    v_row := saas.with_json_columns(
        saas.with_columns(
            v_row, '{team_id,provider,snapshot_at,snapshot_event_id}', p_team, 'stripe'::text, p_at, p_event_id
        ),
        'stripe', p_refund,
        '
        currency              currency       currency
        provider_refund_id    required_id    id
        amount                units          amount
        status                state:refund   status
        reason                text           reason
        failure_reason        text           failure_reason
        metadata              object         metadata
        provider_created_at   unix_time      created
        '
    );
    IF v_charge_ref IS NULL AND v_intent_ref IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'the refund names neither a charge nor a payment intent';
    END IF;
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
