-- At the end of every test of payments: the ledger balances and agrees with the rows it was posted for.
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT is_empty('SELECT * FROM saas.ledger_proof', 'the ledger agrees with the payments');
