-- API keys: making, replacing and ending them.
CREATE OR REPLACE FUNCTION saas.require_key_manager(p_team uuid, p_role text DEFAULT 'admin', p_scopes text[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    -- A key that may manage keys cannot give away more than it has.
    IF NOT saas.has_scope('api_keys:manage')
        OR NOT saas.has_team_role(p_team, p_role)
        OR NOT COALESCE((SELECT bool_and(saas.has_scope(s.scope)) FROM unnest(p_scopes) AS s (scope)), true)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'permission denied: the API key in use does not cover this',
            HINT = 'It needs the scope api_keys:manage and every scope that the new key shall have.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_key_manager(uuid, text, text[]) IS
'Raises 42501 unless the request context may manage API keys with this role and these scopes: an admin of the team, or an API key of one that covers them.';
REVOKE ALL ON FUNCTION saas.require_key_manager(uuid, text, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.insert_api_key(p_key saas.api_keys, p_test boolean)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_made record;
BEGIN
    SELECT * INTO v_made FROM saas.make_api_key(p_key.team_id, p_key.id, p_test);
    INSERT INTO saas.api_keys
        (team_id, id, name, key_prefix, secret_hash, role, scopes, allowed_cidrs, rate_limit,
        rate_period_ns, replaces_id, created_by, expires_at)
    VALUES
        (p_key.team_id, p_key.id, p_key.name, v_made.key_prefix, v_made.secret_hash, p_key.role,
        p_key.scopes, p_key.allowed_cidrs, p_key.rate_limit, p_key.rate_period_ns, p_key.replaces_id,
        saas.current_user_id(), p_key.expires_at);
    INSERT INTO saas.api_key_activity (team_id, api_key_id) VALUES (p_key.team_id, p_key.id);
    RETURN v_made.token;
END
$$;
COMMENT ON FUNCTION saas.insert_api_key(saas.api_keys, boolean) IS
'Makes the key of a row that was checked, and returns its text. For saas.create_api_key() and saas.rotate_api_key().';
REVOKE ALL ON FUNCTION saas.insert_api_key(saas.api_keys, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.create_api_key(
    p_team uuid,
    p_name text,
    p_scopes text[] DEFAULT '{*}',
    p_role text DEFAULT 'member',
    p_expires_at timestamptz DEFAULT NULL,
    p_allowed_cidrs cidr[] DEFAULT NULL,
    p_rate_limit integer DEFAULT NULL,
    p_rate_period interval DEFAULT '1 minute',
    p_test boolean DEFAULT false
)
RETURNS TABLE (api_key_id uuid, token text, key_prefix text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_key saas.api_keys;
    v_period numeric := EXTRACT(epoch FROM p_rate_period) * 1000000000;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    -- Checked before the row is made, since an error about a row shows its hash.
    IF p_name IS NULL OR length(p_name) NOT BETWEEN 1 AND 100
        OR COALESCE(p_role, '') NOT IN ('viewer', 'member', 'admin')
        OR p_test IS NULL
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an API key needs a name of 1 to 100 characters and a role',
            HINT = 'The role is viewer, member or admin.';
    END IF;
    IF p_expires_at <= now() THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the API key would have expired already';
    END IF;
    IF cardinality(p_allowed_cidrs) NOT BETWEEN 1 AND 100
        OR array_ndims(p_allowed_cidrs) > 1
        OR array_position(p_allowed_cidrs, NULL) IS NOT NULL
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an API key is limited to 1 to 100 networks',
            HINT = 'NULL allows every network.';
    END IF;
    IF EXISTS (SELECT FROM unnest(p_allowed_cidrs) AS n (network) WHERE n.network <<= '::ffff:0:0/96') THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'networks of IPv4 are written as IPv4',
            HINT = 'Addresses such as ::ffff:192.0.2.1 count as IPv4: give 192.0.2.0/24.';
    END IF;
    IF p_rate_limit NOT BETWEEN 1 AND 1000000 OR v_period IS NULL OR v_period NOT BETWEEN 1000000000 AND 86400000000000 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a rate limit is 1 to 1000000 calls in a period of a second to a day',
            HINT = 'NULL calls are no limit.';
    END IF;
    PERFORM saas.check_scopes(p_scopes);
    IF array_ndims(p_scopes) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'scopes are a list, not a table';
    END IF;
    PERFORM saas.require_key_manager(p_team, p_role, p_scopes);
    v_key.team_id := p_team;
    v_key.id := saas.uuid_v7();
    v_key.name := p_name;
    v_key.role := p_role;
    v_key.scopes := p_scopes;
    v_key.allowed_cidrs := p_allowed_cidrs;
    v_key.rate_limit := p_rate_limit;
    v_key.rate_period_ns := v_period;
    v_key.expires_at := p_expires_at;
    token := saas.insert_api_key(v_key, p_test);
    api_key_id := v_key.id;
    key_prefix := left(token, 24);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION saas.create_api_key(uuid, text, text[], text, timestamptz, cidr[], integer, interval, boolean) IS
'Makes an API key for programs of the team and returns it, this once; needs admin. The role is what the database enforces, the scopes what has_scope() answers. The rate limit allows p_rate_limit calls in p_rate_period, all at once or spread.';
REVOKE ALL ON FUNCTION saas.create_api_key(uuid, text, text[], text, timestamptz, cidr[], integer, interval, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_api_key(uuid, text, text[], text, timestamptz, cidr[], integer, interval, boolean) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.rotate_api_key(
    p_team uuid,
    p_api_key uuid,
    p_overlap interval DEFAULT '1 day',
    p_expires_at timestamptz DEFAULT NULL
)
RETURNS TABLE (api_key_id uuid, token text, key_prefix text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_key saas.api_keys;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF p_overlap IS NULL OR p_overlap < '0' OR p_overlap > '90 days' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the old API key works for 0 to 90 days beside the new one';
    END IF;
    IF p_expires_at <= now() THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the API key would have expired already';
    END IF;
    SELECT * INTO v_key
    FROM saas.api_keys AS k
    WHERE k.team_id = p_team AND k.id = p_api_key
    FOR UPDATE;
    IF NOT FOUND OR v_key.revoked_at IS NOT NULL OR v_key.expires_at <= now() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such API key that still works',
            HINT = 'Make a new one with saas.create_api_key().';
    END IF;
    PERFORM saas.require_key_manager(p_team, v_key.role, v_key.scopes);
    UPDATE saas.api_keys AS k
    SET expires_at = LEAST(k.expires_at, now() + p_overlap)
    WHERE k.team_id = p_team AND k.id = p_api_key;
    v_key.replaces_id := v_key.id;
    v_key.id := saas.uuid_v7();
    v_key.expires_at := COALESCE(
        p_expires_at,
        CASE WHEN isfinite(v_key.expires_at) THEN now() + (v_key.expires_at - v_key.created_at) ELSE v_key.expires_at END
    );
    token := saas.insert_api_key(v_key, v_key.key_prefix LIKE 'sk\_test\_%');
    api_key_id := v_key.id;
    key_prefix := left(token, 24);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION saas.rotate_api_key(uuid, uuid, interval, timestamptz) IS
'Makes a key of the same kind in place of this one and returns it, this once; the old one works for p_overlap more. Without p_expires_at the new one lasts as long as the old one was to last. Needs admin.';
REVOKE ALL ON FUNCTION saas.rotate_api_key(uuid, uuid, interval, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.rotate_api_key(uuid, uuid, interval, timestamptz) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.revoke_api_key(p_team uuid, p_api_key uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_key_manager(p_team);
    UPDATE saas.api_keys AS k
    SET revoked_at = now()
    WHERE k.team_id = p_team AND k.id = p_api_key AND k.revoked_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.revoke_api_key(uuid, uuid) IS
'Ends an API key from the next call on, in every session; needs admin. False when there is none that was not ended already.';
REVOKE ALL ON FUNCTION saas.revoke_api_key(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.revoke_api_key(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.list_api_keys(p_team uuid, p_working_only boolean DEFAULT true)
RETURNS TABLE (
    api_key_id uuid,
    name text,
    key_prefix text,
    state text,
    role text,
    scopes text[],
    allowed_cidrs cidr[],
    rate_limit integer,
    rate_period interval,
    created_by uuid,
    created_at timestamptz,
    expires_at timestamptz,
    last_used_at timestamptz
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_key_manager(p_team);
    RETURN QUERY
        SELECT l.id, l.name, l.key_prefix, l.state, l.role, l.scopes, l.allowed_cidrs, l.rate_limit,
            make_interval(secs => l.rate_period_ns / 1000000000.0), l.created_by, l.created_at, l.expires_at,
            GREATEST(a.last_used_at, saas.api_key_last_use(l.id))
        FROM (
            SELECT k.*,
                CASE
                    WHEN k.revoked_at IS NOT NULL THEN 'revoked'
                    WHEN k.expires_at <= now() THEN 'expired'
                    ELSE 'working'
                END AS state
            FROM saas.api_keys AS k
            WHERE k.team_id = p_team
        ) AS l
        LEFT JOIN saas.api_key_activity AS a ON a.team_id = p_team AND a.api_key_id = l.id
        WHERE l.state = 'working' OR NOT p_working_only
        ORDER BY l.created_at DESC, l.id DESC;
END
$$;
COMMENT ON FUNCTION saas.list_api_keys(uuid, boolean) IS
'The API keys of the team, newest first, for admins: those that work, or all with state working, expired or revoked.';
REVOKE ALL ON FUNCTION saas.list_api_keys(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.list_api_keys(uuid, boolean) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.rotate_credential_key()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    INSERT INTO saas.credential_keys (key)
    VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
$$;
COMMENT ON FUNCTION saas.rotate_credential_key() IS
'Makes a new key for the hashes of credentials. For the owner. What was hashed before keeps its key, and works until it is rotated itself.';
REVOKE ALL ON FUNCTION saas.rotate_credential_key() FROM PUBLIC;
