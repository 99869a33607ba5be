# SPDX-License-Identifier: PostgreSQL
"""What recurring revenue means, said a second time: which terms of a subscription hold is looked up anew at every moment
at which anything may change. A change of a subscription is a row of saas.subscription_changes as a dict."""
from collections import defaultdict
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from metrics_definitions import day_begin, periods, rounded, share

PRESETS = {
    "stripe": {"states": {"active", "past_due"}, "metered": False, "discounts": "forever", "tax": False, "churn_at": "ended",
               "churn_base": "start_and_new", "netting": "day", "days": 365, "weeks": 52},
    "chartmogul": {"states": {"active", "past_due", "unpaid"}, "metered": False, "discounts": "all", "tax": False,
                   "churn_at": "period_end", "churn_base": "start", "netting": "change", "days": 365, "weeks": 52},
    "lago": {"states": {"active", "past_due", "unpaid"}, "metered": False, "discounts": "all", "tax": True, "churn_at": "ended",
             "churn_base": "start", "netting": "month", "days": Fraction("365.28"), "weeks": Fraction("51.96")},
}


def monthly(change, policy, discounted):
    """Minor units a month, halves up."""
    if change["status"] not in policy["states"] or (change["usage_type"] == "metered" and not policy["metered"]):
        return 0
    if policy["churn_at"] == "requested" and change["cancel_at_period_end"]:
        return 0
    price = Fraction(change["unit_amount"] * change["quantity"])
    if discounted:
        price = max(price * (10000 - change["discount_basis_points"]) / 10000 - change["discount_amount"], Fraction(0))
    rate = Fraction(change["tax_basis_points"], 10000)
    if change["tax_inclusive"]:
        price /= 1 + rate
    if policy["tax"]:
        price *= 1 + rate
    a_year = {"day": policy["days"], "week": policy["weeks"], "month": 12, "year": 1}[change["billing_interval"]]
    return int(price * a_year / change["interval_count"] / 12 + Fraction(1, 2))


def netted(at, policy, zone):
    if policy["netting"] == "change" or at is None:
        return at
    day = at.astimezone(ZoneInfo(zone)).date()
    return day_begin(day.replace(day=1) if policy["netting"] == "month" else day, zone)


def begin_of(change, policy, zone):
    at = change["effective_at"]
    if policy["churn_at"] == "period_end" and change["status"] in ("canceled", "expired"):
        at = max(at, change["current_period_end"])
    return netted(at, policy, zone)


def worth(changes, at, policy, zone):
    """Of one subscription, whose changes are in order."""
    held = [c for c in changes if begin_of(c, policy, zone) <= at]
    if not held:
        return 0
    change = held[-1]
    ends = netted(change["discount_ends_at"], policy, zone)
    counts = {"none": False, "forever": change["discount_ends_at"] is None, "all": ends is None or at < ends}
    return monthly(change, policy, counts[policy["discounts"]])


def movements(changes, policy, zone):
    """(customer, currency, time, amount before, and after)."""
    found, by_customer = [], defaultdict(lambda: defaultdict(list))
    for change in sorted(changes, key=lambda c: c["revision"]):
        by_customer[change["customer_id"], change["currency"]][change["subscription_id"]].append(change)
    for (customer, currency), subscriptions in by_customer.items():
        moments = {at for own in subscriptions.values() for c in own
                   for at in (begin_of(c, policy, zone), netted(c["discount_ends_at"], policy, zone)) if at is not None}
        before = 0
        for at in sorted(moments):
            after = sum(worth(own, at, policy, zone) for own in subscriptions.values())
            if after != before:
                found.append((customer, currency, at, before, after))
            before = after
    return found


def kind_of(move, all_of_them):
    _, _, at, before, after = move
    if before == 0:
        return "reactivation" if any(m[:2] == move[:2] and m[2] < at for m in all_of_them) else "new"
    return "churn" if after == 0 else "expansion" if after > before else "contraction"


def held(moves, currency, at):
    """What each customer pays just before a moment."""
    paid = {}
    for customer, of, when, _, after in sorted(moves, key=lambda m: m[2]):
        if of == currency and when < at:
            paid[customer] = after
    return {customer: mrr for customer, mrr in paid.items() if mrr}


def months_of(first, last, zone):
    """First days of months, and when each begins and ends."""
    days = periods(first, last, "month")
    after = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    begins = [day_begin(day, zone) for day in days + [after]]
    return list(zip(days, begins, begins[1:]))


def monthly_revenue(moves, first, last, policy, zone):
    rows, months = [], months_of(first, last, zone)
    for currency in sorted({m[1] for m in moves if m[2] < months[-1][2]}):
        for day, begin, end in months:
            start, finish = held(moves, currency, begin), held(moves, currency, end)
            inside = [(m[4] - m[3], kind_of(m, moves)) for m in moves if m[1] == currency and begin <= m[2] < end]
            by = {k: sum(a for a, kind in inside if kind == k) for k in ("new", "expansion", "contraction", "churn", "reactivation")}
            times = {k: sum(kind == k for _, kind in inside) for k in by}
            opening, closing = sum(start.values()), sum(finish.values())
            net = sum(finish.get(c, 0) - mrr for c, mrr in start.items())
            lost = sum(min(finish.get(c, 0) - mrr, 0) for c, mrr in start.items())
            if policy["churn_base"] == "start":
                churn = share(sum(c not in finish for c in start), len(start))
            else:
                churn = share(times["churn"], len(start) + times["new"])
            arpa = share(closing, len(finish))
            rows.append((
                day, currency, opening, by["new"], by["expansion"], by["contraction"], by["churn"], by["reactivation"], closing,
                12 * closing, rounded(share(closing - opening, opening), 4), len(start), times["new"], times["churn"],
                times["reactivation"], len(finish), rounded(churn, 4), rounded(share(-lost, opening), 4),
                rounded(share(opening + net, opening), 4), rounded(share(opening + lost, opening), 4),
                rounded(share(by["new"] + by["expansion"] + by["reactivation"], -by["contraction"] - by["churn"]), 4),
                rounded(arpa, 2), rounded(share(arpa, churn) if arpa is not None and churn else None, 2)))
    return rows


def revenue_cohorts(moves, first, last, zone):
    rows, months = [], months_of(first, last, zone)
    for currency in sorted({m[1] for m in moves}):
        for i, (cohort, begin, end) in enumerate(months):
            new = {m[0]: m[4] for m in moves if m[1] == currency and begin <= m[2] < end and kind_of(m, moves) == "new"}
            for n, (_, _, until) in enumerate(months[i:] if new else []):
                left = {c: mrr for c, mrr in held(moves, currency, until).items() if c in new}
                rows.append((cohort, currency, n, len(new), len(left), sum(new.values()), sum(left.values()),
                             rounded(share(len(left), len(new)), 4), rounded(share(sum(left.values()), sum(new.values())), 4)))
    return rows
