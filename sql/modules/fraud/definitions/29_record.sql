-- What an assessment leaves behind so that it can be explained and reproduced.
CREATE OR REPLACE FUNCTION saas.keep_fraud_record()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- The rows of a team go with the team.
    IF TG_OP = 'DELETE' THEN
        PERFORM FROM saas.teams AS t WHERE t.id = OLD.team_id;
        IF NOT FOUND THEN
            RETURN OLD;
        END IF;
    END IF;
    -- A person's data go when the law wants it.
    IF TG_OP = 'DELETE' AND saas.is_erasing() THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA066',
        MESSAGE = 'what reproduces fraud assessments is append-only',
        DETAIL = pg_catalog.format('Table %s.%s.', TG_TABLE_SCHEMA, TG_TABLE_NAME),
        HINT = 'Change the rules; every version that assessed a payment is kept.';
END
$$;
COMMENT ON FUNCTION saas.keep_fraud_record() IS
'Trigger of saas.fraud_rule_sets and saas.fraud_assessment_terms: SA066 for every change but the removal of a whole team and the erasure of a person''s data.';
REVOKE ALL ON FUNCTION saas.keep_fraud_record() FROM PUBLIC;

CREATE OR REPLACE TRIGGER fraud_rule_sets_10_keep
BEFORE UPDATE OR DELETE ON saas.fraud_rule_sets
FOR EACH ROW EXECUTE FUNCTION saas.keep_fraud_record();
CREATE OR REPLACE TRIGGER fraud_assessment_terms_10_keep
BEFORE UPDATE OR DELETE ON saas.fraud_assessment_terms
FOR EACH ROW EXECUTE FUNCTION saas.keep_fraud_record();

CREATE OR REPLACE FUNCTION saas.keep_fraud_rule_set(p_team uuid, p_version text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM saas.fraud_rule_sets AS s WHERE s.team_id = p_team AND s.version = p_version
    ) THEN
        RETURN;
    END IF;
    INSERT INTO saas.fraud_rule_sets (team_id, version, rules)
    VALUES (p_team, p_version, saas.team_rule_set(p_team, p_version));
END
$$;
COMMENT ON FUNCTION saas.keep_fraud_rule_set(uuid, text) IS
'Keeps the texts of the rule set that this session has just evaluated, unless they are kept; transactions that are the first ones at once all keep them. Checks no caller.';
REVOKE ALL ON FUNCTION saas.keep_fraud_rule_set(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.keep_fraud_rule_set(uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.explain_fraud_models(p_team uuid, p_attributes jsonb)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_said record;
    v_why record;
    v_all jsonb := '[]'::jsonb;
BEGIN
    FOR v_said IN SELECT * FROM saas.score_team_models(p_team, p_attributes) LOOP
        v_why := NULL;
        IF v_said.error IS NULL THEN
            v_why := saas.score_team_model(p_team, v_said.name, p_attributes, true, v_said.version);
            v_all := v_all || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
                'id', v_said.model_id, 'name', v_said.name, 'version', v_said.version,
                'state', v_said.state, 'margin', v_said.margin, 'probability', v_said.probability,
                'contributions', v_why.contributions
            )));
        ELSE
            v_all := v_all || jsonb_build_array(jsonb_build_object(
                'id', v_said.model_id, 'name', v_said.name, 'version', v_said.version,
                'state', v_said.state, 'error', v_said.error
            ));
        END IF;
    END LOOP;
    RETURN v_all;
END
$$;
COMMENT ON FUNCTION saas.explain_fraud_models(uuid, jsonb) IS
'What every champion and challenger of the team says about attributes, with contributions. Checks no caller.';
REVOKE ALL ON FUNCTION saas.explain_fraud_models(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.explain_fraud_models(uuid, jsonb) TO saas_internal;
