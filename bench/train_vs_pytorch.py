"""Training on one GPU: assay beside PyTorch, interleaved in one run; one JSON, one table.

Run: bench/train_vs_pytorch.sh build/release/bin/assay-worker [--pictures DIR] [--rounds N] [--json F] [--table F]

The work on both sides: ResNet-50, ReLU, Linear(1000, 2), cross-entropy, Adam, all parameters, channels
last, 224 x 224; fp32 (true float), tf32, bf16 (PyTorch: autocast); batches of 32 and 256.
  random   the same drawn pictures each step, on the device already
  input    PNG files, resized to 256 once and kept; crop, flip and Normalize anew each epoch. PyTorch:
           a DataLoader whose workers hold the resized pictures, pinned memory, non_blocking copies
PyTorch runs eagerly and through torch.compile(mode="max-autotune"). Each round runs every contender, each in
a process of its own, and gives the median step after some that are not timed; a ratio is the median over
rounds, so that what else the machine does falls on all. assay takes deterministic algorithms alone, PyTorch
whatever is fastest (cudnn.benchmark). Needs torch with CUDA and torchvision.

Beside each figure of assay: the floor that `assay-worker bench --layers` counts for this GPU and how near it
is; what part of the speed on pictures that are on the device already is left with the whole pipeline (97 %
is wanted). nvidia-smi, asked ten times a second while each contender runs, gives the most memory in use (less
what was in use before) and how busy the GPU was over the second half of the run (95 % is wanted of training).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

PRECISIONS = ("fp32", "tf32", "bf16")
PEERS = ("eager", "compile")


# ---- PyTorch, in a process of its own ----

def peer_setup(task):
    import torch
    import torchvision
    device = "cpu" if task["dry"] else "cuda"
    torch.manual_seed(0)
    tf32 = task["precision"] != "fp32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    arch = getattr(torchvision.models, task["arch"])()
    network = torch.nn.Sequential(arch, torch.nn.ReLU(), torch.nn.Linear(1000, 2))
    network = network.to(device, memory_format=torch.channels_last)
    if task["peer"] == "compile":
        network = torch.compile(network, mode="max-autotune")
    optimizer = torch.optim.Adam(network.parameters(), 2e-4)

    def step(images, labels):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=task["precision"] == "bf16"):
            loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return torch, device, step


def peer_random(task):
    torch, device, step = peer_setup(task)
    size, batch = task["size"], task["batch"]
    images = torch.randn(batch, 3, size, size, device=device).to(memory_format=torch.channels_last)
    labels = torch.arange(batch, device=device) % 2
    seconds = []
    for _ in range(task["warm"] + task["steps"]):
        began = time.perf_counter()
        step(images, labels).item()  # the loss is read each step, as the notebook does
        seconds.append(time.perf_counter() - began)
    return batch / statistics.median(seconds[task["warm"]:]), torch, device


def peer_input(task):
    torch, device, step = peer_setup(task)
    import torchvision.transforms as T
    from PIL import Image
    paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(task["pictures"])
                   for name in names if name.endswith(".png"))
    resize = T.Resize(task["size"] * 256 // 224)
    kept = [resize(Image.open(path).convert("RGB")) for path in paths]
    rest = T.Compose([T.RandomCrop(task["size"]), T.RandomHorizontalFlip(), T.ToTensor(),
                      T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])

    class Pictures(torch.utils.data.Dataset):
        def __len__(self):
            return task["batch"] * task["steps"]

        def __getitem__(self, index):
            return rest(kept[index % len(kept)]), index % 2

    loader = torch.utils.data.DataLoader(Pictures(), task["batch"], shuffle=True, drop_last=True,
                                         num_workers=0 if task["dry"] else os.cpu_count(),
                                         pin_memory=not task["dry"], persistent_workers=not task["dry"])
    for _ in range(2):  # the second epoch counts
        began = time.perf_counter()
        for images, labels in loader:
            images = images.to(device, non_blocking=True, memory_format=torch.channels_last)
            step(images, labels.to(device, non_blocking=True)).item()
        spent = time.perf_counter() - began
    return task["batch"] * task["steps"] / spent, torch, device


def peer(task):
    rate, torch, device = peer_input(task) if task["data"] == "input" else peer_random(task)
    print(json.dumps({"rate": rate, "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(),
                      "bytes": torch.cuda.max_memory_allocated() if device == "cuda" else 0}))


# ---- both sides ----

def ask_gpu():
    """MiB in use and % busy of the first GPU, or None where nvidia-smi does not say."""
    try:
        said = subprocess.run(["nvidia-smi", "--id=0", "--query-gpu=memory.used,utilization.gpu",
                               "--format=csv,noheader,nounits"], capture_output=True, text=True).stdout
        return [float(one) for one in said.strip().split(",")]
    except (OSError, ValueError):
        return None


def watch_gpu(samples, over):
    while not over.wait(0.1):
        samples.append(ask_gpu())


def run(command):
    before = ask_gpu()
    samples, over = [], threading.Event()
    watcher = threading.Thread(target=watch_gpu, args=(samples, over))
    if before is not None:
        watcher.start()
    done = subprocess.run(command, capture_output=True, text=True)
    over.set()
    if before is not None:
        watcher.join()
    if done.returncode != 0:
        return {"error": (done.stderr.strip().splitlines() or ["ended with %d" % done.returncode])[-1]}
    result = json.loads(done.stdout.strip().splitlines()[-1])
    samples = [one for one in samples if one is not None]
    if samples:
        result["memory_mib"] = max(used for used, _ in samples) - before[0]
        result["busy"] = statistics.mean(busy for _, busy in samples[len(samples) // 2:]) / 100
    return result


def gpu_results(result):
    return {key: result[key] for key in ("memory_mib", "busy") if key in result}


def run_peer(task):
    return run([sys.executable, __file__, "--peer", json.dumps(task)])


def find_floor(program, task):
    """Images/s that the rates of this GPU's data sheet allow; None where nothing is known of it."""
    device = run([program, "devices", "--json"] if task["dry"] else [
        program, "bench", "--backend", "cuda", "--steps", "1", "--arch", "resnet18", "--size", "32", "--batch", "2",
        "--json"])
    names = [name for name in ("h100", "h200", "a100") if name in json.dumps(device).lower()]
    if task["dry"]:
        names = ["h100"]  # that the script works
    if not names:
        return None
    counted = run([program, "bench", "--layers", "--steps", "0", "--floor-of", names[0], "--arch", task["arch"],
                   "--size", str(task["size"]), "--batch", str(task["batch"]), "--precision", task["precision"],
                   "--json"])
    return 1e3 * task["batch"] / counted["layers"]["step"]["floor_ms"]


