-- When money that providers hold will arrive.
CREATE OR REPLACE FUNCTION saas.on_business_day(p_day date)
RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT p_day + CASE extract(isodow FROM p_day)::integer WHEN 6 THEN 2 WHEN 7 THEN 1 ELSE 0 END
$$;
COMMENT ON FUNCTION saas.on_business_day(date) IS 'The day, or the Monday after it when it is a Saturday or Sunday.';
REVOKE ALL ON FUNCTION saas.on_business_day(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.on_business_day(date) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.expected_settlements(
    p_team uuid,
    p_as_of timestamptz,
    p_transfer_days integer
)
RETURNS TABLE (
    settles_on date,
    provider text,
    currency char(3),
    kind text,
    amount numeric,
    is_held boolean
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH unpaid AS (
        -- What belongs to no payout yet, by the day from which it may be paid.
        SELECT
            a.provider, a.currency, s.id AS schedule_id,
            greatest(
                p_as_of,
                CASE
                    WHEN u.amount < 0 OR u.kind IN ('reserve_released', 'payout_remainder') THEN p_as_of
                    ELSE date_trunc('day', e.effective_at, 'UTC')
                        + make_interval(days => COALESCE(s.delay_days, p_transfer_days))
                END
            ) AS available_at,
            sum(u.amount) AS amount
        FROM saas.ledger_accounts AS a
        CROSS JOIN LATERAL saas.unpaid_entries(p_team, a.provider, a.currency, 'infinity') AS u
        JOIN saas.ledger_entries AS e ON e.team_id = p_team AND e.id = u.entry_id
        LEFT JOIN saas.payout_schedules AS s
            ON s.team_id = p_team AND s.provider = a.provider AND s.currency = a.currency
                AND s.is_active AND s.frequency <> 'manual'
        WHERE a.team_id = p_team AND a.kind = 'provider_balance'
        GROUP BY 1, 2, 3, 4
    ), expected AS (
        SELECT
            -- A provider that pays by itself does so when it is available; we, on the next run.
            CASE
                WHEN u.schedule_id IS NULL THEN saas.utc_day(u.available_at)
                ELSE saas.utc_day(saas.next_payout_run(s, u.available_at)) + p_transfer_days
            END AS day,
            u.provider, u.currency, 'balance' AS kind, u.amount
        FROM unpaid AS u
        LEFT JOIN saas.payout_schedules AS s ON s.team_id = p_team AND s.id = u.schedule_id
        UNION ALL
        SELECT
            CASE
                WHEN p.status IN ('scheduled', 'requires_review')
                    THEN saas.utc_day(greatest(p.scheduled_for, p_as_of)) + p_transfer_days
                ELSE COALESCE(p.arrival_date, saas.utc_day(p_as_of) + p_transfer_days)
            END,
            p.provider, p.currency,
            CASE WHEN p.status IN ('scheduled', 'requires_review') THEN 'scheduled' ELSE 'in_transit' END,
            p.amount
        FROM saas.payouts AS p
        WHERE p.team_id = p_team AND p.status IN ('scheduled', 'requires_review', 'pending', 'in_transit')
        UNION ALL
        SELECT saas.utc_day(r.release_at) + p_transfer_days, r.provider, r.currency, 'reserve', r.amount
        FROM saas.payout_reserves AS r
        WHERE r.team_id = p_team AND r.status = 'held'
    )
    SELECT
        saas.on_business_day(greatest(x.day, saas.utc_day(p_as_of))) AS settles_on,
        x.provider, x.currency, x.kind,
        sum(x.amount),
        x.kind <> 'in_transit' AND (
            EXISTS (
                SELECT FROM saas.payout_holds AS h WHERE h.team_id = p_team AND h.released_at IS NULL
            )
            -- What no hold tells: payments on hold, and disputes that the schedule minds.
            OR EXISTS (
                SELECT FROM saas.payout_schedules AS s
                WHERE s.team_id = p_team
                    AND s.provider = x.provider
                    AND s.currency = x.currency
                    AND saas.payout_hold_reasons(s) <> '{}'
            )
        )
    FROM expected AS x
    GROUP BY 1, x.provider, x.currency, x.kind
    ORDER BY 1, x.provider, x.currency, x.kind
$$;
COMMENT ON FUNCTION saas.expected_settlements(uuid, timestamptz, integer) IS
'What saas.settlement_forecast() tells. Checks no caller.';
REVOKE ALL ON FUNCTION saas.expected_settlements(uuid, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expected_settlements(uuid, timestamptz, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.settlement_forecast(
    p_team uuid,
    p_as_of timestamptz DEFAULT now(),
    p_transfer_days integer DEFAULT 2
)
RETURNS TABLE (
    settles_on date,
    provider text,
    currency char(3),
    kind text,
    amount numeric,
    is_held boolean
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team);
    IF p_as_of IS NULL OR NOT isfinite(p_as_of)
        OR p_transfer_days IS NULL OR p_transfer_days < 0 OR p_transfer_days > 365
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a moment and a transfer of 0 to 365 days are needed';
    END IF;
    RETURN QUERY SELECT e.* FROM saas.expected_settlements(p_team, p_as_of, p_transfer_days) AS e;
END
$$;
COMMENT ON FUNCTION saas.settlement_forecast(uuid, timestamptz, integer) IS
'What is to arrive at the bank and when, in minor units: payouts in transit, scheduled ones, balances that are not paid out yet (by the payout schedule, or by the provider p_transfer_days after they came in) and reserves; a transfer takes p_transfer_days, and no money arrives on a weekend. What is held has no certain day. For members, analysts and workers.';
REVOKE ALL ON FUNCTION saas.settlement_forecast(uuid, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.settlement_forecast(uuid, timestamptz, integer) TO saas_app, saas_analyst, saas_service;
