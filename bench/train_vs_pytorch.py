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
import statistics
import subprocess
import sys
import tempfile
import threading
import time

PRECISIONS = ("fp32", "tf32", "bf16")
DATA = ("random", "input")
PEERS = ("eager", "compile")
COMPILE_MODES = ("max-autotune", "reduce-overhead", "default")
PEER_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "train_vs_pytorch_peer.py")


# ---- the GPU, from beside ----

def ask_gpu():
    """MiB in use and % busy of the first GPU, or None where nvidia-smi does not say."""
    try:
        said = subprocess.run(["nvidia-smi", "--id=0", "--query-gpu=memory.used,utilization.gpu",
                               "--format=csv,noheader,nounits"], capture_output=True, text=True).stdout
        return [float(one) for one in said.strip().split(",")]
    except (OSError, ValueError):
        return None


class Watch:
    """In a with block: what nvidia-smi says all the while."""

    def __enter__(self):
        self.samples, self.over = [], threading.Event()
        self.before = ask_gpu()
        self.thread = threading.Thread(target=self.look)
        if self.before is not None:
            self.thread.start()
        return self

    def look(self):
        while not self.over.wait(0.1):
            now, said = 1e3 * time.time(), ask_gpu()
            if said is not None:
                self.samples.append((now, *said))

    def __exit__(self, *_):
        self.over.set()
        if self.before is not None:
            self.thread.join()

    def memory(self):
        """{"memory_mib": ...}: the most in use less what was before, where that is known."""
        used = [used for _, used, _ in self.samples]
        return {"memory_mib": max(used) - self.before[0]} if used else {}

    def busy(self, timed):
        """{"busy": ...} over the timed steps but their first second, where there was anybody to look."""
        busy = [busy for now, _, busy in self.samples if timed["from_unix_ms"] + 1e3 <= now <= timed["until_unix_ms"]]
        return {"busy": statistics.mean(busy) / 100} if busy else {}


# ---- PyTorch ----

def last_line(text, code):
    return (text.strip().splitlines() or ["ended with %d" % code])[-1]


