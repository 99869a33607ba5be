-- PayPal's objects of both versions of its API become snapshots.

CREATE OR REPLACE FUNCTION saas.paypal_money(p_amount jsonb, OUT amount bigint, OUT currency char(3))
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_money record := saas.charge_currency(
        'paypal', COALESCE(p_amount ->> 'currency_code', p_amount ->> 'currency')
    );
BEGIN
    currency := v_money.code;
    -- The first version writes what was given back with a sign.
    amount := saas.decimal_units(
        to_jsonb(ltrim(COALESCE(p_amount ->> 'value', p_amount ->> 'total'), '-')), v_money.exponent
    );
END
$$;
COMMENT ON FUNCTION saas.paypal_money(jsonb) IS
'An amount of PayPal, of either version of its API, in minor units, and its currency. SA072 when it is none.';
REVOKE ALL ON FUNCTION saas.paypal_money(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.paypal_money(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.paypal_parent(p_object jsonb, p_kind text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_id text := COALESCE(
        p_object #>> ARRAY['supplementary_data', 'related_ids', p_kind || '_id'], p_object ->> (p_kind || '_id')
    );
BEGIN
    IF v_id IS NULL AND jsonb_typeof(p_object -> 'links') = 'array' THEN
        SELECT substring(l.value ->> 'href' FROM '/' || p_kind || 's?/([A-Za-z0-9-]+)$') INTO v_id
        FROM jsonb_array_elements(p_object -> 'links') AS l
        WHERE l.value ->> 'rel' IN ('up', p_kind)
            AND l.value ->> 'href' ~ ('/' || p_kind || 's?/[A-Za-z0-9-]+$')
        LIMIT 1;
    END IF;
    RETURN saas.provider_object_id(to_jsonb(v_id));
END
$$;
COMMENT ON FUNCTION saas.paypal_parent(jsonb, text) IS
'The identifier of the order, authorization, capture or sale that an object of PayPal belongs to, from its members or its links; NULL when it names none.';
REVOKE ALL ON FUNCTION saas.paypal_parent(jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.paypal_parent(jsonb, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_paypal_order(
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
    v_unit jsonb := p_object #> '{purchase_units,0}';
    v_money record := saas.paypal_money(v_unit -> 'amount');
    v_row saas.payment_intents;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'paypal';
    v_row.provider_intent_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status(
        'paypal',
        CASE
            WHEN p_object ->> 'intent' = 'AUTHORIZE' AND p_object ->> 'status' = 'COMPLETED'
                THEN 'authorized_order'
            ELSE 'order'
        END,
        p_object ->> 'status'
    )).state;
    v_row.amount_received := CASE v_row.status WHEN 'succeeded' THEN v_row.amount ELSE 0 END;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.capture_method := CASE p_object ->> 'intent' WHEN 'AUTHORIZE' THEN 'manual' ELSE 'automatic' END;
    v_row.description := v_unit ->> 'description';
    v_row.provider_customer_id := p_object #>> '{payer,payer_id}';
    v_row.attributes := jsonb_strip_nulls(jsonb_build_object(
        'amount', v_row.amount,
        'currency', v_row.currency,
        'email', lower(p_object #>> '{payer,email_address}'),
        'email_domain', substring(lower(p_object #>> '{payer,email_address}') FROM '@([^@]+)$'),
        'customer', v_row.provider_customer_id,
        'payment_method_type', 'paypal',
        'shipping_country', v_unit #>> '{shipping,address,country_code}',
        'billing_country', p_object #>> '{payer,address,country_code}'
    ));
    v_row.livemode := saas.provider_livemode(p_team, 'paypal') IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'create_time');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_intent(v_row, v_unit ->> 'custom_id') AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_paypal_order(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a PayPal order into payment_intents. An order with several purchase units is read by its first one.';
REVOKE ALL ON FUNCTION saas.apply_paypal_order(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_paypal_order(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_paypal_payment(
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
    v_money record := saas.paypal_money(p_object -> 'amount');
    v_row saas.payments;
    v_capture saas.payment_transactions;
    v_authorization text;
    v_status text := upper(COALESCE(p_object ->> 'status', p_object ->> 'state'));
BEGIN
    IF p_kind = 'capture' THEN
        v_authorization := saas.paypal_parent(p_object, 'authorization');
    END IF;
    IF v_authorization IS NOT NULL THEN
        v_capture.team_id := p_team;
        v_capture.provider_reference := saas.provider_object_id(p_object -> 'id', true);
        v_capture.amount := v_money.amount;
        v_capture.currency := v_money.currency;
        v_capture.status := (saas.map_status('paypal', 'capture_of_authorization', v_status)).state;
        v_capture.failure_code := p_object #>> '{status_details,reason}';
        v_capture.occurred_at := p_at;
        SELECT r.* INTO outcome, detail, waits_for, landed
        FROM saas.apply_capture(
            v_capture, 'paypal', v_authorization, p_event_id,
            COALESCE(p_object ->> 'invoice_id', p_object ->> 'custom_id')
        ) AS r;
        RETURN;
    END IF;
    v_row.team_id := p_team;
    v_row.provider := 'paypal';
    v_row.provider_payment_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.provider_intent_id := saas.paypal_parent(p_object, 'order');
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status(
        'paypal', CASE p_kind WHEN 'sale' THEN 'capture' ELSE p_kind END, v_status
    )).state;
    IF p_kind <> 'authorization' THEN
        v_row.amount_captured := CASE v_row.status WHEN 'paid' THEN v_row.amount ELSE 0 END;
    END IF;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.failure_code := COALESCE(
        CASE v_row.status WHEN 'failed' THEN p_object #>> '{processor_response,response_code}' END,
        p_object #>> '{status_details,reason}', p_object ->> 'reason_code'
    );
    v_row.payment_method_type := 'paypal';
    v_row.description := p_object ->> 'invoice_id';
    v_row.livemode := saas.provider_livemode(p_team, 'paypal') IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'create_time');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_payment(v_row) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_paypal_payment(uuid, jsonb, timestamptz, text, text) IS
'Joins a snapshot of a PayPal authorization, capture or sale (p_kind) into payments and payment_transactions. A capture of an authorization is an operation of the authorizations payment.';
REVOKE ALL ON FUNCTION saas.apply_paypal_payment(uuid, jsonb, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_paypal_payment(uuid, jsonb, timestamptz, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_paypal_refund(
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
    v_money record := saas.paypal_money(p_object -> 'amount');
    v_row saas.refunds;
    v_parent text := COALESCE(
        saas.paypal_parent(p_object, 'capture'), saas.paypal_parent(p_object, 'sale')
    );
BEGIN
    IF v_parent IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the refund names neither a capture nor a sale';
    END IF;
    v_row.team_id := p_team;
    v_row.provider := 'paypal';
    v_row.provider_refund_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status(
        'paypal', 'refund', upper(COALESCE(p_object ->> 'status', p_object ->> 'state'))
    )).state;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.reason := left(COALESCE(p_object ->> 'note_to_payer', p_object ->> 'reason'), 1000);
    v_row.failure_reason := p_object #>> '{status_details,reason}';
    v_row.provider_created_at := saas.provider_time(p_object -> 'create_time');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_refund(
        v_row, v_parent, NULL, COALESCE(p_object ->> 'invoice_id', p_object ->> 'custom_id')
    ) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_paypal_refund(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a PayPal refund, of a capture or a sale, into refunds and the amounts of its payment.';
REVOKE ALL ON FUNCTION saas.apply_paypal_refund(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_paypal_refund(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_paypal_dispute(
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
    v_money record := saas.paypal_money(p_object -> 'dispute_amount');
    v_phase text := COALESCE(p_object ->> 'dispute_life_cycle_stage', 'CHARGEBACK');
    v_state record;
    v_row saas.payment_disputes;
BEGIN
    v_state := saas.map_status(
        'paypal',
        CASE
            WHEN v_phase = 'INQUIRY' THEN 'inquiry'
            WHEN p_object ->> 'status' = 'RESOLVED' THEN 'dispute_outcome'
            ELSE 'dispute'
        END,
        CASE
            WHEN v_phase <> 'INQUIRY' AND p_object ->> 'status' = 'RESOLVED'
                THEN p_object #>> '{dispute_outcome,outcome_code}'
            ELSE p_object ->> 'status'
        END
    );
    v_row.team_id := p_team;
    v_row.provider := 'paypal';
    v_row.provider_dispute_id := saas.provider_object_id(p_object -> 'dispute_id', true);
    v_row.status := v_state.state;
    v_row.stage := CASE v_phase
        WHEN 'INQUIRY' THEN 'pre_dispute'
        WHEN 'CHARGEBACK' THEN 'dispute'
        WHEN 'PRE_ARBITRATION' THEN 'pre_arbitration'
        WHEN 'ARBITRATION' THEN 'arbitration'
    END;
    IF v_row.stage IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the stage of the dispute is unknown';
    END IF;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.fee_amount := 0;
    v_row.reason := lower(p_object ->> 'reason');
    v_row.evidence_due_at := saas.provider_time(p_object -> 'seller_response_due_date');
    v_row.is_refundable := false;
    v_row.livemode := saas.provider_livemode(p_team, 'paypal') IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'create_time');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail, waits_for
    FROM saas.apply_dispute(
        v_row, saas.provider_object_id(p_object #> '{disputed_transactions,0,seller_transaction_id}', true)
    ) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_paypal_dispute(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a PayPal dispute into payment_disputes. While it is an inquiry no money has moved.';
REVOKE ALL ON FUNCTION saas.apply_paypal_dispute(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_paypal_dispute(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_paypal_payout(
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
    v_money record := saas.paypal_money(p_object #> '{payout_item,amount}');
    v_row saas.payouts;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'paypal';
    v_row.provider_payout_id := saas.provider_object_id(p_object -> 'payout_item_id', true);
    v_row.status := (saas.map_status('paypal', 'payout_item', p_object ->> 'transaction_status')).state;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.method := 'paypal';
    v_row.failure_code := p_object #>> '{errors,name}';
    v_row.failure_message := p_object #>> '{errors,message}';
    v_row.livemode := saas.provider_livemode(p_team, 'paypal') IS NOT FALSE;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail FROM saas.apply_payout(v_row) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_paypal_payout(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of an item of a PayPal payout batch into payouts.';
REVOKE ALL ON FUNCTION saas.apply_paypal_payout(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_paypal_payout(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_paypal_event(
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
    v_object jsonb := p_event -> 'resource';
    v_kind text := replace(p_event ->> 'resource_type', '-', '_');
    v_at timestamptz := COALESCE(
        saas.provider_time(v_object -> 'update_time'), saas.provider_time(v_object -> 'time_processed'),
        saas.provider_time(p_event -> 'create_time')
    );
BEGIN
    IF v_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the event has no time';
    END IF;
    CASE v_kind
        WHEN 'checkout_order' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_paypal_order(p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'authorization', 'capture', 'sale' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_paypal_payment(p_team, v_object, v_at, p_event_id, v_kind) AS r;
        WHEN 'refund' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_paypal_refund(p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'dispute' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_paypal_dispute(p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'payouts_item' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_paypal_payout(p_team, v_object, v_at, p_event_id) AS r;
        ELSE
            outcome := 'ignored';
            detail := 'no table for this object';
    END CASE;
END
$$;
COMMENT ON FUNCTION saas.apply_paypal_event(uuid, jsonb, text) IS
'Applies a verified PayPal event to the payment tables; which object it carries is said by its resource_type.';
REVOKE ALL ON FUNCTION saas.apply_paypal_event(uuid, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_paypal_event(uuid, jsonb, text) TO saas_internal;
