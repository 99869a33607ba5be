-- Purposes of processing (GDPR Art. 30), consent to them (Art. 7), restriction (Art. 18) and objection (Art. 21),
-- and how columns are masked.
CREATE TABLE saas.processing_purposes (
    name text NOT NULL,
    description text NOT NULL,
    legal_basis text NOT NULL,
    interest text,
    subject_categories text[] NOT NULL,
    tables text[] NOT NULL DEFAULT '{}',
    recipients text[] NOT NULL DEFAULT '{}',
    transfers text[] NOT NULL DEFAULT '{}',
    consent_valid_for interval,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CONSTRAINT processing_purposes_pkey PRIMARY KEY (name),
    CONSTRAINT processing_purposes_name_check CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT processing_purposes_description_check CHECK (length(description) BETWEEN 1 AND 2000),
    CONSTRAINT processing_purposes_legal_basis_check CHECK (
        legal_basis IN (
            'consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task', 'legitimate_interests'
        )
    ),
    CONSTRAINT processing_purposes_interest_check CHECK (
        (legal_basis = 'legitimate_interests') = (interest IS NOT NULL)
    ),
    CONSTRAINT processing_purposes_subject_categories_check CHECK (cardinality(subject_categories) >= 1),
    CONSTRAINT processing_purposes_consent_valid_for_check CHECK (
        consent_valid_for IS NULL OR consent_valid_for > INTERVAL '0' AND legal_basis = 'consent'
    )
);
INSERT INTO saas.processing_purposes (name, description, legal_basis, interest, subject_categories, tables)
VALUES
    (
        'service', 'Giving users the service that they signed up for', 'contract', NULL, '{users}',
        '{saas.users,saas.team_members,saas.team_invitations,saas.addresses,saas.notifications,saas.user_tokens,saas.mfa_factors}'
    ),
    (
        'payments', 'Taking payments, refunds and disputes', 'contract', NULL, '{users,customers}',
        '{saas.payment_intents,saas.payments,saas.refunds,saas.payment_disputes,saas.webhook_events}'
    ),
    (
        'bookkeeping', 'Keeping books and tax records', 'legal_obligation', NULL, '{users,customers}',
        '{saas.payments,saas.refunds,saas.ledger_transactions,saas.ledger_entries}'
    ),
    (
        'fraud_prevention', 'Recognising fraudulent payments', 'legitimate_interests',
        'preventing fraud (recital 47)', '{users,customers}',
        '{saas.fraud_assessments,saas.fraud_list_items,saas.fraud_reviews}'
    ),
    (
        'security', 'Keeping the service secure and showing who changed what', 'legitimate_interests',
        'network and information security (recital 49)', '{users}',
        '{saas.audit_logs,saas.activity_logs,saas.user_sessions,saas.api_keys}'
    ),
    ('marketing', 'Sending news and offers', 'consent', NULL, '{users}', '{saas.users}'),
    ('analytics', 'Understanding how the product is used', 'consent', NULL, '{users}', '{saas.activity_logs}');

