-- Stripe's events: which object goes where.
CREATE OR REPLACE FUNCTION saas.apply_stripe_event(
    p_team uuid,
    p_event jsonb,
    p_event_id text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    -- The status that the type of an event announces.
    k_expected constant jsonb := '{
        "payment_intent.succeeded": "succeeded",
        "payment_intent.canceled": "canceled",
        "payment_intent.processing": "processing",
        "payment_intent.requires_action": "requires_action",
        "payment_intent.payment_failed": "requires_payment_method",
        "charge.succeeded": "succeeded",
        "charge.failed": "failed",
        "charge.pending": "pending",
        "refund.failed": "failed",
        "payout.paid": "paid",
        "payout.failed": "failed",
        "payout.canceled": "canceled"
    }'::jsonb;
    v_object jsonb := p_event #> '{data,object}';
    v_at timestamptz;
    v_result record;
BEGIN
    IF COALESCE(v_object ->> 'object', '') NOT IN (
            'payment_intent', 'charge', 'refund', 'dispute', 'payout', 'radar.early_fraud_warning'
        )
        OR p_event ->> 'object' = 'v2.core.event'
    THEN
        outcome := 'ignored';
        detail := 'no table for this object';
        RETURN;
    END IF;
    v_at := saas.stripe_time(p_event -> 'created');
    IF v_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the event has no time';
    END IF;
    CASE v_object ->> 'object'
        WHEN 'payment_intent' THEN
            v_result := saas.apply_intent(
                saas.stripe_intent(p_team, v_object, v_at, p_event_id), v_object #>> '{metadata,saas_intent_id}'
            );
        WHEN 'charge' THEN
            v_result := saas.apply_payment(saas.stripe_charge(p_team, v_object, v_at, p_event_id));
        WHEN 'refund' THEN
            v_result := saas.apply_stripe_refund(p_team, v_object, v_at, p_event_id);
        WHEN 'dispute' THEN
            v_result := saas.apply_stripe_dispute(p_team, v_object, v_at, p_event_id);
        WHEN 'payout' THEN
            v_result := saas.apply_stripe_payout(p_team, v_object, v_at, p_event_id);
        ELSE
            v_result := saas.apply_fraud_warning(
                p_team, 'stripe', saas.provider_object_id(v_object -> 'charge', true),
                COALESCE(saas.stripe_time(v_object -> 'created'), v_at)
            );
    END CASE;
    outcome := v_result.outcome;
    detail := v_result.detail;
    waits_for := v_result.waits_for;
    landed := v_result.landed;
    IF v_object ->> 'status' <> k_expected ->> (p_event ->> 'type') THEN
        detail := concat_ws('; ', detail, 'the object''s status is not the one that the event type announces');
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_event(uuid, jsonb, text) IS
'Applies a verified Stripe event to the payment tables. Outcome processed, superseded, conflict, deferred or ignored; raises SA072 for an object that makes no sense.';
REVOKE ALL ON FUNCTION saas.apply_stripe_event(uuid, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_event(uuid, jsonb, text) TO saas_internal;
