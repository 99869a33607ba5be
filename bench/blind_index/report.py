# SPDX-License-Identifier: PostgreSQL
"""One line a figure: what, median, unit, range, compared with. Separated by tabs."""
import collections
import statistics
import sys

rates = collections.defaultdict(list)
for line in open(sys.argv[1]):
    case, value = line.split()
    rates[case].append(float(value))
for case, what in (("blind", "Look-up by a blind index"), ("blind_decrypt", "Look-up by a blind index, with decrypting")):
    ratios = [b / p for b, p in zip(rates[case], rates["plain"])]
    print(what, f"{statistics.median(ratios):.2f}", "of the rate of a plain index", f"{min(ratios):.2f} to {max(ratios):.2f}",
          f"{statistics.median(rates['plain']):.0f} look-ups per second", sep="\t")
