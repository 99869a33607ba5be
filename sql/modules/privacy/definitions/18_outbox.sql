-- The outbox: recipients of personal data are told of erasures, exports and whatever else (GDPR Art. 19).
CREATE OR REPLACE FUNCTION saas.set_privacy_recipient(
    p_name text,
    p_description text,
    p_kinds text[] DEFAULT '{erasure,export}',
    p_active boolean DEFAULT true
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.acts_as_service() THEN
        PERFORM saas.require_platform_role('admin');
    END IF;
    INSERT INTO saas.privacy_recipients (name, description, kinds, is_active)
    VALUES (p_name, p_description, p_kinds, p_active)
    ON CONFLICT (name) DO UPDATE
    SET description = excluded.description, kinds = excluded.kinds, is_active = excluded.is_active;
END
$$;
COMMENT ON FUNCTION saas.set_privacy_recipient(text, text, text[], boolean) IS
'Adds or changes somebody who receives personal data and is told of events of these kinds. For platform admins and workers.';
REVOKE ALL ON FUNCTION saas.set_privacy_recipient(text, text, text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_privacy_recipient(text, text, text[], boolean) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.claim_privacy_events(p_worker text, p_limit integer DEFAULT 10, p_lease interval DEFAULT INTERVAL '5 minutes')
RETURNS SETOF saas.privacy_events
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    RETURN QUERY
    UPDATE saas.privacy_events AS e
    SET attempts = e.attempts + 1, worker = p_worker, next_attempt_at = now() + p_lease
    -- An array is made once; a join may carry its inner side out again, and claim more.
    WHERE e.id = ANY (
        ARRAY(
            SELECT q.id FROM saas.privacy_events AS q
            WHERE q.status = 'queued' AND q.next_attempt_at <= now()
            ORDER BY q.next_attempt_at LIMIT p_limit
            FOR UPDATE SKIP LOCKED
        )
    )
    RETURNING e.*;
END
$$;
COMMENT ON FUNCTION saas.claim_privacy_events(text, integer, interval) IS
'Events to deliver, each to one worker for the length of the lease. For workers.';
REVOKE ALL ON FUNCTION saas.claim_privacy_events(text, integer, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.claim_privacy_events(text, integer, interval) TO saas_service;

CREATE OR REPLACE FUNCTION saas.complete_privacy_event(p_event uuid, p_worker text, p_delivered boolean)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_event saas.privacy_events;
    v_status text;
BEGIN
    PERFORM saas.require_privacy_access(NULL, false, false);
    SELECT e.* INTO v_event FROM saas.privacy_events AS e WHERE e.id = p_event FOR UPDATE;
    IF v_event.id IS NULL OR v_event.status <> 'queued' OR v_event.worker IS DISTINCT FROM p_worker THEN
        RAISE EXCEPTION USING ERRCODE = 'SA152', MESSAGE = 'the event is not claimed by this worker';
    END IF;
    v_status := CASE WHEN p_delivered THEN 'delivered' WHEN v_event.attempts >= 12 THEN 'dead' ELSE 'queued' END;
    UPDATE saas.privacy_events AS e
    SET status = v_status, worker = NULL,
        subject_id = CASE WHEN v_status = 'queued' THEN e.subject_id END,
        delivered_at = CASE WHEN p_delivered THEN now() END,
        next_attempt_at = now() + INTERVAL '1 minute' * power(2, LEAST(v_event.attempts, 10))
    WHERE e.id = p_event;
    RETURN v_status;
END
$$;
COMMENT ON FUNCTION saas.complete_privacy_event(uuid, text, boolean) IS
'Says that an event was delivered, or not: then it is tried again later, and given up (dead) after 12 attempts. A delivered event no longer names the person. For workers.';
REVOKE ALL ON FUNCTION saas.complete_privacy_event(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.complete_privacy_event(uuid, text, boolean) TO saas_service;
