-- Scores of 1000 rows through SQL: five passes a model. Set: folder.
\set content `cat :folder/rows.json`
DROP SCHEMA IF EXISTS models_bench CASCADE;
CREATE SCHEMA models_bench;
CREATE TABLE models_bench.rows AS
SELECT r.value AS attributes FROM pg_catalog.jsonb_array_elements(:'content'::jsonb) AS r;
CREATE TABLE models_bench.results (engine text, trees integer, pass integer, nanoseconds double precision);
DELETE FROM saas.teams WHERE slug = 'models-bench';
INSERT INTO saas.teams (id, name, slug) VALUES ('00000000-0000-7000-8000-0000000bec02', 'Bench', 'models-bench');

-- The plain loop, without a score, is taken off.
CREATE PROCEDURE models_bench.measure(p_trees integer, p_pass integer)
LANGUAGE plpgsql
AS $$
DECLARE
    c_team constant uuid := '00000000-0000-7000-8000-0000000bec02';
    v_name text := p_trees::text;
    v_rows bigint := (SELECT count(*) FROM models_bench.rows);
    v_begin timestamptz;
    v_sum double precision;
    v_engine text;
BEGIN
    FOREACH v_engine IN ARRAY ARRAY['public', 'native', 'explained'] LOOP
        v_begin := pg_catalog.clock_timestamp();
        IF v_engine = 'public' THEN
            SELECT sum((saas.score_model(c_team, v_name, r.attributes, false)).margin) INTO v_sum
            FROM models_bench.rows AS r;
        ELSIF v_engine = 'native' THEN
            SELECT sum((saas.score_team_model(c_team, v_name, r.attributes, false, NULL)).margin) INTO v_sum
            FROM models_bench.rows AS r;
        ELSE
            v_rows := 20;
            SELECT count((saas.score_model(c_team, v_name, r.attributes)).contributions) INTO v_sum
            FROM (SELECT r.attributes FROM models_bench.rows AS r LIMIT 20) AS r;
        END IF;
        INSERT INTO models_bench.results
        SELECT v_engine, p_trees, p_pass,
            EXTRACT(epoch FROM pg_catalog.clock_timestamp() - v_begin) * 1000000000 / v_rows;
    END LOOP;
END
$$;
