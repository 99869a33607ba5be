# SPDX-License-Identifier: PostgreSQL
"""One line a figure: what, median, unit, range, compared with. Separated by tabs."""
import collections
import statistics
import sys

times = collections.defaultdict(list)
for line in open(sys.argv[1]):
    case, where, value = line.split()
    times[case, where].append(float(value))


def figure(what, values, unit, compared):
    print(what, f"{statistics.median(values):.3f}", unit, f"{min(values):.3f} to {max(values):.3f}", compared, sep="\t")


for case in ("short", "long"):
    bare, deployed = times[case, "bare"], times[case, "deployed"]
    figure(f"A {case} statement with nothing to redact", [d / b for d, b in zip(deployed, bare)],
           "times one in a database without pg_saas", f"{statistics.median(bare):.1f} µs there")
harmless, secret = times["harmless", "-"], times["secret", "-"]
figure("A statement that is redacted", [s - h for s, h in zip(secret, harmless)], "µs more than one that is not",
       f"{statistics.median(harmless):.1f} µs for that")
