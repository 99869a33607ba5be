-- Attacks 29 to 32, 34, 36, 37, 39 and 40: on what leaks beside the rows, on functions and the audit trail.
BEGIN;
SELECT no_plan();
\ir include/attacks.sql
ANALYZE saas.teams, saas.team_members, saas.fraud_detection_rules, saas.payments;

-- 29: sizes of tables and the figures of EXPLAIN are seen by all, values are not.
SELECT is(pg_temp.attempt('attack_login', format('SELECT count(*) FROM pg_stats WHERE schemaname = %L AND tablename = %L', 'saas', t.name)), 'rows=0', 'attack 29: the application sees no statistics of ' || t.name)
FROM (VALUES ('teams'), ('team_members'), ('fraud_detection_rules'), ('payments')) AS t (name);
SELECT is(pg_temp.attempt('attack_login', 'SELECT count(*) FROM pg_statistic'), '42501', 'attack 29: nor the table behind the view');
SELECT is(pg_temp.attempt(:'USER', $$SELECT count(*) > 0 FROM pg_stats WHERE schemaname = 'saas' AND tablename = 'teams'$$), 'rows=true', 'attack 29: which are there');

SELECT is((SELECT string_agg(c.relname, ', ') FROM pg_class AS c WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind = 'S'), NULL, 'attack 30: no sequence tells how much others do');
SELECT is((SELECT string_agg(a.attrelid::regclass || '.' || a.attname, ', ') FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND a.attidentity <> ''), NULL, 'attack 30: nor an identity column');

-- 31: channels and advisory locks are open to all; nothing of worth is behind them.
SELECT is((SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p WHERE p.pronamespace = 'saas'::regnamespace AND p.prosrc ~* 'pg_notify\s*\([^)]*(payload|row_to_json|to_jsonb|new\.)'), NULL, 'attack 31: no function sends what a row holds over a channel');
SELECT is((SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p WHERE p.pronamespace = 'saas'::regnamespace AND p.prosrc ~* 'pg_(try_)?advisory_lock'), NULL, 'attack 31: none holds an advisory lock beyond its transaction');

-- 32: replica mode, which ordinary triggers sleep through.
SELECT is(pg_temp.attempt('attack_login', 'SET LOCAL session_replication_role = replica'), '42501', 'attack 32: the application does not silence triggers');
SELECT count(*) AS audited FROM saas.audit_logs WHERE team_id = :'red' \gset
SET LOCAL session_replication_role = replica;
UPDATE saas.teams SET name = 'Silent' WHERE id = :'red';
SET LOCAL session_replication_role = origin;
SELECT is((SELECT count(*) FROM saas.audit_logs WHERE team_id = :'red'), :audited + 1::bigint, 'attack 32: who may is audited all the same');

