-- Two teams, a login role of an application that attacks one from the other, and what it tries.
-- Team red is attacked from; what belongs to blue has "canary" in its texts, which nobody else may meet.
\ir two_teams.sql
UPDATE saas.teams SET name = 'canary team' WHERE id = :'blue';
UPDATE saas.users SET display_name = 'canary user' WHERE id = :'bob';
UPDATE saas.fraud_detection_rules SET name = 'canary rule', description = 'canary description' WHERE team_id = :'blue';
UPDATE saas.payout_holds SET note = 'canary note' WHERE team_id = :'blue';
UPDATE saas.payment_sessions SET client_reference = 'canary reference' WHERE team_id = :'blue';
SELECT t.id AS blue_intent FROM saas.payment_intents AS t WHERE t.team_id = :'blue' AND t.provider_intent_id = 'pi_1' \gset
SELECT t.id AS blue_payment FROM saas.payments AS t WHERE t.team_id = :'blue' \gset
SELECT t.id AS red_payment FROM saas.payments AS t WHERE t.team_id = :'red' \gset
SELECT t.id AS blue_refund FROM saas.refunds AS t WHERE t.team_id = :'blue' \gset
SELECT t.id AS blue_rule FROM saas.fraud_detection_rules AS t WHERE t.team_id = :'blue' \gset
CREATE ROLE attack_login LOGIN;
GRANT saas_app TO attack_login;
CREATE SCHEMA attack AUTHORIZATION attack_login;

-- What every attempt was answered with.
CREATE TABLE pg_temp.answers (statement text, answer text);

-- Executes a statement as a role and undoes it: rows=N (or the value of a SELECT) or the SQLSTATE.
CREATE FUNCTION pg_temp.attempt(p_role text, p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_rows text;
    v_answer text;
    v_detail text;
    v_hint text;
    v_outcome text;
BEGIN
    BEGIN
        EXECUTE pg_catalog.format('SET LOCAL ROLE %I', p_role); -- the caller's search_path may be a trap
        IF p_statement LIKE 'SELECT%' THEN
            EXECUTE p_statement INTO v_rows;
        ELSE
            EXECUTE p_statement;
            GET DIAGNOSTICS v_rows = ROW_COUNT;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'P9999', MESSAGE = COALESCE('rows=' || v_rows, 'rows=null');
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
        v_answer := concat_ws(' | ', SQLSTATE, SQLERRM, v_detail, v_hint);
        v_outcome := CASE SQLSTATE WHEN 'P9999' THEN SQLERRM ELSE SQLSTATE END;
    END;
    INSERT INTO pg_temp.answers VALUES (p_statement, v_answer);
    RETURN v_outcome;
END
$$;

-- Everything that blue has, read without row-level security.
CREATE FUNCTION pg_temp.belongings(p_team uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_table text;
    v_digest text;
    v_all text := '';
BEGIN
    FOR v_table IN SELECT d.table_name FROM saas.declared_tables() AS d WHERE d.kind = 'tenant' OR d.table_name = 'teams' ORDER BY 1 LOOP
        EXECUTE format('SELECT md5(string_agg(t::text, %L ORDER BY t::text)) FROM saas.%I AS t WHERE %I = $1',
            '|', v_table, CASE v_table WHEN 'teams' THEN 'id' ELSE 'team_id' END)
        INTO v_digest USING p_team;
        v_all := v_all || v_table || '=' || COALESCE(v_digest, '') || ' ';
    END LOOP;
    RETURN v_all;
END
$$;
SELECT pg_temp.belongings(:'blue') AS blue_before \gset
SELECT saas.set_context(:'red', :'ann') \g /dev/null
