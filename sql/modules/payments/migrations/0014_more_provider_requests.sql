-- Requests to providers about payouts, disputes and payment methods.
ALTER TABLE saas.provider_requests
    ADD COLUMN payout_id uuid,
    ADD COLUMN payment_dispute_id uuid,
    ADD COLUMN payment_method_token_id uuid,
    ADD CONSTRAINT provider_requests_team_id_payout_id_fkey
        FOREIGN KEY (team_id, payout_id) REFERENCES saas.payouts (team_id, id),
    ADD CONSTRAINT provider_requests_team_id_payment_dispute_id_fkey
        FOREIGN KEY (team_id, payment_dispute_id) REFERENCES saas.payment_disputes (team_id, id),
    ADD CONSTRAINT provider_requests_team_id_payment_method_token_id_fkey
        FOREIGN KEY (team_id, payment_method_token_id) REFERENCES saas.payment_method_tokens (team_id, id),
    DROP CONSTRAINT provider_requests_kind_check,
    ADD CONSTRAINT provider_requests_kind_check CHECK (
        CASE kind
            WHEN 'create_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'confirm_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'cancel_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'capture' THEN payment_id IS NOT NULL AND payment_transaction_id IS NOT NULL
            WHEN 'refund' THEN
                payment_id IS NOT NULL AND payment_transaction_id IS NOT NULL AND refund_id IS NOT NULL
            WHEN 'create_payout' THEN payout_id IS NOT NULL
            WHEN 'submit_dispute' THEN payment_dispute_id IS NOT NULL
            WHEN 'detach_payment_method' THEN payment_method_token_id IS NOT NULL
            ELSE false
        END
    );
CREATE INDEX provider_requests_team_id_payout_id_idx ON saas.provider_requests (team_id, payout_id);
CREATE INDEX provider_requests_team_id_payment_dispute_id_idx
ON saas.provider_requests (team_id, payment_dispute_id);
CREATE INDEX provider_requests_team_id_payment_method_token_id_idx
ON saas.provider_requests (team_id, payment_method_token_id);
-- A payout is asked for once, whatever becomes of the request; evidence is submitted once at a time.
CREATE UNIQUE INDEX provider_requests_team_id_payout_id_key
ON saas.provider_requests (team_id, payout_id)
WHERE payout_id IS NOT NULL;
CREATE UNIQUE INDEX provider_requests_team_id_payment_dispute_id_live_key
ON saas.provider_requests (team_id, payment_dispute_id)
WHERE status IN ('queued', 'claimed') AND payment_dispute_id IS NOT NULL;
