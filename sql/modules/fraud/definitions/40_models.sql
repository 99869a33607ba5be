-- Importing fraud models, choosing the version in force, and scoring.
CREATE OR REPLACE FUNCTION saas.keep_fraud_models()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- created_by becomes NULL with its user.
        IF (NEW.team_id, NEW.id, NEW.name, NEW.version, NEW.format, NEW.checksum, NEW.features,
            NEW.options, NEW.objective, NEW.trees, NEW.inputs, NEW.created_at)
            = (OLD.team_id, OLD.id, OLD.name, OLD.version, OLD.format, OLD.checksum, OLD.features,
            OLD.options, OLD.objective, OLD.trees, OLD.inputs, OLD.created_at)
            AND NEW.model = OLD.model
        THEN
            RETURN NEW;
        END IF;
    ELSE
        -- The rows of a team go with the team.
        PERFORM FROM saas.teams AS t WHERE t.id = OLD.team_id;
        IF NOT FOUND THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA064',
        MESSAGE = 'a fraud model stays as it was imported',
        HINT = 'Import a new version with saas.import_fraud_model(); earlier decisions need the old one.';
END
$$;
COMMENT ON FUNCTION saas.keep_fraud_models() IS
'Trigger of saas.fraud_models: SA064 for every change but that of the state, and the removal of a whole team.';
REVOKE ALL ON FUNCTION saas.keep_fraud_models() FROM PUBLIC;

CREATE OR REPLACE TRIGGER fraud_models_10_keep
BEFORE UPDATE OR DELETE ON saas.fraud_models
FOR EACH ROW EXECUTE FUNCTION saas.keep_fraud_models();

CREATE OR REPLACE TRIGGER fraud_models_20_updated_at
BEFORE UPDATE ON saas.fraud_models
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

CREATE OR REPLACE TRIGGER fraud_models_30_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.fraud_models
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
-- Rows that replication applies change the models, too.
ALTER TABLE saas.fraud_models ENABLE ALWAYS TRIGGER fraud_models_30_changed;

CREATE OR REPLACE FUNCTION saas.import_fraud_model(
    p_team uuid,
    p_name text,
    p_format text,
    p_bytes bytea,
    p_features jsonb DEFAULT '{}',
    p_options jsonb DEFAULT '{}',
    OUT model_id uuid,
    OUT version integer,
    OUT objective text,
    OUT trees integer,
    OUT inputs jsonb
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_last record;
    v_features jsonb := COALESCE(p_features, '{}');
    v_options jsonb := COALESCE(p_options, '{}');
    v_checksum bytea;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF p_name IS NULL OR p_format IS NULL OR p_bytes IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22004',
            MESSAGE = 'a fraud model needs a name, a format and its bytes';
    END IF;
    SELECT c.objective, c.trees, c.inputs INTO objective, trees, inputs
    FROM saas.check_fraud_model(p_format, p_bytes, v_features, v_options) AS c;
    v_checksum := sha256(p_bytes);
    -- One version after the other, and a file that is imported twice is one version.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_team::text || ' ' || p_name, 5060));
    SELECT m.id, m.version, m.format, m.checksum, m.features, m.options INTO v_last
    FROM saas.fraud_models AS m
    WHERE m.team_id = p_team AND m.name = p_name
    ORDER BY m.version DESC
    LIMIT 1;
    IF v_last.format = p_format AND v_last.checksum = v_checksum
        AND v_last.features = v_features AND v_last.options = v_options
    THEN
        model_id := v_last.id;
        version := v_last.version;
        RETURN;
    END IF;
    INSERT INTO saas.fraud_models AS m (
        team_id, name, version, format, model, checksum, features, options, objective, trees, inputs
    )
    VALUES (
        p_team, p_name, COALESCE(v_last.version, 0) + 1, p_format, p_bytes, v_checksum, v_features,
        v_options, import_fraud_model.objective, import_fraud_model.trees, import_fraud_model.inputs
    )
    RETURNING m.id, m.version INTO model_id, version;
