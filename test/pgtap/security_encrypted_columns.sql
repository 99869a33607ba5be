-- Columns that a trigger encrypts: what is written and by whom, and what comes back. The server has a root key.
BEGIN;
SELECT no_plan();
\ir include/two_teams.sql

CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO saas_app;
CREATE TABLE shop.people (
    team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), person uuid, email text, secret bytea, code text,
    CONSTRAINT people_pkey PRIMARY KEY (team_id, id), CONSTRAINT people_code_key UNIQUE (team_id, code)
);
SELECT saas.encrypt_column('shop.people', 'email', p_subject_column => 'person') AS asset \gset
SELECT saas.encrypt_column('shop.people', 'secret', p_algorithm => 'aes-256-gcm') \g /dev/null
SELECT saas.add_blind_index('shop.people', 'email') \g /dev/null
SELECT saas.create_decrypted_view('shop.people') \g /dev/null
ALTER TABLE shop.people ENABLE ROW LEVEL SECURITY;
CREATE POLICY people_app ON shop.people FOR ALL TO saas_app USING (team_id = saas.current_team_id()) WITH CHECK (team_id = saas.current_team_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.people TO saas_app;
GRANT SELECT ON shop.people_decrypted TO saas_app;
SELECT is(:'asset'::uuid, saas.asset_id('shop.people', 'email'), 'the column is an asset');
SELECT is((SELECT count(*)::int FROM saas.validate() AS v WHERE v.object LIKE 'shop.people%'), 0, 'validate() finds nothing wrong');
SELECT ok(saas.is_redacted_relation('shop.people') AND saas.is_redacted_relation('shop.people_decrypted'), 'statements that write the table, or read the view, are redacted');
SELECT ok('{security_barrier=true,security_invoker=true}' = (SELECT reloptions FROM pg_class WHERE oid = 'shop.people_decrypted'::regclass), 'the view is a barrier and acts for its reader');

-- Written by a member, through every command.
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SET LOCAL ROLE saas_app;
INSERT INTO shop.people (team_id, person, email, secret, code) VALUES
    (:'red', :'ann', 'Ada@Example.org', 'one', 'a'), (:'red', NULL, '', '\x', 'b'), (:'red', NULL, NULL, NULL, 'c');
SELECT results_eq(
    $$SELECT p.email, p.secret FROM shop.people_decrypted AS p ORDER BY p.code$$,
    $$VALUES ('Ada@Example.org', 'one'::bytea), ('', '\x'), (NULL, NULL)$$,
    'what was inserted comes back through the view, also what is empty or NULL');
SELECT results_eq(
    $$SELECT p.email LIKE 'enc1:%', saas.is_ciphertext(p.secret), p.email_index IS NOT NULL FROM shop.people AS p ORDER BY p.code$$,
    $$VALUES (true, true, true), (true, true, true), (NULL, NULL, false)$$,
    'the table holds none of it');
SELECT results_eq(
    $$SELECT i.algorithm, i.asset_bound, i.row_bound FROM shop.people AS p CROSS JOIN LATERAL saas.ciphertext_info(p.secret) AS i WHERE p.code = 'a'$$,
    $$VALUES ('aes-256-gcm', true, true)$$, 'bound to column and row, by the algorithm that was asked for');
SELECT isnt(
    (saas.ciphertext_info(saas.ciphertext_from_text((SELECT email FROM shop.people WHERE code = 'a')))).key_no,
    (saas.ciphertext_info(saas.ciphertext_from_text((SELECT email FROM shop.people WHERE code = 'b')))).key_no,
    'a person''s value is under a key of their own');

SELECT email AS before FROM shop.people WHERE code = 'a' \gset
UPDATE shop.people SET code = 'd' WHERE code = 'a';
UPDATE shop.people SET email = email, secret = secret, code = 'a' WHERE code = 'd';
SELECT is((SELECT email FROM shop.people WHERE code = 'a'), :'before', 'writing other columns, or the same value, encrypts nothing anew');
UPDATE shop.people SET email = 'Grace@Example.org' WHERE code = 'a';
SELECT is((SELECT email FROM shop.people_decrypted WHERE code = 'a'), 'Grace@Example.org', 'an update is encrypted');
INSERT INTO shop.people (team_id, email, secret, code) VALUES (:'red', 'hopper@example.org', 'two', 'a')
ON CONFLICT (team_id, code) DO UPDATE SET email = excluded.email, secret = excluded.secret;
SELECT results_eq($$SELECT email, secret FROM shop.people_decrypted WHERE code = 'a'$$, $$VALUES ('hopper@example.org', 'two'::bytea)$$, 'ON CONFLICT DO UPDATE moves the value to the row that is there');
SELECT is((SELECT code FROM shop.people WHERE email_index = saas.blind_index('HOPPER@example.org', 'shop.people'::regclass, 'email')), 'a', 'and its blind index');
INSERT INTO shop.people (team_id, email, code) SELECT team_id, email, 'e' FROM shop.people_decrypted WHERE code = 'a';
SELECT is((SELECT email FROM shop.people_decrypted WHERE code = 'e'), 'hopper@example.org', 'INSERT SELECT out of the view');
UPDATE shop.people SET id = '11111111-1111-4111-8111-111111111111', person = :'ann' WHERE code = 'e';
SELECT is((SELECT email FROM shop.people_decrypted WHERE code = 'e'), 'hopper@example.org', 'a row that gets another id and person keeps its values');
UPDATE shop.people SET email_index = 42 WHERE code = 'e';
SELECT is((SELECT email_index FROM shop.people WHERE code = 'e'), saas.blind_index('hopper@example.org', 'shop.people'::regclass, 'email'), 'nobody sets a blind index by hand');
MERGE INTO shop.people AS p USING (VALUES ('e', 'merge@example.org')) AS v (code, email) ON p.code = v.code
WHEN MATCHED THEN UPDATE SET email = v.email;
SELECT is((SELECT email FROM shop.people_decrypted WHERE code = 'e'), 'merge@example.org', 'MERGE');
UPDATE shop.people SET email = NULL WHERE code = 'e';
SELECT is((SELECT email_index FROM shop.people WHERE code = 'e'), NULL, 'a value that goes takes its blind index with it');

-- A value that is encrypted already.
SELECT email AS first FROM shop.people WHERE code = 'a' \gset
UPDATE shop.people SET email = 'changed@example.org' WHERE code = 'a';
UPDATE shop.people SET email = :'first' WHERE code = 'a';
SELECT is((SELECT email FROM shop.people WHERE code = 'a'), :'first', 'one of this row is taken as it is');
SELECT is((SELECT email_index FROM shop.people WHERE code = 'a'), saas.blind_index('hopper@example.org', 'shop.people'::regclass, 'email'), 'and indexed');
SELECT throws_ok(format($$UPDATE shop.people SET email = %L WHERE code = 'b'$$, :'first'), 'SA111', 'the value is encrypted for another place', 'one of another row is refused');
SELECT throws_ok(format($$INSERT INTO shop.people (team_id, email) VALUES (%L, %L)$$, :'red', :'first'), 'SA111', NULL, 'and in a new row');
SELECT throws_ok(format($$INSERT INTO shop.people (team_id, secret) SELECT team_id, secret FROM shop.people WHERE code = 'a'$$), 'SA111', NULL, 'INSERT SELECT out of the table is not encrypted twice');
SELECT throws_ok($$UPDATE shop.people SET secret = saas.encrypt_sensitive_bytes('x') WHERE code = 'a'$$, 'SA111', NULL, 'and one that is bound to nothing');
UPDATE shop.people SET email = 'enc1:no', secret = '\xc101' WHERE code = 'b';
SELECT results_eq($$SELECT email, secret FROM shop.people_decrypted WHERE code = 'b'$$, $$VALUES ('enc1:no', '\xc101'::bytea)$$, 'what only looks like one is encrypted like the rest');
SELECT throws_ok(format($$INSERT INTO shop.people (team_id, email) VALUES (%L, 'x')$$, :'blue'), '42501', NULL, 'nobody writes for another team');
RESET ROLE;
SELECT saas.clear_context() \g /dev/null

-- Restoring: the owner puts rows back as they were; plaintext in a dump is encrypted once.
CREATE TEMP TABLE dump AS SELECT * FROM shop.people;
DELETE FROM shop.people;
INSERT INTO shop.people SELECT * FROM dump;
SELECT is_empty('(TABLE shop.people EXCEPT TABLE dump) UNION ALL (TABLE dump EXCEPT TABLE shop.people)', 'restored rows are the same to the byte, blind indexes too');

-- Rows from before.
ALTER TABLE shop.people DISABLE TRIGGER USER;
INSERT INTO shop.people (team_id, email, secret, code) SELECT :'red', 'old-' || n, convert_to('old', 'UTF8'), 'old-' || n FROM generate_series(1, 25) AS n;
ALTER TABLE shop.people ENABLE TRIGGER USER;
CREATE FUNCTION pg_temp.encrypt_all(p_column name, p_batch int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_after tid := '(0,0)';
    v_counts int[];
BEGIN
    LOOP
        SELECT * INTO v FROM saas.encrypt_existing('shop.people', p_column, p_batch, v_after);
        v_counts := v_counts || v.encrypted::int;
        EXIT WHEN v.next_after IS NULL;
        v_after := v.next_after;
    END LOOP;
    RETURN v_counts;
END $$;
SELECT is(pg_temp.encrypt_all('email', 10), '{10,10,5,0}', 'rows from before are encrypted in batches');
SELECT is(pg_temp.encrypt_all('email', 10), '{0}', 'once');
SELECT is(pg_temp.encrypt_all('secret', 1000), '{25,0}', 'of bytea, too');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT is((SELECT count(*)::int FROM shop.people_decrypted AS p WHERE p.email = p.code AND p.secret = 'old'), 25, 'and come back');
SELECT is((SELECT code FROM shop.people WHERE email_index = saas.blind_index('OLD-7', 'shop.people'::regclass, 'email')), 'old-7', 'with their blind index');

-- Partitions: set up on the parent.
CREATE TABLE shop.events (team_id uuid NOT NULL, id uuid NOT NULL, at date NOT NULL, body text, PRIMARY KEY (team_id, at, id)) PARTITION BY RANGE (at);
CREATE TABLE shop.events_1 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
SELECT saas.encrypt_column('shop.events', 'body') \g /dev/null
SELECT saas.add_blind_index('shop.events', 'body') \g /dev/null
CREATE TABLE shop.events_2 PARTITION OF shop.events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
SELECT saas.create_decrypted_view('shop.events') \g /dev/null
INSERT INTO shop.events VALUES (:'red', :'ann', '2026-01-05', 'early'), (:'red', :'red', '2026-02-05', 'late');
INSERT INTO shop.events_2 VALUES (:'red', :'blue', '2026-02-06', 'direct');
UPDATE shop.events SET at = '2026-02-07' WHERE at = '2026-01-05';
SELECT results_eq('SELECT body FROM shop.events_decrypted ORDER BY at', $$VALUES ('late'), ('direct'), ('early')$$, 'partitions made before and after, rows that move between them');
SELECT is((SELECT count(*)::int FROM shop.events WHERE body LIKE 'enc1:%'), 3, 'all encrypted');
SELECT throws_ok($$SELECT * FROM saas.encrypt_existing('shop.events', 'body')$$, '42809', NULL, 'batches go by partition');
SELECT lives_ok($$SELECT * FROM saas.encrypt_existing('shop.events_1', 'body')$$, 'each by itself');

-- Rows from before in a table whose index on the column gives them in another order than the table.
CREATE TABLE shop.sparse (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), email text);
INSERT INTO shop.sparse (team_id, email)
SELECT :'red', CASE WHEN n % 500 = 0 THEN 'row ' || (90000 - n) END FROM generate_series(1, 20000) AS n;
CREATE INDEX ON shop.sparse (email);
ANALYZE shop.sparse;
SELECT saas.encrypt_column('shop.sparse', 'email') \g /dev/null
SELECT next_after AS after FROM saas.encrypt_existing('shop.sparse', 'email', 10) \gset
SELECT is((SELECT encrypted::int FROM saas.encrypt_existing('shop.sparse', 'email', 100, :'after')), 30, 'no row is left out where an index would give them in its own order');
SELECT is((SELECT count(*)::int FROM shop.sparse WHERE email NOT LIKE 'enc1:%'), 0, 'no plaintext is left');
SELECT throws_ok($$SELECT * FROM saas.encrypt_existing('shop.sparse', 'email', 0)$$, '22023', NULL, 'a batch of no rows does not pass for the end');
CREATE TABLE shop.heir () INHERITS (shop.sparse);
INSERT INTO shop.heir (team_id, email) VALUES (:'red', 'of the heir');
SELECT is((SELECT encrypted::int FROM saas.encrypt_existing('shop.sparse', 'email')), 0, 'tables that inherit are tables of their own');

-- Names that begin alike, and names of many bytes.
CREATE TABLE shop.long (
    team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(),
    a_name_that_goes_on_for_more_than_forty_characters_one text,
    a_name_that_goes_on_for_more_than_forty_characters_two text
);
SELECT saas.encrypt_column('shop.long', 'a_name_that_goes_on_for_more_than_forty_characters_one') \g /dev/null
SELECT saas.encrypt_column('shop.long', 'a_name_that_goes_on_for_more_than_forty_characters_two') \g /dev/null
INSERT INTO shop.long VALUES (:'red', DEFAULT, 'one', 'two');
SELECT is((SELECT count(*)::int FROM shop.long AS l WHERE l::text LIKE '%,enc1:%,enc1:%'), 1, 'columns whose long names begin alike are both encrypted');

-- Another trigger writes the column in an UPDATE that does not name it.
CREATE TABLE shop.triggered (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), email text, n int);
SELECT saas.encrypt_column('shop.triggered', 'email') \g /dev/null
CREATE FUNCTION shop.write_email() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.email := 'of the trigger'; RETURN NEW; END $$;
CREATE TRIGGER a_write BEFORE UPDATE ON shop.triggered FOR EACH ROW EXECUTE FUNCTION shop.write_email();
INSERT INTO shop.triggered (team_id, email) VALUES (:'red', 'one');
UPDATE shop.triggered SET n = 1;
SELECT is((SELECT count(*)::int FROM shop.triggered WHERE email LIKE 'enc1:%'), 1, 'what a trigger before writes is encrypted whatever the UPDATE names');

