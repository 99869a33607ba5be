#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Trains the models of this benchmark: train.py <folder>. Writes model_<trees>.json, rows.tsv and rows.json."""
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "test/data/models"))
from libxgboost import Booster, Matrix  # noqa: E402

FEATURES = 20
TREES = (100, 500, 1000)


def main():
    folder = pathlib.Path(sys.argv[1])
    rng = random.Random(11)
    rows = [[rng.gauss(0, 1) if rng.random() > 0.05 else None for _ in range(FEATURES)]
            for _ in range(4000)]
    labels = [int(rng.random() < 1 / (1 + 2.718281828 ** -((r[0] or 0) * (r[1] or 0) + (r[2] or 1) - 1)))
              for r in rows]
    names = [f"v{i}" for i in range(FEATURES)]
    matrix = Matrix(rows, labels)
    for trees in TREES:
        Booster({"objective": "binary:logistic", "max_depth": 6, "eta": 0.1, "tree_method": "hist",
                 "min_child_weight": 0, "lambda": 0, "verbosity": 0, "seed": 1, "nthread": 1},
                matrix, trees, names).save(folder / f"model_{trees}.json")
    (folder / "rows.json").write_text(json.dumps(
        [dict(zip(names, row)) for row in rows[:1000]]), encoding="ascii")
    with open(folder / "rows.tsv", "w", encoding="ascii") as out:
        for row in rows[:1000]:
            out.write("\t".join("nan" if v is None else repr(v) for v in row) + "\n")


if __name__ == "__main__":
    main()