def run_assay(program, task):
    command = [program, "bench", "--backend", "cpu" if task["dry"] else "cuda", "--arch", task["arch"], "--size",
               str(task["size"]), "--batch", str(task["batch"]), "--steps", str(task["steps"]), "--precision",
               "fp32" if task["dry"] else task["precision"], "--json"]
    if task["data"] == "input":
        command += ["--input", task["pictures"]]
    result = run(command)
    if "error" in result:
        return result
    part = result["together"]["cached"] if task["data"] == "input" else result["training"]
    return {"rate": part["images_per_second"], "device": result["device"], "waiting": part.get("waiting"),
            "evaluation_share": result["training"].get("evaluation_share"), **gpu_results(result)}


def measure(program, task, rounds, peers):
    """One row: every contender once a round."""
    runs = {name: [] for name in ("assay",) + peers}
    for _ in range(rounds):
        runs["assay"].append(run_assay(program, task))
        for name in peers:
            runs[name].append(run_peer({**task, "peer": name}))
    row = {key: task[key] for key in ("data", "batch", "precision")}
    row["floor_images_per_second"] = find_floor(program, task)
    for name, results in runs.items():
        failed = [one["error"] for one in results if "error" in one]
        row[name] = {"error": failed[0]} if failed else {
            "images_per_second": statistics.median(one["rate"] for one in results), "runs": results}
    for name in peers:
        if "error" not in row["assay"] and "error" not in row[name]:
            ratios = [a["rate"] / b["rate"] for a, b in zip(runs["assay"], runs[name])]
            row["ratio_" + name] = {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
    return row


def cell(row, name):
    one = row.get(name)
    if one is None:
        return "not run"
    return "failed" if "error" in one else "%.0f" % one["images_per_second"]


def ratio(row, name):
    one = row.get("ratio_" + name)
    return "" if one is None else "%.2f x (%.2f to %.2f)" % (one["median"], one["low"], one["high"])


def distance(row):
    floor = row["floor_images_per_second"]
    if floor is None or "error" in row["assay"]:
        return ""
    return "%.0f, %.0f %%" % (floor, 100 * row["assay"]["images_per_second"] / floor)


def of_device(document, row):
    """What is left of the speed on pictures that are on the device already."""
    for other in document["rows"]:
        if (row["data"] == "input" and other["data"] == "random" and "error" not in row["assay"] and
                "error" not in other["assay"] and
                all(row[key] == other[key] for key in ("batch", "precision"))):
            return "%.0f %%" % (100 * row["assay"]["images_per_second"] / other["assay"]["images_per_second"])
    return ""


def gpu_cell(row, name, key, shape, unit=1):
    runs = [one[key] for one in row.get(name, {}).get("runs", []) if key in one]
    return shape % (unit * statistics.median(runs)) if runs else ""


def table(document):
    lines = ["| data | batch | precision | assay, images/s | floor, and how near | of the speed without input | GPU busy | "
             "memory | PyTorch eager | ratio | its memory | torch.compile | ratio | its memory |", "| --- " * 14 + "|"]
    for row in document["rows"]:
        lines.append("| " + " | ".join((
            row["data"], "%d" % row["batch"], row["precision"], cell(row, "assay"), distance(row),
            of_device(document, row), gpu_cell(row, "assay", "busy", "%.0f %%", 100),
            gpu_cell(row, "assay", "memory_mib", "%.0f MiB"), cell(row, "eager"), ratio(row, "eager"),
            gpu_cell(row, "eager", "memory_mib", "%.0f MiB"), cell(row, "compile"), ratio(row, "compile"),
            gpu_cell(row, "compile", "memory_mib", "%.0f MiB"))) + " |")
    return "\n".join(lines) + "\n"


def make_pictures(folder, count):
    """Grey ramps with noise, as PNG by zlib alone: what the input pipeline reads when --pictures is not given."""
    import random
    import struct
    import zlib
    noise = random.Random(0)
    for i in range(count):
        rows = b"".join(b"\0" + bytes((x + y + i + noise.randrange(32)) % 256 for x in range(299) for _ in range(3))
                        for y in range(299))
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", 299, 299, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 1)),
                  (b"IEND", b"")]
        with open(os.path.join(folder, "%04d.png" % i), "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" + b"".join(
                struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                for kind, data in chunks))


