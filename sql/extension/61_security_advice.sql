-- saas.security_advice(): settings and roles through which secrets leak or rights are lost. What a module
-- deploys is checked by saas.validate(); this is about the server around it.

CREATE OR REPLACE FUNCTION saas.core_dumps_allowed()
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_core_dumps_allowed';
COMMENT ON FUNCTION saas.core_dumps_allowed() IS
'Whether this server process may write its memory to a file when it crashes (ulimit -c).';

CREATE OR REPLACE FUNCTION saas.advise_logging()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH configured AS (
        SELECT s.name, s.setting, s.setting::text AS value FROM pg_settings AS s
    ),
    statements_logged AS (
        SELECT FROM configured AS c
        WHERE (c.name = 'log_statement' AND c.value IN ('mod', 'all'))
            OR (c.name IN ('log_min_duration_statement', 'log_min_duration_sample') AND c.value <> '-1')
    )
    SELECT f.severity, f.object, f.finding, f.remedy
    FROM (
        SELECT 'error' AS severity, 'shared_preload_libraries' AS object,
            'pg_saas is not loaded with the server: a session is not redacted before it has called one of its functions, and keys cannot be opened' AS finding,
            'Add pg_saas to shared_preload_libraries and restart the server.' AS remedy
        WHERE NOT saas.is_preloaded()
        UNION ALL
        SELECT 'warning', c.name,
            'values bound to statements are written to the log, but for statements that handle secrets',
            format('ALTER SYSTEM SET %I = 0; SELECT pg_reload_conf();', c.name)
        FROM configured AS c
        WHERE (c.name = 'log_parameter_max_length' AND c.value <> '0' AND EXISTS (SELECT FROM statements_logged))
            OR (c.name = 'log_parameter_max_length_on_error' AND c.value <> '0')
        UNION ALL
        SELECT 'warning', c.name,
            format('%s: statements are written to the log with the values in them', c.value),
            'ALTER SYSTEM SET log_statement = ''ddl''; SELECT pg_reload_conf();'
        FROM configured AS c
        WHERE c.name = 'log_statement' AND c.value IN ('mod', 'all')
        UNION ALL
        SELECT 'warning', c.name,
            'every statement is written to the log with the values in it',
            format('ALTER SYSTEM SET %I = ''1s''; SELECT pg_reload_conf();', c.name)
        FROM configured AS c
        WHERE c.name IN ('log_min_duration_statement', 'log_min_duration_sample') AND c.value = '0'
        UNION ALL
        SELECT 'warning', c.name,
            'plans of statements are written to the log with the values in them',
            format('ALTER SYSTEM SET %I = -1; SELECT pg_reload_conf();', c.name)
        FROM configured AS c
        WHERE c.name = 'auto_explain.log_min_duration' AND c.value <> '-1'
        UNION ALL
        SELECT 'warning', c.name,
            'the trees of statements are written to the log with the values in them',
            format('ALTER SYSTEM SET %I = off; SELECT pg_reload_conf();', c.name)
        FROM configured AS c
        WHERE c.name IN ('debug_print_parse', 'debug_print_rewritten', 'debug_print_plan') AND c.value = 'on'
        UNION ALL
        SELECT 'warning', c.name,
            'keeps the text of SET, ALTER ROLE and the like with the passwords in them',
            'ALTER SYSTEM SET pg_stat_statements.track_utility = off; SELECT pg_reload_conf(), pg_stat_statements_reset();'
        FROM configured AS c
        WHERE c.name = 'pg_stat_statements.track_utility' AND c.value = 'on'
        UNION ALL
        SELECT 'warning', c.name, format('files of the log are made with mode %s: others than the server can read them', c.value),
            'ALTER SYSTEM SET log_file_mode = ''0600''; SELECT pg_reload_conf();'
        FROM configured AS c
        WHERE c.name = 'log_file_mode' AND c.value <> '0600' AND current_setting('logging_collector') = 'on'
        UNION ALL
        -- Others see the statements of their own role only.
        SELECT 'warning', c.name,
            format('pg_stat_activity shows a statement with the values in it until it is analysed, to %s',
                string_agg(format('%I', r.rolname), ', ' ORDER BY r.rolname)),
            'Give secrets as bind parameters, which are not shown, or ALTER SYSTEM SET track_activities = off; SELECT pg_reload_conf();'
        FROM configured AS c
        JOIN pg_roles AS r ON r.rolcanlogin AND NOT r.rolsuper AND pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE')
        WHERE c.name = 'track_activities' AND c.value = 'on'
        GROUP BY c.name
    ) AS f
