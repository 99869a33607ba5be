-- The neutral body, for whoever signs by Standard Webhooks: our own objects and states.

CREATE OR REPLACE FUNCTION saas.apply_neutral_intent(
    p_provider text,
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
    v_money record := saas.counted_money(p_provider, p_object -> 'amount', p_object ->> 'currency');
    v_row saas.payment_intents;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := p_provider;
    v_row.provider_intent_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status(p_provider, 'payment_intent', p_object ->> 'status')).state;
    v_row.amount_capturable := (saas.counted_money(
        p_provider, p_object -> 'amount_capturable', v_money.currency
    )).amount;
    v_row.amount_received := (saas.counted_money(
        p_provider, p_object -> 'amount_received', v_money.currency
    )).amount;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.description := p_object ->> 'description';
    v_row.provider_customer_id := p_object ->> 'customer';
    v_row.last_error_code := p_object ->> 'failure_code';
    v_row.last_error_message := p_object ->> 'failure_message';
    v_row.attributes := saas.object_or_empty(p_object -> 'attributes')
        || jsonb_build_object('amount', v_row.amount, 'currency', v_row.currency);
    v_row.metadata := saas.object_or_empty(p_object -> 'metadata');
    v_row.livemode := saas.provider_livemode(p_team, p_provider) IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_intent(v_row, p_object #>> '{metadata,saas_intent_id}') AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_neutral_intent(text, uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of an intent in the neutral body into payment_intents.';
REVOKE ALL ON FUNCTION saas.apply_neutral_intent(text, uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_neutral_intent(text, uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_neutral_payment(
    p_provider text,
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
    v_money record := saas.counted_money(p_provider, p_object -> 'amount', p_object ->> 'currency');
    v_card jsonb := p_object -> 'card';
    v_row saas.payments;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := p_provider;
    v_row.provider_payment_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.provider_intent_id := saas.provider_object_id(p_object -> 'payment_intent');
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status(p_provider, 'payment', p_object ->> 'status')).state;
    IF p_object ? 'amount_captured' THEN -- else its captures are objects of their own
        v_row.amount_captured := (saas.counted_money(
            p_provider, p_object -> 'amount_captured', v_money.currency
        )).amount;
    END IF;
    IF p_object ? 'amount_refunded' THEN
        v_row.snapshot_refunded := (saas.counted_money(
            p_provider, p_object -> 'amount_refunded', v_money.currency
        )).amount;
    END IF;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.failure_code := p_object ->> 'failure_code';
    v_row.failure_message := p_object ->> 'failure_message';
    v_row.payment_method_type := p_object ->> 'method';
    v_row.card_brand := v_card ->> 'brand';
    v_row.card_last4 := v_card ->> 'last4';
    v_row.card_country := v_card ->> 'country';
    v_row.card_funding := v_card ->> 'funding';
    v_row.card_fingerprint := v_card ->> 'fingerprint';
    v_row.provider_customer_id := p_object ->> 'customer';
    v_row.description := p_object ->> 'description';
    v_row.metadata := saas.object_or_empty(p_object -> 'metadata');
    v_row.livemode := saas.provider_livemode(p_team, p_provider) IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_payment(v_row, p_object #>> '{metadata,saas_intent_id}') AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_neutral_payment(text, uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a payment in the neutral body into payments.';
REVOKE ALL ON FUNCTION saas.apply_neutral_payment(text, uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_neutral_payment(text, uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_neutral_capture(
    p_provider text,
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
    v_money record := saas.counted_money(p_provider, p_object -> 'amount', p_object ->> 'currency');
    v_row saas.payment_transactions;
BEGIN
    v_row.team_id := p_team;
    v_row.provider_reference := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status(p_provider, 'capture', p_object ->> 'status')).state;
    v_row.failure_code := p_object ->> 'failure_code';
    v_row.occurred_at := p_at;
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_capture(
        v_row, p_provider, saas.provider_object_id(p_object -> 'payment', true), p_event_id,
        p_object #>> '{metadata,saas_capture_id}'
    ) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_neutral_capture(text, uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a capture in the neutral body into payment_transactions.';
REVOKE ALL ON FUNCTION saas.apply_neutral_capture(text, uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_neutral_capture(text, uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_neutral_refund(
    p_provider text,
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
    v_money record := saas.counted_money(p_provider, p_object -> 'amount', p_object ->> 'currency');
    v_row saas.refunds;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := p_provider;
    v_row.provider_refund_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status(p_provider, 'refund', p_object ->> 'status')).state;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.reason := p_object ->> 'reason';
    v_row.failure_reason := p_object ->> 'failure_code';
    v_row.metadata := saas.object_or_empty(p_object -> 'metadata');
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_refund(
        v_row, saas.provider_object_id(p_object -> 'payment', true), NULL,
        p_object #>> '{metadata,saas_refund_id}'
    ) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_neutral_refund(text, uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a refund in the neutral body into refunds.';
REVOKE ALL ON FUNCTION saas.apply_neutral_refund(text, uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_neutral_refund(text, uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_neutral_dispute(
    p_provider text,
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
    v_money record := saas.counted_money(p_provider, p_object -> 'amount', p_object ->> 'currency');
    v_row saas.payment_disputes;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := p_provider;
    v_row.provider_dispute_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.status := (saas.map_status(p_provider, 'dispute', p_object ->> 'status')).state;
    v_row.stage := COALESCE(
        p_object ->> 'stage', CASE WHEN v_row.status LIKE 'warning%' THEN 'pre_dispute' ELSE 'dispute' END
    );
    IF saas.dispute_stage_rank(v_row.stage) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the stage of the dispute is unknown';
    END IF;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.fee_amount := (saas.counted_money(p_provider, p_object -> 'fee', v_money.currency)).amount;
    v_row.reason := p_object ->> 'reason';
    v_row.evidence_due_at := saas.provider_time(p_object -> 'evidence_due_at');
    v_row.is_refundable := false;
    v_row.metadata := saas.object_or_empty(p_object -> 'metadata');
    v_row.livemode := saas.provider_livemode(p_team, p_provider) IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail, waits_for
    FROM saas.apply_dispute(v_row, saas.provider_object_id(p_object -> 'payment', true)) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_neutral_dispute(text, uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a dispute in the neutral body into payment_disputes.';
REVOKE ALL ON FUNCTION saas.apply_neutral_dispute(text, uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_neutral_dispute(text, uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_neutral_payout(
    p_provider text,
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
    v_money record := saas.counted_money(p_provider, p_object -> 'amount', p_object ->> 'currency');
    v_row saas.payouts;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := p_provider;
    v_row.provider_payout_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.status := (saas.map_status(p_provider, 'payout', p_object ->> 'status')).state;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.method := p_object ->> 'method';
    v_row.arrival_date := (saas.provider_time(p_object -> 'arrives_at') AT TIME ZONE 'UTC')::date;
    v_row.failure_code := p_object ->> 'failure_code';
    v_row.failure_message := p_object ->> 'failure_message';
    v_row.metadata := saas.object_or_empty(p_object -> 'metadata');
    v_row.livemode := saas.provider_livemode(p_team, p_provider) IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail FROM saas.apply_payout(v_row) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_neutral_payout(text, uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a payout in the neutral body into payouts.';
REVOKE ALL ON FUNCTION saas.apply_neutral_payout(text, uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_neutral_payout(text, uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_neutral_event(
    p_provider text,
    p_team uuid,
    p_event jsonb,
    p_event_id text,
    p_machine text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_object jsonb := saas.object_or_empty(p_event -> 'data');
    v_at timestamptz := saas.provider_time(p_event -> 'timestamp');
BEGIN
    IF v_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the event has no time';
    END IF;
    CASE p_machine
        WHEN 'payment_intent' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_neutral_intent(p_provider, p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'payment' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_neutral_payment(p_provider, p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'payment_transaction' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_neutral_capture(p_provider, p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'refund' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_neutral_refund(p_provider, p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'dispute' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_neutral_dispute(p_provider, p_team, v_object, v_at, p_event_id) AS r;
        ELSE
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_neutral_payout(p_provider, p_team, v_object, v_at, p_event_id) AS r;
    END CASE;
END
$$;
COMMENT ON FUNCTION saas.apply_neutral_event(text, uuid, jsonb, text, text) IS
'Applies a verified event with the neutral body, about an object of this machine, to the payment tables.';
REVOKE ALL ON FUNCTION saas.apply_neutral_event(text, uuid, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_neutral_event(text, uuid, jsonb, text, text) TO saas_internal;
