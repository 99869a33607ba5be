-- Changes of who may do what are recorded.
SELECT saas.audit_table('saas.users', '{updated_at}', '{password_hash}');
SELECT saas.audit_table('saas.teams', '{updated_at}');
SELECT saas.audit_table('saas.team_members', '{updated_at}');
