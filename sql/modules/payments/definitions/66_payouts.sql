-- Scheduling, sending and settling payouts.
CREATE OR REPLACE FUNCTION saas.moment_of_run(p_now timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_now > clock_timestamp() + interval '1 minute' OR NOT isfinite(p_now) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a run is not ahead of its time',
            HINT = 'Leave p_now out.';
    END IF;
    RETURN COALESCE(p_now, clock_timestamp());
END
$$;
COMMENT ON FUNCTION saas.moment_of_run(timestamptz) IS
'The moment that a run counts as now: the one given, which is not in the future, or the clock''s.';
REVOKE ALL ON FUNCTION saas.moment_of_run(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.moment_of_run(timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.schedule_payout(
    p_schedule saas.payout_schedules,
    p_for timestamptz,
    p_now timestamptz
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid := saas.uuid_v7();
    v_came_by timestamptz := p_now - make_interval(days => p_schedule.delay_days);
    v_entries uuid[];
    v_amounts bigint[];
    v_total numeric;
    v_reserve bigint;
    v_reserve_id uuid;
    v_amount bigint;
BEGIN
    -- A reserve that comes back is not reserved again, nor what a payout left over.
    SELECT
        array_agg(u.entry_id),
        array_agg(u.amount),
        COALESCE(sum(u.amount), 0),
        saas.round_money(
            greatest(COALESCE(sum(u.amount) FILTER (
                WHERE u.kind NOT LIKE 'reserve%' AND u.kind <> 'payout_remainder'
            ), 0), 0) * p_schedule.reserve_percent / 100, 'up'
        )
    INTO v_entries, v_amounts, v_total, v_reserve
    FROM saas.unpaid_entries(
        p_schedule.team_id, p_schedule.provider, p_schedule.currency, v_came_by
    ) AS u;
    v_amount := saas.payable_amount(
        p_schedule.provider, p_schedule.currency, greatest(v_total - v_reserve, 0)
    );
    IF v_amount < p_schedule.minimum_amount THEN
        RETURN NULL;
    END IF;
    INSERT INTO saas.payouts (
        team_id, id, provider, amount, currency, status, states_seen, payout_schedule_id, scheduled_for,
        scheduled_xact_id, reserve_amount, livemode
    )
    VALUES (
        p_schedule.team_id, v_id, p_schedule.provider, v_amount, p_schedule.currency, 'scheduled',
        '{scheduled}', p_schedule.id, p_for, pg_current_xact_id(), v_reserve,
        -- One ledger holds one mode: any payment tells, where nobody has said which.
        COALESCE(
            saas.provider_livemode(p_schedule.team_id, p_schedule.provider),
            (
                SELECT p.livemode
                FROM saas.payments AS p
                WHERE p.team_id = p_schedule.team_id AND p.provider = p_schedule.provider
                ORDER BY p.provider_payment_id DESC
                LIMIT 1
            ),
            false
        )
    );
    IF v_reserve > 0 THEN
        INSERT INTO saas.payout_reserves (team_id, payout_id, provider, amount, currency, release_at)
        VALUES (
            p_schedule.team_id, v_id, p_schedule.provider, v_reserve, p_schedule.currency,
            p_now + make_interval(days => p_schedule.reserve_days)
        )
        RETURNING id INTO v_reserve_id;
    END IF;
    IF v_total - v_reserve > v_amount THEN -- out of this payout, and back into the same balance
        PERFORM saas.post_ledger_transaction(
            p_schedule.team_id, 'payout_remainder', p_schedule.provider, p_schedule.currency,
            'provider_balance', 'provider_balance', (v_total - v_reserve - v_amount)::bigint, 'payouts', v_id
        );
    END IF;
    INSERT INTO saas.payout_items (team_id, payout_id, entry_id, amount, currency)
    SELECT p_schedule.team_id, v_id, i.entry_id, i.amount, p_schedule.currency
    FROM (
        SELECT u.entry_id, u.amount
        FROM unnest(v_entries, v_amounts) AS u (entry_id, amount)
        UNION ALL
        SELECT e.id, e.amount
        FROM saas.ledger_transactions AS t
        JOIN saas.ledger_entries AS e ON e.team_id = t.team_id AND e.transaction_id = t.id
        WHERE t.team_id = p_schedule.team_id AND t.ref_id IN (v_reserve_id, v_id) AND e.amount < 0
    ) AS i;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.schedule_payout(saas.payout_schedules, timestamptz, timestamptz) IS
'Makes a payout of all that the schedule allows now, with its reserve, and sets the entries aside for it; NULL when that is less than the minimum. What the provider does not pay out, as half a forint, stays in the balance. The caller has locked the team''s payouts.';
REVOKE ALL ON FUNCTION saas.schedule_payout(saas.payout_schedules, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.schedule_payout(saas.payout_schedules, timestamptz, timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.schedule_payouts(
    p_team uuid,
    p_idempotency_key text,
    p_schedule uuid DEFAULT NULL,
    p_now timestamptz DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_now timestamptz;
    v_schedule saas.payout_schedules;
    v_payout uuid;
    v_payouts uuid[] := '{}'::uuid[];
    v_below uuid[] := '{}'::uuid[];
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'schedule_payouts', jsonb_build_array(p_schedule, p_now)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    v_now := saas.moment_of_run(p_now);
    PERFORM saas.lock_team_payouts(p_team);
    -- A verification may have run out since anybody looked.
    PERFORM saas.refresh_verification_hold(p_team);
    UPDATE saas.payout_reserves AS r
    SET status = 'released',
        released_at = clock_timestamp()
    WHERE r.team_id = p_team AND r.status = 'held' AND r.release_at <= v_now;
    FOR v_schedule IN
        SELECT s.*
        FROM saas.payout_schedules AS s
        WHERE s.team_id = p_team
            AND s.is_active
            AND (s.id = p_schedule OR (p_schedule IS NULL AND s.next_run_at <= v_now))
        ORDER BY s.id
        FOR UPDATE
    LOOP
        v_payout := saas.schedule_payout(v_schedule, v_now, v_now);
        IF v_payout IS NULL THEN
            v_below := v_below || v_schedule.id;
        ELSE
            v_payouts := v_payouts || v_payout;
        END IF;
        UPDATE saas.payout_schedules AS s
        SET last_run_at = v_now,
            settled_before = saas.settled_before(s),
            settling_at = CASE
                WHEN saas.settling_has_ended(s.settling_xact_id) IS NOT FALSE THEN now() -- before its number
                ELSE s.settling_at
            END,
            settling_xact_id = CASE
                WHEN saas.settling_has_ended(s.settling_xact_id) IS NOT FALSE THEN pg_current_xact_id()
                ELSE s.settling_xact_id
            END,
            next_run_at = CASE
                WHEN s.next_run_at <= v_now THEN saas.next_payout_run(s, v_now)
                ELSE s.next_run_at
            END
        WHERE s.team_id = p_team AND s.id = v_schedule.id;
    END LOOP;
    IF p_schedule IS NOT NULL AND v_payouts = '{}' AND v_below = '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'SA081', MESSAGE = 'the team has no such active schedule of payouts';
    END IF;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'payouts', to_jsonb(v_payouts), 'below_minimum', to_jsonb(v_below)
    ));
END
$$;
COMMENT ON FUNCTION saas.schedule_payouts(uuid, text, uuid, timestamptz) IS
'Releases reserves whose time has come and makes a payout for each schedule that is due, or for the one that is named, of all that it allows. Returns payouts (to be sent by saas.run_payouts()) and below_minimum (schedules that had too little). For admins and workers. SA081 for a schedule that is none.';
REVOKE ALL ON FUNCTION saas.schedule_payouts(uuid, text, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.schedule_payouts(uuid, text, uuid, timestamptz) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.send_payout(p_payout saas.payouts)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    UPDATE saas.payouts AS p
    SET status = 'pending',
        status_source = 'api',
        states_seen = saas.add_state(p.states_seen, 'pending')
    WHERE p.team_id = p_payout.team_id AND p.id = p_payout.id;
    INSERT INTO saas.provider_requests (team_id, provider, kind, payout_id, request)
    VALUES (
        p_payout.team_id, p_payout.provider, 'create_payout', p_payout.id,
        jsonb_build_object(
            'amount', p_payout.amount, 'currency', p_payout.currency,
            'provider_amount',
            saas.provider_amount(p_payout.provider, p_payout.currency, p_payout.amount, 'payout'),
            'metadata', jsonb_build_object('saas_payout_id', p_payout.id)
        )
    );
END
$$;
COMMENT ON FUNCTION saas.send_payout(saas.payouts) IS
'Asks the provider for a payout; its state, and with it the ledger, follow at once. The caller has locked it.';
REVOKE ALL ON FUNCTION saas.send_payout(saas.payouts) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.send_payout(saas.payouts) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.run_payouts(
    p_team uuid,
    p_idempotency_key text,
    p_now timestamptz DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_result jsonb;
    v_now timestamptz;
    v_payout saas.payouts;
    v_schedule saas.payout_schedules;
    v_reasons text[];
    v_seen uuid[] := '{}'::uuid[];
    v_sent uuid[] := '{}'::uuid[];
    v_replaced uuid[] := '{}'::uuid[];
    v_held jsonb := '{}'::jsonb;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_result := saas.claim_idempotency_key(
        p_team, p_idempotency_key, 'run_payouts', jsonb_build_array(p_now)
    );
    IF v_result IS NOT NULL THEN
        RETURN v_result;
    END IF;
    v_now := saas.moment_of_run(p_now);
    PERFORM saas.lock_team_payouts(p_team);
    -- A verification may have run out since anybody looked.
    PERFORM saas.refresh_verification_hold(p_team);
    LOOP
        SELECT p.* INTO v_payout
        FROM saas.payouts AS p
        WHERE p.team_id = p_team
            AND p.status IN ('scheduled', 'requires_review')
            AND p.scheduled_for <= v_now
            AND p.id <> ALL (v_seen)
        ORDER BY p.scheduled_for, p.id
        LIMIT 1
        FOR UPDATE;
        EXIT WHEN NOT FOUND;
        v_seen := v_seen || v_payout.id;
        SELECT s.* INTO STRICT v_schedule
        FROM saas.payout_schedules AS s
        WHERE s.team_id = p_team AND s.id = v_payout.payout_schedule_id;
        v_reasons := saas.payout_hold_reasons(v_schedule);
        IF v_reasons <> '{}' THEN
            v_held := v_held || jsonb_build_object(v_payout.id, to_jsonb(v_reasons));
            UPDATE saas.payouts AS p
            SET status = 'requires_review',
                states_seen = saas.add_state(p.states_seen, 'requires_review')
            WHERE p.team_id = p_team AND p.id = v_payout.id AND p.status = 'scheduled';
        ELSIF saas.available_for_payout(
            p_team, v_payout.provider, v_payout.currency, make_interval(days => v_schedule.delay_days), v_now
        ) < 0
            OR saas.provider_amount(v_payout.provider, v_payout.currency, v_payout.amount, 'payout') IS NULL
        THEN
            -- More went out since it was scheduled than came in, or the provider no longer takes such an amount:
            -- what is left is a payout of its own.
            v_replaced := v_replaced || v_payout.id;
            UPDATE saas.payouts AS p
            SET status = 'canceled',
                states_seen = saas.add_state(p.states_seen, 'canceled')
            WHERE p.team_id = p_team AND p.id = v_payout.id;
            PERFORM saas.schedule_payout(v_schedule, v_payout.scheduled_for, v_now);
        ELSE
            PERFORM saas.send_payout(v_payout);
            v_sent := v_sent || v_payout.id;
        END IF;
    END LOOP;
    RETURN saas.keep_idempotent_result(p_team, p_idempotency_key, jsonb_build_object(
        'sent', to_jsonb(v_sent), 'held', v_held, 'replaced', to_jsonb(v_replaced)
    ));
END
$$;
COMMENT ON FUNCTION saas.run_payouts(uuid, text, timestamptz) IS
'Sends the team''s payouts that are due, through the outbox: sent. Those that something holds back wait for review: held, with the reasons. Where refunds and disputes took the money meanwhile, or the provider takes no such amount, the payout is canceled and what is left is scheduled anew: replaced. For admins and workers.';
REVOKE ALL ON FUNCTION saas.run_payouts(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.run_payouts(uuid, text, timestamptz) TO saas_app, saas_service;
