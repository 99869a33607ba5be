-- Who a team and its customers are, whom they must not be, and what of their payments somebody has to look at.

CREATE TABLE saas.compliance_settings (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payout_verification text,
    alert_from integer NOT NULL DEFAULT 80,
    structuring_window interval NOT NULL DEFAULT '7 days',
    structuring_margin numeric NOT NULL DEFAULT 0.1,
    structuring_count integer NOT NULL DEFAULT 3,
    rapid_window interval NOT NULL DEFAULT '2 days',
    rapid_share numeric NOT NULL DEFAULT 0.8,
    rapid_factor numeric NOT NULL DEFAULT 5,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT compliance_settings_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT compliance_settings_team_id_key UNIQUE (team_id),
    CONSTRAINT compliance_settings_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT compliance_settings_payout_verification_check CHECK (
        payout_verification IN ('basic', 'standard', 'enhanced')
    ),
    CONSTRAINT compliance_settings_alert_from_check CHECK (alert_from BETWEEN 50 AND 100),
    CONSTRAINT compliance_settings_structuring_window_check CHECK (
        structuring_window >= interval '1 hour' AND structuring_window <= interval '90 days'
    ),
    CONSTRAINT compliance_settings_structuring_margin_check CHECK (
        structuring_margin > 0 AND structuring_margin <= 0.5
    ),
    CONSTRAINT compliance_settings_structuring_count_check CHECK (structuring_count BETWEEN 2 AND 1000),
    CONSTRAINT compliance_settings_rapid_window_check CHECK (
        rapid_window >= interval '1 hour' AND rapid_window <= interval '30 days'
    ),
    CONSTRAINT compliance_settings_rapid_share_check CHECK (rapid_share > 0 AND rapid_share <= 1),
    CONSTRAINT compliance_settings_rapid_factor_check CHECK (rapid_factor >= 1 AND rapid_factor <= 1000)
);

