#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Credentials as an application presents them, over one server connection that all clients share: what they
open, that nothing stays behind, how use is counted, and that no secret reaches the server's log."""
import os

import psycopg

import tap
from application import connect, new_team, request

backend = connect()
guest = connect("e2e_guest")
team, user = new_team(backend, "carla")
other_team, other_user = new_team(backend, "dora")
PASSWORD = "a password nobody else has"
CONTEXT = "SELECT saas.current_team_id(), saas.current_team_role(), saas.current_scopes()"


def make_key(**arguments):
    names = ", ".join(f"{name} => %s" for name in arguments)
    with request(backend, team, user):
        return backend.execute(
            f"SELECT api_key_id, token FROM saas.create_api_key(p_team => %s, {names})",
            (team, *arguments.values())).fetchone()


def a_key_opens_its_team_for_one_transaction():
    _, key = make_key(p_name="reports", p_scopes=["reports:read"], p_role="viewer")
    with guest.transaction():
        guest.execute("SELECT saas.authenticate(%s)", (key,))
        tap.same(guest.execute(CONTEXT).fetchone(), (team, "viewer", ["reports:read"]),
                 "an application without the right to vouch acts by a key")
        tap.same(guest.execute("SELECT array_agg(id) FROM saas.teams").fetchone(), ([team],),
                 "in the key's team only")
        genuine = guest.execute("SELECT current_setting('saas.context')").fetchone()[0]
    with backend.transaction():
        tap.same(backend.execute(CONTEXT).fetchone(), (None, None, None),
                 "the next client on the connection has nothing of it")
    with guest.transaction():
        guest.execute("SELECT set_config('saas.context', %s, false)", (genuine,))
        tap.same(guest.execute(CONTEXT).fetchone(), (None, None, None),
                 "the genuine text is worth nothing in another transaction")
        guest.execute("RESET saas.context")
    with connect("e2e_guest", "pooled") as elsewhere, elsewhere.transaction():
        elsewhere.execute("SELECT set_config('saas.context', %s, true)", (genuine,))
        tap.same(elsewhere.execute(CONTEXT).fetchone(), (None, None, None), "nor in another session")
    for changed in (genuine.replace("=reports:read", "=*"), genuine.replace("=reports:read", "-"),
                    genuine.replace(".viewer.", ".admin."), genuine.replace(str(team), str(other_team))):
        with tap.refused("SA020", "a context that was changed is an error"):
            with guest.transaction():
                guest.execute("SELECT set_config('saas.context', %s, true)", (changed,))


def what_a_rollback_does_not_undo():
    with backend.transaction():
        # NULL without shared memory
        preloaded = backend.execute("SELECT saas.api_key_calls_lost()").fetchone()[0] is not None
    key_id, key = make_key(p_name="limited", p_rate_limit=2, p_rate_period="1 hour")
    outcomes = []
    for _ in range(4):
        try:
            with guest.transaction():
                guest.execute("SELECT saas.authenticate_api_key(%s)", (key,))
                outcomes.append("let in")
                raise psycopg.Rollback()
        except psycopg.Error as error:
            outcomes.append(error.sqlstate)
    if not preloaded:
        tap.same(outcomes, ["let in"] * 4, "without shared memory a rollback takes calls back")
        return
    tap.same(outcomes, ["let in", "let in", "SA123", "SA123"], "calls count also when the request is rolled back")
    usage = ("SELECT accepted, refused, limited FROM saas.api_key_usage_logs"
             " WHERE team_id = %s AND api_key_id = %s")
    with backend.transaction():
        backend.execute("SET LOCAL ROLE saas_service")
        backend.execute("SELECT saas.flush_api_key_usage()")
        raise psycopg.Rollback()
    with request(backend, team, user):
        tap.same(backend.execute(usage, (team, key_id)).fetchall(), [], "a flush that is rolled back writes nothing")
    with backend.transaction():
        with backend.transaction():
            backend.execute("SELECT saas.flush_api_key_usage()")
            raise psycopg.Rollback()
        backend.execute("SELECT saas.flush_api_key_usage()")
    with request(backend, team, user):
        tap.same(backend.execute(usage, (team, key_id)).fetchall(), [(2, 0, 2)],
                 "and loses nothing: the next one writes all calls, as one row")


def a_key_works_where_nothing_can_be_written():
    _, key = make_key(p_name="reader")
    with guest.transaction():
        guest.execute("SET TRANSACTION READ ONLY")
        guest.execute("SELECT saas.authenticate_api_key(%s)", (key,))
        tap.same(guest.execute("SELECT saas.current_team_id()").fetchone(), (team,), "in a read-only transaction")


def no_secret_reaches_the_log():
    _, key = make_key(p_name="secret")
    with backend.transaction():
        backend.execute("SELECT saas.set_password(%s, p_user => %s)", (PASSWORD, user))
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    attempts = (
        ("SELECT saas.authenticate_api_key(%s)", (wrong,), "SA120"),
        ("SELECT saas.authenticate(%s)", (wrong,), "SA120"),
        ("SELECT saas.authenticate(%s, %s)", (key, other_team), "42501"),
        ("SELECT saas.authenticate(%s)", ("ses_" + "5" * 64,), "SA030"),
        ("SELECT saas.reset_password(%s, %s)", ("rst_" + "6" * 64, PASSWORD), "SA127"),
        ("SELECT saas.sign_in_by_link(%s)", ("lnk_" + "7" * 64,), "SA127"),
        ("SELECT saas.set_password(%s)", (PASSWORD * 4,), "42501"),
        ("SELECT saas.verify_password(%s, %s), 1 / 0", ("x@example.test", PASSWORD), "22012"),
    )
    for statement, arguments, sqlstate in attempts:
        with tap.refused(sqlstate, statement):
            with guest.transaction():
                guest.execute(statement, arguments)
    with open(os.environ["SAAS_LOG"], encoding="utf-8", errors="replace") as log:
        text = log.read()
    tap.ok("SA120" in text or "mistyped" in text, "the failures are in the log")
    for name, secret in (("API key", key[24:60]), ("session", "5" * 64), ("token", "6" * 64), ("link", "7" * 64),
                         ("password", PASSWORD)):
        tap.ok(secret not in text, f"the log has no {name} in it")


tap.run(a_key_opens_its_team_for_one_transaction, what_a_rollback_does_not_undo,
        a_key_works_where_nothing_can_be_written, no_secret_reaches_the_log)
