-- Stripe's charges: payments and their operations.
CREATE OR REPLACE FUNCTION saas.record_charge_operations(p_payment saas.payments)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_authorized text := CASE p_payment.status
        WHEN 'pending' THEN 'pending'
        WHEN 'failed' THEN 'failed'
        ELSE 'succeeded'
    END;
    -- An operation does not rise from failure, a payment may (late authorisation).
    v_source text := CASE
        WHEN v_authorized = 'succeeded' AND 'failed' = ANY (p_payment.states_seen) THEN 'conflict'
        ELSE p_payment.status_source
    END;
    v_ours bigint;
BEGIN
    -- Captures that we asked for are operations of their own; the rest is one.
    SELECT COALESCE(sum(t.amount), 0) INTO v_ours
    FROM saas.payment_transactions AS t
    WHERE t.team_id = p_payment.team_id
        AND t.payment_id = p_payment.id
        AND t.operation = 'capture'
        AND t.status = 'succeeded'
        AND t.provider_reference LIKE 'saas:%';
    INSERT INTO saas.payment_transactions (
        team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
        failure_code, occurred_at
    )
    SELECT
        p_payment.team_id, p_payment.id, o.operation, p_payment.provider_payment_id, o.amount,
        p_payment.currency, o.status, v_source, o.failure_code, p_payment.provider_created_at
    FROM (
        VALUES
            ('authorize', p_payment.amount, v_authorized, p_payment.failure_code),
            ('capture', p_payment.amount_captured - v_ours, 'succeeded', NULL)
    ) AS o (operation, amount, status, failure_code)
    WHERE o.operation = 'authorize' OR o.amount > 0 OR (o.amount = 0 AND v_ours > 0 AND EXISTS (
        SELECT FROM saas.payment_transactions AS t
        WHERE t.team_id = p_payment.team_id
            AND t.payment_id = p_payment.id
            AND t.operation = 'capture'
            AND t.provider_reference = p_payment.provider_payment_id
    ))
    ON CONFLICT (team_id, payment_id, operation, provider_reference) DO UPDATE
    SET amount = excluded.amount,
        status = excluded.status,
        status_source = excluded.status_source,
        failure_code = excluded.failure_code,
        occurred_at = excluded.occurred_at
    WHERE (
        payment_transactions.amount, payment_transactions.status, payment_transactions.status_source,
        payment_transactions.failure_code, payment_transactions.occurred_at
    ) IS DISTINCT FROM (
        excluded.amount, excluded.status, excluded.status_source,
        excluded.failure_code, excluded.occurred_at
    );
