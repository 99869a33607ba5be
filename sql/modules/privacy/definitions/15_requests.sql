-- Requests for erasure: who asks, who checks, when it is due, what holds it up.
CREATE OR REPLACE TRIGGER user_deletion_requests_10_state
BEFORE INSERT OR UPDATE ON saas.user_deletion_requests
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('deletion_request', 'status');
CREATE OR REPLACE TRIGGER user_deletion_requests_20_immutable
BEFORE UPDATE ON saas.user_deletion_requests
FOR EACH ROW EXECUTE FUNCTION saas.enforce_immutable('id', 'subject_hash', 'mode', 'requested_at', 'due_at');
CREATE OR REPLACE TRIGGER user_deletion_requests_30_updated_at
BEFORE UPDATE ON saas.user_deletion_requests
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER data_exports_10_state
BEFORE INSERT OR UPDATE ON saas.data_exports
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('data_export', 'status');
CREATE OR REPLACE TRIGGER retention_policies_20_updated_at
BEFORE UPDATE ON saas.retention_policies
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

-- Holds, policies and declarations decide what stays: who changed them must be seen.
SELECT saas.audit_table('saas.legal_holds', '{}', '{reason}');
SELECT saas.audit_table('saas.retention_policies', '{updated_at}');
SELECT saas.audit_table('saas.personal_data_links');
SELECT saas.audit_table('saas.personal_data_columns');

