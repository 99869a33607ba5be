#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Random statements of an application in team red, and of one without a context: the server goes on
running, nothing of team blue is seen or changed.

First sqlsmith sends statements itself, each undone; then those it made are executed again and kept, and
every value that comes back is looked at. What belongs to blue has "canary" in its texts.
Needs PGHOST, PGPORT, PGUSER, PGDATABASE (with setup.sql loaded) and SAAS_LOG, the server's log.
SQLSMITH_SECONDS: how long all of it takes, about (120)."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import psycopg

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import tap  # noqa: E402

CANARY = "canary"
SECONDS = float(os.environ.get("SQLSMITH_SECONDS", "120")) / 4  # two logins, twice each
LOG = pathlib.Path(os.environ["SAAS_LOG"])
CRASHES = ("was terminated by signal", "TRAP:", "PANIC:", "server process (PID")
TABLES = """
    SELECT c.relname FROM pg_class AS c
    WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""


def look(value):
    """Whether what a query gave back, of whatever type, has the mark of the other team in it."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return CANARY.encode() in bytes(value)
    return CANARY in str(value)


def belongings():
    """A digest of every row that has the mark or belongs to blue, by table; read without policies."""
    with psycopg.connect(autocommit=True) as owner:
        team, user = owner.execute(
            "SELECT t.id, m.user_id FROM saas.teams AS t JOIN saas.team_members AS m ON m.team_id = t.id"
            " WHERE t.slug IN ('blue', 'canary')").fetchone()
        # Every row that names blue or bob in whatever column, and every one with the mark.
        return {name: owner.execute(
            psycopg.sql.SQL("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM saas.{} AS t"
                            " WHERE t::text ~ %s").format(psycopg.sql.Identifier(name)),
            (f"{CANARY}|{team}|{user}",)).fetchone()
            for (name,) in owner.execute(TABLES).fetchall()}


def generate(login, options):
    """Lets sqlsmith send statements as this login: what it sent, and what it said."""
    target = f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} dbname={os.environ['PGDATABASE']} user={login}"
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        run = subprocess.Popen(["sqlsmith", f"--target={target}", "--dump-all-queries", "--verbose", *options],
                               stdout=out, stderr=err, errors="replace")
        time.sleep(SECONDS)
        ended = run.poll()
        run.terminate()
        run.wait()
        out.seek(0)
        err.seek(0)
        statements = [text.strip() for text in out.read().split(";\n")]
        return ended, [text for text in statements if text], err.read()


def replay(login, statements):
    """Executes them, keeps what they changed. Returns how many went through, how many rows came, and what had the mark."""
    good = rows = 0
    found = []
    connection = None
    until = time.monotonic() + SECONDS
    for number, statement in enumerate(statements):
        if time.monotonic() > until:
            break
        if connection is None or connection.closed or number % 50 == 0:
            if connection is not None:
                connection.close()
            connection = psycopg.connect(user=login, autocommit=True, options="-c statement_timeout=500 -c jit=off",
                                         prepare_threshold=None, cursor_factory=psycopg.ClientCursor)
            connection.add_notice_handler(
                lambda notice: found.append(notice.message_primary) if look(notice.message_primary) else None)
        try:
            cursor = connection.execute(statement)
            good += 1
            for row in cursor.fetchmany(2000) if cursor.description else ():
                rows += 1
                if any(look(value) for value in row):
                    found.append(f"{row} from {statement}")
        except psycopg.Error as error:
            if look(error):
                found.append(f"{error} from {statement}")
        except (ValueError, OverflowError):
            good += 1  # a value that Python has no type for, like a date before the year 1
    if connection is not None:
        connection.close()
    return good, rows, found


def one_login(login, options, least_rows):
    ended, statements, said = generate(login, options)
    tap.same(ended, None, f"{login}: sqlsmith ran to the end of its time")
    tap.ok(len(statements) > 20, f"{login}: it made {len(statements)} statements", said[-2000:])
    tap.ok(CANARY not in said, f"{login}: no error that it got names what another team has", said[-2000:])
    good, rows, found = replay(login, statements)
    tap.ok(good > 5 and rows >= least_rows, f"{login}: {good} of them went through again and gave {rows} rows")
    tap.same(found[:5], [], f"{login}: none gave what another team has")


def main():
    started_at = LOG.stat().st_size
    with psycopg.connect(autocommit=True) as owner:
        started = owner.execute("SELECT pg_postmaster_start_time()").fetchone()
        marked = owner.execute("SELECT count(*) FROM saas.fraud_detection_rules AS r, saas.teams AS t, saas.users AS u"
                               " WHERE r::text ~ 'canary' AND t::text ~ 'canary' AND u::text ~ 'canary'").fetchone()[0]
    tap.ok(marked > 0, "what belongs to the other team bears the mark")
    with psycopg.connect(user="sqlsmith_red", autocommit=True) as red:
        tap.same(red.execute("SELECT array_agg(slug) FROM saas.teams").fetchone(), (["red"],), "sqlsmith_red is in team red")
    with psycopg.connect(user="sqlsmith_nobody", autocommit=True) as nobody:
        tap.same(nobody.execute("SELECT array_agg(slug) FROM saas.teams").fetchone(), (None,), "sqlsmith_nobody in none")
    before = belongings()
    one_login("sqlsmith_red", ["--exclude-catalog"], 1)
    one_login("sqlsmith_nobody", ["--exclude-catalog"], 0)
    tap.same(belongings(), before, "no row of the other team has changed")
    with psycopg.connect(autocommit=True) as owner:
        tap.same(owner.execute("SELECT pg_postmaster_start_time()").fetchone(), started, "the server is the same as before")
    with LOG.open(errors="replace") as log:
        log.seek(started_at)
        lines = log.read().splitlines()
    tap.same([line for line in lines if any(mark in line for mark in CRASHES)][:5], [], "no backend crashed, no assertion failed")
    # Queries may write the word themselves only if they had it from somewhere.
    tap.same([line for line in lines if CANARY in line][:5], [], "the server's log names nothing of the other team")


tap.run(main)
