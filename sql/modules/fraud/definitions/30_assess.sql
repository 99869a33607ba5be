-- Assessing payment intents: inside the transaction that records them, again on request, and
-- without a trace.
CREATE OR REPLACE FUNCTION saas.assess_intent(p_intent saas.payment_intents, p_is_new boolean)
RETURNS saas.fraud_assessments
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_at timestamptz := now();
    v_before timestamptz;
    v_in_review boolean := false;
    v_latest saas.payments;
    v_attempts bigint := 0;
    v_attributes jsonb;
    v_begin timestamptz;
    v_result record;
    v_models jsonb := '[]'::jsonb;
    v_assessment saas.fraud_assessments;
BEGIN
    IF NOT p_is_new THEN -- of a new one there is nothing yet
        -- The last one decides, so each is later than those before, even if this transaction began
        -- earlier than the one that made them.
        SELECT
            (
                SELECT max(a.assessed_at)
                FROM saas.fraud_assessments AS a
                WHERE a.team_id = p_intent.team_id AND a.payment_intent_id = p_intent.id
            ),
            (
                SELECT count(*)
                FROM saas.payments AS h
                WHERE h.team_id = p_intent.team_id AND h.payment_intent_id = p_intent.id
            )
        INTO v_before, v_attempts;
        v_in_review := saas.has_row(
            NULL::saas.fraud_reviews, 'fraud_reviews_team_id_payment_intent_id_open_key',
            p_intent.team_id, p_intent.id
        );
        v_at := GREATEST(v_at, v_before + interval '1 microsecond');
        IF v_attempts = 1 THEN
            v_latest := saas.find_row(
                v_latest, 'payments_team_id_payment_intent_id_idx', p_intent.team_id, p_intent.id
            );
        ELSIF v_attempts > 1 THEN
            SELECT h.* INTO v_latest
            FROM saas.payments AS h
            WHERE h.team_id = p_intent.team_id AND h.payment_intent_id = p_intent.id
            ORDER BY h.created_at DESC, h.id DESC
            LIMIT 1;
        END IF;
    END IF;
    v_attributes := saas.intent_attributes(p_intent, v_latest, v_attempts);
    v_begin := clock_timestamp();
    -- Again when another session changed the champion in between: the record names the one that was asked.
    FOR n IN 1..3 LOOP
        v_result := saas.trace_team_rules(p_intent.team_id, v_attributes, v_at, p_intent.id);
        IF saas.team_has_models(p_intent.team_id) THEN
            v_models := saas.explain_fraud_models(p_intent.team_id, v_attributes);
        END IF;
        IF NOT v_result.terms @> '[{"kind": "model"}]' THEN
            EXIT;
        END IF;
        EXIT WHEN NOT EXISTS (
            SELECT
            FROM jsonb_array_elements(v_result.terms) AS t
            JOIN jsonb_array_elements(v_models) AS m
                ON m.value ->> 'name' = t.value ->> 'name' AND m.value ->> 'state' = 'champion'
            WHERE t.value ->> 'kind' = 'model' AND m.value ->> 'error' IS NULL
                AND t.value -> 'value' <> COALESCE(m.value -> 'probability', m.value -> 'margin')
        );
    END LOOP;
    IF NOT saas.has_row(
        NULL::saas.fraud_rule_sets, 'fraud_rule_sets_team_id_version_idx',
        p_intent.team_id, v_result.rule_set_version
    ) THEN
        PERFORM saas.keep_fraud_rule_set(p_intent.team_id, v_result.rule_set_version);
    END IF;
    v_assessment := saas.with_columns(
        v_assessment,
        '{team_id,payment_intent_id,score,decision,matched,shadow,errors,attributes,
          rule_set_version,settings,models,assessed_at,microseconds}',
        p_intent.team_id, p_intent.id, v_result.score, v_result.decision, v_result.matched,
        v_result.shadow, v_result.errors, v_attributes, v_result.rule_set_version, v_result.settings,
        v_models, v_at, GREATEST(0, (EXTRACT(epoch FROM clock_timestamp() - v_begin) * 1000000)::bigint)
    );
    v_assessment := saas.insert_row(v_assessment);
    IF v_result.terms <> '[]' THEN
        INSERT INTO saas.fraud_assessment_terms (team_id, assessment_id, terms)
        VALUES (p_intent.team_id, v_assessment.id, v_result.terms);
    END IF;
    IF v_in_review OR v_assessment.decision = 'review' THEN
        PERFORM saas.queue_fraud_review(v_assessment);
    END IF;
    RETURN v_assessment;
END
$$;
COMMENT ON FUNCTION saas.assess_intent(saas.payment_intents, boolean) IS
'Assesses an intent, whose row the transaction has locked or made (p_is_new: and nothing refers to it), and keeps the result. Checks no caller.';
REVOKE ALL ON FUNCTION saas.assess_intent(saas.payment_intents, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.assess_intent(saas.payment_intents, boolean) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.record_assessment(p_team uuid, p_intent uuid)
RETURNS saas.fraud_assessments
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_intent saas.payment_intents;
BEGIN
    SELECT i.* INTO v_intent -- one assessment of an intent at a time
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_team AND i.id = p_intent
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such payment intent in the team',
            DETAIL = pg_catalog.format('Team %s, intent %s.', p_team, p_intent);
    END IF;
    RETURN saas.assess_intent(v_intent, false);
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
    v_assessment saas.fraud_assessments;
    v_obstacle text;
BEGIN
    -- That a person's data went is no reason to decide anew, without them.
    IF saas.is_erasing() THEN
        RETURN NULL;
    END IF;
    v_assessment := saas.assess_intent(NEW, TG_OP = 'INSERT');
    -- A provider may report an intent that we have not seen before and that is already confirmed; a
    -- change of the amount may come with a step that the new assessment does not allow.
    IF NEW.fraud_flag IS NOT NULL OR TG_OP = 'UPDATE' AND OLD.status IS NOT DISTINCT FROM NEW.status THEN
        RETURN NULL;
    END IF;
    v_obstacle := saas.fraud_obstacle(NEW.team_id, NEW.id, NEW.status, NEW.capture_method);
    IF v_obstacle IS NULL THEN
        RETURN NULL;
    END IF;
    IF NEW.status_source <> 'api' THEN
        UPDATE saas.payment_intents AS i
        SET fraud_flag = CASE v_obstacle
                WHEN 'blocked' THEN 'confirmed_although_blocked' ELSE 'captured_before_review'
            END
        WHERE i.team_id = NEW.team_id AND i.id = NEW.id;
    ELSIF TG_OP = 'UPDATE' THEN
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
AFTER UPDATE ON saas.payment_intents
FOR EACH ROW
WHEN (
    old.amount IS DISTINCT FROM new.amount
    OR old.currency IS DISTINCT FROM new.currency
    OR old.attributes IS DISTINCT FROM new.attributes
    OR old.metadata IS DISTINCT FROM new.metadata
    OR old.provider_customer_id IS DISTINCT FROM new.provider_customer_id
    OR old.provider_payment_method_id IS DISTINCT FROM new.provider_payment_method_id
    OR old.capture_method IS DISTINCT FROM new.capture_method
    OR old.description IS DISTINCT FROM new.description
    OR old.livemode IS DISTINCT FROM new.livemode
)
EXECUTE FUNCTION saas.assess_changed_intent();
