"""Prints the sequences of tests/core/test_plateau.c: what PyTorch's ReduceLROnPlateau does with them.

Run with torch 1.13: python3 tests/core/make_plateau.py
"""
import math
import random

import torch


def rates(losses, lr, factor, patience, min_lr):
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, "min", factor=factor, patience=patience, min_lr=min_lr)
    result = []
    for loss in losses:
        scheduler.step(loss)
        result.append(optimizer.param_groups[0]["lr"])
    return result


def show(name, losses, *options):
    def words(values):
        return ", ".join("NAN" if math.isnan(v) else "INFINITY" if math.isinf(v) else repr(v) for v in values)
    print(f"/* {name}: lr, factor, patience, min_lr = {options} */")
    print(f"static const double {name}_losses[] = {{{words(losses)}}};")
    print(f"static const double {name}_rates[] = {{{words(rates(losses, *options))}}};")


generator = random.Random(3)
noisy = [round(0.7 * math.exp(-i / 8) + 0.05 * generator.random(), 6) for i in range(60)]
show("noisy", noisy, 2e-4, 0.5, 2, 1e-6)
show("flat", [0.5] * 40, 2e-4, 0.5, 3, 1e-6)
show("threshold", [1.0, 0.99995, 0.9999, 0.99985, 0.9998, 0.9997, 0.9996, 0.9995], 1e-3, 0.1, 0, 0.0)
show("broken", [math.nan, math.inf, 0.4, math.nan, 0.3, math.nan, math.nan, 0.29999], 1e-3, 0.25, 1, 1e-5)
show("tiny", [0.5] * 8, 1.5e-8, 0.5, 0, 0.0)
