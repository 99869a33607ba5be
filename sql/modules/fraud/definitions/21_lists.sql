-- Entries of lists in one form, the history of their changes, and how sessions hear of them.
CREATE OR REPLACE FUNCTION saas.check_fraud_list_item()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_kind text;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.team_id, NEW.list_id) IS DISTINCT FROM (OLD.team_id, OLD.list_id) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA071',
            MESSAGE = 'the list of an entry never changes',
            HINT = 'Add the entry to the other list and delete it from this one.';
    END IF;
    SELECT l.kind INTO v_kind
    FROM saas.fraud_lists AS l
    WHERE l.team_id = NEW.team_id AND l.id = NEW.list_id;
    -- Without a list the foreign key says so.
    IF FOUND THEN
        NEW.value := saas.normalize_list_value(v_kind, NEW.value);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_fraud_list_item() IS
'Trigger of saas.fraud_list_items: brings the value into the form of the list''s kind; SA053 for what is no such thing.';
REVOKE ALL ON FUNCTION saas.check_fraud_list_item() FROM PUBLIC;

CREATE OR REPLACE TRIGGER fraud_list_items_10_check
BEFORE INSERT OR UPDATE OF value, list_id, team_id ON saas.fraud_list_items
FOR EACH ROW EXECUTE FUNCTION saas.check_fraud_list_item();

CREATE OR REPLACE FUNCTION saas.record_fraud_list_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND NEW.value <> OLD.value) THEN
        -- Entries go with their list, and so does their history.
        INSERT INTO saas.fraud_list_changes (team_id, list_id, value, present)
        SELECT OLD.team_id, OLD.list_id, OLD.value, false
        FROM saas.fraud_lists AS l
        WHERE l.team_id = OLD.team_id AND l.id = OLD.list_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO saas.fraud_list_changes (team_id, list_id, value, present, expires_at)
        VALUES (NEW.team_id, NEW.list_id, NEW.value, true, NEW.expires_at);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.record_fraud_list_change() IS
'Trigger of saas.fraud_list_items: writes what changed to saas.fraud_list_changes.';
REVOKE ALL ON FUNCTION saas.record_fraud_list_change() FROM PUBLIC;

CREATE OR REPLACE TRIGGER fraud_list_items_30_changed
AFTER INSERT OR UPDATE OF value, expires_at OR DELETE ON saas.fraud_list_items
FOR EACH ROW EXECUTE FUNCTION saas.record_fraud_list_change();

CREATE OR REPLACE TRIGGER fraud_list_changes_30_changed
AFTER INSERT ON saas.fraud_list_changes
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
-- Rows that replication applies change the lists, too, and carry the number of another server's transaction.
ALTER TABLE saas.fraud_list_changes ENABLE ALWAYS TRIGGER fraud_list_changes_30_changed;

CREATE OR REPLACE FUNCTION saas.adopt_fraud_list_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    NEW.xact_id := pg_current_xact_id();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.adopt_fraud_list_change() IS
'Trigger of saas.fraud_list_changes on a subscriber: the change belongs to the transaction that applies it.';
REVOKE ALL ON FUNCTION saas.adopt_fraud_list_change() FROM PUBLIC;
CREATE OR REPLACE TRIGGER fraud_list_changes_10_adopt
BEFORE INSERT ON saas.fraud_list_changes
FOR EACH ROW EXECUTE FUNCTION saas.adopt_fraud_list_change();
ALTER TABLE saas.fraud_list_changes ENABLE REPLICA TRIGGER fraud_list_changes_10_adopt;

CREATE OR REPLACE FUNCTION saas.keep_fraud_list_changes()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- The history of a list goes with the list.
    IF TG_OP = 'DELETE' THEN
        PERFORM FROM saas.fraud_lists AS l WHERE l.team_id = OLD.team_id AND l.id = OLD.list_id;
        IF NOT FOUND THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA051',
        MESSAGE = 'the history of fraud lists is append-only',
        HINT = 'Change the entries in saas.fraud_list_items.';
END
$$;
COMMENT ON FUNCTION saas.keep_fraud_list_changes() IS
'Trigger of saas.fraud_list_changes: SA051 for every change but the removal of a whole list.';
REVOKE ALL ON FUNCTION saas.keep_fraud_list_changes() FROM PUBLIC;
CREATE OR REPLACE TRIGGER fraud_list_changes_20_keep
BEFORE UPDATE OR DELETE ON saas.fraud_list_changes
FOR EACH ROW EXECUTE FUNCTION saas.keep_fraud_list_changes();

CREATE OR REPLACE FUNCTION saas.check_fraud_list()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NEW.kind <> OLD.kind THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA071',
            MESSAGE = 'the kind of a fraud list never changes',
            HINT = 'Make another list; its entries are checked as what they then are.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_fraud_list() IS
'Trigger of saas.fraud_lists: SA071 for a change of the kind.';
REVOKE ALL ON FUNCTION saas.check_fraud_list() FROM PUBLIC;
CREATE OR REPLACE TRIGGER fraud_lists_10_check
BEFORE UPDATE OF kind ON saas.fraud_lists
FOR EACH ROW EXECUTE FUNCTION saas.check_fraud_list();
CREATE OR REPLACE TRIGGER fraud_lists_20_updated_at
BEFORE UPDATE ON saas.fraud_lists
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER fraud_lists_30_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.fraud_lists
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
ALTER TABLE saas.fraud_lists ENABLE ALWAYS TRIGGER fraud_lists_30_changed;

