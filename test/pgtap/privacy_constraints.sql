-- Actions against constraints: what a constraint of a table of one's own refuses is told by the plan, with the table, the column and what to
-- declare; everything else works. T is the table of a case, A the person.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql
SELECT saas.clear_context() \g /dev/null
SELECT saas.create_user('zed@example.org', 'Zed Refused') AS zed, saas.create_user('stays@example.org', 'Stays Here') AS stays \gset
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_internal;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, UPDATE, DELETE ON TABLES TO saas_internal;
CREATE TABLE pg_temp.cases (name text PRIMARY KEY, setup text NOT NULL, problem text, proof text NOT NULL);

-- problem NULL: it works, and proof is true afterwards. Else proof is what would fail in the middle of the erasure.
INSERT INTO pg_temp.cases (name, setup, problem, proof) VALUES
-- Keys to rows that go.
('deleted', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}')$$, NULL, 'SELECT NOT EXISTS (SELECT FROM T)'),
('nulled', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'null')$$, NULL, 'SELECT person IS NULL FROM T'),
('nulled_not_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'null')$$,
    'SA153: column person cannot be NULL%', 'UPDATE T SET person = NULL'),
('reassigned', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'reassign', p_reassign_to => STAYS::text)$$, NULL, 'SELECT person = STAYS FROM T'),
('reassigned_nobody', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'reassign', p_reassign_to => '00000000-0000-7000-8000-000000000009')$$,
    'SA139: column person is to refer to ''00000000-0000-7000-8000-000000000009'', which saas.users does not have%', $$UPDATE T SET person = '00000000-0000-7000-8000-000000000009'$$),
('reassigned_unique', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), team text, person uuid, UNIQUE (team, person));
    INSERT INTO T (team, person) VALUES ('x', A), ('x', STAYS); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'reassign', p_reassign_to => STAYS::text)$$,
    'SA139: column person is to be %declare the link delete', 'UPDATE T SET person = STAYS'),
('kept_key', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'keep', p_basis => 'tax law')$$,
    'SA139: column person goes on referring to rows of saas.users, which go (key %): declare the link delete, or anonymise with saas.declare_personal_column(''T'', ''person'', ''null'')', 'DELETE FROM saas.users WHERE id = A'),
('kept_column', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, total int);
    INSERT INTO T (person, total) VALUES (A, 7); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'keep', p_basis => 'tax law')$$, NULL, 'SELECT person = A FROM T'),
('shredded_key', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'shred')$$,
    'SA139: column person goes on referring to rows of saas.users%the key of a row that stays)', 'DELETE FROM saas.users WHERE id = A'),
('anonymised_key', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id), ship_to text);
    INSERT INTO T (person, ship_to) VALUES (A, 'Elm Street 1'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'anonymise'), saas.declare_personal_column('T', 'ship_to', 'null')$$,
    'SA139: column person goes on referring to rows of saas.users%', 'DELETE FROM saas.users WHERE id = A'),
('anonymised_key_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id), ship_to text);
    INSERT INTO T (person, ship_to) VALUES (A, 'Elm Street 1'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'anonymise'),
    saas.declare_personal_column('T', 'ship_to', 'null'), saas.declare_personal_column('T', 'person', 'null')$$, NULL, 'SELECT person IS NULL AND ship_to IS NULL FROM T'),
('anonymised_key_other', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'anonymise'), saas.declare_personal_column('T', 'person', 'anonymise', STAYS::text)$$, NULL, 'SELECT person = STAYS FROM T'),
('anonymised_key_random', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES saas.users (id));
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'anonymise'), saas.declare_personal_column('T', 'person', 'anonymise', '{random}')$$,
    'SA139: column person is to refer to ''{random}'', which saas.users does not have%', 'UPDATE T SET person = gen_random_uuid()'),
('kept_cascade', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id) ON DELETE CASCADE);
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'keep', p_basis => 'tax law')$$,
    'SA139: its rows are to stay (keep), and go with those of saas.users by key %', 'DELETE FROM saas.users WHERE id = A; SELECT 1 / count(*) FROM T'),
