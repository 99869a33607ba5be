-- Fraud models: each row is one version of a model as it was imported.

CREATE TABLE saas.fraud_models (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    name text NOT NULL,
    version integer NOT NULL,
    format text NOT NULL,
    state text NOT NULL DEFAULT 'inactive',
    model bytea NOT NULL,
    checksum bytea NOT NULL,
    features jsonb NOT NULL DEFAULT '{}',
    options jsonb NOT NULL DEFAULT '{}',
    objective text NOT NULL,
    trees integer NOT NULL,
    inputs jsonb NOT NULL,
    champion_periods tstzmultirange NOT NULL DEFAULT '{}',
    created_by uuid DEFAULT saas.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fraud_models_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_models_team_id_name_version_key UNIQUE (team_id, name, version),
    CONSTRAINT fraud_models_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_models_created_by_fkey
        FOREIGN KEY (created_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT fraud_models_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT fraud_models_version_check CHECK (version >= 1),
    CONSTRAINT fraud_models_format_check CHECK (
        format IN ('xgboost_json', 'lightgbm_text', 'lightgbm_json', 'logistic')
    ),
    CONSTRAINT fraud_models_state_check CHECK (state IN ('inactive', 'challenger', 'champion')),
    CONSTRAINT fraud_models_model_check CHECK (octet_length(model) <= 33554432),
    CONSTRAINT fraud_models_checksum_check CHECK (octet_length(checksum) = 32),
    CONSTRAINT fraud_models_features_check CHECK (jsonb_typeof(features) IN ('object', 'array')),
    CONSTRAINT fraud_models_options_check CHECK (jsonb_typeof(options) = 'object'),
    CONSTRAINT fraud_models_trees_check CHECK (trees >= 0),
    CONSTRAINT fraud_models_inputs_check CHECK (jsonb_typeof(inputs) = 'array')
);
CREATE UNIQUE INDEX fraud_models_team_id_name_champion_key
ON saas.fraud_models (team_id, name)
WHERE state = 'champion';
CREATE INDEX fraud_models_created_by_idx ON saas.fraud_models (created_by);

-- Training and drift read the assessments of a period.
CREATE INDEX fraud_assessments_team_id_assessed_at_idx
ON saas.fraud_assessments (team_id, assessed_at);
