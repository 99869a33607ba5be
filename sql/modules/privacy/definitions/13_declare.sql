-- Tables of one's own on the map: declared by the owner of the database, proposed by discovery.
CREATE OR REPLACE FUNCTION saas.declare_personal_data(
    p_table regclass,
    p_link text,
    p_columns text[],
    p_parent regclass DEFAULT 'saas.users',
    p_parent_columns text[] DEFAULT '{id}',
    p_kind text DEFAULT 'key',
    p_action text DEFAULT 'delete',
    p_anonymise_action text DEFAULT NULL,
    p_json_path text[] DEFAULT NULL,
    p_reassign_to text DEFAULT NULL,
    p_basis text DEFAULT NULL,
    p_kept_for interval DEFAULT NULL,
    p_section text DEFAULT 'other',
    p_origin text DEFAULT 'provided'
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_table text := saas.personal_table_name(p_table);
    v_problem text;
BEGIN
    IF NOT saas.acts_as_database_owner() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the owner of the database declares personal data';
    END IF;
    SELECT CASE
        WHEN v_table LIKE 'saas.%' THEN 'the package declares its own tables'
        WHEN EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p_table AND c.relkind NOT IN ('r', 'p')) THEN 'it is no table: declare those that it reads'
        WHEN NOT saas.is_trusted_table(p_table) THEN 'it belongs to somebody else than the owner of the database'
        WHEN p_parent::oid = p_table::oid AND p_kind = 'key' AND p_action NOT IN ('null', 'delete', 'keep', 'anonymise') THEN 'a row cannot take its own place'
        WHEN EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p_table AND c.relispartition) THEN 'it is a partition: declare the table that it belongs to'
        WHEN saas.personal_key(v_table) IS NULL THEN 'the table has no primary key'
        WHEN EXISTS (
            SELECT FROM unnest(p_columns) AS c (name)
            WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname = c.name AND a.attnum > 0)
        ) THEN 'it has no such column'
        WHEN EXISTS (
            SELECT FROM unnest(p_parent_columns) AS c (name)
            WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = p_parent AND a.attname = c.name AND a.attnum > 0)
        ) THEN 'the parent has no such column'
        WHEN p_parent <> 'saas.users'::regclass
            AND NOT EXISTS (SELECT FROM saas.personal_links AS l WHERE saas.personal_table(l.table_name) = p_parent)
            AND p_parent <> p_table THEN 'the parent is not on the map: declare it first'
    END
    INTO v_problem;
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA156',
            MESSAGE = 'the declaration makes no sense',
            DETAIL = format('Table %s: %s.', v_table, v_problem);
    END IF;
    INSERT INTO saas.personal_data_links (
        table_name, link_name, parent_table, columns, parent_columns, kind, json_path, action,
        anonymise_action, reassign_to, basis, kept_for, section, origin
    )
    VALUES (
        v_table, p_link, saas.personal_table_name(p_parent), p_columns, p_parent_columns, p_kind,
        p_json_path, p_action, p_anonymise_action, p_reassign_to, p_basis, p_kept_for, p_section, p_origin
    )
    ON CONFLICT (table_name, link_name) DO UPDATE
    SET parent_table = excluded.parent_table, columns = excluded.columns, parent_columns = excluded.parent_columns,
        kind = excluded.kind, json_path = excluded.json_path, action = excluded.action,
        anonymise_action = excluded.anonymise_action, reassign_to = excluded.reassign_to, basis = excluded.basis,
        kept_for = excluded.kept_for, section = excluded.section, origin = excluded.origin;
END
$$;
COMMENT ON FUNCTION saas.declare_personal_data(regclass, text, text[], regclass, text[], text, text, text, text[], text, text, interval, text, text) IS
'Declares how rows of a table of one''s own belong to a person, and what becomes of them: p_kind key, column, email or json; p_action delete, anonymise, null, reassign, shred or keep. For the owner of the database, who grants SELECT, UPDATE and DELETE on the table to saas_internal as well. SA156 when it makes no sense.';
REVOKE ALL ON FUNCTION saas.declare_personal_data(regclass, text, text[], regclass, text[], text, text, text, text[], text, text, interval, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.declare_personal_data(regclass, text, text[], regclass, text[], text, text, text, text[], text, text, interval, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.declare_personal_column(
    p_table regclass,
    p_column text,
    p_action text,
    p_value text DEFAULT NULL,
    p_identifying boolean DEFAULT false,
    p_basis text DEFAULT NULL,
    p_classification text DEFAULT 'confidential'
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_table text := saas.personal_table_name(p_table);
    v_problem text;
BEGIN
    IF NOT saas.acts_as_database_owner() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the owner of the database declares personal data';
    END IF;
    IF v_table LIKE 'saas.%' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA156',
            MESSAGE = 'the declaration makes no sense',
            DETAIL = format('Table %s: the package declares its own tables.', v_table);
    END IF;
    SELECT CASE
        WHEN c.relispartition THEN 'it is a partition: declare the table that it belongs to'
        WHEN c.relkind NOT IN ('r', 'p') THEN 'it is no table: declare the columns of the tables that it reads'
        WHEN NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname = p_column AND a.attnum > 0) THEN 'it has no such column'
    END
    INTO v_problem
    FROM pg_class AS c WHERE c.oid = p_table;
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA156',
            MESSAGE = 'the declaration makes no sense',
            DETAIL = format('Table %s, column %s: %s.', v_table, p_column, v_problem);
    END IF;
    PERFORM saas.register_asset(p_table, p_column::name, p_classification);
    INSERT INTO saas.personal_data_columns (table_name, column_name, action, value, is_identifying, basis)
    VALUES (v_table, p_column, p_action, p_value, p_identifying, p_basis)
    ON CONFLICT (table_name, column_name) DO UPDATE
    SET action = excluded.action, value = excluded.value, is_identifying = excluded.is_identifying,
        basis = excluded.basis;
END
$$;
COMMENT ON FUNCTION saas.declare_personal_column(regclass, text, text, text, boolean, text, text) IS
'Declares what becomes of a column of a table of one''s own: p_action delete (with its row), null, anonymise (to p_value, in which {random} stands for a new random text), shred, or keep with its basis. An identifying value is searched for after an erasure. For the owner of the database.';
REVOKE ALL ON FUNCTION saas.declare_personal_column(regclass, text, text, text, boolean, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.declare_personal_column(regclass, text, text, text, boolean, text, text) TO pg_database_owner;

CREATE OR REPLACE FUNCTION saas.dismiss_personal_data(p_table regclass, p_column text, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF NOT saas.acts_as_database_owner() THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'only the owner of the database dismisses proposals';
    END IF;
    IF COALESCE(p_reason, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a reason is needed to dismiss a proposal';
    END IF;
    UPDATE saas.personal_data_proposals AS p
    SET status = 'dismissed', status_reason = p_reason
    WHERE p.table_name = saas.personal_table_name(p_table) AND p.column_name = p_column;
    IF NOT FOUND THEN
        INSERT INTO saas.personal_data_proposals (table_name, column_name, kind, why, status, status_reason)
        VALUES (saas.personal_table_name(p_table), p_column, 'none', 'name', 'dismissed', p_reason);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.dismiss_personal_data(regclass, text, text) IS
'Says that a column is not personal, whatever it looks like, and why. For the owner of the database.';
REVOKE ALL ON FUNCTION saas.dismiss_personal_data(regclass, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.dismiss_personal_data(regclass, text, text) TO pg_database_owner;
