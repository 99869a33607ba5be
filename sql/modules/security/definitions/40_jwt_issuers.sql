-- Issuers of JSON Web Tokens and their keys. An issuer of the platform can sign in every user, so
-- workers alone set one up; an issuer of a team can sign in its owners, so owners alone do.
CREATE OR REPLACE FUNCTION saas.require_jwt_admin(p_team uuid)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_team IS NOT NULL THEN
        PERFORM saas.require_team(p_team, 'owner');
    ELSIF NOT saas.acts_as_service() THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'permission denied: an issuer of the platform is set up by saas_service',
            HINT = 'Name the team for an issuer of a team.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_jwt_admin(uuid) IS
'Raises 42501 unless the caller may set up issuers of the team, as its owner, or without a team those of the platform, as saas_service.';
REVOKE ALL ON FUNCTION saas.require_jwt_admin(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_jwt_admin(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.configure_jwt_issuer(
    p_team uuid,
    p_issuer text,
    p_audience text[] DEFAULT NULL,
    p_algorithms text[] DEFAULT NULL,
    p_user_match text DEFAULT NULL,
    p_user_claim text[] DEFAULT NULL,
    p_team_claim text[] DEFAULT NULL,
    p_role_claim text[] DEFAULT NULL,
    p_leeway_seconds integer DEFAULT NULL,
    p_is_enabled boolean DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_old saas.jwt_issuers;
    v_id uuid;
BEGIN
    PERFORM saas.require_jwt_admin(p_team);
    IF p_issuer IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'an issuer has a name, as in claim iss';
    END IF;
    SELECT i.* INTO v_old
    FROM saas.jwt_issuers AS i
    WHERE i.team_id IS NOT DISTINCT FROM p_team AND i.issuer = p_issuer
    FOR NO KEY UPDATE;
    INSERT INTO saas.jwt_issuers AS i (
        team_id, issuer, audience, algorithms, user_match, user_claim, team_claim, role_claim,
        leeway_seconds, is_enabled
    )
    VALUES (
        p_team,
        p_issuer,
        COALESCE(p_audience, v_old.audience, '{}'),
        COALESCE(p_algorithms, v_old.algorithms, '{RS256,ES256,EdDSA}'),
        COALESCE(p_user_match, v_old.user_match, 'id'),
        COALESCE(p_user_claim, v_old.user_claim, '{sub}'),
        COALESCE(p_team_claim, v_old.team_claim, '{}'),
        COALESCE(p_role_claim, v_old.role_claim, '{}'),
        COALESCE(p_leeway_seconds, v_old.leeway_seconds, 30),
        COALESCE(p_is_enabled, v_old.is_enabled, true)
    )
    ON CONFLICT ON CONSTRAINT jwt_issuers_team_id_issuer_key DO UPDATE
    SET audience = excluded.audience,
        algorithms = excluded.algorithms,
        user_match = excluded.user_match,
        user_claim = excluded.user_claim,
        team_claim = excluded.team_claim,
        role_claim = excluded.role_claim,
        leeway_seconds = excluded.leeway_seconds,
        is_enabled = excluded.is_enabled
    RETURNING i.id INTO v_id;
    RETURN v_id;
EXCEPTION
    WHEN check_violation THEN
        RAISE EXCEPTION USING
            ERRCODE = '23514',
            MESSAGE = 'the issuer cannot be set up like this',
            DETAIL = SQLERRM,
            HINT = 'Give the audience that its tokens name, algorithms among RS256, ES256 and EdDSA, a user match of id or email, paths of one to five names, and a leeway of up to 300 seconds.';
END
$$;
COMMENT ON FUNCTION saas.configure_jwt_issuer(uuid, text, text[], text[], text, text[], text[], text[], integer, boolean) IS
'Sets up an issuer of JSON Web Tokens, or changes what is given; NULL keeps. For a team, whose owner must call it; without a team for the platform, by saas_service. A new issuer needs its audience. Claims are given as paths, {app_metadata,team_id} for instance; an empty path means none.';
REVOKE ALL ON FUNCTION saas.configure_jwt_issuer(uuid, text, text[], text[], text, text[], text[], text[], integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.configure_jwt_issuer(uuid, text, text[], text[], text, text[], text[], text[], integer, boolean) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.delete_jwt_issuer(p_team uuid, p_issuer uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_jwt_admin(p_team);
    DELETE FROM saas.jwt_issuers AS i
    WHERE i.team_id IS NOT DISTINCT FROM p_team AND i.id = p_issuer;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.delete_jwt_issuer(uuid, uuid) IS
'Removes an issuer with its keys, of the team or, without one, of the platform. False when there is none. Rights as for saas.configure_jwt_issuer().';
REVOKE ALL ON FUNCTION saas.delete_jwt_issuer(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.delete_jwt_issuer(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.offered_jwt_keys(p_jwks jsonb)
RETURNS TABLE (kid text, algorithm text, jwk jsonb, problem text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_keys jsonb := CASE WHEN p_jwks ? 'kty' THEN jsonb_build_array(p_jwks) ELSE p_jwks -> 'keys' END;
BEGIN
    IF jsonb_typeof(v_keys) IS DISTINCT FROM 'array'
        OR jsonb_array_length(v_keys) NOT BETWEEN 1 AND 100
        OR jsonb_path_exists(v_keys, '$[*] ? (@.type() != "object")')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA119',
            MESSAGE = 'the document is no set of 1 to 100 keys',
            HINT = 'A JWK Set (RFC 7517) is {"keys": […]}; a single JWK will do as well.';
    END IF;
    RETURN QUERY
    SELECT
        d.kid,
        d.algorithm,
        -- What makes the public key, and nothing else that the set says of it.
        jsonb_strip_nulls(jsonb_build_object(
            'kid', d.kid, 'alg', d.algorithm, 'kty', k.value -> 'kty', 'crv', k.value -> 'crv',
            'x', k.value -> 'x', 'y', k.value -> 'y', 'n', k.value -> 'n', 'e', k.value -> 'e'
        )),
        CASE
            WHEN d.algorithm = 'HS256' THEN 'is a secret, and secrets are not stored'
            WHEN d.problem IS NULL AND row_number() OVER (PARTITION BY d.kid ORDER BY k.ordinality) > 1
            THEN 'has the identifier of another key'
            ELSE d.problem
        END
    FROM jsonb_array_elements(v_keys) WITH ORDINALITY AS k
    CROSS JOIN LATERAL saas.describe_jwk(k.value) AS d
    ORDER BY k.ordinality;
END
$$;
COMMENT ON FUNCTION saas.offered_jwt_keys(jsonb) IS
'The keys of a JWK Set as they would be stored, in its order; those with a problem cannot be. SA119 for a document that is no set.';
REVOKE ALL ON FUNCTION saas.offered_jwt_keys(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.offered_jwt_keys(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.set_jwt_keys(
    p_team uuid,
    p_issuer uuid,
    p_jwks jsonb,
    p_valid_from timestamptz DEFAULT now(),
    p_end_others boolean DEFAULT true
)
RETURNS TABLE (kid text, action text, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_offered record;
    v_known saas.jwt_keys;
    v_usable text[] := ARRAY[]::text[];
BEGIN
    PERFORM saas.require_jwt_admin(p_team);
    PERFORM FROM saas.jwt_issuers AS i
    WHERE i.team_id IS NOT DISTINCT FROM p_team AND i.id = p_issuer
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such issuer of tokens';
    END IF;
    IF p_jwks IS NULL OR p_valid_from IS NULL OR p_end_others IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'keys and the begin of their time are needed';
    END IF;
    FOR v_offered IN SELECT * FROM saas.offered_jwt_keys(p_jwks) LOOP
        kid := v_offered.kid;
        problem := v_offered.problem;
        action := 'ignored';
        IF problem IS NULL THEN
            SELECT k.* INTO v_known
            FROM saas.jwt_keys AS k
            WHERE k.issuer_id = p_issuer AND k.kid = v_offered.kid;
            IF NOT FOUND THEN
                INSERT INTO saas.jwt_keys (issuer_id, team_id, kid, algorithm, jwk, valid_from)
                VALUES (p_issuer, p_team, v_offered.kid, v_offered.algorithm, v_offered.jwk, p_valid_from);
                action := 'added';
            ELSIF v_known.jwk <> v_offered.jwk THEN
                problem := 'has the identifier of another key';
            ELSIF v_known.valid_until <= now() THEN
                problem := 'has ended, and does not come back';
            ELSE
                action := 'kept';
            END IF;
        END IF;
        IF action <> 'ignored' THEN
            v_usable := v_usable || kid;
        END IF;
        RETURN NEXT;
    END LOOP;
    IF cardinality(v_usable) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA119',
            MESSAGE = 'the set has no key that can be used',
            DETAIL = pg_catalog.format('The last key %s.', problem),
            HINT = 'Public keys are RSA of 2048 bits or more, EC on P-256, or OKP with Ed25519.';
    END IF;
    IF p_end_others THEN
        problem := NULL;
        action := 'ended';
        FOR kid IN
            UPDATE saas.jwt_keys AS k
            SET valid_until = GREATEST(now(), k.valid_from)
            WHERE k.issuer_id = p_issuer
                AND k.kid <> ALL (v_usable)
                AND (k.valid_until IS NULL OR k.valid_until > now())
            RETURNING k.kid
        LOOP
            RETURN NEXT;
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION saas.set_jwt_keys(uuid, uuid, jsonb, timestamptz, boolean) IS
'Makes a JWK Set, as its issuer publishes it, the keys of the issuer: new ones are added, those that are gone end, unless p_end_others is false. One row for each key says what became of it and why. A key that has ended does not come back, and an identifier never stands for another key. SA119 when no key can be used. Rights as for saas.configure_jwt_issuer().';
REVOKE ALL ON FUNCTION saas.set_jwt_keys(uuid, uuid, jsonb, timestamptz, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_jwt_keys(uuid, uuid, jsonb, timestamptz, boolean) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.end_jwt_key(
    p_team uuid,
    p_issuer uuid,
    p_kid text,
    p_valid_until timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_jwt_admin(p_team);
    -- The end can only come nearer, and what has ended stays so.
    UPDATE saas.jwt_keys AS k
    SET valid_until = GREATEST(p_valid_until, k.valid_from)
    WHERE k.issuer_id = p_issuer
        AND k.team_id IS NOT DISTINCT FROM p_team
        AND k.kid = p_kid
        AND (k.valid_until IS NULL OR k.valid_until > GREATEST(p_valid_until, k.valid_from));
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.end_jwt_key(uuid, uuid, text, timestamptz) IS
'Ends a key at once, or at the time given. False when there is no such key, or when it ends earlier anyway. Rights as for saas.configure_jwt_issuer().';
REVOKE ALL ON FUNCTION saas.end_jwt_key(uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.end_jwt_key(uuid, uuid, text, timestamptz) TO saas_app, saas_service;

CREATE OR REPLACE TRIGGER jwt_issuers_20_updated_at
BEFORE UPDATE ON saas.jwt_issuers
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
