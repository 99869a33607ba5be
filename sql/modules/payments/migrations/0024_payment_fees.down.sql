-- Row-level security of that table, where it is on already, would refuse its owner.
ALTER TABLE saas.provider_object_keys NO FORCE ROW LEVEL SECURITY;
DELETE FROM saas.provider_object_keys
WHERE key IN (
        'balance_transaction', 'application_fee', 'application_fee_amount', 'transfer_data',
        'seller_receivable_breakdown', 'transaction_fee', 'seller_payable_breakdown', 'payout_item_fee',
        'processing_fee', 'app_fee_money', 'payout_fee', 'fees', 'tax', 'base_currency'
    )
    OR (key = 'fee' AND object <> 'dispute');
ALTER TABLE saas.provider_object_keys FORCE ROW LEVEL SECURITY;
DROP TABLE saas.payment_fees;
