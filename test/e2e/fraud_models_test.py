#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""The whole circle of a fraud model: payments are assessed, some turn out to be fraud, XGBoost is trained
on the training set, its file is imported, and the database says what XGBoost says, to the last bit."""
import json
import math
import os
import pathlib
import random
import struct
import sys
import tempfile

import psycopg

import tap
from application import connect, new_team, request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "data/models"))
from libxgboost import Booster, Matrix  # noqa: E402

backend = connect()
owner_db = psycopg.connect(dbname=os.environ["PGDATABASE"], autocommit=True)
team, owner = new_team(backend, "models")
other_team, stranger = new_team(backend, "strangers")

FEATURES = ["amount", "attempt_count", "customer.age_days", "card_country", "device.type"]
CATEGORIES = {"card_country": ["BR", "CA", "DE", "FR", "GB", "US"], "device.type": ["desktop", "mobile"]}
PAYMENTS = 400


def make_payments():
    """Payments of one team; what is fraud becomes known after the charge, by a refund."""
    rng = random.Random(3)
    with owner_db.transaction():
        for number in range(PAYMENTS):
            country = rng.choice(CATEGORIES["card_country"])
            attributes = {"attempt_count": rng.choice([1, 1, 2, 4]), "card_country": country,
                          "device": {"type": rng.choice(CATEGORIES["device.type"])}}
            if rng.random() < 0.8:
                attributes["customer"] = {"age_days": round(rng.expovariate(1 / 300), 3)}
            amount = int(rng.lognormvariate(8, 1))
            intent = owner_db.execute(
                "INSERT INTO saas.payment_intents (team_id, provider, amount, currency, status, attributes)"
                " VALUES (%s, 'stripe', %s, 'EUR', 'requires_payment_method', %s) RETURNING id",
                (team, amount, json.dumps(attributes))).fetchone()[0]
            if number % 20 == 0:
                continue  # never charged: nobody knows
            payment = owner_db.execute(
                "INSERT INTO saas.payments (team_id, provider, provider_payment_id, payment_intent_id,"
                " amount, amount_captured, currency, status)"
                " VALUES (%s, 'stripe', %s, %s, %s, %s, 'EUR', 'paid') RETURNING id",
                (team, f"ch_{number}", intent, amount, amount)).fetchone()[0]
            odds = -2 + amount / 4000 + (country == "BR") * 2 - ("customer" in attributes)
            if rng.random() < 1 / (1 + math.exp(-odds)):
                owner_db.execute(
                    "INSERT INTO saas.refunds (team_id, payment_id, provider, provider_refund_id, amount,"
                    " currency, status, reason) VALUES (%s, %s, 'stripe', %s, %s, 'EUR', 'pending', 'fraudulent')",
                    (team, payment, f"re_{number}", amount))
    # What people note later must not be learned from.
    owner_db.execute(
        "UPDATE saas.payment_intents AS i SET attributes = attributes || '{\"noted\": \"fraud\"}'"
        " WHERE team_id = %s", (team,))


def value_of(attributes, feature):
    """A feature's number in a row of the training set, as the feature map will define it."""
    found = attributes
    for key in feature.split("."):
        found = (found or {}).get(key)
    if found is None or feature not in CATEGORIES:
        return found
    return CATEGORIES[feature].index(found)


def bits(number):
    return struct.pack("f", number)


def training_rows():
    with request(backend, team, owner):
        return backend.execute(
            "SELECT attributes, is_fraud, label_source FROM saas.fraud_training_set(%s, now() - interval"
            " '1 hour', now() + interval '1 hour') ORDER BY payment_intent_id", (team,)).fetchall()


