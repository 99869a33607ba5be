#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Figures of the package against metrics_definitions.py, over random data of hostile shapes: events at one moment, gaps
and windows hit exactly and missed by a microsecond, repeated and unknown steps, days on which clocks change."""
import json
import math
import random
import uuid
from datetime import date, datetime, timedelta, timezone

import metrics_definitions as means
import tap
from application import connect, new_team, request

backend = connect()
team, user = new_team(backend, "truth")
TICK = timedelta(microseconds=1)
GAP, WINDOW = timedelta(minutes=30), timedelta(hours=2)
# Where clocks change at midnight, at 0:01, by half an hour, in the wrong direction, or a whole day is left out.
PLACES = [("UTC", date(2024, 2, 28)), ("Europe/Berlin", date(2025, 3, 30)), ("Europe/Berlin", date(2025, 10, 26)),
          ("America/New_York", date(2025, 11, 2)), ("America/Sao_Paulo", date(2018, 11, 4)),
          ("America/Sao_Paulo", date(2018, 2, 18)), ("America/St_Johns", date(2010, 11, 7)), ("Pacific/Apia", date(2011, 12, 30)),
          ("Australia/Lord_Howe", date(2025, 4, 6)), ("Asia/Kathmandu", date(2024, 12, 31)), ("Africa/Cairo", date(2024, 10, 31))]


class Undone(Exception):
    pass


def in_a_team_of_its_own(body):
    """Runs body() for a member; nothing of it stays."""
    try:
        with request(backend, team, user):
            body()
            raise Undone
    except Undone:
        pass


def rows(statement, *arguments):
    return backend.execute(statement, arguments).fetchall()


def random_events(rng, start):
    """Events about a day's begin, each some round time, or just that gap or window, after another."""
    times = [start + timedelta(hours=rng.randint(-60, 60))]
    for _ in range(rng.randint(0, 34)):
        step = rng.choice([timedelta(0), timedelta(0), GAP, GAP + TICK, GAP - TICK, WINDOW, WINDOW + TICK, timedelta(minutes=5),
                           timedelta(minutes=59), timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30), -GAP])
        times.append(rng.choice(times) + step)
    times += [start, start - TICK]
    actors = [uuid.UUID(int=rng.getrandbits(128)) for _ in range(rng.randint(1, 5))]
    events = []
    for at in times:
        name, properties = rng.choice("aabbcd"), {}
        if rng.random() < 0.25:
            name = "experiment.exposed"
            properties = {"experiment": rng.choice("xxy")} | rng.choice([{"variant": "p"}, {"variant": "q"}, {"variant": "q"}, {}])
        events.append((rng.choice(actors), name, at, properties))
    return events


def record(events, zone):
    backend.execute("SELECT saas.set_revenue_policy(%s, 'stripe', '{}', %s)", (team, zone))
    backend.execute("SELECT saas.record_product_events(%s, %s)", (team, json.dumps(
        [{"actor_id": str(a), "name": n, "at": at.isoformat(), "properties": p} for a, n, at, p in events])))
    # In the order of time, and what is of one moment in the order in which it was recorded.
    return sorted(events, key=lambda e: e[2])


def close(got, want):
    return got == want or (isinstance(got, float) and isinstance(want, float)
                           and math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-12))


def same_row(got, want):
    return len(got) == len(want) and all(close(g, w) for g, w in zip(got, want))


