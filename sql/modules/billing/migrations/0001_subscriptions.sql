-- What a team sells by subscription, who subscribed on which terms, and every change of those terms.

CREATE TABLE saas.subscription_plans (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    code text NOT NULL,
    name text NOT NULL,
    description text,
    billing_interval text NOT NULL,
    interval_count integer NOT NULL DEFAULT 1,
    unit_amount bigint NOT NULL,
    currency char(3) NOT NULL,
    usage_type text NOT NULL DEFAULT 'licensed',
    tax_basis_points integer NOT NULL DEFAULT 0,
    tax_inclusive boolean NOT NULL DEFAULT false,
    trial_days integer NOT NULL DEFAULT 0,
    features jsonb NOT NULL DEFAULT '[]',
    monthly_generation_limit bigint,
    storage_limit_gb bigint,
    team_member_limit bigint,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscription_plans_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT subscription_plans_team_id_code_key UNIQUE (team_id, code),
    CONSTRAINT subscription_plans_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT subscription_plans_currency_fkey FOREIGN KEY (currency) REFERENCES saas.currencies (code),
    CONSTRAINT subscription_plans_code_check CHECK (code ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT subscription_plans_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT subscription_plans_description_check CHECK (length(description) <= 2000),
    CONSTRAINT subscription_plans_billing_interval_check CHECK (
        billing_interval IN ('day', 'week', 'month', 'year')
    ),
    CONSTRAINT subscription_plans_interval_count_check CHECK (interval_count BETWEEN 1 AND 365),
    CONSTRAINT subscription_plans_unit_amount_check CHECK (unit_amount BETWEEN 0 AND 1000000000000),
    CONSTRAINT subscription_plans_usage_type_check CHECK (usage_type IN ('licensed', 'metered')),
    CONSTRAINT subscription_plans_tax_basis_points_check CHECK (tax_basis_points BETWEEN 0 AND 10000),
    CONSTRAINT subscription_plans_trial_days_check CHECK (trial_days BETWEEN 0 AND 730),
    CONSTRAINT subscription_plans_features_check CHECK (jsonb_typeof(features) = 'array'),
    CONSTRAINT subscription_plans_monthly_generation_limit_check CHECK (monthly_generation_limit >= 0),
    CONSTRAINT subscription_plans_storage_limit_gb_check CHECK (storage_limit_gb >= 0),
    CONSTRAINT subscription_plans_team_member_limit_check CHECK (team_member_limit >= 0)
);
CREATE INDEX subscription_plans_currency_idx ON saas.subscription_plans (currency);

CREATE TABLE saas.subscriptions (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    customer_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    status text NOT NULL,
    billing_interval text NOT NULL,
    interval_count integer NOT NULL DEFAULT 1,
    quantity bigint NOT NULL DEFAULT 1,
    unit_amount bigint NOT NULL,
    currency char(3) NOT NULL,
    usage_type text NOT NULL DEFAULT 'licensed',
    discount_basis_points integer NOT NULL DEFAULT 0,
    discount_amount bigint NOT NULL DEFAULT 0,
    discount_ends_at timestamptz,
    tax_basis_points integer NOT NULL DEFAULT 0,
    tax_inclusive boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT now(),
    trial_ends_at timestamptz,
    current_period_start timestamptz NOT NULL DEFAULT now(),
    current_period_end timestamptz NOT NULL,
    cancel_at_period_end boolean NOT NULL DEFAULT false,
    canceled_at timestamptz,
    ended_at timestamptz,
    monthly_generation_limit bigint,
    storage_limit_gb bigint,
    team_member_limit bigint,
    effective_at timestamptz NOT NULL DEFAULT now(),
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT subscriptions_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT subscriptions_team_id_plan_id_fkey
        FOREIGN KEY (team_id, plan_id) REFERENCES saas.subscription_plans (team_id, id),
    CONSTRAINT subscriptions_currency_fkey FOREIGN KEY (currency) REFERENCES saas.currencies (code),
    CONSTRAINT subscriptions_status_check CHECK (
        status IN (
            'pending', 'incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid',
            'paused', 'canceled', 'expired'
        )
    ),
    CONSTRAINT subscriptions_billing_interval_check CHECK (
        billing_interval IN ('day', 'week', 'month', 'year')
    ),
    CONSTRAINT subscriptions_interval_count_check CHECK (interval_count BETWEEN 1 AND 365),
    CONSTRAINT subscriptions_quantity_check CHECK (quantity BETWEEN 0 AND 1000000000),
    CONSTRAINT subscriptions_unit_amount_check CHECK (unit_amount BETWEEN 0 AND 1000000000000),
    -- So that no sum of a team's subscriptions leaves the range of bigint.
    CONSTRAINT subscriptions_amount_check CHECK (unit_amount::numeric * quantity <= 1000000000000),
    CONSTRAINT subscriptions_usage_type_check CHECK (usage_type IN ('licensed', 'metered')),
    CONSTRAINT subscriptions_discount_basis_points_check CHECK (
        discount_basis_points BETWEEN 0 AND 10000
    ),
    CONSTRAINT subscriptions_discount_amount_check CHECK (
        discount_amount BETWEEN 0 AND 1000000000000
    ),
    CONSTRAINT subscriptions_discount_ends_at_check CHECK (isfinite(discount_ends_at)),
    CONSTRAINT subscriptions_tax_basis_points_check CHECK (tax_basis_points BETWEEN 0 AND 10000),
    CONSTRAINT subscriptions_current_period_end_check CHECK (
        current_period_end > current_period_start AND isfinite(current_period_end)
    ),
    CONSTRAINT subscriptions_effective_at_check CHECK (isfinite(effective_at)),
    CONSTRAINT subscriptions_ended_at_check CHECK (
        (ended_at IS NOT NULL) = (status IN ('canceled', 'expired', 'incomplete_expired'))
    ),
    CONSTRAINT subscriptions_revision_check CHECK (revision >= 1),
    CONSTRAINT subscriptions_monthly_generation_limit_check CHECK (monthly_generation_limit >= 0),
    CONSTRAINT subscriptions_storage_limit_gb_check CHECK (storage_limit_gb >= 0),
    CONSTRAINT subscriptions_team_member_limit_check CHECK (team_member_limit >= 0)
);
CREATE INDEX subscriptions_team_id_plan_id_idx ON saas.subscriptions (team_id, plan_id);
CREATE INDEX subscriptions_team_id_customer_id_idx ON saas.subscriptions (team_id, customer_id);
CREATE INDEX subscriptions_currency_idx ON saas.subscriptions (currency);

-- The terms from each change on; the latest revision is what saas.subscriptions holds.
CREATE TABLE saas.subscription_changes (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    subscription_id uuid NOT NULL,
    revision integer NOT NULL,
    effective_at timestamptz NOT NULL,
    customer_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    status text NOT NULL,
    billing_interval text NOT NULL,
    interval_count integer NOT NULL,
    quantity bigint NOT NULL,
    unit_amount bigint NOT NULL,
    currency char(3) NOT NULL,
    usage_type text NOT NULL,
    discount_basis_points integer NOT NULL,
    discount_amount bigint NOT NULL,
    discount_ends_at timestamptz,
    tax_basis_points integer NOT NULL,
    tax_inclusive boolean NOT NULL,
    current_period_end timestamptz NOT NULL,
    cancel_at_period_end boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscription_changes_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT subscription_changes_team_id_subscription_id_revision_key
        UNIQUE (team_id, subscription_id, revision),
    CONSTRAINT subscription_changes_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT subscription_changes_team_id_subscription_id_fkey
        FOREIGN KEY (team_id, subscription_id) REFERENCES saas.subscriptions (team_id, id)
);

-- Row-level security of that table, which is there already, would refuse its owner.
ALTER TABLE saas.state_transitions NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('subscription', 10, 'create', NULL, 'pending'),
    ('subscription', 20, 'create', NULL, 'incomplete'),
    ('subscription', 30, 'create', NULL, 'trialing'),
    ('subscription', 40, 'create', NULL, 'active'),
    ('subscription', 50, 'require_payment', 'pending', 'incomplete'),
    ('subscription', 60, 'start_trial', 'pending', 'trialing'),
    ('subscription', 70, 'activate', 'pending', 'active'),
    ('subscription', 80, 'cancel', 'pending', 'canceled'),
    ('subscription', 90, 'activate', 'incomplete', 'active'),
    ('subscription', 100, 'expire', 'incomplete', 'incomplete_expired'),
    ('subscription', 110, 'cancel', 'incomplete', 'canceled'),
    ('subscription', 120, 'activate', 'trialing', 'active'),
    ('subscription', 130, 'miss_payment', 'trialing', 'past_due'),
    ('subscription', 140, 'pause', 'trialing', 'paused'),
    ('subscription', 150, 'cancel', 'trialing', 'canceled'),
    ('subscription', 160, 'start_trial', 'active', 'trialing'),
    ('subscription', 170, 'miss_payment', 'active', 'past_due'),
    ('subscription', 180, 'give_up', 'active', 'unpaid'),
    ('subscription', 190, 'pause', 'active', 'paused'),
    ('subscription', 200, 'cancel', 'active', 'canceled'),
    ('subscription', 210, 'expire', 'active', 'expired'),
    ('subscription', 220, 'pay', 'past_due', 'active'),
    ('subscription', 230, 'give_up', 'past_due', 'unpaid'),
    ('subscription', 240, 'pause', 'past_due', 'paused'),
    ('subscription', 250, 'cancel', 'past_due', 'canceled'),
    ('subscription', 260, 'pay', 'unpaid', 'active'),
    ('subscription', 270, 'cancel', 'unpaid', 'canceled'),
    ('subscription', 280, 'resume', 'paused', 'active'),
    ('subscription', 290, 'miss_payment', 'paused', 'past_due'),
    ('subscription', 300, 'cancel', 'paused', 'canceled');
ALTER TABLE saas.state_transitions FORCE ROW LEVEL SECURITY;
