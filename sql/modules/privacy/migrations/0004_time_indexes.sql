-- Retention finds what is past its time without reading whole tables. B-trees: space of rows that retention has removed is used
-- again, after which the ranges of a BRIN would span all times. Deliveries enter it when they are finished.
CREATE INDEX webhook_events_received_at_finished_idx ON saas.webhook_events (received_at)
WHERE status IN ('processed', 'superseded', 'ignored', 'rejected');
CREATE INDEX data_exports_created_at_idx ON saas.data_exports (created_at);
-- A person's keys in every team, which an erasure destroys and a restriction marks.
CREATE INDEX encryption_keys_subject_id_idx ON saas.encryption_keys (subject_id) WHERE subject_id IS NOT NULL;

-- It says more than it did: the definitions make it again.
DROP FUNCTION IF EXISTS saas.breach_scope(regclass[], timestamptz, timestamptz, uuid);
