#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""The database as PostgREST drives it: one login that has no rights of its own, and for each request a
transaction that takes on the role of the token and leaves its claims in request.jwt.claims."""
import contextlib
import json
import os
import uuid

import psycopg

import tap
from application import connect, new_team

ROLES = """
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF pg_catalog.to_regrole(v_role) IS NULL THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', v_role);
        END IF;
    END LOOP;
    IF pg_catalog.to_regrole('authenticator') IS NULL THEN
        CREATE ROLE authenticator LOGIN NOINHERIT;
    END IF;
    GRANT anon, authenticated, service_role TO authenticator;
    ALTER ROLE authenticator RESET saas.trusted_settings; -- of an earlier run in this cluster
END
$$
"""
CONTEXT = "SELECT saas.current_team_id(), saas.current_user_id(), saas.current_team_role()"
NOBODY = (None, None, None)

owner = psycopg.connect(user=os.environ["PGUSER"], autocommit=True)
owner.execute(ROLES)
backend = connect()
ada_team, ada = new_team(backend, "ada")
bob_team, bob = new_team(backend, "bob")
backend.close()


def authenticator():
    """A connection of PostgREST's pool. The database honours claims for this login only."""
    return psycopg.connect(user="authenticator", prepare_threshold=None)


@contextlib.contextmanager
def request(connection, role, claims):
    """One HTTP request: what PostgREST sends before the statement."""
    text = claims if isinstance(claims, str) else json.dumps(claims)
    with connection.transaction():
        connection.execute(
            "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true),"
            " set_config('request.method', 'GET', true)", (role, text))
        yield connection


def seen(connection):
    return connection.execute(
        "SELECT (SELECT array_agg(id) FROM saas.teams), (SELECT array_agg(id) FROM saas.users)"
    ).fetchone()


def context(connection):
    return connection.execute(CONTEXT).fetchone()


def token(user, **claims):
    return {"sub": str(user), "role": "authenticated", "exp": 4000000000, **claims}


def the_roles_are_mapped():
    before = owner.execute("SELECT pg_has_role('authenticated', 'saas_app', 'MEMBER')").fetchone()
    rows = owner.execute("SELECT * FROM saas.map_supabase_roles()").fetchall()
    if before == (False,):
        tap.same(rows, [("anon", "saas_anonymous", "inherits"), ("anon", "saas_anonymous", "granted"),
                        ("authenticated", "saas_app", "inherits"), ("authenticated", "saas_app", "granted"),
                        ("service_role", "saas_service", "inherits"), ("service_role", "saas_service", "granted")],
                 "map_supabase_roles() says what it did")
    tap.same(owner.execute("SELECT * FROM saas.map_supabase_roles()").fetchall(), [],
             "and has nothing to do the second time")
    tap.same(owner.execute(
        "SELECT pg_has_role('anon', 'saas_anonymous', 'USAGE'), pg_has_role('authenticated', 'saas_app', 'USAGE'),"
        " pg_has_role('service_role', 'saas_service', 'USAGE'), pg_has_role('anon', 'saas_app', 'MEMBER'),"
        " pg_has_role('authenticated', 'saas_service', 'MEMBER')").fetchone(),
        (True, True, True, False, False), "each role has the rights of its counterpart and no others")
    with tap.refused("42501", "an application may not map roles"):
        with psycopg.connect(user="e2e_guest", autocommit=True) as guest:
            guest.execute("SELECT * FROM saas.map_supabase_roles()")


def claims_count_only_when_switched_on():
    with authenticator() as connection:
        with request(connection, "authenticated", token(ada, team_id=str(ada_team))):
            tap.same((context(connection), seen(connection)), (NOBODY, (None, None)),
                     "claims count for nothing before the owner trusts them")
        with tap.refused("42501", "the login cannot switch it on itself"):
            with connection.transaction():
                connection.execute("SET saas.trusted_settings = 'jwt'")
    owner.execute("ALTER ROLE authenticator SET saas.trusted_settings = 'jwt'")