END
$$;
COMMENT ON FUNCTION saas.record_charge_operations(saas.payments) IS
'Derives the operations authorize and capture of a payment from its row.';
REVOKE ALL ON FUNCTION saas.record_charge_operations(saas.payments) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_charge_operations(saas.payments) TO saas_internal;

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
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_ref text := saas.provider_object_id(p_charge -> 'id', true);
    v_intent_ref text := saas.provider_object_id(p_charge -> 'payment_intent');
    v_money record := saas.provider_currency('stripe', p_charge ->> 'currency');
    v_amount bigint := saas.minor_units(p_charge -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_refunded bigint := saas.minor_units(
        COALESCE(NULLIF(p_charge -> 'amount_refunded', 'null'), '0'),
        v_money.provider_exponent, v_money.exponent
    );
    v_card jsonb := p_charge #> '{payment_method_details,card}';
    v_captured bigint := 0;
    v_status text;
    v_row saas.payments;
    v_before saas.payments;
    v_is_new boolean;
    v_order integer := 1;
    v_refunds record;
    v_total bigint;
BEGIN
    v_status := CASE p_charge ->> 'status'
        WHEN 'failed' THEN 'failed'
        WHEN 'pending' THEN 'pending'
        WHEN 'succeeded' THEN CASE
            WHEN p_charge -> 'captured' = 'true' THEN 'paid'
            WHEN p_charge -> 'refunded' = 'true' OR v_refunded >= v_amount THEN 'voided'
            ELSE 'authorized'
        END
    END;
    IF v_status IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the status of the charge is unknown';
    END IF;
    IF v_status = 'paid' THEN -- the amount captured has a member of its own since 2020-08-27
        v_captured := saas.minor_units(
            COALESCE(NULLIF(p_charge -> 'amount_captured', 'null'), p_charge -> 'amount'),
            v_money.provider_exponent, v_money.exponent
        );
    END IF;
    -- Also of a snapshot that will be superseded: whether an event fails does not depend on the order.
    IF greatest(v_captured, v_refunded) > v_amount THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'more of the charge is captured or refunded than its amount';
    END IF;
    IF v_card ->> 'last4' !~ '^[0-9]{1,4}$' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'the last digits of the card are not up to four digits';
    END IF;

    -- A snapshot without its intent queues where those with it do: the intent is locked before the charge.
    IF v_intent_ref IS NULL THEN
        SELECT p.provider_intent_id INTO v_intent_ref
        FROM saas.payments AS p
        WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.provider_payment_id = v_ref;
    END IF;
    IF v_intent_ref IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_team, 'stripe', v_intent_ref);
        -- The row as well, before the payment's: what is known of the card may change what is decided about it.
        PERFORM FROM saas.payment_intents AS i
        WHERE i.team_id = p_team AND i.provider = 'stripe' AND i.provider_intent_id = v_intent_ref
        FOR NO KEY UPDATE;
    END IF;
    PERFORM saas.lock_provider_object(p_team, 'stripe', v_ref);
    SELECT p.* INTO v_before
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.provider = 'stripe' AND p.provider_payment_id = v_ref
    FOR UPDATE;
    v_is_new := NOT FOUND;
    v_row := v_before;
    IF NOT v_is_new THEN
        IF v_row.amount <> v_amount OR v_row.currency <> v_money.code THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA072',
                MESSAGE = 'amount or currency of the charge differ from those of the payment';
        END IF;
        v_order := saas.snapshot_order(
            'payment', v_row.status, v_row.snapshot_at, v_row.snapshot_event_id,
            v_status, p_at, p_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;

    v_row.states_seen := saas.add_state(v_row.states_seen, v_status);
    v_row.amount_captured := greatest(v_row.amount_captured, v_captured);
    IF v_order > 0 THEN
        v_row.status := v_status;
        v_row.status_source := 'provider';
        v_row.snapshot_at := p_at;
        v_row.snapshot_event_id := p_event_id;
        v_row.snapshot_refunded := v_refunded;
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
        v_row.metadata := CASE
            WHEN jsonb_typeof(p_charge -> 'metadata') = 'object' THEN p_charge -> 'metadata'
            ELSE '{}'
        END;
        v_row.is_disputed := p_charge -> 'disputed' IS NOT DISTINCT FROM 'true';
        v_row.livemode := p_charge -> 'livemode' IS NOT DISTINCT FROM 'true';
        v_row.provider_created_at := saas.stripe_time(p_charge -> 'created');
    END IF;
    v_row.status_source := saas.state_source(
        'payment', v_row.status, v_row.states_seen, v_row.status_source
    );
    v_row.provider_intent_id := COALESCE(v_row.provider_intent_id, v_intent_ref); -- never changes
    IF v_row.payment_intent_id IS NULL AND v_row.provider_intent_id IS NOT NULL THEN
        SELECT i.id INTO v_row.payment_intent_id
        FROM saas.payment_intents AS i
        WHERE i.team_id = p_team
            AND i.provider = 'stripe'
            AND i.provider_intent_id = v_row.provider_intent_id;
    END IF;

    v_total := v_row.snapshot_refunded;
    IF v_before.amount_refunded + v_before.amount_released > 0 OR (NOT v_is_new AND v_total > 0) THEN
        v_refunds := saas.live_refunds(p_team, v_row.id, v_row.snapshot_at, NULL);
        v_total := greatest(v_refunds.live, v_total - v_refunds.lost);
    END IF;
    v_row.amount_refunded := least(v_total, v_row.amount_captured);
    v_row.amount_released := v_total - v_row.amount_refunded;

    IF v_is_new THEN
        INSERT INTO saas.payments (
            team_id, provider, provider_payment_id, provider_intent_id, payment_intent_id, amount,
            amount_captured, amount_refunded, amount_released, snapshot_refunded, currency, status,
            status_source, states_seen, snapshot_at, snapshot_event_id, failure_code, failure_message,
            payment_method_type, card_brand, card_last4, card_country, card_funding, card_fingerprint,
            cvc_check, address_zip_check, provider_customer_id, description, metadata, is_disputed,
            livemode, provider_created_at
        )
        VALUES (
            p_team, 'stripe', v_ref, v_row.provider_intent_id, v_row.payment_intent_id, v_amount,
            v_row.amount_captured, v_row.amount_refunded, v_row.amount_released, v_row.snapshot_refunded,
            v_money.code, v_row.status,
            v_row.status_source, v_row.states_seen, v_row.snapshot_at, v_row.snapshot_event_id,
            v_row.failure_code, v_row.failure_message,
            v_row.payment_method_type, v_row.card_brand, v_row.card_last4, v_row.card_country,
            v_row.card_funding, v_row.card_fingerprint,
            v_row.cvc_check, v_row.address_zip_check, v_row.provider_customer_id, v_row.description,
            v_row.metadata, v_row.is_disputed,
            v_row.livemode, v_row.provider_created_at
        )
        RETURNING * INTO v_row;
    ELSIF v_row IS DISTINCT FROM v_before THEN
        UPDATE saas.payments AS p
        SET provider_intent_id = v_row.provider_intent_id,
            payment_intent_id = v_row.payment_intent_id,
            amount_captured = v_row.amount_captured,
            amount_refunded = v_row.amount_refunded,
            amount_released = v_row.amount_released,
            snapshot_refunded = v_row.snapshot_refunded,
            status = v_row.status,
            status_source = v_row.status_source,
            states_seen = v_row.states_seen,
            snapshot_at = v_row.snapshot_at,
            snapshot_event_id = v_row.snapshot_event_id,
            failure_code = v_row.failure_code,
            failure_message = v_row.failure_message,
            payment_method_type = v_row.payment_method_type,
            card_brand = v_row.card_brand,
            card_last4 = v_row.card_last4,
            card_country = v_row.card_country,
            card_funding = v_row.card_funding,
            card_fingerprint = v_row.card_fingerprint,
            cvc_check = v_row.cvc_check,
            address_zip_check = v_row.address_zip_check,
            provider_customer_id = v_row.provider_customer_id,
            description = v_row.description,
            metadata = v_row.metadata,
            is_disputed = v_row.is_disputed,
            livemode = v_row.livemode,
            provider_created_at = v_row.provider_created_at
        WHERE p.team_id = p_team AND p.id = v_row.id;
    ELSE
        RETURN;
    END IF;
    PERFORM saas.record_charge_operations(v_row);
    IF v_is_new
        OR v_row.status <> v_before.status
        OR v_row.provider_intent_id IS DISTINCT FROM v_before.provider_intent_id
    THEN
        landed := array_remove(ARRAY[v_ref, v_row.provider_intent_id], NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe charge, as the event of that id and time showed it, into payments and payment_transactions. landed: the identifiers for which deferred events may have waited.';
REVOKE ALL ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_charge(uuid, jsonb, timestamptz, text) TO saas_internal;
