DROP TABLE saas.ledger_balances;
DROP TABLE saas.ledger_entries;
DROP TABLE saas.ledger_transactions;
DROP TABLE saas.ledger_accounts;
