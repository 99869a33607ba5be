-- Fraud: the rules of each team, and what they said about each payment intent.

CREATE TABLE saas.fraud_detection_rules (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    name text NOT NULL,
    description text,
    rule text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_by uuid DEFAULT saas.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fraud_detection_rules_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_detection_rules_team_id_name_key UNIQUE (team_id, name),
    CONSTRAINT fraud_detection_rules_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_detection_rules_created_by_fkey
        FOREIGN KEY (created_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT fraud_detection_rules_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT fraud_detection_rules_description_check CHECK (length(description) <= 2000),
    CONSTRAINT fraud_detection_rules_rule_check CHECK (octet_length(rule) BETWEEN 1 AND 65536)
);
CREATE INDEX fraud_detection_rules_created_by_idx ON saas.fraud_detection_rules (created_by);

CREATE TABLE saas.fraud_assessments (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payment_intent_id uuid NOT NULL,
    score integer NOT NULL,
    decision text NOT NULL,
    matched jsonb NOT NULL,
    shadow jsonb NOT NULL,
    errors jsonb NOT NULL,
    attributes jsonb NOT NULL,
    rule_set_version text NOT NULL,
    assessed_at timestamptz NOT NULL DEFAULT now(),
    microseconds bigint NOT NULL,
    CONSTRAINT fraud_assessments_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_assessments_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_assessments_team_id_payment_intent_id_fkey
        FOREIGN KEY (team_id, payment_intent_id) REFERENCES saas.payment_intents (team_id, id),
    CONSTRAINT fraud_assessments_score_check CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT fraud_assessments_decision_check CHECK (
        decision IN ('approve', 'review', 'challenge', 'block')
    ),
    CONSTRAINT fraud_assessments_matched_check CHECK (jsonb_typeof(matched) = 'array'),
    CONSTRAINT fraud_assessments_shadow_check CHECK (jsonb_typeof(shadow) = 'array'),
    CONSTRAINT fraud_assessments_errors_check CHECK (jsonb_typeof(errors) = 'array'),
    CONSTRAINT fraud_assessments_attributes_check CHECK (jsonb_typeof(attributes) = 'object'),
    CONSTRAINT fraud_assessments_microseconds_check CHECK (microseconds >= 0)
);
CREATE INDEX fraud_assessments_team_id_payment_intent_id_idx
ON saas.fraud_assessments (team_id, payment_intent_id, assessed_at);
