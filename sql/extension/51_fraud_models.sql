-- Fraud models: reading and scoring. docs/modules/fraud_models.md describes them.
CREATE OR REPLACE FUNCTION saas.check_fraud_model(
    p_format text,
    p_model bytea,
    p_features jsonb DEFAULT '{}',
    p_options jsonb DEFAULT '{}',
    OUT objective text,
    OUT trees integer,
    OUT inputs jsonb
)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_check_fraud_model';
COMMENT ON FUNCTION saas.check_fraud_model(text, bytea, jsonb, jsonb) IS
'Reads a fraud model and its feature map without keeping it: objective, number of trees that count, and what it reads: feature, attribute, whether a category. SA060 for a malformed file, SA061 for a model that cannot be scored, SA062 for one that is too large, SA063 for a map that does not fit.';

CREATE OR REPLACE FUNCTION saas.score_team_model(
    p_team uuid,
    p_name text,
    p_features jsonb,
    p_explain boolean,
    p_version integer,
    OUT margin real,
    OUT probability double precision,
    OUT contributions jsonb,
    OUT version integer
)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_score_team_model';
REVOKE ALL ON FUNCTION saas.score_team_model(uuid, text, jsonb, boolean, integer) FROM PUBLIC;
COMMENT ON FUNCTION saas.score_team_model(uuid, text, jsonb, boolean, integer) IS
'Scores attributes with the champion of that name, or with the version given. Reads models whatever the caller may see: only for functions that have checked their caller.';

CREATE OR REPLACE FUNCTION saas.score_team_models(p_team uuid, p_features jsonb)
RETURNS TABLE (
    model_id uuid,
    name text,
    version integer,
    state text,
    margin double precision,
    probability double precision,
    error text
)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_score_team_models';
REVOKE ALL ON FUNCTION saas.score_team_models(uuid, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION saas.score_team_models(uuid, jsonb) IS
'Scores attributes with every champion and challenger of the team. A model that fails is a row with its error. Only for functions that have checked their caller.';

CREATE OR REPLACE FUNCTION saas.team_has_models(p_team uuid)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_team_has_models';
REVOKE ALL ON FUNCTION saas.team_has_models(uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.team_has_models(uuid) IS
'Whether the team has a champion or challenger: what score_team_models() would return a row for. Only for functions that have checked their caller.';

CREATE OR REPLACE FUNCTION saas.team_model_values(
    p_team uuid,
    p_name text,
    p_version integer,
    p_features jsonb
)
RETURNS double precision[]
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_team_model_values';
REVOKE ALL ON FUNCTION saas.team_model_values(uuid, text, integer, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION saas.team_model_values(uuid, text, integer, jsonb) IS
'The margin (element 0) and the values of the features (from 1 on, NULL for missing) that a version of a model sees in attributes. Only for functions that have checked their caller.';

CREATE OR REPLACE FUNCTION saas.population_stability(
    p_baseline double precision[],
    p_window double precision[],
    p_categories boolean DEFAULT false,
    OUT psi double precision,
    OUT bins jsonb
)
RETURNS record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_population_stability';
COMMENT ON FUNCTION saas.population_stability(double precision[], double precision[], boolean) IS
'Population stability index of a sample against a baseline, over the deciles of the baseline or, for categories, its values; NULL is a bin of its own. Up to 0.1 is stable, from 0.25 on it has moved.';

DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'GRANT EXECUTE ON FUNCTION saas.score_team_model(uuid, text, jsonb, boolean, integer),
            saas.score_team_models(uuid, jsonb),
            saas.team_has_models(uuid),
            saas.team_model_values(uuid, text, integer, jsonb) TO %I',
        pg_catalog.current_setting('saas.role_internal')
    );
END
$$;
