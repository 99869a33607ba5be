-- What each table and column of the ledger is, with its data classification.
COMMENT ON TABLE saas.ledger_accounts IS 'Accounts of the double-entry ledger: one for each kind, provider and currency of a team, opened when they are first posted to.';
COMMENT ON COLUMN saas.ledger_accounts.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.ledger_accounts.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.ledger_accounts.kind IS 'provider_balance (what the provider holds for the team), sales, refunds, provider_fees, disputed_funds (withdrawn while a dispute is open), dispute_losses, payouts_in_transit, bank, reserve, currency_exchange, adjustments. [internal]';
COMMENT ON COLUMN saas.ledger_accounts.provider IS 'The provider; NULL for accounts of the team as a whole. [internal]';
COMMENT ON COLUMN saas.ledger_accounts.currency IS 'Currency of every entry. [internal]';
COMMENT ON COLUMN saas.ledger_accounts.normal_side IS 'The side on which the balance grows: debit for assets and expenses, credit for income. [internal]';
COMMENT ON COLUMN saas.ledger_accounts.allow_negative IS 'False refuses an entry that would make the balance negative. [internal]';
COMMENT ON COLUMN saas.ledger_accounts.stripes IS 'Over how many rows of ledger_balances the balance is spread, so that sessions which post at the same time do not wait for each other. [internal]';
COMMENT ON COLUMN saas.ledger_accounts.created_at IS 'When the account was opened. [internal]';

COMMENT ON TABLE saas.ledger_transactions IS 'Transactions of the ledger: what happened, and because of which row. Append-only; a mistake is corrected by another transaction.';
COMMENT ON COLUMN saas.ledger_transactions.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.ledger_transactions.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.ledger_transactions.kind IS 'What happened: capture, refund, refund_returned, fee, and so on. [internal]';
COMMENT ON COLUMN saas.ledger_transactions.ref_table IS 'Name of the table, in schema saas, of the row that is the cause. [internal]';
COMMENT ON COLUMN saas.ledger_transactions.ref_id IS 'Identifier of that row. [internal]';
COMMENT ON COLUMN saas.ledger_transactions.idempotency_key IS 'A transaction with the same key is posted once. [internal]';
COMMENT ON COLUMN saas.ledger_transactions.description IS 'Words for people. [confidential]';
COMMENT ON COLUMN saas.ledger_transactions.effective_at IS 'When it happened, by the provider''s clock where there is one. [internal]';
COMMENT ON COLUMN saas.ledger_transactions.posted_at IS 'When it was posted. [internal]';
COMMENT ON COLUMN saas.ledger_transactions.xact_id IS 'The database transaction that posted it, and that alone may add entries to it. [internal]';

COMMENT ON TABLE saas.ledger_entries IS 'Entries of the ledger: for each transaction, currency and layer they sum to zero. Append-only.';
COMMENT ON COLUMN saas.ledger_entries.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.ledger_entries.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.ledger_entries.transaction_id IS 'The transaction. [internal]';
COMMENT ON COLUMN saas.ledger_entries.account_id IS 'The account. [internal]';
COMMENT ON COLUMN saas.ledger_entries.amount IS 'Minor units: positive is a debit, negative a credit. [internal]';
COMMENT ON COLUMN saas.ledger_entries.currency IS 'The account''s currency. [internal]';
COMMENT ON COLUMN saas.ledger_entries.layer IS 'posted, or pending for what is not final. [internal]';
COMMENT ON COLUMN saas.ledger_entries.effective_at IS 'When it happened; the transaction''s. [internal]';

COMMENT ON TABLE saas.ledger_balances IS 'Running balances of the posted layer; an account''s balance is the sum of its rows.';
COMMENT ON COLUMN saas.ledger_balances.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.ledger_balances.account_id IS 'The account. [internal]';
COMMENT ON COLUMN saas.ledger_balances.stripe IS 'Number of the row within the account, from 0. [internal]';
COMMENT ON COLUMN saas.ledger_balances.balance IS 'Minor units on the account''s normal side. [internal]';
COMMENT ON COLUMN saas.ledger_balances.allow_negative IS 'The account''s. [internal]';
