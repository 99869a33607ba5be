-- The double-entry ledger: what payments, refunds, disputes, fees and payouts come to, told a second time
-- and independently.

CREATE TABLE saas.ledger_accounts (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    kind text NOT NULL,
    provider text,
    currency char(3) NOT NULL,
    normal_side text NOT NULL,
    allow_negative boolean NOT NULL DEFAULT true,
    stripes smallint NOT NULL DEFAULT 16,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_accounts_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT ledger_accounts_team_id_kind_provider_currency_key
        UNIQUE NULLS NOT DISTINCT (team_id, kind, provider, currency),
    -- What an entry refers to, so that it can be in no other currency than its account's.
    CONSTRAINT ledger_accounts_team_id_id_currency_key UNIQUE (team_id, id, currency),
    CONSTRAINT ledger_accounts_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT ledger_accounts_kind_check CHECK (
        kind IN (
            'provider_balance', 'sales', 'refunds', 'provider_fees', 'disputed_funds', 'dispute_losses',
            'payouts_in_transit', 'bank', 'reserve', 'currency_exchange', 'adjustments'
        )
    ),
    CONSTRAINT ledger_accounts_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ledger_accounts_normal_side_check CHECK (normal_side IN ('debit', 'credit')),
    -- A balance that must not become negative is one number, or nothing could refuse it.
    CONSTRAINT ledger_accounts_stripes_check CHECK (
        stripes >= 1 AND stripes <= 256 AND (allow_negative OR stripes = 1)
    )
);

CREATE TABLE saas.ledger_transactions (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    kind text NOT NULL,
    ref_table text,
    ref_id uuid,
    idempotency_key text,
    description text,
    effective_at timestamptz NOT NULL,
    posted_at timestamptz NOT NULL DEFAULT now(),
    xact_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT ledger_transactions_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT ledger_transactions_team_id_idempotency_key_key UNIQUE (team_id, idempotency_key),
    CONSTRAINT ledger_transactions_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT ledger_transactions_kind_check CHECK (
        kind IN (
            'capture', 'refund', 'refund_returned', 'fee', 'fee_returned', 'dispute_withdrawn',
            'dispute_reinstated', 'dispute_lost', 'dispute_fee', 'payout', 'payout_paid',
            'payout_returned', 'reserve_held', 'reserve_released', 'exchange', 'adjustment'
        )
    ),
    CONSTRAINT ledger_transactions_ref_check CHECK ((ref_table IS NULL) = (ref_id IS NULL)),
    CONSTRAINT ledger_transactions_idempotency_key_check CHECK (
        length(idempotency_key) BETWEEN 1 AND 255
    ),
    CONSTRAINT ledger_transactions_description_check CHECK (length(description) <= 1000)
);
CREATE INDEX ledger_transactions_team_id_ref_id_idx ON saas.ledger_transactions (team_id, ref_id)
WHERE ref_id IS NOT NULL;

CREATE TABLE saas.ledger_entries (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    transaction_id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    layer text NOT NULL DEFAULT 'posted',
    effective_at timestamptz NOT NULL,
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT ledger_entries_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT ledger_entries_team_id_transaction_id_fkey
        FOREIGN KEY (team_id, transaction_id) REFERENCES saas.ledger_transactions (team_id, id)
        ON DELETE CASCADE,
    CONSTRAINT ledger_entries_team_id_account_id_currency_fkey
        FOREIGN KEY (team_id, account_id, currency)
        REFERENCES saas.ledger_accounts (team_id, id, currency) ON DELETE CASCADE,
    CONSTRAINT ledger_entries_amount_check CHECK (amount <> 0),
    CONSTRAINT ledger_entries_layer_check CHECK (layer IN ('posted', 'pending'))
);
CREATE INDEX ledger_entries_team_id_transaction_id_idx
ON saas.ledger_entries (team_id, transaction_id);
CREATE INDEX ledger_entries_team_id_account_id_currency_effective_at_idx
ON saas.ledger_entries (team_id, account_id, currency, effective_at);

CREATE TABLE saas.ledger_balances (
    team_id uuid NOT NULL,
    account_id uuid NOT NULL,
    stripe smallint NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
    allow_negative boolean NOT NULL,
    CONSTRAINT ledger_balances_pkey PRIMARY KEY (team_id, account_id, stripe),
    CONSTRAINT ledger_balances_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT ledger_balances_team_id_account_id_fkey
        FOREIGN KEY (team_id, account_id) REFERENCES saas.ledger_accounts (team_id, id)
        ON DELETE CASCADE,
    CONSTRAINT ledger_balances_balance_check CHECK (allow_negative OR balance >= 0)
) WITH (fillfactor = 50);
