-- Where the rows are that a transaction inserted, so that a refresh can add what they contribute instead of
-- computing whole buckets.
ALTER TABLE saas.rollup_changes ADD COLUMN relation oid;
ALTER TABLE saas.rollup_changes ADD COLUMN row_ids tid[];

-- The transaction comes second: entries of a team then come in the order of the index, and comparing two of
-- them mostly ends there. Writers pay for each comparison.
ALTER TABLE saas.rollup_changes DROP CONSTRAINT rollup_changes_pkey;
ALTER TABLE saas.rollup_changes
ADD CONSTRAINT rollup_changes_pkey PRIMARY KEY (team_id, xact_id, batch, source_id, span);

ALTER TABLE saas.rollup_sources ADD COLUMN computed_as_of pg_snapshot;