CREATE OR REPLACE FUNCTION saas.lock_subject(p_subject uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('saas.privacy ' || p_subject, 0))
$$;
COMMENT ON FUNCTION saas.lock_subject(uuid) IS
'Lets one transaction at a time decide on a person''s data: an erasure that works, or a hold that is placed.';
REVOKE ALL ON FUNCTION saas.lock_subject(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_subject(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.subject_hash(p_subject uuid)
RETURNS bytea
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT saas.credential_hash('privacy_subject', p_subject::text)
$$;
COMMENT ON FUNCTION saas.subject_hash(uuid) IS
'What a finished request keeps instead of the person''s id: an HMAC by which a worker who is given the id finds it again.';
REVOKE ALL ON FUNCTION saas.subject_hash(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.subject_hash(uuid) TO saas_internal;

-- Which keys there are, not what they are.
GRANT SELECT (id) ON saas.credential_keys TO saas_internal;

CREATE OR REPLACE FUNCTION saas.subject_hashes(p_subject uuid)
RETURNS bytea[]
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT array_agg(saas.credential_hash_under(k.id, 'privacy_subject', p_subject::text))
    FROM saas.credential_keys AS k
$$;
COMMENT ON FUNCTION saas.subject_hashes(uuid) IS
'saas.subject_hash() under the key of today and under those before it.';
REVOKE ALL ON FUNCTION saas.subject_hashes(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.subject_hashes(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.lock_subjects(p_subjects uuid[])
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT count(pg_advisory_xact_lock(hashtextextended('saas.privacy ' || s.id, 0))::text)
    FROM (SELECT u.id FROM unnest(p_subjects) AS u (id) ORDER BY u.id) AS s
$$;
COMMENT ON FUNCTION saas.lock_subjects(uuid[]) IS
'saas.lock_subject() for many, in one order, so that two workers wait for each other and do not stop each other; returns how many.';
REVOKE ALL ON FUNCTION saas.lock_subjects(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lock_subjects(uuid[]) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.place_legal_hold(
    p_subject uuid,
    p_reason text,
    p_basis text,
    p_ends_at timestamptz DEFAULT NULL,
    p_table regclass DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_hold uuid;
BEGIN
    PERFORM saas.require_privacy_access(p_subject, false, true);
    -- An erasure that is working now comes to the end of its batch first, and then finds the hold.
    PERFORM saas.lock_subject(p_subject);
    INSERT INTO saas.legal_holds (subject_id, table_name, reason, basis, placed_by, ends_at)
    VALUES (p_subject, saas.personal_table_name(p_table), p_reason, p_basis, saas.current_user_id(), p_ends_at)
    RETURNING id INTO v_hold;
    RETURN v_hold;
END
$$;
COMMENT ON FUNCTION saas.place_legal_hold(uuid, text, text, timestamptz, regclass) IS
'Holds a person''s data: nothing of them is erased until saas.release_legal_hold() or p_ends_at. For platform admins and workers.';
REVOKE ALL ON FUNCTION saas.place_legal_hold(uuid, text, text, timestamptz, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.place_legal_hold(uuid, text, text, timestamptz, regclass) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.release_legal_hold(p_hold uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_subject uuid;
BEGIN
    SELECT h.subject_id INTO v_subject FROM saas.legal_holds AS h WHERE h.id = p_hold AND h.released_at IS NULL;
    -- Whoever may not know gets the same answer for a hold that is not there.
    PERFORM saas.require_privacy_access(v_subject, false, true);
    UPDATE saas.legal_holds AS h
    SET released_at = now(), released_by = saas.current_user_id()
    WHERE h.id = p_hold AND h.released_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such hold, or it was released';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.release_legal_hold(uuid) IS 'Ends a legal hold. For platform admins and workers.';
REVOKE ALL ON FUNCTION saas.release_legal_hold(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.release_legal_hold(uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.request_user_deletion(
    p_user uuid,
    p_reason text,
    p_mode text DEFAULT 'erase',
    p_strict boolean DEFAULT true
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_request uuid;
BEGIN
    PERFORM saas.require_privacy_access(p_user, true, true);
    PERFORM saas.require_one_of('mode', p_mode, '{erase,anonymise}');
    PERFORM FROM saas.users AS u WHERE u.id = p_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
    END IF;
    INSERT INTO saas.user_deletion_requests (subject_id, subject_hash, mode, reason, is_strict, requested_by, due_at)
    VALUES (
        p_user, saas.subject_hash(p_user), p_mode, p_reason, COALESCE(p_strict, true), saas.current_user_id(),
        now() + INTERVAL '1 month'
    )
    RETURNING id INTO v_request;
    RETURN v_request;
EXCEPTION
    WHEN unique_violation THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA152',
            MESSAGE = 'there is an open request for this person already',
            HINT = 'Cancel it with saas.cancel_deletion_request(), or let it run.';
END
$$;
COMMENT ON FUNCTION saas.request_user_deletion(uuid, text, text, boolean) IS
'Asks for a person to be erased or anonymised (p_mode), due within a month. For the person, platform admins and workers. SA152 while another request is open.';
REVOKE ALL ON FUNCTION saas.request_user_deletion(uuid, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.request_user_deletion(uuid, text, text, boolean) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.require_deletion_request(p_request uuid, p_states text[], p_self boolean)
RETURNS saas.user_deletion_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_request saas.user_deletion_requests;
BEGIN
    SELECT r.* INTO v_request FROM saas.user_deletion_requests AS r WHERE r.id = p_request;
    PERFORM saas.require_privacy_access(v_request.subject_id, p_self, true);
    IF v_request.subject_id IS NOT NULL THEN
        PERFORM saas.lock_subject(v_request.subject_id);
    END IF;
    SELECT r.* INTO v_request FROM saas.user_deletion_requests AS r WHERE r.id = p_request FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such request';
    END IF;
    IF v_request.status <> ALL (p_states) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA152',
            MESSAGE = format('the request is %s', v_request.status),
            HINT = format('This is possible while it is %s.', array_to_string(p_states, ' or '));
    END IF;
    RETURN v_request;
END
$$;
COMMENT ON FUNCTION saas.require_deletion_request(uuid, text[], boolean) IS
'The request, locked. P0002 when there is none, SA152 in another state, 42501 for others than those concerned.';
REVOKE ALL ON FUNCTION saas.require_deletion_request(uuid, text[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.verify_deletion_identity(
    p_request uuid,
    p_how text,
    p_grace interval DEFAULT INTERVAL '7 days'
)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_until timestamptz := now() + p_grace;
BEGIN
    PERFORM saas.require_deletion_request(p_request, '{requested}', false);
    IF COALESCE(p_how, '') = '' OR p_grace IS NULL OR p_grace < INTERVAL '0' OR p_grace > INTERVAL '30 days' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an identity check says how it was made and gives a grace period of at most 30 days';
    END IF;
    UPDATE saas.user_deletion_requests AS r
    SET status = 'verified', identity_check = p_how, identity_checked_at = now(), grace_until = v_until
    WHERE r.id = p_request;
    RETURN v_until;
END
$$;
COMMENT ON FUNCTION saas.verify_deletion_identity(uuid, text, interval) IS
'Notes how the identity of whoever asks was checked (GDPR Art. 12(6)); the request runs when the grace period has passed, which it returns. For platform admins and workers.';
REVOKE ALL ON FUNCTION saas.verify_deletion_identity(uuid, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.verify_deletion_identity(uuid, text, interval) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.extend_deletion_request(p_request uuid, p_until timestamptz, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_request saas.user_deletion_requests;
BEGIN
    v_request := saas.require_deletion_request(p_request, '{requested,verified,running,blocked,erased}', false);
    IF COALESCE(p_reason, '') = '' OR p_until IS NULL OR p_until <= v_request.due_at
        OR p_until > v_request.requested_at + INTERVAL '3 months'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'an extension has a reason, and ends within three months of the request',
            HINT = 'GDPR Art. 12(3): two further months, and the person is told within the first.';
    END IF;
    UPDATE saas.user_deletion_requests AS r
    SET extended_until = p_until, extension_reason = p_reason
    WHERE r.id = p_request;
END
$$;
COMMENT ON FUNCTION saas.extend_deletion_request(uuid, timestamptz, text) IS
'Extends the time to answer a request, three months in all, with the reason that the person is told. For platform admins and workers.';
REVOKE ALL ON FUNCTION saas.extend_deletion_request(uuid, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.extend_deletion_request(uuid, timestamptz, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.cancel_deletion_request(p_request uuid, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_deletion_request(p_request, '{requested,verified,running,blocked}', true);
    UPDATE saas.user_deletion_requests AS r
    SET status = 'cancelled', status_reason = p_reason, closed_at = now()
    WHERE r.id = p_request;
    DELETE FROM saas.erasure_rows AS w WHERE w.run_id = p_request;
    DELETE FROM saas.erasure_needles AS n WHERE n.request_id = p_request;
END
$$;
COMMENT ON FUNCTION saas.cancel_deletion_request(uuid, text) IS
'Takes a request back. What a running one has erased stays erased. For the person, platform admins and workers.';
REVOKE ALL ON FUNCTION saas.cancel_deletion_request(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.cancel_deletion_request(uuid, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.reject_deletion_request(p_request uuid, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_deletion_request(p_request, '{requested,verified,blocked}', false);
    IF COALESCE(p_reason, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a reason is needed to reject a request';
    END IF;
    UPDATE saas.user_deletion_requests AS r
    SET status = 'rejected', status_reason = p_reason, closed_at = now()
    WHERE r.id = p_request;
END
$$;
COMMENT ON FUNCTION saas.reject_deletion_request(uuid, text) IS
'Refuses a request, with the reason that the person is told (GDPR Art. 12(4)). For platform admins and workers.';
REVOKE ALL ON FUNCTION saas.reject_deletion_request(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.reject_deletion_request(uuid, text) TO saas_app, saas_service;
