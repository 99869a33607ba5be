-- Row-level security and rights of encryption. Wrapped keys are read by native code only, as
-- saas_internal; admins see state and schedule.
ALTER TABLE saas.encryption_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.encryption_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY encryption_keys_app_select ON saas.encryption_keys
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
GRANT SELECT (
    team_id, key_no, kind, subject_id, asset_id, version, status, kek_epoch, uses, created_at, not_after, closed_at,
    shredded_at, shred_reason
) ON saas.encryption_keys TO saas_app, saas_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.encryption_keys TO saas_internal;

ALTER TABLE saas.data_classifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.data_classifications FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.data_assets ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.data_assets FORCE ROW LEVEL SECURITY;
CREATE POLICY data_classifications_app_select ON saas.data_classifications
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (true);
CREATE POLICY data_assets_app_select ON saas.data_assets
FOR SELECT TO saas_app, saas_service, saas_analyst
USING (true);
GRANT SELECT ON saas.data_classifications TO saas_app, saas_service, saas_analyst, saas_internal;
GRANT SELECT ON saas.data_assets, saas.located_data_assets TO saas_app, saas_service, saas_analyst, saas_internal;
GRANT INSERT, UPDATE, DELETE ON saas.data_assets TO saas_internal;

ALTER TABLE saas.encryption_key_epochs ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.encryption_key_epochs FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.encryption_schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.encryption_schedules FORCE ROW LEVEL SECURITY;
CREATE POLICY encryption_key_epochs_app_select ON saas.encryption_key_epochs
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY encryption_schedules_app_select ON saas.encryption_schedules
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
GRANT SELECT ON saas.encryption_key_epochs, saas.encryption_schedules TO saas_app, saas_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.encryption_key_epochs, saas.encryption_schedules TO saas_internal;

-- Progress is of all teams, and for workers.
ALTER TABLE saas.encryption_rotations ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.encryption_rotations FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.encryption_home ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.encryption_home FORCE ROW LEVEL SECURITY;
CREATE POLICY encryption_rotations_service_select ON saas.encryption_rotations
FOR SELECT TO saas_service
USING (true);
GRANT SELECT ON saas.encryption_rotations, saas.encryption_rotation_progress TO saas_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.encryption_rotations, saas.encryption_home TO saas_internal;
