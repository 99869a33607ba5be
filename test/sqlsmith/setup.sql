-- Two teams, and "canary" in every text of team blue and its owner that takes it; two logins of applications,
-- one in the context of team red, one in none. For the database of one run of test/sqlsmith/sqlsmith_test.py.
BEGIN;
\ir ../pgtap/include/two_teams.sql

SET LOCAL session_replication_role = replica; -- states and amounts do not matter here
DO $$
DECLARE
    v_column record;
    v_team uuid := (SELECT t.id FROM saas.teams AS t WHERE t.slug = 'blue');
    v_owner uuid := (SELECT u.id FROM saas.users AS u WHERE u.email = 'bob@example.com');
BEGIN
    FOR v_column IN
        SELECT c.relname, a.attname, a.atttypid::regtype AS type
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        JOIN saas.declared_tables() AS d ON d.table_name = c.relname
        WHERE c.relnamespace = 'saas'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
            AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)
            AND (d.kind = 'tenant' OR c.relname IN ('users', 'teams')) AND c.relname <> 'audit_logs'
    LOOP
        BEGIN
            EXECUTE format('UPDATE saas.%I SET %I = CASE %L WHEN %L THEN %L ELSE %L END::%s WHERE %I = %L',
                v_column.relname, v_column.attname, v_column.type, 'jsonb', '{"canary": "canary"}',
                CASE WHEN v_column.attname = 'email' THEN 'canary@example.com' WHEN v_column.attname = 'slug' THEN 'canary' ELSE 'canary ' || v_column.attname END,
                v_column.type, CASE v_column.relname WHEN 'users' THEN 'id' WHEN 'teams' THEN 'id' ELSE 'team_id' END,
                CASE v_column.relname WHEN 'users' THEN v_owner ELSE v_team END);
        EXCEPTION WHEN OTHERS THEN
            NULL; -- a column with a form of its own, or a table that only grows
        END;
    END LOOP;
END
$$;
SET LOCAL session_replication_role = origin;

CREATE ROLE sqlsmith_red LOGIN;
CREATE ROLE sqlsmith_nobody LOGIN;
GRANT saas_app TO sqlsmith_red, sqlsmith_nobody;
ALTER ROLE sqlsmith_red SET saas.trusted_settings = 'app';
SELECT format('ALTER ROLE sqlsmith_red SET app.current_user_id = %L', :'ann'), format('ALTER ROLE sqlsmith_red SET app.current_team_id = %L', :'red') \gexec
COMMIT;
