-- The ledger is append-only: what was posted of this kind stays, and no more is.
ALTER TABLE saas.ledger_transactions
    DROP CONSTRAINT ledger_transactions_kind_check,
    ADD CONSTRAINT ledger_transactions_kind_check CHECK (
        kind IN (
            'capture', 'refund', 'refund_returned', 'fee', 'fee_returned', 'dispute_withdrawn',
            'dispute_reinstated', 'dispute_lost', 'dispute_fee', 'payout', 'payout_paid',
            'payout_returned', 'reserve_held', 'reserve_released', 'exchange', 'adjustment'
        )
    ) NOT VALID;
