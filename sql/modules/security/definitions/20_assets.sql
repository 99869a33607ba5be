-- Assets: columns under an identifier of their own.
CREATE OR REPLACE VIEW saas.located_data_assets WITH (security_invoker = true) AS
SELECT
    d.id,
    d.table_name,
    d.table_name::oid AS table_oid,
    a.attnum AS column_number,
    a.attname AS column_name,
    d.variant,
    d.classification,
    d.created_at
FROM saas.data_assets AS d
LEFT JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = d.table_name
    AND NOT a.attisdropped
    AND CASE
        WHEN d.table_oid = d.table_name::oid THEN a.attnum = d.column_number
        ELSE a.attname = d.column_name
    END;
COMMENT ON VIEW saas.located_data_assets IS 'Assets with the column that they are now, after renaming or a restore; without one when the column is gone.';
COMMENT ON COLUMN saas.located_data_assets.id IS 'Identifier of the asset. [internal]';
COMMENT ON COLUMN saas.located_data_assets.table_name IS 'The table. [internal]';
COMMENT ON COLUMN saas.located_data_assets.table_oid IS 'The table''s oid now. [internal]';
COMMENT ON COLUMN saas.located_data_assets.column_number IS 'Number of the column now; NULL when it is gone. [internal]';
COMMENT ON COLUMN saas.located_data_assets.column_name IS 'Name of the column now. [internal]';
COMMENT ON COLUMN saas.located_data_assets.variant IS 'Empty for the column''s values; a name for something derived from them. [internal]';
COMMENT ON COLUMN saas.located_data_assets.classification IS 'How sensitive the column is. [internal]';
COMMENT ON COLUMN saas.located_data_assets.created_at IS 'When the asset was registered. [internal]';

CREATE OR REPLACE TRIGGER data_assets_announce_change
AFTER INSERT OR UPDATE OR DELETE ON saas.data_assets
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();

CREATE OR REPLACE FUNCTION saas.refresh_data_assets(p_table regclass DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_refreshed bigint;
    v_more bigint;
BEGIN
    UPDATE saas.data_assets AS d
    SET table_oid = l.table_oid, column_number = l.column_number, column_name = l.column_name
    FROM saas.located_data_assets AS l
    WHERE l.id = d.id
        AND l.column_number IS NOT NULL
        AND (p_table IS NULL OR d.table_name = p_table)
        AND (d.table_oid, d.column_number, d.column_name) IS DISTINCT FROM (l.table_oid, l.column_number, l.column_name);
    GET DIAGNOSTICS v_refreshed = ROW_COUNT;
    -- The package's own columns are assets by the class that their comments end with.
    INSERT INTO saas.data_assets (table_name, table_oid, column_number, column_name, classification)
    SELECT c.oid, c.oid, a.attnum, a.attname, k.name
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN saas.data_classifications AS k
        ON k.name = substring(col_description(c.oid, a.attnum) FROM '\[([a-z]+)\]$')
    WHERE p_table IS NULL
        AND c.relnamespace = 'saas'::regnamespace
        AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition
        AND NOT EXISTS (
            SELECT FROM saas.data_assets AS d
            WHERE d.table_oid = c.oid AND d.column_number = a.attnum AND d.variant = ''
        );
    GET DIAGNOSTICS v_more = ROW_COUNT;
    v_refreshed := v_refreshed + v_more;
    -- A newer version may call a column more sensitive than it was when it was registered.
    UPDATE saas.data_assets AS d
    SET classification = k.class
    FROM (
        SELECT l.id, l.classification, substring(col_description(l.table_oid, l.column_number) FROM '\[([a-z]+)\]$') AS class
        FROM saas.located_data_assets AS l
        JOIN pg_class AS c ON c.oid = l.table_oid AND c.relnamespace = 'saas'::regnamespace
        WHERE p_table IS NULL AND l.variant = ''
    ) AS k
    WHERE d.id = k.id
        AND array_position('{public,internal,confidential,restricted}'::text[], k.class)
            > array_position('{public,internal,confidential,restricted}'::text[], k.classification);
    GET DIAGNOSTICS v_more = ROW_COUNT;
    RETURN v_refreshed + v_more;
END
$$;
COMMENT ON FUNCTION saas.refresh_data_assets(regclass) IS
'Brings the assets of a table up to date after columns were renamed or restored; of all tables without an argument, with every column of schema saas registered by the class that its comment ends with, and raised to it where a newer version is stricter. saas.deploy() does it. Returns how many rows changed.';
REVOKE ALL ON FUNCTION saas.refresh_data_assets(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refresh_data_assets(regclass) TO pg_database_owner, saas_internal;

CREATE OR REPLACE FUNCTION saas.register_asset(
    p_table regclass,
    p_column name,
    p_classification text DEFAULT 'confidential',
    p_variant text DEFAULT ''
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_owner oid;
    v_number smallint;
    v_id uuid;
BEGIN
    SELECT c.relowner, a.attnum INTO v_owner, v_number
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = p_column AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.oid = p_table;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = '42703',
            MESSAGE = 'there is no such table or column to register',
            HINT = 'Name the column as it is written in the catalog.';
    END IF;
    IF NOT pg_has_role(
        CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role')::name END,
        v_owner,
        'USAGE'
    ) THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the owner of the table registers its columns';
    END IF;
    IF NOT EXISTS (SELECT FROM saas.data_classifications AS k WHERE k.name = p_classification) THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'there is no such classification',
            HINT = 'The classes are public, internal, confidential and restricted.';
    END IF;
    PERFORM saas.refresh_data_assets(p_table);
    LOOP
        UPDATE saas.data_assets AS d
        SET classification = p_classification
        WHERE d.table_oid = p_table::oid AND d.column_number = v_number AND d.variant = COALESCE(p_variant, '')
        RETURNING d.id INTO v_id;
        EXIT WHEN FOUND;
        BEGIN
            INSERT INTO saas.data_assets AS d (table_name, table_oid, column_number, column_name, variant, classification)
            VALUES (p_table, p_table, v_number, p_column, COALESCE(p_variant, ''), p_classification)
            RETURNING d.id INTO v_id;
            EXIT;
        EXCEPTION
            WHEN unique_violation THEN NULL; -- another session has registered it: its row is there now
        END;
    END LOOP;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.register_asset(regclass, name, text, text) IS
'Registers a column as an asset, or changes its classification, and returns its identifier, which survives renaming and dumps. For the owner of the table. p_variant names something derived from the column, such as a blind index of its end.';
REVOKE ALL ON FUNCTION saas.register_asset(regclass, name, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.register_asset(regclass, name, text, text) TO pg_database_owner, saas_migrator;

CREATE OR REPLACE FUNCTION saas.asset_id(p_table regclass, p_column name, p_variant text DEFAULT '')
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
BEGIN
    SELECT l.id INTO v_id
    FROM saas.located_data_assets AS l
    WHERE l.table_name = p_table AND l.column_name = p_column AND l.variant = p_variant;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA104',
            MESSAGE = 'the column is not registered as an asset',
            HINT = 'Register it with saas.register_asset().';
    END IF;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.asset_id(regclass, name, text) IS
'The identifier of a registered column. SA104 when it is not registered.';
REVOKE ALL ON FUNCTION saas.asset_id(regclass, name, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.asset_id(regclass, name, text) TO saas_app, saas_service, saas_internal, pg_database_owner;
