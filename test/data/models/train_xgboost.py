#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Trains the XGBoost models of this folder and writes what the library itself says about some rows:
NAME.json is the model, NAME.tsv has a line for each row: the features (nan for missing), the margin, the
contribution of each feature and the base value. Needs libxgboost0."""
import pathlib
import random

from libxgboost import Booster, Matrix, library

FOLDER = pathlib.Path(__file__).resolve().parent
NAMES = ["amount", "attempt_count", "customer.age_days", "risk_score", "card_country", "device.type"]
TYPES = ["q", "q", "q", "q", "c", "c"]
COUNTRIES = 40
DEVICES = 3


def rows_and_labels(count, seed):
    rng = random.Random(seed)
    rows, labels = [], []
    for _ in range(count):
        row = [
            round(rng.lognormvariate(8, 1.3), 2),
            rng.choice([1, 1, 1, 2, 3, 5]),
            rng.expovariate(1 / 200),
            rng.randrange(101),
            rng.randrange(COUNTRIES),
            rng.randrange(DEVICES),
        ]
        odds = -3 + row[0] / 9000 + 0.4 * row[1] - row[2] / 400 + row[3] / 40
        odds += 1.5 * (row[4] % 5 == 2) - 0.7 * (row[4] % 7 == 0) + 0.8 * (row[5] == 1)
        for i in range(len(row)):
            if rng.random() < 0.12:
                row[i] = None
        if row[2] is None:
            odds += 1
        labels.append(int(rng.random() < 1 / (1 + 2.718281828 ** -odds)))
        rows.append(row)
    return rows, labels


def train(name, parameters, rounds, columns=6, best=None, labels_of=lambda label, row: label):
    rows, labels = rows_and_labels(3000, 7)
    types, names = TYPES[:columns], NAMES[:columns]
    rows = [row[:columns] for row in rows]
    labels = [labels_of(label, row) for label, row in zip(labels, rows)]
    base = {"seed": 1, "nthread": 1, "tree_method": "hist", "verbosity": 0}
    booster = Booster({**base, **parameters}, Matrix(rows, labels, types), rounds, names, types, best)
    booster.save(FOLDER / f"{name}.json")
    fresh, _ = rows_and_labels(60, 99)
    fresh = [row[:columns] for row in fresh]
    matrix = Matrix(fresh, None, types)
    iterations = 0 if best is None else best + 1
    margins = booster.margins(matrix, iterations)
    parts = booster.contributions(matrix, iterations)
    with open(FOLDER / f"{name}.tsv", "w", encoding="ascii") as out:
        for row, margin, part in zip(fresh, margins, parts):
            values = ["nan" if v is None else repr(float(v)) for v in row]
            out.write("\t".join(values + [repr(v) for v in [margin, *part]]) + "\n")


def main():
    print("XGBoost", library().version())
    logistic = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.3}
    train("xgb_numeric", logistic, 20, columns=4)
    train("xgb_one_hot", {**logistic, "max_cat_to_onehot": 100}, 10)
    train("xgb_partition", {**logistic, "max_cat_to_onehot": 1}, 12)
    train("xgb_dart", {**logistic, "booster": "dart", "rate_drop": 0.3, "base_score": 0.2}, 15)
    train("xgb_best", {**logistic, "num_parallel_tree": 2, "subsample": 0.5}, 9, columns=4, best=4)
    train("xgb_raw", {**logistic, "objective": "binary:logitraw", "base_score": 0.3}, 6, columns=4)
    train("xgb_squared", {"objective": "reg:squarederror", "max_depth": 3}, 8, columns=4,
          labels_of=lambda label, row: 10 * label + (row[1] or 0))


if __name__ == "__main__":
    main()
