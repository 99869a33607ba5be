-- Reviews by people, and what blocked and reviewed payments may not do.
CREATE OR REPLACE FUNCTION saas.queue_fraud_review(p_assessment saas.fraud_assessments)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    UPDATE saas.fraud_reviews AS r
    SET state = 'superseded', decided_at = now()
    WHERE r.team_id = p_assessment.team_id AND r.payment_intent_id = p_assessment.payment_intent_id
        AND r.state = 'open';
    IF p_assessment.decision = 'review' THEN
        INSERT INTO saas.fraud_reviews (team_id, assessment_id, payment_intent_id)
        VALUES (p_assessment.team_id, p_assessment.id, p_assessment.payment_intent_id);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.queue_fraud_review(saas.fraud_assessments) IS
'Opens a review when the assessment asks for one; an open review of an earlier assessment of the intent is superseded. Checks no caller.';
REVOKE ALL ON FUNCTION saas.queue_fraud_review(saas.fraud_assessments) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.queue_fraud_review(saas.fraud_assessments) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.decide_review(
    p_team uuid,
    p_assessment uuid,
    p_decision text,
    p_reason text DEFAULT NULL
)
RETURNS saas.fraud_reviews
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_review saas.fraud_reviews;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    IF p_decision IS NULL OR p_decision NOT IN ('approve', 'decline') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a review is approved or declined',
            HINT = 'p_decision is approve or decline.';
    END IF;
    -- A second reviewer waits for the first one here and then finds the review decided.
    UPDATE saas.fraud_reviews AS r
    SET state = CASE p_decision WHEN 'approve' THEN 'approved' ELSE 'declined' END,
        decided_at = now(),
        decided_by = saas.current_user_id(),
        reason = p_reason
    WHERE r.team_id = p_team AND r.assessment_id = p_assessment AND r.state = 'open'
    RETURNING * INTO v_review;
    IF FOUND THEN
        RETURN v_review;
    END IF;
    SELECT * INTO v_review
    FROM saas.fraud_reviews AS r
    WHERE r.team_id = p_team AND r.assessment_id = p_assessment;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no review of that assessment in the team',
            DETAIL = pg_catalog.format('Team %s, assessment %s.', p_team, p_assessment);
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA068',
        MESSAGE = pg_catalog.format('the review is already %s', v_review.state),
        DETAIL = pg_catalog.format('At %s.', v_review.decided_at),
        HINT = 'A decision stands. saas.assess_payment() asks again, by the rules of now.';
END
$$;
COMMENT ON FUNCTION saas.decide_review(uuid, uuid, text, text) IS
'Approves or declines the payment whose assessment asked for a review. Of two reviewers one decides; the other gets SA068. Needs member. P0002 for an unknown review.';
REVOKE ALL ON FUNCTION saas.decide_review(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.decide_review(uuid, uuid, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.fraud_obstacle(p_team uuid, p_intent uuid, p_status text, p_capture text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_decision text;
    v_review text;
    v_person text;
BEGIN
    IF p_status NOT IN ('requires_action', 'processing', 'requires_capture', 'partially_captured', 'succeeded')
    THEN
        RETURN NULL;
    END IF;
    IF NOT saas.has_row(
        NULL::saas.fraud_reviews, 'fraud_reviews_team_id_payment_intent_id_idx', p_team, p_intent
    ) THEN -- most were never in review
        SELECT a.decision INTO v_decision
        FROM saas.fraud_assessments AS a
        WHERE a.team_id = p_team AND a.payment_intent_id = p_intent
        ORDER BY a.assessed_at DESC, a.id DESC
        LIMIT 1;
        RETURN CASE v_decision WHEN 'block' THEN 'blocked' END;
    END IF;
    SELECT a.decision, r.state INTO v_decision, v_review
    FROM saas.fraud_assessments AS a
    LEFT JOIN saas.fraud_reviews AS r ON r.team_id = p_team AND r.assessment_id = a.id
    WHERE a.team_id = p_team AND a.payment_intent_id = p_intent
    ORDER BY a.assessed_at DESC, a.id DESC
    LIMIT 1;
    -- What a person declined stays so, whatever a later assessment says, until a person approves.
    SELECT r.state INTO v_person
    FROM saas.fraud_reviews AS r
    JOIN saas.fraud_assessments AS a ON a.team_id = p_team AND a.id = r.assessment_id
    WHERE r.team_id = p_team AND r.payment_intent_id = p_intent AND r.state IN ('approved', 'declined')
    ORDER BY a.assessed_at DESC, a.id DESC
    LIMIT 1;
    IF v_decision = 'block' OR v_person = 'declined' THEN
        RETURN 'blocked';
    END IF;
    -- Without manual capture processing is capturing.
    IF v_review = 'open' AND (
        p_status IN ('partially_captured', 'succeeded')
        OR p_status = 'processing' AND p_capture IS DISTINCT FROM 'manual'
    ) THEN
        RETURN 'in review';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.fraud_obstacle(uuid, uuid, text, text) IS
'Why an intent may not come into a state: blocked, in review, or NULL. Checks no caller.';
REVOKE ALL ON FUNCTION saas.fraud_obstacle(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_obstacle(uuid, uuid, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.enforce_fraud_decision()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_obstacle text := saas.fraud_obstacle(NEW.team_id, NEW.id, NEW.status, NEW.capture_method);
BEGIN
    IF v_obstacle IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.status_source <> 'api' THEN
        NEW.fraud_flag := CASE v_obstacle
            WHEN 'blocked' THEN 'confirmed_although_blocked' ELSE 'captured_before_review'
        END;
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA069',
        MESSAGE = pg_catalog.format('the payment is %s: it cannot become %s', v_obstacle, NEW.status),
        DETAIL = pg_catalog.format('Payment intent %s.', NEW.id),
        HINT = CASE v_obstacle
            WHEN 'blocked' THEN 'Cancel it. saas.assess_payment() assesses it again after the rules have changed.'
            ELSE 'Decide the review with saas.decide_review(). Until then it can be authorized with manual capture.'
        END,
        SCHEMA = TG_TABLE_SCHEMA,
        TABLE = TG_TABLE_NAME;
END
$$;
COMMENT ON FUNCTION saas.enforce_fraud_decision() IS
'Trigger of saas.payment_intents: SA069 for a step of the API that confirms a blocked payment or captures one in review; what a provider reports is taken and flagged.';
REVOKE ALL ON FUNCTION saas.enforce_fraud_decision() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payment_intents_15_fraud
BEFORE UPDATE ON saas.payment_intents
FOR EACH ROW
WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION saas.enforce_fraud_decision();
