#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Secrets given to functions of the package, in every way to run a statement, and a look for them in
the server's log, in pg_stat_activity and in pg_stat_statements; next to it, that everything else is
logged as ever. The server has every setting that leaks."""
import threading
import time

import psycopg

import redaction_probe as probe
import tap
from redaction_probe import LEAKING, activity, attempt, connect, hidden, log, marker, places

SETUP = """
    CREATE EXTENSION pg_saas CASCADE;
    CREATE EXTENSION pg_stat_statements;
    SELECT saas.deploy();
    SELECT saas.create_team('Team', 'team', saas.create_user('owner@example.com'));
    CREATE SCHEMA app;
    CREATE TABLE app.people (id int PRIMARY KEY, email text NOT NULL, hash bytea, note text,
        CHECK (length(email) < 200));
    CREATE FUNCTION app.hash_email() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.hash := saas.token_hash(NEW.email); RETURN NEW; END $$;
    CREATE TRIGGER people_hash BEFORE INSERT OR UPDATE ON app.people
        FOR EACH ROW EXECUTE FUNCTION app.hash_email();
    CREATE VIEW app.hashes AS SELECT n::text AS n, saas.token_hash(n::text) AS hash
        FROM generate_series(1, 3) AS n;
    CREATE VIEW app.hashes_too AS SELECT * FROM app.hashes;
    CREATE FUNCTION app.inner(p text) RETURNS bytea LANGUAGE plpgsql AS
        $$ BEGIN RETURN saas.token_hash(p); END $$;
    CREATE FUNCTION app.outer(p text) RETURNS bytea LANGUAGE sql AS $$ SELECT app.inner(p) $$;
    CREATE FUNCTION app.atomic(p text) RETURNS bytea BEGIN ATOMIC SELECT saas.token_hash(p); END;
    CREATE FUNCTION app.dynamic(p text) RETURNS bytea LANGUAGE plpgsql AS $$
        DECLARE v bytea; BEGIN EXECUTE format('SELECT saas.token_hash(%L)', p) INTO v; RETURN v; END $$;
    CREATE FUNCTION app.failing(p text) RETURNS bytea LANGUAGE plpgsql AS $$
        BEGIN PERFORM saas.token_hash(p); RETURN p::int; END $$;
    CREATE FUNCTION app.store(p text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO app.people (id, email) VALUES (1000, p); END $$;
    CREATE PROCEDURE app.proc(p text) LANGUAGE plpgsql AS $$ BEGIN PERFORM saas.token_hash(p); END $$;
    CREATE FUNCTION app.innocent(p text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN RETURN 1 / (length(p) - length(p)); END $$;
    CREATE TABLE app.plain (id int PRIMARY KEY, email text);
    ANALYZE;
"""


def simple_statements():
    hidden("a literal", "SELECT saas.token_hash('MARK')")
    hidden("the last of several statements", "SELECT 1; SELECT 2 AS two; SELECT saas.token_hash('MARK')")
    hidden("a literal in a string with several statements, of which an earlier one fails",
           "SELECT 1/0; SELECT saas.token_hash('MARK')", fails=True)
    hidden("a subquery", "WITH x AS (SELECT saas.token_hash('MARK') AS h) SELECT * FROM x WHERE EXISTS"
           " (SELECT FROM x AS y WHERE y.h = x.h)")
    hidden("without schema, quoted", """SET search_path = saas; SELECT "token_hash"('MARK')""")
    hidden("comments", "SELECT /* MARK */ saas . /* x */ token_hash /* y */ ('MARK') -- MARK")
    hidden("dollar quotes", "SELECT saas.token_hash($q$MARK$q$)")
    hidden("escapes", r"SELECT saas.token_hash(E'it\'s MARK')")
    hidden("a name written with escapes", r"""SELECT saas.U&"token\005fhash"('MARK')""")
    hidden("CREATE TABLE AS", "CREATE TEMP TABLE t AS SELECT saas.token_hash('MARK') AS h")
    hidden("EXPLAIN ANALYZE", "EXPLAIN (ANALYZE, VERBOSE) SELECT saas.token_hash('MARK')")
    hidden("COPY of a query", "COPY (SELECT saas.token_hash('MARK')) TO '/dev/null'")
    hidden("a cursor", "BEGIN", "DECLARE c CURSOR FOR SELECT saas.token_hash('MARK'), n FROM"
           " generate_series(1, 3) AS n", "FETCH 2 FROM c", "MOVE 1 FROM c", "CLOSE c", "COMMIT")
    hidden("a cursor whose FETCH fails", "BEGIN", "DECLARE c CURSOR FOR SELECT saas.token_hash('MARK'),"
           " ('MARK' || n)::int FROM generate_series(1, 3) AS n", "FETCH 2 FROM c", fails=True)
    hidden("PREPARE and EXECUTE", "PREPARE p(text) AS SELECT saas.token_hash($1), 'MARK'",
           "EXECUTE p('MARK')", "EXPLAIN ANALYZE EXECUTE p('MARK')", "CREATE TEMP TABLE t AS EXECUTE p('MARK')")
    hidden("parallel workers", "SET force_parallel_mode = on", "SELECT saas.token_hash('MARK' || n), n / 1"
           " FROM generate_series(1, 3) AS n")
    hidden("parallel workers that fail", "SET force_parallel_mode = on", "SET parallel_leader_participation = off",
           "SELECT saas.token_hash('MARK'), ('MARK' || id)::int FROM saas.users UNION ALL SELECT saas.token_hash('MARK'),"
           " 'MARK'::text::int FROM pg_class", fails=True)


def failing_statements():
    hidden("division by zero", "SELECT saas.token_hash('MARK'), 1 / (n - 1) FROM generate_series(1, 2) AS n",
           fails=True)
    hidden("a table that does not exist", "SELECT saas.token_hash('MARK') FROM nosuch", fails=True)
    hidden("a column that does not exist", "SELECT saas.token_hash('MARK'), nosuch", fails=True)
    hidden("the value taken for a column", 'SELECT saas.token_hash("MARK")', fails=True)
    hidden("a wrong number of arguments", "SELECT saas.token_hash('MARK', 'MARK')", fails=True)
    hidden("a syntax error before", "SELEC saas.token_hash('MARK')", fails=True)
    hidden("a syntax error behind", "SELECT saas.token_hash('MARK'", fails=True)
    hidden("a string without end", "SELECT saas.token_hash('MARK)", fails=True)
    hidden("an error that repeats the value", "SELECT saas.token_hash('MARK'), 'MARK'::int", fails=True)
    hidden("an error while running that repeats the value",
           "SELECT saas.token_hash('MARK'), ('MARK' || n)::int FROM generate_series(1, 2) AS n", fails=True)
    hidden("in a failed transaction", "BEGIN", "SELECT 1/0", "SELECT saas.token_hash('MARK')", fails=True)


def parameters():
    call = "SELECT saas.token_hash(%s)"
    hidden("parameters", call, arguments=["MARK"])
    hidden("parameters of a prepared statement", call, arguments=["MARK"], prepare=True, count=8)
    hidden("literals in a prepared statement", "SELECT saas.token_hash('MARK'), %s::text",
           arguments=["MARK"], prepare=True, count=8)
    hidden("parameters of a failing statement", "SELECT saas.token_hash(%s), 1 / (length(%s) - 26 * 0 - length(%s))",
           arguments=["MARK"] * 3, fails=True)
    hidden("a parameter that is no integer", "SELECT saas.token_hash(%t), %t::int",
           arguments=["MARK", "MARK"], fails=True)
    hidden("a parameter for a table that encrypts", "INSERT INTO app.people VALUES (%s, %s)",
           arguments=[1, "MARK"])


def code():
    hidden("DO", "DO $$ BEGIN PERFORM saas.token_hash('MARK'); END $$")
    hidden("DO in quotes", "DO 'BEGIN PERFORM saas.token_hash(''MARK''); END'")
    hidden("DO with EXECUTE", "DO $$ BEGIN EXECUTE 'SELECT saas.token_hash(''MARK'')'; END $$")
    hidden("DO that assigns", "DO $$ DECLARE h bytea := saas.token_hash('MARK'); BEGIN h := NULL; END $$")
    hidden("DO that fails", "DO $$ BEGIN PERFORM saas.token_hash('MARK') FROM nosuch; END $$", fails=True)
    hidden("DO that raises", "DO $$ BEGIN PERFORM saas.token_hash('x'); RAISE EXCEPTION 'MARK' USING"
           " DETAIL = 'MARK', HINT = 'MARK'; END $$", fails=True)
    hidden("DO that warns", "DO $$ BEGIN PERFORM saas.token_hash('x'); RAISE WARNING 'MARK'; END $$")
    hidden("DO through a function", "DO $$ BEGIN PERFORM app.outer('MARK'); END $$")
    for function in ("inner", "outer", "atomic", "dynamic", "store"):
        hidden(f"function {function}", f"SELECT app.{function}('MARK')")
        hidden(f"function {function}, three times", *[f"SELECT app.{function}('MARK') WHERE {n} > 0"
               for n in (1, 2, 3)], fails=function == "store")
    hidden("a function that fails", "SELECT app.failing('MARK')", fails=True)
    hidden("a function with parameters", "SELECT app.failing(%s)", arguments=["MARK"], fails=True)
    hidden("a procedure", "CALL app.proc('MARK')")
    hidden("a procedure with parameters", "CALL app.proc(%s)", arguments=["MARK"])


def tables():
    hidden("INSERT", "INSERT INTO app.people VALUES (2, 'MARK')")
    hidden("INSERT SELECT", "INSERT INTO app.people SELECT 3, 'MARK'")
    hidden("INSERT that meets a row", "INSERT INTO app.people VALUES (2, 'MARK')", fails=True)
    hidden("INSERT that a check refuses", "INSERT INTO app.people VALUES (4, repeat('MARK', 20))", fails=True)
    hidden("INSERT of a column that does not exist",
           "INSERT INTO app.people (id, email, nosuch) VALUES (4, 'MARK', 1)", fails=True)
    hidden("INSERT without schema", "SET search_path = app", "INSERT INTO people VALUES (5, 'MARK')")
    hidden("ON CONFLICT", "INSERT INTO app.people VALUES (5, 'MARK') ON CONFLICT (id) DO UPDATE SET"
           " email = excluded.email || 'MARK'")
    hidden("UPDATE", "UPDATE app.people SET email = 'MARK' WHERE id = 5")
    hidden("UPDATE in a WITH", "WITH u AS (UPDATE app.people SET email = 'MARK' WHERE id = 5 RETURNING id)"
           " SELECT * FROM u")
    hidden("MERGE", "MERGE INTO app.people AS p USING (VALUES (5, 'MARK')) AS v (id, e) ON p.id = v.id"
           " WHEN MATCHED THEN UPDATE SET email = v.e")
    hidden("a view", "SELECT * FROM app.hashes WHERE n = 'MARK'")
    hidden("a view on a view", "SELECT * FROM app.plain, app.hashes_too WHERE n = 'MARK'")
    mark = marker()
    with connect() as connection:
        for rows in (f"20\t{mark}\n", f"{mark}\tx\n", f"21\t{mark * 20}\n"):
            try:
                with connection.cursor().copy("COPY app.people (id, email) FROM STDIN") as copy:
                    copy.write(rows)
            except psycopg.Error:
                pass
        found = places(mark, connection.info.backend_pid)
    tap.ok(not found, "hidden: COPY FROM, with rows that fail", "\n".join(found))


def functions_of_the_package():
    hidden("encrypting", "BEGIN", "SELECT saas.set_context(t.id, m.user_id) FROM saas.teams AS t JOIN saas.team_members"
           " AS m ON m.team_id = t.id", "SELECT saas.decrypt_sensitive_data(saas.encrypt_sensitive_data('MARK'))",
           "SELECT saas.encrypt_sensitive_json(to_jsonb('MARK'::text))", "COMMIT")
    hidden("encrypting without a context", "SELECT saas.encrypt_sensitive_data('MARK')", fails=True)
    hidden("encrypting with parameters", "SELECT saas.encrypt_sensitive_data(%s)", arguments=["MARK"], fails=True)
    hidden("a blind index", "SELECT saas.blind_index('MARK', saas.uuid_v7())", fails=True)
    hidden("signing in", "SELECT saas.authenticate('MARK')", fails=True)
    hidden("an invitation", "SELECT saas.accept_invitation(p_session_token => 'MARK', p_token => 'MARK')", fails=True)
    hidden("a passphrase", "SELECT saas.migrate_pgp_column('app.people', 'email', 'MARK')", fails=True)


def while_it_runs():
    """pg_stat_activity of a running statement, and the log of one that waits for a lock."""
    cases = [("a function", "SELECT saas.token_hash('MARK'), pg_sleep(1)"),
             ("DO", "DO $$ BEGIN PERFORM saas.token_hash('MARK'), pg_sleep(1); END $$"),
             ("INSERT", "INSERT INTO app.people SELECT 40, 'MARK' FROM pg_sleep(1)"),
             ("a function's function", "SELECT app.outer('MARK'), pg_sleep(1)"),
             ("EXECUTE", "PREPARE s AS SELECT saas.token_hash($1), pg_sleep(1)", "EXECUTE s('MARK')")]
    for name, *steps in cases:
        mark = marker()
        with connect() as connection:
            def work():
                for sql in steps:
                    attempt(connection, sql, mark)
            thread = threading.Thread(target=work)
            thread.start()
            time.sleep(0.5)
            seen = activity(connection.info.backend_pid)
            thread.join()
            tap.ok(mark not in seen and seen.startswith("/* redacted */"), f"while it runs: {name}", seen)
    mark = marker()
    with connect() as holder, connect() as waiter:
        holder.execute("BEGIN; SELECT * FROM app.people WHERE id = 5 FOR UPDATE")
        thread = threading.Thread(target=attempt, args=(
            waiter, "UPDATE app.people SET email = 'MARK' WHERE id = 5", mark))
        thread.start()
        time.sleep(0.4)
        seen = activity(waiter.info.backend_pid)
        holder.execute("COMMIT")
        thread.join()
        tap.ok(mark not in seen and "still waiting for" in log() and mark not in log(),
               "while it waits for a lock", seen)


def others_are_untouched():
    """The test bites: the same places show what handles no secret, word for word."""
    def shown(name, *steps, where=("log", "pg_stat_activity"), arguments=None, text=None):
        mark = marker()
        with connect() as connection:
            for sql in steps:
                attempt(connection, sql, mark, arguments and [mark if a == "MARK" else a for a in arguments])
            found = places(mark, connection.info.backend_pid)
            for place in where:
                tap.ok(any(f.startswith(place) for f in found), f"shown in {place}: {name}", "\n".join(found))
            if text:
                tap.ok(text.replace("MARK", mark) in log(), f"shown whole: {name}", "\n".join(found))
    shown("a literal", "SELECT 'MARK'", text="LOG:  statement: SELECT 'MARK'\n")
    shown("a failing statement", "SELECT 'MARK', 1/0", text="STATEMENT:  SELECT 'MARK', 1/0\n")
    shown("an error with the value", "SELECT 'MARK'::int",
          text='ERROR:  invalid input syntax for type integer: "MARK"')
    shown("a syntax error", "SELEC 'MARK'", text="STATEMENT:  SELEC 'MARK'\n")
    shown("a failed transaction", "BEGIN", "SELECT 1/0", "SELECT 'MARK'", text="STATEMENT:  SELECT 'MARK'\n")
    shown("parameters", "SELECT %s::text", arguments=["MARK"], where=("log",), text="parameters: $1 = 'MARK'")
    shown("DO", "DO $$ BEGIN PERFORM 'MARK'; END $$", where=("log", "pg_stat_activity", "pg_stat_statements"))
    shown("PREPARE and EXECUTE", "PREPARE q(text) AS SELECT 'MARK', $1", "EXECUTE q('MARK')",
          text="statement: EXECUTE q('MARK')\n")
    shown("a function", "SELECT app.innocent('MARK')", text="STATEMENT:  SELECT app.innocent('MARK')\n")
    shown("a function of the package that is given no secret", "SELECT saas.current_team_id(), saas.is_member(saas.uuid_v7()), 'MARK'",
          text="statement: SELECT saas.current_team_id(), saas.is_member(saas.uuid_v7()), 'MARK'\n")
    shown("context", "DO $$ BEGIN PERFORM 'MARK', 1/0; END $$", text="CONTEXT:  SQL statement \"SELECT 'MARK', 1/0\"")
    shown("INSERT", "INSERT INTO app.plain VALUES (1, 'MARK')", text="statement: INSERT INTO app.plain VALUES (1, 'MARK')\n")
    shown("the detail of a conflict", "INSERT INTO app.plain VALUES (1, 'MARK')",
          text="STATEMENT:  INSERT INTO app.plain VALUES (1, 'MARK')\n")
    shown("reading a table that encrypts", "SELECT * FROM app.people WHERE note = 'MARK'",
          text="statement: SELECT * FROM app.people WHERE note = 'MARK'\n")
    shown("deleting there", "DELETE FROM app.people WHERE note = 'MARK'")
    shown("the name of a function in a literal", "SELECT 'saas.token_hash(' || 'MARK'",
          text="statement: SELECT 'saas.token_hash(' || 'MARK'\n")
    shown("a function of the same name elsewhere", "CREATE FUNCTION pg_temp.verify_jwt(text) RETURNS text"
          " LANGUAGE sql AS 'SELECT $1'", "SELECT pg_temp.verify_jwt('MARK')")
    shown("several statements", "SELECT 1; SELECT 'MARK'", text="statement: SELECT 1; SELECT 'MARK'\n")
    shown("the definition of a function", "CREATE OR REPLACE FUNCTION app.x() RETURNS bytea LANGUAGE sql AS"
          " $$ SELECT saas.token_hash('MARK') $$", where=("log", "pg_stat_statements"))


def what_is_left():
    """Redacted lines still say what happened; the client is told everything."""
    with connect() as connection:
        error = attempt(connection, "SELECT saas.token_hash('MARK'), 'MARK'::int", "mkclient")
        tap.ok('"mkclient"' in str(error), "the client gets the whole message", error)
        before = len(log())
        connection.execute("SELECT saas.token_hash('x') AS \"y\", 12345")
        attempt(connection, "SELECT saas.token_hash('x'), 'MARK'::int", "mkx")
        attempt(connection, "DO $$ BEGIN PERFORM saas.token_hash('x'); RAISE SQLSTATE 'SA028'; END $$", "")
        time.sleep(0.1)
        text = log()[before:]
        tap.ok("LOG:  statement: /* redacted */ SELECT saas.token_hash('?') AS \"?\", ?\n" in text,
               "the log has the statement without its values", text)
        tap.ok(" ms  statement: /* redacted */ SELECT" in text or " ms\n" in text, "and its duration", text)
        tap.ok("ERROR:  invalid input syntax for type %s" in text, "and the kind of an error", text)
        tap.ok("DETAIL:  Statement, parameters and values are withheld" in text, "and why there is no more", text)
        tap.ok("ERROR:  SA028" in text, "errors of the package keep their message", text)


def answers():
    with connect() as connection:
        for expression, expected in [
            ("saas.is_preloaded()", True),
            ("saas.is_redacted('saas.token_hash(text)')", True),
            ("saas.is_redacted('saas.require_team(uuid,text)')", False),
            ("saas.is_redacted('app.outer(text)')", True),
            ("saas.is_redacted('app.atomic(text)')", True),
            ("saas.is_redacted('app.innocent(text)')", False),
            ("saas.is_redacted('lower(text)')", False),
            ("saas.is_redacted_relation('app.people')", True),
            ("saas.is_redacted_relation('app.hashes_too')", True),
            ("saas.is_redacted_relation('app.plain')", False),
        ]:
            tap.same(connection.execute(f"SELECT {expression}").fetchone()[0], expected, expression)
        # What was found is forgotten when it changes.
        connection.execute("CREATE OR REPLACE FUNCTION app.innocent(p text) RETURNS text LANGUAGE sql AS"
                           " $$ SELECT encode(app.inner(p), 'hex') $$")
        tap.same(connection.execute("SELECT saas.is_redacted('app.innocent(text)')").fetchone()[0], True,
                 "a function that changes")
        connection.execute("CREATE FUNCTION app.to_plain(p text) RETURNS void LANGUAGE sql AS"
                           " $$ INSERT INTO app.plain VALUES (77, p) $$")
        tap.same(connection.execute("SELECT saas.is_redacted('app.to_plain(text)')").fetchone()[0], False,
                 "a function that writes a plain table")
        probe.observer.execute("CREATE TRIGGER plain_hash BEFORE INSERT ON app.plain FOR EACH ROW"
                         " EXECUTE FUNCTION app.hash_email()")
        tap.same(connection.execute("SELECT saas.is_redacted('app.to_plain(text)')").fetchone()[0], True,
                 "another session makes the table one that encrypts")
        connection.execute("DROP TRIGGER plain_hash ON app.plain")
        tap.same(connection.execute("SELECT saas.is_redacted_relation('app.plain')").fetchone()[0], False,
                 "and back")


def loaded_late():
    """Without shared_preload_libraries the session that loads the library redacts from then on."""
    probe.stop()
    probe.start(["shared_preload_libraries=pg_stat_statements", *LEAKING[1:10]])
    tap.same(probe.observer.execute("SELECT saas.is_preloaded()").fetchone()[0], False, "the library is not preloaded")
    hidden("loaded by a statement before", "SELECT saas.current_team_id()", "SELECT saas.token_hash('MARK')",
           "DO $$ BEGIN PERFORM saas.token_hash('MARK'); END $$")
    mark = marker()
    with connect() as connection:
        attempt(connection, "SELECT saas.token_hash('MARK')", mark)
        tap.ok(mark in log(), "the first statement of a session shows its values then: preload the library")


probe.start(setup=SETUP)
tap.run(simple_statements, failing_statements, parameters, code, tables, functions_of_the_package, while_it_runs,
        others_are_untouched, what_is_left, answers, loaded_late)
