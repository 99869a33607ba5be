-- Notifications: what a member is told, on the channels that they want.
CREATE OR REPLACE FUNCTION saas.priority_rank(p_priority text)
RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT array_position(ARRAY['low', 'normal', 'high', 'urgent'], p_priority)
$$;
COMMENT ON FUNCTION saas.priority_rank(text) IS
'The place of a priority, from 1 (low) to 4 (urgent); NULL when there is no such priority.';
REVOKE ALL ON FUNCTION saas.priority_rank(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.priority_rank(text) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.require_channel_and_priority(p_channel text, p_priority text)
RETURNS void
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT saas.require_one_of('channel', p_channel, ARRAY['in_app', 'email', 'sms', 'push']),
        saas.require_one_of('priority', p_priority, ARRAY['low', 'normal', 'high', 'urgent']);
    SELECT NULL::void;
$$;
COMMENT ON FUNCTION saas.require_channel_and_priority(text, text) IS
'Raises 22023 for a channel or a priority that does not exist.';
REVOKE ALL ON FUNCTION saas.require_channel_and_priority(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_channel_and_priority(text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.create_notification(
    p_team uuid,
    p_user uuid,
    p_title text,
    p_body text DEFAULT NULL,
    p_channel text DEFAULT 'in_app',
    p_priority text DEFAULT 'normal',
    p_data jsonb DEFAULT '{}',
    p_expires_in interval DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    PERFORM saas.require_channel_and_priority(p_channel, p_priority);
    IF p_title IS NULL OR length(p_title) NOT BETWEEN 1 AND 200 OR length(p_body) > 10000
        OR jsonb_typeof(p_data) <> 'object'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a notification cannot say that',
            HINT = 'Its title has 1 to 200 characters, its body at most 10000, and its data is a JSON object.';
    END IF;
    IF p_expires_in <= '0' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a notification expires in the future, or never',
            HINT = 'Give an interval of more than 0, or NULL.';
    END IF;
    PERFORM FROM saas.team_members AS m
    WHERE m.team_id = p_team AND m.user_id = p_user AND m.status = 'active';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'the user is not an active member of the team';
    END IF;
    PERFORM FROM saas.notification_preferences AS p
    WHERE p.team_id = p_team
        AND p.user_id = p_user
        AND p.channel = p_channel
        AND (NOT p.is_enabled OR saas.priority_rank(p_priority) < saas.priority_rank(p.least_priority));
    IF FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO saas.notifications (team_id, user_id, channel, priority, title, body, data, expires_at)
    VALUES (p_team, p_user, p_channel, p_priority, p_title, p_body, COALESCE(p_data, '{}'), now() + p_expires_in)
    RETURNING id INTO v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.create_notification(uuid, uuid, text, text, text, text, jsonb, interval) IS
'Tells a member of the team something and returns the id; NULL when the member does not want it on this channel. Needs member.';
REVOKE ALL ON FUNCTION saas.create_notification(uuid, uuid, text, text, text, text, jsonb, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.create_notification(uuid, uuid, text, text, text, text, jsonb, interval)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.list_unread(
    p_team uuid,
    p_channel text DEFAULT 'in_app',
    p_limit integer DEFAULT 50,
    p_before uuid DEFAULT NULL
)
RETURNS TABLE (
    notification_id uuid,
    priority text,
    title text,
    body text,
    data jsonb,
    created_at timestamptz,
    expires_at timestamptz
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    RETURN QUERY
        SELECT n.id, n.priority, n.title, n.body, n.data, n.created_at, n.expires_at
        FROM saas.notifications AS n
        WHERE n.team_id = p_team
            AND n.user_id = saas.current_user_id()
            AND n.channel = p_channel
            AND n.read_at IS NULL
            AND (n.expires_at IS NULL OR n.expires_at > now())
            AND (p_before IS NULL OR n.id < p_before)
        ORDER BY n.id DESC
        LIMIT LEAST(GREATEST(p_limit, 0), 500);
END
$$;
COMMENT ON FUNCTION saas.list_unread(uuid, text, integer, uuid) IS
'What the current user has not read on a channel, newest first, at most 500; p_before continues after the last one shown.';
REVOKE ALL ON FUNCTION saas.list_unread(uuid, text, integer, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.list_unread(uuid, text, integer, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.mark_read(p_team uuid, p_notification uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    UPDATE saas.notifications AS n
    SET read_at = now()
    WHERE n.team_id = p_team
        AND n.id = p_notification
        AND n.user_id = saas.current_user_id()
        AND n.read_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION saas.mark_read(uuid, uuid) IS
'Marks a notification of the current user as read; false when there is no such unread one.';
REVOKE ALL ON FUNCTION saas.mark_read(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.mark_read(uuid, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.mark_all_read(p_team uuid, p_channel text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_marked integer;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    UPDATE saas.notifications AS n
    SET read_at = now()
    WHERE n.team_id = p_team
        AND n.user_id = saas.current_user_id()
        AND n.read_at IS NULL
        AND (p_channel IS NULL OR n.channel = p_channel);
    GET DIAGNOSTICS v_marked = ROW_COUNT;
    RETURN v_marked;
END
$$;
COMMENT ON FUNCTION saas.mark_all_read(uuid, text) IS
'Marks what the current user has not read, on one channel or all, as read. Returns how many.';
REVOKE ALL ON FUNCTION saas.mark_all_read(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.mark_all_read(uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.set_notification_preference(
    p_team uuid,
    p_channel text,
    p_is_enabled boolean DEFAULT true,
    p_least_priority text DEFAULT 'low'
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    PERFORM saas.require_channel_and_priority(p_channel, p_least_priority);
    IF p_is_enabled IS NULL OR saas.current_user_id() IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a preference needs a user and a decision',
            HINT = 'Call it with the request context of a user, and p_is_enabled true or false.';
    END IF;
    INSERT INTO saas.notification_preferences AS p (team_id, user_id, channel, is_enabled, least_priority)
    VALUES (p_team, saas.current_user_id(), p_channel, p_is_enabled, p_least_priority)
    ON CONFLICT (team_id, user_id, channel) DO UPDATE
    SET is_enabled = excluded.is_enabled, least_priority = excluded.least_priority;
END
$$;
COMMENT ON FUNCTION saas.set_notification_preference(uuid, text, boolean, text) IS
'Says whether, and from which priority on, the current user wants to be told on a channel in this team.';
REVOKE ALL ON FUNCTION saas.set_notification_preference(uuid, text, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_notification_preference(uuid, text, boolean, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.expire_notifications(p_limit integer DEFAULT 10000)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_removed integer;
BEGIN
    -- Materialized, so that it is found once whatever the plan.
    WITH expired AS MATERIALIZED (
        SELECT e.team_id, e.id
        FROM saas.notifications AS e
        WHERE e.expires_at <= now()
        ORDER BY e.expires_at
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    DELETE FROM saas.notifications AS n
    USING expired
    WHERE n.team_id = expired.team_id AND n.id = expired.id;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
COMMENT ON FUNCTION saas.expire_notifications(integer) IS
'Removes expired notifications of all teams, oldest first and at most so many; for a worker, repeatedly. Returns how many.';
REVOKE ALL ON FUNCTION saas.expire_notifications(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.expire_notifications(integer) TO saas_service;

CREATE OR REPLACE TRIGGER notification_preferences_10_updated_at
BEFORE UPDATE ON saas.notification_preferences
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
