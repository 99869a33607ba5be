-- Where the rows are that a transaction inserted, so that a refresh can add what they contribute instead of
-- computing whole buckets.
ALTER TABLE saas.rollup_changes ADD COLUMN relation oid;
ALTER TABLE saas.rollup_changes ADD COLUMN row_ids tid[];

-- An entry of an index takes a writer longer than the row itself, and spares a reader little in a table that each
-- refresh empties. Publications of all tables need to know what is deleted, though.
ALTER TABLE saas.rollup_changes DROP CONSTRAINT rollup_changes_pkey;
ALTER TABLE saas.rollup_changes REPLICA IDENTITY FULL;

ALTER TABLE saas.rollup_sources ADD COLUMN computed_as_of pg_snapshot;
