-- Disputes that are learned of otherwise than by events, evidence, and its submission.
CREATE OR REPLACE FUNCTION saas.check_dispute_room()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_payment saas.payments;
    v_refunds bigint;
    v_others bigint := 0;
BEGIN
    SELECT p.* INTO v_payment
    FROM saas.payments AS p
    WHERE p.team_id = NEW.team_id AND p.id = NEW.payment_id
    FOR NO KEY UPDATE;
    IF NEW.status IN ('needs_response', 'under_review', 'accepted', 'lost') THEN
        SELECT COALESCE(sum(r.amount), 0) INTO v_refunds
        FROM saas.refunds AS r
        WHERE r.team_id = NEW.team_id
            AND r.payment_id = NEW.payment_id
            AND r.status IN ('requires_review', 'pending', 'requires_action', 'succeeded');
        SELECT greatest(v_refunds, v_payment.amount_refunded) + COALESCE(sum(d.amount_withdrawn), 0)
        INTO v_others
        FROM saas.payment_disputes AS d
        WHERE d.team_id = NEW.team_id AND d.payment_id = NEW.payment_id AND d.id <> NEW.id;
    END IF;
    IF NEW.amount > v_payment.amount_captured - v_others THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA085',
            MESSAGE = 'the dispute exceeds what is left of the payment',
            DETAIL = format(
                '%s of %s captured minor units are refunded, about to be, or in dispute.',
                v_others, v_payment.amount_captured
            ),
            HINT = 'What a provider really took twice, its event says; the payment is overdrawn then.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_dispute_room() IS
'BEFORE INSERT OR UPDATE row trigger of disputes that we record: together with refunds, also pending ones, and other disputes they do not exceed what was captured (SA085), under the lock of the payment.';
REVOKE ALL ON FUNCTION saas.check_dispute_room() FROM PUBLIC;
CREATE OR REPLACE TRIGGER payment_disputes_15_room_insert
BEFORE INSERT ON saas.payment_disputes
FOR EACH ROW
WHEN (new.status_source = 'api')
EXECUTE FUNCTION saas.check_dispute_room();
CREATE OR REPLACE TRIGGER payment_disputes_15_room_update
BEFORE UPDATE ON saas.payment_disputes
FOR EACH ROW
WHEN (
    new.status_source = 'api'
    AND ((new.status = 'needs_response' AND old.status <> 'needs_response') OR new.amount > old.amount)
)
EXECUTE FUNCTION saas.check_dispute_room();

CREATE OR REPLACE TRIGGER dispute_evidence_20_immutable
BEFORE UPDATE ON saas.dispute_evidence
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'payment_dispute_id', 'stage', 'kind', 'content', 'file_reference', 'due_at', 'created_at'
);

CREATE OR REPLACE FUNCTION saas.record_dispute(
    p_team uuid,
    p_payment uuid,
    p_provider_dispute_id text,
    p_amount bigint,
    p_idempotency_key text,
    p_status text DEFAULT 'needs_response',
    p_stage text DEFAULT 'dispute',
    p_reason text DEFAULT NULL,
    p_network_reason_code text DEFAULT NULL,
    p_evidence_due_at timestamptz DEFAULT NULL,
    p_fee_amount bigint DEFAULT 0
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_payment saas.payments;
    v_row saas.payment_disputes;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'record_dispute',
        jsonb_build_array(
            p_payment, p_provider_dispute_id, p_amount, p_status, p_stage, p_reason, p_network_reason_code,
            p_evidence_due_at, p_fee_amount
        )
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    IF p_provider_dispute_id IS NULL OR length(p_provider_dispute_id) NOT BETWEEN 1 AND 255
        OR p_amount IS NULL OR p_amount <= 0 OR p_fee_amount IS NULL OR p_fee_amount < 0
        OR length(p_reason) > 500
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the provider''s identifier, a positive amount, a fee that is not negative, and a reason of up to 500 characters are needed';
    END IF;
    v_payment := saas.lock_payment(p_team, p_payment);
    SELECT d.* INTO v_row
    FROM saas.payment_disputes AS d
    WHERE d.team_id = p_team
        AND d.provider = v_payment.provider
        AND d.provider_dispute_id = p_provider_dispute_id;
    IF NOT FOUND THEN
        INSERT INTO saas.payment_disputes (
            team_id, payment_id, provider, provider_dispute_id, stage, status, states_seen, amount, currency,
            fee_amount, reason, network_reason_code, evidence_due_at, livemode
        )
        VALUES (
            p_team, p_payment, v_payment.provider, p_provider_dispute_id, p_stage, p_status, ARRAY[p_status],
            p_amount, v_payment.currency, p_fee_amount, p_reason, p_network_reason_code, p_evidence_due_at,
            v_payment.livemode
        )
        RETURNING * INTO v_row;
        PERFORM saas.refresh_disputed_amount(p_team, p_payment);
    ELSIF v_row.payment_id <> p_payment OR v_row.amount <> p_amount THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA072',
            MESSAGE = 'payment or amount of the dispute differ from those known';
    END IF;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_dispute_id', v_row.id, 'status', v_row.status, 'stage', v_row.stage
    ));
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'dispute', SQLSTATE, v_constraint, v_column,
            'Stages and states are those that the comments of saas.payment_disputes name.'
        );
