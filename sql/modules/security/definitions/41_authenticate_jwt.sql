-- A JSON Web Token becomes the request context. Its claims say who the user is and may narrow what the
-- user does; membership and role come from our own tables.
CREATE OR REPLACE FUNCTION saas.uuid_claim(p_claims jsonb, p_path text[])
RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE
        WHEN jsonb_typeof(p_claims #> p_path) = 'string'
            AND p_claims #>> p_path ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'
        THEN (p_claims #>> p_path)::uuid
    END
$$;
COMMENT ON FUNCTION saas.uuid_claim(jsonb, text[]) IS
'The UUID that the claims have at this path; NULL for anything else.';
REVOKE ALL ON FUNCTION saas.uuid_claim(jsonb, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.uuid_claim(jsonb, text[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.jwt_issuer_of(p_claims jsonb, p_team uuid)
RETURNS saas.jwt_issuers
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_issuer saas.jwt_issuers;
BEGIN
    SELECT i.*
    INTO v_issuer
    FROM saas.jwt_issuers AS i
    WHERE i.issuer = p_claims ->> 'iss'
        AND i.is_enabled
        AND (
            i.team_id IS NULL
            OR i.team_id = COALESCE(p_team, saas.uuid_claim(p_claims, '{team_id}'))
        )
    ORDER BY i.team_id NULLS LAST
    LIMIT 1;
    RETURN v_issuer;
END
$$;
COMMENT ON FUNCTION saas.jwt_issuer_of(jsonb, uuid) IS
'Whose keys must prove a token with these claims, which nobody has verified yet: the issuer of the team named, or of the team in claim team_id, before that of the platform.';
REVOKE ALL ON FUNCTION saas.jwt_issuer_of(jsonb, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.verify_stored_jwt(p_token text, p_issuer saas.jwt_issuers)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT saas.verify_jwt(
            p_token,
            jsonb_build_object('keys', COALESCE(jsonb_agg(k.jwk ORDER BY k.kid), '[]')),
            jsonb_build_object(
                'issuer', p_issuer.issuer,
                'audience', p_issuer.audience,
                'algorithms', p_issuer.algorithms,
                'leeway', p_issuer.leeway_seconds,
                'required', ARRAY['exp'],
                'at', EXTRACT(epoch FROM statement_timestamp())
            )
        )
        FROM saas.jwt_keys AS k
        WHERE k.issuer_id = p_issuer.id
            -- Not now(): a key that was ended while the caller's transaction lasts has ended.
            AND k.valid_from <= statement_timestamp()
            AND (k.valid_until IS NULL OR k.valid_until > statement_timestamp())
    );
END
$$;
COMMENT ON FUNCTION saas.verify_stored_jwt(text, saas.jwt_issuers) IS
'The claims of a token that a key of the issuer signed which is valid now. The token must expire, and name issuer and audience. Errors as of saas.verify_jwt().';
REVOKE ALL ON FUNCTION saas.verify_stored_jwt(text, saas.jwt_issuers) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.jwt_user(p_claims jsonb, p_issuer saas.jwt_issuers)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT u.id
        FROM saas.users AS u
        WHERE u.id = CASE p_issuer.user_match
                WHEN 'id' THEN saas.uuid_claim(p_claims, p_issuer.user_claim)
                ELSE (
                    SELECT e.id
                    FROM saas.users AS e
                    WHERE lower(e.email) = lower(p_claims #>> p_issuer.user_claim)
                        AND e.deleted_at IS NULL
                        -- An address that the issuer has not verified is only what somebody typed.
                        AND p_claims ->> 'email_verified' = 'true'
                )
            END
            AND u.is_active
            AND u.deleted_at IS NULL
            -- Beyond its team an issuer of a team has no say: not over people who are in other teams as
            -- well, since a context opens what they share there, nor over those with a standing on the platform.
            AND (
                p_issuer.team_id IS NULL
                OR (
                    saas.platform_rank(u.platform_role) <= saas.platform_rank('user')
                    AND NOT EXISTS (
                        SELECT
                        FROM saas.team_members AS m
                        WHERE m.user_id = u.id AND m.team_id <> p_issuer.team_id AND m.status = 'active'
                    )
                )
            )
    );
END
$$;
COMMENT ON FUNCTION saas.jwt_user(jsonb, saas.jwt_issuers) IS
'The active user whom verified claims name and for whom the issuer may vouch; NULL without one.';
REVOKE ALL ON FUNCTION saas.jwt_user(jsonb, saas.jwt_issuers) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.lesser_role(p_role text, p_limit text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT (ARRAY['viewer', 'member', 'admin', 'owner'])[LEAST(
        array_position(ARRAY['viewer', 'member', 'admin', 'owner'], p_role),
        array_position(ARRAY['viewer', 'member', 'admin', 'owner'], p_limit)
    )]
    WHERE p_limit IN ('viewer', 'member', 'admin', 'owner')
$$;
COMMENT ON FUNCTION saas.lesser_role(text, text) IS
'The lesser of two roles in a team; NULL when the second is none.';
REVOKE ALL ON FUNCTION saas.lesser_role(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lesser_role(text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.authenticate_jwt(
    p_token text,
    p_team uuid DEFAULT NULL,
    OUT user_id uuid,
    OUT team_id uuid,
    OUT role text
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_issuer saas.jwt_issuers;
    v_claims jsonb;
    v_named uuid;
BEGIN
    v_issuer := saas.jwt_issuer_of(saas.unverified_jwt(p_token) -> 'claims', p_team);
    IF v_issuer.id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA118',
            MESSAGE = 'the token is from an issuer that is not known here',
            HINT = 'Name the team, for an issuer of a team; saas.configure_jwt_issuer() sets issuers up.';
    END IF;
    v_claims := saas.verify_stored_jwt(p_token, v_issuer);
    user_id := saas.jwt_user(v_claims, v_issuer);
    IF user_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'the token names no user for whom its issuer may vouch',
            HINT = 'The user must be active, an e-mail address verified; the issuer of a team vouches for people who are in no other team and have no standing on the platform.';
    END IF;
    v_named := saas.uuid_claim(v_claims, v_issuer.team_claim);
    team_id := COALESCE(v_issuer.team_id, p_team, v_named, saas.only_team_of(user_id));
    IF team_id <> COALESCE(p_team, team_id)
        OR (v_claims #> v_issuer.team_claim IS NOT NULL AND cardinality(v_issuer.team_claim) > 0
            AND team_id IS DISTINCT FROM v_named)
    THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'the token is for another team';
    END IF;
    role := saas.active_role(team_id, user_id);
    IF role IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'no active membership in this team',
            HINT = 'Name a team in which the user is an active member.';
    END IF;
    IF cardinality(v_issuer.role_claim) > 0 THEN
        role := saas.lesser_role(role, v_claims #>> v_issuer.role_claim);
        IF role IS NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = '42501',
                MESSAGE = 'the token names no role in the team',
                HINT = 'The roles are viewer, member, admin and owner.';
        END IF;
    END IF;
    PERFORM saas.sign_context(team_id, user_id, role);
END
$$;
COMMENT ON FUNCTION saas.authenticate_jwt(text, uuid) IS
'Sets the request context by a JSON Web Token until the end of the transaction, by the keys of saas.jwt_keys: its user, in the team named, else in the token''s, else in the user''s only one, with the role of the membership, or less if the token says so. Errors as of saas.verify_jwt(), and 42501 without a user, an active membership, or the issuer''s right to vouch.';
REVOKE ALL ON FUNCTION saas.authenticate_jwt(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.authenticate_jwt(text, uuid) TO saas_app, saas_service;
