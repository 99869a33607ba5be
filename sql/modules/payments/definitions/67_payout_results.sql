-- What became of payouts: reported by hand or by a file, by the provider's answer, or by its events.
CREATE OR REPLACE FUNCTION saas.join_told_payout(p_ours saas.payouts, p_told saas.payouts)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- The ledger takes back what was posted for it, before the row goes.
    UPDATE saas.payouts AS p
    SET status = 'canceled',
        status_source = 'conflict'
    WHERE p.team_id = p_told.team_id AND p.id = p_told.id AND p.status <> 'canceled';
    DELETE FROM saas.payouts AS p
    WHERE p.team_id = p_told.team_id AND p.id = p_told.id;
    UPDATE saas.payouts AS p
    SET provider_payout_id = p_told.provider_payout_id,
        status = p_told.status,
        status_source = p_told.status_source,
        states_seen = p_told.states_seen,
        snapshot_at = p_told.snapshot_at,
        snapshot_event_id = p_told.snapshot_event_id,
        method = p_told.method,
        arrival_date = p_told.arrival_date,
        failure_code = p_told.failure_code,
        failure_message = p_told.failure_message,
        metadata = p_told.metadata,
        provider_created_at = p_told.provider_created_at
    WHERE p.team_id = p_ours.team_id AND p.id = p_ours.id;
