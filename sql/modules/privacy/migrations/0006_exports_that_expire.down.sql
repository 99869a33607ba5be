ALTER TABLE saas.state_transitions NO FORCE ROW LEVEL SECURITY;
DELETE FROM saas.state_transitions WHERE machine = 'data_export' AND ordinal IN (80, 90);
ALTER TABLE saas.state_transitions FORCE ROW LEVEL SECURITY;
