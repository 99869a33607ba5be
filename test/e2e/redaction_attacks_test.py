#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Ways around the redaction: what a statement does not say in so many words, other languages, texts that are
read wrongly, statements that fail before they are analysed, answers that have become wrong, and every kind of
message of the protocol."""
import ctypes
import ctypes.util
import os
import signal
import threading
import time

import psycopg

import redaction_probe as probe
import tap
from redaction_probe import activity, attempt, connect, hidden, log, marker, places

SETUP = """
    CREATE EXTENSION pg_saas CASCADE;
    CREATE EXTENSION pg_stat_statements;
    SELECT saas.deploy();
    CREATE SCHEMA app;
    CREATE FUNCTION app.digest(p text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN RETURN saas.token_hash(p); END $$;
    CREATE FUNCTION app.bad(p text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM saas.token_hash(p); RETURN p::integer; END $$;
    CREATE FUNCTION app.same(p text, q text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN RETURN saas.token_hash(p) = saas.token_hash(q) AND p::integer = 1; END $$;
    CREATE OPERATOR app.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = app.same);
    CREATE FUNCTION app.add(s integer, p text) RETURNS integer LANGUAGE sql IMMUTABLE AS
        $$ SELECT s + app.bad(p) $$;
    CREATE AGGREGATE app.total(text) (SFUNC = app.add, STYPE = integer, INITCOND = '0');
    CREATE FUNCTION app.is_short(p text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM saas.token_hash(p); RETURN length(p) < 10; END $$;
    CREATE DOMAIN app.short AS text CHECK (app.is_short(VALUE));

    CREATE TABLE app.generated (id int, email text, hash bytea GENERATED ALWAYS AS (app.digest(email)) STORED,
        CHECK (length(email) < 10));
    CREATE TABLE app.checked (id int, email text CHECK (app.is_short(email)));
    CREATE TABLE app.indexed (id int, email text, CHECK (length(email) < 10));
    CREATE INDEX ON app.indexed (app.digest(email));
    CREATE TABLE app.of_domain (id int, email app.short);
    CREATE TABLE app.hashes (hash bytea);
    CREATE TABLE app.ruled (id int, email text, CHECK (length(email) < 10));
    CREATE RULE also AS ON INSERT TO app.ruled DO ALSO INSERT INTO app.hashes VALUES (saas.token_hash(NEW.email));
    CREATE TABLE app.guarded (id int, email text);
    ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY;
    CREATE ROLE guest;
    GRANT USAGE ON SCHEMA app, saas TO guest;
    GRANT SELECT, INSERT ON app.guarded TO guest;
    CREATE POLICY guarded_insert ON app.guarded FOR INSERT TO guest WITH CHECK (app.is_short(email));
    CREATE FUNCTION app.hash_email() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM saas.token_hash(NEW.email); RETURN NEW; END $$;
    CREATE TABLE app.parted (id int, email text, CHECK (length(email) < 10)) PARTITION BY RANGE (id);
    CREATE TABLE app.part PARTITION OF app.parted FOR VALUES FROM (0) TO (1000);
    CREATE TRIGGER part_hash BEFORE INSERT OR UPDATE ON app.part FOR EACH ROW EXECUTE FUNCTION app.hash_email();
    CREATE TABLE app.locked (id int, email text);
    CREATE TRIGGER locked_hash BEFORE INSERT OR UPDATE ON app.locked FOR EACH ROW EXECUTE FUNCTION app.hash_email();
    CREATE TABLE app.late (id int, email text, CHECK (length(email) < 10));
    CREATE FUNCTION app.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    CREATE TRIGGER late_hash BEFORE INSERT ON app.late FOR EACH ROW EXECUTE FUNCTION app.late();
    CREATE VIEW app.view_one AS SELECT n::text AS n, ''::bytea AS h FROM generate_series(1, 3) AS n;
    CREATE VIEW app.view_two AS SELECT * FROM app.view_one;
    CREATE FUNCTION app.even(p text) RETURNS bytea LANGUAGE plpgsql AS
        $$ BEGIN IF p = 'x' THEN RETURN app.odd(p); END IF; RETURN saas.token_hash(p); END $$;
    CREATE FUNCTION app.odd(p text) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN RETURN app.even(p); END $$;
    CREATE TABLE app.plain (id int, email text);
    CREATE LANGUAGE other HANDLER plpgsql_call_handler;
    ANALYZE;
"""


def what_is_not_said():
    """The statement itself calls no function: an operator, an aggregate, a column or a table does."""
    hidden("an operator", "SELECT 'MARK' OPERATOR(app.===) 'MARK'", fails=True)
    hidden("an operator with ANY", "SELECT 'MARK' OPERATOR(app.===) ANY (ARRAY['MARK'])", fails=True)
    hidden("an aggregate", "SELECT app.total('MARK') FROM generate_series(1, 2)", fails=True)
    hidden("an aggregate over a window", "SELECT app.total('MARK') OVER () FROM generate_series(1, 2)", fails=True)
    hidden("a domain", "SELECT 'MARK'::app.short", fails=True)
    for table in ("generated", "checked", "indexed", "of_domain", "ruled", "parted"):
        hidden(f"a column of table {table}", f"INSERT INTO app.{table} (id, email) VALUES (1, 'MARK')", fails=True)
    hidden("a policy", "SET ROLE guest", "INSERT INTO app.guarded VALUES (1, 'MARK')", fails=True)
    hidden("a new column's values", "CREATE TEMP TABLE t AS SELECT 1 AS id",
           "ALTER TABLE t ADD COLUMN h bytea DEFAULT saas.token_hash('MARK')")
    hidden("a column's new type", "CREATE TEMP TABLE t AS SELECT 'MARK'::text || app.digest('MARK') AS email",
           "ALTER TABLE t ALTER COLUMN email TYPE integer USING app.bad(email)", fails=True)
    hidden("a new index", "CREATE TEMP TABLE t AS SELECT 'MARK'::text AS email FROM app.digest('MARK')",
           "CREATE INDEX ON t (app.bad(email))", fails=True)
    hidden("a function of the session", "CREATE FUNCTION pg_temp.f(p text) RETURNS bytea LANGUAGE sql AS"
           " $$ SELECT saas.token_hash(p) $$", "SELECT pg_temp.f('MARK')")


def texts():
    """Where the text is read wrongly, the call or the literal is missed."""
    hidden("strings that go on in the next line", "SELECT saas.token_hash(E'a'\n'b\\'MARK')")
    hidden("and hide the call", "SELECT E'a'\n'\\'' || 'x', saas.token_hash('MARK')")
    hidden("with a comment between", "SELECT saas.token_hash(E'a' -- x\n'b\\'MARK')")
    hidden("a comment that ends with a carriage return", "SELECT -- c\rsaas.token_hash('MARK')")
    hidden("behind CREATE FUNCTION", "CREATE OR REPLACE FUNCTION app.y() RETURNS int LANGUAGE sql AS 'SELECT 1';"
           " SELECT saas.token_hash('MARK')")
    hidden("DO behind another statement", "SELECT 1; DO $$ BEGIN PERFORM saas.token_hash('MARK'); END $$")
    hidden("DO behind one that fails", "SELECT 1/0; DO $$ BEGIN PERFORM saas.token_hash('MARK'); END $$", fails=True)
    hidden("DO with a lone apostrophe", "DO $$ BEGIN PERFORM E'\\'' || '-- ' || saas.token_hash('MARK'); END $$")
    hidden("an escape string behind a number", "SELECT saas.token_hash(1E'x\\'MARK')", fails=True)
    hidden("a database's name", "SELECT postgres.saas.token_hash('MARK')")
    hidden("a long statement", "SELECT saas.token_hash('MARK'), '" + "x" * 2_000_000 + "MARK'")
    hidden("backslashes", "SET standard_conforming_strings = off; SET backslash_quote = on",
           "SELECT saas.token_hash('a\\'MARK')")
    with connect() as connection:
        connection.execute("SET check_function_bodies = off")
        for name, body in [
            ("a double-quoted string", '''return plpy.execute("SELECT saas.token_hash('x')")'''),
            ("two of them", '''plpy.execute("SELECT 1 " + "FROM saas.token_hash(" + x + ")")'''),
            ("behind a decrement", '''i--; plv8.execute("SELECT saas.token_hash('x')")'''),
            ("behind an apostrophe in a comment", '''# it's this --\nplpy.execute('SELECT saas.token_hash($1)')'''),
            ("behind an escaped apostrophe", '''x = 'it\\'s -- ' + f('SELECT saas.token_hash($1)')'''),
        ]:
            connection.execute("CREATE OR REPLACE FUNCTION app.other(p text) RETURNS void LANGUAGE other AS $_$"
                               + body + "$_$")
            tap.same(connection.execute("SELECT saas.is_redacted('app.other(text)')").fetchone()[0], True,
                     f"the body of a function in another language: {name}")
        connection.execute("""CREATE OR REPLACE FUNCTION app.other(p text) RETURNS void LANGUAGE other AS
            $$ plpy.execute("SELECT length($1) -- saas") $$""")
        tap.same(connection.execute("SELECT saas.is_redacted('app.other(text)')").fetchone()[0], False,
                 "the body of a function in another language that handles no secret")


def before_it_is_analysed():
    """Statements that fail, or are logged, before the catalog could be asked about them. Nothing announces
    them, so nothing of them is known."""
    quiet = "SET log_statement = none"
    hidden("a function in a failed transaction", "BEGIN", "SELECT 1/0", "SELECT app.digest('MARK')", fails=True)
    hidden("a table in a failed transaction", quiet, "BEGIN", "SELECT 1/0", "INSERT INTO app.locked VALUES (1, 'MARK')",
           fails=True)
    hidden("statistics of the parser", "SET log_parser_stats = on; SET log_min_error_statement = debug5",
           "SELECT app.digest('MARK')")
    hidden("debugging messages", quiet, "SET log_min_messages = debug5; SET log_min_error_statement = debug5",
           "SELECT app.digest('MARK')")
    hidden("debug_print", "SET debug_print_parse = on; SET debug_print_rewritten = on; SET debug_print_plan = on",
           "SELECT app.digest('MARK')")
    hidden("an error that is not logged", quiet, "SET log_min_messages = panic", "SELECT app.digest('MARK', nosuch)",
           fails=True)
    mark = marker()
    with connect() as holder, connect() as waiter:
        waiter.execute(quiet)
        waiter.execute("SET lock_timeout = '200ms'")
        holder.execute("BEGIN; LOCK TABLE app.locked IN ACCESS EXCLUSIVE MODE")
        error = attempt(waiter, "INSERT INTO app.locked VALUES (1, 'MARK')", mark)
        holder.execute("COMMIT")
        found = places(mark, waiter.info.backend_pid)
        tap.ok(error is not None and not found, "hidden: a lock that is not to be had", "\n".join(found))
    mark = marker()
    with connect() as one, connect() as two:
        two.execute(quiet)
        one.execute("SET deadlock_timeout = '1s'")
        two.execute("SET deadlock_timeout = '5s'")
        one.execute("BEGIN; LOCK TABLE app.locked IN ACCESS EXCLUSIVE MODE")
        two.execute("BEGIN; LOCK TABLE app.plain IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=attempt, args=(two, "INSERT INTO app.locked VALUES (1, 'MARK')", mark))
        thread.start()
        time.sleep(0.2)
        error = attempt(one, "SELECT count(*) FROM app.plain", mark)
        one.execute("ROLLBACK")
        thread.join()
        two.execute("ROLLBACK")
        found = [line for line in log().splitlines() if mark in line]
        tap.ok(getattr(error, "sqlstate", "") == "40P01" and not found, "hidden: a deadlock's report on others",
               "\n".join(found) or error)


def out_of_date():
    """Answers that were right when they were given."""
    with connect() as connection:
        attempt(connection, "INSERT INTO app.late VALUES (1, 'x'); SELECT * FROM app.view_two", "")
        tap.same(connection.execute("SELECT saas.is_redacted_relation('app.late'), saas.is_redacted_relation("
                                    "'app.view_two')").fetchone(), (False, False), "a table and a view without secrets")
        probe.observer.execute("CREATE OR REPLACE FUNCTION app.late() RETURNS trigger LANGUAGE plpgsql AS"
                               " $$ BEGIN PERFORM saas.token_hash(NEW.email); RETURN NEW; END $$")
        probe.observer.execute("CREATE OR REPLACE VIEW app.view_one AS SELECT n::text AS n, saas.token_hash(n::text) AS h"
                               " FROM generate_series(1, 3) AS n")
        for name, sql in (("a trigger's function", "INSERT INTO app.late VALUES (1, 'MARK')"),
                          ("a view's view", "SELECT * FROM app.view_two WHERE n = 'MARK'")):
            mark = marker()
            attempt(connection, sql, mark)
            found = places(mark, connection.info.backend_pid)
            tap.ok(not found, f"hidden: {name} that has changed", "\n".join(found))
    hidden("functions that call each other", "SELECT app.even('x1')", "SELECT app.odd('MARK')")
    mark = marker()
    with connect() as connection:
        connection.execute("SET log_statement = none; SET log_min_duration_statement = -1; SET auto_explain.log_min_duration = -1")
        attempt(connection, "PREPARE p(text) AS SELECT app.digest($1), 'MARK'", mark)
        for start in range(0, 17_000, 500):
            connection.execute(";".join(f"SELECT saas.token_hash('{n}')" for n in range(start, start + 2)))
            with connection.pipeline():
                for n in range(start, start + 500):
                    connection.execute(f"SELECT saas.token_hash('{n}')")
        connection.execute("SET log_statement = 'all'; SET log_min_duration_statement = 0; SET auto_explain.log_min_duration = 0")
        attempt(connection, "EXECUTE p('MARK')", mark)
        found = places(mark, connection.info.backend_pid)
        tap.ok(not found, "hidden: a statement that was prepared a long time ago", "\n".join(found))
    mark = marker()
    with connect() as connection:
        connection.execute("SET pg_stat_statements.track_planning = on")
        for _ in range(4):
            attempt(connection, "SELECT app.digest('MARK'), %s::text", mark, ["x"], True)
            connection.execute("SELECT pg_stat_statements_reset()")
        attempt(connection, "SELECT app.digest('MARK'), %s::text", mark, ["x"], True)
        found = places(mark, connection.info.backend_pid)
        tap.ok(not found, "hidden: planned after pg_stat_statements_reset()", "\n".join(found))


def protocol():
    """The fast path calls a function without a statement; psycopg has none, libpq has."""
    libpq = ctypes.CDLL(ctypes.util.find_library("pq"))
    libpq.PQconnectdb.restype = libpq.PQfn.restype = ctypes.c_void_p
    for function in (libpq.PQclear, libpq.PQfinish, libpq.PQresultStatus):
        function.argtypes = [ctypes.c_void_p]

    class Argument(ctypes.Structure):
        _fields_ = [("len", ctypes.c_int), ("isint", ctypes.c_int), ("ptr", ctypes.c_char_p)]

    mark = marker()
    oid = probe.observer.execute("SELECT 'app.bad(text)'::regprocedure::oid::int").fetchone()[0]
    connection = libpq.PQconnectdb(f"host={probe.HOST} port={probe.PORT} user=postgres dbname=postgres".encode())
    argument = Argument(len(mark), 0, mark.encode())
    result = ctypes.create_string_buffer(64)
    length = ctypes.c_int()
    answer = libpq.PQfn(ctypes.c_void_p(connection), oid, result, ctypes.byref(length), 1, ctypes.byref(argument), 1)
    status = libpq.PQresultStatus(answer)
    libpq.PQclear(answer)
    libpq.PQfinish(connection)
    found = [line for line in log().splitlines() if mark in line]
    tap.ok(status == 7 and not found and "fastpath function call" in log(), "hidden: a call by the fast path",
           "\n".join(found) or status)

    mark = marker()
    with connect() as connection:
        pid = connection.info.backend_pid
        thread = threading.Thread(target=attempt, args=(connection, "SELECT app.digest('MARK'), pg_sleep(30)", mark))
        thread.start()
        time.sleep(0.4)
        probe.observer.execute("SELECT pg_terminate_backend(%s)", [pid])
        thread.join()
        time.sleep(0.2)
        found = [line for line in log().splitlines() if mark in line]
        tap.ok("terminating connection" in log() and not found, "hidden: a session that is ended", "\n".join(found))

    hidden("an own error with the value and a state of the package", "DO $$ BEGIN PERFORM saas.token_hash('x');"
           " RAISE EXCEPTION 'MARK' USING ERRCODE = 'SA101'; END $$", fails=True)
    hidden("a statement that is cancelled", "SET statement_timeout = 100", "SELECT app.digest('MARK'), pg_sleep(5)", fails=True)
    hidden("COPY to a program", "COPY (SELECT app.digest('MARK')) TO PROGRAM 'false'", fails=True)
    hidden("a cursor that is held over the commit", "BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT app.digest('MARK'), ('MARK' || n)::int"
           " FROM generate_series(1, 2) AS n", "COMMIT", fails=True)


def a_crash():
    """The postmaster says what a process did that has crashed."""
    mark = marker()
    with connect() as connection:
        pid = connection.info.backend_pid
        thread = threading.Thread(target=attempt, args=(connection, "SELECT app.digest('MARK'), pg_sleep(30)", mark))
        thread.start()
        time.sleep(0.4)
        os.kill(pid, signal.SIGSEGV)
        thread.join()
    time.sleep(0.5)
    text = log()
    tap.ok("Failed process was running: /* redacted */" in text and mark not in text, "hidden: what a crashed process was running",
           "\n".join(line for line in text.splitlines() if mark in line))


def still_shown():
    """Nothing is hidden that handles no secret."""
    def shown(name, *steps, text):
        mark = marker()
        with connect() as connection:
            for sql in steps:
                attempt(connection, sql, mark)
            tap.ok(text.replace("MARK", mark) in log(), f"shown: {name}", "\n".join(places(mark, 0)))
    shown("a prepared statement after another one", "PREPARE a AS SELECT 'MARK', 1", "PREPARE b AS SELECT 2", "EXECUTE b",
          "EXECUTE a", text="DETAIL:  prepare: PREPARE a AS SELECT 'MARK', 1")
    shown("an operator", "SELECT 'MARK' || 'x', 1/0", text="STATEMENT:  SELECT 'MARK' || 'x', 1/0")
    shown("an INSERT that is refused", "INSERT INTO app.plain VALUES ('MARK', 1)", text="STATEMENT:  INSERT INTO app.plain VALUES ('MARK', 1)")
    shown("ALTER TABLE", "CREATE TEMP TABLE t (a int)", "ALTER TABLE t ADD COLUMN b text DEFAULT 'MARK'",
          text="statement: ALTER TABLE t ADD COLUMN b text DEFAULT 'MARK'")
    shown("a syntax error with a call", "SELEC upper('MARK')", text="STATEMENT:  SELEC upper('MARK')")
    mark = marker()
    with connect() as connection:
        for _ in range(3):  # the texts of prepared statements are analysed once, and logged with every execution
            attempt(connection, "SELECT %s::int, upper('MARK')", mark, ["x"], True)
            attempt(connection, "SELECT 1, upper('a')", mark, None, True)
        lines = [line for line in log().splitlines() if mark in line and "STATEMENT:" in line]
        tap.ok(len(lines) == 3, "shown: each failed execution of a prepared statement", "\n".join(lines))


probe.start(setup=SETUP)
tap.run(what_is_not_said, texts, before_it_is_analysed, out_of_date, protocol, still_shown, a_crash)