class Peer:
    """A process that is given tasks, one after the other, and `seconds` for each (None: as it likes), but never
    more than `left` says. One that was late is asked no more: it would be late again, and cost as much."""

    def __init__(self, kind, seconds, left):
        self.kind, self.seconds, self.left, self.late = kind, seconds, left, None
        self.process, self.errors = None, None

    def start(self):
        """Its first answer is that it is ready."""
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen([sys.executable, PEER_PROGRAM, self.kind], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True)

    def answer(self, seconds=None):
        """What it says next; {"error": ...} when it died instead, or was ended for not saying it in time."""
        late = threading.Event()
        timer = threading.Timer(seconds or 0, lambda: (late.set(), self.process.kill()))
        if seconds is not None:
            timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.process = None
        if late.is_set():
            self.late = {"error": "no answer within %.0f s" % seconds}
            return self.late
        self.errors.seek(0)
        return {"error": last_line(self.errors.read(), code)}

    def limit(self):
        limits = [one for one in (self.seconds, self.left()) if one is not None and one < math.inf]
        return min(limits) if limits else None

    def ask(self, task):
        if self.late is not None:
            return self.late
        if self.process is None:
            self.start()
            ready = self.answer(self.limit())
            if "error" in ready:
                return ready
        with Watch() as watch:
            try:
                self.process.stdin.write(json.dumps(task) + "\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                pass  # it has died, and the answer says of what
            result = self.answer(self.limit())
        return result if "error" in result else {**result, **watch.busy(result)}

    def end(self):
        if self.process is None:
            return
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- assay ----

def run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        return {"error": str(error)}
    if done.returncode != 0:
        return {"error": last_line(done.stderr, done.returncode)}
    return json.loads(done.stdout.strip().splitlines()[-1])


def work_options(task):
    return ["--arch", task["arch"], "--size", str(task["size"]), "--batch", str(task["batch"]), "--json"]


def run_assay(program, task, steps):
    command = [program, "bench", "--backend", "cpu" if task["dry"] else "cuda", "--steps", str(steps), "--precision",
               "fp32" if task["dry"] else task["precision"], *work_options(task)]
    if task["data"] == "input":
        command += ["--input", task["pictures"]]
    with Watch() as watch:
        result = run(command)
    if "error" in result:
        return result
    training = result["training"]
    part = result["together"]["cached"] if task["data"] == "input" else training
    return {"rate": part["images_per_second"], "training_rate": training["images_per_second"], "steps": steps,
            "device": result["device"], "waiting": part.get("waiting"),
            "evaluation_share": training["evaluation_share"],
            "reserved": training.get("device_memory_peak_bytes", 0), **watch.memory(), **watch.busy(part)}


def find_floor(program, task, device):
    """Images/s that the rates of this GPU's data sheet allow; None where nothing is known of it."""
    names = [name for name in ("h100", "h200", "a100") if name in device.lower() or task["dry"]]
    if not names:
        return None
    counted = run([program, "bench", "--layers", "--steps", "0", "--floor-of", names[0], "--precision",
                   task["precision"], *work_options(task)])
    return None if "error" in counted else 1e3 * task["batch"] / counted["layers"]["step"]["floor_ms"]


# ---- a row ----

class Assay:
    """assay as a contender: so many steps that they take long enough, once its speed is known."""

    def __init__(self, program, seconds):
        self.program, self.seconds, self.rates = program, seconds, {}

    def ask(self, task):
        work = task["batch"], task["precision"]
        steps = max(task["steps"], math.ceil(self.seconds * self.rates.get(work, 0) / task["batch"]))
        result = run_assay(self.program, task, steps)
        if "error" not in result:
            self.rates[work] = result["training_rate"]
        return result


def key_of(task):
    return {key: task[key] for key in ("data", "batch", "precision")}


def measure(contenders, task, rounds, over, keep):
    """Every contender once a round, unless it failed before; after each keep({name: its runs}). When it is
    over() no other round begins."""
    runs = {}
    for i in range(rounds):
        if i > 0 and over():
            break
        for name, contender in contenders.items():
            if not any("error" in one for one in runs.get(name, [])):
                runs.setdefault(name, []).append(contender.ask(task))
                keep(runs)
    return runs


def make_row(task, runs):
    row = key_of(task)
    for name, results in runs.items():
        failed = [one["error"] for one in results if "error" in one]
        row[name] = {"error": failed[0]} if failed else {
            "images_per_second": statistics.median(one["rate"] for one in results), "runs": results}
    if "error" in row["assay"]:
        return row
    for name in runs:
        if name != "assay" and "error" not in row[name]:
            ratios = [a["rate"] / b["rate"] for a, b in zip(runs["assay"], runs[name])]
            row["ratio_" + name] = {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
    return row


# ---- the table ----

def cell(row, name):
    one = row.get(name)
    if one is None:
        return "not run"
    return "failed" if "error" in one else "%.0f" % one["images_per_second"]


def ratio(row, name):
    one = row.get("ratio_" + name)
    return "" if one is None else "%.2f x (%.2f to %.2f)" % (one["median"], one["low"], one["high"])


def distance(row):
    floor = row.get("floor_images_per_second")
    return "" if floor is None else "%.0f, %.0f %%" % (floor, 100 * row["assay"]["images_per_second"] / floor)


def median_of(row, name, value, shape):
    """Over the runs that have the value; empty where none has."""
    values = [value(one) for one in row.get(name, {}).get("runs", [])]
    values = [one for one in values if one is not None]
    return shape % statistics.median(values) if values else ""


def of_device(row):
    """What is left of the speed on pictures that are on the device already."""
    if row["data"] == "random":
        return ""
    return median_of(row, "assay", lambda one: 100 * one["rate"] / one["training_rate"], "%.0f %%")


def reserved(row, name):
    return median_of(row, name, lambda one: one["reserved"] / 2**20, "%.0f MiB")


def table(document):
    lines = ["| data | batch | precision | assay, images/s | floor, and how near | of the speed without input | "
             "GPU busy | memory it reserved | memory by nvidia-smi | PyTorch eager | ratio | memory it reserved | "
             "torch.compile | ratio | memory it reserved |", "| --- " * 15 + "|"]
    for row in document["rows"]:
        lines.append("| " + " | ".join((
            row["data"], "%d" % row["batch"], row["precision"], cell(row, "assay"), distance(row), of_device(row),
            median_of(row, "assay", lambda one: 100 * one["busy"] if "busy" in one else None, "%.0f %%"),
            reserved(row, "assay"), median_of(row, "assay", lambda one: one.get("memory_mib"), "%.0f MiB"),
            cell(row, "eager"), ratio(row, "eager"), reserved(row, "eager"), cell(row, "compile"),
            ratio(row, "compile"), reserved(row, "compile"))) + " |")
    return "\n".join(lines) + "\n"


def write(document, options, over):
    """What there is so far; to stdout only when all is over."""
    for path, text in ((options.json, json.dumps(document, indent=1) + "\n"), (options.table, table(document))):
        if path is not None:
            with open(path, "w") as file:
                file.write(text)
        elif over:
            sys.stdout.write(text)


# ---- the command ----

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
