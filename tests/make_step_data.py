#!/usr/bin/env python3
"""Makes tests/data/step/*.safetensors with PyTorch: python3 tests/make_step_data.py

layers.safetensors: every kind of layer alone, computed in float64, stored as float32.
resnet18.safetensors, resnet50.safetensors: one whole training step in float64. Weights and pictures
come from a formula (drawn() here, drawn() in tests/worker/nn/reference.h), so only results are
stored: loss, logits, running statistics, and of each gradient its norm and SAMPLES entries; beside
them how far PyTorch's own float32 is from its float64.
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
SAMPLES = 16
MASK = 2**64 - 1


def drawn(name, count):
    """count floats in [-1, 1): the upper 24 bits of SplitMix64, seeded with FNV-1a of the name."""
    seed = 14695981039346656037
    for c in name.encode():
        seed = ((seed ^ c) * 1099511628211) & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)


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


def cross_entropy(out, name):
    x = (tensor(name + ".x", 6, 2) * 20).requires_grad_()
    labels = torch.arange(6) % 2
    losses = F.cross_entropy(x, labels, reduction="none")
    keep(out, name, x=x, losses=losses, dx=torch.autograd.grad(losses.mean(), x)[0])


def adam(out, name, decay):
    value = torch.nn.Parameter(tensor(name + ".value", 40).float())
    keep(out, name, before=value)
    optimizer = torch.optim.Adam([value], 2e-2, (0.9, 0.999), 1e-8, decay)
    for step in range(3):
        value.grad = tensor(f"{name}.gradient{step}", 40).float() ** 3
        keep(out, name, **{f"gradient{step}": value.grad})
        optimizer.step()
    state = optimizer.state[value]
    keep(out, name, after=value, m=state["exp_avg"], v=state["exp_avg_sq"])


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
    adam(out, "adam", 0)
    adam(out, "adam_decay", 0.1)
    save(OUT / "layers.safetensors", out)


# ---- whole steps ----

class Network(torch.nn.Module):
    def __init__(self, arch):
        super().__init__()
        self.body = getattr(torchvision.models, arch)()
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


def step(network, images, labels):
    optimizer = torch.optim.Adam(network.parameters(), 2e-4)
    logits = network(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    grads = {plain(k): v.grad.clone() for k, v in network.named_parameters()}
    optimizer.step()
    return loss.detach(), logits.detach(), grads, network


def sampled(name, count):
    """Entries of a gradient that are stored: the same on both sides."""
    u = drawn("sample " + name, SAMPLES).astype(np.float64)
    return np.floor((u + 1) / 2 * count).astype(np.int64)


def error(value, exact):
    return ((value.double() - exact).norm() / exact.norm()).item()


def make_step(arch, count, side, shift):
    labels = torch.arange(count) % 2
    networks = []
    for kind in (torch.float64, torch.float32):
        network = Network(arch)
        fill(network, shift)
        networks.append(step(network.to(kind), tensor("images", count, 3, side, side).to(kind),
                             labels))
    (loss, logits, grads, trained), (loss32, logits32, grads32, _) = networks
    with torch.no_grad():
        evaluated = trained.eval()(tensor("images", count, 3, side, side))
    out = {"loss": loss, "logits": logits, "evaluated": evaluated}
    errors = []
    for name, grad in grads.items():
        flat = grad.flatten()
        out["norm." + name] = grad.norm()
        out["grad." + name] = flat[torch.from_numpy(sampled(name, flat.numel()))]
        errors.append(error(grads32[name], grad))
    state = {plain(k): v for k, v in trained.state_dict().items()}
    for name, value in state.items():
        if "running_" in name and ("layer" not in name or ".0.bn2" in name):
            out["param." + name] = value
        elif name in ("conv1.weight", "layer2.0.bn1.weight", "head.weight", "head.bias"):
            flat = value.flatten()
            out["param." + name] = flat[torch.from_numpy(sampled(name, flat.numel()))]
    out["torch_error"] = torch.tensor([max(errors), float(np.median(errors))], dtype=torch.float64)
    print(f"{arch} {count} x {side} px: loss {loss.item():.6f}; PyTorch's float32: loss off by "
          f"{abs(loss32.item() - loss.item()):.1e}, logits by "
          f"{(logits32 - logits).abs().max().item():.1e}, gradients by {max(errors):.1e} at worst, "
          f"{np.median(errors):.1e} median")
    save(OUT / f"{arch}.safetensors", out)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    make_layers()
    make_step("resnet18", 4, 64, 0.0)
    make_step("resnet50", 4, 64, 0.5)
