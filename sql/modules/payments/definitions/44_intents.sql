-- Snapshots of intents, whichever provider they come from. The order of arrival means nothing: a snapshot is
-- applied when it is greater than the one that holds, and what only grows is joined by greatest(), so that
-- any order and any repetition ends in the same rows.
CREATE OR REPLACE FUNCTION saas.intent_disagreement(
    p_new saas.payment_intents,
    p_ours uuid
)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT format('the intent: %s %s, asked for: %s %s', p_new.amount, p_new.currency, i.amount, i.currency)
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_new.team_id
        AND i.id = p_ours
        AND i.provider = p_new.provider
        AND i.provider_intent_id IS DISTINCT FROM p_new.provider_intent_id
        AND (i.amount, i.currency) <> (p_new.amount, p_new.currency)
$$;
COMMENT ON FUNCTION saas.intent_disagreement(saas.payment_intents, uuid) IS
'In words how the provider''s intent that bears our identifier differs from what we asked for; NULL when it does not.';
REVOKE ALL ON FUNCTION saas.intent_disagreement(saas.payment_intents, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.intent_disagreement(saas.payment_intents, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_intent(
    p_new saas.payment_intents,
    p_ours text DEFAULT NULL,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_before saas.payment_intents;
    v_row saas.payment_intents;
    v_is_new boolean;
    v_order integer := 1;
    v_ours uuid := saas.uuid_or_null(p_ours);
    v_done text;
BEGIN
    p_new.provider_intent_id := saas.lock_object(p_new.team_id, p_new.provider, p_new.provider_intent_id);
    IF v_ours IS NOT NULL THEN
        PERFORM saas.link_provider_intent(
            p_new.team_id, p_new.provider, p_new.provider_intent_id, p_ours, p_new.amount, p_new.currency
        );
    END IF;
    v_before := saas.lock_row(
        v_before, 'FOR UPDATE', 'payment_intents_team_id_provider_provider_intent_id_key',
        p_new.team_id, p_new.provider, p_new.provider_intent_id
    );
    v_is_new := v_before.id IS NULL;
    IF NOT v_is_new THEN
        v_order := saas.snapshot_order(
            'payment_intent', v_before.status, v_before.snapshot_at, v_before.snapshot_event_id,
            p_new.status, p_new.snapshot_at, p_new.snapshot_event_id
        );
    END IF;
    outcome := CASE
        WHEN abs(v_order) = 2 THEN 'conflict'
        WHEN v_order > 0 THEN 'processed'
        ELSE 'superseded'
    END;
    v_row := v_before;
    IF v_order > 0 THEN -- what the newest snapshot says holds whole
        v_row := saas.with_columns(
            v_row,
            '{team_id,provider,provider_intent_id,amount,amount_capturable,currency,status,
              snapshot_at,snapshot_event_id,capture_method,description,provider_customer_id,
              provider_payment_method_id,last_error_code,last_error_decline_code,last_error_message,
              cancellation_reason,canceled_at,attributes,metadata,livemode,provider_created_at,
              status_source}',
            p_new.team_id, p_new.provider, p_new.provider_intent_id, p_new.amount,
            COALESCE(p_new.amount_capturable, 0::bigint), p_new.currency, p_new.status, p_new.snapshot_at,
            p_new.snapshot_event_id, p_new.capture_method, p_new.description, p_new.provider_customer_id,
            p_new.provider_payment_method_id, p_new.last_error_code, p_new.last_error_decline_code,
            p_new.last_error_message, p_new.cancellation_reason, p_new.canceled_at,
            COALESCE(p_new.attributes, '{}'::jsonb), COALESCE(p_new.metadata, '{}'::jsonb),
            COALESCE(p_new.livemode, false), p_new.provider_created_at, 'provider'::text
        );
    END IF;
    v_row.states_seen := saas.add_state(v_before.states_seen, p_new.status);
    v_row.status_source := saas.state_source(
        'payment_intent', v_row.status, v_row.states_seen, v_row.status_source
    );
    v_row.amount_received := COALESCE(greatest(p_new.amount_received, v_before.amount_received), 0);
    v_row.disagreements := COALESCE(v_before.disagreements, '{}');
    IF v_ours IS NOT NULL THEN
        detail := saas.intent_disagreement(p_new, v_ours);
        IF detail IS NOT NULL THEN
            v_row.disagreements := saas.add_state(v_row.disagreements, detail);
            outcome := 'conflict';
        END IF;
    END IF;

    IF v_is_new THEN
        v_row := saas.insert_row(v_row);
        IF saas.has_row( -- payments that came before it
            NULL::saas.payments, 'payments_team_id_provider_provider_intent_id_idx',
            v_row.team_id, v_row.provider, v_row.provider_intent_id
        ) THEN
            UPDATE saas.payments AS p
            SET payment_intent_id = v_row.id,
                integrity_issue = saas.integrity_issue(p, v_row)
            WHERE p.team_id = v_row.team_id
                AND p.provider = v_row.provider
                AND p.provider_intent_id = v_row.provider_intent_id
                AND p.payment_intent_id IS NULL;
            PERFORM saas.refresh_integrity(v_row); -- several payments were one another's parts
        END IF;
    ELSIF v_row IS DISTINCT FROM v_before THEN
        v_row := saas.update_row(v_row);
        IF (v_row.status, v_row.amount, v_row.currency, v_row.disagreements)
            <> (v_before.status, v_before.amount, v_before.currency, v_before.disagreements)
        THEN
            v_done := saas.refresh_integrity(v_row);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_intent(saas.payment_intents, text) IS
'Joins a snapshot of a payment intent into payment_intents; p_ours is our identifier that it bears. states_seen of the snapshot is not read.';
REVOKE ALL ON FUNCTION saas.apply_intent(saas.payment_intents, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_intent(saas.payment_intents, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.follow_payment(
    p_team uuid,
    p_intent uuid,
    p_status text,
    p_at timestamptz,
    p_event_id text
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_before saas.payment_intents;
    v_row saas.payment_intents;
    v_status text := CASE p_status
        WHEN 'pending' THEN 'processing'
        WHEN 'failed' THEN 'requires_payment_method'
        WHEN 'authorized' THEN 'requires_capture'
        WHEN 'paid' THEN 'succeeded'
        ELSE 'canceled'
    END;
    v_order integer;
BEGIN
    SELECT i.* INTO STRICT v_before
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_team AND i.id = p_intent
    FOR NO KEY UPDATE;
    v_row := v_before;
    v_order := saas.snapshot_order(
        'payment_intent', v_before.status, v_before.snapshot_at, v_before.snapshot_event_id,
        v_status, p_at, p_event_id
    );
    IF v_before.snapshot_at IS NULL AND v_before.status <> v_status AND v_order < 0 AND (
        (saas.state_rank('payment_intent', v_before.status)).component
        = (saas.state_rank('payment_intent', v_status)).component
    ) THEN
        v_order := 1; -- whatever the provider says is newer than what we began with
    END IF;
    IF v_order > 0 THEN
        v_row.status := v_status;
        v_row.status_source := 'provider';
        v_row.snapshot_at := p_at;
        v_row.snapshot_event_id := p_event_id;
    END IF;
    v_row.states_seen := saas.add_state(v_before.states_seen, v_status);
    v_row.status_source := saas.state_source(
        'payment_intent', v_row.status, v_row.states_seen, v_row.status_source
    );
    SELECT COALESCE(sum(p.amount_captured), 0) INTO v_row.amount_received
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.payment_intent_id = p_intent;
    IF v_row IS DISTINCT FROM v_before THEN
        UPDATE saas.payment_intents AS i
        SET status = v_row.status,
            status_source = v_row.status_source,
            states_seen = v_row.states_seen,
            amount_received = v_row.amount_received,
            snapshot_at = v_row.snapshot_at,
            snapshot_event_id = v_row.snapshot_event_id
        WHERE i.team_id = p_team AND i.id = p_intent;
    END IF;
    PERFORM saas.refresh_integrity(v_row);
END
$$;
COMMENT ON FUNCTION saas.follow_payment(uuid, uuid, text, timestamptz, text) IS
'Has the intent that we asked for follow a snapshot of its payment, where the provider has no intents of its own. The caller has locked the intent''s row before the payment''s.';
REVOKE ALL ON FUNCTION saas.follow_payment(uuid, uuid, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.follow_payment(uuid, uuid, text, timestamptz, text) TO saas_internal;
