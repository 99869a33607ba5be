-- Captures that providers name one by one; what is captured of the payment is their sum.
CREATE OR REPLACE FUNCTION saas.payment_ref_of(p_team uuid, p_provider text, p_ref text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_ref text;
BEGIN
    SELECT p.provider_payment_id INTO v_ref
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.provider = p_provider AND p.provider_payment_id = p_ref;
    IF v_ref IS NULL AND p_provider NOT IN ('stripe', 'square', 'razorpay') THEN
        SELECT p.provider_payment_id INTO v_ref
        FROM saas.payment_transactions AS t
        JOIN saas.payments AS p ON p.team_id = t.team_id AND p.id = t.payment_id
        WHERE t.team_id = p_team
            AND t.operation = 'capture'
            AND t.provider_reference = p_ref
            AND p.provider = p_provider
        LIMIT 1;
    END IF;
    RETURN v_ref;
END
$$;
COMMENT ON FUNCTION saas.payment_ref_of(uuid, text, text) IS
'The provider''s identifier of the payment that it names so, or by one of its captures; NULL while neither is known.';
REVOKE ALL ON FUNCTION saas.payment_ref_of(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_ref_of(uuid, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.find_payment_ref(p_team uuid, p_provider text, p_ref text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_ref text := saas.payment_ref_of(p_team, p_provider, p_ref);
BEGIN
    IF v_ref IS NULL THEN -- perhaps it is being recorded: wait for that, and look again
        PERFORM saas.lock_provider_object(p_team, p_provider, p_ref);
        v_ref := saas.payment_ref_of(p_team, p_provider, p_ref);
    END IF;
    RETURN COALESCE(v_ref, p_ref);
END
$$;
COMMENT ON FUNCTION saas.find_payment_ref(uuid, text, text) IS
'The provider''s identifier of the payment that a child names so, or by one of its captures. The name itself, locked, while neither is known: whoever records it queues behind.';
REVOKE ALL ON FUNCTION saas.find_payment_ref(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_payment_ref(uuid, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.link_provider_capture(
    p_team uuid,
    p_payment uuid,
    p_ref text,
    p_ours text,
    p_amount bigint
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_ours saas.payment_transactions;
    v_told saas.payment_transactions;
BEGIN
    SELECT t.* INTO v_ours
    FROM saas.payment_transactions AS t
    WHERE t.team_id = p_team
        AND t.payment_id = p_payment
        AND t.operation = 'capture'
        AND t.provider_reference = 'saas:' || saas.uuid_or_null(p_ours)
        AND t.amount = p_amount;
    IF NOT FOUND OR p_ref IS NULL THEN
        RETURN;
    END IF;
    SELECT t.* INTO v_told
    FROM saas.payment_transactions AS t
    WHERE t.team_id = p_team
        AND t.payment_id = p_payment
        AND t.operation = 'capture'
        AND t.provider_reference = p_ref;
    IF FOUND THEN -- an event that does not bear our identifier was first: both are one
        IF v_told.amount <> p_amount OR v_told.status NOT IN ('pending', 'succeeded')
            OR v_ours.status NOT IN ('initiated', 'unknown', 'pending', 'succeeded')
        THEN
            RETURN;
        END IF;
        DELETE FROM saas.payment_transactions AS t
        WHERE t.team_id = p_team AND t.id = v_told.id;
        IF v_ours.status <> 'succeeded' THEN
            v_ours.status := v_told.status;
        END IF;
        v_ours.status_source := v_told.status_source;
        v_ours.failure_code := v_told.failure_code;
        v_ours.occurred_at := v_told.occurred_at;
    END IF;
    UPDATE saas.payment_transactions AS t
    SET provider_reference = p_ref,
        status = v_ours.status,
        status_source = v_ours.status_source,
        failure_code = v_ours.failure_code,
        occurred_at = v_ours.occurred_at
    WHERE t.team_id = p_team AND t.id = v_ours.id;
END
$$;
COMMENT ON FUNCTION saas.link_provider_capture(uuid, uuid, text, text, bigint) IS
'Gives the capture that we asked for, by our identifier, that of the provider, unless the amount differs or it is linked already. What an event has told of it before, as of one that we did not ask for, becomes part of ours. The caller holds the payment''s row lock.';
REVOKE ALL ON FUNCTION saas.link_provider_capture(uuid, uuid, text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.link_provider_capture(uuid, uuid, text, text, bigint) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.refresh_captured_amount(p_team uuid, p_payment uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_before saas.payments;
    v_row saas.payments;
    v_intent saas.payment_intents;
    v_refunds record;
    v_total bigint;
    v_adjusted bigint;
BEGIN
    SELECT p.* INTO STRICT v_before
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.id = p_payment
    FOR UPDATE;
    v_row := v_before;
    -- The newest adjustment by the provider's time says what is authorised.
    SELECT t.amount INTO v_adjusted
    FROM saas.payment_transactions AS t
    WHERE t.team_id = p_team
        AND t.payment_id = p_payment
        AND t.operation = 'adjust'
        AND t.status = 'succeeded'
    ORDER BY t.occurred_at DESC, t.provider_reference COLLATE "C" DESC
    LIMIT 1;
    IF v_adjusted IS NOT NULL THEN
        v_row.authorized_amount := COALESCE(v_before.authorized_amount, v_before.amount);
        v_row.amount := greatest(
            v_adjusted, CASE WHEN NOT v_row.lists_captures THEN v_row.amount_captured END
        );
        IF v_row.status = 'voided' THEN
            v_row.snapshot_refunded := v_row.amount;
        END IF;
    END IF;
    IF v_row.lists_captures THEN
        v_row.amount_captured := least(saas.captured_total(p_team, p_payment), v_row.amount);
    END IF;
    v_refunds := saas.live_refunds(p_team, p_payment, v_row.snapshot_at, NULL);
    v_total := least(greatest(v_refunds.live, v_row.snapshot_refunded - v_refunds.lost), v_row.amount);
    v_row.amount_refunded := least(v_total, v_row.amount_captured);
    v_row.amount_released := v_total - v_row.amount_refunded;
    SELECT i.* INTO v_intent
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_team AND i.id = v_row.payment_intent_id;
    v_row.integrity_issue := saas.integrity_issue(v_row, v_intent);
    v_row := saas.store_payment(v_row, v_before);
END
$$;
COMMENT ON FUNCTION saas.refresh_captured_amount(uuid, uuid) IS
'Derives from a payment''s operations what is authorised, where it was adjusted, and captured, where the provider names each capture, and what follows from that. The caller holds the payment''s row lock.';
REVOKE ALL ON FUNCTION saas.refresh_captured_amount(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refresh_captured_amount(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_capture(
    p_new saas.payment_transactions,
    p_provider text,
    p_payment_ref text,
    p_event_id text,
    p_ours text DEFAULT NULL,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_target saas.payments;
    v_locked record;
    v_payment saas.payments;
    v_before saas.payment_transactions;
    v_rise integer := 1;
    v_state record;
BEGIN
    v_target.team_id := p_new.team_id;
    v_target.provider := p_provider;
    v_target.provider_payment_id := p_payment_ref;
    v_locked := saas.lock_payment_snapshot(v_target, NULL);
    v_payment := v_locked.payment;
    IF v_payment.id IS NULL THEN
        outcome := 'deferred';
        detail := 'the payment is not known yet';
        waits_for := p_payment_ref;
        RETURN;
    END IF;
    PERFORM saas.lock_provider_object(p_new.team_id, p_provider, p_new.provider_reference);
    PERFORM saas.link_provider_capture(
        v_payment.team_id, v_payment.id, p_new.provider_reference, p_ours, p_new.amount
    );
    SELECT t.* INTO v_before
    FROM saas.payment_transactions AS t
    WHERE t.team_id = p_new.team_id
        AND t.payment_id = v_payment.id
        AND t.operation = 'capture'
        AND t.provider_reference = p_new.provider_reference;
    IF p_new.currency <> v_payment.currency THEN
        outcome := 'conflict';
        detail := format('capture %s: %s %s', p_new.provider_reference, p_new.amount, p_new.currency);
        PERFORM saas.note_disagreement(v_payment.team_id, v_payment.id, detail);
        RETURN;
    ELSIF p_new.amount <> v_before.amount THEN -- the greater one holds
        detail := format('capture %s: %s %s', p_new.provider_reference, p_new.amount, p_new.currency);
        PERFORM saas.note_disagreement(v_payment.team_id, v_payment.id, format(
            'capture %s: %s %s', p_new.provider_reference, least(p_new.amount, v_before.amount), p_new.currency
        ));
        UPDATE saas.payment_transactions AS t
        SET amount = p_new.amount
        WHERE t.team_id = v_before.team_id AND t.id = v_before.id AND t.amount < p_new.amount;
    END IF;
    IF v_before.id IS NOT NULL THEN
        v_rise := (saas.state_rank('payment_transaction', p_new.status)).component
            - (saas.state_rank('payment_transaction', v_before.status)).component;
    END IF;
    outcome := CASE WHEN v_rise > 0 THEN 'processed' ELSE 'superseded' END;
    IF v_before.id IS NULL THEN
        INSERT INTO saas.payment_transactions (
            team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
            failure_code, occurred_at
        )
        VALUES (
            p_new.team_id, v_payment.id, 'capture', p_new.provider_reference, p_new.amount, p_new.currency,
            p_new.status, 'provider', p_new.failure_code, p_new.occurred_at
        );
    ELSIF v_rise > 0 OR (v_rise = 0 AND p_new.occurred_at < v_before.occurred_at) THEN
        UPDATE saas.payment_transactions AS t
        SET status = p_new.status,
            status_source = 'provider',
            failure_code = p_new.failure_code,
            occurred_at = p_new.occurred_at
        WHERE t.team_id = v_before.team_id AND t.id = v_before.id;
    END IF;
    IF p_new.status = 'succeeded' THEN -- also when it is superseded: it has been paid once
        v_target.status := 'paid';
        v_target.snapshot_at := p_new.occurred_at;
        v_target.snapshot_event_id := p_event_id;
        v_state := saas.apply_payment(v_target, NULL, true);
        outcome := CASE WHEN v_state.outcome = 'conflict' THEN 'conflict' ELSE outcome END;
    END IF;
    IF p_new.amount <> v_before.amount THEN
        outcome := 'conflict';
    END IF;
    IF v_payment.lists_captures THEN
        PERFORM saas.refresh_captured_amount(v_payment.team_id, v_payment.id);
    END IF;
    IF v_locked.ours IS NOT NULL THEN
        UPDATE saas.payment_intents AS i
        SET amount_received = s.captured
        FROM (
            SELECT sum(p.amount_captured) AS captured
            FROM saas.payments AS p
            WHERE p.team_id = p_new.team_id AND p.payment_intent_id = v_locked.ours
        ) AS s
        WHERE i.team_id = p_new.team_id AND i.id = v_locked.ours AND i.amount_received <> s.captured;
    END IF;
    landed := ARRAY[v_payment.provider_payment_id, p_new.provider_reference];
END
$$;
COMMENT ON FUNCTION saas.apply_capture(saas.payment_transactions, text, text, text, text) IS
'Joins a snapshot of a capture, of the payment that the provider names so, into payment_transactions and the amounts and state of its payment. Deferred while the payment is unknown; an amount or currency that cannot be puts the payment on hold.';
REVOKE ALL ON FUNCTION saas.apply_capture(saas.payment_transactions, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_capture(saas.payment_transactions, text, text, text, text) TO saas_internal;
