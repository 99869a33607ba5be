-- The fraud rule engine. docs/modules/fraud.md describes the language.
CREATE OR REPLACE FUNCTION saas.validate_rule(
    p_rule text,
    OUT valid boolean,
    OUT message text,
    OUT "position" integer,
    OUT hint text,
    OUT warnings jsonb
)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_validate_rule';
COMMENT ON FUNCTION saas.validate_rule(text) IS
'Whether the text is a fraud rule; if not, what is wrong, at which character (from 1), and what would be right. Warnings name what is legal but hardly meant. Raises no error.';

CREATE OR REPLACE FUNCTION saas.evaluate_rules(
    p_rules text[],
    p_attributes jsonb,
    p_review_from integer DEFAULT 50,
    p_block_from integer DEFAULT 75,
    p_as_of timestamptz DEFAULT pg_catalog.now(),
    OUT score integer,
    OUT decision text,
    OUT matched jsonb,
    OUT shadow jsonb,
    OUT errors jsonb
)
RETURNS record
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_evaluate_rules';
COMMENT ON FUNCTION saas.evaluate_rules(text[], jsonb, integer, integer, timestamptz) IS
'Evaluates rules given as texts over attributes given as a JSON object, at a moment. Rules are named by their place in the array. Lists, history, models and exchange rates belong to a team, so rules that come to them fail. SA050 for a text that is no rule.';

CREATE OR REPLACE FUNCTION saas.evaluate_team_rules(
    p_team uuid,
    p_attributes jsonb,
    p_review_from integer DEFAULT NULL,
    p_block_from integer DEFAULT NULL,
    p_as_of timestamptz DEFAULT pg_catalog.now(),
    p_intent uuid DEFAULT NULL,
    OUT score integer,
    OUT decision text,
    OUT matched jsonb,
    OUT shadow jsonb,
    OUT errors jsonb,
    OUT rule_set_version text
)
RETURNS record
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_evaluate_team_rules';
REVOKE ALL ON FUNCTION saas.evaluate_team_rules(uuid, jsonb, integer, integer, timestamptz, uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.evaluate_team_rules(uuid, jsonb, integer, integer, timestamptz, uuid) IS
'Evaluates the enabled rules of a team, as last committed, at a moment from which history looks back. p_intent is the payment intent in question, which is no history of its own; NULL without one. Thresholds that are NULL are the team''s. Reads rules, lists and history whatever the caller may see: only for functions that have checked their caller.';

CREATE OR REPLACE FUNCTION saas.normalize_list_value(p_kind text, p_value text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_normalize_list_value';
COMMENT ON FUNCTION saas.normalize_list_value(text, text) IS
'The one form in which a list of that kind keeps a value: case folded where it does not count, networks without the bits behind their prefix. SA053 for what is no such thing, 22023 for an unknown kind.';

CREATE OR REPLACE FUNCTION saas.list_candidates(p_kind text, p_value text)
RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_list_candidates';
COMMENT ON FUNCTION saas.list_candidates(text, text) IS
'The entries of a list of that kind that would hold the value: of a domain also those above it, of an address the networks around it.';

CREATE OR REPLACE FUNCTION saas.fraud_rule_indexes(p_rule text)
RETURNS TABLE (table_name text, index_columns text[], statement text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_fraud_rule_indexes';
COMMENT ON FUNCTION saas.fraud_rule_indexes(text) IS
'The indexes that the functions over history of a rule need: table in schema saas, columns in order, and the statement that makes the index. SA050 for a text that is no rule.';

CREATE OR REPLACE FUNCTION saas.fraud_rule_terms(p_rule text)
RETURNS TABLE (kind text, name text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_fraud_rule_terms';
COMMENT ON FUNCTION saas.fraud_rule_terms(text) IS
'What a rule asks for beyond the attributes: kind list, model, exchange rate, time zone, snooze or history, and name. SA050 for a text that is no rule.';

CREATE OR REPLACE FUNCTION saas.fraud_rule_conflicts(p_rule text, p_others text[], p_names text[])
RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_fraud_rule_conflicts';
COMMENT ON FUNCTION saas.fraud_rule_conflicts(text, text[], text[]) IS
'What is to be said about a rule beside others, named in the same order: never reached, contradicting an ALLOW, adding nothing. SA050 for a text that is no rule.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.evaluate_team_rules(uuid, jsonb, integer, integer, timestamptz, uuid) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
