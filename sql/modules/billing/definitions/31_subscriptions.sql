-- Subscribing, changing, ending.
CREATE OR REPLACE FUNCTION saas.billing_period_end(p_start timestamptz, p_interval text, p_count integer)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- In UTC, so that the end does not depend on the time zone of whoever subscribes.
    SELECT (p_start AT TIME ZONE 'UTC' + p_count * ('1 ' || p_interval)::interval) AT TIME ZONE 'UTC'
$$;
COMMENT ON FUNCTION saas.billing_period_end(timestamptz, text, integer) IS
'When a billing period of so many days, weeks, months or years ends, counted in UTC.';
REVOKE ALL ON FUNCTION saas.billing_period_end(timestamptz, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.billing_period_end(timestamptz, text, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.subscribe(
    p_team uuid,
    p_customer uuid,
    p_plan uuid,
    p_quantity bigint DEFAULT 1,
    p_at timestamptz DEFAULT now(),
    p_trial_days integer DEFAULT NULL,
    p_discount_basis_points integer DEFAULT 0,
    p_discount_amount bigint DEFAULT 0,
    p_discount_ends_at timestamptz DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_plan saas.subscription_plans;
    v_trial integer;
    v_period_ends timestamptz;
    v_id uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    SELECT p.* INTO v_plan
    FROM saas.subscription_plans AS p
    WHERE p.team_id = p_team AND p.id = p_plan AND p.is_active;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '23503',
            MESSAGE = 'there is no such plan to subscribe to',
            HINT = 'Name an active plan of the team: saas.subscription_plans.';
    END IF;
    v_trial := COALESCE(p_trial_days, v_plan.trial_days);
    IF v_trial NOT BETWEEN 0 AND 730 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a trial takes 0 to 730 days';
    END IF;
    v_period_ends := CASE
        WHEN v_trial > 0 THEN saas.billing_period_end(p_at, 'day', v_trial)
        ELSE saas.billing_period_end(p_at, v_plan.billing_interval, v_plan.interval_count)
    END;
    INSERT INTO saas.subscriptions AS s (
        team_id, customer_id, plan_id, status, billing_interval, interval_count, quantity, unit_amount,
        currency, usage_type, discount_basis_points, discount_amount, discount_ends_at, tax_basis_points,
        tax_inclusive, started_at, trial_ends_at, current_period_start, current_period_end,
        monthly_generation_limit, storage_limit_gb, team_member_limit, effective_at
    )
    VALUES (
        p_team, p_customer, p_plan, CASE WHEN v_trial > 0 THEN 'trialing' ELSE 'active' END,
        v_plan.billing_interval, v_plan.interval_count, p_quantity, v_plan.unit_amount, v_plan.currency,
        v_plan.usage_type, p_discount_basis_points, p_discount_amount, p_discount_ends_at,
        v_plan.tax_basis_points, v_plan.tax_inclusive, p_at, CASE WHEN v_trial > 0 THEN v_period_ends END, p_at,
        v_period_ends, v_plan.monthly_generation_limit, v_plan.storage_limit_gb, v_plan.team_member_limit, p_at
    )
    RETURNING s.id INTO v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.subscribe(uuid, uuid, uuid, bigint, timestamptz, integer, integer, bigint, timestamptz) IS
'A customer subscribes to a plan from p_at on, on the plan''s terms of now. p_trial_days NULL: the plan''s trial. The discount takes the percentage first, then the amount, until p_discount_ends_at, or without end. Needs admin. Returns the subscription''s id.';
REVOKE ALL ON FUNCTION
    saas.subscribe(uuid, uuid, uuid, bigint, timestamptz, integer, integer, bigint, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    saas.subscribe(uuid, uuid, uuid, bigint, timestamptz, integer, integer, bigint, timestamptz)
    TO saas_app, saas_service;

-- The lock of the row makes changes of one subscription wait for each other.
CREATE OR REPLACE FUNCTION saas.lock_subscription(p_team uuid, p_subscription uuid)
RETURNS saas.subscriptions
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_subscription saas.subscriptions;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    SELECT s.* INTO v_subscription
    FROM saas.subscriptions AS s
    WHERE s.team_id = p_team AND s.id = p_subscription
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '23503', MESSAGE = 'the team has no such subscription';
    END IF;
    RETURN v_subscription;
END
$$;
COMMENT ON FUNCTION saas.lock_subscription(uuid, uuid) IS
'The subscription, locked until the transaction ends; 42501 without role admin, 23503 when there is none. For the functions below.';
REVOKE ALL ON FUNCTION saas.lock_subscription(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.change_subscription(
    p_team uuid,
    p_subscription uuid,
    p_plan uuid DEFAULT NULL,
    p_quantity bigint DEFAULT NULL,
    p_unit_amount bigint DEFAULT NULL,
    p_discount_basis_points integer DEFAULT NULL,
    p_discount_amount bigint DEFAULT NULL,
    p_discount_ends_at timestamptz DEFAULT NULL,
    p_at timestamptz DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_old saas.subscriptions := saas.lock_subscription(p_team, p_subscription);
    -- Whoever had to wait for another change comes after it.
    v_at timestamptz := COALESCE(p_at, greatest(v_old.effective_at, now()));
    v_plan saas.subscription_plans;
    v_revision integer;
    v_new_discount boolean := COALESCE(p_discount_basis_points::bigint, p_discount_amount) IS NOT NULL;
BEGIN
    SELECT p.* INTO v_plan
    FROM saas.subscription_plans AS p
    WHERE p.team_id = p_team AND p.id = p_plan;
    IF p_plan IS NOT NULL AND v_plan.currency IS DISTINCT FROM v_old.currency THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the subscription cannot change to this plan',
            DETAIL = 'There is no such plan, or its currency is another one.',
            HINT = 'To change the currency, cancel the subscription and subscribe again.';
    ELSIF p_plan <> v_old.plan_id AND NOT v_plan.is_active THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the plan can no longer be subscribed',
            HINT = 'Name an active plan of the team: saas.subscription_plans.';
    ELSIF p_discount_ends_at IS NOT NULL AND NOT v_new_discount THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the end of a discount comes with the discount',
            HINT = 'A discount is replaced whole: name its percentage or amount as well.';
    END IF;
    UPDATE saas.subscriptions AS s
    SET plan_id = COALESCE(v_plan.id, s.plan_id),
        billing_interval = COALESCE(v_plan.billing_interval, s.billing_interval),
        interval_count = COALESCE(v_plan.interval_count, s.interval_count),
        usage_type = COALESCE(v_plan.usage_type, s.usage_type),
        tax_basis_points = COALESCE(v_plan.tax_basis_points, s.tax_basis_points),
        tax_inclusive = COALESCE(v_plan.tax_inclusive, s.tax_inclusive),
        unit_amount = COALESCE(p_unit_amount, v_plan.unit_amount, s.unit_amount),
        quantity = COALESCE(p_quantity, s.quantity),
        monthly_generation_limit
            = CASE WHEN v_plan.id IS NULL THEN s.monthly_generation_limit ELSE v_plan.monthly_generation_limit END,
        storage_limit_gb
            = CASE WHEN v_plan.id IS NULL THEN s.storage_limit_gb ELSE v_plan.storage_limit_gb END,
        team_member_limit
            = CASE WHEN v_plan.id IS NULL THEN s.team_member_limit ELSE v_plan.team_member_limit END,
        discount_basis_points = CASE
            WHEN v_new_discount THEN COALESCE(p_discount_basis_points, 0) ELSE s.discount_basis_points
        END,
        discount_amount = CASE WHEN v_new_discount THEN COALESCE(p_discount_amount, 0) ELSE s.discount_amount END,
        discount_ends_at = CASE WHEN v_new_discount THEN p_discount_ends_at ELSE s.discount_ends_at END,
        effective_at = v_at,
        revision = s.revision + 1
    WHERE s.team_id = p_team AND s.id = p_subscription
    RETURNING s.revision INTO v_revision;
    RETURN v_revision;
END
$$;
COMMENT ON FUNCTION
    saas.change_subscription(uuid, uuid, uuid, bigint, bigint, integer, bigint, timestamptz, timestamptz) IS
'Changes plan, quantity, price or discount from p_at (NULL: now) on; NULL leaves a term as it is, and a discount is replaced whole. Needs admin. Returns the number of the revision.';
REVOKE ALL ON FUNCTION
    saas.change_subscription(uuid, uuid, uuid, bigint, bigint, integer, bigint, timestamptz, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    saas.change_subscription(uuid, uuid, uuid, bigint, bigint, integer, bigint, timestamptz, timestamptz)
    TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.set_subscription_status(
    p_team uuid,
    p_subscription uuid,
    p_status text,
    p_at timestamptz DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_old saas.subscriptions := saas.lock_subscription(p_team, p_subscription);
    -- Whoever had to wait for another change comes after it.
    v_at timestamptz := COALESCE(p_at, greatest(v_old.effective_at, now()));
    v_ends boolean := COALESCE(p_status IN ('canceled', 'expired', 'incomplete_expired'), false);
    -- The first paid period begins where the trial ends.
    v_converts boolean := COALESCE(p_status IN ('active', 'past_due') AND v_old.status = 'trialing', false);
    v_revision integer;
BEGIN
    UPDATE saas.subscriptions AS s
    SET status = p_status,
        canceled_at = CASE WHEN p_status = 'canceled' THEN COALESCE(v_old.canceled_at, v_at) ELSE v_old.canceled_at END,
        ended_at = CASE WHEN v_ends THEN v_at END,
        current_period_start = CASE WHEN v_converts THEN v_at ELSE s.current_period_start END,
        current_period_end = CASE
            WHEN v_converts THEN saas.billing_period_end(v_at, s.billing_interval, s.interval_count)
            ELSE s.current_period_end
        END,
        effective_at = v_at,
        revision = s.revision + 1
    WHERE s.team_id = p_team AND s.id = p_subscription
    RETURNING s.revision INTO v_revision;
    RETURN v_revision;
END
$$;
COMMENT ON FUNCTION saas.set_subscription_status(uuid, uuid, text, timestamptz) IS
'Takes a subscription to another state from p_at (NULL: now) on, along state machine subscription: activate, miss a payment, give up, pause, resume, cancel at once. Needs admin. Returns the number of the revision.';
REVOKE ALL ON FUNCTION saas.set_subscription_status(uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_subscription_status(uuid, uuid, text, timestamptz)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.cancel_at_period_end(
    p_team uuid,
    p_subscription uuid,
    p_cancel boolean DEFAULT true,
    p_at timestamptz DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_old saas.subscriptions := saas.lock_subscription(p_team, p_subscription);
    -- Whoever had to wait for another change comes after it.
    v_at timestamptz := COALESCE(p_at, greatest(v_old.effective_at, now()));
    v_revision integer;
BEGIN
    UPDATE saas.subscriptions AS s
    SET cancel_at_period_end = p_cancel,
        canceled_at = CASE WHEN p_cancel THEN COALESCE(v_old.canceled_at, v_at) END,
        effective_at = v_at,
        revision = s.revision + 1
    WHERE s.team_id = p_team AND s.id = p_subscription
    RETURNING s.revision INTO v_revision;
    RETURN v_revision;
END
$$;
COMMENT ON FUNCTION saas.cancel_at_period_end(uuid, uuid, boolean, timestamptz) IS
'Marks the subscription to end with its billing period, or takes that back. Needs admin. Returns the number of the revision.';
REVOKE ALL ON FUNCTION saas.cancel_at_period_end(uuid, uuid, boolean, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.cancel_at_period_end(uuid, uuid, boolean, timestamptz)
TO saas_app, saas_service;
