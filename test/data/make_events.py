#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Events in Stripe's shapes: the life of payments, as a provider tells it.

    make_events.py                          one event a line, every story once, in order
    make_events.py --payments 60 --seed 7   sixty payments of all kinds
    make_events.py --payments 60 --shuffle --duplicates 0.2
                                            the same as a network delivers them
    make_events.py --array                  one JSON array (how stripe_events.json was made)

The same arguments give the same events. Ids, people and cards are invented.
"""
import argparse
import json
import random

START = 1767261600  # 2026-01-01 10:00 UTC
PEOPLE = [
    ("ana", "example.com", "US", "4242"), ("bao", "example.org", "VN", "1111"),
    ("carla", "example.net", "IT", "5556"), ("dmitri", "example.com", "DE", "3220"),
    ("esi", "example.org", "GH", "9995"), ("fatima", "example.net", "MA", "0341"),
]


class Story:
    """One payment: an intent, its charges and refunds, and the events they cause."""

    def __init__(self, number, chance, amount=None, currency=None, start=None):
        self.number, self.chance, self.events = number, chance, []
        self.time = START + number * 40 if start is None else start
        self.currency = currency or chance.choice(["usd", "usd", "eur", "gbp", "jpy"])
        self.amount = amount or chance.randrange(5, 400) * (100 if self.currency != "jpy" else 50)
        name, domain, country, last4 = PEOPLE[number % len(PEOPLE)]
        self.email, self.country, self.last4 = f"{name}@{domain}", country, last4
        self.customer = f"cus_demo_{number % len(PEOPLE):02}"
        self.created, self.charges, self.refunds = self.time, 0, {}
        self.manual, self.error, self.latest = False, None, None

    def emit(self, kind, resource, later=1):
        """The provider's clock has whole seconds: later=0 puts two events into one."""
        self.time += later
        self.events.append({
            "id": f"evt_demo_{self.number:04}_{len(self.events):02}",
            "object": "event",
            "api_version": "2024-06-20",
            "created": self.time,
            "type": kind,
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "data": {"object": json.loads(json.dumps(resource))},
        })

    def card(self):
        return {
            "brand": "visa", "country": self.country, "funding": "credit", "last4": self.last4,
            "exp_month": 8, "exp_year": 2030, "fingerprint": f"fp_demo_{self.last4}",
            "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"},
        }

    def billing(self):
        return {"address": {"country": self.country, "postal_code": "10115"}, "email": self.email,
                "name": self.email.split("@")[0].title(), "phone": None}

    def intent(self, kind, status, received=0, capturable=0, later=1):
        self.emit(kind, {
            "id": f"pi_demo_{self.number:04}", "object": "payment_intent", "amount": self.amount,
            "amount_capturable": capturable, "amount_received": received,
            "capture_method": "manual" if self.manual else "automatic",
            "canceled_at": self.time if status == "canceled" else None, "created": self.created,
            "currency": self.currency, "customer": self.customer, "description": f"Order {self.number:04}",
            "last_payment_error": self.error, "latest_charge": self.latest, "livemode": False,
            "metadata": {"order": str(self.number), "ip": f"203.0.113.{self.number % 250 + 1}"},
            "payment_method_types": ["card"], "receipt_email": self.email,
            "shipping": {"address": {"country": self.country}}, "status": status,
        }, later)

    def begin(self):
        self.intent("payment_intent.created", "requires_payment_method", later=0)

    def new_charge(self, status="succeeded", captured=True, method="card"):
        self.charges += 1
        self.latest = f"ch_demo_{self.number:04}_{self.charges}"
        self.charge_row = {
            "id": self.latest, "object": "charge", "amount": self.amount,
            "amount_captured": self.amount if captured and status == "succeeded" else 0,
            "amount_refunded": 0, "billing_details": self.billing(), "captured": captured,
            "created": self.time + 1, "currency": self.currency, "customer": self.customer,
            "description": f"Order {self.number:04}", "disputed": False, "failure_code": None,
            "failure_message": None, "livemode": False, "metadata": {}, "paid": status == "succeeded",
            "payment_intent": f"pi_demo_{self.number:04}",
            "payment_method_details": {"type": method, **({"card": self.card()} if method == "card" else {})},
            "refunded": False, "status": status,
        }

    def charge(self, kind, later=1, **changes):
        self.charge_row.update(changes)
        self.emit(kind, self.charge_row, later)

    def refund(self, number, amount, kind, status, later=1, **more):
        row = {
            "id": f"re_demo_{self.number:04}_{number}", "object": "refund", "amount": amount,
            "charge": self.latest, "payment_intent": f"pi_demo_{self.number:04}",
            "created": self.refunds.setdefault(number, self.time + later),
            "currency": self.currency, "metadata": {}, "reason": "requested_by_customer", "status": status,
        }
        self.emit(kind, {**row, **more}, later)

    # The stories.
    def succeeded(self):
        self.begin()
        self.new_charge()
        self.charge("charge.succeeded")
        self.intent("payment_intent.succeeded", "succeeded", received=self.amount, later=0)

    def decline(self):
        self.new_charge("failed", captured=False)
        self.charge("charge.failed", failure_code="card_declined",
                    failure_message="Your card has insufficient funds.")
        self.error = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds",
                      "message": "Your card has insufficient funds.",
                      "payment_method": {"type": "card", "card": self.card(), "billing_details": self.billing()}}
        self.intent("payment_intent.payment_failed", "requires_payment_method", later=0)

    def declined(self):
        self.begin()
        self.decline()

    def declined_then_succeeded(self):
        self.declined()
        self.error = None
        self.new_charge()
        self.charge("charge.succeeded", later=30)
        self.intent("payment_intent.succeeded", "succeeded", received=self.amount)

    def authenticated(self):
        self.begin()
        self.intent("payment_intent.requires_action", "requires_action")
        self.new_charge()
        self.charge("charge.succeeded", later=20)
        self.intent("payment_intent.succeeded", "succeeded", received=self.amount)

    def authorized(self):
        self.manual = True
        self.begin()
        self.new_charge(captured=False)
        self.charge("charge.succeeded")
        self.intent("payment_intent.amount_capturable_updated", "requires_capture", capturable=self.amount, later=0)

    def captured_later(self):
        self.authorized()
        self.charge("charge.captured", later=3600, captured=True, amount_captured=self.amount)
        self.intent("payment_intent.succeeded", "succeeded", received=self.amount, later=0)

    def authorization_canceled(self):
        self.authorized()
        self.charge("charge.refunded", later=7200, refunded=True, amount_refunded=self.amount)
        self.intent("payment_intent.canceled", "canceled", later=0)

    def bank_debit(self):
        self.begin()
        self.new_charge("pending", method="us_bank_account")
        self.charge("charge.pending")
        self.intent("payment_intent.processing", "processing", later=0)

    def bank_debit_paid(self):
        self.bank_debit()
        self.charge("charge.succeeded", later=86400, status="succeeded", paid=True, amount_captured=self.amount)
        self.intent("payment_intent.succeeded", "succeeded", received=self.amount)

    def bank_debit_returned(self):
        self.bank_debit()
        self.charge("charge.failed", later=86400, status="failed", failure_code="insufficient_funds",
                    failure_message="The customer's account has insufficient funds.")
        self.error = {"type": "invalid_request_error", "code": "payment_intent_payment_attempt_failed",
                      "message": "The payment failed."}
        self.intent("payment_intent.payment_failed", "requires_payment_method", later=0)

    def refunded(self):
        self.succeeded()
        self.refund(1, self.amount, "refund.created", "pending", later=600)
        self.charge("charge.refunded", later=0, refunded=True, amount_refunded=self.amount)
        self.refund(1, self.amount, "refund.updated", "succeeded", later=5)

    def refunded_in_parts(self):
        self.succeeded()
        first, second = self.amount // 4, self.amount // 3
        self.refund(1, first, "refund.created", "succeeded", later=600)
        self.charge("charge.refunded", amount_refunded=first)
        self.refund(2, second, "refund.created", "succeeded", later=600)
        self.charge("charge.refunded", amount_refunded=first + second)

    def refund_returned(self):
        """The bank sends a refund back days later; another one takes its place."""
        self.refunded()
        self.refund(1, self.amount, "refund.failed", "failed", later=172800, failure_reason="expired_or_canceled_card")
        self.charge("charge.refund.updated", refunded=False, amount_refunded=0)
        self.refund(2, self.amount, "refund.created", "succeeded", later=60)
        self.charge("charge.refunded", refunded=True, amount_refunded=self.amount)

    def new_customer(self):
        self.emit("customer.created", {"id": self.customer, "object": "customer", "email": self.email})

    def card_testing(self):
        """Many small declines in a row: what fraud rules should notice."""
        self.begin()
        for _ in range(4):
            self.decline()
            self.time += 2