END
$$;
COMMENT ON FUNCTION saas.import_fraud_model(uuid, text, text, bytea, jsonb, jsonb) IS
'Reads, checks and keeps a model file as the next version of its name, inactive. p_features maps the model''s features to attributes. Needs admin. SA060 to SA063 for a file or map that cannot be used; the same file again is the same version.';
REVOKE ALL ON FUNCTION saas.import_fraud_model(uuid, text, text, bytea, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.import_fraud_model(uuid, text, text, bytea, jsonb, jsonb)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.set_fraud_model_state(
    p_team uuid,
    p_name text,
    p_version integer,
    p_state text
)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_now timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_team::text || ' fraud models in use', 5060));
    -- After the lock: periods of versions that follow one another must not overlap.
    v_now := clock_timestamp();
    PERFORM FROM saas.fraud_models AS m
    WHERE m.team_id = p_team AND m.name = p_name AND m.version = p_version;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such version of a fraud model in the team',
            DETAIL = format('Team %s, model %s, version %s.', p_team, p_name, p_version);
    END IF;
    -- The champion before, and a champion that steps down, end their period.
    UPDATE saas.fraud_models AS m
    SET state = CASE WHEN m.version = p_version THEN p_state ELSE 'inactive' END,
        champion_periods = m.champion_periods * tstzmultirange(tstzrange(NULL, v_now))
    WHERE m.team_id = p_team AND m.name = p_name AND m.state = 'champion'
        AND (p_state = 'champion') <> (m.version = p_version);
    UPDATE saas.fraud_models AS m
    SET state = p_state,
        champion_periods = CASE
            WHEN p_state = 'champion' THEN m.champion_periods + tstzmultirange(tstzrange(v_now, NULL))
            ELSE m.champion_periods
        END
    WHERE m.team_id = p_team AND m.name = p_name AND m.version = p_version AND m.state <> p_state;
    IF (SELECT count(*) FROM saas.fraud_models AS m WHERE m.team_id = p_team AND m.state <> 'inactive') > 20
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '54000',
            MESSAGE = 'too many fraud models in use',
            DETAIL = 'A team has up to 20 champions and challengers, since each payment is scored by all of them.',
            HINT = 'Deactivate models that are no longer needed.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.set_fraud_model_state(uuid, text, integer, text) IS
'Makes a version of a model champion, challenger or inactive. Checks no caller: for the functions below.';
REVOKE ALL ON FUNCTION saas.set_fraud_model_state(uuid, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_fraud_model_state(uuid, text, integer, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.activate_fraud_model(
    p_team uuid,
    p_name text,
    p_version integer,
    p_state text DEFAULT 'champion'
)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF p_state NOT IN ('champion', 'challenger') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a fraud model in use is champion or challenger',
            HINT = 'saas.deactivate_fraud_model() takes it out of use.';
    END IF;
    PERFORM saas.set_fraud_model_state(p_team, p_name, p_version, p_state);
END
$$;
COMMENT ON FUNCTION saas.activate_fraud_model(uuid, text, integer, text) IS
'Puts a version of a model into use: as champion of its name, in place of the one before, or as challenger, scored beside it without effect. Needs admin. P0002 for an unknown version.';
REVOKE ALL ON FUNCTION saas.activate_fraud_model(uuid, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.activate_fraud_model(uuid, text, integer, text)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.deactivate_fraud_model(p_team uuid, p_name text, p_version integer)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    PERFORM saas.set_fraud_model_state(p_team, p_name, p_version, 'inactive');
END
$$;
COMMENT ON FUNCTION saas.deactivate_fraud_model(uuid, text, integer) IS
'Takes a version of a model out of use; it stays, for the decisions made with it. Needs admin. P0002 for an unknown version.';
REVOKE ALL ON FUNCTION saas.deactivate_fraud_model(uuid, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.deactivate_fraud_model(uuid, text, integer) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.fraud_model_at(p_team uuid, p_name text, p_at timestamptz)
RETURNS integer
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    RETURN (
        SELECT m.version
        FROM saas.fraud_models AS m
        WHERE m.team_id = p_team AND m.name = p_name AND m.champion_periods @> p_at
    );
END
$$;
COMMENT ON FUNCTION saas.fraud_model_at(uuid, text, timestamptz) IS
'Which version of a model was the champion at that time; NULL for none. Needs member.';
REVOKE ALL ON FUNCTION saas.fraud_model_at(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_model_at(uuid, text, timestamptz) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.score_model(
    p_team uuid,
    p_name text,
    p_features jsonb,
    p_explain boolean DEFAULT true,
    p_version integer DEFAULT NULL,
    OUT margin real,
    OUT probability double precision,
    OUT contributions jsonb
)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_said record;
BEGIN
    -- Plain expressions: a query would take longer than the score.
    IF NOT saas.has_team_role(p_team, 'member') THEN
        PERFORM saas.require_team(p_team, 'member');
    END IF;
    v_said := saas.score_team_model(p_team, p_name, p_features, p_explain, p_version);
    margin := v_said.margin;
    probability := v_said.probability;
    contributions := v_said.contributions;
END
$$;
COMMENT ON FUNCTION saas.score_model(uuid, text, jsonb, boolean, integer) IS
'Scores attributes with the champion of that name, or with the version given, and explains the score: base value, contribution of each feature, reasons in words. Needs member. P0002 without such a model, 22023 for a value that is no number.';
REVOKE ALL ON FUNCTION saas.score_model(uuid, text, jsonb, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.score_model(uuid, text, jsonb, boolean, integer)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.score_models(p_team uuid, p_features jsonb)
RETURNS TABLE (
    model_id uuid,
    name text,
    version integer,
    state text,
    margin double precision,
    probability double precision,
    error text
)
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    RETURN QUERY
    SELECT s.model_id, s.name, s.version, s.state, s.margin, s.probability, s.error
    FROM saas.score_team_models(p_team, p_features) AS s;
END
$$;
COMMENT ON FUNCTION saas.score_models(uuid, jsonb) IS
'Scores attributes with every champion and challenger of the team, side by side. A model that fails is a row with its error. Needs member.';
REVOKE ALL ON FUNCTION saas.score_models(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.score_models(uuid, jsonb) TO saas_app, saas_service;
