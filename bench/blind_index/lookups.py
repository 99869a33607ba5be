#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""CPU time of the backend for look-ups by prepared statements with generic plans, the kinds by turns in one session.
Prints one line a figure: what, median, unit, range, compared with. Separated by tabs."""
import random
import statistics
import sys

import psycopg

ROWS, TEAM = int(sys.argv[1]), sys.argv[2]
ROUNDS, LOOKUPS = 9, 3000
INDEX = "saas.blind_index(%(email)s, 'blind_bench.blind'::regclass, 'email', 63, %(team)s)"
STATEMENTS = {
    "plain": "SELECT p.id, p.email FROM blind_bench.plain AS p WHERE p.team_id = %(team)s AND p.email = %(email)s",
    "blind": f"SELECT b.id, b.email FROM blind_bench.blind AS b WHERE b.team_id = %(team)s AND b.email_index = {INDEX}",
    "blind_decrypt": "SELECT b.id, saas.decrypt_sensitive_data(b.email, 'blind_bench.blind'::regclass, 'email', b.id, %(team)s)"
                     f" FROM blind_bench.blind AS b WHERE b.team_id = %(team)s AND b.email_index = {INDEX}",
}
CPU = "SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint"

with psycopg.connect("", autocommit=True, prepare_threshold=0) as connection:
    connection.execute("SET plan_cache_mode = force_generic_plan")
    cursor = connection.cursor(binary=True)

    def microseconds(statement):
        keys = [{"team": TEAM, "email": f"user{random.randint(1, ROWS)}@example.org"} for _ in range(LOOKUPS)]
        before = connection.execute(CPU).fetchone()[0]
        for key in keys:
            if len(cursor.execute(statement, key).fetchall()) != 1:
                sys.exit("a look-up did not find its row")
        return (connection.execute(CPU).fetchone()[0] - before) / 1000 / LOOKUPS

    times = {kind: [] for kind in STATEMENTS}
    for number in range(ROUNDS + 1):
        for kind, statement in STATEMENTS.items():
            spent = microseconds(statement)
            if number > 0:  # the first round fills the caches
                times[kind].append(spent)

plain = statistics.median(times["plain"])
print("Look-up by a plain index", f"{plain:.2f}", "µs CPU", f"{min(times['plain']):.2f} to {max(times['plain']):.2f}", "", sep="\t")
for kind, what in (("blind", "Look-up by a blind index"), ("blind_decrypt", "Look-up by a blind index, with decrypting")):
    mine = statistics.median(times[kind])
    print(what, f"{mine:.2f}", "µs CPU", f"{min(times[kind]):.2f} to {max(times[kind]):.2f}",
          f"{plain / mine:.2f} of the rate of a plain index", sep="\t")
