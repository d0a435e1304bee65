"""The sides of train_vs_pytorch.py, PyTorch's processes and assay: each is asked to train a task and answers with its
rate, its memory and what the GPU did meanwhile."""
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

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


# ---- all of them ----

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