def main():
    if sys.argv[1:2] == ["--peer"]:
        peer(json.loads(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batches", default="32,256")
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument("--peers", default=",".join(PEERS), help="none: assay alone")
    parser.add_argument("--pictures", help="a folder of PNGs (default: 256 are made)")
    parser.add_argument("--json", help="where the JSON goes (default: stdout)")
    parser.add_argument("--table", help="where the table goes (default: stdout)")
    parser.add_argument("--dry", action="store_true", help="small, on the CPU: shows that the script works")
    options = parser.parse_args()
    precisions = tuple(options.precisions.split(","))
    if not set(precisions) <= set(PRECISIONS):
        parser.error("--precisions are of fp32, tf32 and bf16")
    peers = () if options.peers == "none" else tuple(options.peers.split(","))
    if not set(peers) <= set(PEERS):
        parser.error("--peers are of eager and compile, or none")
    task = {"arch": "resnet50", "size": 224, "steps": options.steps, "warm": 10, "dry": options.dry}
    batches = [int(one) for one in options.batches.split(",")]
    if options.dry:
        task.update(arch="resnet18", size=32, steps=2, warm=1)
        batches, options.rounds = batches[:1], 1
        batches = [min(batches[0], 4)]
        if subprocess.run([sys.executable, "-c", "import torch, torchvision"], capture_output=True).returncode != 0:
            peers = ()
    document = {"dry": options.dry, "python": sys.version.split()[0], "rows": []}
    with tempfile.TemporaryDirectory() as folder:
        if options.pictures is None:
            make_pictures(folder, 8 if options.dry else 256)
        task["pictures"] = options.pictures or folder
        for data in ("random", "input"):
            for batch in batches:
                for precision in precisions:
                    row = measure(options.program, {**task, "data": data, "batch": batch, "precision": precision},
                                  options.rounds, peers)
                    document["rows"].append(row)
                    print("%s, batch %d, %s: %s" % (data, batch, precision, cell(row, "assay")), file=sys.stderr)
    for path, text in ((options.json, json.dumps(document, indent=1) + "\n"), (options.table, table(document))):
        if path is None:
            sys.stdout.write(text)
        else:
            with open(path, "w") as file:
                file.write(text)
    return 1 if any("error" in row["assay"] for row in document["rows"]) else 0


if __name__ == "__main__":
    sys.exit(main())
