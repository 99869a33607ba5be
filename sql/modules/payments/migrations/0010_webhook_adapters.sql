-- Webhooks of all providers: what their events and states mean, certificates, confirmation, and payments on
-- hold because amounts or currencies disagree.

-- Functions whose arguments change.
DROP FUNCTION IF EXISTS saas.apply_stripe_event(uuid, jsonb);
DROP FUNCTION IF EXISTS saas.apply_stripe_fraud_warning(uuid, jsonb, timestamptz);
DROP FUNCTION IF EXISTS saas.attempt_webhook(uuid, text, bytea, jsonb);
DROP FUNCTION IF EXISTS saas.record_charge_operations(saas.payments);
DROP FUNCTION IF EXISTS saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean);

-- standard and svix: whoever sends webhooks by Standard Webhooks with our own neutral body.
ALTER TABLE saas.provider_currency_exponents
    DROP CONSTRAINT provider_currency_exponents_provider_check,
    ADD CONSTRAINT provider_currency_exponents_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    );
ALTER TABLE saas.payment_providers
    DROP CONSTRAINT payment_providers_provider_check,
    ADD CONSTRAINT payment_providers_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    ),
    ADD COLUMN captures_automatically boolean NOT NULL DEFAULT false;
ALTER TABLE saas.payment_intents
    DROP CONSTRAINT payment_intents_provider_check,
    ADD CONSTRAINT payment_intents_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    ),
    ADD COLUMN disagreements text[] NOT NULL DEFAULT '{}';
ALTER TABLE saas.refunds
    DROP CONSTRAINT refunds_provider_check,
    ADD CONSTRAINT refunds_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    );
ALTER TABLE saas.payment_disputes
    DROP CONSTRAINT payment_disputes_provider_check,
    ADD CONSTRAINT payment_disputes_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    );
ALTER TABLE saas.payouts
    DROP CONSTRAINT payouts_provider_check,
    ADD CONSTRAINT payouts_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    );
ALTER TABLE saas.provider_requests
    DROP CONSTRAINT provider_requests_provider_check,
    ADD CONSTRAINT provider_requests_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    );

ALTER TABLE saas.payments
    DROP CONSTRAINT payments_provider_check,
    ADD CONSTRAINT payments_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    ),
    -- Whether the provider names each capture; what is captured is their sum then.
    ADD COLUMN lists_captures boolean NOT NULL DEFAULT false,
    -- Which snapshot the description is from, where a later one told of the state alone.
    ADD COLUMN facts_status text,
    ADD COLUMN facts_at timestamptz,
    ADD COLUMN facts_event_id text,
    -- What snapshots said of amounts and currencies that cannot be.
    ADD COLUMN disagreements text[] NOT NULL DEFAULT '{}',
    ADD COLUMN integrity_issue text,
    ADD COLUMN integrity_resolved text,
    ADD COLUMN integrity_resolved_by uuid,
    ADD COLUMN integrity_resolved_at timestamptz,
    ADD COLUMN integrity_note text,
    ADD COLUMN integrity_hold boolean
        GENERATED ALWAYS AS (
            integrity_issue IS NOT NULL AND integrity_issue IS DISTINCT FROM integrity_resolved
        ) STORED,
    ADD CONSTRAINT payments_integrity_note_check CHECK (length(integrity_note) BETWEEN 1 AND 1000);
CREATE INDEX payments_team_id_provider_currency_held_idx ON saas.payments (team_id, provider, currency)
WHERE integrity_hold;
-- Refunds and disputes of some providers name a capture, not its payment.
CREATE INDEX payment_transactions_team_id_provider_reference_idx
ON saas.payment_transactions (team_id, provider_reference)
WHERE operation = 'capture';

