#!/usr/bin/env python3
"""Makes tests/data/step/*.safetensors with PyTorch: python3 tests/make_step_data.py

layers.safetensors: every kind of layer alone, every loss and optimizer, computed in float64 (the
optimizers in float32), stored as float32.
resnet18_64.safetensors, ...: one whole training step in float64. Weights and pictures come from a
formula (drawn() here, drawn() in tests/worker/nn/reference.h), so only results are stored: loss,
logits, running statistics, and of each gradient and update a sketch (sketch() below), in which an
error shows as large as it is. Beside them stands how far PyTorch's own float32 is from its float64:
the yardstick.
ten_steps.safetensors: the losses of ten steps in a row.
narrow_resnet18_64.safetensors, ...: the same of networks a quarter as wide (tests/narrow.c).
Needs torch and torchvision (Debian: python3-torch, python3-torchvision); made with 1.13 and 0.14.
"""
import json
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

OUT = pathlib.Path(__file__).parent / "data" / "step"
BUCKETS = 32
NOTHING = 1e-6  # a gradient whose norm is less is 0 but for rounding, and has no relative error
MASK = 2**64 - 1


def hashes(name, count):
    """SplitMix64's first numbers, seeded with FNV-1a of the name."""
    seed = 14695981039346656037
    for c in name.encode():
        seed = ((seed ^ c) * 1099511628211) & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def drawn(name, count):
    """count floats in [-1, 1): the upper 24 bits of the hashes."""
    return (hashes(name, count) >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def tensor(name, *shape):
    return torch.from_numpy(drawn(name, int(np.prod(shape)))).reshape(shape).double()


def save(path, tensors):
    header, chunks, offset = {}, [], 0
    for name, value in tensors.items():
        value = value.detach().contiguous().numpy()
        kind = {"float32": "F32", "float64": "F64", "int64": "I64"}[str(value.dtype)]
        data = value.tobytes()
        header[name] = {"dtype": kind, "shape": list(value.shape),
                        "data_offsets": [offset, offset + len(data)]}
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


# ---- layers ----

def keep(out, name, **tensors):
    for key, value in tensors.items():
        out[name + "." + key] = value.detach().float().clone() if value.is_floating_point() else value


def gradients(y, dy, *inputs):
    return torch.autograd.grad(y, inputs, dy)


def convolution(out, name, count, channels_in, channels_out, side, kernel, stride):
    x = tensor(name + ".x", count, channels_in, side, side + 1).requires_grad_()
    w = tensor(name + ".w", channels_out, channels_in, kernel, kernel).requires_grad_()
    y = F.conv2d(x, w, stride=stride, padding=kernel // 2)
    dy = tensor(name + ".dy", *y.shape)
    dx, dw = gradients(y, dy, x, w)
    keep(out, name, x=x, w=w, y=y, dy=dy, dx=dx, dw=dw)


def batch_norm(out, name, relu, add, training):
    shape = (3, 16, 5, 3)
    x = (tensor(name + ".x", *shape) * 2 + 0.5).requires_grad_()
    residual = tensor(name + ".residual", *shape)
    w = (tensor(name + ".w", 16) + 1.5).requires_grad_()
    b = tensor(name + ".b", 16).requires_grad_()
    mean, var = tensor(name + ".mean", 16), tensor(name + ".var", 16) + 1.5
    new_mean, new_var = mean.clone(), var.clone()
    y = F.batch_norm(x, new_mean, new_var, w, b, training, 0.1, 1e-5)
    if add:
        y = y + residual
    if relu:
        y = torch.relu(y)
    dy = tensor(name + ".dy", *shape)
    dx, dw, db = gradients(y, dy, x, w, b)
    dresidual = dy * (y > 0) if relu else dy
    keep(out, name, x=x, residual=residual, w=w, b=b, mean=mean, var=var, y=y, dy=dy, dx=dx, dw=dw,
         db=db, dresidual=dresidual, new_mean=new_mean, new_var=new_var)


def max_pool(out, name, height, width, ties):
    x = tensor(name + ".x", 2, 16, height, width)
    if ties:
        x = torch.floor(x * 2)
    x.requires_grad_()
    y = F.max_pool2d(x, 3, 2, 1)
    dy = tensor(name + ".dy", *y.shape)
    keep(out, name, x=x, y=y, dy=dy, dx=gradients(y, dy, x)[0])


def average_pool(out, name):
    x = tensor(name + ".x", 2, 16, 3, 5).requires_grad_()
    y = F.adaptive_avg_pool2d(x, 1).flatten(1)
    dy = tensor(name + ".dy", *y.shape)
    keep(out, name, x=x, y=y, dy=dy, dx=gradients(y, dy, x)[0])


def linear(out, name, relu):
    x = tensor(name + ".x", 5, 12).requires_grad_()
    w = tensor(name + ".w", 7, 12).requires_grad_()
    b = tensor(name + ".b", 7).requires_grad_()
    y = F.linear(x, w, b)
    if relu:
        y = torch.relu(y)
    dy = tensor(name + ".dy", *y.shape)
    dx, dw, db = gradients(y, dy, x, w, b)
    keep(out, name, x=x, w=w, b=b, y=y, dy=dy, dx=dx, dw=dw, db=db)


def cross_entropy(out, name, smoothing=0.0, weights=(1.0, 1.0)):
    x = (tensor(name + ".x", 6, 2) * 20).requires_grad_()
    labels = torch.arange(6) % 3 % 2
    options = {"weight": torch.tensor(weights).double(), "label_smoothing": smoothing}
    losses = F.cross_entropy(x, labels, reduction="none", **options)
    loss = F.cross_entropy(x, labels, **options)
    keep(out, name, x=x, losses=losses, loss=loss, dx=torch.autograd.grad(loss, x)[0])


def optimizer(out, name, kind, **options):
    value = torch.nn.Parameter(tensor(name + ".value", 40).float())
    keep(out, name, before=value)
    optimizer = kind([value], 2e-2, **options)
    for step in range(3):
        value.grad = tensor(f"{name}.gradient{step}", 40).float() ** 3
        keep(out, name, **{f"gradient{step}": value.grad})
        optimizer.step()
    keep(out, name, after=value)
    names = {"exp_avg": "m", "exp_avg_sq": "v", "momentum_buffer": "m"}
    for key, state in optimizer.state[value].items():
        if key in names and state is not None:
            keep(out, name, **{names[key]: state})


def make_layers():
    out = {}
    convolution(out, "conv7x7", 2, 3, 16, 13, 7, 2)
    convolution(out, "conv3x3", 2, 16, 32, 5, 3, 1)
    convolution(out, "conv3x3_stride2", 2, 16, 16, 6, 3, 2)
    convolution(out, "conv3x3_small", 3, 16, 32, 1, 3, 1)
    convolution(out, "conv1x1", 2, 32, 16, 4, 1, 1)
    convolution(out, "conv1x1_stride2", 2, 16, 32, 5, 1, 2)
    batch_norm(out, "bn", False, False, True)
    batch_norm(out, "bn_relu", True, False, True)
    batch_norm(out, "bn_add_relu", True, True, True)
    batch_norm(out, "bn_eval", False, False, False)
    batch_norm(out, "bn_eval_add_relu", True, True, False)
    max_pool(out, "max_pool", 7, 6, False)
    max_pool(out, "max_pool_ties", 5, 8, True)
    average_pool(out, "average_pool")
    linear(out, "linear", False)
    linear(out, "linear_relu", True)
    cross_entropy(out, "cross_entropy")
    cross_entropy(out, "cross_entropy_smooth", 0.1)
    cross_entropy(out, "cross_entropy_weighted", 0.0, (0.5, 3.0))
    cross_entropy(out, "cross_entropy_both", 0.25, (0.5, 3.0))
    optimizer(out, "adam", torch.optim.Adam)
    optimizer(out, "adam_decay", torch.optim.Adam, weight_decay=0.1)
    optimizer(out, "adamw", torch.optim.AdamW, weight_decay=0.1)
    optimizer(out, "sgd", torch.optim.SGD, weight_decay=0.1)
    optimizer(out, "sgd_momentum", torch.optim.SGD, momentum=0.9)
    optimizer(out, "sgd_nesterov", torch.optim.SGD, momentum=0.9, weight_decay=0.1, nesterov=True)
    save(OUT / "layers.safetensors", out)


# ---- whole steps ----

def narrow(module, part=4):
    """A network of torchvision with a `part` of the channels everywhere but in the picture and fc's features."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.Conv2d):
            channels_in = 3 if child.in_channels == 3 else child.in_channels // part
            child = torch.nn.Conv2d(channels_in, child.out_channels // part, child.kernel_size, child.stride,
                                    child.padding, bias=False)
        elif isinstance(child, torch.nn.BatchNorm2d):
            child = torch.nn.BatchNorm2d(child.num_features // part)
        elif isinstance(child, torch.nn.Linear):
            child = torch.nn.Linear(child.in_features // part, child.out_features)
        else:
            narrow(child, part)
        setattr(module, name, child)
    return module


class Network(torch.nn.Module):
    def __init__(self, arch):
        """arch: "resnet18", or "narrow_resnet18" of a quarter of its channels."""
        super().__init__()
        body = getattr(torchvision.models, arch.removeprefix("narrow_"))()
        self.body = narrow(body) if arch.startswith("narrow_") else body
        self.head = torch.nn.Linear(1000, 2)

    def forward(self, x):
        return self.head(torch.relu(self.body(x)))


def plain(name):
    return name.removeprefix("body.")


def fill(network, shift):
    """weight() in reference.h. `shift` moves batch norm's bias: how far activations are from 0."""
    modules = dict(network.named_modules())
    with torch.no_grad():
        for full, value in network.state_dict().items():
            name, module = plain(full), modules[full.rpartition(".")[0]]
            if name.endswith("num_batches_tracked"):
                continue
            u = drawn(name, value.numel())
            if isinstance(module, torch.nn.Conv2d):
                u = u * np.float32(np.sqrt(6 / (value.shape[0] * value.shape[2] * value.shape[3])))
            elif isinstance(module, torch.nn.Linear):
                u = u * np.float32(1 / np.sqrt(module.in_features))
            elif name.endswith(("weight", "running_var")):
                u = np.float32(1) + u * np.float32(0.25)
            elif name.endswith("bias"):
                u = np.float32(shift) + u * np.float32(0.125)
            value.copy_(torch.from_numpy(u).reshape(value.shape))


def sketch(name, values):
    """The values of a tensor added up, with random signs, in BUCKETS random buckets (count sketch,
    Charikar, Chen and Farach-Colton 2002): the norm of a difference of two sketches is that of the
    tensors' difference, but for an eighth."""
    hashed = hashes("sketch " + name, values.numel())
    sign = np.where(hashed >> np.uint64(63), -1.0, 1.0)
    buckets = (hashed % np.uint64(BUCKETS)).astype(np.int64)
    return torch.from_numpy(np.bincount(buckets, sign * values.flatten().double().numpy(), BUCKETS))


def sketches(tensors):
    return {name: sketch(name, value) for name, value in tensors.items()}


def errors(values, exact, names):
    """Worst and median of the tensors' relative errors, by their sketches."""
    relative = [((values[k] - exact[k]).norm() / exact[k].norm()).item() for k in names]
    return np.array([max(relative), np.median(relative)])


def step(arch, kind, count, side, shift, optimizer):
    """Loss, logits, sketches of gradients and updates, and the network after one step."""
    network = Network(arch)
    fill(network, shift)
    network = network.to(kind)
    before = {plain(k): v.detach().clone() for k, v in network.named_parameters()}
    update = optimizer(network.parameters())
    logits = network(tensor("images", count, 3, side, side).to(kind))
    loss = F.cross_entropy(logits, torch.arange(count) % 2)
    loss.backward()
    gradients = sketches({plain(k): v.grad for k, v in network.named_parameters()})
    update.step()
    updates = sketches({plain(k): v.detach().double() - before[plain(k)].double()
                        for k, v in network.named_parameters()})
    return loss.detach(), logits.detach(), gradients, updates, network


def notebooks_adam(parameters):
    return torch.optim.Adam(parameters, 2e-4)


def make_step(name, arch, count, side, shift, optimizer=notebooks_adam):
    """Of the float32 yardsticks, PyTorch with oneDNN and without, the larger counts: two roundings
    of the same sums, in which different ReLUs open by chance."""
    loss, logits, gradients, updates, trained = step(arch, torch.float64, count, side, shift,
                                                     optimizer)
    names = [k for k, v in gradients.items() if v.norm() >= NOTHING]
    yardstick = np.zeros(4)
    for mkldnn in (True, False):
        with torch.backends.mkldnn.flags(enabled=mkldnn):
            single = step(arch, torch.float32, count, side, shift, optimizer)
        off = np.concatenate([errors(single[2], gradients, names),
                              errors(single[3], updates, names)])
        yardstick = np.maximum(yardstick, off)
        print(f"{name}: PyTorch's float32: loss off by {abs(single[0].item() - loss.item()):.1e}, "
              f"gradients by {off[0]:.1e} at worst, {off[1]:.1e} median, updates by {off[2]:.1e}, "
              f"{off[3]:.1e}")
    with torch.no_grad():
        evaluated = trained.eval()(tensor("images", count, 3, side, side))
    out = {"loss": loss, "logits": logits, "evaluated": evaluated,
           "yardstick": torch.from_numpy(yardstick)}
    for key in gradients:
        out["gradient." + key] = gradients[key].float()
        out["update." + key] = updates[key].float()
    for key, value in trained.state_dict().items():
        if "running_" in key and ("layer" not in key or ".0.bn2" in key):
            out["param." + plain(key)] = value
    save(OUT / f"{name}.safetensors", out)


def make_steps(width):
    def make(name, arch, *how):
        make_step(width + name, width + arch, *how)

    make("resnet18_64", "resnet18", 4, 64, 0.0)
    make("resnet18_96_adamw", "resnet18", 6, 96, 0.0,
         lambda p: torch.optim.AdamW(p, 2e-4, weight_decay=0.05))
    make("resnet18_64_sgd", "resnet18", 3, 64, 0.0,
         lambda p: torch.optim.SGD(p, 1e-2, momentum=0.9, weight_decay=1e-3, nesterov=True))
    make("resnet50_64", "resnet50", 4, 64, 2.0)
    make("resnet50_96", "resnet50", 6, 96, 0.0)


def ten_steps(arch, count, side, optimizer, kind):
    network = Network(arch)
    fill(network, 0.0)
    network = network.to(kind)
    update = optimizer(network.parameters())
    losses = []
    for number in range(10):
        images = tensor(f"images {number % 3}", count, 3, side, side).to(kind)
        loss = F.cross_entropy(network(images), torch.arange(count) % 2)
        update.zero_grad()
        loss.backward()
        update.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def make_ten_steps(width):
    out = {}
    optimizers = {"adam": notebooks_adam, "sgd": lambda p: torch.optim.SGD(p, 1e-3, momentum=0.9)}
    for name, optimizer in optimizers.items():
        out[name] = ten_steps(width + "resnet18", 6, 64, optimizer, torch.float64)
        single = ten_steps(width + "resnet18", 6, 64, optimizer, torch.float32)
        print(f"{width}ten steps of {name}: {out[name].numpy().round(4)}; PyTorch's float32 off by "
              f"{((single - out[name]).abs() / out[name]).max().item():.1e} at most")
    save(OUT / f"{width}ten_steps.safetensors", out)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    make_layers()
    for width in ("", "narrow_"):
        make_steps(width)
        make_ten_steps(width)
