-- The copy of the keys that old backups are opened with: those of today, wrapped as today.
CREATE OR REPLACE FUNCTION saas.export_encryption_keys()
RETURNS SETOF jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT to_jsonb(k) FROM saas.encryption_keys AS k ORDER BY k.team_id, k.key_no
$$;
COMMENT ON FUNCTION saas.export_encryption_keys() IS
'All data keys as they are wrapped now, one a row, to be laid over a restored backup with saas.overlay_encryption_keys(). For the owner of the database.';
REVOKE ALL ON FUNCTION saas.export_encryption_keys() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.export_encryption_keys() TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.overlay_encryption_keys(p_keys jsonb[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_changed bigint;
    v_more bigint;
BEGIN
    -- What was destroyed here stays destroyed. Keys that encrypt come last: one of an owner at a time.
    UPDATE saas.encryption_keys AS k
    SET status = o.status, wrapped = o.wrapped, kek_epoch = o.kek_epoch, shredded_at = o.shredded_at,
        shred_reason = o.shred_reason, hold_epoch = GREATEST(k.hold_epoch, o.hold_epoch), closed_at = o.closed_at, uses = GREATEST(k.uses, o.uses)
    FROM unnest(p_keys) AS g (key)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::saas.encryption_keys, g.key) AS o
    WHERE k.team_id = o.team_id AND k.key_no = o.key_no AND k.status <> 'shredded' AND o.status <> 'active';
    GET DIAGNOSTICS v_changed = ROW_COUNT;
    UPDATE saas.encryption_keys AS k
    SET status = o.status, wrapped = o.wrapped, kek_epoch = o.kek_epoch, hold_epoch = GREATEST(k.hold_epoch, o.hold_epoch), uses = GREATEST(k.uses, o.uses)
    FROM unnest(p_keys) AS g (key)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::saas.encryption_keys, g.key) AS o
    WHERE k.team_id = o.team_id AND k.key_no = o.key_no AND k.status <> 'shredded' AND o.status = 'active';
    GET DIAGNOSTICS v_more = ROW_COUNT;
    v_changed := v_changed + v_more;
    INSERT INTO saas.encryption_keys AS k
    SELECT (jsonb_populate_record(NULL::saas.encryption_keys, g.key)).*
    FROM unnest(p_keys) AS g (key)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_more = ROW_COUNT;
    RETURN v_changed + v_more;
END
$$;
COMMENT ON FUNCTION saas.overlay_encryption_keys(jsonb[]) IS
'Lays the keys that saas.export_encryption_keys() gave over those of a restored backup: values of the living open again, what was shredded since does not. Returns how many keys changed. For the owner of the database.';
REVOKE ALL ON FUNCTION saas.overlay_encryption_keys(jsonb[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.overlay_encryption_keys(jsonb[]) TO pg_database_owner;
