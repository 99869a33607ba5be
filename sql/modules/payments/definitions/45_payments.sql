-- Snapshots of payments, and their captures where the provider names each.
CREATE OR REPLACE FUNCTION saas.lock_payment_snapshot(
    p_new saas.payments,
    p_ours uuid,
    OUT intent_ref text,
    OUT ours uuid,
    OUT payment saas.payments,
    OUT intent saas.payment_intents
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
BEGIN
    intent_ref := p_new.provider_intent_id;
    ours := p_ours;
    -- A snapshot without its intent queues where those with it do: the intent is locked before the charge.
    IF intent_ref IS NULL THEN
        SELECT p.provider_intent_id, COALESCE(ours, p.payment_intent_id)
        INTO intent_ref, ours
        FROM saas.payments AS p
        WHERE p.team_id = p_new.team_id
            AND p.provider = p_new.provider
            AND p.provider_payment_id = p_new.provider_payment_id;
        ours := COALESCE(ours, p_ours);
    END IF;
    IF intent_ref IS NOT NULL THEN
        ours := NULL; -- the provider tells of the intent itself
        intent_ref := saas.lock_object(p_new.team_id, p_new.provider, intent_ref);
        -- The row as well, before the payment's: what is known of the card may change what is decided about it.
        intent := saas.lock_row(
            intent, 'FOR NO KEY UPDATE', 'payment_intents_team_id_provider_provider_intent_id_key',
            p_new.team_id, p_new.provider, intent_ref
        );
    ELSIF ours IS NOT NULL THEN
        SELECT i.* INTO intent
        FROM saas.payment_intents AS i
        WHERE i.team_id = p_new.team_id AND i.id = ours AND i.provider = p_new.provider
        FOR NO KEY UPDATE;
        ours := intent.id;
    END IF;
    p_new.provider_payment_id := saas.lock_object(p_new.team_id, p_new.provider, p_new.provider_payment_id);
    payment := saas.lock_row(
        payment, 'FOR UPDATE', 'payments_team_id_provider_provider_payment_id_key',
        p_new.team_id, p_new.provider, p_new.provider_payment_id
    );
END
$$;
COMMENT ON FUNCTION saas.lock_payment_snapshot(saas.payments, uuid) IS
'Locks what a snapshot of a payment is about, intent before payment, and returns both as they are, what the payment is known to belong to, and the intent of ours that follows it.';
REVOKE ALL ON FUNCTION saas.lock_payment_snapshot(saas.payments, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_payment_snapshot(saas.payments, uuid) TO saas_internal;

-- Of two descriptions of a payment: which one is newer, where a snapshot that told of the state alone has come
-- between.
CREATE OR REPLACE FUNCTION saas.facts_order(p_stored saas.payments, p_new saas.payments)
RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT saas.snapshot_order(
        'payment', p_stored.facts_status, p_stored.facts_at, p_stored.facts_event_id,
        p_new.status, p_new.snapshot_at, p_new.snapshot_event_id
    )
$$;
COMMENT ON FUNCTION saas.facts_order(saas.payments, saas.payments) IS
'Which of two descriptions of a payment holds, as saas.snapshot_order() says it.';
REVOKE ALL ON FUNCTION saas.facts_order(saas.payments, saas.payments) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.facts_order(saas.payments, saas.payments) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.join_payment(
    p_before saas.payments,
    p_new saas.payments,
    p_is_partial boolean,
    p_order integer
)
RETURNS saas.payments
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_row saas.payments := p_before;
BEGIN
    IF NOT p_is_partial AND (
        p_order > 0 OR (p_before.facts_at IS NOT NULL AND saas.facts_order(p_before, p_new) > 0)
    ) THEN -- what the newest description says holds whole
        v_row := saas.with_columns(
            v_row,
            '{team_id,provider,provider_payment_id,currency,failure_code,decline_code,failure_message,
              payment_method_type,card_brand,card_last4,card_country,card_funding,card_fingerprint,
              cvc_check,address_zip_check,provider_customer_id,description,metadata,is_disputed,
              livemode,provider_created_at,lists_captures,facts_status,facts_at,facts_event_id}',
            p_new.team_id, p_new.provider, p_new.provider_payment_id,
            COALESCE(p_before.currency, p_new.currency), p_new.failure_code, p_new.decline_code,
            p_new.failure_message,
            p_new.payment_method_type, p_new.card_brand, p_new.card_last4, p_new.card_country,
            p_new.card_funding, p_new.card_fingerprint, p_new.cvc_check, p_new.address_zip_check,
            p_new.provider_customer_id, p_new.description, COALESCE(p_new.metadata, '{}'::jsonb),
            COALESCE(p_new.is_disputed, false), COALESCE(p_new.livemode, false), p_new.provider_created_at,
            COALESCE(p_before.lists_captures, p_new.amount_captured IS NULL),
            CASE WHEN p_order <= 0 THEN p_new.status END,
            CASE WHEN p_order <= 0 THEN p_new.snapshot_at END,
            CASE WHEN p_order <= 0 THEN p_new.snapshot_event_id END
        );
    END IF;
    IF p_order > 0 THEN
        IF p_is_partial AND p_before.facts_at IS NULL THEN
            v_row.facts_status := p_before.status;
            v_row.facts_at := p_before.snapshot_at;
            v_row.facts_event_id := p_before.snapshot_event_id;
        END IF;
        v_row.status := p_new.status;
        v_row.status_source := 'provider';
        v_row.snapshot_at := p_new.snapshot_at;
        v_row.snapshot_event_id := p_new.snapshot_event_id;
        v_row.snapshot_refunded := COALESCE(p_new.snapshot_refunded, 0);
    END IF;
    -- Of amounts that do not agree the greatest holds, and all others are kept: the order says nothing.
    v_row.disagreements := COALESCE(p_before.disagreements, '{}');
    IF COALESCE(p_before.authorized_amount, p_before.amount) <> p_new.amount THEN
        v_row.disagreements := saas.add_state(v_row.disagreements, format(
            'the payment: %s %s',
            least(p_before.authorized_amount, p_before.amount, p_new.amount), v_row.currency
        ));
    END IF;
    v_row.states_seen := saas.add_state(p_before.states_seen, p_new.status);
    v_row.amount_captured := greatest(p_before.amount_captured, p_new.amount_captured, 0);
    IF v_row.authorized_amount IS NULL THEN
        v_row.amount := greatest(p_before.amount, p_new.amount);
    ELSE -- what it was adjusted to holds, unless more has been taken
        v_row.authorized_amount := greatest(v_row.authorized_amount, p_new.amount);
        v_row.amount := greatest(
            p_before.amount, CASE WHEN NOT v_row.lists_captures THEN v_row.amount_captured END
        );
    END IF;
    IF v_row.status = 'voided' THEN
        v_row.snapshot_refunded := v_row.amount;
    END IF;
    v_row.status_source := saas.state_source(
        'payment', v_row.status, v_row.states_seen, v_row.status_source
    );
    RETURN v_row;
END
$$;
COMMENT ON FUNCTION saas.join_payment(saas.payments, saas.payments, boolean, integer) IS
'The row of a payment after one more snapshot, which saas.snapshot_order() places so: state, description, and what only grows. A partial snapshot tells of the state alone.';
REVOKE ALL ON FUNCTION saas.join_payment(saas.payments, saas.payments, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.join_payment(saas.payments, saas.payments, boolean, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.store_payment(INOUT p_row saas.payments, p_before saas.payments)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
BEGIN
    IF p_before.id IS NULL THEN
        p_row := saas.insert_row(p_row);
    ELSIF p_row IS DISTINCT FROM p_before THEN
        p_row := saas.update_row(p_row);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.store_payment(saas.payments, saas.payments) IS
'Writes a payment as it has become; nothing where it has not changed.';
REVOKE ALL ON FUNCTION saas.store_payment(saas.payments, saas.payments) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.store_payment(saas.payments, saas.payments) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_payment(
    p_new saas.payments,
    p_ours text DEFAULT NULL,
    p_is_partial boolean DEFAULT false,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_locked record;
    v_before saas.payments;
    v_row saas.payments;
    v_intent saas.payment_intents;
    v_order integer := 1;
    v_refunds record;
    v_total bigint;
    v_other boolean := false;
    v_done text;
BEGIN
    -- Also of a snapshot that will be superseded: whether an event fails does not depend on the order.
    IF greatest(p_new.amount_captured, p_new.snapshot_refunded) > p_new.amount THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'more of the payment is captured or refunded than its amount';
    ELSIF p_new.card_last4 !~ '^[0-9]{1,4}$' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'the last digits of the card are not up to four digits';
    END IF;
    v_locked := saas.lock_payment_snapshot(p_new, saas.uuid_or_null(p_ours));
    v_before := v_locked.payment;
    IF v_before.id IS NULL AND p_is_partial THEN
        outcome := 'deferred';
        detail := 'the payment is not known yet';
        waits_for := p_new.provider_payment_id;
        RETURN;
    ELSIF v_before.id IS NOT NULL THEN
        v_other := NOT p_is_partial AND v_before.currency <> p_new.currency;
        v_order := saas.snapshot_order(
            'payment', v_before.status, v_before.snapshot_at, v_before.snapshot_event_id,
            p_new.status, p_new.snapshot_at, p_new.snapshot_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;
    IF v_other THEN
        v_row := saas.join_other_currency(v_before, p_new, v_order);
    ELSE
        v_row := saas.join_payment(v_before, p_new, p_is_partial, v_order);
    END IF;
    IF v_other OR COALESCE(v_before.authorized_amount, v_before.amount) <> p_new.amount THEN
        outcome := 'conflict';
        detail := format('the payment: %s %s', p_new.amount, p_new.currency);
    END IF;

    v_row.provider_intent_id := COALESCE(v_row.provider_intent_id, v_locked.intent_ref); -- never changes
    IF v_row.provider_intent_id IS NOT DISTINCT FROM v_locked.intent_ref THEN
        v_intent := v_locked.intent;
    ELSIF v_row.provider_intent_id IS NOT NULL THEN
        SELECT i.* INTO v_intent
        FROM saas.payment_intents AS i
        WHERE i.team_id = v_row.team_id
            AND i.provider = v_row.provider
            AND i.provider_intent_id = v_row.provider_intent_id;
    ELSIF v_locked.ours IS NOT NULL THEN
        SELECT i.* INTO v_intent
        FROM saas.payment_intents AS i
        WHERE i.team_id = v_row.team_id AND i.id = v_locked.ours;
    END IF;
    v_row.payment_intent_id := COALESCE(v_row.payment_intent_id, v_intent.id);

    v_total := v_row.snapshot_refunded;
    IF v_before.amount_refunded + v_before.amount_released > 0 OR (v_before.id IS NOT NULL AND v_total > 0) THEN
        v_refunds := saas.live_refunds(v_row.team_id, v_row.id, v_row.snapshot_at, NULL);
        v_total := greatest(v_refunds.live, v_total - v_refunds.lost);
    END IF;
    v_total := least(v_total, v_row.amount);
    v_row.amount_refunded := least(v_total, v_row.amount_captured);
    v_row.amount_released := v_total - v_row.amount_refunded;
    v_row.integrity_issue := saas.integrity_issue(v_row, v_intent);

    IF v_before.id IS NULL OR v_row IS DISTINCT FROM v_before THEN
        v_row := saas.store_payment(v_row, v_before);
        v_done := saas.record_charge_operations(
            v_row, v_before.id IS NULL OR v_row.currency <> v_before.currency
        );
        IF v_intent.id IS NOT NULL
            AND v_row.amount <> v_intent.amount
            AND (v_row.status, v_row.payment_intent_id, v_row.amount)
                IS DISTINCT FROM (v_before.status, v_before.payment_intent_id, v_before.amount)
        THEN
            PERFORM saas.refresh_integrity(v_intent); -- payments may be one another's parts
        END IF;
        IF v_row.status IS DISTINCT FROM v_before.status
            OR v_row.provider_intent_id IS DISTINCT FROM v_before.provider_intent_id
            OR v_row.amount > v_before.amount -- there is room for a refund
        THEN
            landed := array_remove(ARRAY[v_row.provider_payment_id, v_row.provider_intent_id], NULL);
        END IF;
    END IF;
    IF v_locked.ours IS NOT NULL THEN
        PERFORM saas.follow_payment(
            v_row.team_id, v_locked.ours, p_new.status, p_new.snapshot_at, p_new.snapshot_event_id
        );
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_payment(saas.payments, text, boolean) IS
'Joins a snapshot of a payment into payments and payment_transactions. amount_captured NULL: the provider names each capture. snapshot_refunded NULL: it does not tell, and all of a voided payment is released. p_ours is the identifier of the intent that we asked for, where the provider has none of its own. A partial snapshot tells of the state alone and is deferred while the payment is unknown. One whose amount or currency differ puts the payment on hold; of the amounts the greatest holds, of the currencies the first by the alphabet. landed: the identifiers for which deferred events may have waited.';
REVOKE ALL ON FUNCTION saas.apply_payment(saas.payments, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_payment(saas.payments, text, boolean) TO saas_internal;
