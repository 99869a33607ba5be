#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Recurring revenue, its movements, rates and cohorts against revenue_definitions.py, over random histories: trials, pauses,
missed payments, discounts that end, prices with tax, several currencies, changes at one moment and at the ends of months."""
import json
import random
import uuid
from datetime import date, datetime, timedelta, timezone

import revenue_definitions as means
import tap
from application import connect, new_team, request

backend = connect()
team, user = new_team(backend, "revenue")
ZONES = ["UTC", "America/New_York", "Pacific/Auckland", "Europe/Berlin"]
FIRST, LAST = date(2025, 9, 15), date(2026, 4, 2)
STEPS = {"trialing": ["active", "past_due", "paused", "canceled"], "active": ["past_due", "unpaid", "paused", "canceled", "expired"],
         "past_due": ["active", "unpaid", "canceled"], "unpaid": ["active", "canceled"], "paused": ["active", "canceled"]}


class Undone(Exception):
    pass


def value(statement, *arguments):
    return backend.execute(statement, arguments).fetchone()[0]


def random_history(rng):
    plans = [value("SELECT saas.save_subscription_plan(%s, %s, 'Plan', %s, %s, %s, %s, %s, %s, %s)", team, f"p{n}", *terms)
             for n, terms in enumerate([(4900, "EUR", "month", 1, "licensed", 1900, True), (99999, "EUR", "year", 1, "licensed", 0, False),
                                        (777, "EUR", "week", 2, "licensed", 700, False), (33, "JPY", "day", 1, "licensed", 0, False),
                                        (500, "EUR", "month", 3, "metered", 0, False)])]
    customers = [uuid.UUID(int=rng.getrandbits(128)) for _ in range(5)]
    # The last moment of a month and the first of the next, there and elsewhere.
    edges = [datetime(2025, m, 1, h, tzinfo=timezone.utc) - timedelta(microseconds=u) for m in (10, 11, 12) for h in (0, 4, 11) for u in (0, 1)]
    for _ in range(rng.randint(4, 12)):
        at = rng.choice(edges) if rng.random() < 0.5 else datetime(2025, 9, 20, tzinfo=timezone.utc) + rng.randint(0, 60) * timedelta(hours=11)
        sold = value("SELECT saas.subscribe(%s, %s, %s, %s, %s, %s, %s, %s, %s)", team, rng.choice(customers), rng.choice(plans),
                     rng.randint(0, 3), at, rng.choice([0, 0, 14]), rng.choice([0, 2500, 10000]), rng.choice([0, 900]),
                     rng.choice([None, at, at + timedelta(days=40)]))
        status = value("SELECT status FROM saas.subscriptions WHERE id = %s", sold)
        for _ in range(rng.randint(0, 6)):
            at += rng.choice([timedelta(0), timedelta(hours=5), timedelta(days=9), timedelta(days=31)])
            if status in ("canceled", "expired"):
                break
            way = rng.random()
            if way < 0.5:
                status = rng.choice(STEPS[status])
                backend.execute("SELECT saas.set_subscription_status(%s, %s, %s, %s)", (team, sold, status, at))
            elif way < 0.6:
                backend.execute("SELECT saas.cancel_at_period_end(%s, %s, %s, %s)", (team, sold, rng.random() < 0.6, at))
            else:
                backend.execute("SELECT saas.change_subscription(%s, %s, p_quantity => %s, p_discount_amount => %s, p_discount_ends_at => %s, p_at => %s)",
                                (team, sold, rng.randint(0, 3), rng.choice([0, 500, 4000]), rng.choice([None, at, at + timedelta(days=rng.randint(-9, 40))]), at))


def revenue_is_what_is_written():
    names = ("mrr_movements", "monthly_revenue", "revenue_cohorts", "revenue_proof")
    wrong, seen = {name: [] for name in names}, {name: 0 for name in names}
    kinds = set()

    def compare(name, label, got, want):
        seen[name] += len(want)
        if got != want:
            wrong[name].append(f"{label}\n  got {[g for g in got if g not in want]}\n want {[w for w in want if w not in got]}")

    def one_round(seed):
        random_history(random.Random(seed))
        changes = [json.loads(r[0]) | {"effective_at": r[1], "current_period_end": r[2], "discount_ends_at": r[3]} for r in backend.execute(
            "SELECT to_jsonb(c)::text, c.effective_at, c.current_period_end, c.discount_ends_at FROM saas.subscription_changes AS c")]
        for preset, policy in means.PRESETS.items():
            overrides, ours = {}, dict(policy)
            if seed % 3 == 0:
                overrides, ours = {"churn_at": "requested", "count_trialing": True}, policy | {
                    "churn_at": "requested", "states": policy["states"] | {"trialing"}}
            zone = ZONES[seed % len(ZONES)]
            backend.execute("SELECT saas.set_revenue_policy(%s, %s, %s, %s)", (team, preset, json.dumps(overrides), zone))
            label = f"seed {seed}, {preset}, {zone}"
            moves = means.movements(changes, ours, zone)
            named = sorted((str(m[0]), m[1], m[2].isoformat(), m[3], m[4], means.kind_of(m, moves)) for m in moves)
            kinds.update(n[5] for n in named)
            compare("mrr_movements", label, sorted((str(r[0]), r[1], r[2].astimezone(timezone.utc).isoformat(), *r[3:]) for r in backend.execute(
                "SELECT customer_id, currency, at, mrr_before, mrr_after, kind FROM saas.mrr_movements")), named)
            compare("monthly_revenue", label, backend.execute("SELECT * FROM saas.monthly_revenue(%s, %s, %s)", (team, FIRST, LAST)).fetchall(),
                    means.monthly_revenue(moves, FIRST, LAST, ours, zone))
            compare("revenue_cohorts", label, backend.execute("SELECT * FROM saas.revenue_cohorts(%s, %s, %s)", (team, FIRST, LAST)).fetchall(),
                    means.revenue_cohorts(moves, FIRST, LAST, zone))
            compare("revenue_proof", label, backend.execute("SELECT month FROM saas.revenue_proof").fetchall(), [])

    for seed in range(36):
        try:
            with request(backend, team, user):
                one_round(seed)
                raise Undone
        except Undone:
            pass
    tap.same(kinds, {"new", "expansion", "contraction", "churn", "reactivation"}, "all kinds of movements occur")
    for name in names:
        tap.ok(not wrong[name] and (seen[name] > 500 or name == "revenue_proof"),
               f"{name} is what its definition says, over 36 histories by three presets ({seen[name]} rows)", "\n".join(wrong[name][:2]) or seen[name])


tap.run(revenue_is_what_is_written)
