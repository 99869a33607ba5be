#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Tenancy as an application meets it, over one server connection that all clients share."""
import psycopg

import tap
from application import connect, new_team, request

backend = connect()
ada_team, ada = new_team(backend, "ada")
bob_team, bob = new_team(backend, "bob")

SEEN = "SELECT array_agg(id) FROM saas.teams"
CONTEXT = "SELECT saas.current_team_id(), saas.current_user_id(), saas.current_team_role()"


def seen(connection):
    return connection.execute(SEEN).fetchone()[0]


def a_request_sees_its_own_team():
    with request(backend, ada_team, ada):
        tap.same(seen(backend), [ada_team], "a member sees the own team and no other")
        tap.same(backend.execute(CONTEXT).fetchone(), (ada_team, ada, "owner"),
                 "and acts there with the own role")
        tap.same(backend.execute("SELECT count(*) FROM saas.team_members WHERE team_id = %s",
                                 (bob_team,)).fetchone(), (0,),
                 "asking for another team's rows finds none")
        tap.same(backend.execute("UPDATE saas.teams SET name = 'taken' WHERE id = %s",
                                 (bob_team,)).rowcount, 0, "changing another team changes nothing")
        tap.same(backend.execute("UPDATE saas.teams SET name = 'Ada & Co' WHERE id = %s",
                                 (ada_team,)).rowcount, 1, "an owner renames the own team")


def nothing_is_left_behind():
    stranger = connect()
    with stranger.transaction():
        stranger_pid = stranger.execute("SELECT pg_backend_pid()").fetchone()
    with request(backend, ada_team, ada):
        tap.same(backend.execute("SELECT pg_backend_pid()").fetchone(), stranger_pid,
                 "both clients are on one server connection")
    with stranger.transaction():
        tap.same((stranger.execute(CONTEXT).fetchone(), seen(stranger)), ((None, None, None), None),
                 "attack 19: after COMMIT the next client has no context and sees nothing")

    with request(backend, ada_team, ada):
        raise psycopg.Rollback()
    with stranger.transaction():
        tap.same((stranger.execute(CONTEXT).fetchone(), seen(stranger)), ((None, None, None), None),
                 "attack 19: after ROLLBACK neither")

    with tap.refused("22012", "a request fails half-way"):
        with request(backend, ada_team, ada):
            backend.execute("SELECT 1 / 0")
    with stranger.transaction():
        tap.same((stranger.execute(CONTEXT).fetchone(), seen(stranger)), ((None, None, None), None),
                 "after a failed transaction neither")
    stranger.close()


def a_context_cannot_be_forged():
    for forged in ("nonsense", f"v1.{ada_team}.{ada}.owner.0.1.{'0' * 64}"):
        with tap.refused("SA020", f"attack 17: SET saas.context = '{forged[:11]}…' is refused"):
            with backend.transaction():
                # SET takes no parameters
                backend.execute(psycopg.sql.SQL("SET saas.context = {}").format(forged))

    # A client keeps the genuine text and puts it back later, for the whole session even.
    with request(backend, ada_team, ada):
        genuine = backend.execute("SELECT current_setting('saas.context')").fetchone()[0]
        tampered = genuine.replace(".owner.", ".service.")
        tap.ok(tampered != genuine, "the text names the role")
    with tap.refused("SA020", "a genuine context with another role is refused"):
        with backend.transaction():
            backend.execute("SELECT set_config('saas.context', %s, false)", (tampered,))
    with backend.transaction():
        backend.execute("SELECT set_config('saas.context', %s, false)", (genuine,))
        tap.same((backend.execute(CONTEXT).fetchone(), seen(backend)), ((None, None, None), None),
                 "a genuine context of an earlier transaction counts for nothing")
    with request(backend, bob_team, bob):
        tap.same(seen(backend), [bob_team], "and does not stand in the way of the next request")
    with backend.transaction():
        backend.execute("RESET saas.context")


def only_vouchers_vouch():
    guest = connect("e2e_guest")
    with tap.refused("42501", "saas_app alone may not call set_context"):
        with guest.transaction():
            guest.execute("SELECT saas.set_context(%s, %s)", (ada_team, ada))
    guest.rollback()
    for role in ("saas_service", "saas_internal", "saas_migrator", "postgres"):
        with tap.refused("42501", f"attack 18: nor become {role} from the pooled login"):
            with guest.transaction():
                guest.execute("RESET ROLE")
                guest.execute(f"SET LOCAL ROLE {role}")
    with guest.transaction():
        tap.same(seen(guest), None, "and sees nothing")
    with guest.transaction():
        guest.execute("SET LOCAL saas.context = ''")
    with guest.transaction():
        tap.same((guest.execute("SELECT current_setting('saas.context')").fetchone(), seen(guest)), (("",), None),
                 "attack 20: after SET LOCAL an empty context is left, which is none")
    with tap.refused("42501", "nor may it sign one"):
        with guest.transaction():
            guest.execute("SELECT saas.sign_context(%s, %s, 'owner')", (ada_team, ada))
    with tap.refused("42501", "nor read the key"):
        with guest.transaction():
            guest.execute("SELECT key FROM saas.context_keys")
    guest.close()

    with tap.refused("42501", "nobody is vouched for in a team they are not in"):
        with request(backend, bob_team, ada):
            pass
    with tap.refused("42501", "within a request the team functions of another team are closed"):
        with request(backend, ada_team, ada):
            backend.execute("SELECT saas.add_team_member(%s, %s, 'owner')", (bob_team, ada))


tap.run(a_request_sees_its_own_team, nothing_is_left_behind, a_context_cannot_be_forged,
        only_vouchers_vouch)
