-- Audited tables of module core. Of users the trail says that personal data changed, not what it was:
-- admins of a team in whose context a user changes a profile have no business to read it.
SELECT saas.audit_table(
    'saas.users',
    '{updated_at}',
    '{email,display_name,avatar_url,bio,website_url,github_username,preferences,password_hash}'
);
SELECT saas.audit_table('saas.teams', '{updated_at}');
SELECT saas.audit_table('saas.team_members', '{updated_at}');
SELECT saas.audit_table('saas.audit_redactions');
