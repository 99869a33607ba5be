-- Fraud: thresholds of each team, rules of the platform, the rule sets that decided, what reproduces
-- an assessment, the queue of reviews, and rests of rules for a customer or card.

CREATE TABLE saas.fraud_settings (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    review_from integer NOT NULL DEFAULT 50,
    challenge_from integer NOT NULL DEFAULT 101,
    block_from integer NOT NULL DEFAULT 75,
    on_error text NOT NULL DEFAULT 'ignore',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fraud_settings_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_settings_team_id_key UNIQUE (team_id),
    CONSTRAINT fraud_settings_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_settings_review_from_check CHECK (review_from BETWEEN 0 AND 101),
    CONSTRAINT fraud_settings_challenge_from_check CHECK (challenge_from BETWEEN 0 AND 101),
    CONSTRAINT fraud_settings_block_from_check CHECK (block_from BETWEEN 0 AND 101),
    CONSTRAINT fraud_settings_on_error_check CHECK (on_error IN ('ignore', 'review', 'block'))
);

CREATE TABLE saas.platform_fraud_rules (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    name text NOT NULL,
    rule text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT platform_fraud_rules_pkey PRIMARY KEY (id),
    CONSTRAINT platform_fraud_rules_name_key UNIQUE (name),
    CONSTRAINT platform_fraud_rules_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT platform_fraud_rules_rule_check CHECK (octet_length(rule) BETWEEN 1 AND 65536)
);

CREATE TABLE saas.fraud_rule_sets (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    version text NOT NULL,
    rules jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fraud_rule_sets_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_rule_sets_team_id_version_key UNIQUE (team_id, version),
    CONSTRAINT fraud_rule_sets_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_rule_sets_version_check CHECK (version ~ '^[0-9a-f]{32}$'),
    CONSTRAINT fraud_rule_sets_rules_check CHECK (jsonb_typeof(rules) = 'array')
);

-- The thresholds are for everyone who sees the assessment; the answers of terms may tell what the platform
-- looks at and are apart.
ALTER TABLE saas.fraud_assessments ADD COLUMN settings jsonb;
ALTER TABLE saas.fraud_assessments ADD COLUMN models jsonb NOT NULL DEFAULT '[]';
ALTER TABLE saas.fraud_assessments
ADD CONSTRAINT fraud_assessments_settings_check CHECK (jsonb_typeof(settings) = 'object');
ALTER TABLE saas.fraud_assessments
ADD CONSTRAINT fraud_assessments_models_check CHECK (jsonb_typeof(models) = 'array');

CREATE TABLE saas.fraud_assessment_terms (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    assessment_id uuid NOT NULL,
    terms jsonb NOT NULL,
    CONSTRAINT fraud_assessment_terms_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_assessment_terms_team_id_assessment_id_key UNIQUE (team_id, assessment_id),
    CONSTRAINT fraud_assessment_terms_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_assessment_terms_team_id_assessment_id_fkey
        FOREIGN KEY (team_id, assessment_id) REFERENCES saas.fraud_assessments (team_id, id)
        ON DELETE CASCADE,
    CONSTRAINT fraud_assessment_terms_terms_check CHECK (jsonb_typeof(terms) = 'array')
);

CREATE TABLE saas.fraud_reviews (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    assessment_id uuid NOT NULL,
    payment_intent_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'open',
    opened_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    decided_by uuid,
    reason text,
    CONSTRAINT fraud_reviews_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_reviews_team_id_assessment_id_key UNIQUE (team_id, assessment_id),
    CONSTRAINT fraud_reviews_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_reviews_team_id_assessment_id_fkey
        FOREIGN KEY (team_id, assessment_id) REFERENCES saas.fraud_assessments (team_id, id)
        ON DELETE CASCADE,
    CONSTRAINT fraud_reviews_team_id_payment_intent_id_fkey
        FOREIGN KEY (team_id, payment_intent_id) REFERENCES saas.payment_intents (team_id, id)
        ON DELETE CASCADE,
    CONSTRAINT fraud_reviews_decided_by_fkey
        FOREIGN KEY (decided_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT fraud_reviews_state_check CHECK (
        state IN ('open', 'approved', 'declined', 'superseded')
    ),
    CONSTRAINT fraud_reviews_decided_at_check CHECK ((decided_at IS NULL) = (state = 'open')),
    CONSTRAINT fraud_reviews_reason_check CHECK (length(reason) <= 2000)
);
CREATE INDEX fraud_reviews_team_id_payment_intent_id_idx
ON saas.fraud_reviews (team_id, payment_intent_id, opened_at);
CREATE UNIQUE INDEX fraud_reviews_team_id_payment_intent_id_open_key
ON saas.fraud_reviews (team_id, payment_intent_id)
WHERE state = 'open';
CREATE INDEX fraud_reviews_decided_by_idx ON saas.fraud_reviews (decided_by);

CREATE TABLE saas.fraud_snoozes (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    kind text NOT NULL,
    value text NOT NULL,
    starts_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    reason text,
    created_by uuid DEFAULT saas.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fraud_snoozes_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_snoozes_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_snoozes_created_by_fkey
        FOREIGN KEY (created_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT fraud_snoozes_kind_check CHECK (kind IN ('customer', 'card')),
    CONSTRAINT fraud_snoozes_value_check CHECK (octet_length(value) BETWEEN 1 AND 512),
    CONSTRAINT fraud_snoozes_ends_at_check CHECK (ends_at >= starts_at),
    CONSTRAINT fraud_snoozes_reason_check CHECK (length(reason) <= 2000)
);
CREATE INDEX fraud_snoozes_team_id_value_ends_at_idx ON saas.fraud_snoozes (team_id, value, ends_at);
CREATE INDEX fraud_snoozes_created_by_idx ON saas.fraud_snoozes (created_by);

-- A provider's report is a fact even against a decision: it is taken and flagged.
ALTER TABLE saas.payment_intents ADD COLUMN fraud_flag text;
ALTER TABLE saas.payment_intents
ADD CONSTRAINT payment_intents_fraud_flag_check CHECK (
    fraud_flag IN ('confirmed_although_blocked', 'captured_before_review')
);
