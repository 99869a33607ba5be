-- Row-level security and rights of module core. Roles see their own team, and nothing without a
-- request context. Rows of users, teams and memberships are made and removed by functions.
GRANT USAGE ON SCHEMA saas TO saas_app, saas_anonymous, saas_analyst, saas_service, saas_internal;

ALTER TABLE saas.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.users FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.teams ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.teams FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.team_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.team_members FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.context_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY users_app_select ON saas.users
FOR SELECT TO saas_app, saas_service
USING (id = saas.current_user_id() AND deleted_at IS NULL);
CREATE POLICY users_app_update ON saas.users
FOR UPDATE TO saas_app, saas_service
USING (id = saas.current_user_id() AND deleted_at IS NULL)
WITH CHECK (id = saas.current_user_id() AND deleted_at IS NULL);

CREATE POLICY teams_app_select ON saas.teams
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (id = saas.current_team_id() AND deleted_at IS NULL);
CREATE POLICY teams_app_update ON saas.teams
FOR UPDATE TO saas_app, saas_service
USING (
    id = saas.current_team_id()
    AND deleted_at IS NULL
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
)
WITH CHECK (
    id = saas.current_team_id()
    AND deleted_at IS NULL
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);

CREATE POLICY team_members_app_select ON saas.team_members
FOR SELECT TO saas_app, saas_analyst, saas_service
USING (team_id = saas.current_team_id());

GRANT SELECT (
    id, email, display_name, avatar_url, bio, website_url, github_username, preferences, platform_role,
    two_factor_enabled, subscription_tier, subscription_ends_at, is_active, created_at, updated_at, deleted_at
) ON saas.users TO saas_app, saas_service;
GRANT UPDATE (display_name, avatar_url, bio, website_url, github_username, preferences)
ON saas.users TO saas_app, saas_service;
GRANT SELECT ON saas.teams TO saas_app, saas_analyst, saas_service;
GRANT UPDATE (name, slug, settings) ON saas.teams TO saas_app, saas_service;
GRANT SELECT ON saas.team_members TO saas_app, saas_analyst, saas_service;

GRANT SELECT, INSERT, UPDATE, DELETE ON saas.users, saas.teams, saas.team_members TO saas_internal;
