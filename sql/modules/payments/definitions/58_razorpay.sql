-- Razorpay's entities become snapshots.

CREATE OR REPLACE FUNCTION saas.apply_razorpay_order(
    p_team uuid,
    p_object jsonb,
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
    v_money record := saas.counted_money('razorpay', p_object -> 'amount', p_object ->> 'currency');
    v_row saas.payment_intents;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'razorpay';
    v_row.provider_intent_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status('razorpay', 'order', p_object ->> 'status')).state;
    v_row.amount_received := (saas.counted_money(
        'razorpay', p_object -> 'amount_paid', p_object ->> 'currency'
    )).amount;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.description := p_object ->> 'receipt';
    v_row.attributes := jsonb_build_object('amount', v_row.amount, 'currency', v_row.currency);
    v_row.metadata := saas.object_or_empty(p_object -> 'notes');
    v_row.livemode := saas.provider_livemode(p_team, 'razorpay') IS NOT FALSE;
    v_row.provider_created_at := saas.stripe_time(p_object -> 'created_at');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_intent(v_row, p_object #>> '{notes,saas_intent_id}') AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_razorpay_order(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Razorpay order into payment_intents.';
REVOKE ALL ON FUNCTION saas.apply_razorpay_order(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_razorpay_order(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_razorpay_payment(
    p_team uuid,
    p_object jsonb,
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
    v_money record := saas.counted_money('razorpay', p_object -> 'amount', p_object ->> 'currency');
    v_captured boolean := p_object -> 'captured' IS NOT DISTINCT FROM 'true';
    v_row saas.payments;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'razorpay';
    v_row.provider_payment_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.provider_intent_id := saas.provider_object_id(p_object -> 'order_id');
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    -- What is not captured in time is given back by itself.
    v_row.status := (saas.map_status(
        'razorpay',
        CASE WHEN p_object ->> 'status' = 'refunded' AND NOT v_captured THEN 'released_payment' ELSE 'payment' END,
        p_object ->> 'status'
    )).state;
    v_row.amount_captured := CASE v_row.status WHEN 'paid' THEN v_row.amount ELSE 0 END;
    IF v_row.status <> 'voided' THEN
        v_row.snapshot_refunded := (saas.counted_money(
            'razorpay', p_object -> 'amount_refunded', p_object ->> 'currency'
        )).amount;
    END IF;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    -- The code is but a class, the reason says what happened.
    v_row.failure_code := left(COALESCE(p_object ->> 'error_reason', p_object ->> 'error_code'), 255);
    v_row.failure_message := p_object ->> 'error_description';
    v_row.payment_method_type := p_object ->> 'method';
    v_row.card_brand := lower(p_object #>> '{card,network}');
    v_row.card_last4 := p_object #>> '{card,last4}';
    v_row.card_funding := p_object #>> '{card,type}';
    v_row.provider_customer_id := p_object ->> 'customer_id';
    v_row.description := p_object ->> 'description';
    v_row.metadata := saas.object_or_empty(p_object -> 'notes');
    v_row.livemode := saas.provider_livemode(p_team, 'razorpay') IS NOT FALSE;
    v_row.provider_created_at := saas.stripe_time(p_object -> 'created_at');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_payment(v_row, p_object #>> '{notes,saas_intent_id}') AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_razorpay_payment(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Razorpay payment into payments.';
REVOKE ALL ON FUNCTION saas.apply_razorpay_payment(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_razorpay_payment(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_razorpay_refund(
    p_team uuid,
    p_object jsonb,
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
    v_money record := saas.counted_money('razorpay', p_object -> 'amount', p_object ->> 'currency');
    v_row saas.refunds;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'razorpay';
    v_row.provider_refund_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status('razorpay', 'refund', p_object ->> 'status')).state;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.metadata := saas.object_or_empty(p_object -> 'notes');
    v_row.provider_created_at := saas.stripe_time(p_object -> 'created_at');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_refund(
        v_row, saas.provider_object_id(p_object -> 'payment_id', true), NULL,
        p_object #>> '{notes,saas_refund_id}'
    ) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_razorpay_refund(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Razorpay refund into refunds and the amounts of its payment.';
REVOKE ALL ON FUNCTION saas.apply_razorpay_refund(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_razorpay_refund(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_razorpay_dispute(
    p_team uuid,
    p_object jsonb,
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
    v_money record := saas.counted_money('razorpay', p_object -> 'amount', p_object ->> 'currency');
    v_phase text := COALESCE(p_object ->> 'phase', 'chargeback');
    v_row saas.payment_disputes;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'razorpay';
    v_row.provider_dispute_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.stage := CASE v_phase
        WHEN 'fraud' THEN 'pre_dispute'
        WHEN 'retrieval' THEN 'pre_dispute'
        WHEN 'chargeback' THEN 'dispute'
        WHEN 'pre_arbitration' THEN 'pre_arbitration'
        WHEN 'arbitration' THEN 'arbitration'
    END;
    IF v_row.stage IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the phase of the dispute is unknown';
    END IF;
    v_row.status := (saas.map_status(
        'razorpay',
        CASE
            WHEN v_row.stage = 'pre_dispute' THEN 'inquiry'
            WHEN p_object ->> 'status' = 'closed' AND COALESCE(p_object ->> 'amount_deducted', '0') <> '0'
                THEN 'deducted_dispute'
            ELSE 'dispute'
        END,
        p_object ->> 'status'
    )).state;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.fee_amount := 0;
    v_row.reason := p_object ->> 'reason_code';
    v_row.evidence_due_at := saas.stripe_time(p_object -> 'respond_by');
    v_row.is_refundable := false;
    v_row.livemode := saas.provider_livemode(p_team, 'razorpay') IS NOT FALSE;
    v_row.provider_created_at := saas.stripe_time(p_object -> 'created_at');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail, waits_for
    FROM saas.apply_dispute(v_row, saas.provider_object_id(p_object -> 'payment_id', true)) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_razorpay_dispute(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Razorpay dispute into payment_disputes. Its phases fraud and retrieval move no money.';
REVOKE ALL ON FUNCTION saas.apply_razorpay_dispute(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_razorpay_dispute(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_razorpay_payout(
    p_team uuid,
    p_object jsonb,
    p_at timestamptz,
    p_event_id text,
    p_kind text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_money record := saas.counted_money(
        'razorpay', p_object -> 'amount', COALESCE(p_object ->> 'currency', 'INR')
    );
    v_row saas.payouts;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'razorpay';
    v_row.provider_payout_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.status := (saas.map_status('razorpay', p_kind, p_object ->> 'status')).state;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.method := COALESCE(p_object ->> 'mode', p_kind);
    v_row.failure_code := p_object #>> '{status_details,reason}';
    v_row.failure_message := COALESCE(
        p_object #>> '{status_details,description}', p_object ->> 'failure_reason'
    );
    v_row.metadata := saas.object_or_empty(p_object -> 'notes');
    v_row.livemode := saas.provider_livemode(p_team, 'razorpay') IS NOT FALSE;
    v_row.provider_created_at := saas.stripe_time(p_object -> 'created_at');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail FROM saas.apply_payout(v_row) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_razorpay_payout(uuid, jsonb, timestamptz, text, text) IS
'Joins a snapshot of a Razorpay payout or settlement (p_kind) into payouts. Settlements are in INR.';
REVOKE ALL ON FUNCTION saas.apply_razorpay_payout(uuid, jsonb, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_razorpay_payout(uuid, jsonb, timestamptz, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_razorpay_event(
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
    v_at timestamptz := saas.stripe_time(p_event -> 'created_at');
    v_kind text;
    v_object jsonb;
    v_result record;
BEGIN
    IF v_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the event has no time';
    END IF;
    outcome := 'ignored';
    detail := 'no table for this object';
    -- An event may carry several entities: parents first. The last one is what it is about.
    FOREACH v_kind IN ARRAY ARRAY['order', 'payment', 'refund', 'dispute', 'payout', 'settlement'] LOOP
        v_object := p_event #> ARRAY['payload', v_kind, 'entity'];
        CONTINUE WHEN v_object IS NULL;
        CASE v_kind
            WHEN 'order' THEN
                v_result := saas.apply_razorpay_order(p_team, v_object, v_at, p_event_id);
            WHEN 'payment' THEN
                v_result := saas.apply_razorpay_payment(p_team, v_object, v_at, p_event_id);
            WHEN 'refund' THEN
                v_result := saas.apply_razorpay_refund(p_team, v_object, v_at, p_event_id);
            WHEN 'dispute' THEN
                v_result := saas.apply_razorpay_dispute(p_team, v_object, v_at, p_event_id);
            ELSE
                v_result := saas.apply_razorpay_payout(p_team, v_object, v_at, p_event_id, v_kind);
        END CASE;
        outcome := CASE
            WHEN outcome = 'conflict' THEN outcome
            WHEN outcome = 'processed' AND v_result.outcome = 'superseded' THEN outcome
            ELSE v_result.outcome
        END;
        detail := v_result.detail;
        waits_for := v_result.waits_for;
        landed := NULLIF(COALESCE(landed, '{}') || COALESCE(v_result.landed, '{}'), '{}');
    END LOOP;
    IF outcome <> 'deferred' THEN
        waits_for := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_razorpay_event(uuid, jsonb, text) IS
'Applies a verified Razorpay event, with every entity that it carries, to the payment tables.';
REVOKE ALL ON FUNCTION saas.apply_razorpay_event(uuid, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_razorpay_event(uuid, jsonb, text) TO saas_internal;
