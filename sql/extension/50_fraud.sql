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
    OUT score integer,
    OUT decision text,
    OUT matched jsonb,
    OUT shadow jsonb,
    OUT errors jsonb
)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_evaluate_rules';
COMMENT ON FUNCTION saas.evaluate_rules(text[], jsonb, integer, integer) IS
'Evaluates rules given as texts over attributes given as a JSON object. Rules are named by their place in the array. SA050 for a text that is no rule.';

CREATE OR REPLACE FUNCTION saas.evaluate_team_rules(
    p_team uuid,
    p_attributes jsonb,
    p_review_from integer DEFAULT 50,
    p_block_from integer DEFAULT 75,
    OUT score integer,
    OUT decision text,
    OUT matched jsonb,
    OUT shadow jsonb,
    OUT errors jsonb,
    OUT rule_set_version text
)
RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_evaluate_team_rules';
REVOKE ALL ON FUNCTION saas.evaluate_team_rules(uuid, jsonb, integer, integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.evaluate_team_rules(uuid, jsonb, integer, integer) IS
'Evaluates the enabled rules of a team, as last committed. Reads them whatever the caller may see: only for functions that have checked their caller.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.evaluate_team_rules(uuid, jsonb, integer, integer) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
