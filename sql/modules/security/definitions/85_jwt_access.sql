-- Row-level security and rights of issuers and their keys. Written by functions only.
ALTER TABLE saas.jwt_issuers ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.jwt_issuers FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.jwt_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.jwt_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY jwt_issuers_app_select ON saas.jwt_issuers
FOR SELECT TO saas_app
USING (team_id = saas.current_team_id());
CREATE POLICY jwt_keys_app_select ON saas.jwt_keys
FOR SELECT TO saas_app
USING (team_id = saas.current_team_id());
-- Workers look after the platform's as well.
CREATE POLICY jwt_issuers_service_select ON saas.jwt_issuers
FOR SELECT TO saas_service
USING (team_id IS NULL OR team_id = saas.current_team_id());
CREATE POLICY jwt_keys_service_select ON saas.jwt_keys
FOR SELECT TO saas_service
USING (team_id IS NULL OR team_id = saas.current_team_id());

GRANT SELECT ON saas.jwt_issuers, saas.jwt_keys TO saas_app, saas_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON saas.jwt_issuers, saas.jwt_keys TO saas_internal;