('set_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id) ON DELETE SET NULL, total int);
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'keep', p_basis => 'tax law')$$, NULL, 'SELECT person IS NULL FROM T'),
('set_null_not_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL REFERENCES saas.users (id) ON DELETE SET NULL);
    INSERT INTO T (person) VALUES (A); SELECT saas.declare_personal_data('T', 'person', '{person}', p_action => 'keep', p_basis => 'tax law')$$,
    'SA139: column person cannot be NULL, which key % makes it when rows of saas.users go%', 'DELETE FROM saas.users WHERE id = A'),
('below', $$CREATE TABLE T_parent (id uuid PRIMARY KEY, person uuid REFERENCES saas.users (id));
    CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), parent uuid REFERENCES T_parent (id));
    INSERT INTO T_parent VALUES ('00000000-0000-7000-8000-000000000001', A); INSERT INTO T (parent) VALUES ('00000000-0000-7000-8000-000000000001');
    SELECT saas.declare_personal_data('T_parent', 'person', '{person}'), saas.declare_personal_data('T', 'parent', '{parent}', 'T_parent', p_action => 'keep', p_basis => 'tax law')$$,
    'SA139: column parent goes on referring to rows of T_parent, which go%', $$DELETE FROM T_parent$$),
('approved', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id), approver uuid REFERENCES saas.users (id));
    INSERT INTO T (person, approver) VALUES (STAYS, A); SELECT saas.declare_personal_data('T', 'person', '{person}'), saas.declare_personal_column('T', 'approver', 'keep', p_basis => 'four eyes')$$,
    'SA139: column approver goes on referring to rows of saas.users%', 'DELETE FROM saas.users WHERE id = A'),
('approved_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid REFERENCES saas.users (id), approver uuid REFERENCES saas.users (id));
    INSERT INTO T (person, approver) VALUES (STAYS, A); SELECT saas.declare_personal_data('T', 'person', '{person}'), saas.declare_personal_data('T', 'approver', '{approver}', p_action => 'null')$$,
    NULL, 'SELECT person = STAYS AND approver IS NULL FROM T'),
-- Keys to rows that change, and keys that change.
('changed_parent', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, code text UNIQUE);
    CREATE TABLE T_child (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), code text REFERENCES T (code));
    INSERT INTO T (person, code) VALUES (A, 'zed'); INSERT INTO T_child (code) VALUES ('zed');
    SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'code', 'anonymise', 'x{random}')$$,
    'SA139: column code is what key % of T_child refers to%', $$UPDATE T SET code = 'x'$$),
('changed_parent_cascade', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, code text UNIQUE);
    CREATE TABLE T_child (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), code text REFERENCES T (code) ON UPDATE CASCADE);
    INSERT INTO T (person, code) VALUES (A, 'zed'); INSERT INTO T_child (code) VALUES ('zed');
    SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'code', 'anonymise', 'x{random}')$$,
    NULL, $$SELECT code LIKE 'x%' FROM T_child$$),
('full_match', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), team uuid, person uuid, FOREIGN KEY (team, person) REFERENCES saas.team_members (team_id, user_id) MATCH FULL);
    INSERT INTO T (team, person) VALUES (TEAM, MEMBER); SELECT saas.declare_personal_data('T', 'member', '{team,person}', 'saas.team_members', '{team_id,user_id}', p_action => 'null')$$,
    'SA139: column person cannot be NULL alone: key % is MATCH FULL', 'UPDATE T SET person = NULL'),
-- Unique values.
('unique_constant', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text UNIQUE);
    INSERT INTO T (person, email) VALUES (A, 'a'), (A, 'b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'anonymise', 'gone')$$,
    'SA139: column email is to be ''gone'' in every row, and % lets one have it: declare a value with {random}', $$UPDATE T SET email = 'gone'$$),
('unique_expression', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text); CREATE UNIQUE INDEX ON T (lower(email));
    INSERT INTO T (person, email) VALUES (A, 'a'), (A, 'b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'anonymise', 'gone')$$,
    'SA139: column email is to be ''gone'' in every row%', $$UPDATE T SET email = 'gone'$$),
('unique_random', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text UNIQUE);
    INSERT INTO T (person, email) VALUES (A, 'a'), (A, 'b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'anonymise', 'gone-{random}')$$,
    NULL, $$SELECT bool_and(email LIKE 'gone-%') FROM T$$),
