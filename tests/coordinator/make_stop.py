"""Prints the cases of tests/coordinator/test_stop.c: groups drawn at random, and what the two rules' papers say of
them, written down once more, from the definitions, with Python's own statistics and sorting.

python3 tests/coordinator/make_stop.py > tests/coordinator/stop_cases.h
"""
import math
import random
import statistics

METRICS = {"valid_loss": ("STOP_VALID_LOSS", False), "accuracy": ("STOP_ACCURACY", True)}
WORST = {False: math.inf, True: -math.inf}  # by whether greater is better


def better(a, b, greater):
    return a > b if greater else a < b


def defined(values, greater):
    return [WORST[greater] if math.isnan(v) else v for v in values]


def median_rule(own, others, greater):
    """Vizier: stop if the best value by now is strictly worse than the median of the running averages."""
    best = (max if greater else min)(own)
    averages = [statistics.fmean(other[: len(own)]) for other in others]
    limit = statistics.median(averages)
    return better(limit, best, greater), best, limit


def halving_rule(own, others, greater, eta):
    """Of all that have come to the rung the best floor(n / eta), at least one, go on; ties go on."""
    rung = sorted([own[-1]] + [other[len(own) - 1] for other in others], reverse=greater)
    last = rung[max(1, len(rung) // eta) - 1]
    return better(last, own[-1], greater), own[-1], last


def rungs(grace, eta, epochs):
    rung = grace
    while rung < epochs:
        yield rung
        rung *= eta


def number(value):
    return "NAN" if math.isnan(value) or math.isinf(value) else repr(value)


def show(draw, index):
    rule, metric = draw.choice(["median", "asha"]), draw.choice(list(METRICS))
    name, greater = METRICS[metric]
    epochs, grace, eta, min_peers = draw.randint(4, 20), draw.randint(1, 4), draw.randint(2, 4), draw.randint(1, 4)
    epoch = draw.choice(list(rungs(grace, eta, epochs)) or [1]) if draw.random() < 0.7 else draw.randint(1, epochs)
    undefined = draw.choice([0, 0, 0.15])

    def course(length):
        level = draw.uniform(0.2, 0.9)
        return [math.nan if draw.random() < undefined else round(level + draw.gauss(0, 0.1), 6) for _ in range(length)]

    own = course(epoch)
    others = [course(draw.randint(1, epochs)) for _ in range(draw.randint(0, 9))]
    due = grace <= epoch < epochs if rule == "median" else epoch in rungs(grace, eta, epochs)
    peers = [defined(other, greater) for other in others if len(other) >= epoch]
    mine = defined(own, greater)
    value = ((max if greater else min)(mine)) if rule == "median" else mine[-1]
    stop, limit = False, math.nan
    if len(peers) >= min_peers:
        stop, value, limit = (median_rule(mine, peers, greater) if rule == "median"
                              else halving_rule(mine, peers, greater, eta))
    flat = ", ".join(number(v) for one in [own] + others for v in one)
    lengths = ", ".join(str(len(one)) for one in [own] + others)
    print(f"static const double values_{index}[] = {{{flat}}};")
    print(f"static const size_t lengths_{index}[] = {{{lengths}}};")
    return (f"{{{{STOP_{rule.upper()}, {name}, {grace}, {min_peers}, {eta}}}, {epochs}, values_{index}, lengths_{index},"
            f" {len(others)}, {str(due).lower()}, {str(stop).lower()}, {number(value)}, {number(limit)}, {len(peers)}}}")


generator = random.Random(20)
print("/* Made by tests/coordinator/make_stop.py. */\n/* clang-format off */")
cases = [show(generator, index) for index in range(120)]
print("static const struct stop_case cases[] = {\n    " + ",\n    ".join(cases) + "};\n/* clang-format on */")
