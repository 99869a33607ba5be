-- Payments as their providers report them: providers, intents, payments with their operations,
-- refunds, and the webhook deliveries that all of it came from.

CREATE TABLE saas.payment_providers (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    display_name text NOT NULL,
    webhook_secrets bytea[] NOT NULL DEFAULT '{}',
    webhook_tolerance_seconds integer NOT NULL DEFAULT 300,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_providers_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payment_providers_team_id_provider_key UNIQUE (team_id, provider),
    CONSTRAINT payment_providers_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payment_providers_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT payment_providers_display_name_check CHECK (length(display_name) BETWEEN 1 AND 200),
    CONSTRAINT payment_providers_webhook_secrets_check CHECK (
        cardinality(webhook_secrets) <= 8
        AND array_position(webhook_secrets, NULL) IS NULL
        AND array_position(webhook_secrets, ''::bytea) IS NULL
    ),
    CONSTRAINT payment_providers_webhook_tolerance_seconds_check CHECK (
        webhook_tolerance_seconds BETWEEN 1 AND 86400
    )
);

CREATE TABLE saas.payment_intents (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    provider_intent_id text,
    amount bigint NOT NULL,
    amount_capturable bigint NOT NULL DEFAULT 0,
    amount_received bigint NOT NULL DEFAULT 0,
    currency char(3) NOT NULL,
    status text NOT NULL,
    status_source text NOT NULL DEFAULT 'api',
    states_seen text[] NOT NULL DEFAULT '{}',
    snapshot_at timestamptz,
    snapshot_event_id text,
    capture_method text,
    description text,
    provider_customer_id text,
    provider_payment_method_id text,
    last_error_code text,
    last_error_decline_code text,
    last_error_message text,
    cancellation_reason text,
    canceled_at timestamptz,
    attributes jsonb NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    livemode boolean NOT NULL DEFAULT false,
    provider_created_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_intents_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payment_intents_team_id_provider_provider_intent_id_key
        UNIQUE (team_id, provider, provider_intent_id),
    CONSTRAINT payment_intents_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payment_intents_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT payment_intents_amount_check CHECK (amount >= 0),
    CONSTRAINT payment_intents_amount_capturable_check CHECK (amount_capturable >= 0),
    CONSTRAINT payment_intents_amount_received_check CHECK (amount_received >= 0),
    CONSTRAINT payment_intents_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payment_intents_status_check CHECK (
        status IN (
            'requires_payment_method', 'requires_confirmation', 'requires_action', 'requires_review',
            'processing', 'requires_capture', 'partially_captured', 'succeeded', 'canceled', 'expired'
        )
    ),
    CONSTRAINT payment_intents_status_source_check CHECK (
        status_source IN ('api', 'provider', 'conflict')
    ),
    CONSTRAINT payment_intents_attributes_check CHECK (jsonb_typeof(attributes) = 'object'),
    CONSTRAINT payment_intents_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE TABLE saas.payments (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    provider_payment_id text NOT NULL,
    provider_intent_id text,
    payment_intent_id uuid,
    amount bigint NOT NULL,
    amount_captured bigint NOT NULL DEFAULT 0,
    amount_refunded bigint NOT NULL DEFAULT 0,
    amount_released bigint NOT NULL DEFAULT 0,
    snapshot_refunded bigint NOT NULL DEFAULT 0,
    currency char(3) NOT NULL,
    status text NOT NULL,
    status_source text NOT NULL DEFAULT 'api',
    states_seen text[] NOT NULL DEFAULT '{}',
    snapshot_at timestamptz,
    snapshot_event_id text,
    failure_code text,
    failure_message text,
    payment_method_type text,
    card_brand text,
    card_last4 text,
    card_country text,
    card_funding text,
    card_fingerprint text,
    cvc_check text,
    address_zip_check text,
    provider_customer_id text,
    description text,
    metadata jsonb NOT NULL DEFAULT '{}',
    is_disputed boolean NOT NULL DEFAULT false,
    livemode boolean NOT NULL DEFAULT false,
    provider_created_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payments_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payments_team_id_provider_provider_payment_id_key
        UNIQUE (team_id, provider, provider_payment_id),
    CONSTRAINT payments_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payments_team_id_payment_intent_id_fkey
        FOREIGN KEY (team_id, payment_intent_id) REFERENCES saas.payment_intents (team_id, id),
    CONSTRAINT payments_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT payments_amount_check CHECK (amount >= 0),
    CONSTRAINT payments_amount_captured_check CHECK (amount_captured BETWEEN 0 AND amount),
    CONSTRAINT payments_amount_refunded_check CHECK (amount_refunded BETWEEN 0 AND amount_captured),
    CONSTRAINT payments_amount_released_check CHECK (
        amount_released >= 0 AND amount_refunded + amount_released <= amount
    ),
    CONSTRAINT payments_snapshot_refunded_check CHECK (snapshot_refunded BETWEEN 0 AND amount),
    CONSTRAINT payments_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payments_status_check CHECK (
        status IN ('pending', 'failed', 'authorized', 'voided', 'paid')
    ),
    CONSTRAINT payments_status_source_check CHECK (status_source IN ('api', 'provider', 'conflict')),
    CONSTRAINT payments_card_last4_check CHECK (card_last4 ~ '^[0-9]{1,4}$'),
    CONSTRAINT payments_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
CREATE INDEX payments_team_id_payment_intent_id_idx ON saas.payments (team_id, payment_intent_id);
-- An intent that lands after its payments finds them here.
CREATE INDEX payments_team_id_provider_provider_intent_id_idx
ON saas.payments (team_id, provider, provider_intent_id)
WHERE provider_intent_id IS NOT NULL;

CREATE TABLE saas.payment_transactions (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payment_id uuid NOT NULL,
    operation text NOT NULL,
    provider_reference text NOT NULL,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    status text NOT NULL DEFAULT 'initiated',
    status_source text NOT NULL DEFAULT 'api',
    failure_code text,
    occurred_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_transactions_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payment_transactions_team_id_payment_id_operation_reference_key
        UNIQUE (team_id, payment_id, operation, provider_reference),
    CONSTRAINT payment_transactions_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payment_transactions_team_id_payment_id_fkey
        FOREIGN KEY (team_id, payment_id) REFERENCES saas.payments (team_id, id),
    CONSTRAINT payment_transactions_operation_check CHECK (
        operation IN (
            'authorize', 'capture', 'purchase', 'void', 'refund', 'chargeback', 'credit', 'adjust'
        )
    ),
    CONSTRAINT payment_transactions_amount_check CHECK (amount >= 0),
    CONSTRAINT payment_transactions_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payment_transactions_status_check CHECK (
        status IN (
            'initiated', 'requires_action', 'pending', 'unknown', 'errored', 'succeeded', 'failed'
        )
    ),
    CONSTRAINT payment_transactions_status_source_check CHECK (
        status_source IN ('api', 'provider', 'conflict')
    )
);

CREATE TABLE saas.refunds (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payment_id uuid NOT NULL,
    provider text NOT NULL,
    provider_refund_id text,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    status text NOT NULL,
    status_source text NOT NULL DEFAULT 'api',
    states_seen text[] NOT NULL DEFAULT '{}',
    snapshot_at timestamptz,
    snapshot_event_id text,
    reason text,
    failure_reason text,
    metadata jsonb NOT NULL DEFAULT '{}',
    provider_created_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refunds_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT refunds_team_id_provider_provider_refund_id_key
        UNIQUE (team_id, provider, provider_refund_id),
    CONSTRAINT refunds_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT refunds_team_id_payment_id_fkey
        FOREIGN KEY (team_id, payment_id) REFERENCES saas.payments (team_id, id),
    CONSTRAINT refunds_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT refunds_amount_check CHECK (amount > 0),
    CONSTRAINT refunds_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT refunds_status_check CHECK (
        status IN ('requires_review', 'pending', 'requires_action', 'canceled', 'succeeded', 'failed')
    ),
    CONSTRAINT refunds_status_source_check CHECK (status_source IN ('api', 'provider', 'conflict')),
    CONSTRAINT refunds_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
CREATE INDEX refunds_team_id_payment_id_idx ON saas.refunds (team_id, payment_id);

CREATE TABLE saas.webhook_events (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    provider_event_id text,
    event_type text,
    status text NOT NULL,
    reason text,
    error_code text,
    waits_for text,
    deliveries integer NOT NULL DEFAULT 1,
    body_sha256 bytea NOT NULL,
    body_bytes integer NOT NULL,
    payload jsonb,
    secret_no integer,
    signed_at timestamptz,
    provider_created_at timestamptz,
    received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    processed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_events_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT webhook_events_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT webhook_events_provider_check CHECK (length(provider) BETWEEN 1 AND 64),
    CONSTRAINT webhook_events_provider_event_id_check CHECK (
        CASE
            WHEN status = 'rejected' THEN provider_event_id IS NULL
            ELSE length(provider_event_id) BETWEEN 1 AND 255
        END
    ),
    CONSTRAINT webhook_events_status_check CHECK (
        status IN (
            'rejected', 'ignored', 'superseded', 'conflict', 'processed', 'deferred', 'failed', 'dead'
        )
    ),
    CONSTRAINT webhook_events_payload_check CHECK (status <> 'rejected' OR payload IS NULL),
    CONSTRAINT webhook_events_waits_for_check CHECK ((status = 'deferred') = (waits_for IS NOT NULL)),
    CONSTRAINT webhook_events_deliveries_check CHECK (deliveries >= 1),
    CONSTRAINT webhook_events_body_sha256_check CHECK (octet_length(body_sha256) = 32),
    CONSTRAINT webhook_events_body_bytes_check CHECK (body_bytes >= 0)
);
-- A rejected delivery has no event id, so that a forger cannot occupy one.
CREATE UNIQUE INDEX webhook_events_team_id_provider_provider_event_id_key
ON saas.webhook_events (team_id, provider, provider_event_id)
WHERE status <> 'rejected';
CREATE INDEX webhook_events_team_id_provider_waits_for_idx
ON saas.webhook_events (team_id, provider, waits_for)
WHERE status = 'deferred';