('unique_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text UNIQUE);
    INSERT INTO T (person, email) VALUES (A, 'a'), (A, 'b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'null')$$,
    NULL, 'SELECT count(email) = 0 FROM T'),
('unique_one_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text UNIQUE NULLS NOT DISTINCT);
    INSERT INTO T (person, email) VALUES (A, 'a'), (A, 'b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'null')$$,
    'SA139: column email is to be NULL in every row%', 'UPDATE T SET email = NULL'),
('unique_short', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, code varchar(6) UNIQUE);
    INSERT INTO T (person, code) VALUES (A, 'a'), (A, 'b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'code', 'anonymise', 'gone--{random}')$$,
    'SA139: column code is too short (character varying(6)) for a random text%', $$UPDATE T SET code = ('gone--' || gen_random_uuid())::varchar(6)$$),
('unique_with_key', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text, UNIQUE (email, id));
    INSERT INTO T (person, email) VALUES (A, 'a'), (A, 'b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'anonymise', 'gone')$$,
    NULL, $$SELECT bool_and(email = 'gone') FROM T$$),
('excluded', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, room text, EXCLUDE USING btree (room WITH =));
    INSERT INTO T (person, room) VALUES (A, 'a'), (A, 'b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'room', 'anonymise', 'none')$$,
    'SA139: column room is to be ''none'' in every row%', $$UPDATE T SET room = 'none'$$),
-- Types, domains and checks.
('check_constant', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text CONSTRAINT has_at CHECK (email LIKE '%@%'));
    INSERT INTO T (person, email) VALUES (A, 'a@b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'anonymise', 'gone')$$,
    'SA139: constraint has_at refuses what is declared', $$UPDATE T SET email = 'gone'$$),
('check_fulfilled', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text CHECK (email LIKE '%@%'));
    INSERT INTO T (person, email) VALUES (A, 'a@b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'anonymise', '{random}@example.invalid')$$,
    NULL, $$SELECT email LIKE '%@example.invalid' FROM T$$),
('check_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text, words text, CONSTRAINT any_way CHECK (COALESCE(email, words) IS NOT NULL));
    INSERT INTO T (person, email) VALUES (A, 'a@b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'null'), saas.declare_personal_column('T', 'words', 'null')$$,
    'SA139: constraint any_way refuses what is declared', 'UPDATE T SET email = NULL, words = NULL'),
('check_rows', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text, state text, CONSTRAINT sent CHECK (state <> 'sent' OR email IS NOT NULL));
    INSERT INTO T (person, email, state) VALUES (A, 'a@b', 'new'), (STAYS, 'a@b', 'sent'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'null')$$,
    'SA139: constraint sent refuses what is declared', 'UPDATE T SET email = NULL'),
('check_no_row', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text, state text, CHECK (state <> 'sent' OR email IS NOT NULL));
    INSERT INTO T (person, email, state) VALUES (A, 'a@b', 'new'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'null')$$,
    NULL, 'SELECT email IS NULL FROM T'),
('number', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, age integer);
    INSERT INTO T (person, age) VALUES (A, 30); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'age', 'anonymise', 'none')$$,
    'SA139: column age cannot be ''none''', $$UPDATE T SET age = 'none'$$),
('domain', $$CREATE DOMAIN T_mail AS text CHECK (VALUE LIKE '%@%'); CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email T_mail);
    INSERT INTO T (person, email) VALUES (A, 'a@b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'anonymise', 'gone')$$,
    'SA139: column email cannot be ''gone''', $$UPDATE T SET email = 'gone'$$),
('domain_null', $$CREATE DOMAIN T_some AS text CHECK (VALUE IS NOT NULL); CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email T_some);
    INSERT INTO T (person, email) VALUES (A, 'a@b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'null')$$,
    'SA139: column email cannot be NULL', 'UPDATE T SET email = NULL'),
('not_null', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, email text NOT NULL);
    INSERT INTO T (person, email) VALUES (A, 'a@b'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'email', 'null')$$,
    'SA153: column email cannot be NULL%', 'UPDATE T SET email = NULL'),
('generated', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, first text, last text, name text GENERATED ALWAYS AS (first || last) STORED NOT NULL);
    INSERT INTO T (person, first, last) VALUES (A, 'Zed', 'R'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'last', 'null')$$,
    'SA139: generated column name cannot be NULL, and would be', 'UPDATE T SET last = NULL'),
