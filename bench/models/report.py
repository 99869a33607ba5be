#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Passes of this benchmark to rows of scripts/bench."""
import collections
import statistics
import sys

ENGINES = [
    ("native", "saas.score_team_model, native", "libxgboost"),
    ("public", "saas.score_model without explanation", "libxgboost"),
    ("core", "scoring alone", "libxgboost"),
    ("libxgboost", "libxgboost, one row in place", None),
    ("explained", "saas.score_model with contributions", "libxgboost_shap"),
    ("core_shap", "contributions alone (TreeSHAP)", "libxgboost_shap"),
    ("libxgboost_shap", "libxgboost's contributions", None),
]

passes = collections.defaultdict(list)
for line in open(sys.argv[1], encoding="ascii"):
    engine, trees, _, time = line.split("\t")
    passes[engine, int(trees)].append(float(time) / 1000)
for trees in sorted({t for _, t in passes}):
    for engine, words, other in ENGINES:
        times = passes[engine, trees]
        median = statistics.median(times)
        compared = ""
        if other:
            compared = f"libxgboost takes {statistics.median(passes[other, trees]) / median:.1f} times as long"
        print(f"{trees} trees, {words}", f"{median:.1f}", "µs", f"{min(times):.1f} to {max(times):.1f}",
              compared, sep="\t")
