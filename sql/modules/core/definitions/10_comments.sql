-- What each table and column is, with its data classification:
-- [public], [internal], [confidential] (personal data) or [restricted] (secrets).
COMMENT ON TABLE saas.users IS 'People. A user is global and joins teams through team_members.';
COMMENT ON COLUMN saas.users.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.users.email IS 'Address to sign in and be written to; unique without regard to case among users who are not deleted. [confidential]';
COMMENT ON COLUMN saas.users.display_name IS 'Name shown to others. [confidential]';
COMMENT ON COLUMN saas.users.avatar_url IS 'Picture shown to others. [confidential]';
COMMENT ON COLUMN saas.users.bio IS 'What the user says about themselves. [confidential]';
COMMENT ON COLUMN saas.users.website_url IS 'The user''s site. [confidential]';
COMMENT ON COLUMN saas.users.github_username IS 'Account at GitHub. [confidential]';
COMMENT ON COLUMN saas.users.preferences IS 'Settings of the user''s own, a JSON object. [confidential]';
COMMENT ON COLUMN saas.users.platform_role IS 'Standing on the platform as a whole, apart from any team. [internal]';
COMMENT ON COLUMN saas.users.password_hash IS 'bcrypt hash; NULL when the user signs in otherwise. [restricted]';
COMMENT ON COLUMN saas.users.two_factor_enabled IS 'Whether signing in asks for a second factor. [internal]';
COMMENT ON COLUMN saas.users.subscription_tier IS 'Plan of the platform that the user is on. [internal]';
COMMENT ON COLUMN saas.users.subscription_ends_at IS 'When that plan ends; NULL for no end. [internal]';
COMMENT ON COLUMN saas.users.is_active IS 'False keeps the user out of every team. [internal]';
COMMENT ON COLUMN saas.users.created_at IS 'When the user was created. [internal]';
COMMENT ON COLUMN saas.users.updated_at IS 'When the row last changed. [internal]';
COMMENT ON COLUMN saas.users.deleted_at IS 'When the user was deleted; such rows are hidden and can be restored. [internal]';

COMMENT ON TABLE saas.teams IS 'Tenants: every row of every tenant table belongs to one team.';
COMMENT ON COLUMN saas.teams.id IS 'Identifier; team_id elsewhere. [internal]';
COMMENT ON COLUMN saas.teams.name IS 'Name shown to people. [internal]';
COMMENT ON COLUMN saas.teams.slug IS 'Name in addresses: lower-case letters, digits and hyphens, unique. [public]';
COMMENT ON COLUMN saas.teams.is_active IS 'False keeps every member out. [internal]';
COMMENT ON COLUMN saas.teams.settings IS 'Settings of the team, a JSON object. [internal]';
COMMENT ON COLUMN saas.teams.created_at IS 'When the team was created. [internal]';
COMMENT ON COLUMN saas.teams.updated_at IS 'When the row last changed. [internal]';
COMMENT ON COLUMN saas.teams.deleted_at IS 'When the team was deleted; such rows are hidden and can be restored. [internal]';

COMMENT ON TABLE saas.team_members IS 'Which users are in which team, as what. At least one active owner always remains.';
COMMENT ON COLUMN saas.team_members.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.team_members.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.team_members.user_id IS 'The user. [internal]';
COMMENT ON COLUMN saas.team_members.role IS 'viewer reads, member works, admin manages members, owner does everything. [internal]';
COMMENT ON COLUMN saas.team_members.status IS 'invited (has not accepted yet), active, suspended (kept out). [internal]';
COMMENT ON COLUMN saas.team_members.created_at IS 'When the user joined or was invited. [internal]';
COMMENT ON COLUMN saas.team_members.updated_at IS 'When the row last changed. [internal]';

COMMENT ON TABLE saas.context_keys IS 'Keys that sign request contexts; the newest one counts. Nobody but the owner may read them.';
COMMENT ON COLUMN saas.context_keys.id IS 'Identifier; ascends with time. [internal]';
COMMENT ON COLUMN saas.context_keys.key IS '32 random bytes. [restricted]';
COMMENT ON COLUMN saas.context_keys.created_at IS 'When the key was made. [internal]';
