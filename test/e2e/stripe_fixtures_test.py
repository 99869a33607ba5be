#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Stripe's own published objects, through saas.ingest_webhook().

Every resource of fixtures3.json (https://github.com/stripe/openapi, MIT licence) is wrapped in an event,
signed as Stripe signs, and ingested by the role of a worker. None may raise; payment intent, charge and
refund must land with amount and currency. Where the file is not there, the objects of our own in
test/data/stripe_events.json take its place.

Connects as libpq does (PGHOST, PGPORT, PGDATABASE, …) to a database with the package deployed, as a role
that may SET ROLE saas_service, and leaves nothing behind.
"""
import hashlib
import hmac
import json
import os
import pathlib

import psycopg

import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = [
    pathlib.Path(os.environ.get("SAAS_STRIPE_FIXTURES", "")),
    ROOT.parent / "shared/data/stripe/fixtures3.json",
    ROOT / "test/data/fixtures3.json",
]
SECRET = b"whsec_test_secret"
NOW = 1700000000
# Events of these objects are not named after them.
EVENTS = {"dispute": "charge.dispute.updated"}


def events():
    """(name, event) pairs; the types are made up but for the family."""
    for path in FIXTURES:
        if path.is_file():
            resources = json.loads(path.read_text())["resources"]
            print(f"# {path.name}: {len(resources)} resources")
            for number, (name, resource) in enumerate(resources.items()):
                yield name, {
                    "id": f"evt_fixture_{number:04}",
                    "object": "event",
                    "type": EVENTS.get(resource.get("object"), f"{resource.get('object', name)}.updated"),
                    "created": NOW + number,
                    "livemode": False,
                    "data": {"object": resource},
                }
            return
    print("# fixtures3.json is not here: objects of our own")
    for event in json.loads((ROOT / "test/data/stripe_events.json").read_text()):
        yield event["data"]["object"]["object"], event

def deliver(cursor, team, body, secret=SECRET, now=NOW):
    signature = hmac.new(secret, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    cursor.execute(
        "SELECT outcome, detail FROM saas.ingest_webhook(%s, 'stripe', %s::jsonb, %s, "
        "p_received_at => to_timestamp(%s))",
        (team, json.dumps({"stripe-signature": f"t={now},v1={signature}"}), body, now),
    )
    return cursor.fetchone()

def prepare(cursor):
    cursor.execute("SELECT saas.create_user('fixtures@example.com', 'Fixtures')")
    user = cursor.fetchone()[0]
    cursor.execute("SELECT saas.create_team('Fixtures', 'stripe-fixtures', %s)", (user,))
    team = cursor.fetchone()[0]
    cursor.execute("SELECT saas.set_context(%s, %s)", (team, user))
    cursor.execute(
        "SELECT saas.configure_payment_provider(%s, 'stripe', ARRAY[%s::bytea])", (team, SECRET)
    )
    return team

def amounts(cursor, table, column, team):
    cursor.execute(
        f"SELECT {column}, amount, trim(currency) FROM saas.{table} WHERE team_id = %s", (team,)
    )
    return {row[0]: row[1:] for row in cursor.fetchall()}

def every_resource_is_taken():
    with psycopg.connect() as connection, connection.cursor() as cursor:
        team = prepare(cursor)
        cursor.execute("SET LOCAL ROLE saas_service")
        outcomes, expected = {}, {"payment_intent": {}, "charge": {}, "refund": {}}
        for name, event in events():
            resource = event["data"]["object"]
            if resource.get("object") in expected:
                expected[resource["object"]][resource["id"]] = (
                    resource["amount"],
                    resource["currency"].upper(),
                )
            outcome, detail = deliver(cursor, team, json.dumps(event, ensure_ascii=False).encode())
            outcomes.setdefault(outcome, []).append(f"{name}: {detail}")
        print("#", ", ".join(f"{len(v)} {k}" for k, v in sorted(outcomes.items())))
        accepted = {"processed", "ignored", "deferred", "superseded"}
        refused = {k: v for k, v in outcomes.items() if k not in accepted}
        tap.same(refused, {}, "every resource is ingested or ignored")
        tap.ok(outcomes.get("processed"), "some are processed")
        cursor.execute("RESET ROLE")
        cursor.execute(
            "SELECT waits_for FROM saas.webhook_events WHERE team_id = %s AND status = 'deferred'",
            (team,),
        )
        # Disputes and warnings about charges that are not among the resources wait for them.
        tap.same(
            [row[0] for row in cursor.fetchall() if row[0] in expected["charge"]],
            [],
            "nothing that is there is waited for",
        )
        for kind, table, column in (
            ("payment_intent", "payment_intents", "provider_intent_id"),
            ("charge", "payments", "provider_payment_id"),
            ("refund", "refunds", "provider_refund_id"),
        ):
            tap.ok(expected[kind], f"there is a {kind}")
            found = amounts(cursor, table, column, team)
            tap.same(found, expected[kind], f"every {kind} landed with amount and currency")
        cursor.execute(
            "SELECT count(*) FROM saas.payments "
            "WHERE team_id = %s AND amount_refunded + amount_released > 0",
            (team,),
        )
        tap.ok(cursor.fetchone()[0], "the refund reached its payment")
        connection.rollback()

if __name__ == "__main__":
    tap.run(every_resource_is_taken)
