-- Rollups: what they are made from, which there are, which of their buckets have changed; and measured
-- values of the teams with the rollup that comes with them.

-- One row a table and column of time that rollups are made from.
CREATE TABLE saas.rollup_sources (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    source_name text NOT NULL,
    team_column text NOT NULL,
    time_column text NOT NULL,
    refreshed_at timestamptz,
    CONSTRAINT rollup_sources_pkey PRIMARY KEY (id)
);

CREATE TABLE saas.rollups (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    source_id uuid NOT NULL,
    name text NOT NULL,
    table_schema text NOT NULL DEFAULT 'saas_rollups',
    granularities text[] NOT NULL,
    dimensions text[] NOT NULL,
    measures jsonb NOT NULL,
    retention jsonb NOT NULL DEFAULT '{}',
    source_retention interval,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT rollups_pkey PRIMARY KEY (id),
    CONSTRAINT rollups_name_key UNIQUE (name),
    CONSTRAINT rollups_source_id_fkey FOREIGN KEY (source_id) REFERENCES saas.rollup_sources (id),
    CONSTRAINT rollups_name_check CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    CONSTRAINT rollups_granularities_check CHECK (
        granularities <@ ARRAY['hour', 'day', 'week', 'month'] AND 'hour' = ANY (granularities)
    ),
    CONSTRAINT rollups_measures_check CHECK (jsonb_typeof(measures) = 'array'),
    CONSTRAINT rollups_retention_check CHECK (jsonb_typeof(retention) = 'object')
);
CREATE INDEX rollups_source_id_idx ON saas.rollups (source_id);

CREATE TABLE saas.rollup_calendars (
    team_id uuid NOT NULL,
    time_zone text NOT NULL DEFAULT 'UTC',
    week_start smallint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT rollup_calendars_pkey PRIMARY KEY (team_id),
    CONSTRAINT rollup_calendars_team_id_fkey FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT rollup_calendars_time_zone_check CHECK (length(time_zone) BETWEEN 1 AND 100),
    CONSTRAINT rollup_calendars_week_start_check CHECK (week_start BETWEEN 1 AND 7)
);

-- Written by the trigger of the sources, once a transaction, team, source and quarter of an hour, and
-- emptied by saas.refresh_rollups(). It comes and goes, so its pages are to be cleaned soon. No foreign key:
-- a row costs more to check than to write, and those of a team that is gone go with the next refresh.
CREATE TABLE saas.rollup_changes (
    team_id uuid NOT NULL,
    source_id uuid NOT NULL,
    span timestamptz NOT NULL,
    xact_id xid8 NOT NULL,
    batch integer NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT rollup_changes_pkey PRIMARY KEY (team_id, source_id, span, xact_id, batch)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Points come by the hundred thousand; the function that takes them looks the team up once.
CREATE TABLE saas.usage_metrics (
    team_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    metric text NOT NULL,
    value double precision NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT usage_metrics_pkey PRIMARY KEY (team_id, created_at, id),
    CONSTRAINT usage_metrics_metric_check CHECK (metric <> '' AND octet_length(metric) <= 200),
    CONSTRAINT usage_metrics_value_check CHECK (
        value > '-Infinity'::double precision AND value < 'Infinity'::double precision
    ),
    CONSTRAINT usage_metrics_labels_check CHECK (jsonb_typeof(labels) = 'object')
) PARTITION BY RANGE (created_at);
CREATE TABLE saas.usage_metrics_default PARTITION OF saas.usage_metrics DEFAULT;

CREATE TABLE saas.usage_metrics_hour (
    team_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    ordinal integer NOT NULL,
    metric text,
    points bigint,
    total double precision,
    lowest double precision,
    highest double precision,
    latest double precision,
    quantiles saas.quantile_sketch,
    CONSTRAINT usage_metrics_hour_pkey PRIMARY KEY (team_id, bucket, ordinal),
    CONSTRAINT usage_metrics_hour_team_id_fkey FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE
) PARTITION BY RANGE (bucket);
CREATE TABLE saas.usage_metrics_hour_default PARTITION OF saas.usage_metrics_hour DEFAULT;

CREATE TABLE saas.usage_metrics_day (
    team_id uuid NOT NULL,
    bucket date NOT NULL,
    ordinal integer NOT NULL,
    metric text,
    points bigint,
    total double precision,
    lowest double precision,
    highest double precision,
    latest double precision,
    quantiles saas.quantile_sketch,
    CONSTRAINT usage_metrics_day_pkey PRIMARY KEY (team_id, bucket, ordinal),
    CONSTRAINT usage_metrics_day_team_id_fkey FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE
);

CREATE TABLE saas.usage_metrics_week (
    team_id uuid NOT NULL,
    bucket date NOT NULL,
    ordinal integer NOT NULL,
    metric text,
    points bigint,
    total double precision,
    lowest double precision,
    highest double precision,
    latest double precision,
    quantiles saas.quantile_sketch,
    CONSTRAINT usage_metrics_week_pkey PRIMARY KEY (team_id, bucket, ordinal),
    CONSTRAINT usage_metrics_week_team_id_fkey FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE
);

CREATE TABLE saas.usage_metrics_month (
    team_id uuid NOT NULL,
    bucket date NOT NULL,
    ordinal integer NOT NULL,
    metric text,
    points bigint,
    total double precision,
    lowest double precision,
    highest double precision,
    latest double precision,
    quantiles saas.quantile_sketch,
    CONSTRAINT usage_metrics_month_pkey PRIMARY KEY (team_id, bucket, ordinal),
    CONSTRAINT usage_metrics_month_team_id_fkey FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE
);

-- The same identifiers everywhere, since they are in the names of triggers.
INSERT INTO saas.rollup_sources (id, source_name, team_column, time_column)
VALUES ('00000000-0000-7000-8000-000000000001', 'saas.usage_metrics', 'team_id', 'created_at');
INSERT INTO saas.rollups (id, source_id, name, table_schema, granularities, dimensions, measures, retention, source_retention)
SELECT
    '00000000-0000-7000-8000-000000000002', s.id, 'usage_metrics', 'saas', ARRAY['hour', 'day', 'week', 'month'], ARRAY['metric'],
    '[{"name": "points", "kind": "count"},
      {"name": "total", "kind": "sum", "column": "value", "type": "double precision"},
      {"name": "lowest", "kind": "min", "column": "value"},
      {"name": "highest", "kind": "max", "column": "value"},
      {"name": "latest", "kind": "last", "column": "value"},
      {"name": "quantiles", "kind": "quantiles", "column": "value"}]',
    '{"hour": "400 days"}', '400 days'
FROM saas.rollup_sources AS s;

-- Tables and views of the rollups that others make.
CREATE SCHEMA saas_rollups;
COMMENT ON SCHEMA saas_rollups IS 'Tables and views of rollups: made by saas.create_rollup().';
