-- Former assessments, computed again.
CREATE OR REPLACE FUNCTION saas.rescored_terms(p_team uuid, p_terms jsonb, p_models jsonb, p_attributes jsonb)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_terms jsonb := p_terms;
    v_term record;
    v_said record;
    v_score jsonb;
BEGIN
    FOR v_term IN
        SELECT t.ordinality - 1 AS place, t.value AS recorded, (m.value ->> 'version')::integer AS version
        FROM jsonb_array_elements(p_terms) WITH ORDINALITY AS t
        JOIN jsonb_array_elements(p_models) AS m
            ON m.value ->> 'name' = t.value ->> 'name' AND m.value ->> 'state' = 'champion'
        WHERE t.value ->> 'kind' = 'model' AND m.value ->> 'error' IS NULL
    LOOP
        v_said := saas.score_team_model(
            p_team, v_term.recorded ->> 'name', p_attributes, false, v_term.version
        );
        -- Without a probability the score is the margin, of which only the single precision is told.
        IF v_said.probability IS NOT NULL THEN
            v_score := to_jsonb(v_said.probability);
        ELSIF v_said.margin = (v_term.recorded ->> 'value')::double precision::real THEN
            CONTINUE;
        ELSE
            v_score := to_jsonb(v_said.margin);
        END IF;
        v_terms := jsonb_set(v_terms, ARRAY[v_term.place::text, 'value'], v_score);
    END LOOP;
    RETURN v_terms;
END
$$;
COMMENT ON FUNCTION saas.rescored_terms(uuid, jsonb, jsonb, jsonb) IS
'Recorded terms with the scores of models computed again, by the versions that were champions then. Checks no caller.';
REVOKE ALL ON FUNCTION saas.rescored_terms(uuid, jsonb, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rescored_terms(uuid, jsonb, jsonb, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.replay_assessment(
    p_assessment uuid,
    p_team uuid DEFAULT saas.current_team_id(),
    OUT is_equal boolean,
    OUT score integer,
    OUT decision text,
    OUT matched jsonb,
    OUT shadow jsonb,
    OUT errors jsonb,
    OUT differences text[],
    OUT doubtful_lists jsonb
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_then saas.fraud_assessments;
    v_terms jsonb;
    v_rules record;
    v_now record;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    SELECT * INTO v_then FROM saas.fraud_assessments AS a WHERE a.team_id = p_team AND a.id = p_assessment;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such assessment in the team',
            DETAIL = pg_catalog.format('Team %s, assessment %s.', p_team, p_assessment);
    END IF;
    SELECT COALESCE(array_agg(r.value ->> 'id' ORDER BY r.ordinality), '{}') AS ids,
        COALESCE(array_agg(r.value ->> 'rule' ORDER BY r.ordinality), '{}') AS rules,
        COALESCE(array_agg(r.value ->> 'name' ORDER BY r.ordinality), '{}') AS names,
        COALESCE(array_agg(r.value ->> 'scope' ORDER BY r.ordinality), '{}') AS scopes,
        count(s.id) AS sets
    INTO v_rules
    FROM (
        SELECT k.id, k.rules
        FROM saas.fraud_rule_sets AS k
        WHERE k.team_id = p_team AND k.version = v_then.rule_set_version
        LIMIT 1
    ) AS s
    LEFT JOIN LATERAL jsonb_array_elements(s.rules) WITH ORDINALITY AS r ON true;
    IF v_rules.sets = 0 OR v_then.settings IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA067',
            MESSAGE = 'the assessment is older than what reproduces assessments',
            HINT = 'Assess the payment intent again with saas.assess_payment().';
    END IF;
    SELECT COALESCE((
        SELECT t.terms FROM saas.fraud_assessment_terms AS t
        WHERE t.team_id = p_team AND t.assessment_id = p_assessment
    ), '[]') INTO v_terms;
    v_now := saas.replay_rules(
        array_remove(v_rules.ids, NULL), array_remove(v_rules.rules, NULL),
        array_remove(v_rules.names, NULL), array_remove(v_rules.scopes, NULL),
        v_then.attributes,
        saas.rescored_terms(p_team, v_terms, v_then.models, v_then.attributes),
        (v_then.settings ->> 'review_from')::integer, (v_then.settings ->> 'challenge_from')::integer,
        (v_then.settings ->> 'block_from')::integer, v_then.settings ->> 'on_error',
        v_then.assessed_at
    );
    score := v_now.score;
    decision := v_now.decision;
    matched := v_now.matched;
    shadow := v_now.shadow;
    errors := v_now.errors;
    differences := array_remove(ARRAY[
        CASE WHEN v_now.score <> v_then.score THEN 'score' END,
        CASE WHEN v_now.decision <> v_then.decision THEN 'decision' END,
        CASE WHEN v_now.matched <> v_then.matched THEN 'matched' END,
        CASE WHEN v_now.shadow <> v_then.shadow THEN 'shadow' END,
        CASE WHEN v_now.errors <> v_then.errors THEN 'errors' END,
        CASE WHEN v_now.rule_set_version <> v_then.rule_set_version THEN 'rule_set_version' END,
        CASE WHEN v_now.terms <> v_terms THEN 'terms' END
    ], NULL);
    is_equal := cardinality(differences) = 0;
    SELECT COALESCE(jsonb_agg(t.value), '[]') INTO doubtful_lists
    FROM jsonb_array_elements(v_terms) AS t
    WHERE t.value ->> 'kind' = 'list' AND jsonb_typeof(t.value -> 'value') = 'boolean'
        AND saas.fraud_list_held(
            p_team, t.value ->> 'name', t.value -> 'arguments' ->> 0, v_then.assessed_at
        ) IS DISTINCT FROM (t.value ->> 'value')::boolean;
END
$$;
COMMENT ON FUNCTION saas.replay_assessment(uuid, uuid) IS
'Computes a former assessment again: the rules of its version, its attributes and thresholds, the models by the versions of that time, and what lists, history, rates and snoozes answered then. Says whether the result is equal and what differs; doubtful_lists are answers that the history of list changes does not confirm for that moment. Needs member. P0002 for an unknown assessment, SA067 for one without record.';
REVOKE ALL ON FUNCTION saas.replay_assessment(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.replay_assessment(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.rule_set_texts(p_team uuid, p_version text DEFAULT NULL)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF p_version IS NULL THEN
        RETURN (
            SELECT COALESCE(array_agg(r.rule ORDER BY r.id), '{}')
            FROM saas.fraud_detection_rules AS r
            WHERE r.team_id = p_team AND r.enabled
        );
    END IF;
    RETURN (
        SELECT ARRAY(
            SELECT r.value ->> 'rule'
            FROM jsonb_array_elements(s.rules) WITH ORDINALITY AS r
            WHERE r.value ->> 'scope' = 'team'
            ORDER BY r.ordinality
        )
        FROM saas.fraud_rule_sets AS s
        WHERE s.team_id = p_team AND s.version = p_version
        LIMIT 1
    );
END
$$;
COMMENT ON FUNCTION saas.rule_set_texts(uuid, text) IS
'The texts of the team''s own rules: those enabled now, or those of a version that assessed a payment (NULL for an unknown one). Needs member.';
REVOKE ALL ON FUNCTION saas.rule_set_texts(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rule_set_texts(uuid, text) TO saas_app, saas_service;
