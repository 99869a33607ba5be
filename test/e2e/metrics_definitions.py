# SPDX-License-Identifier: PostgreSQL
"""What the metrics mean, said a second time and as plainly as can be: loops over lists, without a look at how the
package computes them. An event is (actor, name, at, properties) in the order in which events of one moment were recorded."""
import math
import statistics
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def rounded(share, digits):
    """A fraction as numeric shows it: halves away from zero; None by none."""
    if share is None:
        return None
    scaled = abs(Fraction(share)) * 10 ** digits
    whole = int(scaled + Fraction(1, 2))
    return Decimal(whole if share >= 0 else -whole).scaleb(-digits)


def share(part, whole):
    return Fraction(part) / Fraction(whole) if whole else None


def day_begin(day, zone):
    """When a day begins there. Where clocks skip midnight, when they do; where they show it twice, the second time."""
    naive = datetime(day.year, day.month, day.day)
    early, late = (naive.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    return (late if early.utcoffset() > late.utcoffset() else early).astimezone(timezone.utc)


def period_begin(day, period):
    if period == "day":
        return day
    return day - timedelta(days=day.weekday()) if period == "week" else day.replace(day=1)


def periods(first, last, period):
    found, day = [], period_begin(first, period)
    while day <= last:
        found.append(day)
        day = period_begin(day + timedelta(days={"day": 1, "week": 7, "month": 32}[period]), period)
    return found


def active_users(events, first, last, zone):
    rows, day = [], first
    while day <= last:
        until = day_begin(day + DAY, zone)
        counts = [len({a for a, _, at, _ in events if day_begin(day - (n - 1) * DAY, zone) <= at < until})
                  for n in (1, 7, 30)]
        rows.append((day, *counts, rounded(share(counts[0], counts[2]), 4)))
        day += DAY
    return rows


def retention_cohorts(events, first, last, period, zone):
    until = day_begin(last + DAY, zone)
    every = periods(first, last, period)
    begins = [day_begin(day, zone) for day in every] + [until]
    came = {}
    for actor, _, at, _ in events:
        if at < until:
            came[actor] = min(at, came.get(actor, at))
    rows = []
    for c, cohort in enumerate(every):
        members = {a for a, at in came.items() if begins[c] <= at < begins[c + 1]}
        for p in range(c, len(every) if members else 0):
            back = {a for a, _, at, _ in events if a in members and begins[p] <= at < begins[p + 1]}
            rows.append((cohort, p - c, len(members), len(back), rounded(share(len(back), len(members)), 4)))
    return rows


def sessions(events, since, until, gap):
    """(actor, number, begin, end, events) of each session."""
    found, by_actor = [], defaultdict(list)
    for actor, _, at, _ in events:
        if since <= at < until:
            by_actor[actor].append(at)
    for actor, times in by_actor.items():
        number, begin, before, count = 0, None, None, 0
        for at in sorted(times):
            if before is not None and at - before > gap:
                found.append((actor, number, begin, before, count))
                before = None
            if before is None:
                number, begin, count = number + 1, at, 0
            before, count = at, count + 1
        found.append((actor, number, begin, before, count))
    return sorted(found, key=lambda s: (str(s[0]), s[1]))


def session_summary(events, since, until, gap):
    all_of_them = sessions(events, since, until, gap)
    if not all_of_them:
        return (0, 0, None, None, None, None)
    number, users = len(all_of_them), len({s[0] for s in all_of_them})
    return (number, users, rounded(share(number, users), 2), rounded(share(sum(s[4] for s in all_of_them), number), 2),
            statistics.median([(s[3] - s[2]).total_seconds() for s in all_of_them]),
            rounded(share(sum(s[4] == 1 for s in all_of_them), number), 4))


def runs(events, steps, window, begun=None):
    """Every way to do the first of the steps, and those after it, in this order: (place of the last event, begin)."""
    for i, (_, name, at, _) in enumerate(events):
        if name == steps[0] and (begun is None or at - begun <= window):
            start = at if begun is None else begun
            if len(steps) == 1:
                yield i, start, at
            else:
                for place, first, end in runs(events[i + 1:], steps[1:], window, start):
                    yield i + 1 + place, first, end


def funnel(events, steps, since, until, window):
    by_actor = defaultdict(list)
    for event in events:
        if since <= event[2] < until and event[1] in steps:
            by_actor[event[0]].append(event)
    rows, users = [], []
    for n in range(1, len(steps) + 1):
        seconds = []
        for own in by_actor.values():
            # Whichever run gets there first, and of those the one that began last.
            ends = sorted((place, end - begin) for place, begin, end in runs(own, steps[:n], window))
            if ends:
                seconds.append(ends[0][1].total_seconds())
        users.append(len(seconds))
        rows.append((n, steps[n - 1], len(seconds), rounded(share(len(seconds), users[0]), 4),
                     rounded(share(len(seconds), users[max(n - 2, 0)]), 4),
                     statistics.median(seconds) if seconds else None))
    return rows


def feature_adoption(events, since, until):
    active = {a for a, _, at, _ in events if since <= at < until}
    rows = []
    for name in {n for _, n, at, _ in events if since <= at < until}:
        uses = [(a, at) for a, n, at, _ in events if n == name and at < until]
        users = {a for a, at in uses if at >= since}
        count = sum(at >= since for _, at in uses)
        first = sum(min(at for a, at in uses if a == actor) >= since for actor in users)
        rows.append((name, len(users), rounded(share(len(users), len(active)), 4), first, count,
                     rounded(share(count, len(users)), 2)))
    return sorted(rows, key=lambda r: (-r[1], r[0]))


def experiment(events, name, goal, since, until, window):
    """(variant, users, conversions)."""
    seen = defaultdict(list)
    for actor, kind, at, properties in events:
        if kind == "experiment.exposed" and properties.get("experiment") == name and at < until:
            seen[actor].append((at, properties.get("variant")))
    counts = defaultdict(lambda: [0, 0])
    for actor, exposures in seen.items():
        first = min(at for at, _ in exposures)
        variants = {variant for _, variant in exposures if variant is not None}
        if first < since or len(variants) != 1:
            continue
        count = counts[variants.pop()]
        count[0] += 1
        count[1] += any(a == actor and n == goal and first <= at < first + window for a, n, at, _ in events)
    return sorted((variant, *count) for variant, count in counts.items())


def wilson(successes, trials, z):
    """The roots of (share - p)² = z² p (1 - p) / trials."""
    n, k, square = Decimal(trials), Decimal(successes), Decimal(z) ** 2
    root = (square * square + 4 * square * k * (1 - k / n)).sqrt()
    return (2 * k + square - root) / (2 * (n + square)), (2 * k + square + root) / (2 * (n + square))


def compare(sa, na, sb, nb, confidence):
    """(z, p value, lower, upper, reliable): pooled z test; Newcombe (1998), method 10."""
    pooled = Fraction(sa + sb, na + nb)
    variance = pooled * (1 - pooled) * (Fraction(1, na) + Fraction(1, nb))
    difference = Fraction(sb, nb) - Fraction(sa, na)
    z = float(difference) / math.sqrt(variance) if variance else 0.0
    quantile = statistics.NormalDist().inv_cdf(0.5 + confidence / 2)
    (la, ua), (lb, ub) = wilson(sa, na, quantile), wilson(sb, nb, quantile)
    pa, pb = Decimal(sa) / na, Decimal(sb) / nb
    return (z, math.erfc(abs(z) / math.sqrt(2)), float(pb - pa - ((pb - lb) ** 2 + (ua - pa) ** 2).sqrt()),
            float(pb - pa + ((ub - pb) ** 2 + (pa - la) ** 2).sqrt()),
            min(na, nb) * min(pooled, 1 - pooled) >= 5)


def apdex(durations, threshold):
    satisfied = sum(d <= threshold for d in durations)
    tolerating = sum(threshold < d <= 4 * threshold for d in durations)
    return share(2 * satisfied + tolerating, 2 * len(durations))


def burn_rate(errors, requests, objective):
    return None if not requests else share(Fraction(errors, requests), 1 - Fraction(objective))


# Severity, long and short window, threshold: Site Reliability Workbook, chapter 5.
BURN_WINDOWS = [("page", timedelta(hours=1), timedelta(minutes=5), Fraction("14.4")),
                ("page", timedelta(hours=6), timedelta(minutes=30), Fraction(6)),
                ("ticket", timedelta(days=1), timedelta(hours=2), Fraction(3)),
                ("ticket", timedelta(days=3), timedelta(hours=6), Fraction(1))]


def slo_alerts(measured, at, objective):
    """`measured`: (service, time, requests, errors)."""
    found = []
    for service in {m[0] for m in measured}:
        for severity, long, short, threshold in BURN_WINDOWS:
            rates = []
            for window in (long, short):
                rows = [m for m in measured if m[0] == service and at - window <= m[1] < at]
                rates.append(rounded(burn_rate(sum(m[3] for m in rows), sum(m[2] for m in rows), objective), 2))
            if None not in rates and min(rates) >= threshold:
                found.append((service, severity, long, short, *rates, Decimal(threshold.numerator) / threshold.denominator))
    return sorted(found, key=lambda r: (-r[6], r[0]))


def location(values):
    """Median, and 1.4826 times the median absolute deviation; 1.2533 times the mean one where that is 0."""
    centre = statistics.median(values)
    distances = [abs(v - centre) for v in values]
    return centre, 1.4826 * statistics.median(distances) or 1.2533 * statistics.fmean(distances)


def in_deviations(distance, deviation):
    if deviation > 0:
        return distance / deviation
    return 0.0 if distance == 0 else math.copysign(math.inf, distance)


def noise(values):
    steps = [b - a for a, b in zip(values, values[1:])]
    return location(steps)[1] / math.sqrt(2) if steps else 0.0


def seasonal_scores(values, seasons, least):
    rows = []
    for i, (value, season) in enumerate(zip(values, seasons)):
        group = [v for v, s in zip(values, seasons) if s == season]
        if len(group) >= least:
            centre, deviation = location(group)
            rows.append((i + 1, centre, in_deviations(value - centre, deviation)))
    return rows


def moving_scores(values, weight):
    if not values:
        return []
    centre, deviation, average, rows = location(values)[0], noise(values), None, []
    for i, value in enumerate(values):
        average = weight * value + (1 - weight) * (centre if average is None else average)
        # The variance of the sum of weighted independent values.
        weights = [weight * (1 - weight) ** k for k in range(i + 1)]
        rows.append((i + 1, centre, in_deviations(average - centre, deviation * math.sqrt(sum(w * w for w in weights)))))
    return rows


def levels(values, penalty, least):
    """The cheapest cut of all: where levels begin, and their cost. Every cut is tried, by its last level."""
    price = penalty * noise(values) ** 2 * math.log(max(2, len(values)))

    def cost(part):
        mean = statistics.fmean(part)
        return sum((v - mean) ** 2 for v in part)

    best = {0: (-price, [])}
    for end in range(least, len(values) + 1):
        ways = [(best[begin][0] + cost(values[begin:end]) + price, best[begin][1] + [begin])
                for begin in best if end - begin >= least]
        if ways:
            best[end] = min(ways)
    return best.get(len(values))


def cost_of(values, begins, penalty):
    price = penalty * noise(values) ** 2 * math.log(max(2, len(values)))
    total = -price
    for begin, end in zip(begins, begins[1:] + [len(values)]):
        mean = statistics.fmean(values[begin:end])
        total += price + sum((v - mean) ** 2 for v in values[begin:end])
    return total