('generated_itself', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, first text, name text GENERATED ALWAYS AS (upper(first)) STORED);
    INSERT INTO T (person, first) VALUES (A, 'Zed'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'name', 'null')$$,
    'SA153: column name is generated%', 'UPDATE T SET name = NULL'),
('generated_from', $$CREATE TABLE T (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid, first text, name text GENERATED ALWAYS AS (COALESCE(first, '-')) STORED NOT NULL);
    INSERT INTO T (person, first) VALUES (A, 'Zed'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'first', 'null')$$,
    NULL, $$SELECT name = '-' FROM T$$),
('partition', $$CREATE TABLE T (id uuid DEFAULT gen_random_uuid(), person uuid, land text, PRIMARY KEY (id, land)) PARTITION BY LIST (land); CREATE TABLE T_de PARTITION OF T FOR VALUES IN ('de', 'at');
    INSERT INTO T VALUES ('00000000-0000-7000-8000-000000000001', A, 'de'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'land', 'anonymise', 'xx')$$,
    'SA139: no partition takes rows with what is declared', $$UPDATE T SET land = 'xx'$$),
('partition_there', $$CREATE TABLE T (id uuid DEFAULT gen_random_uuid(), person uuid, land text, PRIMARY KEY (id, land)) PARTITION BY LIST (land); CREATE TABLE T_de PARTITION OF T FOR VALUES IN ('de'); CREATE TABLE T_rest PARTITION OF T DEFAULT;
    INSERT INTO T VALUES ('00000000-0000-7000-8000-000000000001', A, 'de'); SELECT saas.declare_personal_data('T', 'person', '{person}', p_kind => 'column', p_action => 'anonymise'), saas.declare_personal_column('T', 'land', 'anonymise', 'xx')$$,
    NULL, $$SELECT land = 'xx' FROM T_rest$$);

