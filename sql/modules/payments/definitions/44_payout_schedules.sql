-- When payouts run.
CREATE OR REPLACE FUNCTION saas.next_payout_run(p_schedule saas.payout_schedules, p_after timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_day date;
    v_run timestamptz;
BEGIN
    IF p_schedule.frequency = 'manual' OR p_after IS NULL THEN
        RETURN NULL;
    END IF;
    IF NOT isfinite(p_after) THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a moment that is not finite has no next run';
    END IF;
    -- Days are counted from the calendar, never from the run before, so that a clamped day does not stay.
    v_day := (p_after AT TIME ZONE p_schedule.time_zone)::date;
    SELECT min(d.run) INTO v_run
    FROM (
        SELECT (c.day + p_schedule.run_at) AT TIME ZONE p_schedule.time_zone AS run
        FROM (
            SELECT v_day + n AS day
            FROM generate_series(-1, 8) AS n
            WHERE p_schedule.frequency = 'daily'
                OR (p_schedule.frequency = 'weekly' AND extract(isodow FROM v_day + n) = p_schedule.weekday)
            UNION ALL
            SELECT (m.first + LEAST(
                p_schedule.month_day - 1,
                extract(day FROM m.first + interval '1 month' - interval '1 day')::integer - 1
            ))
            FROM (
                SELECT (date_trunc('month', v_day::timestamp) + n * interval '1 month')::date AS first
                FROM generate_series(-1, 2) AS n
            ) AS m
            WHERE p_schedule.frequency = 'monthly'
        ) AS c
    ) AS d
    WHERE d.run > p_after;
    RETURN v_run;
END
$$;
COMMENT ON FUNCTION saas.next_payout_run(saas.payout_schedules, timestamptz) IS
'When the schedule runs next after a moment, by its days, time of day and time zone alone: a pure function. A day that the month does not have is its last one; a time of day that the change to summer time skips is as much later. NULL for a manual schedule.';
REVOKE ALL ON FUNCTION saas.next_payout_run(saas.payout_schedules, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.next_payout_run(saas.payout_schedules, timestamptz)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.set_payout_schedule(
    p_team uuid,
    p_provider text,
    p_currency text,
    p_frequency text,
    p_weekday integer DEFAULT NULL,
    p_month_day integer DEFAULT NULL,
    p_run_at time DEFAULT '00:00',
    p_time_zone text DEFAULT 'UTC',
    p_delay_days integer DEFAULT 2,
    p_minimum_amount bigint DEFAULT 1,
    p_reserve_percent numeric DEFAULT 0,
    p_reserve_days integer DEFAULT 90,
    p_hold_on_disputes boolean DEFAULT false,
    p_is_active boolean DEFAULT true
)
RETURNS saas.payout_schedules
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.payout_schedules;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF NOT EXISTS (
        SELECT FROM saas.payment_providers AS p WHERE p.team_id = p_team AND p.provider = p_provider
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA081',
            MESSAGE = 'the team has no such provider',
            HINT = 'Set one up with saas.configure_payment_provider().';
    END IF;
    -- An unknown time zone is refused here, by the server.
    PERFORM now() AT TIME ZONE p_time_zone;
    PERFORM saas.lock_team_payouts(p_team);
    v_row.currency := (saas.provider_currency(p_provider, p_currency)).code;
    UPDATE saas.payout_schedules AS s
    SET frequency = p_frequency,
        weekday = p_weekday,
        month_day = p_month_day,
        run_at = p_run_at,
        time_zone = p_time_zone,
        delay_days = p_delay_days,
        minimum_amount = p_minimum_amount,
        reserve_percent = p_reserve_percent,
        reserve_days = p_reserve_days,
        hold_on_disputes = p_hold_on_disputes,
        is_active = p_is_active,
        next_run_at = NULL
    WHERE s.team_id = p_team AND s.provider = p_provider AND s.currency = v_row.currency;
    IF NOT FOUND THEN
        INSERT INTO saas.payout_schedules (
            team_id, provider, currency, frequency, weekday, month_day, run_at, time_zone, delay_days,
            minimum_amount, reserve_percent, reserve_days, hold_on_disputes, is_active
        )
        VALUES (
            p_team, p_provider, v_row.currency, p_frequency, p_weekday, p_month_day, p_run_at, p_time_zone,
            p_delay_days, p_minimum_amount, p_reserve_percent, p_reserve_days, p_hold_on_disputes, p_is_active
        );
    END IF;
    UPDATE saas.payout_schedules AS s
    SET next_run_at = saas.next_payout_run(s, now())
    WHERE s.team_id = p_team AND s.provider = p_provider AND s.currency = v_row.currency
    RETURNING s.* INTO v_row;
    RETURN v_row;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'schedule of payouts', SQLSTATE, v_constraint, v_column,
            'A weekly one has a weekday from 1 to 7, a monthly one a month_day from 1 to 31; delays are 0 to 365 days, reserves 0 to 100 % for 1 to 730 days, the least amount is 1 or more.'
        );
END
$$;
COMMENT ON FUNCTION saas.set_payout_schedule(uuid, text, text, text, integer, integer, time, text, integer, bigint, numeric, integer, boolean, boolean) IS
'Sets when the team''s balance with a provider in a currency is paid out: daily, weekly (p_weekday, 1 Monday to 7), monthly (p_month_day) or manual; what is kept back for so many days, what is too little, and how much is kept as a reserve for so long. Returns the schedule. For admins and workers.';
REVOKE ALL ON FUNCTION saas.set_payout_schedule(uuid, text, text, text, integer, integer, time, text, integer, bigint, numeric, integer, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_payout_schedule(uuid, text, text, text, integer, integer, time, text, integer, bigint, numeric, integer, boolean, boolean)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.teams_with_due_payouts(p_now timestamptz DEFAULT now())
RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT s.team_id
    FROM saas.payout_schedules AS s
    WHERE s.is_active AND s.next_run_at <= p_now
    UNION
    SELECT p.team_id
    FROM saas.payouts AS p
    WHERE p.status IN ('scheduled', 'requires_review') AND p.scheduled_for <= p_now
    UNION
    SELECT r.team_id
    FROM saas.payout_reserves AS r
    WHERE r.status = 'held' AND r.release_at <= p_now
$$;
COMMENT ON FUNCTION saas.teams_with_due_payouts(timestamptz) IS
'Teams for which a worker calls saas.schedule_payouts() and saas.run_payouts() now.';
REVOKE ALL ON FUNCTION saas.teams_with_due_payouts(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.teams_with_due_payouts(timestamptz) TO saas_service;
