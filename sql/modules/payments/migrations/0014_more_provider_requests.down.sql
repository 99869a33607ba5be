DELETE FROM saas.provider_requests
WHERE kind IN ('create_payout', 'submit_dispute', 'detach_payment_method');
ALTER TABLE saas.provider_requests
    DROP CONSTRAINT provider_requests_kind_check,
    DROP COLUMN payout_id,
    DROP COLUMN payment_dispute_id,
    DROP COLUMN payment_method_token_id,
    ADD CONSTRAINT provider_requests_kind_check CHECK (
        CASE kind
            WHEN 'create_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'confirm_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'cancel_intent' THEN payment_intent_id IS NOT NULL
            WHEN 'capture' THEN payment_id IS NOT NULL AND payment_transaction_id IS NOT NULL
            WHEN 'refund' THEN
                payment_id IS NOT NULL AND payment_transaction_id IS NOT NULL AND refund_id IS NOT NULL
            ELSE false
        END
    );
