-- Rows that only newer definitions know would break the checks of older ones: they have to go first.
DELETE FROM saas.provider_currency_exponents WHERE provider <> 'stripe';
DELETE FROM saas.state_transitions WHERE machine = 'webhook_event' AND ordinal >= 270;
DROP TABLE saas.webhook_certificates;
DROP INDEX saas.webhook_events_team_id_provider_waits_for_certificate_idx;
DELETE FROM saas.webhook_events WHERE status IN ('cert_needed', 'unconfirmed');
ALTER TABLE saas.webhook_events
    DROP CONSTRAINT webhook_events_provider_event_id_check,
    DROP CONSTRAINT webhook_events_status_check,
    DROP CONSTRAINT webhook_events_payload_check,
    DROP CONSTRAINT webhook_events_raw_body_check,
    DROP CONSTRAINT webhook_events_waits_for_check,
    DROP COLUMN raw_headers,
    DROP COLUMN raw_body,
    DROP COLUMN raw_url,
    DROP COLUMN confirmed_at,
    ADD CONSTRAINT webhook_events_provider_event_id_check CHECK (
        CASE
            WHEN status = 'rejected' THEN provider_event_id IS NULL
            ELSE length(provider_event_id) BETWEEN 1 AND 255
        END
    ),
    ADD CONSTRAINT webhook_events_status_check CHECK (
        status IN (
            'rejected', 'ignored', 'superseded', 'conflict', 'processed', 'deferred', 'failed', 'dead'
        )
    ),
    ADD CONSTRAINT webhook_events_payload_check CHECK (status <> 'rejected' OR payload IS NULL),
    ADD CONSTRAINT webhook_events_waits_for_check CHECK ((status = 'deferred') = (waits_for IS NOT NULL));
DROP INDEX saas.payment_transactions_team_id_provider_reference_idx;
ALTER TABLE saas.payments
    DROP COLUMN integrity_hold,
    DROP COLUMN integrity_note,
    DROP COLUMN integrity_resolved_at,
    DROP COLUMN integrity_resolved_by,
    DROP COLUMN integrity_resolved,
    DROP COLUMN integrity_issue,
    DROP COLUMN disagreements,
    DROP COLUMN facts_event_id,
    DROP COLUMN facts_at,
    DROP COLUMN facts_status,
    DROP COLUMN lists_captures;
ALTER TABLE saas.payment_intents DROP COLUMN disagreements;
ALTER TABLE saas.payment_providers DROP COLUMN captures_automatically;
