-- How a person proved who they are, and why they asked, is not needed for ever. The certificate signs neither.
ALTER TABLE saas.retention_policies NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.retention_policies (name, table_name, time_column, state_column, states, kept_for, action, basis)
VALUES
    (
        'answered_deletion_requests', 'saas.user_deletion_requests', 'requested_at', 'status',
        '{completed,cancelled,rejected}', '3 years', 'anonymise', 'storage limitation (GDPR Art. 5(1)(e))'
    )
ON CONFLICT (name) DO NOTHING;
ALTER TABLE saas.retention_policies FORCE ROW LEVEL SECURITY;
