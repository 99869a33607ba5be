-- The policy by which a team counts revenue.
CREATE OR REPLACE TRIGGER revenue_policies_30_updated_at
BEFORE UPDATE ON saas.revenue_policies
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

CREATE OR REPLACE FUNCTION saas.set_revenue_policy(
    p_team uuid,
    p_preset text DEFAULT 'stripe',
    p_overrides jsonb DEFAULT '{}',
    p_time_zone text DEFAULT 'UTC'
)
RETURNS saas.revenue_policies
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_policy saas.revenue_policies;
    v_unknown text;
    v_known text[] := ARRAY[
        'count_trialing', 'count_past_due', 'count_unpaid', 'count_paused', 'count_metered', 'discounts',
        'include_tax', 'churn_at', 'churn_base', 'netting', 'days_per_year', 'weeks_per_year', 'margin_basis_points'
    ];
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF jsonb_typeof(p_overrides) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'p_overrides is a JSON object';
    END IF;
    SELECT k.name INTO v_unknown
    FROM jsonb_object_keys(p_overrides) AS k (name)
    WHERE k.name <> ALL (v_known)
    LIMIT 1;
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = format('a revenue policy has no "%s"', left(v_unknown, 64)),
            HINT = 'It has ' || array_to_string(v_known, ', ') || '.';
    ELSIF NOT EXISTS (SELECT FROM saas.revenue_presets AS d WHERE d.preset = p_preset) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = format('there is no preset "%s" of revenue', left(p_preset, 64)),
            HINT = 'Presets are stripe, chartmogul and lago.';
    END IF;
    -- Raises 22023 for a time zone that the server does not know.
    PERFORM now() AT TIME ZONE p_time_zone;
    v_policy := jsonb_populate_record(NULL::saas.revenue_policies, p_overrides);
    INSERT INTO saas.revenue_policies AS p (
        team_id, preset, time_zone, count_trialing, count_past_due, count_unpaid, count_paused, count_metered,
        discounts, include_tax, churn_at, churn_base, netting, days_per_year, weeks_per_year, margin_basis_points
    )
    VALUES (
        p_team, p_preset, p_time_zone, v_policy.count_trialing, v_policy.count_past_due, v_policy.count_unpaid,
        v_policy.count_paused, v_policy.count_metered, v_policy.discounts, v_policy.include_tax, v_policy.churn_at,
        v_policy.churn_base, v_policy.netting, v_policy.days_per_year, v_policy.weeks_per_year,
        v_policy.margin_basis_points
    )
    ON CONFLICT (team_id) DO UPDATE
    SET preset = excluded.preset,
        time_zone = excluded.time_zone,
        count_trialing = excluded.count_trialing,
        count_past_due = excluded.count_past_due,
        count_unpaid = excluded.count_unpaid,
        count_paused = excluded.count_paused,
        count_metered = excluded.count_metered,
        discounts = excluded.discounts,
        include_tax = excluded.include_tax,
        churn_at = excluded.churn_at,
        churn_base = excluded.churn_base,
        netting = excluded.netting,
        days_per_year = excluded.days_per_year,
        weeks_per_year = excluded.weeks_per_year,
        margin_basis_points = excluded.margin_basis_points
    RETURNING p.* INTO v_policy;
    RETURN v_policy;
END
$$;
COMMENT ON FUNCTION saas.set_revenue_policy(uuid, text, jsonb, text) IS
'How the team counts revenue from now on, for all months: a preset, a JSON object of what differs from it, and the time zone of months. Needs admin. 22023 for what a policy does not have.';
REVOKE ALL ON FUNCTION saas.set_revenue_policy(uuid, text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_revenue_policy(uuid, text, jsonb, text) TO saas_app, saas_service;
