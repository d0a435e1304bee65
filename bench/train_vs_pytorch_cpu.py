"""Training steps on the CPU against PyTorch: images/s and peak memory, interleaved in one run.

Run: bench/train_vs_pytorch_cpu.sh build/release/bin/assay-worker [--sizes 64,128,224] [--rounds N]

The work on both sides: ResNet-50, ReLU, Linear(1000, 2), cross-entropy, Adam, all parameters, fp32,
all cores. Each round runs PyTorch and then assay-worker, each in a process of its own that takes one
step for itself (in which --compile compiles) and then times the median of some; a ratio is the median
over rounds, so that what else the machine does falls on both. PyTorch runs in its better memory
format, which is tried out first. Memory is VmHWM, the whole process's. Once for the machine as it is,
once with both held to AVX2 (ATen and oneDNN, from which assay has the size of its blocks, and by that the
instructions of its convolutions; its other loops are for what the machine has).

A step's floor is in the last lines of assay-worker bench --layers. Needs torch and torchvision.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

ISAS = {"native": {}, "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2",
                               "ATEN_CPU_CAPABILITY": "avx2"}}
BATCH = 32


def peak_bytes():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024


def peer(size, steps, channels_last, compiled):
    """What PyTorch does, in a process of its own; prints JSON."""
    import torch
    import torchvision
    torch.set_num_threads(os.cpu_count())
    torch.manual_seed(0)
    network = torch.nn.Sequential(torchvision.models.resnet50(), torch.nn.ReLU(), torch.nn.Linear(1000, 2))
    images, labels = torch.randn(BATCH, 3, size, size), torch.arange(BATCH) % 2
    if channels_last:
        network, images = (it.to(memory_format=torch.channels_last) for it in (network, images))
    optimizer = torch.optim.Adam(network.parameters(), 2e-4)
    if compiled:
        network = torch.compile(network)
    seconds = []
    for _ in range(1 + steps):
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"rate": BATCH / statistics.median(seconds[1:]), "bytes": peak_bytes()}))


def run(command, environment):
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    return done.stdout


def run_peer(size, steps, channels_last, compiled, isa):
    command = [sys.executable, __file__, "--peer", str(size), str(steps), str(int(channels_last)), str(int(compiled))]
    return json.loads(run(command, ISAS[isa]))


def run_assay(program, size, steps, isa):
    command = [program, "bench", "--backend", "cpu", "--size", str(size), "--batch", str(BATCH), "--steps",
               str(steps), "--json"]
    return json.loads(run(command, ISAS[isa]))


def measure(program, size, isa, compiled, rounds):
    steps = {64: 5, 128: 4}.get(size, 2)
    formats = {last: run_peer(size, 1, last, compiled, isa)["rate"] for last in (False, True)}
    channels_last = formats[True] > formats[False]
    torch, ours = [], []
    for _ in range(rounds):
        torch.append(run_peer(size, steps, channels_last, compiled, isa))
        result = run_assay(program, size, steps, isa)
        ours.append({"rate": result["training"]["images_per_second"], "bytes": result["memory_peak_bytes"]})
    return {"size": size, "isa": isa, "format": "channels_last" if channels_last else "contiguous",
            "torch": statistics.median(one["rate"] for one in torch),
            "assay": statistics.median(one["rate"] for one in ours),
            "ratios": [mine["rate"] / other["rate"] for mine, other in zip(ours, torch)],
            "torch_bytes": statistics.median(one["bytes"] for one in torch),
            "assay_bytes": statistics.median(one["bytes"] for one in ours)}


def row(one):
    return "| %s | %d px | %.1f (%s) | %.1f | %.2f x (%.2f to %.2f) | %.2f GB | %.2f GB |" % (
        one["isa"], one["size"], one["torch"], one["format"], one["assay"], statistics.median(one["ratios"]),
        min(one["ratios"]), max(one["ratios"]), one["torch_bytes"] / 1e9, one["assay_bytes"] / 1e9)


def main():
    if sys.argv[1:2] == ["--peer"]:
        peer(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1", sys.argv[5] == "1")
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--sizes", default="64,128,224")
    parser.add_argument("--isas", default=",".join(ISAS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="PyTorch by torch.compile (2.0 or later)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not arguments.json:
        print("| instructions | pictures | PyTorch, images/s | assay, images/s | ratio | PyTorch's memory | assay's memory |")
        print("| --- " * 7 + "|", flush=True)
    for isa in arguments.isas.split(","):
        for size in map(int, arguments.sizes.split(",")):
            one = measure(arguments.program, size, isa, arguments.compile, arguments.rounds)
            print(json.dumps(one) if arguments.json else row(one), flush=True)


if __name__ == "__main__":
    main()
