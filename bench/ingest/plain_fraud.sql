-- Fraud rules, asked by PL/pgSQL.
-- Which rules match, as text[] of booleans. Each rule is an SQL text that is executed, as rule engines in
-- PL/pgSQL do; with plain.engine = 'one' a statement that asks all of them at once.
CREATE FUNCTION plain.matches(p_attributes jsonb)
RETURNS integer[]
LANGUAGE plpgsql
AS $$
DECLARE
    v_rule record;
    v_hit boolean;
    v_found integer[] := '{}';
BEGIN
    IF current_setting('plain.engine', true) = 'one' THEN
        EXECUTE (
            SELECT 'SELECT array_remove(ARRAY[' || string_agg(format('CASE WHEN %s THEN %s END', r.condition, r.n), ',' ORDER BY r.n)
                || '], NULL)'
            FROM bench.rules AS r
        )
        INTO v_found USING p_attributes;
        RETURN v_found;
    END IF;
    FOR v_rule IN SELECT r.n, r.condition FROM bench.rules AS r ORDER BY r.n LOOP
        EXECUTE 'SELECT ' || v_rule.condition INTO v_hit USING p_attributes;
        IF v_hit THEN
            v_found := v_found || v_rule.n;
        END IF;
    END LOOP;
    RETURN v_found;
END
$$;

CREATE FUNCTION plain.attributes_of(p_intent plain.payment_intents)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_latest plain.payments;
    v_attempts bigint := 0;
BEGIN
    SELECT count(*) INTO v_attempts
    FROM plain.payments AS p
    WHERE p.team_id = p_intent.team_id AND p.payment_intent_id = p_intent.id;
    IF v_attempts > 0 THEN
        SELECT p.* INTO v_latest
        FROM plain.payments AS p
        WHERE p.team_id = p_intent.team_id AND p.payment_intent_id = p_intent.id
        ORDER BY p.created_at DESC, p.id DESC
        LIMIT 1;
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'card_brand', v_latest.card_brand, 'card_last4', v_latest.card_last4,
        'card_country', v_latest.card_country, 'card_funding', v_latest.card_funding,
        'card_fingerprint', v_latest.card_fingerprint, 'cvc_check', v_latest.cvc_check,
        'address_zip_check', v_latest.address_zip_check, 'payment_method_type', v_latest.payment_method_type,
        'attempt_count', NULLIF(v_attempts, 0)
    )) || p_intent.attributes || jsonb_strip_nulls(jsonb_build_object(
        'amount', p_intent.amount, 'currency', p_intent.currency, 'customer', p_intent.provider_customer_id,
        'description', p_intent.description, 'capture_method', p_intent.capture_method,
        'provider', p_intent.provider, 'livemode', p_intent.livemode,
        'payment_method_id', p_intent.provider_payment_method_id, 'metadata', p_intent.metadata
    ));
END
$$;

CREATE FUNCTION plain.assess()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_attributes jsonb := plain.attributes_of(NEW);
    v_at timestamptz := now();
    v_begin timestamptz := clock_timestamp();
    v_found integer[] := plain.matches(v_attributes);
    v_score integer;
    v_decision text;
    v_matched jsonb;
    v_id uuid;
    v_version text := COALESCE(
        NULLIF(current_setting('plain.version', true), ''),
        set_config('plain.version', (SELECT md5(string_agg(r.condition, ';' ORDER BY r.n)) FROM bench.rules AS r), false)
    );
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT greatest(v_at, max(a.assessed_at) + interval '1 microsecond') INTO v_at
        FROM plain.fraud_assessments AS a
        WHERE a.team_id = NEW.team_id AND a.payment_intent_id = NEW.id;
        UPDATE plain.fraud_reviews AS r
        SET state = 'superseded', decided_at = now()
        WHERE r.team_id = NEW.team_id AND r.payment_intent_id = NEW.id AND r.state = 'open';
    END IF;
    -- What matched, and why.
    SELECT
        least(COALESCE(sum(r.score), 0), 100),
        CASE WHEN bool_or(r.action = 'block') THEN 'block' WHEN bool_or(r.action = 'review') THEN 'review' END,
        COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
            'id', r.n, 'name', r.n::text, 'action', r.action, 'score', NULLIF(r.score, 0),
            'attributes', (SELECT jsonb_object_agg(k, v_attributes -> k) FROM unnest(r.reads) AS k)
        )) ORDER BY r.n), '[]')
    INTO v_score, v_decision, v_matched
    FROM bench.rules AS r
    WHERE r.n = ANY (v_found);
    v_decision := COALESCE(v_decision, CASE WHEN v_score >= 75 THEN 'block' WHEN v_score >= 50 THEN 'review' END, 'approve');
    INSERT INTO plain.fraud_rule_sets (team_id, version, rules)
    SELECT NEW.team_id, v_version, (SELECT jsonb_agg(r.condition) FROM bench.rules AS r)
    WHERE NOT EXISTS (SELECT FROM plain.fraud_rule_sets AS s WHERE s.team_id = NEW.team_id AND s.version = v_version);
    INSERT INTO plain.fraud_assessments (
        team_id, payment_intent_id, score, decision, matched, shadow, errors, attributes,
        rule_set_version, settings, models, assessed_at, microseconds
    )
    VALUES (
        NEW.team_id, NEW.id, v_score, v_decision, v_matched, '[]', '[]', v_attributes, v_version,
        '{"on_error": "ignore", "block_from": 75, "review_from": 50, "challenge_from": 101}', '[]', v_at,
        (extract(epoch FROM clock_timestamp() - v_begin) * 1000000)::bigint
    )
    RETURNING id INTO v_id;
    IF v_decision = 'review' THEN
        INSERT INTO plain.fraud_reviews (team_id, assessment_id, payment_intent_id)
        VALUES (NEW.team_id, v_id, NEW.id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER payment_intents_assess AFTER INSERT ON plain.payment_intents
FOR EACH ROW EXECUTE FUNCTION plain.assess();
CREATE TRIGGER payment_intents_assess_again AFTER UPDATE ON plain.payment_intents
FOR EACH ROW
WHEN (
    old.amount <> new.amount OR old.attributes <> new.attributes OR old.metadata <> new.metadata
    OR old.currency <> new.currency OR old.description IS DISTINCT FROM new.description
    OR old.provider_customer_id IS DISTINCT FROM new.provider_customer_id
    OR old.provider_payment_method_id IS DISTINCT FROM new.provider_payment_method_id
    OR old.capture_method IS DISTINCT FROM new.capture_method OR old.livemode <> new.livemode
)
EXECUTE FUNCTION plain.assess();