END
$$;
COMMENT ON FUNCTION saas.join_told_payout(saas.payouts, saas.payouts) IS
'Makes one of a payout that we asked for and of what an event has told of it without our identifier: ours takes over what was told, whose row goes.';
REVOKE ALL ON FUNCTION saas.join_told_payout(saas.payouts, saas.payouts) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.join_told_payout(saas.payouts, saas.payouts) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.link_provider_payout(
    p_team uuid,
    p_provider text,
    p_ref text,
    p_ours text,
    p_amount bigint,
    p_currency text
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_ours saas.payouts;
    v_told saas.payouts;
BEGIN
    SELECT p.* INTO v_ours
    FROM saas.payouts AS p
    WHERE p.team_id = p_team
        AND p.id = saas.uuid_or_null(p_ours)
        AND p.provider = p_provider
        AND p.provider_payout_id IS NULL
        AND p.status NOT IN ('scheduled', 'requires_review')
        AND p.amount = p_amount
        AND p.currency = p_currency;
    IF NOT FOUND OR p_ref IS NULL THEN
        RETURN;
    END IF;
    SELECT p.* INTO v_told
    FROM saas.payouts AS p
    WHERE p.team_id = p_team AND p.provider = p_provider AND p.provider_payout_id = p_ref;
    IF FOUND THEN -- an event that does not bear our identifier was first
        PERFORM saas.join_told_payout(v_ours, v_told)
        WHERE v_told.scheduled_for IS NULL
            AND v_told.amount = p_amount
            AND v_told.currency = p_currency
            AND (v_ours.status = 'pending' OR v_ours.status = v_told.status);
        RETURN;
    END IF;
    UPDATE saas.payouts AS p
    SET provider_payout_id = p_ref
    WHERE p.team_id = p_team AND p.id = v_ours.id;
END
$$;
COMMENT ON FUNCTION saas.link_provider_payout(uuid, text, text, text, bigint, text) IS
'Gives the payout that we asked for, by our identifier, that of the provider, unless amount or currency differ or it is linked already. What an event has told of it before, as of one that we did not ask for, becomes part of ours.';
REVOKE ALL ON FUNCTION saas.link_provider_payout(uuid, text, text, text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.link_provider_payout(uuid, text, text, text, bigint, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.settle_payout(
    p_request saas.provider_requests,
    p_outcome text,
    p_response jsonb
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_payout saas.payouts;
    v_state text;
BEGIN
    IF p_outcome NOT IN ('succeeded', 'pending', 'failed') THEN
        RETURN;
    END IF;
    IF p_response ->> 'provider_payout_id' IS NOT NULL THEN -- an event of it may be on its way
        PERFORM saas.lock_provider_object(
            p_request.team_id, p_request.provider, p_response ->> 'provider_payout_id'
        );
    END IF;
    SELECT p.* INTO v_payout
    FROM saas.payouts AS p
    WHERE p.team_id = p_request.team_id AND p.id = p_request.payout_id
    FOR NO KEY UPDATE;
    PERFORM saas.link_provider_payout(
        v_payout.team_id, v_payout.provider, p_response ->> 'provider_payout_id', v_payout.id::text,
        v_payout.amount, v_payout.currency
    );
    v_state := CASE
        WHEN p_outcome = 'failed' THEN 'failed'
        WHEN p_response ->> 'status' IN ('in_transit', 'paid') THEN p_response ->> 'status'
    END;
    -- Where an event has told of a later state, that one stays.
    UPDATE saas.payouts AS p
    SET status = v_state,
        states_seen = saas.add_state(p.states_seen, v_state),
        failure_code = CASE v_state WHEN 'failed' THEN p_response ->> 'failure_code' END
    WHERE p.team_id = v_payout.team_id
        AND p.id = v_payout.id
        AND v_state IS NOT NULL
        AND (p.status = 'pending' OR (p.status = 'in_transit' AND v_state = 'paid'));
END
$$;
COMMENT ON FUNCTION saas.settle_payout(saas.provider_requests, text, jsonb) IS
'Applies the outcome of asking for a payout: links the provider''s identifier and takes the step that follows, if it is one.';
REVOKE ALL ON FUNCTION saas.settle_payout(saas.provider_requests, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.settle_payout(saas.provider_requests, text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.record_payout_result(
    p_team uuid,
    p_payout uuid,
    p_status text,
    p_idempotency_key text,
    p_provider_payout_id text DEFAULT NULL,
    p_arrival_date date DEFAULT NULL,
    p_failure_code text DEFAULT NULL,
    p_failure_message text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_payout saas.payouts;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'record_payout_result',
        jsonb_build_array(
            p_payout, p_status, p_provider_payout_id, p_arrival_date, p_failure_code, p_failure_message
        )
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    IF p_status IS NULL OR p_status NOT IN ('in_transit', 'paid', 'failed', 'canceled', 'reversed') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the result of a payout is in_transit, paid, failed, canceled or reversed';
    END IF;
    PERFORM
    FROM saas.provider_requests AS r
    WHERE r.team_id = p_team AND r.payout_id = p_payout
    FOR UPDATE;
    IF p_provider_payout_id IS NOT NULL THEN
        PERFORM saas.lock_provider_object(p_team, p.provider, p_provider_payout_id)
        FROM saas.payouts AS p
        WHERE p.team_id = p_team AND p.id = p_payout;
    END IF;
    PERFORM saas.lock_team_payouts(p_team);
    SELECT p.* INTO v_payout
    FROM saas.payouts AS p
    WHERE p.team_id = p_team AND p.id = p_payout
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such payout';
    END IF;
    -- What the provider may be doing right now has no result yet; what was never asked for is never asked for. Nor is
    -- what is certainly not done yet, where the payout went another way: it would be paid twice.
    UPDATE saas.provider_requests AS r
    SET status = 'canceled',
        completed_at = clock_timestamp()
    WHERE r.team_id = p_team
        AND r.payout_id = p_payout
        AND r.status = 'queued'
        AND r.ask = 'send'
        AND (r.attempts = 0 OR p_status IN ('in_transit', 'paid'));
    IF p_status IN ('failed', 'canceled') AND v_payout.status = 'pending' AND EXISTS (
        SELECT FROM saas.provider_requests AS r
        WHERE r.team_id = p_team
            AND r.payout_id = p_payout
            AND (r.status IN ('queued', 'claimed') OR (r.status = 'dead' AND r.ask = 'lookup'))
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA082',
            MESSAGE = 'the payout may be on its way: the provider is being asked',
            HINT = 'Wait for the outcome of the request.';
    END IF;
    PERFORM saas.link_provider_payout(
        p_team, v_payout.provider, p_provider_payout_id, p_payout::text, v_payout.amount, v_payout.currency
    );
    UPDATE saas.payouts AS p
    SET status = p_status,
        status_source = 'api',
        states_seen = saas.add_state(p.states_seen, p_status),
        provider_payout_id = COALESCE(p.provider_payout_id, p_provider_payout_id),
        arrival_date = COALESCE(p_arrival_date, p.arrival_date),
        failure_code = COALESCE(p_failure_code, p.failure_code),
        failure_message = COALESCE(p_failure_message, p.failure_message)
    WHERE p.team_id = p_team AND p.id = p_payout AND p.status <> p_status;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payout_id', p_payout, 'status', p_status, 'was', v_payout.status
    ));
END
$$;
COMMENT ON FUNCTION saas.record_payout_result(uuid, uuid, text, text, text, date, text, text) IS
'Records that a payout is in_transit, paid, failed, canceled or reversed; the ledger follows, and money that did not arrive may be paid out again. Returns payout_id, status and was. For admins and workers. SA070 for a step that is none, SA081 for a payout that is none, SA082 while the provider is being asked.';
REVOKE ALL ON FUNCTION saas.record_payout_result(uuid, uuid, text, text, text, date, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_payout_result(uuid, uuid, text, text, text, date, text, text)
TO saas_app, saas_service;

CREATE OR REPLACE VIEW saas.payout_reconciliation
WITH (security_invoker = true) AS
SELECT
    p.team_id,
    p.id AS payout_id,
    p.provider,
    p.currency,
    p.status,
    p.scheduled_for,
    p.amount,
    p.reserve_amount,
    i.entries,
    i.payments,
    i.amount AS items_amount,
    l.sent AS ledger_sent,
    l.arrived AS ledger_arrived,
    i.amount = CASE WHEN p.status IN ('failed', 'canceled', 'reversed') THEN 0 ELSE p.amount END
    AND l.sent = CASE WHEN p.status IN ('pending', 'in_transit', 'paid') THEN p.amount ELSE 0 END
    AND l.arrived = CASE p.status WHEN 'paid' THEN p.amount ELSE 0 END AS agrees
FROM saas.payouts AS p
CROSS JOIN LATERAL (
    SELECT
        count(*) AS entries,
        count(DISTINCT t.ref_id) FILTER (WHERE t.ref_table = 'payments') AS payments,
        COALESCE(sum(x.amount), 0) AS amount
    FROM saas.payout_items AS x
    JOIN saas.ledger_entries AS e ON e.team_id = x.team_id AND e.id = x.entry_id
    JOIN saas.ledger_transactions AS t ON t.team_id = e.team_id AND t.id = e.transaction_id
    WHERE x.team_id = p.team_id AND x.payout_id = p.id AND x.released_at IS NULL
) AS i
CROSS JOIN LATERAL (
    SELECT
        COALESCE(sum(-e.amount) FILTER (WHERE a.kind = 'provider_balance'), 0) AS sent,
        COALESCE(sum(e.amount) FILTER (WHERE a.kind = 'bank'), 0) AS arrived
    FROM saas.ledger_transactions AS t
    JOIN saas.ledger_entries AS e
        ON e.team_id = t.team_id AND e.transaction_id = t.id AND e.layer = 'posted'
    JOIN saas.ledger_accounts AS a ON a.team_id = e.team_id AND a.id = e.account_id
    WHERE t.team_id = p.team_id AND t.ref_id = p.id AND t.ref_table = 'payouts'
) AS l
WHERE p.scheduled_for IS NOT NULL;
COMMENT ON VIEW saas.payout_reconciliation IS
'Each payout of ours against the entries it consists of and against what the ledger says was sent and has arrived.';
COMMENT ON COLUMN saas.payout_reconciliation.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.payout_id IS 'The payout. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.provider IS 'The provider. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.currency IS 'Currency of the amounts. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.status IS 'State of the payout. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.scheduled_for IS 'From when on it may be sent. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.amount IS 'Minor units. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.reserve_amount IS 'What was kept beside it. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.entries IS 'How many entries it consists of. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.payments IS 'Of how many payments they are. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.items_amount IS 'What the entries come to. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.ledger_sent IS 'What the ledger says has left the provider for it. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.ledger_arrived IS 'What the ledger says has arrived at the bank. [internal]';
COMMENT ON COLUMN saas.payout_reconciliation.agrees IS 'Whether all of that is as its state says. [internal]';
GRANT SELECT ON saas.payout_reconciliation TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE FUNCTION saas.payout_statement(p_team uuid, p_payout uuid)
RETURNS TABLE (
    kind text,
    payment_id uuid,
    amount bigint,
    effective_at timestamptz,
    ref_table text,
    ref_id uuid,
    entry_id uuid
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT
        t.kind,
        CASE t.ref_table
            WHEN 'payments' THEN t.ref_id
            WHEN 'payment_disputes' THEN d.payment_id
        END,
        i.amount,
        e.effective_at,
        t.ref_table,
        t.ref_id,
        i.entry_id
    FROM saas.payout_items AS i
    JOIN saas.ledger_entries AS e ON e.team_id = i.team_id AND e.id = i.entry_id
    JOIN saas.ledger_transactions AS t ON t.team_id = e.team_id AND t.id = e.transaction_id
    LEFT JOIN saas.payment_disputes AS d
        ON t.ref_table = 'payment_disputes' AND d.team_id = t.team_id AND d.id = t.ref_id
    WHERE i.team_id = p_team AND i.payout_id = p_payout
    ORDER BY e.effective_at, i.entry_id
$$;
COMMENT ON FUNCTION saas.payout_statement(uuid, uuid) IS
'What a payout of ours consists of, or consisted of before it came to nothing: captures, refunds, disputes, fees and reserves with the payments they belong to; the amounts sum to the payout. Under row-level security: of another team, nothing.';
REVOKE ALL ON FUNCTION saas.payout_statement(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payout_statement(uuid, uuid) TO saas_app, saas_analyst, saas_service;