CREATE TABLE saas.customer_verifications (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    subject_type text NOT NULL,
    subject_reference text NOT NULL,
    level text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    provider text NOT NULL,
    provider_reference text,
    full_name text,
    date_of_birth date,
    country char(2),
    documents jsonb NOT NULL DEFAULT '[]',
    results jsonb NOT NULL DEFAULT '{}',
    failure_code text,
    started_by uuid DEFAULT saas.current_user_id(),
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT customer_verifications_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT customer_verifications_team_id_provider_reference_key
        UNIQUE (team_id, provider, provider_reference),
    CONSTRAINT customer_verifications_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT customer_verifications_started_by_fkey
        FOREIGN KEY (started_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT customer_verifications_subject_type_check CHECK (subject_type IN ('team', 'customer')),
    CONSTRAINT customer_verifications_subject_reference_check CHECK (
        CASE subject_type
            WHEN 'team' THEN subject_reference = team_id::text
            ELSE length(subject_reference) >= 1 AND length(subject_reference) <= 255
        END
    ),
    CONSTRAINT customer_verifications_level_check CHECK (level IN ('basic', 'standard', 'enhanced')),
    CONSTRAINT customer_verifications_status_check CHECK (
        status IN ('pending', 'in_progress', 'verified', 'failed', 'expired', 'canceled')
    ),
    CONSTRAINT customer_verifications_provider_check CHECK (provider ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT customer_verifications_provider_reference_check CHECK (
        length(provider_reference) BETWEEN 1 AND 255
    ),
    CONSTRAINT customer_verifications_full_name_check CHECK (length(full_name) BETWEEN 1 AND 500),
    CONSTRAINT customer_verifications_date_of_birth_check CHECK (date_of_birth >= '1850-01-01'),
    CONSTRAINT customer_verifications_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT customer_verifications_documents_check CHECK (
        jsonb_typeof(documents) = 'array'
        AND octet_length(documents::text) <= 16384
        AND NOT jsonb_path_exists(documents, '$[*] ? (@.type() != "object")')
        -- References to documents, not documents.
        AND NOT jsonb_path_exists(
            documents,
            '$[*].keyvalue() ? (@.key != "type" && @.key != "reference" && @.key != "country" && @.key != "expires_on")'
        )
        AND NOT jsonb_path_exists(
            documents, '$[*].* ? (@.type() != "string" || !(@ like_regex "^.{1,255}$"))'
        )
    ),
    CONSTRAINT customer_verifications_results_check CHECK (
        jsonb_typeof(results) = 'object' AND octet_length(results::text) <= 65536
    ),
    CONSTRAINT customer_verifications_failure_code_check CHECK (failure_code ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT customer_verifications_failed_check CHECK (status <> 'failed' OR failure_code IS NOT NULL),
    CONSTRAINT customer_verifications_completed_at_check CHECK (
        (completed_at IS NULL) = (status IN ('pending', 'in_progress'))
    ),
    CONSTRAINT customer_verifications_expires_at_check CHECK (expires_at > started_at)
);
CREATE INDEX customer_verifications_started_by_idx ON saas.customer_verifications (started_by);
CREATE INDEX customer_verifications_team_id_subject_idx
ON saas.customer_verifications (team_id, subject_type, subject_reference, level);
-- One examination of a subject at a time.
CREATE UNIQUE INDEX customer_verifications_team_id_subject_open_key
ON saas.customer_verifications (team_id, subject_type, subject_reference, level)
WHERE status IN ('pending', 'in_progress');
CREATE INDEX customer_verifications_team_id_expires_at_idx
ON saas.customer_verifications (team_id, expires_at)
WHERE status IN ('pending', 'in_progress', 'verified');

-- The lists of the platform: sanctions and persons in office, as their publishers give them out.
CREATE TABLE saas.watchlist_entries (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    source text NOT NULL,
    source_reference text NOT NULL,
    kind text NOT NULL DEFAULT 'person',
    name text NOT NULL,
    aliases text[] NOT NULL DEFAULT '{}',
    birth_dates daterange[] NOT NULL DEFAULT '{}',
    countries text[] NOT NULL DEFAULT '{}',
    programme text,
    name_keys integer[] NOT NULL
        GENERATED ALWAYS AS (saas.name_keys(name || aliases, '', false)) STORED,
    listed_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    delisted_at timestamptz,
    CONSTRAINT watchlist_entries_pkey PRIMARY KEY (id),
    CONSTRAINT watchlist_entries_source_source_reference_key UNIQUE (source, source_reference),
    CONSTRAINT watchlist_entries_source_check CHECK (source ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT watchlist_entries_source_reference_check CHECK (
        length(source_reference) BETWEEN 1 AND 255
    ),
    CONSTRAINT watchlist_entries_kind_check CHECK (
        kind IN ('person', 'organisation', 'vessel', 'aircraft', 'other')
    ),
    CONSTRAINT watchlist_entries_name_check CHECK (octet_length(name) BETWEEN 1 AND 1024),
    CONSTRAINT watchlist_entries_aliases_check CHECK (
        cardinality(aliases) <= 200 AND array_position(aliases, NULL) IS NULL
    ),
    CONSTRAINT watchlist_entries_birth_dates_check CHECK (cardinality(birth_dates) <= 50),
    CONSTRAINT watchlist_entries_countries_check CHECK (cardinality(countries) <= 50),
    CONSTRAINT watchlist_entries_programme_check CHECK (length(programme) BETWEEN 1 AND 500)
);
CREATE INDEX watchlist_entries_name_keys_idx ON saas.watchlist_entries USING gin (name_keys)
WITH (fastupdate = off);

-- The lists of one team. Its keys bear the team, so that one index serves all.
CREATE TABLE saas.team_watchlist_entries (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    source text NOT NULL,
    source_reference text NOT NULL,
    kind text NOT NULL DEFAULT 'person',
    name text NOT NULL,
    aliases text[] NOT NULL DEFAULT '{}',
    birth_dates daterange[] NOT NULL DEFAULT '{}',
    countries text[] NOT NULL DEFAULT '{}',
    programme text,
    name_keys integer[] NOT NULL
        GENERATED ALWAYS AS (saas.name_keys(name || aliases, team_id::text, false)) STORED,
    listed_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    delisted_at timestamptz,
    CONSTRAINT team_watchlist_entries_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT team_watchlist_entries_team_id_source_source_reference_key
        UNIQUE (team_id, source, source_reference),
    CONSTRAINT team_watchlist_entries_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT team_watchlist_entries_source_check CHECK (source ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT team_watchlist_entries_source_reference_check CHECK (
        length(source_reference) BETWEEN 1 AND 255
    ),
    CONSTRAINT team_watchlist_entries_kind_check CHECK (
        kind IN ('person', 'organisation', 'vessel', 'aircraft', 'other')
    ),
    CONSTRAINT team_watchlist_entries_name_check CHECK (octet_length(name) BETWEEN 1 AND 1024),
    CONSTRAINT team_watchlist_entries_aliases_check CHECK (
        cardinality(aliases) <= 200 AND array_position(aliases, NULL) IS NULL
    ),
    CONSTRAINT team_watchlist_entries_birth_dates_check CHECK (cardinality(birth_dates) <= 50),
    CONSTRAINT team_watchlist_entries_countries_check CHECK (cardinality(countries) <= 50),
    CONSTRAINT team_watchlist_entries_programme_check CHECK (length(programme) BETWEEN 1 AND 500)
);
CREATE INDEX team_watchlist_entries_name_keys_idx
ON saas.team_watchlist_entries USING gin (name_keys) WITH (fastupdate = off);

-- Above which a payment is reported in a currency, so that somebody may stay below it.
CREATE TABLE saas.aml_thresholds (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    currency char(3) NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT aml_thresholds_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT aml_thresholds_team_id_currency_key UNIQUE (team_id, currency),
    CONSTRAINT aml_thresholds_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT aml_thresholds_currency_fkey FOREIGN KEY (currency) REFERENCES saas.currencies (code),
    CONSTRAINT aml_thresholds_amount_check CHECK (amount > 0)
);
CREATE INDEX aml_thresholds_currency_idx ON saas.aml_thresholds (currency);

CREATE TABLE saas.aml_alerts (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    kind text NOT NULL,
    subject_type text NOT NULL,
    subject_reference text NOT NULL,
    watchlist_entry_id uuid,
    team_watchlist_entry_id uuid,
    fingerprint bytea NOT NULL,
    score integer NOT NULL,
    status text NOT NULL DEFAULT 'open',
    reason text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    assignee_id uuid,
    decision_reason text,
    decided_by uuid,
    decided_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT aml_alerts_pkey PRIMARY KEY (team_id, id),
    -- What was decided once is not asked again, until something about it has changed.
    CONSTRAINT aml_alerts_team_id_fingerprint_key UNIQUE (team_id, fingerprint),
    CONSTRAINT aml_alerts_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT aml_alerts_watchlist_entry_id_fkey
        FOREIGN KEY (watchlist_entry_id) REFERENCES saas.watchlist_entries (id),
    CONSTRAINT aml_alerts_team_id_team_watchlist_entry_id_fkey
        FOREIGN KEY (team_id, team_watchlist_entry_id)
        REFERENCES saas.team_watchlist_entries (team_id, id),
    CONSTRAINT aml_alerts_assignee_id_fkey
        FOREIGN KEY (assignee_id) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT aml_alerts_decided_by_fkey
        FOREIGN KEY (decided_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT aml_alerts_kind_check CHECK (
        kind IN ('watchlist', 'structuring', 'rapid_movement', 'manual')
    ),
    CONSTRAINT aml_alerts_entry_check CHECK (
        num_nonnulls(watchlist_entry_id, team_watchlist_entry_id)
        = CASE kind WHEN 'watchlist' THEN 1 ELSE 0 END
    ),
    CONSTRAINT aml_alerts_subject_type_check CHECK (subject_type IN ('team', 'customer', 'card')),
    CONSTRAINT aml_alerts_subject_reference_check CHECK (
        length(subject_reference) BETWEEN 1 AND 255
    ),
    CONSTRAINT aml_alerts_fingerprint_check CHECK (octet_length(fingerprint) = 32),
    CONSTRAINT aml_alerts_score_check CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT aml_alerts_status_check CHECK (
        status IN ('open', 'under_review', 'cleared', 'confirmed')
    ),
    CONSTRAINT aml_alerts_reason_check CHECK (length(reason) BETWEEN 1 AND 2000),
    CONSTRAINT aml_alerts_details_check CHECK (jsonb_typeof(details) = 'object'),
    CONSTRAINT aml_alerts_decision_reason_check CHECK (length(decision_reason) BETWEEN 1 AND 2000),
    CONSTRAINT aml_alerts_decided_check CHECK (
        (decided_at IS NOT NULL) = (status IN ('cleared', 'confirmed'))
        AND (decided_at IS NOT NULL) = (decision_reason IS NOT NULL)
    )
);
CREATE INDEX aml_alerts_watchlist_entry_id_idx ON saas.aml_alerts (watchlist_entry_id);
CREATE INDEX aml_alerts_team_id_team_watchlist_entry_id_idx
ON saas.aml_alerts (team_id, team_watchlist_entry_id);
CREATE INDEX aml_alerts_assignee_id_idx ON saas.aml_alerts (assignee_id);
CREATE INDEX aml_alerts_decided_by_idx ON saas.aml_alerts (decided_by);
CREATE INDEX aml_alerts_team_id_subject_idx
ON saas.aml_alerts (team_id, subject_type, subject_reference);
CREATE INDEX aml_alerts_team_id_created_at_open_idx ON saas.aml_alerts (team_id, created_at)
WHERE status IN ('open', 'under_review');

INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('customer_verification', 10, 'start', NULL, 'pending'),
    ('customer_verification', 20, 'submit', 'pending', 'in_progress'),
    ('customer_verification', 30, 'cancel', 'pending', 'canceled'),
    ('customer_verification', 40, 'cancel', 'in_progress', 'canceled'),
    ('customer_verification', 50, 'expire', 'pending', 'expired'),
    ('customer_verification', 60, 'expire', 'in_progress', 'expired'),
    ('customer_verification', 70, 'verify', 'pending', 'verified'),
    ('customer_verification', 80, 'verify', 'in_progress', 'verified'),
    ('customer_verification', 90, 'fail', 'pending', 'failed'),
    ('customer_verification', 100, 'fail', 'in_progress', 'failed'),
    ('customer_verification', 110, 'expire', 'verified', 'expired'),
    ('customer_verification', 120, 'revoke', 'verified', 'failed'),
    ('aml_alert', 10, 'raise', NULL, 'open'),
    ('aml_alert', 20, 'review', 'open', 'under_review'),
    ('aml_alert', 30, 'release', 'under_review', 'open'),
    ('aml_alert', 40, 'confirm', 'under_review', 'confirmed'),
    ('aml_alert', 50, 'clear', 'under_review', 'cleared'),
    ('aml_alert', 60, 'overturn', 'confirmed', 'cleared');
