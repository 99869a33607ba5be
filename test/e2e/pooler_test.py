#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""What holds with Debian's pgbouncer in transaction pooling, and what does not: the ground that the
other tests stand on."""
import os

import psycopg

import tap


def pooler(database="shared", **options):
    return psycopg.connect(
        host=os.environ["POOLER_HOST"], port=os.environ["POOLER_PORT"], dbname=database,
        user="e2e_worker", **options)


def transactions_share_a_server_connection():
    with pooler(autocommit=True) as one, pooler(autocommit=True) as two:
        tap.same(one.execute("SELECT pg_backend_pid()").fetchone(),
                 two.execute("SELECT pg_backend_pid()").fetchone(),
                 "two clients of pool 'shared' get the same server connection")


def prepared_statements():
    with psycopg.connect(user="e2e_worker", autocommit=True) as direct:
        for number in range(3):
            row = direct.execute("SELECT %s::int + 1", (number,), prepare=True).fetchone()
        tap.same(row, (3,), "a named prepared statement works without the pooler")
        tap.same(direct.execute("SELECT count(*) FROM pg_prepared_statements").fetchone(), (1,),
                 "and it is one named statement on the server")
    # prepare_threshold=None keeps psycopg from naming statements: parameters still travel apart from
    # the text, but nothing stays behind on a server connection that the next client gets.
    with pooler(autocommit=True, prepare_threshold=None) as pooled:
        for number in range(10):
            row = pooled.execute("SELECT %s::int + 1", (number,)).fetchone()
        tap.same(row, (10,), "unnamed statements with parameters work through the pooler")
        tap.same(pooled.execute("SELECT count(*) FROM pg_prepared_statements").fetchone(), (0,),
                 "and leave no statement on the shared server connection")


tap.run(transactions_share_a_server_connection, prepared_statements)