def events_mean_what_is_written():
    names = ("active_users", "retention_cohorts", "product_sessions", "session_summary", "funnel", "feature_adoption", "ab_test_result")
    wrong, seen = {name: [] for name in names}, {name: 0 for name in names}

    def compare(name, seed, got, want):
        seen[name] += len(want)
        if len(got) != len(want) or not all(same_row(g, w) for g, w in zip(got, want)):
            wrong[name].append(f"seed {seed}\n  got {got}\n want {want}")

    def one_round(seed):
        rng = random.Random(seed)
        zone, day = PLACES[seed % len(PLACES)]
        start = means.day_begin(day, zone)
        events = record(random_events(rng, start), zone)
        first, last = day - timedelta(days=rng.randint(0, 9)), day + timedelta(days=rng.randint(0, 9))
        since, until = (rng.choice([start, start + WINDOW, rng.choice(events)[2]]) + timedelta(days=n) for n in (-3, 4))
        compare("active_users", seed, rows("SELECT * FROM saas.active_users(%s, %s, %s)", team, first, last),
                means.active_users(events, first, last, zone))
        period = rng.choice(["day", "week", "month"])
        compare("retention_cohorts", seed, rows("SELECT * FROM saas.retention_cohorts(%s, %s, %s, %s)", team, first, last, period),
                means.retention_cohorts(events, first, last, period, zone))
        gap = rng.choice([GAP, TICK, timedelta(days=1)])
        compare("product_sessions", seed, rows("SELECT * FROM saas.product_sessions(%s, %s, %s, %s)", team, since, until, gap),
                means.sessions(events, since, until, gap))
        compare("session_summary", seed, rows("SELECT * FROM saas.session_summary(%s, %s, %s, %s)", team, since, until, gap),
                [means.session_summary(events, since, until, gap)])
        steps = [rng.choice("aabbcdz") for _ in range(rng.randint(1, 4))]
        window = rng.choice([WINDOW, timedelta(0), GAP, timedelta(days=2)])
        compare("funnel", seed, rows("SELECT * FROM saas.funnel(%s, %s, %s, %s, %s)", team, steps, since, until, window),
                means.funnel(events, steps, since, until, window))
        compare("feature_adoption", seed, rows("SELECT * FROM saas.feature_adoption(%s, %s, %s)", team, since, until),
                means.feature_adoption(events, since, until))
        compare("ab_test_result", seed, sorted(rows(
            "SELECT variant, users, conversions FROM saas.ab_test_result(%s, 'x', 'a', %s, %s, 'p', %s)", team, since, until, window)),
            means.experiment(events, "x", "a", since, until, window))

    for seed in range(330):
        in_a_team_of_its_own(lambda s=seed: one_round(s))
    for name in names:
        tap.ok(not wrong[name] and seen[name] > 100, f"{name}() is what its definition says, over 330 sets of events ({seen[name]} rows)",
               "\n".join(wrong[name][:2]) or seen[name])


def shares_are_compared():
    rng, wrong = random.Random(5), []
    cases = [(0, 1, 0, 1), (1, 1, 1, 1), (0, 1, 1, 1), (0, 10 ** 9, 10 ** 9, 10 ** 9), (5, 10, 5, 10)]
    while len(cases) < 300:
        na, nb = (rng.choice([1, 3, 20, 1000, 10 ** 6]) + rng.randint(0, 5) for _ in range(2))
        cases.append((rng.randint(0, na), na, rng.randint(0, nb), nb))
    with request(backend, team, user):
        for case in cases:
            confidence = rng.choice([0.5, 0.9, 0.95, 0.999])
            got = rows("SELECT z, p_value, lower, upper, reliable, significant FROM saas.conversion_test(%s, %s, %s, %s, %s)", *case, confidence)[0]
            want = means.compare(*case, confidence)
            if not same_row(got, (*want, want[1] < 1 - confidence)):
                wrong.append(f"{case} {confidence}: {got}, not {want}")
    tap.ok(not wrong, "conversion_test() is the pooled z test with Newcombe's interval, over 300 pairs", "\n".join(wrong[:3]))


def services_are_judged():
    rng, wrong, near = random.Random(6), [], []
    with request(backend, team, user):
        for _ in range(200):
            threshold = rng.choice([1.0, 250.0, 500.5])
            durations = [rng.choice([0.0, threshold, threshold * 4, math.nextafter(threshold, 9e9), math.nextafter(threshold * 4, 9e9),
                                     rng.lognormvariate(math.log(threshold), 1)]) for _ in range(rng.randint(0, 40))]
            exact = means.apdex(durations, threshold)
            got, sketched = rows("SELECT saas.apdex(%s::float8[], %s), (SELECT saas.apdex(saas.quantile_sketch(d), %s) FROM unnest(%s::float8[]) AS d)",
                                 durations, threshold, threshold, durations)[0]
            if got != means.rounded(exact, 4):
                wrong.append(f"{durations} {threshold}: {got}, not {exact}")
            if durations and not means.rounded(exact, 4) <= sketched <= means.rounded(means.apdex(durations, threshold * 65 / 64), 4):
                near.append(f"{durations} {threshold}: {sketched}")
            requests = rng.choice([0, 1, 7, 10 ** 6])
            errors, objective = rng.randint(0, requests), rng.choice(["0.9", "0.999", "0.00001", "0.99999"])
            got = rows("SELECT saas.burn_rate(%s, %s, %s::numeric)", errors, requests, objective)[0][0]
            if got != means.rounded(means.burn_rate(errors, requests, objective), 2):
                wrong.append(f"{errors} of {requests} at {objective}: {got}")
    tap.ok(not wrong, "apdex() and burn_rate() are exact, over 200 sets of durations", "\n".join(wrong[:3]))
    tap.ok(not near, "of a sketch, Apdex counts at most those up to 1/64 above its threshold as well", "\n".join(near[:3]))