-- 34: functions of the attacker's in the place of the server's, with better matching types.
SET LOCAL ROLE attack_login;
CREATE FUNCTION attack.ran() RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION USING ERRCODE = 'P6666', MESSAGE = 'ran as ' || current_user; END$$;
CREATE FUNCTION attack.to_jsonb(saas.teams) RETURNS jsonb LANGUAGE sql AS 'SELECT attack.ran(); SELECT NULL::jsonb';
CREATE FUNCTION attack.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT attack.ran(); SELECT NULL::timestamptz';
CREATE FUNCTION attack.lower(text) RETURNS text LANGUAGE sql AS 'SELECT attack.ran(); SELECT $1';
CREATE FUNCTION attack.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT attack.ran(); SELECT $1';
CREATE FUNCTION attack.length(text) RETURNS integer LANGUAGE sql AS 'SELECT attack.ran(); SELECT 1';
CREATE FUNCTION attack.equal(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT attack.ran(); SELECT true';
CREATE OPERATOR attack.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = attack.equal);
CREATE FUNCTION attack.has_team_role(uuid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
RESET ROLE;
GRANT USAGE ON SCHEMA attack TO saas_app, saas_internal;
SET LOCAL search_path = attack, pg_catalog, saas, public;
SELECT pg_catalog.set_config('attack.bait', pg_temp.attempt('attack_login', 'SELECT now()'), true) AS bait \gset
SELECT pg_temp.attempt('attack_login', s.statement) AS answer FROM (VALUES ('UPDATE saas.teams SET name = ''Path''')) AS s (statement) \gset path_
SELECT pg_temp.attempt('attack_login', pg_catalog.concat('SELECT saas.log_activity(', pg_catalog.quote_literal(:'red'), ', ''x'')')) AS answer \gset activity_
SELECT pg_temp.attempt('attack_login', pg_catalog.concat('SELECT count(*) FROM saas.team_directory(', pg_catalog.quote_literal(:'blue'), ')')) AS answer \gset directory_
RESET search_path;
SELECT is(:'bait'::text, 'P6666', 'attack 34: the attacker''s own functions run where the attacker calls them');
SELECT is(:'path_answer'::text, 'rows=1', 'attack 34: a trigger does not call them');
SELECT isnt(:'activity_answer'::text, 'P6666', 'attack 34: nor does a function that members call');
SELECT is(:'directory_answer'::text, '42501', 'attack 34: nor one that checks them');

-- 36: no answer has a value of another team in it, whatever the statement did wrong.
SELECT ok(pg_temp.attempt('attack_login', s.statement) IS NOT NULL, 'attack 36: ' || s.statement)
FROM (VALUES ('INSERT INTO saas.fraud_detection_rules (team_id, name, rule) SELECT team_id, name, ''no rule'' FROM saas.fraud_detection_rules'),
    ('UPDATE saas.fraud_detection_rules SET name = NULL'), ('UPDATE saas.fraud_detection_rules SET rule = ''broken ('''),
    ('UPDATE saas.teams SET slug = ''blue'''), ('UPDATE saas.teams SET name = repeat(''x'', 1000)'), ('UPDATE saas.users SET email = ''bob@example.com'''),
    ('SELECT name::integer FROM saas.teams'), ('SELECT (SELECT name FROM saas.fraud_detection_rules, generate_series(1, 2))')) AS s (statement);
SELECT is((SELECT string_agg(a.statement || ' → ' || a.answer, E'\n') FROM pg_temp.answers AS a WHERE a.answer LIKE '%canary%' OR a.answer LIKE '%bob@%' AND a.statement NOT LIKE '%bob@%'), NULL, 'attack 36: none was answered with a value of the other team');
SELECT is((SELECT string_agg(a.statement || ' → ' || a.answer, E'\n') FROM pg_temp.answers AS a WHERE a.answer ~ 'whsec_|\$2[aby]\$|context_keys\.key'), NULL, 'attack 36: nor with a secret');

-- 37: secrets, read as the roles that read their tables.
SELECT is(pg_temp.attempt(r.role, format('SELECT count(%I) FROM %s', a.attname, a.attrelid::regclass)), '42501', format('attack 37: %s does not read %s.%s', r.role, a.attrelid::regclass, a.attname))
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
CROSS JOIN (VALUES ('attack_login'), ('saas_service'), ('saas_analyst'), ('saas_anonymous')) AS r (role)
WHERE a.attnum > 0 AND NOT a.attisdropped AND col_description(a.attrelid, a.attnum) LIKE '%[restricted]';
SELECT is((SELECT string_agg(a.attrelid::regclass || '.' || a.attname, ', ') FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p')
    WHERE a.attname ~ '^(token|password|secret|api_key|otp)$'), NULL, 'attack 37: what somebody must present is kept as a hash');

-- 39: an operator whose estimator meets the statistics of hidden rows.
SET LOCAL ROLE attack_login;
CREATE FUNCTION attack.same(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0000001 AS $$
BEGIN
    IF $1 LIKE '%canary%' THEN
        RAISE EXCEPTION USING ERRCODE = 'P6666', MESSAGE = 'met ' || $1;
    END IF;
    RETURN $1 = $2;
END
$$;
CREATE OPERATOR attack.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = attack.same, RESTRICT = eqsel);
CREATE OPERATOR attack.~~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = attack.same, RESTRICT = scalarltsel);
RESET ROLE;
SELECT matches(pg_temp.attempt('attack_login', format('EXPLAIN SELECT FROM %s WHERE name OPERATOR(attack.%s) %L', t.name, o.name, 'x')), '^rows=', format('attack 39: planning %s over %s meets no value of hidden rows', o.name, t.name))
FROM (VALUES ('saas.teams'), ('saas.fraud_detection_rules')) AS t (name) CROSS JOIN (VALUES ('==='), ('~~~')) AS o (name);
SELECT is(pg_temp.attempt(:'USER', 'EXPLAIN SELECT FROM saas.teams WHERE name OPERATOR(attack.~~~) ''x'''), 'P6666', 'attack 39: who sees all rows does meet them');
SELECT ok(current_setting('server_version_num')::integer >= 150014, 'attack 39: the server has the fix, of which saas.validate() reminds where it is missing');