def a_request_sees_its_own_team():
    with authenticator() as connection:
        for name, claims in (
                ("team_id", token(ada, team_id=str(ada_team))),
                ("app_metadata.team_id", token(ada, app_metadata={"provider": "email", "team_id": str(ada_team)}))):
            with request(connection, "authenticated", claims):
                tap.same(context(connection), (ada_team, ada, "owner"),
                         f"the claims sub and {name} make the context, with the role of the membership")
                tap.same(seen(connection), ([ada_team], [ada]), "the own rows are seen and no others")
                tap.same(connection.execute("SELECT count(*) FROM saas.team_members WHERE team_id = %s",
                                            (bob_team,)).fetchone(), (0,), "none of another team")
                tap.same(connection.execute("UPDATE saas.teams SET name = 'taken' WHERE id = %s",
                                            (bob_team,)).rowcount, 0, "nor are they changed")
            with connection.transaction():
                connection.execute("SET LOCAL ROLE authenticated")
                tap.same((context(connection), seen(connection)), (NOBODY, (None, None)),
                         "the next transaction on the connection has no context and sees nothing")
        with request(connection, "authenticated", token(bob, team_id=str(bob_team))):
            tap.same((context(connection), seen(connection)), ((bob_team, bob, "owner"), ([bob_team], [bob])),
                     "the next user on the connection sees the own team")


def wrong_claims_are_nobody():
    wrong = {
        "a user who is not in the team": token(ada, team_id=str(bob_team)),
        "a team that does not exist": token(ada, team_id=str(uuid.uuid4())),
        "a user who does not exist": token(uuid.uuid4(), team_id=str(ada_team)),
        "no team": token(ada),
        "no user": {"role": "authenticated", "team_id": str(ada_team)},
        "a team in user_metadata, which users write": token(ada, user_metadata={"team_id": str(ada_team)}),
        "a foreign team before the own": token(ada, team_id=str(bob_team), app_metadata={"team_id": str(ada_team)}),
        "a team that is a number": token(ada, team_id=1),
        "a malformed team": token(ada, team_id="' OR true --"),
        "no JSON": "{", "an array": "[]", "a string": '"x"', "null": "null", "nothing": "",
        "JSON and more": json.dumps(token(ada, team_id=str(ada_team))) + "}",
        "deep nesting": "[" * 20000,
        "too long": json.dumps(token(ada, team_id=str(ada_team), pad="x" * 70000)),
    }
    with authenticator() as connection:
        for name, claims in wrong.items():
            with request(connection, "authenticated", claims):
                tap.same((context(connection), seen(connection)), (NOBODY, (None, None)), f"nobody: {name}")
        with request(connection, "authenticated", token(ada, team_id=str(ada_team))):
            connection.execute("SELECT set_config('app.current_user_id', %s, true),"
                               " set_config('app.current_team_id', %s, true)", (str(bob), str(bob_team)))
            tap.same(context(connection), (ada_team, ada, "owner"), "settings app.… count for nothing beside claims")


def roles_keep_their_place():
    with authenticator() as connection:
        with tap.refused("42501", "anon reads nothing, whatever the claims"):
            with request(connection, "anon", token(ada, team_id=str(ada_team))):
                seen(connection)
        with tap.refused("42501", "without a role the login has no rights"):
            with connection.transaction():
                connection.execute("SELECT * FROM saas.teams")
        with tap.refused("42501", "authenticated does not vouch for users"):
            with request(connection, "authenticated", token(ada, team_id=str(ada_team))):
                connection.execute("SELECT saas.set_context(%s, %s)", (bob_team, bob))
        with request(connection, "authenticated", token(ada, team_id=str(ada_team))):
            tap.same(connection.execute("SELECT count(*) FROM saas.team_directory(%s)", (ada_team,)).fetchone(), (1,),
                     "functions work as remote procedures")
        with tap.refused("42501", "and are closed for another team"):
            with request(connection, "authenticated", token(ada, team_id=str(ada_team))):
                connection.execute("SELECT * FROM saas.team_directory(%s)", (bob_team,))


def suspended_members_are_nobody():
    with psycopg.connect(user="e2e_backend") as own:
        with own.transaction():
            own.execute("SELECT saas.set_context(%s, %s)", (ada_team, ada))
            own.execute("SELECT saas.add_team_member(%s, %s)", (ada_team, bob))
        with authenticator() as connection:
            claims = token(bob, team_id=str(ada_team))
            with request(connection, "authenticated", claims):
                tap.same(context(connection), (ada_team, bob, "member"), "a new member is one with the next request")
            with own.transaction():
                own.execute("SELECT saas.set_context(%s, %s)", (ada_team, ada))
                own.execute("SELECT saas.change_team_member(%s, %s, NULL, 'suspended')", (ada_team, bob))
            with request(connection, "authenticated", claims):
                tap.same((context(connection), seen(connection)), (NOBODY, (None, None)),
                         "a suspended one is nobody, though the token is still good")


tap.run(the_roles_are_mapped, claims_count_only_when_switched_on, a_request_sees_its_own_team,
        wrong_claims_are_nobody, roles_keep_their_place, suspended_members_are_nobody)
