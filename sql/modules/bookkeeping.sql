-- The deployer's own tables: what was applied, from which text, and which objects that made.
-- Created once, before the first module; they stay when every module is rolled back.
CREATE TABLE saas.schema_migrations (
    module text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT current_user,
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (module, version)
);
COMMENT ON TABLE saas.schema_migrations IS 'Migrations that saas.deploy() applied, with the checksum of their text.';
COMMENT ON COLUMN saas.schema_migrations.module IS 'Module of the schema package. [internal]';
COMMENT ON COLUMN saas.schema_migrations.version IS 'Number of the migration in its module, from 1. [internal]';
COMMENT ON COLUMN saas.schema_migrations.name IS 'File name without ending. [internal]';
COMMENT ON COLUMN saas.schema_migrations.checksum IS 'SHA-256 of the file''s text when it was applied. [internal]';
COMMENT ON COLUMN saas.schema_migrations.applied_at IS 'Start of the deploying transaction. [internal]';
COMMENT ON COLUMN saas.schema_migrations.applied_by IS 'Role that deployed. [internal]';

CREATE TABLE saas.schema_definitions (
    module text NOT NULL,
    file text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT current_user,
    CONSTRAINT schema_definitions_pkey PRIMARY KEY (module, file)
);
COMMENT ON TABLE saas.schema_definitions IS 'Definition files that saas.deploy() ran last, with the checksum of their text.';
COMMENT ON COLUMN saas.schema_definitions.module IS 'Module of the schema package. [internal]';
COMMENT ON COLUMN saas.schema_definitions.file IS 'Path of the file in the package. [internal]';
COMMENT ON COLUMN saas.schema_definitions.checksum IS 'SHA-256 of the file''s text when it was run. [internal]';
COMMENT ON COLUMN saas.schema_definitions.applied_at IS 'Start of the deploying transaction. [internal]';
COMMENT ON COLUMN saas.schema_definitions.applied_by IS 'Role that deployed. [internal]';

CREATE TABLE saas.schema_objects (
    module text NOT NULL,
    file text NOT NULL,
    "position" integer NOT NULL,
    kind text NOT NULL,
    identity text NOT NULL,
    CONSTRAINT schema_objects_pkey PRIMARY KEY (kind, identity),
    CONSTRAINT schema_objects_kind_check CHECK (kind IN ('function', 'procedure', 'view', 'trigger', 'policy'))
);
COMMENT ON TABLE saas.schema_objects IS 'Functions, views, triggers and policies that a definition file made; dropped when the file no longer defines them.';
COMMENT ON COLUMN saas.schema_objects.module IS 'Module of the schema package. [internal]';
COMMENT ON COLUMN saas.schema_objects.file IS 'Path of the file in the package. [internal]';
COMMENT ON COLUMN saas.schema_objects."position" IS 'Order of creation within the file, from 1. [internal]';
COMMENT ON COLUMN saas.schema_objects.kind IS 'What DROP calls it. [internal]';
COMMENT ON COLUMN saas.schema_objects.identity IS 'What DROP needs after the kind: a signature, or a name ON a table. [internal]';

ALTER TABLE saas.schema_migrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.schema_definitions ENABLE ROW LEVEL SECURITY;
ALTER TABLE saas.schema_objects ENABLE ROW LEVEL SECURITY;
