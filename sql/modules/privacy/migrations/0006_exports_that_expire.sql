-- An export expires before it is ready as well: nobody works on it any more.
ALTER TABLE saas.state_transitions NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('data_export', 80, 'expire', 'queued', 'expired'),
    ('data_export', 90, 'expire', 'running', 'expired');
ALTER TABLE saas.state_transitions FORCE ROW LEVEL SECURITY;