$$;
COMMENT ON FUNCTION saas.advise_logging() IS 'Part of saas.security_advice(): what is written to logs.';

CREATE OR REPLACE FUNCTION saas.advise_server()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'error' AS severity, 'ssl' AS object,
        'the server takes connections over the network without encryption' AS finding,
        'Configure ssl_cert_file and ssl_key_file, ALTER SYSTEM SET ssl = on, and use hostssl in pg_hba.conf.' AS remedy
    WHERE current_setting('ssl') = 'off' AND current_setting('listen_addresses') NOT IN ('', 'localhost', '127.0.0.1', '::1')
    UNION ALL
    SELECT 'error', 'password_encryption', 'new passwords are stored as MD5, which is as good as the password itself',
        'ALTER SYSTEM SET password_encryption = ''scram-sha-256''; SELECT pg_reload_conf(); then set the passwords again.'
    WHERE current_setting('password_encryption') <> 'scram-sha-256'
    UNION ALL
    SELECT 'warning', 'saas.trusted_settings',
        format('%s: whoever can run SQL can be any member of any team', current_setting('saas.trusted_settings')),
        format('ALTER DATABASE %I SET saas.trusted_settings = off; use saas.authenticate() or saas.set_context().', current_database())
    WHERE current_setting('saas.trusted_settings') <> 'off'
    UNION ALL
    SELECT 'error', 'keystore', 'there is no root key: nothing can be encrypted or decrypted',
        'Set saas.kek_file and saas.key_file, with pg_saas in shared_preload_libraries, and restart the server; its log says what was wrong.'
    WHERE saas.keystore_sealed()
    UNION ALL
    SELECT 'warning', 'core dumps', 'a crash writes the memory of a session to a file, with the plaintext in it',
        'Start the server with ulimit -c 0 (systemd: LimitCORE=0).'
    WHERE saas.core_dumps_allowed()
    UNION ALL
    SELECT 'error', format('setting %s of %s', split_part(c.entry, '=', 1), CASE
            WHEN s.setrole <> 0 AND s.setdatabase <> 0 THEN format('role %I in database %I', pg_get_userbyid(s.setrole), d.datname)
            WHEN s.setrole <> 0 THEN format('role %I', pg_get_userbyid(s.setrole))
            ELSE format('database %I', d.datname)
        END),
        'looks like a secret, and every role can read it in pg_db_role_setting',
        format('ALTER %s RESET %s; then replace the secret.', CASE
            WHEN s.setrole = 0 THEN format('DATABASE %I', d.datname)
            WHEN s.setdatabase = 0 THEN format('ROLE %I', pg_get_userbyid(s.setrole))
            ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), d.datname)
        END, split_part(c.entry, '=', 1))
    FROM pg_db_role_setting AS s
    CROSS JOIN LATERAL unnest(s.setconfig) AS c (entry)
    LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
    WHERE split_part(c.entry, '=', 1) ~ '^[^.]+\..*(key|secret|password|passphrase|token)'
        AND split_part(c.entry, '=', 1) !~ '^saas\.(kek|key)_(command|file|variable|credential)'
        AND c.entry !~ '=$'
$$;
COMMENT ON FUNCTION saas.advise_server() IS 'Part of saas.security_advice(): connections, passwords, memory, settings.';

