-- Adyen sends events, not states: each item of a notification says what happened to a payment.

CREATE OR REPLACE FUNCTION saas.apply_adyen_payment(
    p_team uuid,
    p_item jsonb,
    p_state text,
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
    v_code text := p_item ->> 'eventCode';
    v_original text := saas.provider_object_id(NULLIF(p_item -> 'originalReference', '""'));
    v_money record;
    v_row saas.payments;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'adyen';
    v_row.status := p_state;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    -- What happened to a payment that an earlier item told of.
    IF v_code NOT IN ('AUTHORISATION', 'PENDING', 'OFFER_CLOSED') THEN
        v_row.provider_payment_id := COALESCE(
            v_original, saas.provider_object_id(p_item -> 'pspReference', true)
        );
        SELECT r.* INTO outcome, detail, waits_for, landed
        FROM saas.apply_payment(v_row, NULL, true) AS r;
        RETURN;
    END IF;
    v_money := saas.counted_money('adyen', p_item #> '{amount,value}', p_item #>> '{amount,currency}');
    v_row.provider_payment_id := saas.provider_object_id(p_item -> 'pspReference', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    IF v_row.status = 'authorized' AND EXISTS (
        SELECT FROM saas.payment_providers AS p
        WHERE p.team_id = p_team AND p.provider = 'adyen' AND p.captures_automatically
    ) THEN
        v_row.status := 'paid';
        v_row.amount_captured := v_row.amount;
    END IF;
    v_row.failure_code := CASE v_row.status WHEN 'failed' THEN left(p_item ->> 'reason', 255) END;
    v_row.payment_method_type := p_item ->> 'paymentMethod';
    v_row.card_brand := p_item #>> '{additionalData,paymentMethodVariant}';
    v_row.card_last4 := p_item #>> '{additionalData,cardSummary}';
    v_row.card_country := p_item #>> '{additionalData,cardIssuingCountry}';
    v_row.card_funding := lower(p_item #>> '{additionalData,fundingSource}');
    v_row.card_fingerprint := p_item #>> '{additionalData,alias}';
    v_row.cvc_check := p_item #>> '{additionalData,cvcResultRaw}';
    v_row.address_zip_check := p_item #>> '{additionalData,avsResultRaw}';
    v_row.provider_customer_id := p_item #>> '{additionalData,shopperReference}';
    v_row.description := p_item ->> 'merchantReference';
    v_row.livemode := p_item ->> 'live' IS NOT DISTINCT FROM 'true';
    v_row.provider_created_at := p_at;
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_payment(v_row, p_item ->> 'merchantReference') AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_adyen_payment(uuid, jsonb, text, timestamptz, text) IS
'Joins what an item of an Adyen notification says of a payment into payments. Its merchantReference may be the intent that we asked for. Where the provider is set to capture automatically, an authorisation is a capture as well.';
REVOKE ALL ON FUNCTION saas.apply_adyen_payment(uuid, jsonb, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_adyen_payment(uuid, jsonb, text, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_adyen_change(
    p_team uuid,
    p_item jsonb,
    p_machine text,
    p_state text,
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
    v_money record := saas.counted_money('adyen', p_item #> '{amount,value}', p_item #>> '{amount,currency}');
    v_ref text := saas.provider_object_id(p_item -> 'pspReference', true);
    v_original text := saas.provider_object_id(NULLIF(p_item -> 'originalReference', '""'));
    v_reason text := left(p_item ->> 'reason', 1000);
    v_capture saas.payment_transactions;
    v_refund saas.refunds;
    v_payout saas.payouts;
BEGIN
    IF v_original IS NULL AND p_machine <> 'payout' THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the item names no original payment';
    ELSIF p_machine = 'payment_transaction' THEN
        v_capture.team_id := p_team;
        v_capture.provider_reference := v_ref;
        v_capture.amount := v_money.amount;
        v_capture.currency := v_money.currency;
        v_capture.status := p_state;
        v_capture.failure_code := CASE p_state WHEN 'failed' THEN v_reason END;
        v_capture.occurred_at := p_at;
        IF p_item ->> 'eventCode' = 'AUTHORISATION_ADJUSTMENT' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_adjustment(v_capture, 'adyen', v_original) AS r;
            RETURN;
        END IF;
        SELECT r.* INTO outcome, detail, waits_for, landed
        FROM saas.apply_capture(
            v_capture, 'adyen', v_original, p_event_id, p_item ->> 'merchantReference'
        ) AS r;
    ELSIF p_machine = 'refund' THEN
        v_refund.team_id := p_team;
        v_refund.provider := 'adyen';
        v_refund.provider_refund_id := v_ref;
        v_refund.amount := v_money.amount;
        v_refund.currency := v_money.currency;
        v_refund.status := p_state;
        v_refund.snapshot_at := p_at;
        v_refund.snapshot_event_id := p_event_id;
        v_refund.failure_reason := CASE p_state WHEN 'failed' THEN v_reason END;
        SELECT r.* INTO outcome, detail, waits_for, landed
        FROM saas.apply_refund(v_refund, v_original, NULL, p_item ->> 'merchantReference') AS r;
    ELSE
        v_payout.team_id := p_team;
        v_payout.provider := 'adyen';
        v_payout.provider_payout_id := COALESCE(v_original, v_ref);
        v_payout.amount := v_money.amount;
        v_payout.currency := v_money.currency;
        v_payout.status := p_state;
        v_payout.method := p_item ->> 'paymentMethod';
        v_payout.failure_code := CASE p_state WHEN 'failed' THEN v_reason END;
        v_payout.livemode := p_item ->> 'live' IS NOT DISTINCT FROM 'true';
        v_payout.snapshot_at := p_at;
        v_payout.snapshot_event_id := p_event_id;
        SELECT r.* INTO outcome, detail FROM saas.apply_payout(v_payout) AS r;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_adyen_change(uuid, jsonb, text, text, timestamptz, text) IS
'Joins what an item of an Adyen notification says of a capture, an adjustment, a refund or a payout.';
REVOKE ALL ON FUNCTION saas.apply_adyen_change(uuid, jsonb, text, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_adyen_change(uuid, jsonb, text, text, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_adyen_dispute(
    p_team uuid,
    p_item jsonb,
    p_state text,
    p_stage text,
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
    v_money record := saas.counted_money('adyen', p_item #> '{amount,value}', p_item #>> '{amount,currency}');
    v_row saas.payment_disputes;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'adyen';
    v_row.provider_dispute_id := saas.provider_object_id(p_item -> 'pspReference', true);
    v_row.status := p_state;
    v_row.stage := p_stage;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.fee_amount := 0;
    v_row.reason := left(p_item ->> 'reason', 255);
    v_row.network_reason_code := p_item #>> '{additionalData,chargebackReasonCode}';
    v_row.evidence_due_at := saas.provider_time(p_item #> '{additionalData,defensePeriodEndsAt}');
    v_row.is_refundable := false;
    v_row.livemode := p_item ->> 'live' IS NOT DISTINCT FROM 'true';
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail, waits_for
    FROM saas.apply_dispute(v_row, saas.provider_object_id(p_item -> 'originalReference', true)) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_adyen_dispute(uuid, jsonb, text, text, timestamptz, text) IS
'Joins what an item of an Adyen notification says of a dispute into payment_disputes.';
REVOKE ALL ON FUNCTION saas.apply_adyen_dispute(uuid, jsonb, text, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_adyen_dispute(uuid, jsonb, text, text, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_adyen_event(
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
    v_item jsonb := saas.object_or_empty(p_event -> 'NotificationRequestItem')
        || jsonb_build_object('live', p_event ->> 'live');
    v_code text := v_item ->> 'eventCode';
    v_at timestamptz := saas.provider_time(v_item -> 'eventDate');
    v_state record;
BEGIN
    IF v_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the event has no time';
    ELSIF v_code = 'NOTIFICATION_OF_FRAUD' THEN
        SELECT r.* INTO outcome, detail, waits_for, landed
        FROM saas.apply_fraud_warning(
            p_team, 'adyen', saas.provider_object_id(v_item -> 'originalReference', true), v_at
        ) AS r;
        RETURN;
    END IF;
    v_state := saas.map_status(
        'adyen', CASE v_item ->> 'success' WHEN 'true' THEN 'success' ELSE 'failure' END, v_code
    );
    -- What was canceled or given back, whichever was possible.
    IF v_code IN ('CANCEL_OR_REFUND', 'VOID_PENDING_REFUND')
        AND v_item #>> '{additionalData,modification.action}' = 'cancel'
    THEN
        v_state.machine := 'payment';
        v_state.state := CASE v_item ->> 'success' WHEN 'true' THEN 'voided' ELSE 'ignored' END;
    END IF;
    CASE
        WHEN v_state.state = 'ignored' THEN
            outcome := 'ignored';
            detail := 'nothing has changed';
        WHEN v_state.machine = 'payment' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_adyen_payment(p_team, v_item, v_state.state, v_at, p_event_id) AS r;
        WHEN v_state.machine = 'dispute' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_adyen_dispute(
                p_team, v_item, v_state.state, v_state.stage, v_at, p_event_id
            ) AS r;
        ELSE
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_adyen_change(
                p_team, v_item, v_state.machine, v_state.state, v_at, p_event_id
            ) AS r;
    END CASE;
END
$$;
COMMENT ON FUNCTION saas.apply_adyen_event(uuid, jsonb, text) IS
'Applies one verified item of an Adyen notification to the payment tables; what it means is said by its eventCode and its member success.';
REVOKE ALL ON FUNCTION saas.apply_adyen_event(uuid, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_adyen_event(uuid, jsonb, text) TO saas_internal;
