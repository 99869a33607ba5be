-- Rules tried on history: attempts as they were assessed, and how they ended.
CREATE OR REPLACE FUNCTION saas.fraud_intents(p_team uuid)
RETURNS uuid[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT ARRAY(
        SELECT DISTINCT p.payment_intent_id
        FROM saas.fraud_labels(p_team) AS l
        JOIN saas.payments AS p ON p.team_id = p_team AND p.id = l.payment_id
        WHERE p.payment_intent_id IS NOT NULL
    )
$$;
COMMENT ON FUNCTION saas.fraud_intents(uuid) IS
'Payment intents of the team that turned out to be fraud. Checks no caller.';
REVOKE ALL ON FUNCTION saas.fraud_intents(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_intents(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.require_backtest(p_rules text[], p_from timestamptz, p_to timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rule text;
    v_verdict record;
BEGIN
    IF NOT isfinite(p_from) OR NOT isfinite(p_to) OR p_from >= p_to THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a backtest goes over a period with a beginning and a later end';
    END IF;
    FOREACH v_rule IN ARRAY p_rules LOOP
        SELECT * INTO v_verdict FROM saas.validate_rule(v_rule);
        -- NULL for a rule that is NULL.
        IF v_verdict.valid IS NOT TRUE THEN
            RAISE EXCEPTION USING
                ERRCODE = 'SA050',
                MESSAGE = 'the rule is not valid: ' || COALESCE(v_verdict.message, 'it is null'),
                DETAIL = pg_catalog.format('At character %s of the rule.', COALESCE(v_verdict.position, 1)),
                HINT = COALESCE(NULLIF(v_verdict.hint, ''), 'saas.validate_rule() checks a rule.');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.require_backtest(text[], timestamptz, timestamptz) IS
'Raises what is wrong with the rules (SA050) or the period (22023) of a backtest.';
REVOKE ALL ON FUNCTION saas.require_backtest(text[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_backtest(text[], timestamptz, timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.backtest_names(p_team uuid, p_rules text[])
RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT ARRAY(
        SELECT COALESCE(n.name, '')
        FROM unnest(p_rules) WITH ORDINALITY AS t (rule, place)
        LEFT JOIN (
            SELECT DISTINCT ON (r.rule) r.rule, r.name
            FROM (
                SELECT d.rule, d.name, 1 + d.enabled::integer AS weight, d.id
                FROM saas.fraud_detection_rules AS d
                WHERE d.team_id = p_team
                UNION ALL
                SELECT e.value ->> 'rule', e.value ->> 'name', 0, s.id
                FROM saas.fraud_rule_sets AS s
                CROSS JOIN LATERAL jsonb_array_elements(s.rules) AS e
                -- Only where somebody asks for names.
                WHERE s.team_id = p_team AND array_to_string(p_rules, ' ') ~* 'rule_hit'
            ) AS r
            ORDER BY r.rule, r.weight DESC, r.id DESC
        ) AS n ON n.rule = t.rule
        ORDER BY t.place
    )
$$;
COMMENT ON FUNCTION saas.backtest_names(uuid, text[]) IS
'The names by which rule_hit() finds texts: those that the team''s rules of these texts have, or had last; empty for other texts. Checks no caller.';
REVOKE ALL ON FUNCTION saas.backtest_names(uuid, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.backtest_names(uuid, text[]) TO saas_internal;

-- Custom plans: the rules and the known fraud are constants then, and looked up by hash.
CREATE OR REPLACE FUNCTION saas.backtest_groups(
    p_team uuid,
    p_a text[],
    p_b text[],
    p_from timestamptz,
    p_to timestamptz,
    p_deciding integer DEFAULT 10000
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_slices constant integer := 10;
    v_limits saas.fraud_settings;
    v_a_names text[] := saas.backtest_names(p_team, p_a);
    v_b_names text[] := saas.backtest_names(p_team, p_b);
    v_fraud uuid[] := saas.fraud_intents(p_team);
    v_again uuid[];
    v_groups jsonb := '[]'::jsonb;
    v_slice jsonb;
    v_tried bigint := 0;
    v_begin timestamptz := p_from;
    v_end timestamptz;
BEGIN
    SELECT * INTO v_limits FROM saas.fraud_settings AS s WHERE s.team_id = p_team;
    v_limits.review_from := COALESCE(v_limits.review_from, 50);
    v_limits.challenge_from := COALESCE(v_limits.challenge_from, 101);
    v_limits.block_from := COALESCE(v_limits.block_from, 75);
    v_limits.on_error := COALESCE(v_limits.on_error, 'ignore');
    v_again := ARRAY(
        SELECT a.payment_intent_id
        FROM saas.fraud_assessments AS a
        WHERE a.team_id = p_team AND a.assessed_at >= p_from AND a.assessed_at < p_to
        GROUP BY a.payment_intent_id
        HAVING count(*) > 1
    );
    FOR n IN 1..v_slices LOOP
        v_end := CASE n
            WHEN v_slices THEN p_to ELSE p_from + (p_to - p_from) * (n::double precision / v_slices)
        END;
        SELECT jsonb_agg(to_jsonb(g)) INTO v_slice
        FROM (
            SELECT v.a, v.b, v.decision, v.is_fraud,
                CASE WHEN v.counts THEN v.attributes ->> 'currency' END AS currency,
                count(*) AS attempts,
                sum(CASE WHEN v.counts THEN (v.attributes ->> 'amount')::numeric END) AS amount,
                (array_agg(v.intent_id) FILTER (WHERE v.counts))[1:10] AS examples
            FROM (
                SELECT t.*, COALESCE(t.a & 15, 0) <> 0 OR COALESCE(t.b & 15, 0) <> 0 AS counts
                FROM (
                    SELECT h.payment_intent_id AS intent_id, h.attributes, h.decision,
                        h.payment_intent_id = ANY (v_fraud) AS is_fraud,
                        saas.backtest_verdict(
                            p_team, p_a, h.attributes, h.assessed_at, h.payment_intent_id,
                            v_limits.review_from, v_limits.challenge_from, v_limits.block_from,
                            v_limits.on_error, v_a_names, p_deciding
                        ) AS a,
                        saas.backtest_verdict(
                            p_team, p_b, h.attributes, h.assessed_at, h.payment_intent_id,
                            v_limits.review_from, v_limits.challenge_from, v_limits.block_from,
                            v_limits.on_error, v_b_names, p_deciding
                        ) AS b
                    FROM saas.fraud_assessments AS h
                    WHERE h.team_id = p_team AND h.assessed_at >= v_begin AND h.assessed_at < v_end
                        -- An attempt is an intent as it was last assessed in the period. Few were twice.
                        AND (
                            h.payment_intent_id <> ALL (v_again)
                            OR NOT EXISTS (
                                SELECT
                                FROM saas.fraud_assessments AS later
                                WHERE later.team_id = p_team
                                    AND later.payment_intent_id = h.payment_intent_id
                                    AND later.assessed_at >= h.assessed_at AND later.assessed_at < p_to
                                    AND (later.assessed_at > h.assessed_at OR later.id > h.id)
                            )
                        )
                    OFFSET 0
                ) AS t
            ) AS v
            GROUP BY v.a, v.b, v.decision, v.is_fraud, 5
        ) AS g;
        v_groups := v_groups || COALESCE(v_slice, '[]');
        v_tried := v_tried + COALESCE((
            SELECT sum((e.value ->> 'attempts')::bigint) FROM jsonb_array_elements(v_slice) AS e
        ), 0);
        v_begin := v_end;
        RAISE NOTICE 'backtest: % %% of the period, % attempts', n * 100 / v_slices, v_tried;
    END LOOP;
    RETURN v_groups;
END
$$;
COMMENT ON FUNCTION saas.backtest_groups(uuid, text[], text[], timestamptz, timestamptz, integer) IS
'Attempts of a period, counted by what rules a and b (NULL for none) would have decided, what was decided, whether they were fraud, and currency. Rules of a after the first p_deciding are only asked about by others. A NOTICE for every tenth of the period. Checks no caller.';
REVOKE ALL ON FUNCTION saas.backtest_groups(uuid, text[], text[], timestamptz, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.backtest_groups(uuid, text[], text[], timestamptz, timestamptz, integer)
TO saas_internal;

CREATE OR REPLACE FUNCTION saas.summarize_backtest(p_groups jsonb, p_side text, p_mask integer, p_wanted integer)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH counted AS (
        SELECT (g.value ->> p_side)::integer AS verdict,
            CASE p_wanted
                WHEN 0 THEN (g.value ->> p_side)::integer & p_mask <> 0
                ELSE (g.value ->> p_side)::integer & p_mask = p_wanted
            END AS is_hit,
            g.value ->> 'decision' AS decision,
            (g.value ->> 'is_fraud')::boolean AS is_fraud,
            g.value ->> 'currency' AS currency,
            (g.value ->> 'attempts')::bigint AS attempts,
            (g.value ->> 'amount')::numeric AS amount,
            g.value -> 'examples' AS examples,
            g.ordinality AS place
        FROM jsonb_array_elements(p_groups) WITH ORDINALITY AS g
    ),
    matrix AS (
        SELECT COALESCE(sum(c.attempts), 0) AS attempts,
            COALESCE(sum(c.attempts) FILTER (WHERE c.is_hit), 0) AS hits,
            COALESCE(sum(c.attempts) FILTER (WHERE c.verdict & 16 <> 0), 0) AS errors,
            COALESCE(sum(c.attempts) FILTER (WHERE c.verdict & 3 = 3), 0) AS would_block,
            COALESCE(sum(c.attempts) FILTER (WHERE c.verdict & 3 = 3 AND c.decision <> 'block'), 0) AS newly_blocked,
            COALESCE(sum(c.attempts) FILTER (WHERE c.is_hit AND c.is_fraud), 0) AS true_positives,
            COALESCE(sum(c.attempts) FILTER (WHERE c.is_hit AND NOT c.is_fraud), 0) AS false_positives,
            COALESCE(sum(c.attempts) FILTER (WHERE NOT c.is_hit AND c.is_fraud), 0) AS false_negatives,
            COALESCE(sum(c.attempts) FILTER (WHERE NOT c.is_hit AND NOT c.is_fraud), 0) AS true_negatives
        FROM counted AS c
    )
    SELECT to_jsonb(m) || jsonb_build_object(
        'precision', m.true_positives / NULLIF(m.true_positives + m.false_positives, 0)::double precision,
        'recall', m.true_positives / NULLIF(m.true_positives + m.false_negatives, 0)::double precision,
        'amounts', (
            SELECT COALESCE(jsonb_object_agg(s.currency, s.amount), '{}')
            FROM (
                SELECT c.currency, sum(c.amount) AS amount
                FROM counted AS c
                WHERE c.is_hit AND c.currency IS NOT NULL
                GROUP BY c.currency
            ) AS s
        ),
        'examples', (
            SELECT COALESCE(jsonb_agg(s.value), '[]')
            FROM (
                SELECT e.value
                FROM counted AS c
                CROSS JOIN LATERAL jsonb_array_elements(
                    CASE jsonb_typeof(c.examples) WHEN 'array' THEN c.examples ELSE '[]' END
                ) AS e
                WHERE c.is_hit
                ORDER BY c.place, e.value
                LIMIT 10
            ) AS s
        )
    )
    FROM matrix AS m
$$;
COMMENT ON FUNCTION saas.summarize_backtest(jsonb, text, integer, integer) IS
'Hits, amounts, confusion matrix, precision, recall and examples from saas.backtest_groups(). A hit is a verdict of that side with any bit of the mask, or with exactly those wanted.';
REVOKE ALL ON FUNCTION saas.summarize_backtest(jsonb, text, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.summarize_backtest(jsonb, text, integer, integer) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.backtest_rule(
    p_team uuid,
    p_rule text,
    p_from timestamptz,
    p_to timestamptz,
    OUT attempts bigint,
    OUT hits bigint,
    OUT errors bigint,
    OUT would_block bigint,
    OUT newly_blocked bigint,
    OUT amounts jsonb,
    OUT true_positives bigint,
    OUT false_positives bigint,
    OUT false_negatives bigint,
    OUT true_negatives bigint,
    OUT "precision" double precision,
    OUT recall double precision,
    OUT examples jsonb
)
RETURNS record
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_rules text[] := ARRAY[p_rule];
    v_found jsonb;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    PERFORM saas.require_backtest(v_rules, p_from, p_to);
    IF p_rule ~* 'rule_hit' THEN
        v_rules := v_rules || saas.rule_set_texts(p_team);
    END IF;
    v_found := saas.summarize_backtest(
        saas.backtest_groups(p_team, v_rules, NULL, p_from, p_to, 1), 'a', 12, 0
    );
    attempts := (v_found ->> 'attempts')::bigint;
    hits := (v_found ->> 'hits')::bigint;
    errors := (v_found ->> 'errors')::bigint;
    would_block := (v_found ->> 'would_block')::bigint;
    newly_blocked := (v_found ->> 'newly_blocked')::bigint;
    amounts := v_found -> 'amounts';
    true_positives := (v_found ->> 'true_positives')::bigint;
    false_positives := (v_found ->> 'false_positives')::bigint;
    false_negatives := (v_found ->> 'false_negatives')::bigint;
    true_negatives := (v_found ->> 'true_negatives')::bigint;
    "precision" := (v_found ->> 'precision')::double precision;
    recall := (v_found ->> 'recall')::double precision;
    examples := v_found -> 'examples';
END
$$;
COMMENT ON FUNCTION saas.backtest_rule(uuid, text, timestamptz, timestamptz) IS
'Tries a rule, alone, on the attempts of a period as of each moment: how many it hits and would block, their amounts by currency in minor units, how that compares with known fraud (disputes, warnings and refunds for fraud), and payment intents as examples. Writes nothing, tells its progress by NOTICE, can be cancelled. Needs member. SA050 for a text that is no rule.';
REVOKE ALL ON FUNCTION saas.backtest_rule(uuid, text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.backtest_rule(uuid, text, timestamptz, timestamptz)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.compare_rule_sets(
    p_team uuid,
    p_a text[],
    p_b text[],
    p_from timestamptz,
    p_to timestamptz,
    OUT a jsonb,
    OUT b jsonb,
    OUT changes jsonb
)
RETURNS record
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_groups jsonb;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    PERFORM saas.require_backtest(p_a || p_b, p_from, p_to);
    v_groups := saas.backtest_groups(p_team, p_a, p_b, p_from, p_to);
    a := saas.summarize_backtest(v_groups, 'a', 3, 3);
    b := saas.summarize_backtest(v_groups, 'b', 3, 3);
    SELECT COALESCE(jsonb_agg(to_jsonb(c) ORDER BY c.attempts DESC, c.a, c.b, c.currency), '[]')
    INTO changes
    FROM (
        SELECT n.names[1 + ((g.value ->> 'a')::integer & 3)] AS a,
            n.names[1 + ((g.value ->> 'b')::integer & 3)] AS b,
            g.value ->> 'currency' AS currency,
            sum((g.value ->> 'attempts')::bigint) AS attempts,
            sum((g.value ->> 'amount')::numeric) AS amount,
            COALESCE(sum((g.value ->> 'attempts')::bigint) FILTER (WHERE (g.value ->> 'is_fraud')::boolean), 0)
            AS known_fraud,
            (array_agg(g.value -> 'examples' ->> 0))[1] AS example
        FROM jsonb_array_elements(v_groups) AS g
        CROSS JOIN (SELECT ARRAY['approve', 'review', 'challenge', 'block'] AS names) AS n
        WHERE (g.value ->> 'a')::integer & 3 <> (g.value ->> 'b')::integer & 3
        GROUP BY 1, 2, 3
    ) AS c;
END
$$;
COMMENT ON FUNCTION saas.compare_rule_sets(uuid, text[], text[], timestamptz, timestamptz) IS
'Tries two sets of rules on the attempts of a period as of each moment. For each set how many it blocks, their amounts by currency, confusion matrix against known fraud, precision, recall and examples; changes: attempts about which the sets decide differently. saas.rule_set_texts() gives the rules of now or of a former version. Needs member. SA050 for a text that is no rule.';
REVOKE ALL ON FUNCTION saas.compare_rule_sets(uuid, text[], text[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.compare_rule_sets(uuid, text[], text[], timestamptz, timestamptz)
TO saas_app, saas_service;