STORIES = ["succeeded", "declined", "declined_then_succeeded", "authenticated", "authorized", "captured_later",
           "authorization_canceled", "bank_debit", "bank_debit_paid", "bank_debit_returned", "refunded",
           "refunded_in_parts", "refund_returned", "new_customer", "card_testing"]
# Most payments are dull.
WEIGHTS = [40, 8, 6, 8, 3, 6, 2, 1, 3, 1, 5, 4, 1, 2, 1]


def make(payments, seed):
    chance = random.Random(seed)
    if payments is None:
        names = STORIES
    else:
        names = chance.choices(STORIES, WEIGHTS, k=payments)
    events = []
    for number, name in enumerate(names, 1):
        story = Story(number, chance)
        getattr(story, name)()
        events += story.events
    return events, chance


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--payments", type=int, help="how many payments; each story once when left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shuffle", action="store_true", help="deliver in any order")
    parser.add_argument("--duplicates", type=float, default=0, help="share of events delivered twice")
    parser.add_argument("--array", action="store_true", help="one JSON array instead of lines")
    options = parser.parse_args()
    events, chance = make(options.payments, options.seed)
    events += chance.sample(events, int(len(events) * options.duplicates))
    if options.shuffle:
        chance.shuffle(events)
    if options.array:
        print("[\n" + ",\n".join(json.dumps(event) for event in events) + "\n]")
    else:
        for event in events:
            print(json.dumps(event))


if __name__ == "__main__":
    main()
