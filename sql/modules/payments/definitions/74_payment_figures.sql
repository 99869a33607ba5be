-- Figures by day, provider and currency: worked out anew for the days that are marked.
CREATE OR REPLACE FUNCTION saas.refunds_by_day(
    p_team uuid,
    p_payment uuid,
    p_refunded bigint,
    p_made_at timestamptz
)
RETURNS TABLE (made_at timestamptz, amount bigint)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH counted AS (
        SELECT
            COALESCE(r.provider_created_at, r.created_at) AS made_at, r.amount,
            sum(r.amount) OVER (
                ORDER BY COALESCE(r.provider_created_at, r.created_at), r.provider_refund_id, r.id
                ROWS UNBOUNDED PRECEDING
            ) AS so_far
        FROM saas.refunds AS r
        WHERE r.team_id = p_team
            AND r.payment_id = p_payment
            AND r.status IN ('pending', 'requires_action', 'succeeded')
    )
    SELECT
        c.made_at,
        (least(c.so_far, p_refunded) - least(c.so_far - c.amount, p_refunded))::bigint
    FROM counted AS c
    UNION ALL
    SELECT
        p_made_at,
        greatest(p_refunded - COALESCE((SELECT max(c.so_far) FROM counted AS c), 0), 0)::bigint
$$;
COMMENT ON FUNCTION saas.refunds_by_day(uuid, uuid, bigint, timestamptz) IS
'The refunded amount of a payment, in parts that sum to it: each refund when it was made (none beyond what is refunded: the rest was released), and what no refund is known of when the payment was made.';
REVOKE ALL ON FUNCTION saas.refunds_by_day(uuid, uuid, bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refunds_by_day(uuid, uuid, bigint, timestamptz)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.payment_figures(p_team uuid, p_days date[])
RETURNS TABLE (
    day date,
    provider text,
    currency char(3),
    attempts bigint,
    succeeded bigint,
    declined bigint,
    voided bigint,
    refunded bigint,
    disputed bigint,
    fraudulent bigint,
    amount_attempted numeric,
    amount_captured numeric,
    amount_refunded numeric,
    amount_disputed numeric,
    amount_fees numeric,
    amount_paid_out numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH days AS (
        SELECT DISTINCT
            d.day,
            d.day::timestamp AT TIME ZONE 'UTC' AS begins,
            (d.day + 1)::timestamp AT TIME ZONE 'UTC' AS ends
        FROM unnest(p_days) AS d (day)
    ), made AS (
        -- Payments on the day they were made, with what has become of them since.
        SELECT
            d.day, p.provider, p.currency,
            count(*) AS attempts,
            count(*) FILTER (WHERE p.status IN ('authorized', 'paid')) AS succeeded,
            count(*) FILTER (WHERE p.status = 'failed') AS declined,
            count(*) FILTER (WHERE p.status = 'voided') AS voided,
            count(*) FILTER (WHERE p.amount_refunded > 0) AS refunded,
            count(*) FILTER (WHERE x.disputed) AS disputed,
            count(*) FILTER (WHERE x.fraudulent OR p.fraud_warned_at IS NOT NULL) AS fraudulent,
            sum(p.amount) AS attempted,
            sum(p.amount_captured) AS captured
        FROM days AS d
        JOIN saas.payments AS p
            ON p.team_id = p_team
                AND COALESCE(p.provider_created_at, p.created_at) >= d.begins
                AND COALESCE(p.provider_created_at, p.created_at) < d.ends
        CROSS JOIN LATERAL (
            -- An inquiry is no dispute yet.
            SELECT
                bool_or(c.status NOT IN (
                    'warning_needs_response', 'warning_under_review', 'warning_closed', 'prevented'
                )) AS disputed,
                bool_or(c.reason ~* 'fraud|unauthorized|unauthorised|not_recognized' AND c.status <> 'won')
                    AS fraudulent
            FROM saas.payment_disputes AS c
            WHERE c.team_id = p_team AND c.payment_id = p.id
        ) AS x
        GROUP BY d.day, p.provider, p.currency
    ), with_refunds AS (
        SELECT d.day, d.begins, d.ends, p.id
        FROM days AS d
        JOIN saas.payments AS p
            ON p.team_id = p_team
                AND COALESCE(p.provider_created_at, p.created_at) >= d.begins
                AND COALESCE(p.provider_created_at, p.created_at) < d.ends
        WHERE p.amount_refunded > 0
        UNION
        SELECT d.day, d.begins, d.ends, r.payment_id
        FROM days AS d
        JOIN saas.refunds AS r
            ON r.team_id = p_team
                AND COALESCE(r.provider_created_at, r.created_at) >= d.begins
                AND COALESCE(r.provider_created_at, r.created_at) < d.ends
    ), moved AS (
        -- Money on the day of what moved it.
        SELECT
            w.day, p.provider, p.currency, f.amount AS refunded, 0::bigint AS disputed, 0::bigint AS fees,
            0::bigint AS paid_out
        FROM with_refunds AS w
        JOIN saas.payments AS p ON p.team_id = p_team AND p.id = w.id
        CROSS JOIN LATERAL saas.refunds_by_day(
            p_team, p.id, p.amount_refunded, COALESCE(p.provider_created_at, p.created_at)
        ) AS f
        WHERE f.made_at >= w.begins AND f.made_at < w.ends AND f.amount > 0
        UNION ALL
        SELECT d.day, c.provider, c.currency, 0, c.amount_withdrawn, c.fee_amount, 0
        FROM days AS d
        JOIN saas.payment_disputes AS c
            ON c.team_id = p_team
                AND COALESCE(c.provider_created_at, c.created_at) >= d.begins
                AND COALESCE(c.provider_created_at, c.created_at) < d.ends
        WHERE c.amount_withdrawn > 0 OR c.fee_amount > 0
        UNION ALL
        SELECT d.day, f.provider, f.currency, 0, 0, f.amount, 0
        FROM days AS d
        JOIN saas.payment_fees AS f
            ON f.team_id = p_team AND f.occurred_at >= d.begins AND f.occurred_at < d.ends
        WHERE f.amount <> 0
        UNION ALL
        SELECT d.day, o.provider, o.currency, 0, 0, 0, o.amount
        FROM days AS d
        JOIN saas.payouts AS o
            ON o.team_id = p_team
                AND COALESCE(o.provider_created_at, o.created_at) >= d.begins
                AND COALESCE(o.provider_created_at, o.created_at) < d.ends
        WHERE o.status IN ('pending', 'in_transit', 'paid')
    ), money AS (
        SELECT
            m.day, m.provider, m.currency, sum(m.refunded) AS refunded, sum(m.disputed) AS disputed,
            sum(m.fees) AS fees, sum(m.paid_out) AS paid_out
        FROM moved AS m
        GROUP BY m.day, m.provider, m.currency
    )
    SELECT
        day, provider, currency,
        COALESCE(n.attempts, 0), COALESCE(n.succeeded, 0), COALESCE(n.declined, 0), COALESCE(n.voided, 0),
        COALESCE(n.refunded, 0), COALESCE(n.disputed, 0), COALESCE(n.fraudulent, 0),
        COALESCE(n.attempted, 0), COALESCE(n.captured, 0), COALESCE(m.refunded, 0),
        COALESCE(m.disputed, 0), COALESCE(m.fees, 0), COALESCE(m.paid_out, 0)
    FROM made AS n
    FULL JOIN money AS m USING (day, provider, currency)
$$;
COMMENT ON FUNCTION saas.payment_figures(uuid, date[]) IS
'The figures of these days, worked out from payments, refunds, disputes, fees and payouts. Under row-level security.';
REVOKE ALL ON FUNCTION saas.payment_figures(uuid, date[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_figures(uuid, date[]) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.payment_days(p_team uuid)
RETURNS SETOF date
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT saas.utc_day(COALESCE(p.provider_created_at, p.created_at))
    FROM saas.payments AS p WHERE p.team_id = p_team
    UNION
    SELECT saas.utc_day(COALESCE(r.provider_created_at, r.created_at))
    FROM saas.refunds AS r WHERE r.team_id = p_team
    UNION
    SELECT saas.utc_day(COALESCE(d.provider_created_at, d.created_at))
    FROM saas.payment_disputes AS d WHERE d.team_id = p_team
    UNION
    SELECT saas.utc_day(f.occurred_at)
    FROM saas.payment_fees AS f WHERE f.team_id = p_team
    UNION
    SELECT saas.utc_day(COALESCE(o.provider_created_at, o.created_at))
    FROM saas.payouts AS o WHERE o.team_id = p_team
$$;
COMMENT ON FUNCTION saas.payment_days(uuid) IS 'The days on which the team has payments, refunds, disputes, fees or payouts. Under row-level security.';
REVOKE ALL ON FUNCTION saas.payment_days(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_days(uuid) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.fill_payment_analytics(p_team uuid, p_most_days integer DEFAULT 366)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_days date[];
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    -- Two that fill at once take turns.
    PERFORM pg_advisory_xact_lock(hashtextextended('saas payment analytics ' || p_team, 0));
    -- What marks a day after this statement began stays marked; what was marked before is seen below.
    WITH due AS (
        SELECT DISTINCT c.day
        FROM saas.payment_analytics_changes AS c
        WHERE c.team_id = p_team
        ORDER BY c.day DESC
        LIMIT p_most_days
    ), marks AS (
        DELETE FROM saas.payment_analytics_changes AS c
        USING due AS d
        WHERE c.team_id = p_team AND c.day = d.day
        RETURNING c.day
    )
    SELECT array_agg(DISTINCT m.day) INTO v_days FROM marks AS m;
    IF v_days IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM saas.payment_analytics AS a WHERE a.team_id = p_team AND a.day = ANY (v_days);
    INSERT INTO saas.payment_analytics (
        team_id, day, provider, currency, attempts, succeeded, declined, voided, refunded, disputed,
        fraudulent, amount_attempted, amount_captured, amount_refunded, amount_disputed, amount_fees,
        amount_paid_out
    )
    SELECT p_team, f.* FROM saas.payment_figures(p_team, v_days) AS f;
    RETURN cardinality(v_days);
END
$$;
COMMENT ON FUNCTION saas.fill_payment_analytics(uuid, integer) IS
'Works the figures of the team''s days that have changed out anew, the latest first; returns how many days. Every change counts once, whenever it comes and whoever else fills. For admins and workers, every few minutes.';
REVOKE ALL ON FUNCTION saas.fill_payment_analytics(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fill_payment_analytics(uuid, integer) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.teams_with_changed_payments()
RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT DISTINCT c.team_id FROM saas.payment_analytics_changes AS c ORDER BY c.team_id
$$;
COMMENT ON FUNCTION saas.teams_with_changed_payments() IS
'The teams whose figures are out of date: for workers, which fill them one by one.';
REVOKE ALL ON FUNCTION saas.teams_with_changed_payments() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.teams_with_changed_payments() TO saas_service;

CREATE OR REPLACE FUNCTION saas.payment_analytics_drift(p_team uuid)
RETURNS TABLE (day date, provider text, currency char(3), filled jsonb, recomputed jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH computed AS (
        SELECT f.day, f.provider, f.currency, to_jsonb(f) - '{day,provider,currency}'::text[] AS figures
        FROM saas.payment_figures(p_team, ARRAY(SELECT saas.payment_days(p_team))) AS f
    ), stored AS (
        SELECT
            a.day, a.provider, a.currency,
            to_jsonb(a) - '{team_id,id,day,provider,currency,filled_at}'::text[] AS figures
        FROM saas.payment_analytics AS a
        WHERE a.team_id = p_team
    )
    SELECT day, provider, currency, s.figures, c.figures
    FROM stored AS s
    FULL JOIN computed AS c USING (day, provider, currency)
    WHERE s.figures IS DISTINCT FROM c.figures
    ORDER BY day, provider, currency
$$;
COMMENT ON FUNCTION saas.payment_analytics_drift(uuid) IS
'Where the filled figures differ from all of them worked out anew: empty after saas.fill_payment_analytics(), or something is wrong. Under row-level security.';
REVOKE ALL ON FUNCTION saas.payment_analytics_drift(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_analytics_drift(uuid)
TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.recompute_payment_analytics(p_team uuid)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    INSERT INTO saas.payment_analytics_changes (team_id, day)
    SELECT p_team, d.day FROM saas.payment_analytics_drift(p_team) AS d;
    RETURN saas.fill_payment_analytics(p_team, 2147483647);
END
$$;
COMMENT ON FUNCTION saas.recompute_payment_analytics(uuid) IS
'Fills all days of the team that differ from what they should be, after a restore for instance; returns how many days. For admins and workers.';
REVOKE ALL ON FUNCTION saas.recompute_payment_analytics(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.recompute_payment_analytics(uuid) TO saas_app, saas_service;
