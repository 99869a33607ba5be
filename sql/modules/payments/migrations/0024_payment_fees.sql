-- What providers take for their services: of payments, refunds and payouts.
CREATE TABLE saas.payment_fees (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    kind text NOT NULL,
    provider_reference text NOT NULL,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    occurred_at timestamptz NOT NULL,
    snapshot_at timestamptz NOT NULL,
    snapshot_event_id text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_fees_pkey PRIMARY KEY (team_id, id),
    -- One fee of a kind for each object of a provider: what is told of it again is the same fee.
    CONSTRAINT payment_fees_team_id_provider_provider_reference_kind_key
        UNIQUE (team_id, provider, provider_reference, kind),
    CONSTRAINT payment_fees_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payment_fees_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    ),
    CONSTRAINT payment_fees_kind_check CHECK (kind IN ('processing', 'application', 'transfer')),
    CONSTRAINT payment_fees_provider_reference_check CHECK (
        length(provider_reference) >= 1 AND length(provider_reference) <= 255
    ),
    CONSTRAINT payment_fees_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payment_fees_snapshot_event_id_check CHECK (length(snapshot_event_id) <= 255)
);
CREATE INDEX payment_fees_team_id_occurred_at_idx ON saas.payment_fees (team_id, occurred_at);

-- Members of objects that are read now.
-- Row-level security of that table, where it is on already, would refuse its owner.
ALTER TABLE saas.provider_object_keys NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.provider_object_keys (provider, object, key)
VALUES
    ('stripe', 'charge', 'balance_transaction'),
    ('stripe', 'charge', 'application_fee'),
    ('stripe', 'charge', 'application_fee_amount'),
    ('stripe', 'charge', 'transfer_data'),
    ('stripe', 'refund', 'balance_transaction'),
    ('stripe', 'payout', 'balance_transaction'),
    ('paypal', 'capture', 'seller_receivable_breakdown'),
    ('paypal', 'sale', 'transaction_fee'),
    ('paypal', 'refund', 'seller_payable_breakdown'),
    ('paypal', 'payouts_item', 'payout_item_fee'),
    ('square', 'payment', 'processing_fee'),
    ('square', 'payment', 'app_fee_money'),
    ('square', 'refund', 'processing_fee'),
    ('square', 'refund', 'app_fee_money'),
    ('square', 'payout', 'payout_fee'),
    ('razorpay', 'payment', 'fee'),
    ('razorpay', 'payment', 'tax'),
    ('razorpay', 'payment', 'base_currency'),
    ('razorpay', 'payout', 'fees'),
    ('razorpay', 'payout', 'tax'),
    ('standard', 'payment', 'fee'),
    ('standard', 'capture', 'fee'),
    ('standard', 'refund', 'fee'),
    ('standard', 'payout', 'fee'),
    ('svix', 'payment', 'fee'),
    ('svix', 'capture', 'fee'),
    ('svix', 'refund', 'fee'),
    ('svix', 'payout', 'fee');
ALTER TABLE saas.provider_object_keys FORCE ROW LEVEL SECURITY;