ALTER TABLE saas.webhook_events
    DROP CONSTRAINT webhook_events_provider_event_id_check,
    DROP CONSTRAINT webhook_events_status_check,
    DROP CONSTRAINT webhook_events_payload_check,
    DROP CONSTRAINT webhook_events_waits_for_check,
    -- As it was delivered, until it can be verified.
    ADD COLUMN raw_headers jsonb,
    ADD COLUMN raw_body bytea,
    ADD COLUMN raw_url text,
    ADD COLUMN confirmed_at timestamptz,
    ADD CONSTRAINT webhook_events_provider_event_id_check CHECK (
        CASE
            WHEN status IN ('rejected', 'cert_needed') THEN provider_event_id IS NULL
            ELSE length(provider_event_id) BETWEEN 1 AND 255
        END
    ),
    ADD CONSTRAINT webhook_events_status_check CHECK (
        status IN (
            'rejected', 'cert_needed', 'unconfirmed', 'ignored', 'superseded', 'conflict', 'processed',
            'deferred', 'failed', 'dead'
        )
    ),
    ADD CONSTRAINT webhook_events_payload_check CHECK (
        status NOT IN ('rejected', 'cert_needed') OR payload IS NULL
    ),
    ADD CONSTRAINT webhook_events_raw_body_check CHECK (
        (status = 'cert_needed') = (raw_body IS NOT NULL)
        AND (status = 'cert_needed') = (raw_headers IS NOT NULL)
    ),
    ADD CONSTRAINT webhook_events_waits_for_check CHECK (
        (status IN ('deferred', 'cert_needed')) = (waits_for IS NOT NULL)
    );
CREATE INDEX webhook_events_team_id_provider_waits_for_certificate_idx
ON saas.webhook_events (team_id, provider, waits_for)
WHERE status = 'cert_needed';

-- Certificates that providers sign webhooks with, by the address they are fetched from.
CREATE TABLE saas.webhook_certificates (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    url text NOT NULL,
    pem text NOT NULL,
    subject text NOT NULL,
    sha256 bytea NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_certificates_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT webhook_certificates_team_id_provider_url_key UNIQUE (team_id, provider, url),
    CONSTRAINT webhook_certificates_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT webhook_certificates_provider_check CHECK (provider IN ('paypal')),
    CONSTRAINT webhook_certificates_url_check CHECK (length(url) BETWEEN 1 AND 512),
    CONSTRAINT webhook_certificates_pem_check CHECK (length(pem) BETWEEN 1 AND 65536),
    CONSTRAINT webhook_certificates_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT webhook_certificates_not_after_check CHECK (not_after > not_before)
);

INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('webhook_event', 270, 'await_certificate', 'received', 'cert_needed'),
    ('webhook_event', 280, 'verify', 'cert_needed', 'verified'),
    ('webhook_event', 290, 'reject', 'cert_needed', 'rejected'),
    ('webhook_event', 300, 'await_confirmation', 'verified', 'unconfirmed'),
    ('webhook_event', 310, 'confirm', 'unconfirmed', 'processed'),
    ('webhook_event', 320, 'confirm', 'unconfirmed', 'superseded'),
    ('webhook_event', 330, 'confirm', 'unconfirmed', 'conflict'),
    ('webhook_event', 340, 'confirm', 'unconfirmed', 'deferred'),
    ('webhook_event', 350, 'confirm', 'unconfirmed', 'failed'),
    ('webhook_event', 360, 'confirm', 'unconfirmed', 'ignored'),
    ('webhook_event', 370, 'deny', 'unconfirmed', 'dead'),
    ('webhook_event', 380, 'replay', 'ignored', 'processed'),
    ('webhook_event', 390, 'replay', 'ignored', 'superseded'),
    ('webhook_event', 400, 'replay', 'ignored', 'conflict'),
    ('webhook_event', 410, 'replay', 'ignored', 'deferred'),
    ('webhook_event', 420, 'replay', 'ignored', 'failed'),
    ('webhook_event', 430, 'replay', 'ignored', 'unconfirmed'),
    ('webhook_event', 440, 'replay', 'dead', 'processed'),
    ('webhook_event', 450, 'replay', 'dead', 'superseded'),
    ('webhook_event', 460, 'replay', 'dead', 'conflict'),
    ('webhook_event', 470, 'replay', 'dead', 'deferred'),
    ('webhook_event', 480, 'replay', 'dead', 'failed'),
    ('webhook_event', 490, 'replay', 'dead', 'ignored');

-- Adyen counts four currencies otherwise than ISO 4217; PayPal and the neutral body do not, nor does Square.
-- Razorpay's amounts of three decimals end in 0.
INSERT INTO saas.provider_currency_exponents (provider, currency, purpose, exponent, multiple_of)
VALUES
    ('adyen', 'CLP', 'charge', 2, 100),
    ('adyen', 'CVE', 'charge', 0, 1),
    ('adyen', 'IDR', 'charge', 0, 1),
    ('adyen', 'ISK', 'charge', 2, 100),
    ('razorpay', 'BHD', 'charge', 3, 10),
    ('razorpay', 'KWD', 'charge', 3, 10),
    ('razorpay', 'OMR', 'charge', 3, 10);
