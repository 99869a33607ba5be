-- Row-level security and rights of the ledger: a team reads its own, functions write.
ALTER TABLE saas.ledger_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.ledger_accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.ledger_transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.ledger_transactions FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.ledger_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.ledger_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.ledger_balances ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.ledger_balances FORCE ROW LEVEL SECURITY;

CREATE POLICY ledger_accounts_app_select ON saas.ledger_accounts
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY ledger_transactions_app_select ON saas.ledger_transactions
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY ledger_entries_app_select ON saas.ledger_entries
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY ledger_balances_app_select ON saas.ledger_balances
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.ledger_accounts, saas.ledger_entries, saas.ledger_balances
TO saas_app, saas_analyst, saas_service;
GRANT SELECT ON saas.ledger_transactions TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, kind, ref_table, ref_id, idempotency_key, effective_at, posted_at, xact_id
) ON saas.ledger_transactions TO saas_analyst;
GRANT SELECT, INSERT ON saas.ledger_accounts, saas.ledger_transactions, saas.ledger_entries TO saas_internal;
GRANT SELECT, INSERT, UPDATE ON saas.ledger_balances TO saas_internal;