-- A table without team, and without a row: the team of the context.
CREATE TABLE shop.notes (body text);
SELECT saas.encrypt_column('shop.notes', 'body', p_row_column => NULL) \g /dev/null
SELECT saas.create_decrypted_view('shop.notes', 'notes_plain') \g /dev/null
INSERT INTO shop.notes VALUES ('note');
SELECT is((SELECT body FROM shop.notes_plain), 'note', 'a table without team and row');
SELECT saas.clear_context() \g /dev/null
SELECT throws_ok($$INSERT INTO shop.notes VALUES ('x')$$, 'SA102', NULL, 'needs a context');

-- What cannot work.
SELECT throws_ok($$SELECT saas.encrypt_column('shop.people', 'nosuch')$$, 'SA034', NULL, 'a column that is not there');
SELECT throws_ok($$SELECT saas.encrypt_column('shop.people', 'id')$$, 'SA110', NULL, 'a column of another type');
ALTER TABLE shop.people ADD COLUMN short varchar(20), ADD COLUMN made text GENERATED ALWAYS AS (code || 'x') STORED;
SELECT throws_ok($$SELECT saas.encrypt_column('shop.people', 'short')$$, 'SA110', NULL, 'a column too short for it');
SELECT throws_ok($$SELECT saas.encrypt_column('shop.people', 'made')$$, 'SA110', NULL, 'a generated column');
SELECT throws_ok($$SELECT saas.encrypt_column('shop.people', 'code', p_row_column => 'email')$$, 'SA034', NULL, 'a row that is no uuid');
SELECT throws_ok($$SELECT saas.encrypt_column('shop.people', 'code', p_algorithm => 'rot13')$$, '22023', NULL, 'no such algorithm');
SELECT throws_ok($$SELECT saas.add_blind_index('shop.people', 'code')$$, 'SA112', NULL, 'a blind index of a column that is not encrypted');
SELECT throws_ok($$SELECT saas.add_blind_index('shop.people', 'email', 'soundex')$$, '22023', NULL, 'no such kind');
SELECT throws_ok($$SELECT saas.add_blind_index('shop.people', 'email', p_bits => 64)$$, '22023', NULL, 'too many bits');
SELECT throws_ok($$SELECT saas.create_decrypted_view('shop.dump')$$, '42P01', NULL, 'no such table');
ALTER TABLE shop.people RENAME COLUMN person TO human;
SELECT throws_ok(format($$INSERT INTO shop.people (team_id, email) VALUES (%L, 'x')$$, :'red'), 'SA110', NULL, 'a renamed column stops the trigger rather than encrypting wrongly');
SELECT lives_ok($$SELECT saas.encrypt_column('shop.people', 'email', p_subject_column => 'human')$$, 'until it is set up again');
SELECT lives_ok(format($$INSERT INTO shop.people (team_id, email) VALUES (%L, 'x')$$, :'red'), 'then it works');
ALTER TABLE shop.people RENAME COLUMN email TO address;
SELECT throws_ok(format($$INSERT INTO shop.people (team_id, address) VALUES (%L, 'y')$$, :'red'), 'SA110', NULL, 'the column itself was renamed');
SELECT lives_ok($$SELECT saas.encrypt_column('shop.people', 'address', p_subject_column => 'human')$$, 'set up under its new name');
SELECT lives_ok(format($$INSERT INTO shop.people (team_id, address) VALUES (%L, 'y')$$, :'red'), 'it has one trigger');
SELECT is((SELECT count(*) FROM shop.people WHERE address = 'y'), 0::bigint, 'that encrypts');
CREATE TABLE shop.wrong (body text);
CREATE TRIGGER wrong AFTER INSERT ON shop.wrong FOR EACH ROW EXECUTE FUNCTION saas.encrypt_columns('body', '', '', '', 'xaes-256-gcm');
SELECT throws_ok($$INSERT INTO shop.wrong VALUES ('x')$$, 'SA110', NULL, 'an AFTER trigger');
CREATE OR REPLACE TRIGGER wrong AFTER INSERT ON shop.wrong FOR EACH ROW EXECUTE FUNCTION saas.encrypt_columns();
SELECT throws_ok($$INSERT INTO shop.wrong VALUES ('x')$$, 'SA110', NULL, 'without arguments');
DROP TRIGGER wrong ON shop.wrong;
CREATE TRIGGER wrong BEFORE INSERT ON shop.wrong FOR EACH ROW EXECUTE FUNCTION saas.encrypt_columns('body', '', '', '', 'xaes-256-gcm');
SELECT throws_ok($$INSERT INTO shop.wrong VALUES ('x')$$, 'SA104', NULL, 'a column that is no asset');
CREATE TRIGGER wrong BEFORE INSERT ON shop.notes FOR EACH ROW EXECUTE FUNCTION saas.encrypt_columns('body', '', '', '', 'xaes-256-gcm', 'exact:0:0:x:y');
SELECT saas.set_context(:'red', :'ann') \g /dev/null
SELECT throws_like($$INSERT INTO shop.notes VALUES ('x')$$, '%cannot encrypt%', 'a blind index that cannot be read');
SELECT throws_ok($$SELECT saas.encrypt_columns()$$, '39P01', NULL, 'not a function to call');
SET LOCAL ROLE saas_app;
SELECT throws_ok($$SELECT saas.encrypt_column('shop.people', 'code')$$, '42501', NULL, 'applications do not set columns up');
RESET ROLE;
-- A trigger that somebody disabled is found.
CREATE TABLE public.unguarded (team_id uuid NOT NULL, id uuid NOT NULL DEFAULT saas.uuid_v7(), secret text, PRIMARY KEY (team_id, id));
SELECT saas.encrypt_column('public.unguarded', 'secret') \g /dev/null
SELECT is_empty($$SELECT FROM saas.security_advice() WHERE object LIKE '%unguarded'$$, 'an encrypted column that is guarded');
ALTER TABLE public.unguarded DISABLE TRIGGER ALL;
SELECT is((SELECT a.severity || ' ' || a.remedy FROM saas.security_advice() AS a WHERE a.object LIKE '%unguarded'),
    'error ALTER TABLE public.unguarded ENABLE TRIGGER saas_encrypt_secret; then saas.encrypt_existing() for rows that were written meanwhile.', 'one whose trigger is disabled');
SELECT * FROM finish();
ROLLBACK;
