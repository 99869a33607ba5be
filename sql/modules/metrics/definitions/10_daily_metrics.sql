-- One day in figures, of the platform or of one team. Days are UTC days; amounts are minor units.
CREATE OR REPLACE FUNCTION saas.daily_payment_metrics(p_team uuid, p_from timestamptz, p_to timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH attempts AS (
        SELECT p.currency, p.status, p.amount_captured
        FROM saas.payments AS p
        WHERE COALESCE(p.provider_created_at, p.created_at) >= p_from
            AND COALESCE(p.provider_created_at, p.created_at) < p_to
            AND (p_team IS NULL OR p.team_id = p_team)
    ), returned AS (
        SELECT r.currency, r.amount
        FROM saas.refunds AS r
        WHERE COALESCE(r.provider_created_at, r.created_at) >= p_from
            AND COALESCE(r.provider_created_at, r.created_at) < p_to
            AND (p_team IS NULL OR r.team_id = p_team)
            AND r.status = 'succeeded'
    ), counts AS (
        SELECT
            count(*) FILTER (WHERE a.status = 'paid') AS paid,
            count(*) FILTER (WHERE a.status IN ('paid', 'authorized', 'voided')) AS succeeded,
            count(*) FILTER (WHERE a.status = 'failed') AS failed
        FROM attempts AS a
    ), volume AS (
        SELECT COALESCE(jsonb_object_agg(v.currency, v.amount), '{}') AS by_currency
        FROM (
            SELECT a.currency, sum(a.amount_captured) AS amount
            FROM attempts AS a
            WHERE a.amount_captured > 0
            GROUP BY a.currency
        ) AS v
    ), revenue AS (
        SELECT COALESCE(jsonb_object_agg(v.currency, v.amount), '{}') AS by_currency
        FROM (
            SELECT m.currency, sum(m.amount) AS amount
            FROM (
                SELECT a.currency, a.amount_captured AS amount FROM attempts AS a WHERE a.amount_captured > 0
                UNION ALL
                SELECT r.currency, -r.amount FROM returned AS r
            ) AS m
            GROUP BY m.currency
        ) AS v
    ), refund_volume AS (
        SELECT COALESCE(jsonb_object_agg(v.currency, v.amount), '{}') AS by_currency
        FROM (SELECT r.currency, sum(r.amount) AS amount FROM returned AS r GROUP BY r.currency) AS v
    )
    SELECT jsonb_build_object(
        'payments', c.paid,
        'failed_payments', c.failed,
        'success_rate', round(c.succeeded::numeric / nullif(c.succeeded + c.failed, 0), 4),
        'volume', v.by_currency,
        'refunds', (SELECT count(*) FROM returned),
        'refund_volume', rv.by_currency,
        'revenue', n.by_currency
    )
    FROM counts AS c
    CROSS JOIN volume AS v
    CROSS JOIN refund_volume AS rv
    CROSS JOIN revenue AS n
$$;
COMMENT ON FUNCTION saas.daily_payment_metrics(uuid, timestamptz, timestamptz) IS
'Payments and refunds from p_from up to p_to, of one team or of all when p_team is NULL. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.daily_payment_metrics(uuid, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.daily_metrics(p_team uuid, p_date date)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_from timestamptz := p_date::timestamp AT TIME ZONE 'UTC';
    v_to timestamptz := (p_date + 1)::timestamp AT TIME ZONE 'UTC';
    v_new_users bigint;
    v_active_users bigint;
    v_blocked bigint;
    v_projects bigint;
    v_subscriptions bigint;
BEGIN
    IF p_date IS NULL THEN
        RETURN NULL;
    ELSIF NOT isfinite(p_date) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22008', MESSAGE = 'metrics need a finite date', HINT = 'Name a day, such as 2026-11-20.';
    END IF;
    IF p_team IS NULL THEN
        SELECT count(*) INTO v_new_users
        FROM saas.users AS u
        WHERE u.created_at >= v_from AND u.created_at < v_to;
    ELSE
        SELECT count(*) INTO v_new_users
        FROM saas.team_members AS m
        WHERE m.team_id = p_team AND m.created_at >= v_from AND m.created_at < v_to;
    END IF;
    -- Active is who did something: in the activity log, or as the actor of an audited change.
    SELECT count(*) INTO v_active_users
    FROM (
        SELECT a.user_id
        FROM saas.activity_logs AS a
        WHERE a.created_at >= v_from AND a.created_at < v_to
            AND a.user_id IS NOT NULL
            AND (p_team IS NULL OR a.team_id = p_team)
        UNION
        SELECT l.actor_id
        FROM saas.audit_logs AS l
        WHERE l.created_at >= v_from AND l.created_at < v_to
            AND l.actor_id IS NOT NULL
            AND (p_team IS NULL OR l.team_id = p_team)
    ) AS active;
    -- An assessment counts while no later one has taken its place, so that late and repeated
    -- deliveries do not change the figure.
    SELECT count(*) INTO v_blocked
    FROM saas.fraud_assessments AS f
    WHERE f.assessed_at >= v_from AND f.assessed_at < v_to
        AND f.decision = 'block'
        AND (p_team IS NULL OR f.team_id = p_team)
        AND NOT EXISTS (
            SELECT
            FROM saas.fraud_assessments AS later
            WHERE later.team_id = f.team_id
                AND later.payment_intent_id = f.payment_intent_id
                AND later.id > f.id
        );
    SELECT count(*) INTO v_projects
    FROM saas.product_events AS e
    WHERE e.created_at >= v_from AND e.created_at < v_to
        AND e.name = 'project.generated'
        AND (p_team IS NULL OR e.team_id = p_team);
    SELECT count(*) INTO v_subscriptions
    FROM saas.subscriptions AS s
    WHERE s.started_at >= v_from AND s.started_at < v_to
        AND (p_team IS NULL OR s.team_id = p_team);
    RETURN jsonb_build_object(
        'date', p_date,
        'new_users', v_new_users,
        'active_users', v_active_users,
        'blocked_payments', v_blocked,
        'projects_generated', v_projects,
        'new_subscriptions', v_subscriptions
    ) || saas.daily_payment_metrics(p_team, v_from, v_to);
END
$$;
COMMENT ON FUNCTION saas.daily_metrics(uuid, date) IS
'The figures of one UTC day, of one team or of all when p_team is NULL. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.daily_metrics(uuid, date) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.calculate_daily_metrics(p_date date DEFAULT (now() AT TIME ZONE 'UTC')::date)
RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RETURN saas.daily_metrics(NULL, p_date);
END
$$;
COMMENT ON FUNCTION saas.calculate_daily_metrics(date) IS
'The platform''s figures of one UTC day over all teams: new_users, active_users, payments, failed_payments, success_rate (0 to 1; null without attempts), volume and refund_volume (minor units by currency), refunds, revenue (volume less refund_volume), blocked_payments, projects_generated, new_subscriptions.';
REVOKE ALL ON FUNCTION saas.calculate_daily_metrics(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.calculate_daily_metrics(date) TO saas_service;

CREATE OR REPLACE FUNCTION saas.team_daily_metrics(p_team uuid, p_date date)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    RETURN saas.daily_metrics(p_team, p_date);
END
$$;
COMMENT ON FUNCTION saas.team_daily_metrics(uuid, date) IS
'The same figures for one team, for its members; new_users are those who joined the team.';
REVOKE ALL ON FUNCTION saas.team_daily_metrics(uuid, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.team_daily_metrics(uuid, date) TO saas_app, saas_analyst, saas_service;
