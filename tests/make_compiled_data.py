"""Writes tests/data/pth/*compiled*.pth: norm.pth (make_pth_data.py) as it comes out of torch.compile'd models.

Run: python3 tests/make_compiled_data.py tests/data/pth    (PyTorch 2.6 made those in the tree; 1.13 has no torch.compile)
"""
import collections
import os
import sys

import torch

FOLDER = sys.argv[1]


def save(name, wrapped):
    torch.save(wrapped.state_dict(), os.path.join(FOLDER, name))


model = torch.nn.Sequential(collections.OrderedDict(bn1=torch.nn.BatchNorm2d(64)))
model.load_state_dict(torch.load(os.path.join(FOLDER, "norm.pth")))
save("compiled.pth", torch.compile(model))
save("parallel_of_compiled.pth", torch.nn.DataParallel(torch.compile(model)))
save("compiled_parallel.pth", torch.compile(torch.nn.DataParallel(model)))