CREATE OR REPLACE FUNCTION saas.advise_roles()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE acting AS (
        SELECT r.oid, r.rolname FROM pg_roles AS r
        WHERE r.rolname = ANY (ARRAY[current_setting('saas.role_app'), current_setting('saas.role_anonymous'),
            current_setting('saas.role_analyst'), current_setting('saas.role_service')])
        UNION
        SELECT r.oid, r.rolname FROM acting AS a
        JOIN pg_auth_members AS m ON m.roleid = a.oid
        JOIN pg_roles AS r ON r.oid = m.member
        WHERE r.oid <> (SELECT d.datdba FROM pg_database AS d WHERE d.datname = current_database())
            AND r.oid <> 10 -- the bootstrap superuser
    ),
    rights (role, finding) AS (
        VALUES ('pg_read_server_files', 'reads files of the server, the log and keys among them'),
            ('pg_write_server_files', 'writes files of the server'),
            ('pg_execute_server_program', 'executes programs on the server'),
            ('pg_read_all_stats', 'sees the statements of all sessions'),
            ('pg_monitor', 'sees the statements of all sessions')
    )
    SELECT 'error' AS severity, format('role %I', a.rolname) AS object,
        'acts for the application and is a superuser: no policy and no right holds it' AS finding,
        format('ALTER ROLE %I NOSUPERUSER;', a.rolname) AS remedy
    FROM acting AS a JOIN pg_roles AS r ON r.oid = a.oid WHERE r.rolsuper
    UNION ALL
    SELECT 'error', format('role %I', a.rolname), 'acts for the application and has BYPASSRLS: it sees all teams',
        format('ALTER ROLE %I NOBYPASSRLS;', a.rolname)
    FROM acting AS a JOIN pg_roles AS r ON r.oid = a.oid WHERE r.rolbypassrls
    UNION ALL
    SELECT 'error', format('role %I', a.rolname), 'acts for the application and may make itself a member of other roles (CREATEROLE)',
        format('ALTER ROLE %I NOCREATEROLE;', a.rolname)
    FROM acting AS a JOIN pg_roles AS r ON r.oid = a.oid WHERE r.rolcreaterole
    UNION ALL
    SELECT 'error', format('role %I', a.rolname), format('acts for the application and is in %s: %s', g.role, g.finding),
        format('REVOKE %I FROM %I;', g.role, a.rolname)
    FROM acting AS a
    JOIN pg_auth_members AS m ON m.member = a.oid
    JOIN rights AS g ON g.role = pg_get_userbyid(m.roleid)
    UNION ALL
    SELECT 'error', format('role %I', pg_get_userbyid(m.member)),
        format('is in %I: it can act with the rights of the package''s functions, which row-level security does not filter', pg_get_userbyid(m.roleid)),
        format('REVOKE %I FROM %I;', pg_get_userbyid(m.roleid), pg_get_userbyid(m.member))
    FROM pg_auth_members AS m
    WHERE pg_get_userbyid(m.roleid) = current_setting('saas.role_internal')
$$;
COMMENT ON FUNCTION saas.advise_roles() IS 'Part of saas.security_advice(): roles with more rights than an application may have.';

CREATE OR REPLACE FUNCTION saas.advise_encryption()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'error', 'table ' || t.tgrelid::regclass,
        'the trigger that encrypts a column is disabled: what is written is stored as plaintext',
        format('ALTER TABLE %s ENABLE TRIGGER %I; then saas.encrypt_existing() for rows that were written meanwhile.',
            t.tgrelid::regclass, t.tgname)
    FROM pg_trigger AS t
    WHERE t.tgfoid = to_regprocedure('saas.encrypt_columns()') AND t.tgenabled IN ('D', 'R')
$$;
COMMENT ON FUNCTION saas.advise_encryption() IS
'The part of saas.security_advice() about encrypted columns.';

CREATE OR REPLACE FUNCTION saas.security_advice()
RETURNS TABLE (severity text, object text, finding text, remedy text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.severity, a.object, a.finding, a.remedy
    FROM (
        SELECT * FROM saas.advise_logging()
        UNION ALL
        SELECT * FROM saas.advise_server()
        UNION ALL
        SELECT * FROM saas.advise_roles()
        UNION ALL
        SELECT * FROM saas.advise_encryption()
    ) AS a
    ORDER BY a.severity, a.object, a.finding
$$;
COMMENT ON FUNCTION saas.security_advice() IS
'Looks for settings of the server, roles and circumstances through which secrets get into logs or rights are lost. Severity error or warning; the remedy says how to mend it. What is inside schema saas is checked by saas.validate().';

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'saas'::pg_catalog.regnamespace
            AND p.proname IN ('security_advice', 'advise_logging', 'advise_server', 'advise_roles', 'advise_encryption', 'core_dumps_allowed')
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO pg_database_owner', v_function);
    END LOOP;
END
$$;
