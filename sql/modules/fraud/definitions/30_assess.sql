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
    SELECT * INTO v_result FROM saas.evaluate_team_rules(
        p_team, v_attributes, p_intent => p_intent
    );
    INSERT INTO saas.fraud_assessments (
        team_id, payment_intent_id, score, decision, matched, shadow, errors, attributes,
        rule_set_version, microseconds
    )
    VALUES (
        p_team, p_intent, v_result.score, v_result.decision, v_result.matched, v_result.shadow,
        v_result.errors, v_attributes, v_result.rule_set_version,
        GREATEST(0, (EXTRACT(epoch FROM clock_timestamp() - v_begin) * 1000000)::bigint)
    )
    RETURNING * INTO v_assessment;
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
    OUT microseconds bigint
)
RETURNS record
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_begin timestamptz;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_begin := clock_timestamp();
    SELECT e.score, e.decision, e.matched, e.shadow, e.errors, e.rule_set_version
    INTO score, decision, matched, shadow, errors, rule_set_version
    FROM saas.evaluate_team_rules(p_team, p_attributes, p_as_of => p_as_of) AS e;
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
BEGIN
    PERFORM saas.record_assessment(NEW.team_id, NEW.id);
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