def budgets_burn():
    wrong, seen = [], 0
    now = datetime(2025, 6, 1, tzinfo=timezone.utc)

    def one_round(seed):
        nonlocal seen
        rng = random.Random(seed)
        edges = [window for row in means.BURN_WINDOWS for window in row[1:3]]
        measured = []
        for _ in range(rng.randint(1, 25)):
            at = now - rng.choice(edges) + rng.choice([-TICK, timedelta(0), TICK, timedelta(minutes=3)])
            requests = rng.randint(0, 40)
            measured.append((rng.choice(["api", "web"]), at, requests, rng.choice([0, requests, rng.randint(0, requests)])))
        for service, at, requests, errors in measured + [("api", now, 9, 9)]:
            backend.execute("SELECT saas.record_service_measurement(%s, %s, array_fill(1::float8, ARRAY[%s]), %s, p_at => %s)",
                            (team, service, requests, errors, at))
        objective = rng.choice(["0.999", "0.95", "0.8"])
        got = rows("SELECT * FROM saas.slo_alerts(%s, %s, %s::numeric)", team, now, objective)
        want = means.slo_alerts(measured, now, objective)
        seen += len(want)
        if got != want:
            wrong.append(f"seed {seed}\n  got {got}\n want {want}")

    for seed in range(120):
        in_a_team_of_its_own(lambda s=seed: one_round(s))
    tap.ok(not wrong and seen > 50, f"slo_alerts() looks at both windows, over 120 sets of measurements ({seen} alerts)", "\n".join(wrong[:2]) or seen)


def series_are_scored():
    rng, wrong = random.Random(7), {"seasonal_scores": [], "moving_scores": [], "series_levels": []}
    with request(backend, team, user):
        for _ in range(220):
            kind = rng.choice(["smooth", "ties", "steps", "constant"])
            values = [{"smooth": rng.gauss(5, 2), "ties": float(rng.randint(0, 2)), "steps": rng.gauss(0, 1) + 9 * (i > 12), "constant": 4.0}[kind]
                      for i in range(rng.randint(0, 30))]
            seasons = [rng.randint(0, 3) for _ in values]
            least, weight, penalty = rng.randint(1, 5), rng.choice([0.1, 0.5, 1.0]), rng.choice([0.5, 3.0])
            for name, got, want in (
                    ("seasonal_scores", rows("SELECT * FROM saas.seasonal_scores(%s::float8[], %s::integer[], %s)", values, seasons, least),
                     means.seasonal_scores(values, seasons, least)),
                    ("moving_scores", rows("SELECT * FROM saas.moving_scores(%s::float8[], %s)", values, weight), means.moving_scores(values, weight))):
                if len(got) != len(want) or not all(same_row(g, w) for g, w in zip(got, want)):
                    wrong[name].append(f"{values}\n  got {got}\n want {want}")
            begins = [r[0] - 1 for r in rows("SELECT place FROM saas.series_levels(%s::float8[], %s, %s)", values, penalty, least)]
            best = means.levels(values, penalty, least) if values else None
            # Several cuts may cost the same.
            if best is not None and (not math.isclose(means.cost_of(values, begins, penalty), best[0], rel_tol=1e-9, abs_tol=1e-9)
                                     or any(b - a < least for a, b in zip(begins, begins[1:] + [len(values)]))):
                wrong["series_levels"].append(f"{values} {penalty} {least}\n  got {begins}\n want {best}")
    for name, found in wrong.items():
        tap.ok(not found, f"{name}() is what its definition says, over 220 series", "\n".join(found[:2]))


tap.run(events_mean_what_is_written, shares_are_compared, services_are_judged, budgets_burn, series_are_scored)
