#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Writes a model of random trees in both of LightGBM's formats (text and JSON dump), and what it must
say about some rows, worked out here from the meaning of the format. LightGBM itself is not in Debian
12. Every decision type, missing type and default direction occurs.

lgb_random.txt, lgb_random.json: the model. lgb_random.tsv: the features (nan for missing) and the margin."""
import json
import math
import pathlib
import random

FOLDER = pathlib.Path(__file__).resolve().parent
NAMES = ["amount", "age_days", "velocity", "card_country"]
CATEGORY = 3
COUNTRIES = 70
MISSING = ["None", "Zero", "NaN"]
ZERO = 1.0000000180025095e-35  # 1e-35 as a float


def make_tree(rng, leaves):
    """Grows a tree leaf by leaf, as LightGBM does: a list of splits and a list of leaves."""
    splits, values = [], [(rng.uniform(-1, 1), 1000)]
    owner = {0: None}  # leaf -> (split, side)
    while len(values) < leaves:
        leaf = rng.randrange(len(values))
        feature = rng.randrange(len(NAMES))
        split = {"feature": feature, "count": values[leaf][1]}
        if feature == CATEGORY:
            split["categories"] = sorted(rng.sample(range(COUNTRIES), rng.randrange(1, 9)))
            split["missing"], split["default_left"] = "NaN", False
        else:
            split["threshold"] = rng.choice([rng.uniform(-2, 2), 0.0, rng.gauss(0, 1)])
            split["missing"] = rng.choice(MISSING)
            split["default_left"] = rng.random() < 0.5
        here = len(splits)
        if owner[leaf] is not None:
            parent, side = owner[leaf]
            splits[parent][side] = here
        count = rng.randrange(1, max(2, values[leaf][1]))
        split["left"], split["right"] = ~leaf, ~len(values)
        splits.append(split)
        values.append((rng.uniform(-1, 1), max(1, values[leaf][1] - count)))
        values[leaf] = (rng.uniform(-1, 1), count)
        owner[leaf], owner[len(values) - 1] = (here, "left"), (here, "right")
    return splits, values


def goes_left(split, value):
    if split["feature"] == CATEGORY:
        if math.isnan(value) or int(value) < 0:
            return False
        return int(value) in split["categories"]
    if math.isnan(value) and split["missing"] != "NaN":
        value = 0.0
    if split["missing"] == "Zero" and -ZERO <= value <= ZERO:
        return split["default_left"]
    if split["missing"] == "NaN" and math.isnan(value):
        return split["default_left"]
    return value <= split["threshold"]


def predict(trees, row):
    total = 0.0
    for splits, values in trees:
        node = 0 if splits else -1
        while node >= 0:
            split = splits[node]
            node = split["left"] if goes_left(split, row[split["feature"]]) else split["right"]
        total += values[~node][0]
    return total


def text_of(number):
    return format(number, ".17g")


def as_text(trees):
    lines = ["tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0",
             f"max_feature_idx={len(NAMES) - 1}", "objective=binary sigmoid:1.5",
             "feature_names=" + " ".join(NAMES), "feature_infos=[-2:2] [-2:2] [-2:2] 0:1:2", ""]
    for number, (splits, values) in enumerate(trees):
        boundaries, words, thresholds, types = [0], [], [], []
        for split in splits:
            if split["feature"] == CATEGORY:
                thresholds.append(str(len(boundaries) - 1))
                bits = [0] * (max(split["categories"]) // 32 + 1)
                for category in split["categories"]:
                    bits[category // 32] |= 1 << (category % 32)
                words += bits
                boundaries.append(len(words))
                types.append(1 | MISSING.index(split["missing"]) << 2)
            else:
                thresholds.append(text_of(split["threshold"]))
                types.append(split["default_left"] << 1 | MISSING.index(split["missing"]) << 2)
        rows = [("num_leaves", [len(values)]), ("num_cat", [len(boundaries) - 1])]
        if splits:
            rows += [("split_feature", [s["feature"] for s in splits]), ("threshold", thresholds),
                     ("decision_type", types), ("left_child", [s["left"] for s in splits]),
                     ("right_child", [s["right"] for s in splits])]
        rows += [("leaf_value", [text_of(v) for v, _ in values])]
        if splits:
            rows += [("leaf_count", [c for _, c in values]),
                     ("internal_count", [s["count"] for s in splits])]
        if words:
            rows += [("cat_boundaries", boundaries), ("cat_threshold", words)]
        rows += [("is_linear", [0]), ("shrinkage", [1])]
        lines.append(f"Tree={number}")
        lines += [f"{key}={' '.join(str(v) for v in row)}" for key, row in rows] + ["", ""]
    return "\n".join(lines + ["end of trees", "", "feature_importances:", "", "pandas_categorical:null", ""])


def node_of(splits, values, node):
    if node < 0:
        value, count = values[~node]
        return {"leaf_index": ~node, "leaf_value": value, "leaf_count": count}
    split = splits[node]
    category = split["feature"] == CATEGORY
    return {
        "split_index": node, "split_feature": split["feature"], "split_gain": 1.0,
        "threshold": "||".join(map(str, split["categories"])) if category else split["threshold"],
        "decision_type": "==" if category else "<=", "default_left": split["default_left"],
        "missing_type": split["missing"], "internal_count": split["count"],
        "left_child": node_of(splits, values, split["left"]),
        "right_child": node_of(splits, values, split["right"]),
    }


def as_json(trees):
    return json.dumps({
        "name": "tree", "version": "v4", "num_class": 1, "num_tree_per_iteration": 1, "label_index": 0,
        "max_feature_idx": len(NAMES) - 1, "objective": "binary sigmoid:1.5", "average_output": False,
        "feature_names": NAMES, "monotone_constraints": [],
        "tree_info": [{"tree_index": i, "num_leaves": len(v), "num_cat": 0, "shrinkage": 1,
                       "tree_structure": node_of(s, v, 0 if s else -1)}
                      for i, (s, v) in enumerate(trees)],
        "pandas_categorical": None})


def main():
    rng = random.Random(5)
    trees = [make_tree(rng, leaves) for leaves in [1, 2, 3, 5, 8, 12, 16, 16, 16, 16, 16, 31]]
    (FOLDER / "lgb_random.txt").write_text(as_text(trees), encoding="ascii")
    (FOLDER / "lgb_random.json").write_text(as_json(trees), encoding="ascii")
    thresholds = [s["threshold"] for splits, _ in trees for s in splits if "threshold" in s]
    odd = [math.nan, 0.0, -0.0, 1e-36, -1e-35, 1.0000000180025095e-35, 2e-35, 1e300, -1e300]
    with open(FOLDER / "lgb_random.tsv", "w", encoding="ascii") as out:
        for _ in range(80):
            row = [rng.choice(odd + thresholds + [rng.gauss(0, 1) for _ in range(20)]) for _ in range(3)]
            row.append(rng.choice([math.nan, -1.0, -0.5, 500.0, 3.7] + [float(rng.randrange(COUNTRIES)) for _ in range(20)]))
            out.write("\t".join(repr(v) for v in [*row, predict(trees, row)]) + "\n")


if __name__ == "__main__":
    main()
