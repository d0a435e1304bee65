"""Training on one GPU: assay beside PyTorch, interleaved in one run; one JSON, one table.

Run: bench/train_vs_pytorch.sh build/release/bin/assay-worker [--pictures DIR] [--rounds N] [--json F] [--table F]

The work on both sides: ResNet-50, ReLU, Linear(1000, 2), cross-entropy, Adam, all parameters, channels
last, 224 x 224; fp32 (true float), tf32, bf16 (PyTorch: autocast); batches of 32 and 256.
  random   the same drawn pictures each step, on the device already
  input    PNG files, resized to 256 once and kept; crop, flip and Normalize anew each epoch. PyTorch:
           a DataLoader whose workers hold the resized pictures, pinned memory, non_blocking copies
PyTorch runs eagerly and through torch.compile (--compile-mode). In each round of a row (data, batch,
precision) assay, eager and compile run one after the other, never two at once; a ratio is the median over
rounds, so that what else the machine does falls on all. assay is a process of its own each time, each peer one
that lasts (train_vs_pytorch_peer.py), keeps its warmed network until the row ends, and is started anew where it
died. assay takes deterministic algorithms alone, PyTorch whatever is fastest (cudnn.benchmark). assay's rate is
of steps that are queued ahead, as its runs queue them; a peer's is the faster of reading the loss each step, as
the notebook does, and of reading nothing. Needs torch with CUDA and torchvision.

Beside each figure of assay: the floor that `assay-worker bench --layers` counts for this GPU and how near it
is; what part of the speed on pictures that are on the device already, measured in the same process, is left
with the whole pipeline (97 % is wanted). nvidia-smi is asked ten times a second: how busy the GPU was is over
the timed steps but their first second, which its figure still looks back on, so the first round of a batch and
precision, whose speed is not known yet, may be too short for it (95 % is wanted of training). Memory of
both: the most of the GPU's that it had allocated at once, cuDNN's and cuBLAS's workspaces among it (PyTorch:
max_memory_reserved), without CUDA's context; of assay, whose evaluation in larger batches counts, also the most
that nvidia-smi saw in use while it ran less what was in use before (the peers' own), with its context.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time

from train_vs_pytorch_contenders import Assay, Peer, find_floor, measure
from train_vs_pytorch_table import cell, make_row, ratio, table

PRECISIONS = ("fp32", "tf32", "bf16")
DATA = ("random", "input")
PEERS = ("eager", "compile")
COMPILE_MODES = ("max-autotune", "reduce-overhead", "default")


def write(document, options, over):
    """What there is so far; to stdout only when all is over."""
    for path, text in ((options.json, json.dumps(document, indent=1) + "\n"), (options.table, table(document))):
        if path is not None:
            with open(path + ".new", "w") as file:
                file.write(text)
            os.replace(path + ".new", path)  # who ends this at any moment finds what was measured before
        elif over:
            sys.stdout.write(text)


def xor(left, right):
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def make_pictures(folder, count):
    """Ramps with noise, as PNG by zlib alone: what the input pipeline reads when --pictures is not given."""
    import random
    import struct
    import zlib
    noise, low = random.Random(0), bytes(value % 32 for value in range(256))
    ramp = bytes(x % 256 for x in range(3 * 299 + 255))
    for i in range(count):
        rows = b"".join(b"\0" + xor(ramp[(y + i) % 256:][:3 * 299], noise.randbytes(3 * 299).translate(low))
                        for y in range(299))
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", 299, 299, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 1)),
                  (b"IEND", b"")]
        with open(os.path.join(folder, "%04d.png" % i), "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" + b"".join(
                struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                for kind, data in chunks))


def read_pairs(text):
    """bf16:32,... as a set of (precision, batch)."""
    pairs = [one.split(":") for one in text.split(",")]
    return {(precision, int(batch)) for precision, batch in pairs}


def read_rows(text):
    """random:32:bf16,... as a list of rows' keys."""
    rows = [one.split(":") for one in text.split(",")]
    return [{"data": data, "batch": int(batch), "precision": precision} for data, batch, precision in rows]


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=50, help="timed, of a peer, and of assay at least")
    parser.add_argument("--assay-seconds", type=float, default=3,
                        help="assay's timed steps take that long, once its speed is known (default: 3)")
    parser.add_argument("--batches", default="32,256")
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument("--rows", type=read_rows, help="which and in what order: random:32:bf16,input:256:tf32 "
                        "(default: both data with each of --batches and --precisions)")
    parser.add_argument("--peers", default=",".join(PEERS), help="none: assay alone")
    parser.add_argument("--compile-for", type=read_pairs, metavar="PRECISION:BATCH,...",
                        help="what the peer compile runs at: bf16:32,bf16:256 (default: all)")
    parser.add_argument("--compile-mode", choices=COMPILE_MODES, default=COMPILE_MODES[0],
                        help="of torch.compile; the first tries many kernels for every convolution, which takes "
                        "minutes (default: max-autotune)")
    parser.add_argument("--peer-seconds", type=float, metavar="SECONDS",
                        help="a peer that has no answer to a task by then is ended, and has failed (default: none)")
    parser.add_argument("--budget", type=float, default=math.inf, metavar="SECONDS",
                        help="after which no other row and no other round begins; a peer under way may take a "
                        "minute more")
    parser.add_argument("--pictures", help="a folder of PNGs (default: 128 are made)")
    parser.add_argument("--json", help="where the JSON goes, after each row (default: stdout, at the end)")
    parser.add_argument("--table", help="where the table goes, after each row (default: stdout, at the end)")
    parser.add_argument("--dry", action="store_true", help="small, on the CPU: shows that the script works")
    options = parser.parse_args()
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    if not set(options.peers) <= set(PEERS):
        parser.error("--peers are of eager and compile, or none")
    if options.rows is None:
        options.rows = read_rows(",".join(
            "%s:%s:%s" % (data, batch, precision) for data in DATA for batch in options.batches.split(",")
            for precision in options.precisions.split(",")))
    if not all(row["data"] in DATA and row["precision"] in PRECISIONS for row in options.rows):
        parser.error("rows are of random and input, and of fp32, tf32 and bf16")
    return options


