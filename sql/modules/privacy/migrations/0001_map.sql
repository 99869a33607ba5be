-- Where personal data are and what becomes of them: what a database's owner declares beside the package's own
-- map, what discovery proposes, what holds erasure up, and how long data are kept.
CREATE TABLE saas.personal_data_links (
    table_name text NOT NULL,
    link_name text NOT NULL,
    parent_table text NOT NULL,
    columns text[] NOT NULL,
    parent_columns text[] NOT NULL,
    kind text NOT NULL,
    json_path text[],
    action text NOT NULL,
    anonymise_action text,
    reassign_to text,
    basis text,
    kept_for interval,
    section text NOT NULL DEFAULT 'other',
    origin text NOT NULL DEFAULT 'provided',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT personal_data_links_pkey PRIMARY KEY (table_name, link_name),
    CONSTRAINT personal_data_links_columns_check CHECK (
        cardinality(columns) >= 1 AND cardinality(columns) = cardinality(parent_columns)
    ),
    CONSTRAINT personal_data_links_kind_check CHECK (kind IN ('key', 'column', 'email', 'json')),
    CONSTRAINT personal_data_links_json_path_check CHECK (
        CASE kind WHEN 'json' THEN json_path IS NOT NULL WHEN 'email' THEN true ELSE json_path IS NULL END
    ),
    CONSTRAINT personal_data_links_action_check CHECK (
        action IN ('delete', 'anonymise', 'null', 'reassign', 'shred', 'keep')
    ),
    CONSTRAINT personal_data_links_anonymise_action_check CHECK (
        anonymise_action IN ('delete', 'anonymise', 'null', 'reassign', 'shred', 'keep')
    ),
    CONSTRAINT personal_data_links_reassign_to_check CHECK (
        (action = 'reassign' OR anonymise_action = 'reassign') = (reassign_to IS NOT NULL)
    ),
    CONSTRAINT personal_data_links_basis_check CHECK (action <> 'keep' OR basis IS NOT NULL),
    CONSTRAINT personal_data_links_origin_check CHECK (origin IN ('provided', 'observed', 'inferred'))
);

CREATE TABLE saas.personal_data_columns (
    table_name text NOT NULL,
    column_name text NOT NULL,
    action text NOT NULL,
    value text,
    is_identifying boolean NOT NULL DEFAULT false,
    basis text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT personal_data_columns_pkey PRIMARY KEY (table_name, column_name),
    CONSTRAINT personal_data_columns_action_check CHECK (
        action IN ('delete', 'null', 'anonymise', 'shred', 'reassign', 'keep')
    ),
    CONSTRAINT personal_data_columns_value_check CHECK ((action = 'anonymise') = (value IS NOT NULL)),
    CONSTRAINT personal_data_columns_basis_check CHECK (action <> 'keep' OR basis IS NOT NULL)
);

CREATE TABLE saas.personal_data_proposals (
    table_name text NOT NULL,
    column_name text NOT NULL,
    json_path text NOT NULL DEFAULT '',
    kind text NOT NULL,
    why text NOT NULL,
    share real,
    status text NOT NULL DEFAULT 'open',
    status_reason text,
    found_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT personal_data_proposals_pkey PRIMARY KEY (table_name, column_name, json_path),
    CONSTRAINT personal_data_proposals_share_check CHECK (share >= 0 AND share <= 1),
    CONSTRAINT personal_data_proposals_status_check CHECK (status IN ('open', 'dismissed')),
    CONSTRAINT personal_data_proposals_status_reason_check CHECK (
        status <> 'dismissed' OR status_reason IS NOT NULL
    )
);

-- No foreign key to users: a hold may outlive what it is about, and must not go with it.
CREATE TABLE saas.legal_holds (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    subject_id uuid NOT NULL,
    table_name text,
    reason text NOT NULL,
    basis text NOT NULL,
    placed_by uuid,
    placed_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz,
    released_at timestamptz,
    released_by uuid,
    CONSTRAINT legal_holds_pkey PRIMARY KEY (id),
    CONSTRAINT legal_holds_reason_check CHECK (length(reason) BETWEEN 1 AND 2000),
    CONSTRAINT legal_holds_basis_check CHECK (length(basis) BETWEEN 1 AND 500),
    CONSTRAINT legal_holds_ends_at_check CHECK (ends_at > placed_at)
);
CREATE INDEX legal_holds_subject_id_idx ON saas.legal_holds (subject_id) WHERE released_at IS NULL;

CREATE TABLE saas.retention_policies (
    name text NOT NULL,
    table_name text NOT NULL,
    time_column text NOT NULL,
    state_column text,
    states text[],
    kept_for interval NOT NULL,
    action text NOT NULL DEFAULT 'delete',
    basis text NOT NULL,
    is_enabled boolean NOT NULL DEFAULT true,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT retention_policies_pkey PRIMARY KEY (name),
    CONSTRAINT retention_policies_states_check CHECK ((state_column IS NULL) = (states IS NULL)),
    CONSTRAINT retention_policies_kept_for_check CHECK (kept_for >= INTERVAL '0'),
    CONSTRAINT retention_policies_action_check CHECK (action IN ('delete', 'anonymise', 'keep')),
    CONSTRAINT retention_policies_basis_check CHECK (length(basis) BETWEEN 1 AND 500)
);
INSERT INTO saas.retention_policies (name, table_name, time_column, state_column, states, kept_for, action, basis)
VALUES
    (
        'processed_webhook_events', 'saas.webhook_events', 'received_at', 'status',
        '{processed,superseded,ignored,rejected}', '90 days', 'delete', 'storage limitation (GDPR Art. 5(1)(e))'
    ),
    (
        'finished_exports', 'saas.data_exports', 'created_at', 'status',
        '{ready,expired,cancelled,failed}', '30 days', 'delete', 'storage limitation (GDPR Art. 5(1)(e))'
    ),
    (
        'payments', 'saas.payments', 'created_at', NULL,
        NULL, '10 years', 'keep', 'bookkeeping (GDPR Art. 17(3)(b)); check the period of your country'
    ),
    (
        'payment_intents', 'saas.payment_intents', 'created_at', NULL,
        NULL, '10 years', 'keep', 'bookkeeping (GDPR Art. 17(3)(b)); check the period of your country'
    ),
    (
        'refunds', 'saas.refunds', 'created_at', NULL,
        NULL, '10 years', 'keep', 'bookkeeping (GDPR Art. 17(3)(b)); check the period of your country'
    ),
    (
        'payment_disputes', 'saas.payment_disputes', 'created_at', NULL,
        NULL, '10 years', 'keep', 'bookkeeping (GDPR Art. 17(3)(b)); check the period of your country'
    ),
    (
        'payment_transactions', 'saas.payment_transactions', 'created_at', NULL,
        NULL, '10 years', 'keep', 'bookkeeping (GDPR Art. 17(3)(b)); check the period of your country'
    ),
    (
        'fraud_lists', 'saas.fraud_list_items', 'created_at', NULL,
        NULL, '2 years', 'keep', 'prevention of fraud, a legitimate interest (GDPR Art. 17(1)(c), 21(1))'
    );
