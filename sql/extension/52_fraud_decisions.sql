-- Decisions that can be explained and reproduced, and backtests. docs/modules/fraud_decisions.md.
CREATE OR REPLACE FUNCTION saas.trace_team_rules(
    p_team uuid,
    p_attributes jsonb,
    p_as_of timestamptz DEFAULT pg_catalog.now(),
    p_intent uuid DEFAULT NULL,
    OUT score integer,
    OUT decision text,
    OUT matched jsonb,
    OUT shadow jsonb,
    OUT errors jsonb,
    OUT rule_set_version text,
    OUT terms jsonb,
    OUT settings jsonb
)
RETURNS record
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_trace_team_rules';
REVOKE ALL ON FUNCTION saas.trace_team_rules(uuid, jsonb, timestamptz, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.trace_team_rules(uuid, jsonb, timestamptz, uuid) IS
'Like saas.evaluate_team_rules() by the thresholds of the team, with what each matching rule read, the answers of all terms that rules asked for, and the thresholds. Checks no caller.';

CREATE OR REPLACE FUNCTION saas.team_rule_set(p_team uuid, p_version text)
RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_team_rule_set';
REVOKE ALL ON FUNCTION saas.team_rule_set(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.team_rule_set(uuid, text) IS
'The rules (id, name, rule, scope) of the set that this session evaluated last for the team; NULL when that is not the version asked for. Checks no caller.';

CREATE OR REPLACE FUNCTION saas.replay_rules(
    p_ids text[],
    p_rules text[],
    p_names text[],
    p_scopes text[],
    p_attributes jsonb,
    p_terms jsonb,
    p_review_from integer,
    p_challenge_from integer,
    p_block_from integer,
    p_on_error text,
    p_as_of timestamptz,
    OUT score integer,
    OUT decision text,
    OUT matched jsonb,
    OUT shadow jsonb,
    OUT errors jsonb,
    OUT rule_set_version text,
    OUT terms jsonb,
    OUT settings jsonb
)
RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_replay_rules';
REVOKE ALL ON FUNCTION saas.replay_rules(
    text[], text[], text[], text[], jsonb, jsonb, integer, integer, integer, text, timestamptz
) FROM PUBLIC;
COMMENT ON FUNCTION saas.replay_rules(
    text[], text[], text[], text[], jsonb, jsonb, integer, integer, integer, text, timestamptz
) IS
'Evaluates rules as they were kept over attributes, with the answers of terms as they were recorded: reads no table. 22023 for arrays that are not equally long.';

CREATE OR REPLACE FUNCTION saas.backtest_verdict(
    p_team uuid,
    p_rules text[],
    p_attributes jsonb,
    p_as_of timestamptz,
    p_intent uuid,
    p_review_from integer,
    p_challenge_from integer,
    p_block_from integer,
    p_on_error text,
    p_names text[],
    p_deciding integer
)
RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_backtest_verdict';
REVOKE ALL ON FUNCTION saas.backtest_verdict(
    uuid, text[], jsonb, timestamptz, uuid, integer, integer, integer, text, text[], integer
) FROM PUBLIC;
COMMENT ON FUNCTION saas.backtest_verdict(
    uuid, text[], jsonb, timestamptz, uuid, integer, integer, integer, text, text[], integer
) IS
'What rules would have decided about an attempt at a moment, as of which lists, models and history are: bits 0 and 1 approve, review, challenge or block; 4 a rule matches, 8 a shadow rule matches, 16 a rule fails. rule_hit() finds the rules by p_names; those after the first p_deciding are there to be asked about only. Checks no caller. SA050 for a text that is no rule.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.trace_team_rules(uuid, jsonb, timestamptz, uuid),
            saas.team_rule_set(uuid, text),
            saas.replay_rules(text[], text[], text[], text[], jsonb, jsonb, integer, integer, integer, text, timestamptz),
            saas.backtest_verdict(
                uuid, text[], jsonb, timestamptz, uuid, integer, integer, integer, text, text[], integer
            ) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
