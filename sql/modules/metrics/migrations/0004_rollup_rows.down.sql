ALTER TABLE saas.rollup_sources DROP COLUMN computed_as_of;
ALTER TABLE saas.rollup_changes DROP CONSTRAINT rollup_changes_pkey;
ALTER TABLE saas.rollup_changes
ADD CONSTRAINT rollup_changes_pkey PRIMARY KEY (team_id, source_id, span, xact_id, batch);
ALTER TABLE saas.rollup_changes DROP COLUMN row_ids;
ALTER TABLE saas.rollup_changes DROP COLUMN relation;
