-- Assessing payment intents: inside the transaction that records them, again on request, and
-- without a trace.
CREATE OR REPLACE FUNCTION saas.record_assessment(p_team uuid, p_intent uuid)
RETURNS saas.fraud_assessments
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_attributes jsonb;
    v_begin timestamptz;
    v_result record;
    v_models jsonb;
    v_assessment saas.fraud_assessments;
BEGIN
    v_attributes := saas.payment_attributes(p_team, p_intent);
    IF v_attributes IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such payment intent in the team',
            DETAIL = pg_catalog.format('Team %s, intent %s.', p_team, p_intent);
    END IF;
    v_begin := clock_timestamp();
    v_result := saas.trace_team_rules(p_team, v_attributes, p_intent => p_intent);
    v_models := saas.explain_fraud_models(p_team, v_attributes);
    PERFORM saas.keep_fraud_rule_set(p_team, v_result.rule_set_version);
    INSERT INTO saas.fraud_assessments (
        team_id, payment_intent_id, score, decision, matched, shadow, errors, attributes,
        rule_set_version, settings, models, microseconds
    )
    VALUES (
        p_team, p_intent, v_result.score, v_result.decision, v_result.matched, v_result.shadow,
        v_result.errors, v_attributes, v_result.rule_set_version, v_result.settings, v_models,
        GREATEST(0, (EXTRACT(epoch FROM clock_timestamp() - v_begin) * 1000000)::bigint)
    )
    RETURNING * INTO v_assessment;
    IF v_result.terms <> '[]' THEN
        INSERT INTO saas.fraud_assessment_terms (team_id, assessment_id, terms)
        VALUES (p_team, v_assessment.id, v_result.terms);
    END IF;
    PERFORM saas.queue_fraud_review(v_assessment);
    RETURN v_assessment;
END
$$;
COMMENT ON FUNCTION saas.record_assessment(uuid, uuid) IS
'Assesses an intent of the team and keeps the result. Checks no caller: for saas.assess_payment() and the trigger.';
REVOKE ALL ON FUNCTION saas.record_assessment(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_assessment(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.assess_payment(p_team uuid, p_intent uuid)
RETURNS saas.fraud_assessments
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    RETURN saas.record_assessment(p_team, p_intent);
END
$$;
COMMENT ON FUNCTION saas.assess_payment(uuid, uuid) IS
'Assesses a payment intent by the team''s rules of now, keeps the assessment and returns it. Needs member. P0002 for an intent that the team does not have.';
REVOKE ALL ON FUNCTION saas.assess_payment(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.assess_payment(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.assess(
    p_team uuid,
    p_attributes jsonb,
    p_as_of timestamptz DEFAULT now(),
    OUT score integer,
    OUT decision text,
    OUT matched jsonb,
    OUT shadow jsonb,
    OUT errors jsonb,
    OUT rule_set_version text,
    OUT models jsonb,
    OUT microseconds bigint
)
RETURNS record
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_begin timestamptz;
    v_result record;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_begin := clock_timestamp();
    v_result := saas.trace_team_rules(p_team, p_attributes, p_as_of);
    score := v_result.score;
    decision := v_result.decision;
    matched := v_result.matched;
    shadow := v_result.shadow;
    errors := v_result.errors;
    rule_set_version := v_result.rule_set_version;
    models := saas.explain_fraud_models(p_team, p_attributes);
    microseconds := GREATEST(0, (EXTRACT(epoch FROM clock_timestamp() - v_begin) * 1000000)::bigint);
END
$$;
COMMENT ON FUNCTION saas.assess(uuid, jsonb, timestamptz) IS
'What the team''s rules say about attributes, without keeping it. Needs member. p_as_of is the moment from which functions over history, time, lists and exchange rates look back.';
REVOKE ALL ON FUNCTION saas.assess(uuid, jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.assess(uuid, jsonb, timestamptz) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.assess_changed_intent()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_obstacle text;
BEGIN
    -- That a person's data went is no reason to decide anew, without them.
    IF saas.is_erasing() THEN
        RETURN NULL;
    END IF;
    PERFORM saas.record_assessment(NEW.team_id, NEW.id);
    -- A provider may report an intent that we have not seen before and that is already confirmed; a
    -- change of the amount may come with a step that the new assessment does not allow.
    v_obstacle := saas.fraud_obstacle(NEW.team_id, NEW.id, NEW.status, NEW.capture_method);
    IF v_obstacle IS NULL OR NEW.fraud_flag IS NOT NULL THEN
        RETURN NULL;
    END IF;
    IF NEW.status_source <> 'api' THEN
        UPDATE saas.payment_intents AS i
        SET fraud_flag = CASE v_obstacle
                WHEN 'blocked' THEN 'confirmed_although_blocked' ELSE 'captured_before_review'
            END
        WHERE i.team_id = NEW.team_id AND i.id = NEW.id;
    ELSIF TG_OP = 'UPDATE' AND OLD.status IS DISTINCT FROM NEW.status THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA069',
            MESSAGE = pg_catalog.format('the payment is %s: it cannot become %s', v_obstacle, NEW.status),
            DETAIL = pg_catalog.format('Payment intent %s.', NEW.id),
            HINT = 'Change what is paid first, then confirm or capture it.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.assess_changed_intent() IS
'Trigger of saas.payment_intents: assesses the intent in the transaction that records it.';
REVOKE ALL ON FUNCTION saas.assess_changed_intent() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payment_intents_60_assess
AFTER INSERT ON saas.payment_intents
FOR EACH ROW EXECUTE FUNCTION saas.assess_changed_intent();

CREATE OR REPLACE TRIGGER payment_intents_61_assess_again
AFTER UPDATE OF amount, currency, attributes, metadata ON saas.payment_intents
FOR EACH ROW
WHEN (
    old.amount IS DISTINCT FROM new.amount
    OR old.currency IS DISTINCT FROM new.currency
    OR old.attributes IS DISTINCT FROM new.attributes
    OR old.metadata IS DISTINCT FROM new.metadata
)
EXECUTE FUNCTION saas.assess_changed_intent();
