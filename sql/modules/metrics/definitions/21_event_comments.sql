-- What each table and column of events and measurements is, with its data classification.
COMMENT ON TABLE saas.product_events IS 'What people did in the product. Partitioned by month of created_at.';
COMMENT ON COLUMN saas.product_events.team_id IS 'The team whose product it is. [internal]';
COMMENT ON COLUMN saas.product_events.created_at IS 'When it happened. [internal]';
COMMENT ON COLUMN saas.product_events.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.product_events.actor_id IS 'Who did it: a user, or a visitor by an identifier of the application. [confidential]';
COMMENT ON COLUMN saas.product_events.name IS 'What was done, such as project.generated. [internal]';
COMMENT ON COLUMN saas.product_events.properties IS 'More about it, a JSON object. [confidential]';
COMMENT ON TABLE saas.product_events_default IS 'Rows of saas.product_events for which no month''s partition exists.';

COMMENT ON TABLE saas.service_measurements IS 'What a service did in a short span, usually a minute: its requests summed up. Partitioned by month of created_at.';
COMMENT ON COLUMN saas.service_measurements.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.service_measurements.created_at IS 'Begin of the span. [internal]';
COMMENT ON COLUMN saas.service_measurements.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.service_measurements.service IS 'Name of the service. [internal]';
COMMENT ON COLUMN saas.service_measurements.requests IS 'Number of requests. [internal]';
COMMENT ON COLUMN saas.service_measurements.errors IS 'How many of them failed. [internal]';
COMMENT ON COLUMN saas.service_measurements.latency IS 'Their durations in milliseconds. [internal]';
COMMENT ON COLUMN saas.service_measurements.latency_sum IS 'Sum of their durations in milliseconds. [internal]';
COMMENT ON COLUMN saas.service_measurements.cache_hits IS 'Look-ups that the cache answered. [internal]';
COMMENT ON COLUMN saas.service_measurements.cache_misses IS 'Look-ups that it did not. [internal]';
COMMENT ON COLUMN saas.service_measurements.seconds IS 'Length of the span. [internal]';
COMMENT ON COLUMN saas.service_measurements.seconds_down IS 'How much of it the service was down. [internal]';
COMMENT ON COLUMN saas.service_measurements.bytes_sent IS 'Bytes sent. [internal]';
COMMENT ON COLUMN saas.service_measurements.bytes_stored IS 'Bytes stored at its end; NULL when not measured. [internal]';
COMMENT ON TABLE saas.service_measurements_default IS 'Rows of saas.service_measurements for which no month''s partition exists.';
