-- Fraud: lists that rules name as @alias, with the history of their entries; exchange rates; what the
-- check of a rule had to say.

CREATE TABLE saas.fraud_lists (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    alias text NOT NULL,
    kind text NOT NULL,
    description text,
    created_by uuid DEFAULT saas.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fraud_lists_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_lists_team_id_alias_key UNIQUE (team_id, alias),
    CONSTRAINT fraud_lists_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_lists_created_by_fkey
        FOREIGN KEY (created_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT fraud_lists_alias_check CHECK (alias ~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$'),
    CONSTRAINT fraud_lists_kind_check CHECK (
        kind IN (
            'string', 'case_sensitive_string', 'email', 'domain', 'ip', 'country', 'bin',
            'card_fingerprint', 'customer'
        )
    ),
    CONSTRAINT fraud_lists_description_check CHECK (length(description) <= 2000)
);
CREATE INDEX fraud_lists_created_by_idx ON saas.fraud_lists (created_by);

CREATE TABLE saas.fraud_list_items (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    list_id uuid NOT NULL,
    value text NOT NULL,
    reason text,
    expires_at timestamptz,
    created_by uuid DEFAULT saas.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fraud_list_items_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_list_items_team_id_list_id_value_key UNIQUE (team_id, list_id, value),
    CONSTRAINT fraud_list_items_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_list_items_team_id_list_id_fkey
        FOREIGN KEY (team_id, list_id) REFERENCES saas.fraud_lists (team_id, id) ON DELETE CASCADE,
    CONSTRAINT fraud_list_items_created_by_fkey
        FOREIGN KEY (created_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT fraud_list_items_value_check CHECK (octet_length(value) BETWEEN 1 AND 512),
    CONSTRAINT fraud_list_items_reason_check CHECK (length(reason) <= 2000)
);
CREATE INDEX fraud_list_items_created_by_idx ON saas.fraud_list_items (created_by);

-- Every change of an entry: what sessions that keep a list in memory read, and how the list looked at
-- the time of a former decision. xact_id tells those committed since a snapshot from the others.
CREATE TABLE saas.fraud_list_changes (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    list_id uuid NOT NULL,
    value text NOT NULL,
    present boolean NOT NULL,
    expires_at timestamptz,
    xact_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fraud_list_changes_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT fraud_list_changes_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT fraud_list_changes_team_id_list_id_fkey
        FOREIGN KEY (team_id, list_id) REFERENCES saas.fraud_lists (team_id, id) ON DELETE CASCADE
);
CREATE INDEX fraud_list_changes_team_id_list_id_xact_id_idx
ON saas.fraud_list_changes (team_id, list_id, xact_id);
CREATE INDEX fraud_list_changes_team_id_list_id_value_changed_at_idx
ON saas.fraud_list_changes (team_id, list_id, value, changed_at);

CREATE TABLE saas.exchange_rates (
    base_currency char(3) NOT NULL,
    quote_currency char(3) NOT NULL,
    as_of timestamptz NOT NULL,
    rate numeric NOT NULL,
    source text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT exchange_rates_pkey PRIMARY KEY (base_currency, quote_currency, as_of),
    CONSTRAINT exchange_rates_base_currency_fkey
        FOREIGN KEY (base_currency) REFERENCES saas.currencies (code),
    CONSTRAINT exchange_rates_quote_currency_fkey
        FOREIGN KEY (quote_currency) REFERENCES saas.currencies (code),
    CONSTRAINT exchange_rates_quote_currency_check CHECK (quote_currency <> base_currency),
    CONSTRAINT exchange_rates_rate_check CHECK (rate > 0 AND rate < 1e15),
    CONSTRAINT exchange_rates_source_check CHECK (length(source) BETWEEN 1 AND 200)
);
CREATE INDEX exchange_rates_quote_currency_idx ON saas.exchange_rates (quote_currency);

ALTER TABLE saas.fraud_detection_rules ADD COLUMN warnings jsonb NOT NULL DEFAULT '[]';
ALTER TABLE saas.fraud_detection_rules
ADD CONSTRAINT fraud_detection_rules_warnings_check CHECK (jsonb_typeof(warnings) = 'array');
