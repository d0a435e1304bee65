"""Input pipeline against PIL and torchvision, one thread each: PNG 299x299 to a float32 224x224 tensor.

Run: python3 bench/input_vs_python.py build/release/bin/assay-worker [--folder DIR] [--rounds N] [--json]

Each round times one pass of torchvision (Resize 256, RandomCrop 224, RandomHorizontalFlip, ToTensor,
Normalize) over the folder and, right after it, assay-worker's passes over the same files; the ratio is
the median over rounds, so that what else the machine does falls on both. Without --folder it makes
pictures with the structure and the noise of photographs (about 150 KB each).
Needs PIL, torch, torchvision and numpy.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch
import torchvision.transforms as T
from PIL import Image


def make_pictures(folder, count):
    """Blurred colour at several scales under a sensor's grain."""
    rng = np.random.default_rng(5)
    for number in range(count):
        picture = np.full((299, 299, 3), 128.0)
        for side in (3, 8, 20, 60):
            for channel in range(3):
                blobs = Image.fromarray(rng.normal(0, 1, (side, side)).astype(np.float32))
                picture[..., channel] += np.asarray(blobs.resize((299, 299), Image.BICUBIC)) * 70 / side**0.5
        picture += rng.normal(0, 3.2, (299, 299, 1)) + rng.normal(0, 1.6, (299, 299, 3))
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(os.path.join(folder, "%03d.png" % number))


def python_pass(files, pipeline):
    begin = time.perf_counter()
    for file in files:
        with Image.open(file) as image:
            pipeline(image.convert("RGB"))
    return len(files) / (time.perf_counter() - begin)


def assay_pass(program, folder):
    command = [program, "bench", "--input", folder, "--steps", "0", "--threads", "1", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["input"]["one_thread"]


def measure(program, folder, rounds):
    files = sorted(glob.glob(os.path.join(glob.escape(folder), "**", "*.png"), recursive=True))
    pipeline = T.Compose([T.Resize(256), T.RandomCrop(224), T.RandomHorizontalFlip(), T.ToTensor(),
                          T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    python_pass(files, pipeline)
    python, assay = [], []
    for _ in range(rounds):
        python.append(python_pass(files, pipeline))
        assay.append(assay_pass(program, folder))
    figures = {name: statistics.median(one[name] for one in assay) for name in assay[0]}
    ratios = {name: statistics.median(one[name] / base for one, base in zip(assay, python)) for name in ("cold", "cached")}
    return {"pictures": len(files), "bytes_each": sum(map(os.path.getsize, files)) // len(files),
            "python_images_per_second": statistics.median(python), "assay_images_per_second": figures, "ratio": ratios}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--folder")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        if arguments.folder is None:
            make_pictures(made, 40)
        result = measure(arguments.program, arguments.folder or made, arguments.rounds)
    if arguments.json:
        print(json.dumps(result))
        return
    print("%d pictures of %d bytes, one thread, images/s" % (result["pictures"], result["bytes_each"]))
    print("  PIL + torchvision  %8.0f" % result["python_images_per_second"])
    for name in ("decode", "resize", "rest", "cold", "cached"):
        ratio = "   %.2f x" % result["ratio"][name] if name in result["ratio"] else ""
        print("  assay %-12s %8.0f%s" % (name, result["assay_images_per_second"][name], ratio))


if __name__ == "__main__":
    main()
