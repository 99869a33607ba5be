-- Thresholds of teams, rules of the platform, rests of rules.
CREATE OR REPLACE TRIGGER fraud_settings_20_updated_at
BEFORE UPDATE ON saas.fraud_settings
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER fraud_settings_30_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.fraud_settings
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
ALTER TABLE saas.fraud_settings ENABLE ALWAYS TRIGGER fraud_settings_30_changed;

CREATE OR REPLACE FUNCTION saas.set_fraud_settings(
    p_team uuid,
    p_review_from integer DEFAULT NULL,
    p_challenge_from integer DEFAULT NULL,
    p_block_from integer DEFAULT NULL,
    p_on_error text DEFAULT NULL
)
RETURNS saas.fraud_settings
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_settings saas.fraud_settings;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF EXISTS (
        SELECT FROM unnest(ARRAY[p_review_from, p_challenge_from, p_block_from]) AS n (threshold)
        WHERE n.threshold NOT BETWEEN 0 AND 101
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a threshold lies between 0 and 101',
            HINT = 'A score reaches 100, so 101 is never reached.';
    END IF;
    IF p_on_error NOT IN ('ignore', 'review', 'block') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a failed rule is ignored, asks for a review or blocks',
            HINT = 'p_on_error is ignore, review or block.';
    END IF;
    INSERT INTO saas.fraud_settings AS s (team_id, review_from, challenge_from, block_from, on_error)
    VALUES (
        p_team, COALESCE(p_review_from, 50), COALESCE(p_challenge_from, 101),
        COALESCE(p_block_from, 75), COALESCE(p_on_error, 'ignore')
    )
    ON CONFLICT (team_id) DO UPDATE
    SET review_from = COALESCE(p_review_from, s.review_from),
        challenge_from = COALESCE(p_challenge_from, s.challenge_from),
        block_from = COALESCE(p_block_from, s.block_from),
        on_error = COALESCE(p_on_error, s.on_error)
    RETURNING * INTO v_settings;
    RETURN v_settings;
END
$$;
COMMENT ON FUNCTION saas.set_fraud_settings(uuid, integer, integer, integer, text) IS
'Sets from which scores on payments are reviewed, challenged or blocked (0 to 101, never), and what a failed rule asks for; NULL leaves a value as it is. Needs admin. 22023 for other values.';
REVOKE ALL ON FUNCTION saas.set_fraud_settings(uuid, integer, integer, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_fraud_settings(uuid, integer, integer, integer, text)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.check_platform_fraud_rule()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_verdict record;
BEGIN
    SELECT * INTO v_verdict FROM saas.validate_rule(NEW.rule);
    IF NOT v_verdict.valid THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA050',
            MESSAGE = 'the rule is not valid: ' || v_verdict.message,
            DETAIL = pg_catalog.format('At character %s of the rule.', v_verdict.position),
            HINT = COALESCE(NULLIF(v_verdict.hint, ''), 'saas.validate_rule() checks a rule without saving it.');
    END IF;
    IF EXISTS (SELECT FROM saas.fraud_rule_terms(NEW.rule) AS t WHERE t.kind IN ('list', 'model')) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA065',
            MESSAGE = 'a rule of the platform names a list or a model of a team',
            HINT = 'Name the values in the rule: lists and models belong to one team.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_platform_fraud_rule() IS
'Trigger of saas.platform_fraud_rules: SA050 for a text that is no rule, SA065 for one that names a list or model.';
REVOKE ALL ON FUNCTION saas.check_platform_fraud_rule() FROM PUBLIC;

-- The trail of a change belongs to the team of the request, whose admins read it.
CREATE OR REPLACE FUNCTION saas.require_platform()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF saas.current_team_id() IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA128',
            MESSAGE = 'what belongs to the platform is not changed in the name of a team',
            DETAIL = format('Table %s.%s.', TG_TABLE_SCHEMA, TG_TABLE_NAME),
            HINT = 'Call saas.clear_context() first.';
    END IF;
    RETURN COALESCE(NEW, OLD);
END
$$;
COMMENT ON FUNCTION saas.require_platform() IS
'Trigger of saas.platform_fraud_rules: SA128 for a change in the context of a team, whose admins would read it in their audit log.';
REVOKE ALL ON FUNCTION saas.require_platform() FROM PUBLIC;

CREATE OR REPLACE TRIGGER platform_fraud_rules_05_platform
BEFORE INSERT OR UPDATE OR DELETE ON saas.platform_fraud_rules
FOR EACH ROW EXECUTE FUNCTION saas.require_platform();
CREATE OR REPLACE TRIGGER platform_fraud_rules_10_check
BEFORE INSERT OR UPDATE OF rule ON saas.platform_fraud_rules
FOR EACH ROW EXECUTE FUNCTION saas.check_platform_fraud_rule();
CREATE OR REPLACE TRIGGER platform_fraud_rules_20_updated_at
BEFORE UPDATE ON saas.platform_fraud_rules
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER platform_fraud_rules_30_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.platform_fraud_rules
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
ALTER TABLE saas.platform_fraud_rules ENABLE ALWAYS TRIGGER platform_fraud_rules_30_changed;

CREATE OR REPLACE FUNCTION saas.set_platform_fraud_rule(
    p_name text,
    p_rule text,
    p_enabled boolean DEFAULT true
)
RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    INSERT INTO saas.platform_fraud_rules (name, rule, enabled)
    VALUES (p_name, p_rule, p_enabled)
    ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, enabled = excluded.enabled
    RETURNING id
$$;
COMMENT ON FUNCTION saas.set_platform_fraud_rule(text, text, boolean) IS
'Makes or changes the rule of that name which counts for every team, in one order with the team''s own. SA050 for a text that is no rule, SA065 for one that names a list or model.';
REVOKE ALL ON FUNCTION saas.set_platform_fraud_rule(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_platform_fraud_rule(text, text, boolean) TO saas_service;

CREATE OR REPLACE FUNCTION saas.remove_platform_fraud_rule(p_name text)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH removed AS (
        DELETE FROM saas.platform_fraud_rules AS r WHERE r.name = p_name RETURNING r.id
    )
    SELECT EXISTS (SELECT FROM removed)
$$;
COMMENT ON FUNCTION saas.remove_platform_fraud_rule(text) IS
'Removes a rule of the platform; whether there was one.';
REVOKE ALL ON FUNCTION saas.remove_platform_fraud_rule(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.remove_platform_fraud_rule(text) TO saas_service;

CREATE OR REPLACE FUNCTION saas.snooze_rules(
    p_team uuid,
    p_kind text,
    p_value text,
    p_until timestamptz,
    p_reason text DEFAULT NULL
)
RETURNS saas.fraud_snoozes
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_snooze saas.fraud_snoozes;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF p_kind IS NULL OR p_kind NOT IN ('customer', 'card') OR p_value IS NULL OR p_value = ''
        OR octet_length(p_value) > 512
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'rules rest for a customer or a card',
            HINT = 'p_kind is customer or card, p_value what rules read as :customer: or :card_fingerprint:, up to 512 bytes.';
    END IF;
    -- Ends early what runs, so that there is one end; nothing is forgotten that a decision relied on.
    UPDATE saas.fraud_snoozes AS s
    SET ends_at = GREATEST(s.starts_at, now())
    WHERE s.team_id = p_team AND s.kind = p_kind AND s.value = p_value AND s.ends_at > now();
    IF p_until IS NULL OR p_until <= now() THEN
        RETURN NULL;
    END IF;
    INSERT INTO saas.fraud_snoozes (team_id, kind, value, ends_at, reason)
    VALUES (p_team, p_kind, p_value, p_until, p_reason)
    RETURNING * INTO v_snooze;
    RETURN v_snooze;
END
$$;
COMMENT ON FUNCTION saas.snooze_rules(uuid, text, text, timestamptz, text) IS
'Lets rules that ask snoozed() rest for a customer or card until then; NULL or a time past ends the rest. Needs admin. 22023 for another kind.';
REVOKE ALL ON FUNCTION saas.snooze_rules(uuid, text, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.snooze_rules(uuid, text, text, timestamptz, text)
TO saas_app, saas_service;