-- 40: the audit trail: changing, emptying, detaching and silencing it.
SELECT is(pg_temp.attempt(r.role, s.statement), '42501', format('attack 40: %s may not: %s', r.role, s.statement))
FROM (VALUES ('attack_login'), ('saas_service'), ('saas_analyst'), ('saas_internal')) AS r (role)
CROSS JOIN (VALUES ('DELETE FROM saas.audit_logs'), ('UPDATE saas.audit_logs SET operation = ''I'''), ('TRUNCATE saas.audit_logs'), ('DELETE FROM saas.audit_logs_default'),
    ('DROP TABLE saas.audit_logs_default'), ('ALTER TABLE saas.audit_logs DETACH PARTITION saas.audit_logs_default'),
    ('ALTER TABLE saas.teams DISABLE TRIGGER zz_audit'), ('DROP TRIGGER zz_audit ON saas.teams'), ('ALTER TABLE saas.audit_logs DISABLE TRIGGER ALL'),
    ('CREATE RULE quiet AS ON INSERT TO saas.audit_logs DO INSTEAD NOTHING'), ('DROP FUNCTION saas.audit_row_change() CASCADE')) AS s (statement);
SELECT is(pg_temp.attempt('attack_login', format('INSERT INTO saas.audit_logs (team_id, created_at, id, xact_id, operation, table_name) VALUES (%L, now(), saas.uuid_v7(), pg_current_xact_id(), %L, %L)', :'red', 'I', 'teams')), '42501', 'attack 40: nor make entries up');
SELECT is(pg_temp.attempt(:'USER', s.statement), 'SA041', 'attack 40: the owner neither: ' || s.statement)
FROM (VALUES ('DELETE FROM saas.audit_logs'), ('UPDATE saas.audit_logs SET operation = ''I'''), ('TRUNCATE saas.audit_logs'), ('TRUNCATE saas.audit_logs_default')) AS s (statement);
CREATE FUNCTION pg_temp.found(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_found text;
BEGIN
    BEGIN
        EXECUTE p_statement;
        SELECT string_agg(v.finding, ', ' ORDER BY v.finding) INTO v_found FROM saas.validate() AS v;
        RAISE EXCEPTION USING ERRCODE = 'P9999', MESSAGE = COALESCE(v_found, 'nothing');
    EXCEPTION WHEN SQLSTATE 'P9999' THEN
        RETURN SQLERRM;
    END;
END
$$;
SELECT matches(pg_temp.found(s.statement), s.finding, 'attack 40: who owns the tables and silences the trail is found out: ' || s.statement)
FROM (VALUES ('ALTER TABLE saas.teams DISABLE TRIGGER zz_audit', 'zz_audit is disabled'), ('ALTER TABLE saas.teams ENABLE TRIGGER zz_audit', 'does not fire for replicated'),
    ('ALTER TABLE saas.audit_logs DISABLE TRIGGER aa_append_only_row', 'aa_append_only_row is disabled'),
    ('CREATE RULE quiet AS ON INSERT TO saas.audit_logs DO INSTEAD NOTHING', 'rule quiet rewrites')) AS s (statement, finding);

SELECT is(pg_temp.belongings(:'blue'), :'blue_before', 'attacks 29 to 40 changed nothing of the other team');
SELECT * FROM finish();
ROLLBACK;