def make_small(options):
    """For --dry: batches of 4, once, and the peers where there is a torch at all."""
    rows = {json.dumps({**row, "batch": 4}): None for row in options.rows}
    options.rows = [json.loads(row) for row in rows]
    options.compile_for = options.compile_for and {(precision, 4) for precision, _ in options.compile_for}
    options.rounds, options.assay_seconds = min(options.rounds, 2), 0
    if subprocess.run([sys.executable, "-c", "import torch, torchvision"], capture_output=True).returncode != 0:
        options.peers = []


def main():
    began = time.monotonic()
    options = read_options()
    task = {"arch": "resnet50", "size": 224, "steps": options.steps, "warm": 10, "dry": options.dry,
            "compile_mode": options.compile_mode}
    if options.dry:
        make_small(options)
        task.update(arch="resnet18", size=32, steps=2, warm=1)

    def left():
        return options.budget - (time.monotonic() - began)

    contenders = {"assay": Assay(options.program, options.assay_seconds),
                  **{name: Peer(name, options.peer_seconds, lambda: max(left(), 0) + 60) for name in options.peers}}
    peers = [contenders[name] for name in options.peers]
    document = {"dry": options.dry, "python": sys.version.split()[0], "compile_mode": options.compile_mode,
                "rows": list(options.rows)}
    with tempfile.TemporaryDirectory() as folder:
        for peer in peers:
            peer.start()  # all at once: most of it is reading torch
        if options.pictures is None and any(row["data"] == "input" for row in options.rows):
            make_pictures(folder, 8 if options.dry else 128)
        task["pictures"] = options.pictures or folder
        for peer in peers:
            peer.answer()  # that it is ready
        for i, row in enumerate(options.rows):
            if left() < 0:
                break
            task.update(row)
            wanted = options.compile_for is None or (row["precision"], row["batch"]) in options.compile_for

            def keep(runs):
                document["rows"][i] = make_row(task, runs)
                write(document, options, False)
            runs = measure({name: one for name, one in contenders.items() if name != "compile" or wanted}, task,
                           options.rounds, lambda: left() < 0, keep)
            done = document["rows"][i]
            if "error" not in done["assay"]:
                done["floor_images_per_second"] = find_floor(options.program, task, runs["assay"][0]["device"])
            write(document, options, False)
            print("%s, batch %d, %s:" % tuple(row.values()), ", ".join(
                " ".join((name, done[name].get("error") or cell(done, name), ratio(done, name))).strip()
                for name in runs), file=sys.stderr, flush=True)
        write(document, options, True)
        for peer in peers:
            peer.end()
    return 1 if any("error" in row.get("assay", {}) for row in document["rows"]) else 0


if __name__ == "__main__":
    sys.exit(main())
