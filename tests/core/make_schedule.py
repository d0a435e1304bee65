"""Makes tests/data/schedule/rates.inc: the rates that PyTorch's schedulers give, epoch by epoch.

Run with torch 1.13: python3 tests/core/make_schedule.py
Of ReduceLROnPlateau, *_rates[i] is the rate after the i-th loss; of the others, that of epoch i + 1.
"""
import math
import pathlib
import random

import torch
from torch.optim import lr_scheduler

OUT = pathlib.Path(__file__).parent.parent / "data" / "schedule" / "rates.inc"


def optimizer_at(lr):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def plateau(losses, lr, factor, patience, min_lr):
    optimizer = optimizer_at(lr)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, "min", factor=factor, patience=patience,
                                               min_lr=min_lr)
    result = []
    for loss in losses:
        scheduler.step(loss)
        result.append(optimizer.param_groups[0]["lr"])
    return result


def epochs_of(optimizer, scheduler, epochs):
    result = []
    for _ in range(epochs):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return result


def cosine(lr, epochs, warmup, min_lr):
    optimizer = optimizer_at(lr)
    if warmup == 0:
        return epochs_of(optimizer, lr_scheduler.CosineAnnealingLR(optimizer, epochs, min_lr), epochs)
    linear = lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), total_iters=warmup)
    curve = lr_scheduler.CosineAnnealingLR(optimizer, epochs - warmup, min_lr)
    return epochs_of(optimizer, lr_scheduler.SequentialLR(optimizer, [linear, curve], [warmup]), epochs)


def step(lr, epochs, step_size, gamma):
    optimizer = optimizer_at(lr)
    return epochs_of(optimizer, lr_scheduler.StepLR(optimizer, step_size, gamma), epochs)


def notebook_losses():
    """200 validation losses with falls at such epochs that the rates have the notebook's shape."""
    generator = random.Random(5)
    best, losses, last_falls = 0.7, [], {6: 1, 34: 18, 108: 104}
    falls = {epoch for last, first in last_falls.items() for epoch in range(first, last + 1)}
    for epoch in range(1, 201):
        if epoch in falls:
            best *= 0.96 + 0.02 * generator.random()
            losses.append(round(best, 6))
        else:
            losses.append(round(best * (1 + 0.2 * generator.random()), 6))
    return losses


def check_notebook(rates):
    """The rates in use: 2e-4 until epoch 17, 1e-4 from 18, 5e-5 by 51, ... 1e-6 from 120."""
    used = [2e-4] + rates
    known = {17: 2e-4, 18: 1e-4, 51: 5e-5, 69: 1.25e-5, 85: 6.25e-6, 103: 1.5625e-6, 119: 1.5625e-6,
             120: 1e-6, 200: 1e-6}
    for epoch, rate in known.items():
        assert math.isclose(used[epoch - 1], rate), (epoch, used[epoch - 1], rate)


def array(name, values):
    words = ["NAN" if math.isnan(v) else "INFINITY" if math.isinf(v) else repr(v) for v in values]
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) > 98:
            lines.append(line)
            line = "   "
        line += f" {word},"
    return f"static const double {name}[] = {{\n" + "\n".join(lines + [line]) + "\n};\n"


def main():
    generator = random.Random(3)
    noisy = [round(0.7 * math.exp(-i / 8) + 0.05 * generator.random(), 6) for i in range(60)]
    plateaus = {
        "notebook": (notebook_losses(), 2e-4, 0.5, 10, 1e-6),
        "noisy": (noisy, 2e-4, 0.5, 2, 1e-6),
        "flat": ([0.5] * 40, 2e-4, 0.5, 3, 1e-6),
        "threshold": ([1.0, 0.99995, 0.9999, 0.99985, 0.9998, 0.9997, 0.9996, 0.9995], 1e-3, 0.1, 0,
                      0.0),
        "broken": ([math.nan, math.inf, 0.4, math.nan, 0.3, math.nan, math.nan, 0.29999], 1e-3, 0.25,
                   1, 1e-5),
        "tiny": ([0.5] * 8, 1.5e-8, 0.5, 0, 0.0),
    }
    text = "/* Made by tests/core/make_schedule.py. */\n"
    for name, (losses, *options) in plateaus.items():
        rates = plateau(losses, *options)
        if name == "notebook":
            check_notebook(rates)
        text += f"/* lr, factor, patience, min_lr = {tuple(options)} */\n"
        text += array(name + "_losses", losses) + array(name + "_rates", rates)
    curves = {"cosine": (0.1, 30, 0, 0.0), "warm_cosine": (2e-4, 25, 4, 1e-6), "warmest": (0.1, 6, 5, 0.0)}
    for name, options in curves.items():
        text += f"/* lr, epochs, warmup_epochs, min_lr = {options} */\n"
        text += array(name + "_rates", cosine(*options))
    stairs = {"step": (0.1, 40, 7, 0.3), "every": (1e-3, 10, 1, 0.9)}
    for name, options in stairs.items():
        text += f"/* lr, epochs, step_size, gamma = {options} */\n"
        text += array(name + "_rates", step(*options))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(text)


if __name__ == "__main__":
    main()
