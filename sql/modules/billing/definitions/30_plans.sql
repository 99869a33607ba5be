-- Plans.
CREATE OR REPLACE FUNCTION saas.save_subscription_plan(
    p_team uuid,
    p_code text,
    p_name text,
    p_unit_amount bigint,
    p_currency text,
    p_billing_interval text DEFAULT 'month',
    p_interval_count integer DEFAULT 1,
    p_usage_type text DEFAULT 'licensed',
    p_tax_basis_points integer DEFAULT 0,
    p_tax_inclusive boolean DEFAULT false,
    p_trial_days integer DEFAULT 0,
    p_features jsonb DEFAULT '[]',
    p_limits jsonb DEFAULT '{}',
    p_description text DEFAULT NULL,
    p_is_active boolean DEFAULT true
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
    v_generations bigint := (p_limits ->> 'monthly_generation_limit')::bigint;
    v_storage bigint := (p_limits ->> 'storage_limit_gb')::bigint;
    v_members bigint := (p_limits ->> 'team_member_limit')::bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    INSERT INTO saas.subscription_plans AS p (
        team_id, code, name, description, billing_interval, interval_count, unit_amount, currency, usage_type,
        tax_basis_points, tax_inclusive, trial_days, features, monthly_generation_limit, storage_limit_gb,
        team_member_limit, is_active
    )
    VALUES (
        p_team, p_code, p_name, p_description, p_billing_interval, p_interval_count, p_unit_amount,
        upper(p_currency), p_usage_type, p_tax_basis_points, p_tax_inclusive, p_trial_days, p_features,
        v_generations, v_storage, v_members, p_is_active
    )
    ON CONFLICT (team_id, code) DO UPDATE
    SET name = excluded.name,
        description = excluded.description,
        billing_interval = excluded.billing_interval,
        interval_count = excluded.interval_count,
        unit_amount = excluded.unit_amount,
        currency = excluded.currency,
        usage_type = excluded.usage_type,
        tax_basis_points = excluded.tax_basis_points,
        tax_inclusive = excluded.tax_inclusive,
        trial_days = excluded.trial_days,
        features = excluded.features,
        monthly_generation_limit = excluded.monthly_generation_limit,
        storage_limit_gb = excluded.storage_limit_gb,
        team_member_limit = excluded.team_member_limit,
        is_active = excluded.is_active
    RETURNING p.id INTO v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.save_subscription_plan(
    uuid, text, text, bigint, text, text, integer, text, integer, boolean, integer, jsonb, jsonb, text, boolean
) IS
'Makes the plan of this code, or replaces what it says; subscriptions keep their terms. p_limits is an object with monthly_generation_limit, storage_limit_gb, team_member_limit. Needs admin. Returns its id.';
REVOKE ALL ON FUNCTION saas.save_subscription_plan(
    uuid, text, text, bigint, text, text, integer, text, integer, boolean, integer, jsonb, jsonb, text, boolean
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.save_subscription_plan(
    uuid, text, text, bigint, text, text, integer, text, integer, boolean, integer, jsonb, jsonb, text, boolean
) TO saas_app, saas_service;
