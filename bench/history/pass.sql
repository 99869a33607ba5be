-- One pass, in a new session: the first use of the list reads it.
DELETE FROM saas.fraud_detection_rules WHERE team_id = '00000000-0000-7000-8000-0000000bec02';
INSERT INTO saas.fraud_detection_rules (team_id, name, rule)
SELECT '00000000-0000-7000-8000-0000000bec02', r.name, r.rule FROM history_bench.rules AS r WHERE r.name = 'list of a million';
CREATE OR REPLACE PROCEDURE history_bench.once(p_name text)
LANGUAGE plpgsql
AS $$
DECLARE
    v_begin timestamptz := pg_catalog.clock_timestamp();
BEGIN
    PERFORM saas.evaluate_team_rules(
        '00000000-0000-7000-8000-0000000bec02', pg_catalog.jsonb_build_object('email', 'listed7@mail.example')
    );
    INSERT INTO history_bench.results VALUES (
        p_name, 'once', EXTRACT(epoch FROM pg_catalog.clock_timestamp() - v_begin) * 1000000
    );
END
$$;
CALL history_bench.once('list of a million, first use in a session');
INSERT INTO saas.fraud_list_items (team_id, list_id, value) VALUES
    ('00000000-0000-7000-8000-0000000bec02', '00000000-0000-7000-8000-0000000bec03', pg_catalog.format('new%s@mail.example', saas.uuid_v7()));
CALL history_bench.once('list of a million, after one entry was added');
CALL history_bench.measure('none', 10);
CALL history_bench.measure('list of a million', 10);
CALL history_bench.measure('count over 24 hours', 2);
CALL history_bench.measure('count over all time', 2);
CALL history_bench.measure('sum over 30 days', 2);
CALL history_bench.measure('distinct cards over 30 days', 2);
CALL history_bench.measure('95th percentile over all time', 2);
