# SPDX-License-Identifier: PostgreSQL
"""Runs statements with a marker in place of a secret, and looks for it in the server's log, in
pg_stat_activity and in pg_stat_statements. The server has every setting that leaks."""
import atexit
import pathlib
import shutil
import subprocess
import tempfile
import uuid

import psycopg

import tap

OWN_SERVER = str(pathlib.Path(__file__).resolve().parent / "lib" / "own_server.sh")
FOLDER = tempfile.mkdtemp(prefix="pg_saas-redaction.")
LEAKING = [
    "shared_preload_libraries=pg_saas,pg_stat_statements,auto_explain",
    "log_statement=all", "log_min_duration_statement=0", "log_parameter_max_length=-1",
    "log_parameter_max_length_on_error=-1", "log_min_messages=debug1", "log_lock_waits=on",
    "deadlock_timeout=50ms", "auto_explain.log_min_duration=0", "auto_explain.log_analyze=on",
    "auto_explain.log_nested_statements=on", "auto_explain.log_verbose=on",
    "pg_stat_statements.track=all", "pg_stat_statements.track_utility=on",
    "max_parallel_workers_per_gather=2", "compute_query_id=on", "fsync=off",
]
HOST = PORT = observer = None


def start(settings=LEAKING, setup=None):
    """Starts a server with these settings, and opens the session that looks at the others."""
    global HOST, PORT, observer
    atexit.register(shutil.rmtree, FOLDER, True)
    atexit.register(subprocess.run, [OWN_SERVER, "stop", FOLDER], check=False)
    HOST, PORT = subprocess.run([OWN_SERVER, "start", FOLDER, *settings], check=True, capture_output=True,
                                text=True).stdout.split()[:2]
    observer = connect()
    if setup:
        observer.execute(setup)


def stop():
    subprocess.run([OWN_SERVER, "stop", FOLDER], check=True)


def connect(**options):
    return psycopg.connect(host=HOST, port=PORT, user="postgres", dbname="postgres",
                           autocommit=True, prepare_threshold=None, **options)


def log():
    return pathlib.Path(FOLDER, "server.log").read_text(errors="replace")


def statements():
    return "\n".join(r[0] for r in observer.execute("SELECT query FROM pg_stat_statements").fetchall())


def activity(pid):
    return "\n".join(r[0] for r in observer.execute(
        "SELECT query FROM pg_stat_activity WHERE pid = %s OR leader_pid = %s", (pid, pid)).fetchall())


def attempt(connection, sql, marker, arguments=None, prepare=None, count=1):
    connection.prepare_threshold = 0 if prepare else None  # None prepares nothing, whatever is asked for
    for _ in range(count):
        try:
            cursor = connection.execute(sql.replace("MARK", marker), arguments, prepare=prepare)
            while cursor.nextset():
                pass
        except psycopg.Error as error:
            last = error
        else:
            last = None
    return last


def places(marker, pid):
    seen = {"log": log(), "pg_stat_statements": statements(), "pg_stat_activity": activity(pid)}
    return [f"{place}: {line}" for place, text in seen.items()
            for line in text.splitlines() if marker in line]


def marker():
    return "mk" + uuid.uuid4().hex[:20]


def hidden(name, *steps, arguments=None, prepare=None, count=1, fails=False):
    """Runs the steps in a session of their own; the marker in them is nowhere to be found."""
    mark = marker()
    with connect() as connection:
        errors = [attempt(connection, sql, mark, arguments and [a.replace("MARK", mark) if
                          isinstance(a, str) else a for a in arguments], prepare, count)
                  for sql in steps]
        found = places(mark, connection.info.backend_pid)
        tap.ok(not found, f"hidden: {name}", "\n".join(found[:8]))
        failed = [e for e in errors if e]
        tap.ok(bool(failed) == fails, f"        {name}: {'fails' if fails else 'succeeds'}", failed)
    return mark
