"""Prints the cases of tests/core/test_roc.c: what scikit-learn and SciPy say of them.

Run with scikit-learn 1.7 and SciPy 1.15 or later: python3 tests/core/make_roc.py > tests/core/roc_cases.h
"""
import math
import random

import numpy
import scipy.interpolate
import scipy.optimize
import sklearn.metrics


def equal_error_rate(labels, scores):
    """The root of 1 - x - tpr(x) on the ROC curve, the recipe that everybody uses. Where the curve rises
    straight up (one fpr, several tpr) it is no function; the points are moved apart by less than matters."""
    fpr, tpr, _ = sklearn.metrics.roc_curve(labels, scores, drop_intermediate=False)
    fpr = fpr + numpy.arange(len(fpr)) * 1e-13
    curve = scipy.interpolate.interp1d(fpr, tpr)
    return scipy.optimize.brentq(lambda x: 1 - x - curve(x), fpr[0], fpr[-1], xtol=1e-15)


def youden(labels, scores, threshold):
    called = numpy.asarray(scores) > threshold
    labels = numpy.asarray(labels)
    return called[labels == 1].mean() - called[labels == 0].mean()


def threshold(labels, scores):
    """The best of 0.5 and all halfway points by brute force."""
    values = sorted(set(scores))
    candidates = [0.5] + [(a + b) / 2 for a, b in zip(values, values[1:])]
    return min(candidates, key=lambda t: (-round(youden(labels, scores, t), 12), abs(t - 0.5), t))


def show(name, labels, scores):
    line = []
    for label, score in zip(labels, scores):
        line.append(f"{{{score!r}, {label}, 0}}")
    print(f"static const struct score {name}[] = {{{', '.join(line)}}};")
    numbers = (sklearn.metrics.roc_auc_score(labels, scores), sklearn.metrics.average_precision_score(labels, scores),
               equal_error_rate(labels, scores), threshold(labels, scores))
    return f'{{"{name}", {name}, {len(labels)}, {", ".join(repr(float(n)) for n in numbers)}}}'


generator = random.Random(11)


def drawn(count, real, overlap, digits):
    labels = [int(i < real) for i in range(count)]
    scores = [round(1 / (1 + math.exp(-generator.gauss(1.2 if label else -1.2, overlap))), digits) for label in labels]
    order = list(range(count))
    generator.shuffle(order)
    return [labels[i] for i in order], [scores[i] for i in order]


print("/* Made by tests/core/make_roc.py. */\n/* clang-format off */")
cases = [
    show("separated", [1, 1, 0, 0, 0], [0.9, 0.8, 0.3, 0.2, 0.1]),
    show("separated_high", [1, 1, 0, 0, 0], [0.99, 0.98, 0.9, 0.8, 0.1]),
    show("upside_down", [0, 0, 1, 1], [0.9, 0.8, 0.3, 0.2]),
    show("all_equal", [1, 0, 1, 0, 0], [0.7, 0.7, 0.7, 0.7, 0.7]),
    show("two_ties", [1, 0, 1, 0, 1, 0], [0.75, 0.75, 0.75, 0.25, 0.25, 0.25]),
    show("documentation", [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]),
    show("extremes", [1, 0, 1, 0, 1], [1.0, 0.0, 1.0, 1.0, 0.0]),
    show("many", *drawn(60, 20, 1.0, 17)),
    show("many_ties", *drawn(60, 25, 1.5, 1)),
    show("few_real", *drawn(50, 3, 2.0, 3)),
]
print("static const struct roc_case cases[] = {\n    " + ",\n    ".join(cases) + "};\n/* clang-format on */")
