-- Restriction of processing (GDPR Art. 18) and objection to a purpose (Art. 21).
CREATE OR REPLACE FUNCTION saas.restrict_processing(p_subject uuid, p_reason text, p_purpose text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM saas.require_privacy_access(p_subject, true, true);
    IF p_purpose IS NOT NULL THEN
        PERFORM saas.require_purpose(p_purpose);
    END IF;
    IF NOT EXISTS (SELECT FROM saas.users AS u WHERE u.id = p_subject) THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
    END IF;
    INSERT INTO saas.processing_restrictions (subject_id, purpose, reason, placed_by)
    VALUES (p_subject, p_purpose, p_reason, saas.current_user_id())
    ON CONFLICT (subject_id, purpose) WHERE lifted_at IS NULL DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT r.id INTO v_id
        FROM saas.processing_restrictions AS r
        WHERE r.subject_id = p_subject AND r.purpose IS NOT DISTINCT FROM p_purpose AND r.lifted_at IS NULL;
        RETURN v_id;
    END IF;
    INSERT INTO saas.privacy_events (recipient, kind, subject_id, payload)
    SELECT n.name, 'restriction', p_subject, jsonb_build_object('purpose', p_purpose, 'restriction_id', v_id)
    FROM saas.privacy_recipients AS n
    WHERE n.is_active AND 'restriction' = ANY (n.kinds);
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.restrict_processing(uuid, text, text) IS
'Restricts the processing of a person''s data (GDPR Art. 18), or, with a purpose, records an objection to it (Art. 21). From then on values under the person''s keys open for the person alone, masked views leave the person out, nobody else exports them, and saas.may_process() says no. Twice does no harm. Returns its id.';
REVOKE ALL ON FUNCTION saas.restrict_processing(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.restrict_processing(uuid, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.object_to_processing(p_purpose text, p_reason text, p_subject uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_purpose IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22004',
            MESSAGE = 'an objection needs a purpose',
            HINT = 'To restrict everything call saas.restrict_processing().';
    END IF;
    RETURN saas.restrict_processing(COALESCE(p_subject, saas.current_user_id()), p_reason, p_purpose);
END
$$;
COMMENT ON FUNCTION saas.object_to_processing(text, text, uuid) IS
'Records a person''s objection to a purpose (GDPR Art. 21). To direct marketing it holds without weighing anything.';
REVOKE ALL ON FUNCTION saas.object_to_processing(text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.object_to_processing(text, text, uuid) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.lift_restriction(p_subject uuid, p_reason text, p_purpose text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_placed_by uuid;
    v_id uuid;
BEGIN
    PERFORM saas.require_privacy_access(p_subject, true, true);
    IF p_reason IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'lifting a restriction needs a reason';
    END IF;
    SELECT r.id, r.placed_by INTO v_id, v_placed_by
    FROM saas.processing_restrictions AS r
    WHERE r.subject_id = p_subject AND r.purpose IS NOT DISTINCT FROM p_purpose AND r.lifted_at IS NULL
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Who did not ask for it may not be freed of it by themselves: a claim may depend on the data.
    IF v_placed_by IS DISTINCT FROM saas.current_user_id() THEN
        PERFORM saas.require_platform_admin();
    END IF;
    UPDATE saas.processing_restrictions AS r
    SET lifted_at = clock_timestamp(), lifted_by = saas.current_user_id(), lift_reason = p_reason
    WHERE r.id = v_id;
    -- The person is to be told before it is lifted (Art. 18(3)): the notice goes out with the change.
    INSERT INTO saas.privacy_events (recipient, kind, subject_id, payload)
    SELECT n.name, 'restriction_lifted', p_subject, jsonb_build_object('purpose', p_purpose, 'restriction_id', v_id)
    FROM saas.privacy_recipients AS n
    WHERE n.is_active AND 'restriction' = ANY (n.kinds);
    RETURN true;
END
$$;
COMMENT ON FUNCTION saas.lift_restriction(uuid, text, text) IS
'Lifts a restriction, or with a purpose an objection: people those that they asked for, admins of the platform and workers any. False when there was none.';
REVOKE ALL ON FUNCTION saas.lift_restriction(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.lift_restriction(uuid, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.is_restricted(p_subject uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM saas.processing_restrictions AS r
        WHERE r.subject_id = p_subject AND r.purpose IS NULL AND r.lifted_at IS NULL
    )
$$;
COMMENT ON FUNCTION saas.is_restricted(uuid) IS
'Whether the processing of the person''s data is restricted now. False for NULL.';
REVOKE ALL ON FUNCTION saas.is_restricted(uuid) FROM PUBLIC, saas_analyst;
GRANT EXECUTE ON FUNCTION saas.is_restricted(uuid) TO saas_service, saas_internal;

-- A transaction that keeps to its snapshot does not see a restriction that was placed since.
CREATE OR REPLACE FUNCTION saas.is_restricted_whatever_snapshot(p_subject uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RETURN COALESCE(saas.is_restricted_by_now(p_subject), false);
    END IF;
    RETURN saas.is_restricted(p_subject);
END
$$;
COMMENT ON FUNCTION saas.is_restricted_whatever_snapshot(uuid) IS
'Whether the processing of the person''s data is restricted now, at every isolation level. False for NULL.';
REVOKE ALL ON FUNCTION saas.is_restricted_whatever_snapshot(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.is_restricted_whatever_snapshot(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.require_unrestricted(p_subject uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_subject IS DISTINCT FROM saas.current_user_id() AND saas.is_restricted_whatever_snapshot(p_subject) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA163',
            MESSAGE = 'the processing of this person''s data is restricted',
            HINT = 'The person can read and export them. saas.lift_restriction() ends the restriction.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_unrestricted(uuid) IS
'Raises SA163 while the processing of the person''s data is restricted, unless the person calls.';
REVOKE ALL ON FUNCTION saas.require_unrestricted(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_unrestricted(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.may_process(p_subject uuid, p_purpose text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_purpose saas.processing_purposes;
BEGIN
    PERFORM saas.require_privacy_access(p_subject, true, true);
    v_purpose := saas.require_purpose(p_purpose);
    IF EXISTS (
        SELECT FROM saas.processing_restrictions AS r
        WHERE r.subject_id = p_subject AND r.lifted_at IS NULL AND (r.purpose IS NULL OR r.purpose = p_purpose)
    ) THEN
        RETURN false;
    END IF;
    RETURN v_purpose.legal_basis <> 'consent' OR saas.has_consent(p_subject, p_purpose, clock_timestamp());
END
$$;
COMMENT ON FUNCTION saas.may_process(uuid, text) IS
'Whether the person''s data may be processed for this purpose now: not restricted, no objection, and consent where the purpose rests on it. Jobs ask it for each person before they begin.';
REVOKE ALL ON FUNCTION saas.may_process(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.may_process(uuid, text) TO saas_app, saas_service;

-- Keys of the person follow, those made later too; a changed row reaches the caches of every session.
CREATE OR REPLACE FUNCTION saas.restrict_keys()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_restricted boolean;
BEGIN
    -- A key that is made at this moment waits, or is seen below. One of 64 locks, so that a transaction may make
    -- any number of keys.
    PERFORM pg_advisory_xact_lock(hashtext('saas.restriction'), hashtext(NEW.subject_id::text) & 63);
    v_restricted := saas.is_restricted(NEW.subject_id);
    UPDATE saas.encryption_keys AS k
    SET is_restricted = v_restricted
    WHERE k.subject_id = NEW.subject_id AND k.is_restricted <> v_restricted;
    -- A key that was made after the snapshot of this transaction is not seen, and must not stay as it is.
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') AND saas.has_keys_unlike(NEW.subject_id, v_restricted) THEN
        RAISE EXCEPTION USING
            ERRCODE = '40001',
            MESSAGE = 'a key of the person was made meanwhile',
            HINT = 'Try the transaction again.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.restrict_keys() IS
'Marks a person''s keys as restricted while the processing of the person''s data is.';
REVOKE ALL ON FUNCTION saas.restrict_keys() FROM PUBLIC;

CREATE OR REPLACE TRIGGER processing_restrictions_50_keys
AFTER INSERT OR UPDATE ON saas.processing_restrictions
FOR EACH ROW WHEN (NEW.purpose IS NULL) EXECUTE FUNCTION saas.restrict_keys();

CREATE OR REPLACE FUNCTION saas.mark_restricted_key()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- Whoever erases the person now has locked the row, and destroys this key, too, or has gone before.
    PERFORM FROM saas.users AS u WHERE u.id = NEW.subject_id FOR KEY SHARE;
    IF NOT FOUND AND NEW.status <> 'shredded' AND EXISTS (
        SELECT FROM saas.user_deletion_requests AS r
        WHERE r.subject_hash = ANY (saas.subject_hashes(NEW.subject_id)) AND r.mode = 'erase' AND r.status IN ('erased', 'completed')
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA137',
            MESSAGE = 'the person was erased, and gets no new key',
            HINT = 'Nothing more is to be stored about them.';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtext('saas.restriction'), hashtext(NEW.subject_id::text) & 63);
    NEW.is_restricted := saas.is_restricted_whatever_snapshot(NEW.subject_id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.mark_restricted_key() IS
'A new key of a person whose data are restricted is restricted from the start; somebody who was erased gets none (SA137).';
REVOKE ALL ON FUNCTION saas.mark_restricted_key() FROM PUBLIC;

CREATE OR REPLACE TRIGGER encryption_keys_20_restricted
BEFORE INSERT ON saas.encryption_keys
FOR EACH ROW WHEN (NEW.subject_id IS NOT NULL) EXECUTE FUNCTION saas.mark_restricted_key();
