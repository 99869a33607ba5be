-- Disputes with their evidence and deadlines, and payouts, as providers report them.

ALTER TABLE saas.payments
    ADD COLUMN disputed_total bigint NOT NULL DEFAULT 0,
    -- No money is both refunded and disputed. Providers may still take both: the payment is overdrawn then.
    ADD COLUMN amount_disputed bigint
        GENERATED ALWAYS AS (LEAST(disputed_total, amount_captured - amount_refunded)) STORED,
    ADD COLUMN is_overdrawn boolean
        GENERATED ALWAYS AS (disputed_total > amount_captured - amount_refunded) STORED,
    ADD COLUMN fraud_warned_at timestamptz,
    ADD CONSTRAINT payments_disputed_total_check CHECK (disputed_total >= 0),
    ADD CONSTRAINT payments_amount_disputed_check CHECK (
        amount_disputed >= 0 AND amount_refunded + amount_disputed <= amount_captured
    );

CREATE TABLE saas.payment_disputes (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payment_id uuid NOT NULL,
    provider text NOT NULL,
    provider_dispute_id text NOT NULL,
    stage text NOT NULL DEFAULT 'dispute',
    status text NOT NULL,
    status_source text NOT NULL DEFAULT 'api',
    states_seen text[] NOT NULL DEFAULT '{}',
    snapshot_at timestamptz,
    snapshot_event_id text,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    fee_amount bigint NOT NULL DEFAULT 0,
    -- What is withdrawn while the dispute is open, and what is lost for good.
    amount_withdrawn bigint
        GENERATED ALWAYS AS (
            CASE WHEN status IN ('needs_response', 'under_review', 'accepted', 'lost') THEN amount ELSE 0 END
        ) STORED,
    reason text,
    network_reason_code text,
    evidence_due_at timestamptz,
    evidence_submitted_at timestamptz,
    is_refundable boolean,
    metadata jsonb NOT NULL DEFAULT '{}',
    livemode boolean NOT NULL DEFAULT false,
    provider_created_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_disputes_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payment_disputes_team_id_provider_provider_dispute_id_key
        UNIQUE (team_id, provider, provider_dispute_id),
    CONSTRAINT payment_disputes_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payment_disputes_team_id_payment_id_fkey
        FOREIGN KEY (team_id, payment_id) REFERENCES saas.payments (team_id, id),
    CONSTRAINT payment_disputes_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT payment_disputes_stage_check CHECK (
        stage IN ('pre_dispute', 'dispute', 'pre_arbitration', 'arbitration')
    ),
    CONSTRAINT payment_disputes_status_check CHECK (
        status IN (
            'prevented', 'warning_needs_response', 'warning_under_review', 'warning_closed',
            'needs_response', 'under_review', 'accepted', 'won', 'lost'
        )
    ),
    CONSTRAINT payment_disputes_status_source_check CHECK (
        status_source IN ('api', 'provider', 'conflict')
    ),
    CONSTRAINT payment_disputes_amount_check CHECK (amount > 0),
    CONSTRAINT payment_disputes_fee_amount_check CHECK (fee_amount >= 0),
    CONSTRAINT payment_disputes_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payment_disputes_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
CREATE INDEX payment_disputes_team_id_payment_id_idx ON saas.payment_disputes (team_id, payment_id);
-- What has to be answered, by its deadline.
CREATE INDEX payment_disputes_team_id_evidence_due_at_idx
ON saas.payment_disputes (team_id, evidence_due_at)
WHERE status IN ('warning_needs_response', 'needs_response');

CREATE TABLE saas.payouts (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    provider_payout_id text,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    status text NOT NULL,
    status_source text NOT NULL DEFAULT 'api',
    states_seen text[] NOT NULL DEFAULT '{}',
    snapshot_at timestamptz,
    snapshot_event_id text,
    method text,
    arrival_date date,
    failure_code text,
    failure_message text,
    metadata jsonb NOT NULL DEFAULT '{}',
    livemode boolean NOT NULL DEFAULT false,
    provider_created_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payouts_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payouts_team_id_provider_provider_payout_id_key
        UNIQUE (team_id, provider, provider_payout_id),
    CONSTRAINT payouts_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payouts_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT payouts_amount_check CHECK (amount > 0),
    CONSTRAINT payouts_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payouts_status_check CHECK (
        status IN (
            'scheduled', 'requires_review', 'pending', 'in_transit', 'paid', 'failed', 'canceled', 'reversed'
        )
    ),
    CONSTRAINT payouts_status_source_check CHECK (status_source IN ('api', 'provider', 'conflict')),
    CONSTRAINT payouts_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

-- A dispute that rises to a higher stage begins again there: within a stage it does not go back.
INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('dispute', 10, 'inquire', NULL, 'warning_needs_response'),
    ('dispute', 20, 'open', NULL, 'needs_response'),
    ('dispute', 30, 'prevent', NULL, 'prevented'),
    ('dispute', 40, 'respond', 'warning_needs_response', 'warning_under_review'),
    ('dispute', 50, 'close', 'warning_needs_response', 'warning_closed'),
    ('dispute', 60, 'open', 'warning_needs_response', 'needs_response'),
    ('dispute', 70, 'prevent', 'warning_needs_response', 'prevented'),
    ('dispute', 80, 'close', 'warning_under_review', 'warning_closed'),
    ('dispute', 90, 'open', 'warning_under_review', 'needs_response'),
    ('dispute', 100, 'respond', 'needs_response', 'under_review'),
    ('dispute', 110, 'accept', 'needs_response', 'accepted'),
    ('dispute', 120, 'win', 'needs_response', 'won'),
    ('dispute', 130, 'lose', 'needs_response', 'lost'),
    ('dispute', 140, 'win', 'under_review', 'won'),
    ('dispute', 150, 'lose', 'under_review', 'lost'),
    ('dispute', 160, 'lose', 'accepted', 'lost'),
    ('payout', 10, 'schedule', NULL, 'scheduled'),
    ('payout', 20, 'create', NULL, 'pending'),
    ('payout', 30, 'hold', 'scheduled', 'requires_review'),
    ('payout', 40, 'send', 'scheduled', 'pending'),
    ('payout', 50, 'cancel', 'scheduled', 'canceled'),
    ('payout', 60, 'approve', 'requires_review', 'pending'),
    ('payout', 70, 'cancel', 'requires_review', 'canceled'),
    ('payout', 80, 'transfer', 'pending', 'in_transit'),
    ('payout', 90, 'cancel', 'pending', 'canceled'),
    ('payout', 100, 'pay', 'pending', 'paid'),
    ('payout', 110, 'fail', 'pending', 'failed'),
    ('payout', 120, 'pay', 'in_transit', 'paid'),
    ('payout', 130, 'fail', 'in_transit', 'failed'),
    ('payout', 140, 'bounce', 'paid', 'failed'),
    ('payout', 150, 'reverse', 'paid', 'reversed');
