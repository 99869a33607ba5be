-- What counts as recurring revenue, and the events and measurements that figures are made from.

CREATE TABLE saas.revenue_presets (
    preset text NOT NULL,
    count_trialing boolean NOT NULL,
    count_past_due boolean NOT NULL,
    count_unpaid boolean NOT NULL,
    count_paused boolean NOT NULL,
    count_metered boolean NOT NULL,
    discounts text NOT NULL,
    include_tax boolean NOT NULL,
    churn_at text NOT NULL,
    churn_base text NOT NULL,
    netting text NOT NULL,
    days_per_year numeric(6, 2) NOT NULL,
    weeks_per_year numeric(6, 2) NOT NULL,
    margin_basis_points integer NOT NULL,
    CONSTRAINT revenue_presets_pkey PRIMARY KEY (preset),
    CONSTRAINT revenue_presets_preset_check CHECK (preset ~ '^[a-z][a-z0-9_]*$'),
    CONSTRAINT revenue_presets_discounts_check CHECK (discounts IN ('none', 'forever', 'all')),
    CONSTRAINT revenue_presets_churn_at_check CHECK (churn_at IN ('requested', 'ended', 'period_end')),
    CONSTRAINT revenue_presets_churn_base_check CHECK (churn_base IN ('start', 'start_and_new')),
    CONSTRAINT revenue_presets_netting_check CHECK (netting IN ('change', 'day', 'month'))
);
INSERT INTO saas.revenue_presets
VALUES
    ('stripe', false, true, false, false, false, 'forever', false, 'ended', 'start_and_new', 'day', 365, 52, 10000),
    ('chartmogul', false, true, true, false, false, 'all', false, 'period_end', 'start', 'change', 365, 52, 10000),
    ('lago', false, true, true, false, true, 'none', true, 'ended', 'start', 'month', 365.28, 51.96, 10000);

CREATE TABLE saas.revenue_policies (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    preset text NOT NULL DEFAULT 'stripe',
    time_zone text NOT NULL DEFAULT 'UTC',
    count_trialing boolean,
    count_past_due boolean,
    count_unpaid boolean,
    count_paused boolean,
    count_metered boolean,
    discounts text,
    include_tax boolean,
    churn_at text,
    churn_base text,
    netting text,
    days_per_year numeric(6, 2),
    weeks_per_year numeric(6, 2),
    margin_basis_points integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revenue_policies_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT revenue_policies_team_id_key UNIQUE (team_id),
    CONSTRAINT revenue_policies_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT revenue_policies_preset_fkey
        FOREIGN KEY (preset) REFERENCES saas.revenue_presets (preset),
    CONSTRAINT revenue_policies_time_zone_check CHECK (length(time_zone) BETWEEN 1 AND 100),
    CONSTRAINT revenue_policies_discounts_check CHECK (discounts IN ('none', 'forever', 'all')),
    CONSTRAINT revenue_policies_churn_at_check CHECK (churn_at IN ('requested', 'ended', 'period_end')),
    CONSTRAINT revenue_policies_churn_base_check CHECK (churn_base IN ('start', 'start_and_new')),
    CONSTRAINT revenue_policies_netting_check CHECK (netting IN ('change', 'day', 'month')),
    CONSTRAINT revenue_policies_days_per_year_check CHECK (days_per_year BETWEEN 360 AND 366),
    CONSTRAINT revenue_policies_weeks_per_year_check CHECK (weeks_per_year BETWEEN 51 AND 53),
    CONSTRAINT revenue_policies_margin_basis_points_check CHECK (margin_basis_points BETWEEN 0 AND 10000)
);
CREATE INDEX revenue_policies_preset_idx ON saas.revenue_policies (preset);

CREATE TABLE saas.product_events (
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    actor_id uuid NOT NULL,
    name text NOT NULL,
    properties jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT product_events_pkey PRIMARY KEY (team_id, created_at, id),
    CONSTRAINT product_events_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT product_events_name_check CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT product_events_properties_check CHECK (jsonb_typeof(properties) = 'object')
) PARTITION BY RANGE (created_at);
CREATE INDEX product_events_team_id_actor_id_created_at_idx
ON saas.product_events (team_id, actor_id, created_at);
CREATE INDEX product_events_created_at_idx ON saas.product_events USING brin (created_at);
CREATE TABLE saas.product_events_default PARTITION OF saas.product_events DEFAULT;

CREATE TABLE saas.service_measurements (
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    service text NOT NULL,
    requests bigint NOT NULL,
    errors bigint NOT NULL,
    latency saas.quantile_sketch,
    latency_sum double precision NOT NULL DEFAULT 0,
    cache_hits bigint NOT NULL DEFAULT 0,
    cache_misses bigint NOT NULL DEFAULT 0,
    seconds double precision NOT NULL DEFAULT 60,
    seconds_down double precision NOT NULL DEFAULT 0,
    bytes_sent bigint NOT NULL DEFAULT 0,
    bytes_stored bigint,
    CONSTRAINT service_measurements_pkey PRIMARY KEY (team_id, created_at, id),
    CONSTRAINT service_measurements_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT service_measurements_service_check CHECK (length(service) BETWEEN 1 AND 100),
    CONSTRAINT service_measurements_requests_check CHECK (requests >= 0),
    CONSTRAINT service_measurements_errors_check CHECK (errors >= 0 AND errors <= requests),
    CONSTRAINT service_measurements_latency_sum_check CHECK (
        latency_sum >= 0 AND latency_sum < 'Infinity'::double precision
    ),
    CONSTRAINT service_measurements_cache_hits_check CHECK (cache_hits >= 0),
    CONSTRAINT service_measurements_cache_misses_check CHECK (cache_misses >= 0),
    CONSTRAINT service_measurements_seconds_check CHECK (
        seconds > 0 AND seconds <= 86400 AND seconds_down >= 0 AND seconds_down <= seconds
    ),
    CONSTRAINT service_measurements_bytes_sent_check CHECK (bytes_sent >= 0),
    CONSTRAINT service_measurements_bytes_stored_check CHECK (bytes_stored >= 0)
) PARTITION BY RANGE (created_at);
CREATE INDEX service_measurements_created_at_idx ON saas.service_measurements USING brin (created_at);
CREATE TABLE saas.service_measurements_default PARTITION OF saas.service_measurements DEFAULT;

-- A day's new subscriptions are read by time, across teams.
CREATE INDEX subscriptions_started_at_idx ON saas.subscriptions (started_at);