CREATE OR REPLACE FUNCTION saas.add_to_fraud_list(
    p_team uuid,
    p_list text,
    p_values text[],
    p_reason text DEFAULT NULL,
    p_expires_at timestamptz DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_list saas.fraud_lists;
    v_added bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_list := saas.find_fraud_list(p_team, p_list);
    INSERT INTO saas.fraud_list_items AS i (team_id, list_id, value, reason, expires_at)
    SELECT DISTINCT p_team, v_list.id, saas.normalize_list_value(v_list.kind, v.value), p_reason, p_expires_at
    FROM unnest(p_values) AS v (value)
    WHERE v.value IS NOT NULL
    ON CONFLICT (team_id, list_id, value) DO UPDATE
    SET reason = EXCLUDED.reason, expires_at = EXCLUDED.expires_at
    WHERE (i.reason, i.expires_at) IS DISTINCT FROM (EXCLUDED.reason, EXCLUDED.expires_at);
    GET DIAGNOSTICS v_added = ROW_COUNT;
    RETURN v_added;
END
$$;
COMMENT ON FUNCTION saas.add_to_fraud_list(uuid, text, text[], text, timestamptz) IS
'Adds entries to a list of the team, named without @, or gives those that are there reason and expiry anew. Returns how many changed. Needs admin. SA053 for a value that does not fit the list''s kind, P0002 for an unknown list.';
REVOKE ALL ON FUNCTION saas.add_to_fraud_list(uuid, text, text[], text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.add_to_fraud_list(uuid, text, text[], text, timestamptz)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.remove_from_fraud_list(p_team uuid, p_list text, p_values text[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_list saas.fraud_lists;
    v_removed bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    v_list := saas.find_fraud_list(p_team, p_list);
    DELETE FROM saas.fraud_list_items AS i
    WHERE i.team_id = p_team
        AND i.list_id = v_list.id
        AND i.value = ANY (
            SELECT saas.normalize_list_value(v_list.kind, v.value)
            FROM unnest(p_values) AS v (value)
            WHERE v.value IS NOT NULL
        );
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
COMMENT ON FUNCTION saas.remove_from_fraud_list(uuid, text, text[]) IS
'Takes entries from a list of the team. Returns how many were there. Needs admin. P0002 for an unknown list.';
REVOKE ALL ON FUNCTION saas.remove_from_fraud_list(uuid, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.remove_from_fraud_list(uuid, text, text[]) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.find_fraud_list(p_team uuid, p_list text)
RETURNS saas.fraud_lists
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_list saas.fraud_lists;
BEGIN
    SELECT l.* INTO v_list
    FROM saas.fraud_lists AS l
    WHERE l.team_id = p_team AND l.alias = ltrim(p_list, '@');
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'P0002',
            MESSAGE = 'there is no such fraud list in the team',
            HINT = 'Lists are named without @; saas.fraud_lists has those of the team.';
    END IF;
    RETURN v_list;
END
$$;
COMMENT ON FUNCTION saas.find_fraud_list(uuid, text) IS
'A list of the team by its alias; P0002 without one. Checks no caller.';
REVOKE ALL ON FUNCTION saas.find_fraud_list(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.find_fraud_list(uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.fraud_list_held(
    p_team uuid,
    p_list text,
    p_value text,
    p_as_of timestamptz
)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM unnest(saas.list_candidates(l.kind, p_value)) AS c (value)
        CROSS JOIN LATERAL (
            SELECT h.present, h.expires_at
            FROM saas.fraud_list_changes AS h
            WHERE h.team_id = p_team AND h.list_id = l.id AND h.value = c.value
                AND h.changed_at <= p_as_of
            ORDER BY h.changed_at DESC, h.id DESC
            LIMIT 1
        ) AS last_change
        WHERE last_change.present
            AND (last_change.expires_at IS NULL OR last_change.expires_at > p_as_of)
    )
    FROM saas.fraud_lists AS l
    WHERE l.team_id = p_team AND l.alias = p_list
$$;
COMMENT ON FUNCTION saas.fraud_list_held(uuid, text, text, timestamptz) IS
'Whether a list of the team held a value at a moment, by the history of its changes; NULL for an unknown list. Checks no caller.';
REVOKE ALL ON FUNCTION saas.fraud_list_held(uuid, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_list_held(uuid, text, text, timestamptz) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.fraud_list_holds(
    p_team uuid,
    p_list text,
    p_value text,
    p_as_of timestamptz DEFAULT now()
)
RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_list saas.fraud_lists;
BEGIN
    PERFORM saas.require_team(p_team, 'viewer');
    v_list := saas.find_fraud_list(p_team, p_list);
    RETURN saas.fraud_list_held(p_team, v_list.alias, p_value, p_as_of);
END
$$;
COMMENT ON FUNCTION saas.fraud_list_holds(uuid, text, text, timestamptz) IS
'Whether a list of the team held a value at a moment, by the history of its changes. Needs viewer. P0002 for an unknown list.';
REVOKE ALL ON FUNCTION saas.fraud_list_holds(uuid, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fraud_list_holds(uuid, text, text, timestamptz) TO saas_app, saas_service;
