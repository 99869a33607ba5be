-- Row-level security and rights of invitations, sessions, addresses and notifications.
ALTER TABLE saas.team_invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.team_invitations FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.user_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.user_sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.addresses ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.addresses FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.notifications FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.notification_preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.notification_preferences FORCE ROW LEVEL SECURITY;

CREATE POLICY team_invitations_app_select ON saas.team_invitations
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND saas.current_team_role() IN ('admin', 'owner', 'service')
);
CREATE POLICY team_invitations_analyst_select ON saas.team_invitations
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
GRANT SELECT (
    team_id, id, email, role, match_email, invited_by, accepted_by, created_at, expires_at, accepted_at, revoked_at
) ON saas.team_invitations TO saas_app, saas_service;
GRANT SELECT (
    team_id, id, role, match_email, invited_by, accepted_by, created_at, expires_at, accepted_at, revoked_at
) ON saas.team_invitations TO saas_analyst;

-- Everybody sees their own sessions, whatever team the context is in.
CREATE POLICY user_sessions_app_select ON saas.user_sessions
FOR SELECT TO saas_app, saas_service
USING (user_id = saas.current_user_id());
GRANT SELECT (
    id, user_id, default_team_id, ip, user_agent, created_at, last_seen_at, expires_at, revoked_at
) ON saas.user_sessions TO saas_app, saas_service;

-- Members keep their own addresses; those of the team are for members to change, all for admins.
CREATE POLICY addresses_app_select ON saas.addresses
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND (
        user_id IS NULL
        OR user_id = saas.current_user_id()
        OR saas.current_team_role() IN ('admin', 'owner', 'service')
    )
);
CREATE POLICY addresses_app_insert ON saas.addresses
FOR INSERT TO saas_app, saas_service
WITH CHECK (
    team_id = saas.current_team_id()
    AND (
        (user_id IS NULL AND saas.current_team_role() = 'member')
        OR user_id = saas.current_user_id()
        OR saas.current_team_role() IN ('admin', 'owner', 'service')
    )
);
CREATE POLICY addresses_app_update ON saas.addresses
FOR UPDATE TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND (
        (user_id IS NULL AND saas.current_team_role() = 'member')
        OR user_id = saas.current_user_id()
        OR saas.current_team_role() IN ('admin', 'owner', 'service')
    )
)
WITH CHECK (
    team_id = saas.current_team_id()
    AND (
        (user_id IS NULL AND saas.current_team_role() = 'member')
        OR user_id = saas.current_user_id()
        OR saas.current_team_role() IN ('admin', 'owner', 'service')
    )
);
CREATE POLICY addresses_app_delete ON saas.addresses
FOR DELETE TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND (
        (user_id IS NULL AND saas.current_team_role() = 'member')
        OR user_id = saas.current_user_id()
        OR saas.current_team_role() IN ('admin', 'owner', 'service')
    )
);
CREATE POLICY addresses_analyst_select ON saas.addresses
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
GRANT SELECT, INSERT, DELETE ON saas.addresses TO saas_app, saas_service;
GRANT UPDATE (
    kind, is_default, label, recipient, company, line1, line2, city, region, postal_code, country, phone
) ON saas.addresses TO saas_app, saas_service;
GRANT SELECT (team_id, id, user_id, kind, is_default, country, created_at, updated_at)
ON saas.addresses TO saas_analyst;

-- A worker delivers everybody's notifications; a member reads their own only, admins included.
CREATE POLICY notifications_app_select ON saas.notifications
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND (user_id = saas.current_user_id() OR saas.current_team_role() = 'service')
);
CREATE POLICY notifications_analyst_select ON saas.notifications
FOR SELECT TO saas_analyst
USING (team_id = saas.current_team_id());
GRANT SELECT ON saas.notifications TO saas_app, saas_service;
GRANT SELECT (team_id, id, user_id, channel, priority, created_at, expires_at, read_at)
ON saas.notifications TO saas_analyst;

CREATE POLICY notification_preferences_app_select ON saas.notification_preferences
FOR SELECT TO saas_app, saas_service
USING (
    team_id = saas.current_team_id()
    AND (user_id = saas.current_user_id() OR saas.current_team_role() = 'service')
);
GRANT SELECT ON saas.notification_preferences TO saas_app, saas_service;

GRANT SELECT, INSERT, UPDATE, DELETE
ON saas.team_invitations, saas.user_sessions, saas.addresses, saas.notifications, saas.notification_preferences
TO saas_internal;
