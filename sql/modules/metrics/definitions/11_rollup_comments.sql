-- What the tables of rollups and measured values hold, with the data classification.
COMMENT ON TABLE saas.rollup_sources IS 'Tables that rollups are made from.';
COMMENT ON COLUMN saas.rollup_sources.id IS 'Identifier; names the triggers on the table. [internal]';
COMMENT ON COLUMN saas.rollup_sources.source_name IS 'Name of the table when the first rollup was made; its triggers find it after it was renamed. [internal]';
COMMENT ON COLUMN saas.rollup_sources.team_column IS 'Column of the team. [internal]';
COMMENT ON COLUMN saas.rollup_sources.time_column IS 'Column of the time. [internal]';
COMMENT ON COLUMN saas.rollup_sources.refreshed_at IS 'When its rollups were refreshed last; NULL for never. Locked by whoever refreshes. [internal]';
COMMENT ON COLUMN saas.rollup_sources.computed_as_of IS 'What was committed when buckets were last computed as a whole: such rows are not added to buckets, but their buckets computed anew. [internal]';

COMMENT ON TABLE saas.rollups IS 'Rollups: measures of a source by team, hour, day, week and month.';
COMMENT ON COLUMN saas.rollups.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.rollups.source_id IS 'Source. [internal]';
COMMENT ON COLUMN saas.rollups.name IS 'Name; begins the names of its tables. [internal]';
COMMENT ON COLUMN saas.rollups.table_schema IS 'Schema of its tables. [internal]';
COMMENT ON COLUMN saas.rollups.granularities IS 'Which of hour, day, week, month there are. [internal]';
COMMENT ON COLUMN saas.rollups.dimensions IS 'Columns of the source that rows are kept apart by. [internal]';
COMMENT ON COLUMN saas.rollups.measures IS 'List of measures: name, kind, column, type of a sum. [internal]';
COMMENT ON COLUMN saas.rollups.retention IS 'How long each granularity is kept; for ever when not named. [internal]';
COMMENT ON COLUMN saas.rollups.source_retention IS 'From which age on rows of the source may be gone; NULL for never. [internal]';
COMMENT ON COLUMN saas.rollups.created_at IS 'When it was made. [internal]';

COMMENT ON TABLE saas.rollup_calendars IS 'What a team calls a day and a week; UTC and Monday without a row.';
COMMENT ON COLUMN saas.rollup_calendars.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.rollup_calendars.time_zone IS 'Name of the time zone. [internal]';
COMMENT ON COLUMN saas.rollup_calendars.week_start IS 'First day of the week, 1 for Monday to 7 for Sunday. [internal]';
COMMENT ON COLUMN saas.rollup_calendars.updated_at IS 'When it was set. [internal]';

COMMENT ON TABLE saas.rollup_changes IS 'What changed in sources of rollups since they were refreshed: one row a transaction, source, team and quarter of an hour.';
COMMENT ON COLUMN saas.rollup_changes.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.rollup_changes.source_id IS 'Source. [internal]';
COMMENT ON COLUMN saas.rollup_changes.span IS 'Start of the quarter of an hour. [internal]';
COMMENT ON COLUMN saas.rollup_changes.xact_id IS 'Transaction that made the change. [internal]';
COMMENT ON COLUMN saas.rollup_changes.batch IS 'Number within the transaction, which writes more than once when it touches very much. [internal]';
COMMENT ON COLUMN saas.rollup_changes.changed_at IS 'Start of that transaction. [internal]';
COMMENT ON COLUMN saas.rollup_changes.relation IS 'File of the table or partition that row_ids are in, as pg_relation_filenode() has it; NULL without row_ids. [internal]';
COMMENT ON COLUMN saas.rollup_changes.row_ids IS 'Places of the rows, when all that the transaction did there was to insert these; NULL: the bucket is computed anew. [internal]';

COMMENT ON TABLE saas.usage_metrics IS 'Measured values of the teams. Partitioned by month of created_at; rows go with their team, by a trigger.';
COMMENT ON COLUMN saas.usage_metrics.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.usage_metrics.created_at IS 'When the value was measured. [internal]';
COMMENT ON COLUMN saas.usage_metrics.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.usage_metrics.metric IS 'What was measured, such as api.requests. [internal]';
COMMENT ON COLUMN saas.usage_metrics.value IS 'The value, a finite number. [internal]';
COMMENT ON COLUMN saas.usage_metrics.labels IS 'More about it, a JSON object. [confidential]';

COMMENT ON TABLE saas.usage_metrics_default IS 'Rows of saas.usage_metrics for which no month''s partition exists.';
COMMENT ON TABLE saas.usage_metrics_hour_default IS 'Rows of saas.usage_metrics_hour for which no month''s partition exists.';

COMMENT ON TABLE saas.usage_metrics_hour IS 'Measured values by metric and hour. Written by saas.refresh_rollups() alone.';
COMMENT ON COLUMN saas.usage_metrics_hour.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.bucket IS 'Start of the hour in the time zone of the team. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.ordinal IS 'Number of the row within team and bucket. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.metric IS 'What was measured. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.points IS 'Number of values. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.total IS 'Their sum. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.lowest IS 'The smallest one. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.highest IS 'The greatest one. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.latest IS 'The one measured last. [internal]';
COMMENT ON COLUMN saas.usage_metrics_hour.quantiles IS 'Their distribution; saas.approx_percentile() reads it. [internal]';

COMMENT ON TABLE saas.usage_metrics_day IS 'Measured values by metric and day. Written by saas.refresh_rollups() alone.';
COMMENT ON COLUMN saas.usage_metrics_day.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.bucket IS 'Day in the time zone of the team. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.ordinal IS 'Number of the row within team and bucket. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.metric IS 'What was measured. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.points IS 'Number of values. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.total IS 'Their sum. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.lowest IS 'The smallest one. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.highest IS 'The greatest one. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.latest IS 'The one measured last. [internal]';
COMMENT ON COLUMN saas.usage_metrics_day.quantiles IS 'Their distribution; saas.approx_percentile() reads it. [internal]';

COMMENT ON TABLE saas.usage_metrics_week IS 'Measured values by metric and week. Written by saas.refresh_rollups() alone.';
COMMENT ON COLUMN saas.usage_metrics_week.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.bucket IS 'First day of the week in the time zone of the team. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.ordinal IS 'Number of the row within team and bucket. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.metric IS 'What was measured. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.points IS 'Number of values. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.total IS 'Their sum. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.lowest IS 'The smallest one. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.highest IS 'The greatest one. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.latest IS 'The one measured last. [internal]';
COMMENT ON COLUMN saas.usage_metrics_week.quantiles IS 'Their distribution; saas.approx_percentile() reads it. [internal]';

COMMENT ON TABLE saas.usage_metrics_month IS 'Measured values by metric and month. Written by saas.refresh_rollups() alone.';
COMMENT ON COLUMN saas.usage_metrics_month.team_id IS 'Team. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.bucket IS 'First day of the month in the time zone of the team. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.ordinal IS 'Number of the row within team and bucket. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.metric IS 'What was measured. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.points IS 'Number of values. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.total IS 'Their sum. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.lowest IS 'The smallest one. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.highest IS 'The greatest one. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.latest IS 'The one measured last. [internal]';
COMMENT ON COLUMN saas.usage_metrics_month.quantiles IS 'Their distribution; saas.approx_percentile() reads it. [internal]';
