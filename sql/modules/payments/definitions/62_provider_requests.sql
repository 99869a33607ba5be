-- The outbox: what functions ask of providers, and what workers learn. What may have happened is looked
-- up, never guessed: a lease that ran out and an answer that got lost lead to a question, not to a resend.
CREATE OR REPLACE FUNCTION saas.retry_delay(
    p_attempt integer,
    p_seed text,
    p_base interval DEFAULT '2 seconds',
    p_max interval DEFAULT '1 hour'
)
RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT LEAST(p_max, p_base * (2 ^ LEAST(GREATEST(p_attempt, 1) - 1, 30)))
        * (0.5 + (hashtextextended(p_seed, p_attempt) & 1023) / 2048.0)
$$;
COMMENT ON FUNCTION saas.retry_delay(integer, text, interval, interval) IS
'How long to wait after the attempt of that number, from 1: twice as long each time up to a limit, of which a hash of the seed takes off up to a half, so that many that failed together do not come back together.';
REVOKE ALL ON FUNCTION saas.retry_delay(integer, text, interval, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.retry_delay(integer, text, interval, interval) TO saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.claim_provider_requests(
    p_provider text,
    p_limit integer,
    p_worker text,
    p_lease interval DEFAULT '1 minute'
)
RETURNS SETOF saas.provider_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 1000
        OR p_worker IS NULL OR p_provider IS NULL
        OR p_lease IS NULL OR p_lease <= interval '0'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'provider, worker, a limit of 1 to 1000 and a positive lease are needed';
    END IF;
    -- Picked once: a plan that came back to the subquery would claim more than the limit.
    RETURN QUERY
    WITH c AS MATERIALIZED (
        SELECT q.team_id, q.id
        FROM saas.provider_requests AS q
        WHERE q.provider = p_provider
            AND q.status IN ('queued', 'claimed')
            AND q.next_attempt_at <= v_now
            -- What concerns an intent is asked in order: it is created before it is confirmed.
            AND NOT (
                q.kind IN ('confirm_intent', 'cancel_intent') AND EXISTS (
                    SELECT FROM saas.provider_requests AS e
                    WHERE e.team_id = q.team_id
                        AND e.payment_intent_id = q.payment_intent_id
                        AND e.id < q.id
                        AND e.status IN ('queued', 'claimed')
                )
            )
            -- Nothing of a payment on hold moves; what may have been sent already is looked up.
            AND NOT (
                q.kind IN ('capture', 'refund') AND q.status = 'queued' AND q.ask = 'send' AND EXISTS (
                    SELECT FROM saas.payments AS p
                    WHERE p.team_id = q.team_id AND p.id = q.payment_id AND p.integrity_hold
                )
            )
            -- Nor is a payout sent that a hold overtook in the outbox.
            AND NOT (
                q.kind = 'create_payout' AND q.status = 'queued' AND q.ask = 'send' AND EXISTS (
                    SELECT FROM saas.payout_holds AS h
                    WHERE h.team_id = q.team_id AND h.released_at IS NULL
                )
            )
        ORDER BY q.next_attempt_at
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE saas.provider_requests AS r
    SET status = 'claimed',
        ask = CASE r.status WHEN 'claimed' THEN 'lookup' ELSE r.ask END,
        attempts = r.attempts + 1,
        worker = p_worker,
        next_attempt_at = v_now + p_lease
    FROM c
    WHERE r.team_id = c.team_id AND r.id = c.id
    RETURNING r.*;
END
$$;
COMMENT ON FUNCTION saas.claim_provider_requests(text, integer, text, interval) IS
'Claims requests of all teams to a provider for a worker, up to so many, for the length of the lease. After a lease ran out the request may have been sent: ask is lookup then.';
REVOKE ALL ON FUNCTION saas.claim_provider_requests(text, integer, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.claim_provider_requests(text, integer, text, interval) TO saas_service;

CREATE OR REPLACE FUNCTION saas.complete_provider_request(
    p_team uuid,
    p_id uuid,
    p_attempt integer,
    p_outcome text,
    p_response jsonb DEFAULT '{}'
)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.provider_requests;
    v_status text;
    v_now timestamptz := clock_timestamp();
BEGIN
    IF p_outcome IS NULL
        OR p_outcome NOT IN ('succeeded', 'pending', 'failed', 'retry', 'unknown', 'not_found')
        OR jsonb_typeof(p_response) IS DISTINCT FROM 'object'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the outcome is unknown, or the response is no object',
            HINT = 'Outcomes: succeeded, pending, failed, retry, unknown; of a lookup also not_found.';
    END IF;
    SELECT r.* INTO v_row
    FROM saas.provider_requests AS r
    WHERE r.team_id = p_team AND r.id = p_id AND r.status = 'claimed' AND r.attempts = p_attempt
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA080',
            MESSAGE = 'the request is not claimed by this attempt',
            HINT = 'Its lease ran out and another worker looks up what came of it, or it is complete.';
    END IF;
    IF p_outcome = 'not_found' AND v_row.ask <> 'lookup' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'only a lookup finds nothing';
    END IF;
    IF p_outcome = 'retry' AND v_row.ask = 'lookup' THEN
        p_outcome := 'unknown'; -- the question failed, not the request
    END IF;
    v_status := CASE
        WHEN p_outcome IN ('succeeded', 'pending') THEN 'succeeded'
        WHEN p_outcome = 'failed' THEN 'failed'
        -- A payout that went another way meanwhile, or came to nothing, is not asked for again.
        WHEN p_outcome IN ('retry', 'not_found') AND v_row.kind = 'create_payout' AND NOT EXISTS (
            SELECT FROM saas.payouts AS p
            WHERE p.team_id = p_team AND p.id = v_row.payout_id AND p.status = 'pending'
        ) THEN 'failed'
        WHEN v_row.attempts >= v_row.max_attempts THEN 'dead'
        ELSE 'queued'
    END;
    UPDATE saas.provider_requests AS r
    SET status = v_status,
        ask = CASE
            WHEN p_outcome = 'unknown' THEN 'lookup'
            WHEN p_outcome = 'not_found' THEN 'send'
            ELSE r.ask
        END,
        last_outcome = p_outcome,
        response = p_response,
        next_attempt_at = v_now + saas.retry_delay(r.attempts, r.id::text),
        completed_at = CASE WHEN v_status <> 'queued' THEN v_now END
    WHERE r.team_id = p_team AND r.id = p_id
    RETURNING r.* INTO v_row;
    -- Given up without a trace at the provider: it has failed. Given up in doubt: it stays unknown.
    IF v_status = 'dead' AND p_outcome IN ('retry', 'not_found') THEN
        p_outcome := 'failed';
        p_response := p_response || '{"failure_code": "given_up"}';
    END IF;
    IF v_row.kind IN ('capture', 'refund') THEN
        PERFORM saas.settle_operation(v_row, p_outcome, p_response);
    ELSIF v_row.kind = 'create_payout' THEN
        PERFORM saas.settle_payout(v_row, p_outcome, p_response);
    ELSIF v_row.kind = 'submit_dispute' THEN
        PERFORM saas.settle_dispute(v_row, p_outcome);
    ELSIF v_row.kind <> 'detach_payment_method' THEN
        PERFORM saas.settle_intent(v_row, p_outcome, p_response);
    END IF;
    RETURN v_status;
END
$$;
COMMENT ON FUNCTION saas.complete_provider_request(uuid, uuid, integer, text, jsonb) IS
'Records what an attempt at a claimed request came to, and returns the request''s state. succeeded, failed (refused for good), pending (accepted, an event will tell), retry (certainly not done), unknown (perhaps done: looked up next), not_found (looked up, not done: sent again). SA080 unless this attempt holds the claim.';
REVOKE ALL ON FUNCTION saas.complete_provider_request(uuid, uuid, integer, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.complete_provider_request(uuid, uuid, integer, text, jsonb) TO saas_service;

CREATE OR REPLACE FUNCTION saas.revive_provider_request(p_team uuid, p_id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    UPDATE saas.provider_requests AS r
    SET status = 'queued',
        max_attempts = LEAST(100, r.attempts + 12),
        next_attempt_at = clock_timestamp(),
        completed_at = NULL
    WHERE r.team_id = p_team AND r.id = p_id AND r.status = 'dead' AND r.ask = 'lookup';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA080',
            MESSAGE = 'only a request that was given up in doubt is looked up again';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.revive_provider_request(uuid, uuid) IS
'Has a request that was given up in doubt looked up again. SA080 for any other. For admins and workers.';
REVOKE ALL ON FUNCTION saas.revive_provider_request(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.revive_provider_request(uuid, uuid) TO saas_app, saas_service;