END
$$;
COMMENT ON FUNCTION saas.record_dispute(uuid, uuid, text, bigint, text, text, text, text, text, timestamptz, bigint) IS
'Records a dispute of a payment (amounts in minor units) that did not come as an event; one that is known already stays as it is. Returns payment_dispute_id, status and stage. For admins and workers. SA072 when it is known otherwise, SA085 when refunds and disputes have taken the money already.';
REVOKE ALL ON FUNCTION saas.record_dispute(uuid, uuid, text, bigint, text, text, text, text, text, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_dispute(uuid, uuid, text, bigint, text, text, text, text, text, timestamptz, bigint)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.lock_open_dispute(p_team uuid, p_dispute uuid)
RETURNS saas.payment_disputes
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.payment_disputes;
BEGIN
    SELECT d.* INTO v_row
    FROM saas.payment_disputes AS d
    WHERE d.team_id = p_team AND d.id = p_dispute
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such dispute';
    END IF;
    IF v_row.status NOT IN ('warning_needs_response', 'needs_response') OR EXISTS (
        SELECT FROM saas.provider_requests AS r
        WHERE r.team_id = p_team
            AND r.payment_dispute_id = p_dispute
            AND (r.status IN ('queued', 'claimed') OR (r.status = 'dead' AND r.ask = 'lookup'))
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA086',
            MESSAGE = 'the dispute takes no evidence now',
            DETAIL = format('It is %s, or evidence is being submitted.', v_row.status);
    END IF;
    IF v_row.evidence_due_at <= clock_timestamp() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA087',
            MESSAGE = 'the deadline of the dispute has passed',
            DETAIL = format('Evidence was due at %s.', v_row.evidence_due_at);
    END IF;
    RETURN v_row;
END
$$;
COMMENT ON FUNCTION saas.lock_open_dispute(uuid, uuid) IS
'The dispute, locked until the end of the transaction, if it takes evidence now: SA081 for one that is none, SA086 in another state or while evidence is being submitted, SA087 after its deadline.';
REVOKE ALL ON FUNCTION saas.lock_open_dispute(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_open_dispute(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.add_dispute_evidence(
    p_team uuid,
    p_dispute uuid,
    p_kind text,
    p_idempotency_key text,
    p_content text DEFAULT NULL,
    p_file_reference text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_dispute saas.payment_disputes;
    v_id uuid;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'add_dispute_evidence',
        jsonb_build_array(p_dispute, p_kind, p_content, p_file_reference)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    IF num_nonnulls(p_content, p_file_reference) <> 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'evidence is a text or the reference of a file, one of the two';
    END IF;
    v_dispute := saas.lock_open_dispute(p_team, p_dispute);
    INSERT INTO saas.dispute_evidence (
        team_id, payment_dispute_id, stage, kind, content, file_reference, due_at
    )
    VALUES (
        p_team, p_dispute, v_dispute.stage, p_kind, p_content, p_file_reference, v_dispute.evidence_due_at
    )
    RETURNING id INTO v_id;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'dispute_evidence_id', v_id, 'due_at', v_dispute.evidence_due_at
    ));
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'evidence', SQLSTATE, v_constraint, v_column,
            'Kinds are listed in docs/modules/disputes.md; a text has up to 20,000 characters.'
        );
END
$$;
COMMENT ON FUNCTION saas.add_dispute_evidence(uuid, uuid, text, text, text, text) IS
'Adds a text (up to 20,000 characters) or the reference of a file to the evidence of a dispute, for its stage. Returns dispute_evidence_id and due_at. For members and workers. SA086 and SA087 where the dispute takes none.';
REVOKE ALL ON FUNCTION saas.add_dispute_evidence(uuid, uuid, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_dispute_evidence(uuid, uuid, text, text, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.remove_dispute_evidence(p_team uuid, p_evidence uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_dispute uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    SELECT e.payment_dispute_id INTO v_dispute
    FROM saas.dispute_evidence AS e
    WHERE e.team_id = p_team AND e.id = p_evidence AND e.submitted_at IS NULL AND e.removed_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA081',
            MESSAGE = 'the team has no such evidence that is not submitted yet';
    END IF;
    PERFORM saas.lock_open_dispute(p_team, v_dispute);
    UPDATE saas.dispute_evidence AS e
    SET removed_at = clock_timestamp()
    WHERE e.team_id = p_team AND e.id = p_evidence AND e.submitted_at IS NULL;
END
$$;
COMMENT ON FUNCTION saas.remove_dispute_evidence(uuid, uuid) IS
'Takes a piece of evidence back that was not submitted yet; the row stays. For members and workers. SA081 for one that is none.';
REVOKE ALL ON FUNCTION saas.remove_dispute_evidence(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.remove_dispute_evidence(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.submit_dispute(p_team uuid, p_dispute uuid, p_idempotency_key text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_dispute saas.payment_disputes;
    v_evidence jsonb;
    v_request uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'submit_dispute', jsonb_build_array(p_dispute)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    v_dispute := saas.lock_open_dispute(p_team, p_dispute);
    SELECT jsonb_agg(
        jsonb_strip_nulls(jsonb_build_object(
            'id', e.id, 'kind', e.kind, 'content', e.content, 'file_reference', e.file_reference
        )) ORDER BY e.id
    )
    INTO v_evidence
    FROM saas.dispute_evidence AS e
    WHERE e.team_id = p_team
        AND e.payment_dispute_id = p_dispute
        AND e.stage = v_dispute.stage
        AND e.submitted_at IS NULL
        AND e.removed_at IS NULL;
    IF v_evidence IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA088',
            MESSAGE = 'there is no evidence to submit',
            HINT = 'Add some with saas.add_dispute_evidence().';
    END IF;
    INSERT INTO saas.provider_requests (team_id, provider, kind, payment_id, payment_dispute_id, request)
    VALUES (
        p_team, v_dispute.provider, 'submit_dispute', v_dispute.payment_id, p_dispute,
        jsonb_build_object('dispute', v_dispute.provider_dispute_id, 'evidence', v_evidence)
    )
    RETURNING id INTO v_request;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payment_dispute_id', p_dispute, 'provider_request_id', v_request,
        'pieces', jsonb_array_length(v_evidence), 'status', v_dispute.status
    ));
END
$$;
COMMENT ON FUNCTION saas.submit_dispute(uuid, uuid, text) IS
'Asks the provider to take the evidence of a dispute; it is under review once the provider says so. Returns payment_dispute_id, provider_request_id, pieces and status. For admins and workers. SA086 in another state or while evidence is being submitted, SA087 after the deadline, SA088 without evidence.';
REVOKE ALL ON FUNCTION saas.submit_dispute(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.submit_dispute(uuid, uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.settle_dispute(p_request saas.provider_requests, p_outcome text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_outcome NOT IN ('succeeded', 'pending') THEN -- a refused submission may be made again
        RETURN;
    END IF;
    -- Where an event has told of a later state, that one stays.
    UPDATE saas.payment_disputes AS d
    SET status = CASE d.status
            WHEN 'needs_response' THEN 'under_review'
            WHEN 'warning_needs_response' THEN 'warning_under_review'
            ELSE d.status
        END,
        states_seen = CASE d.status
            WHEN 'needs_response' THEN saas.add_state(d.states_seen, 'under_review')
            WHEN 'warning_needs_response' THEN saas.add_state(d.states_seen, 'warning_under_review')
            ELSE d.states_seen
        END,
        evidence_submitted_at = COALESCE(d.evidence_submitted_at, clock_timestamp())
    WHERE d.team_id = p_request.team_id AND d.id = p_request.payment_dispute_id;
    UPDATE saas.dispute_evidence AS e
    SET submitted_at = clock_timestamp()
    FROM jsonb_array_elements(p_request.request -> 'evidence') AS x
    WHERE e.team_id = p_request.team_id
        AND e.id = (x ->> 'id')::uuid
        AND e.submitted_at IS NULL;
END
$$;
COMMENT ON FUNCTION saas.settle_dispute(saas.provider_requests, text) IS
'Applies the outcome of submitting evidence: the dispute is under review, and the evidence is submitted.';
REVOKE ALL ON FUNCTION saas.settle_dispute(saas.provider_requests, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.settle_dispute(saas.provider_requests, text) TO saas_internal;