CREATE TABLE saas.consent_texts (
    purpose text NOT NULL,
    version integer NOT NULL,
    locale text NOT NULL,
    wording text NOT NULL,
    wording_sha256 bytea NOT NULL,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT consent_texts_pkey PRIMARY KEY (purpose, version, locale),
    CONSTRAINT consent_texts_purpose_fkey
        FOREIGN KEY (purpose) REFERENCES saas.processing_purposes (name) ON DELETE RESTRICT,
    CONSTRAINT consent_texts_version_check CHECK (version >= 1),
    CONSTRAINT consent_texts_locale_check CHECK (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    CONSTRAINT consent_texts_wording_check CHECK (length(wording) BETWEEN 1 AND 100000),
    CONSTRAINT consent_texts_wording_sha256_check CHECK (octet_length(wording_sha256) = 32)
);

-- One consent after the other; nothing is changed. A person's record for a purpose is numbered without gaps, so two
-- sessions cannot both write the next one.
CREATE TABLE saas.consent_records (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    subject_id uuid NOT NULL,
    purpose text NOT NULL,
    number integer NOT NULL,
    action text NOT NULL,
    version integer,
    locale text,
    wording_sha256 bytea,
    method text NOT NULL,
    client_addr inet,
    user_agent text,
    recorded_by uuid,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT consent_records_pkey PRIMARY KEY (id),
    CONSTRAINT consent_records_subject_id_purpose_number_key UNIQUE (subject_id, purpose, number),
    CONSTRAINT consent_records_purpose_version_locale_fkey
        FOREIGN KEY (purpose, version, locale) REFERENCES saas.consent_texts (purpose, version, locale) ON DELETE RESTRICT,
    CONSTRAINT consent_records_number_check CHECK (number >= 1),
    CONSTRAINT consent_records_action_check CHECK (action IN ('grant', 'withdraw')),
    CONSTRAINT consent_records_wording_check CHECK (
        CASE action
            WHEN 'grant' THEN version IS NOT NULL AND locale IS NOT NULL AND octet_length(wording_sha256) = 32
            ELSE version IS NULL AND locale IS NULL AND wording_sha256 IS NULL
        END
    ),
    CONSTRAINT consent_records_method_check CHECK (length(method) BETWEEN 1 AND 100),
    CONSTRAINT consent_records_user_agent_check CHECK (length(user_agent) <= 1000)
);
CREATE INDEX consent_records_purpose_version_locale_idx ON saas.consent_records (purpose, version, locale);
CREATE INDEX consent_records_recorded_at_idx ON saas.consent_records (recorded_at) WHERE action = 'withdraw';

-- purpose NULL: the processing of the person's data as a whole is restricted; else an objection to one purpose.
CREATE TABLE saas.processing_restrictions (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    subject_id uuid NOT NULL,
    purpose text,
    reason text NOT NULL,
    placed_by uuid,
    placed_at timestamptz NOT NULL DEFAULT now(),
    lifted_by uuid,
    lifted_at timestamptz,
    lift_reason text,
    CONSTRAINT processing_restrictions_pkey PRIMARY KEY (id),
    CONSTRAINT processing_restrictions_purpose_fkey
        FOREIGN KEY (purpose) REFERENCES saas.processing_purposes (name) ON DELETE RESTRICT,
    CONSTRAINT processing_restrictions_reason_check CHECK (length(reason) BETWEEN 1 AND 2000),
    CONSTRAINT processing_restrictions_lifted_at_check CHECK (
        (lifted_at IS NULL) = (lift_reason IS NULL) AND lifted_at >= placed_at
    )
);
CREATE UNIQUE INDEX processing_restrictions_open_key
ON saas.processing_restrictions (subject_id, purpose) NULLS NOT DISTINCT
WHERE lifted_at IS NULL;
CREATE INDEX processing_restrictions_purpose_idx ON saas.processing_restrictions (purpose);

CREATE TABLE saas.masking_rules (
    table_name text NOT NULL,
    column_name text NOT NULL,
    strategy text NOT NULL,
    arguments jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT masking_rules_pkey PRIMARY KEY (table_name, column_name),
    CONSTRAINT masking_rules_strategy_check CHECK (
        strategy IN (
            'keep', 'null', 'constant', 'keyed_hash', 'partial', 'generalise', 'fake', 'shuffle', 'noise'
        )
    ),
    CONSTRAINT masking_rules_arguments_check CHECK (jsonb_typeof(arguments) = 'object')
);

ALTER TABLE saas.retention_policies NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.retention_policies (name, table_name, time_column, state_column, states, kept_for, action, basis)
VALUES (
    'withdrawn_consents', 'saas.consent_records', 'recorded_at', 'action',
    '{withdraw}', '7 years', 'delete', 'proof of consent and of its withdrawal (GDPR Art. 7(1))'
);
ALTER TABLE saas.retention_policies FORCE ROW LEVEL SECURITY;

-- Views for analysts, made on request by saas.create_masked_views().
CREATE SCHEMA saas_masked;
COMMENT ON SCHEMA saas_masked IS 'Views for analysts with personal values masked, made by saas.create_masked_views().';
REVOKE ALL ON SCHEMA saas_masked FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA saas_masked TO saas_internal;
GRANT USAGE ON SCHEMA saas_masked TO saas_analyst;
