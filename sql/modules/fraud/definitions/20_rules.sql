-- Only rules that parse get into the table, and every session hears of changes.
CREATE OR REPLACE FUNCTION saas.check_fraud_rule()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_verdict record;
    v_others record;
    v_unknown text;
BEGIN
    SELECT * INTO v_verdict FROM saas.validate_rule(NEW.rule);
    IF NOT v_verdict.valid THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA050',
            MESSAGE = 'the rule is not valid: ' || v_verdict.message,
            DETAIL = pg_catalog.format('At character %s of the rule.', v_verdict.position),
            HINT = COALESCE(NULLIF(v_verdict.hint, ''), 'saas.validate_rule() checks a rule without saving it.'),
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            COLUMN = 'rule';
    END IF;
    SELECT t.name INTO v_unknown
    FROM saas.fraud_rule_terms(NEW.rule) AS t
    WHERE t.kind = 'list'
        AND NOT EXISTS (
            SELECT FROM saas.fraud_lists AS l WHERE l.team_id = NEW.team_id AND l.alias = t.name
        )
    ORDER BY t.name
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA052',
            MESSAGE = pg_catalog.format('there is no fraud list @%s in the team', v_unknown),
            HINT = 'Make the list first, in saas.fraud_lists.',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            COLUMN = 'rule';
    END IF;
    NEW.warnings := COALESCE(saas.fraud_rule_warnings(NEW.team_id, NEW.id, NEW.rule, v_verdict.warnings), '[]');
    -- What saas.evaluate_team_rules() takes in one set.
    IF NEW.enabled THEN
        SELECT count(*) AS rules, COALESCE(sum(octet_length(r.rule)), 0) AS bytes
        INTO v_others
        FROM saas.fraud_detection_rules AS r
        WHERE r.team_id = NEW.team_id AND r.enabled AND r.id <> NEW.id;
        IF v_others.rules >= 10000 OR v_others.bytes + octet_length(NEW.rule) > 16777216 THEN
            RAISE EXCEPTION USING
                ERRCODE = '54000',
                MESSAGE = 'too many fraud rules',
                DETAIL = 'A team has up to 10000 enabled rules of 16 MiB together.',
                HINT = 'Disable rules that are no longer needed, or join rules of one action by OR.';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_fraud_rule() IS
'Trigger of saas.fraud_detection_rules: SA050 for a text that is no rule, with position and hint; SA052 for a list that the team does not have; 54000 for too many. Keeps the warnings.';
REVOKE ALL ON FUNCTION saas.check_fraud_rule() FROM PUBLIC;

CREATE OR REPLACE TRIGGER fraud_detection_rules_10_check
BEFORE INSERT OR UPDATE OF rule, enabled, team_id ON saas.fraud_detection_rules
FOR EACH ROW EXECUTE FUNCTION saas.check_fraud_rule();

CREATE OR REPLACE TRIGGER fraud_detection_rules_20_updated_at
BEFORE UPDATE ON saas.fraud_detection_rules
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

CREATE OR REPLACE TRIGGER fraud_detection_rules_30_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.fraud_detection_rules
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
-- Rows that replication applies change the rules, too.
ALTER TABLE saas.fraud_detection_rules ENABLE ALWAYS TRIGGER fraud_detection_rules_30_changed;

CREATE OR REPLACE FUNCTION saas.keep_fraud_assessments()
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
    -- A person's data go when the law wants it; score and decision stay.
    IF TG_OP = 'UPDATE' AND saas.is_erasing() THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA051',
        MESSAGE = 'fraud assessments are append-only',
        HINT = 'Assess the payment intent again with saas.assess_payment().';
END
$$;
COMMENT ON FUNCTION saas.keep_fraud_assessments() IS
'Trigger of saas.fraud_assessments: SA051 for every change but the removal of a whole team and the erasure of a person''s data.';
REVOKE ALL ON FUNCTION saas.keep_fraud_assessments() FROM PUBLIC;

CREATE OR REPLACE TRIGGER fraud_assessments_10_keep
BEFORE UPDATE OR DELETE ON saas.fraud_assessments
FOR EACH ROW EXECUTE FUNCTION saas.keep_fraud_assessments();
