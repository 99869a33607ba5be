ALTER TABLE saas.rollup_sources DROP COLUMN computed_as_of;
-- Row-level security would hide the rows from their owner.
ALTER TABLE saas.rollup_changes NO FORCE ROW LEVEL SECURITY;
DELETE FROM saas.rollup_changes AS c
USING saas.rollup_changes AS o
WHERE o.team_id = c.team_id AND o.source_id = c.source_id AND o.span = c.span AND o.xact_id = c.xact_id
    AND o.batch = c.batch AND o.ctid < c.ctid;
ALTER TABLE saas.rollup_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE saas.rollup_changes REPLICA IDENTITY DEFAULT;
ALTER TABLE saas.rollup_changes
ADD CONSTRAINT rollup_changes_pkey PRIMARY KEY (team_id, source_id, span, xact_id, batch);
ALTER TABLE saas.rollup_changes DROP COLUMN row_ids;
ALTER TABLE saas.rollup_changes DROP COLUMN relation;