CREATE FUNCTION pg_temp.text_of(p_name text, p_text text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(
        replace(replace(replace(regexp_replace(p_text, '\mT(?=\M|_)', 'shop.' || p_name, 'g'), 'STAYS', s.stays), 'MEMBER', s.member), 'TEAM', s.red), '\mA\M', s.zed, 'g'
    )
    FROM (SELECT format('%L::uuid', current_setting('test.stays')), format('%L::uuid', current_setting('test.member')), format('%L::uuid', current_setting('test.red')), format('%L::uuid', current_setting('test.zed')))
        AS s (stays, member, red, zed)
$$;
SELECT set_config('test.' || n, v, true) FROM (VALUES ('zed', :'zed'), ('stays', :'stays'), ('red', :'red'), ('member', :'suspended')) AS s (n, v) \g /dev/null
CREATE FUNCTION pg_temp.set_up(p_refused boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_case record;
BEGIN
    FOR v_case IN SELECT c.name, pg_temp.text_of(c.name, c.setup) AS setup FROM pg_temp.cases AS c WHERE (c.problem IS NOT NULL) = p_refused ORDER BY c.name LOOP
        EXECUTE v_case.setup;
    END LOOP;
END
$$;

-- What works, all of it in one erasure, which is strict.
SAVEPOINT clean;
SELECT pg_temp.set_up(false) \g /dev/null
SELECT is_empty(format($$SELECT table_name, problem FROM saas.gdpr_plan(%L) WHERE problem IS NOT NULL$$, :'zed'), 'nothing stands against what works');
SELECT lives_ok(format('SELECT * FROM saas.gdpr_erase(%L)', :'zed'), 'all of it is done');
CREATE FUNCTION pg_temp.proof(p_name text, p_proof text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_fulfilled boolean;
BEGIN
    EXECUTE pg_temp.text_of(p_name, p_proof) INTO v_fulfilled;
    RETURN v_fulfilled;
END
$$;
SELECT ok(pg_temp.proof(c.name, c.proof), c.name || ' works') FROM pg_temp.cases AS c WHERE c.problem IS NULL ORDER BY c.name;
SELECT ok(exists(SELECT FROM saas.user_deletion_requests AS r WHERE r.status = 'completed' AND r.subject_id IS NULL), 'and nothing of the person is found afterwards');
ROLLBACK TO clean;

-- What is refused: each is told, nothing else is, and each would have failed in the middle.
CREATE FUNCTION pg_temp.fails(p_name text, p_setup text, p_proof text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_temp.text_of(p_name, p_setup);
    EXECUTE pg_temp.text_of(p_name, p_proof);
    RAISE EXCEPTION USING ERRCODE = 'SA159', MESSAGE = 'it does not';
EXCEPTION
    WHEN OTHERS THEN RETURN SQLSTATE;
END
$$;
SELECT isnt(pg_temp.fails(c.name, c.setup, c.proof), 'SA159', c.name || ' would fail') FROM pg_temp.cases AS c WHERE c.problem IS NOT NULL ORDER BY c.name;
SELECT pg_temp.set_up(true) \g /dev/null
CREATE TEMPORARY TABLE told AS SELECT p.table_name, p.problem, p.action FROM saas.gdpr_plan(:'zed') AS p WHERE p.problem IS NOT NULL;
SELECT alike((SELECT string_agg(t.problem, '; ') FROM told AS t WHERE t.table_name = 'shop.' || c.name), pg_temp.text_of(c.name, c.problem), c.name || ' is told')
FROM pg_temp.cases AS c WHERE c.problem IS NOT NULL ORDER BY c.name;
SELECT is_empty($$SELECT t.* FROM told AS t WHERE t.table_name NOT IN (SELECT 'shop.' || c.name FROM pg_temp.cases AS c WHERE c.problem IS NOT NULL) OR t.action <> 'refuse'$$, 'nothing else');
SELECT is_empty($$SELECT p.* FROM saas.map_problems('anonymise') AS p WHERE p.table_name IN ('shop.kept_key', 'shop.shredded_key', 'shop.anonymised_key', 'shop.kept_cascade', 'shop.set_null_not_null')$$,
    'keys to people stand against no anonymising, which lets them stay');
SELECT isnt_empty($$SELECT p.* FROM saas.map_problems('anonymise') AS p WHERE p.table_name = 'shop.unique_constant' AND p.sqlstate_code = 'SA139'$$, 'unique values do');
DELETE FROM saas.personal_data_columns AS c WHERE (c.table_name, c.column_name) IN (('shop.not_null', 'email'), ('shop.generated_itself', 'name'));
DELETE FROM saas.personal_data_links AS l WHERE l.table_name IN ('shop.nulled_not_null', 'shop.not_null');
DROP TABLE shop.nulled_not_null, shop.not_null;
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L)', :'zed'), 'SA139', 'a constraint would refuse what is declared', 'an erasure that is strict refuses');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_dry_run => true)', :'zed'), 'SA139', NULL, 'and so does its dry run');
SELECT is((SELECT min(p.action) FROM saas.gdpr_plan(:'zed', p_strict => false) AS p WHERE p.problem LIKE 'SA139%'), 'warn', 'one that is not strict warns');
SELECT throws_ok(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false)', :'zed'), NULL, NULL, 'and fails by the constraint, which may have rows of this person or not');
SELECT isnt_empty(format('SELECT * FROM saas.gdpr_erase(%L, p_strict => false, p_dry_run => true)', :'zed'), 'its dry run counts');
SELECT results_eq(format($$SELECT status, left(status_reason, 5) FROM saas.gdpr_erase_users(ARRAY[%L]::uuid[])$$, :'zed'), $$VALUES ('blocked', 'SA139')$$, 'together with others the request is blocked, with the reason');
ROLLBACK TO clean;

-- What cannot be declared at all.
CREATE TABLE shop.notes (id uuid PRIMARY KEY, person uuid, words text);
CREATE VIEW shop.seen AS SELECT * FROM shop.notes;
SELECT throws_ok($$SELECT saas.declare_personal_column('shop.seen', 'words', 'null')$$, 'SA156', NULL, 'columns of a view');
SELECT throws_ok($$SELECT saas.declare_personal_column('shop.notes', 'sentences', 'null')$$, 'SA156', NULL, 'a column that is not there');
SELECT throws_ok($$SELECT saas.declare_personal_data('shop.seen', 'person', '{person}', p_kind => 'column')$$, 'SA156', NULL, 'rows of a view');
SELECT * FROM finish();
ROLLBACK;
