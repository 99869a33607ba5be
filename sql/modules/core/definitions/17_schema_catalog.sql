-- Columns, constraints, indexes and rights of the package as they were deployed: saas.note_package_catalog() writes it.
COMMENT ON TABLE saas.schema_catalog IS 'Columns, constraints, indexes and rights of the package, as the last deployment left them.';
COMMENT ON COLUMN saas.schema_catalog.kind IS 'column, constraint, index or right. [internal]';
COMMENT ON COLUMN saas.schema_catalog.identity IS 'Which one. [internal]';
COMMENT ON COLUMN saas.schema_catalog.definition IS 'Type of a column, definition of a constraint or index; empty for a right. [internal]';
COMMENT ON COLUMN saas.schema_catalog.remedy IS 'The statement that makes it. [internal]';
COMMENT ON COLUMN saas.schema_catalog.state IS 'package: made by a deployment; lost: so, and missing at the next; foreign: found at a deployment that did not make it. [internal]';
COMMENT ON COLUMN saas.schema_catalog.noted_at IS 'Start of the deployment that noted it first. [internal]';
ALTER TABLE saas.schema_catalog ENABLE ROW LEVEL SECURITY;
