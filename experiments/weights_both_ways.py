#!/usr/bin/env python3
"""Carries weights both ways between PyTorch and assay.

    weights_both_ways.py out CHECKPOINT.safetensors WEIGHTS.pth   an assay checkpoint for PyTorch
    weights_both_ways.py in  WEIGHTS.pth WEIGHTS.safetensors      torchvision's weights for assay

(assay reads a .pth itself too; "in" shows what the safetensors file has to hold.)
Needs torch, torchvision and safetensors.
"""
import json
import sys

import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import save_file


class Detector(torch.nn.Module):
    """The notebook's model: a ResNet with 1000 outputs, what model.head names, and two classes."""

    def __init__(self, model):
        super().__init__()
        self.backbone = getattr(torchvision.models, model["arch"])()
        self.between = {"relu": torch.nn.ReLU(),
                        "dropout": torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Dropout(model["dropout"])),
                        "linear": torch.nn.Identity()}[model["head"]]
        self.head = torch.nn.Linear(1000, 2)

    def forward(self, images):
        return self.head(self.between(self.backbone(images)))


def checkpoint_to_pytorch(source, target):
    with safe_open(source, "pt") as file:
        config = json.loads(file.metadata()["config"])
        weights = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("optimizer.")}
    model = Detector(config["model"])
    names = {name if name.startswith("head.") else "backbone." + name: value for name, value in weights.items()}
    model.load_state_dict(names, strict=True)
    torch.save(weights, target)
    print(f"{target}: {len(weights)} tensors, loaded with strict=True into {config['model']['arch']}")


def pytorch_to_assay(source, target):
    weights = torch.load(source, map_location="cpu", weights_only=True)
    save_file({name: value.contiguous() for name, value in weights.items()}, target, {"format": "pt"})
    print(f"{target}: {len(weights)} tensors")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("in", "out"):
        sys.exit(__doc__)
    {"out": checkpoint_to_pytorch, "in": pytorch_to_assay}[sys.argv[1]](*sys.argv[2:])
