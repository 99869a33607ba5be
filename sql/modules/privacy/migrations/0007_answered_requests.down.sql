ALTER TABLE saas.retention_policies NO FORCE ROW LEVEL SECURITY;
DELETE FROM saas.retention_policies WHERE name = 'answered_deletion_requests';
ALTER TABLE saas.retention_policies FORCE ROW LEVEL SECURITY;
