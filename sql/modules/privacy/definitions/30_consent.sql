-- Consent (GDPR Art. 7): what was agreed to, in which words, and when it was taken back.
CREATE OR REPLACE FUNCTION saas.require_platform_admin()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.acts_as_service() AND NOT saas.acts_as_database_owner() THEN
        PERFORM saas.require_platform_role('admin');
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_platform_admin() IS
'Raises 42501 unless the caller is an admin of the platform, a worker or the owner of the database.';
REVOKE ALL ON FUNCTION saas.require_platform_admin() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_platform_admin() TO saas_internal;

CREATE OR REPLACE FUNCTION saas.require_purpose(p_purpose text)
RETURNS saas.processing_purposes
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_purpose saas.processing_purposes;
BEGIN
    SELECT p.* INTO v_purpose
    FROM saas.processing_purposes AS p
    WHERE p.name = p_purpose AND p.ended_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'there is no such purpose of processing',
            HINT = 'Table saas.processing_purposes has them.';
    END IF;
    RETURN v_purpose;
END
$$;
COMMENT ON FUNCTION saas.require_purpose(text) IS
'The purpose of that name, or 22023.';
REVOKE ALL ON FUNCTION saas.require_purpose(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_purpose(text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.publish_consent_text(
    p_purpose text,
    p_locale text,
    p_wording text,
    p_version integer DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_purpose saas.processing_purposes;
    v_newest integer;
    v_version integer;
BEGIN
    PERFORM saas.require_platform_admin();
    v_purpose := saas.require_purpose(p_purpose);
    IF v_purpose.legal_basis <> 'consent' THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'this purpose does not rest on consent',
            DETAIL = pg_catalog.format('Its legal basis is %s.', v_purpose.legal_basis);
    END IF;
    PERFORM FROM saas.processing_purposes AS p WHERE p.name = p_purpose FOR NO KEY UPDATE;
    SELECT max(t.version) INTO v_newest FROM saas.consent_texts AS t WHERE t.purpose = p_purpose;
    v_version := COALESCE(p_version, COALESCE(v_newest, 0) + 1);
    IF v_version > COALESCE(v_newest, 0) + 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'versions follow one another',
            HINT = pg_catalog.format('The next version is %s.', COALESCE(v_newest, 0) + 1);
    END IF;
    INSERT INTO saas.consent_texts (purpose, version, locale, wording, wording_sha256, created_by)
    VALUES (
        p_purpose, v_version, p_locale, p_wording, sha256(convert_to(p_wording, 'UTF8')), saas.current_user_id()
    )
    ON CONFLICT (purpose, version, locale) DO NOTHING;
    IF NOT FOUND AND NOT EXISTS (
        SELECT FROM saas.consent_texts AS t
        WHERE t.purpose = p_purpose AND t.version = v_version AND t.locale = p_locale AND t.wording = p_wording
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA160',
            MESSAGE = 'this wording was published and cannot be changed',
            HINT = 'Publish the new wording as the next version: leave p_version out.';
    END IF;
    RETURN v_version;
END
$$;
COMMENT ON FUNCTION saas.publish_consent_text(text, text, text, integer) IS
'Publishes the words in which people are asked for consent, as a new version, or as a translation of an existing one. Words are never changed afterwards (SA160). Returns the version. For admins of the platform.';
REVOKE ALL ON FUNCTION saas.publish_consent_text(text, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.publish_consent_text(text, text, text, integer) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.write_consent(p_record saas.consent_records)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_last saas.consent_records;
    v_id uuid := saas.uuid_v7();
BEGIN
    -- One after the other for a person and purpose, each with a time after the one before.
    PERFORM pg_advisory_xact_lock(
        hashtext('saas.consent'), hashtext(p_record.subject_id || ' ' || p_record.purpose) & 255
    );
    SELECT c.* INTO v_last
    FROM saas.consent_records AS c
    WHERE c.subject_id = p_record.subject_id AND c.purpose = p_record.purpose
    ORDER BY c.number DESC
    LIMIT 1;
    IF p_record.action = 'withdraw' AND v_last.action IS DISTINCT FROM 'grant' THEN
        RETURN v_last.id; -- nothing to take back, or taken back before
    END IF;
    INSERT INTO saas.consent_records (
        id, subject_id, purpose, number, action, version, locale, wording_sha256, method, client_addr,
        user_agent, recorded_by, recorded_at
    )
    VALUES (
        v_id, p_record.subject_id, p_record.purpose, COALESCE(v_last.number, 0) + 1, p_record.action,
        p_record.version, p_record.locale, p_record.wording_sha256, p_record.method, p_record.client_addr,
        p_record.user_agent, saas.current_user_id(),
        greatest(clock_timestamp(), v_last.recorded_at + INTERVAL '1 microsecond')
    );
    INSERT INTO saas.privacy_events (recipient, kind, subject_id, payload)
    SELECT
        r.name, 'consent', p_record.subject_id,
        jsonb_build_object('purpose', p_record.purpose, 'action', p_record.action, 'consent_record_id', v_id)
    FROM saas.privacy_recipients AS r
    WHERE r.is_active AND 'consent' = ANY (r.kinds);
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.write_consent(saas.consent_records) IS
'Writes the next record of a person and purpose and tells recipients. A withdrawal of what is not granted writes nothing.';
REVOKE ALL ON FUNCTION saas.write_consent(saas.consent_records) FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.grant_consent(
    p_purpose text,
    p_version integer,
    p_locale text,
    p_subject uuid DEFAULT NULL,
    p_method text DEFAULT 'application',
    p_client_addr inet DEFAULT NULL,
    p_user_agent text DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_record saas.consent_records;
BEGIN
    v_record.subject_id := COALESCE(p_subject, saas.current_user_id());
    PERFORM saas.require_privacy_access(v_record.subject_id, true, true);
    PERFORM saas.require_purpose(p_purpose);
    IF NOT EXISTS (SELECT FROM saas.users AS u WHERE u.id = v_record.subject_id AND u.deleted_at IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = 'there is no such user';
    END IF;
    SELECT t.wording_sha256 INTO v_record.wording_sha256
    FROM saas.consent_texts AS t
    WHERE t.purpose = p_purpose AND t.version = p_version AND t.locale = p_locale;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'these words were never published',
            HINT = 'Name the version and language that the person has read: table saas.consent_texts has them.';
    END IF;
    v_record.purpose := p_purpose;
    v_record.action := 'grant';
    v_record.version := p_version;
    v_record.locale := p_locale;
    v_record.method := p_method;
    v_record.client_addr := p_client_addr;
    v_record.user_agent := left(p_user_agent, 1000);
    RETURN saas.write_consent(v_record);
END
$$;
COMMENT ON FUNCTION saas.grant_consent(text, integer, text, uuid, text, inet, text) IS
'Records that a person (by default the user of the request) agrees to a purpose, having read this version of its text in this language. Returns the id of the record.';
REVOKE ALL ON FUNCTION saas.grant_consent(text, integer, text, uuid, text, inet, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.grant_consent(text, integer, text, uuid, text, inet, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.withdraw_consent(
    p_purpose text,
    p_subject uuid DEFAULT NULL,
    p_method text DEFAULT 'application',
    p_client_addr inet DEFAULT NULL,
    p_user_agent text DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_record saas.consent_records;
BEGIN
    v_record.subject_id := COALESCE(p_subject, saas.current_user_id());
    PERFORM saas.require_privacy_access(v_record.subject_id, true, true);
    -- A purpose that has ended can still be withdrawn from.
    IF NOT EXISTS (SELECT FROM saas.processing_purposes AS p WHERE p.name = p_purpose) THEN
        PERFORM saas.require_purpose(p_purpose);
    END IF;
    v_record.purpose := p_purpose;
    v_record.action := 'withdraw';
    v_record.method := p_method;
    v_record.client_addr := p_client_addr;
    v_record.user_agent := left(p_user_agent, 1000);
    RETURN saas.write_consent(v_record);
END
$$;
COMMENT ON FUNCTION saas.withdraw_consent(text, uuid, text, inet, text) IS
'Takes a person''s consent to a purpose back, from now on. Nothing but the purpose is needed, and twice does no harm. Returns the id of the record that holds, NULL when there never was a consent.';
REVOKE ALL ON FUNCTION saas.withdraw_consent(text, uuid, text, inet, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.withdraw_consent(text, uuid, text, inet, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.has_consent(p_subject uuid, p_purpose text, p_at timestamptz DEFAULT clock_timestamp())
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_granted boolean;
BEGIN
    PERFORM saas.require_privacy_access(p_subject, true, true);
    SELECT c.action = 'grant' AND (p.consent_valid_for IS NULL OR p_at < c.recorded_at + p.consent_valid_for)
    INTO v_granted
    FROM saas.consent_records AS c
    JOIN saas.processing_purposes AS p ON p.name = c.purpose
    WHERE c.subject_id = p_subject AND c.purpose = p_purpose AND c.recorded_at <= p_at
    ORDER BY c.number DESC
    LIMIT 1;
    RETURN COALESCE(v_granted, false);
END
$$;
COMMENT ON FUNCTION saas.has_consent(uuid, text, timestamptz) IS
'Whether the person''s consent to this purpose was given, not taken back and not expired at that time, by default this moment.';
REVOKE ALL ON FUNCTION saas.has_consent(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.has_consent(uuid, text, timestamptz) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.consent_history(p_subject uuid DEFAULT NULL)
RETURNS TABLE (
    purpose text,
    action text,
    version integer,
    locale text,
    wording text,
    method text,
    recorded_at timestamptz,
    by_person boolean
)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_subject uuid := COALESCE(p_subject, saas.current_user_id());
BEGIN
    PERFORM saas.require_privacy_access(v_subject, true, true);
    RETURN QUERY
    SELECT
        c.purpose, c.action, c.version, c.locale, t.wording, c.method, c.recorded_at,
        c.recorded_by IS NOT DISTINCT FROM c.subject_id
    FROM saas.consent_records AS c
    LEFT JOIN saas.consent_texts AS t
        ON t.purpose = c.purpose AND t.version = c.version AND t.locale = c.locale
    WHERE c.subject_id = v_subject
    ORDER BY c.purpose, c.number;
END
$$;
COMMENT ON FUNCTION saas.consent_history(uuid) IS
'Every consent of a person (by default the user of the request) with the words that were agreed to, and every withdrawal.';
REVOKE ALL ON FUNCTION saas.consent_history(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.consent_history(uuid) TO saas_app, saas_service;

-- The words and the records stay as they are; only the end of their retention removes records, and an erasure takes out
-- from where they came.
CREATE OR REPLACE FUNCTION saas.keep_consent_records()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF saas.is_erasing() THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA160',
        MESSAGE = pg_catalog.format('rows of saas.%I are the proof of consent and stay as they are', TG_TABLE_NAME),
        HINT = 'Call saas.withdraw_consent() for a withdrawal; saas.cleanup_old_data() removes what is past its retention.';
END
$$;
COMMENT ON FUNCTION saas.keep_consent_records() IS
'Refuses changes of consents and of their wording.';
REVOKE ALL ON FUNCTION saas.keep_consent_records() FROM PUBLIC;

CREATE OR REPLACE TRIGGER consent_records_10_append_only
BEFORE UPDATE OR DELETE ON saas.consent_records
FOR EACH ROW EXECUTE FUNCTION saas.keep_consent_records();
CREATE OR REPLACE TRIGGER consent_texts_10_append_only
BEFORE UPDATE OR DELETE ON saas.consent_texts
FOR EACH ROW EXECUTE FUNCTION saas.keep_consent_records();
ALTER TABLE saas.consent_records ENABLE ALWAYS TRIGGER consent_records_10_append_only;
ALTER TABLE saas.consent_texts ENABLE ALWAYS TRIGGER consent_texts_10_append_only;
