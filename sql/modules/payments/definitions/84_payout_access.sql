-- Row-level security and rights of payouts that we make: a team reads its own, functions write.
ALTER TABLE saas.payout_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payout_holds FORCE ROW LEVEL SECURITY;

CREATE POLICY payout_holds_app_select ON saas.payout_holds
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.payout_holds TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, reason, ref_table, ref_id, placed_by, placed_at, released_by, released_at
) ON saas.payout_holds TO saas_analyst;
GRANT SELECT, INSERT, UPDATE ON saas.payout_holds TO saas_internal;

ALTER TABLE saas.payout_schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payout_schedules FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payout_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payout_items FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.payout_reserves ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.payout_reserves FORCE ROW LEVEL SECURITY;

CREATE POLICY payout_schedules_app_select ON saas.payout_schedules
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY payout_items_app_select ON saas.payout_items
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());
CREATE POLICY payout_reserves_app_select ON saas.payout_reserves
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT ON saas.payout_schedules, saas.payout_items, saas.payout_reserves
TO saas_app, saas_analyst, saas_service;
GRANT SELECT, INSERT, UPDATE ON saas.payout_schedules, saas.payout_items, saas.payout_reserves TO saas_internal;
