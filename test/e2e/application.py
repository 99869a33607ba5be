# SPDX-License-Identifier: PostgreSQL
"""How a Python application talks to the database: a connection through the pooler, and one
transaction for each request, in which the backend vouches for the user it has authenticated."""
import contextlib
import os
import uuid

import psycopg


def connect(user="e2e_backend", pool="shared"):
    """Through pgbouncer. prepare_threshold=None: no named statement stays on a shared connection."""
    return psycopg.connect(
        host=os.environ["POOLER_HOST"], port=os.environ["POOLER_PORT"], dbname=pool, user=user,
        prepare_threshold=None)


@contextlib.contextmanager
def request(connection, team, user):
    """One request of a user in a team: context and rights end with the transaction."""
    with connection.transaction():
        connection.execute("SELECT saas.set_context(p_team => %s, p_user => %s)", (team, user))
        connection.execute("SET LOCAL ROLE saas_app")
        yield connection


def new_team(connection, name):
    """A user with a team of their own: (team, user)."""
    mark = uuid.uuid4().hex[:12]
    with connection.transaction():
        user = connection.execute(
            "SELECT saas.create_user(p_email => %s, p_display_name => %s)",
            (f"{name}-{mark}@example.test", name)).fetchone()[0]
        team = connection.execute(
            "SELECT saas.create_team(p_name => %s, p_slug => %s, p_owner => %s)",
            (name, f"{name}-{mark}", user)).fetchone()[0]
    return team, user
