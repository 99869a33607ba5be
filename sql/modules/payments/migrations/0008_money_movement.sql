-- Money movement: idempotency keys of callers, and the outbox of requests to providers.

CREATE TABLE saas.idempotency_keys (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    key text NOT NULL,
    operation text NOT NULL,
    request_sha256 bytea NOT NULL,
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT idempotency_keys_team_id_key_key UNIQUE (team_id, key),
    CONSTRAINT idempotency_keys_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_operation_check CHECK (operation ~ '^[a-z][a-z0-9_]*$'),
    CONSTRAINT idempotency_keys_request_sha256_check CHECK (octet_length(request_sha256) = 32),
    CONSTRAINT idempotency_keys_expires_at_check CHECK (expires_at > created_at)
);
CREATE INDEX idempotency_keys_expires_at_idx ON saas.idempotency_keys (expires_at);

CREATE TABLE saas.provider_requests (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    kind text NOT NULL,
    ask text NOT NULL DEFAULT 'send',
    payment_intent_id uuid,
    payment_id uuid,
    payment_transaction_id uuid,
    refund_id uuid,
    request jsonb NOT NULL,
    status text NOT NULL DEFAULT 'queued',
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL DEFAULT 12,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    worker text,
    last_outcome text,
    response jsonb,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT provider_requests_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT provider_requests_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT provider_requests_team_id_payment_intent_id_fkey
        FOREIGN KEY (team_id, payment_intent_id) REFERENCES saas.payment_intents (team_id, id),
    CONSTRAINT provider_requests_team_id_payment_id_fkey
        FOREIGN KEY (team_id, payment_id) REFERENCES saas.payments (team_id, id),
    CONSTRAINT provider_requests_team_id_payment_transaction_id_fkey
        FOREIGN KEY (team_id, payment_transaction_id) REFERENCES saas.payment_transactions (team_id, id),
    CONSTRAINT provider_requests_team_id_refund_id_fkey
        FOREIGN KEY (team_id, refund_id) REFERENCES saas.refunds (team_id, id),
    CONSTRAINT provider_requests_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT provider_requests_kind_check CHECK (
        CASE kind
            WHEN 'create_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'confirm_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'cancel_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'capture' THEN payment_id IS NOT NULL AND payment_transaction_id IS NOT NULL
            WHEN 'refund' THEN
                payment_id IS NOT NULL AND payment_transaction_id IS NOT NULL AND refund_id IS NOT NULL
            ELSE false
        END
    ),
    CONSTRAINT provider_requests_ask_check CHECK (ask IN ('send', 'lookup')),
    CONSTRAINT provider_requests_request_check CHECK (jsonb_typeof(request) = 'object'),
    CONSTRAINT provider_requests_status_check CHECK (
        status IN ('queued', 'claimed', 'succeeded', 'failed', 'dead', 'canceled')
    ),
    CONSTRAINT provider_requests_attempts_check CHECK (attempts >= 0),
    CONSTRAINT provider_requests_max_attempts_check CHECK (max_attempts BETWEEN 1 AND 100),
    CONSTRAINT provider_requests_worker_check CHECK (length(worker) BETWEEN 1 AND 200),
    CONSTRAINT provider_requests_last_outcome_check CHECK (
        last_outcome IN ('succeeded', 'pending', 'failed', 'retry', 'unknown', 'not_found')
    ),
    CONSTRAINT provider_requests_response_check CHECK (jsonb_typeof(response) = 'object'),
    CONSTRAINT provider_requests_completed_at_check CHECK (
        (completed_at IS NOT NULL) = (status NOT IN ('queued', 'claimed'))
    )
);
-- What may be claimed: what waits for its turn, and what a worker holds beyond its lease.
CREATE INDEX provider_requests_provider_next_attempt_at_idx
ON saas.provider_requests (provider, next_attempt_at)
WHERE status IN ('queued', 'claimed');
-- An intent is not created, confirmed or canceled twice at a time, nor a payment captured.
CREATE UNIQUE INDEX provider_requests_team_id_payment_intent_id_kind_live_key
ON saas.provider_requests (team_id, payment_intent_id, kind)
WHERE status IN ('queued', 'claimed') AND kind IN ('create_intent', 'confirm_intent', 'cancel_intent');
CREATE INDEX provider_requests_team_id_payment_intent_id_idx
ON saas.provider_requests (team_id, payment_intent_id);
CREATE INDEX provider_requests_team_id_payment_id_idx ON saas.provider_requests (team_id, payment_id);
CREATE INDEX provider_requests_team_id_payment_transaction_id_idx
ON saas.provider_requests (team_id, payment_transaction_id);
CREATE INDEX provider_requests_team_id_refund_id_idx ON saas.provider_requests (team_id, refund_id);

INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('provider_request', 10, 'create', NULL, 'queued'),
    ('provider_request', 20, 'claim', 'queued', 'claimed'),
    ('provider_request', 30, 'cancel', 'queued', 'canceled'),
    ('provider_request', 40, 'retry', 'claimed', 'queued'),
    ('provider_request', 50, 'give_up', 'claimed', 'dead'),
    ('provider_request', 60, 'fail', 'claimed', 'failed'),
    ('provider_request', 70, 'succeed', 'claimed', 'succeeded'),
    ('provider_request', 80, 'ask_again', 'dead', 'queued');
