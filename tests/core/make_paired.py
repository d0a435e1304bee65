"""Prints the constants of tests/core/test_paired.c: McNemar's exact p by whole numbers, and bootstrap
intervals by numpy's own generator.

Run with numpy: python3 tests/core/make_paired.py
"""
import math
from fractions import Fraction

import numpy as np


def mcnemar(first, second):
    count = first + second
    tail = sum(math.comb(count, i) for i in range(min(first, second) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**count)))


for pair in [(0, 0), (1, 0), (0, 6), (3, 11), (11, 3), (7, 7), (25, 48), (400, 500), (3000, 2900)]:
    print(f"    {{{pair[0]}, {pair[1]}, {mcnemar(*pair)!r}}},")


def metric(name, label, answer):
    right = label == answer
    chosen = {"accuracy": np.ones_like(right), "precision": answer == 1, "recall": label == 1}[name]
    return (right & chosen).sum(-1) / chosen.sum(-1)


# [label][first][second], as struct paired has them
cells = np.array([700, 30, 45, 25, 20, 60, 15, 305])
label, first, second = (np.repeat(np.indices((2, 2, 2)).reshape(3, 8)[i], cells) for i in range(3))
generator = np.random.default_rng(0)
drawn = generator.integers(0, len(label), (40000, len(label)))
for name in ("accuracy", "precision", "recall"):
    whole = metric(name, label, second) - metric(name, label, first)
    differences = metric(name, label[drawn], second[drawn]) - metric(name, label[drawn], first[drawn])
    low, high = np.percentile(differences, [2.5, 97.5])
    print(f"{name}: {whole!r}, {low:.5f}, {high:.5f}")