def the_training_set_knows_no_future():
    rows = training_rows()
    tap.same(len(rows), PAYMENTS, "one row for each intent")
    tap.same([row for row in rows if "noted" in row[0]], [], "attributes are those of before the charge")
    frauds = owner_db.execute("SELECT count(*) FROM saas.refunds WHERE team_id = %s", (team,)).fetchone()[0]
    tap.ok(frauds > 40, "there is fraud to learn from", frauds)
    tap.same(sum(row[1] is True for row in rows), frauds, "refunds for fraud are labels")
    tap.same({row[2] for row in rows if row[1]}, {"refund"}, "with their source")
    tap.same(sum(row[1] is None for row in rows), PAYMENTS // 20, "what was never charged has none")
    with request(backend, team, owner):
        tap.same(backend.execute("SELECT count(*) FROM saas.fraud_training_set(%s, now() - interval"
                                 " '2 hours', now() - interval '1 hour')", (team,)).fetchone(), (0,),
                 "another period has other payments")
    with tap.refused("42501", "another team's training set is refused"):
        with request(backend, other_team, stranger):
            backend.execute("SELECT saas.fraud_training_set(%s, '-infinity', 'infinity')", (team,))


def circle(name, parameters):
    rows = [row for row in training_rows() if row[1] is not None]
    values = [[value_of(row[0], feature) for feature in FEATURES] for row in rows]
    types = ["c" if feature in CATEGORIES else "q" for feature in FEATURES]
    matrix = Matrix(values, [row[1] for row in rows], types)
    booster = Booster({"tree_method": "hist", "max_depth": 4, "verbosity": 0, "seed": 1, **parameters},
                      matrix, 25, FEATURES, types)
    margins = booster.margins(matrix)
    with tempfile.TemporaryDirectory() as folder:
        booster.save(f"{folder}/model.json")
        content = pathlib.Path(f"{folder}/model.json").read_bytes()
    feature_map = json.dumps({f: {"type": "category", "categories": c} for f, c in CATEGORIES.items()})
    with request(backend, team, owner):
        version = backend.execute(
            "SELECT version FROM saas.import_fraud_model(%s, %s, 'xgboost_json', %s, %s)",
            (team, name, content, feature_map)).fetchone()[0]
        backend.execute("SELECT saas.activate_fraud_model(%s, %s, %s)", (team, name, version))
    differ, worst = 0, 0.0
    with request(backend, team, owner):
        for row, margin in zip(rows, margins):
            said, why = backend.execute("SELECT margin, contributions FROM saas.score_model(%s, %s, %s)",
                                        (team, name, json.dumps(row[0]))).fetchone()
            differ += bits(said) != bits(margin)
            total = why["base"] + sum(f["contribution"] for f in why["features"])
            worst = max(worst, abs(total - margin))
    tap.same(differ, 0, f"{name}: {len(rows)} margins are XGBoost's, to the last bit")
    tap.ok(worst < 1e-5, f"{name}: base value and contributions add up to the margin", worst)
    with request(backend, team, owner):
        tap.ok(backend.execute("SELECT count(*) FROM saas.score_models(%s, %s) WHERE error IS NULL",
                               (team, json.dumps(rows[0][0]))).fetchone()[0] >= 1, f"{name}: in use")


def trees_agree():
    circle("trees", {"objective": "binary:logistic"})


def dart_agrees():
    circle("dart", {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.2})


def drift_is_seen():
    window = "tstzrange(now() - interval '1 hour', now() + interval '1 hour')"
    with request(backend, team, owner):
        still = backend.execute(f"SELECT kind, name, psi, verdict FROM saas.model_drift(%s, 'trees', {window}, {window})",
                                (team,)).fetchall()
    tap.same([row[1] for row in still], ["trees", *FEATURES], "the score and each feature")
    tap.same({(row[2], row[3]) for row in still}, {(0.0, "stable")}, "a period has not moved from itself")
    before = owner_db.execute("SELECT clock_timestamp()").fetchone()[0]
    owner_db.execute("UPDATE saas.payment_intents SET amount = amount * 100 WHERE team_id = %s", (team,))
    with request(backend, team, owner):
        moved = dict(backend.execute(
            "SELECT name, verdict FROM saas.model_drift(%s, 'trees', tstzrange(now() - interval '1 hour', %s),"
            " tstzrange(%s, NULL))", (team, before, before)).fetchall())
    tap.same((moved["trees"], moved["amount"], moved["card_country"]), ("shifted", "shifted", "stable"),
             "amounts a hundred times as large are seen, where they are")
    with tap.refused("42501", "another team's drift is refused"):
        with request(backend, other_team, stranger):
            backend.execute(f"SELECT saas.model_drift(%s, 'trees', {window}, {window})", (team,))


make_payments()
tap.run(the_training_set_knows_no_future, trees_agree, dart_agrees, drift_is_seen)
