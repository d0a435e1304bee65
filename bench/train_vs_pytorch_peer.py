"""PyTorch's half of train_vs_pytorch.py: trains what it is told to, in a process that lasts.

Run: train_vs_pytorch_peer.py eager|compile. Says {"ready": true} when torch is there; then reads tasks from
stdin, a JSON object a line, and answers each with a line. A task that is the one before again finds its
network still there, built and warmed; another one finds nothing but this process's context. What fails ends
the process, with the reason on stderr.

An answer has images/s as "rate_read" (the loss read by .item() each step, as the notebook does), as
"rate_unsynced" (nothing read until all steps are done) and as "rate", the faster of both; "bytes" and
"reserved", the most that PyTorch's allocator had given out and held during the timed steps; and when those
ran, "from_unix_ms" and "until_unix_ms".
"""
import gc
import itertools
import json
import os
import statistics
import sys
import time

import torch
import torchvision
import torchvision.transforms as T
from PIL import Image


class Drawn:
    """The same drawn pictures each step, on the device already."""

    def __init__(self, task, device):
        shape = task["batch"], 3, task["size"], task["size"]
        self.images = torch.randn(shape, device=device).to(memory_format=torch.channels_last)
        self.labels = torch.arange(task["batch"], device=device) % 2

    def batches(self, steps):
        return itertools.repeat((self.images, self.labels), steps)


class Pictures(torch.utils.data.Dataset):
    """The folder's, resized once and kept, then over and over as many as an epoch is to have."""

    def __init__(self, task):
        resize = T.Resize(task["size"] * 256 // 224)
        self.kept = [resize(Image.open(os.path.join(folder, name)).convert("RGB"))
                     for folder, _, names in os.walk(task["pictures"]) for name in sorted(names)
                     if name.endswith(".png")]
        self.rest = T.Compose([T.RandomCrop(task["size"]), T.RandomHorizontalFlip(), T.ToTensor(),
                               T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
        self.count = task["batch"]

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.rest(self.kept[index % len(self.kept)]), index % 2


class Fed:
    """Batches of pictures from a DataLoader, whose workers last."""

    def __init__(self, task, device):
        self.batch, self.device = task["batch"], device
        self.pictures = Pictures(task)
        self.loader = torch.utils.data.DataLoader(
            self.pictures, task["batch"], shuffle=True, drop_last=True, pin_memory=not task["dry"],
            num_workers=0 if task["dry"] else os.cpu_count(), persistent_workers=not task["dry"])

    def batches(self, steps):
        self.pictures.count = steps * self.batch
        for images, labels in self.loader:
            yield (images.to(self.device, non_blocking=True, memory_format=torch.channels_last),
                   labels.to(self.device, non_blocking=True))


class Work:
    """A network that was built and warmed for a task, and its batches."""

    def __init__(self, kind, task):
        self.task = task
        self.device = "cpu" if task["dry"] else "cuda"
        torch.manual_seed(0)
        tf32 = task["precision"] != "fp32"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True
        arch = getattr(torchvision.models, task["arch"])()
        network = torch.nn.Sequential(arch, torch.nn.ReLU(), torch.nn.Linear(1000, 2))
        network = network.to(self.device, memory_format=torch.channels_last)
        self.network = torch.compile(network, mode=task["compile_mode"]) if kind == "compile" else network
        self.optimizer = torch.optim.Adam(network.parameters(), 2e-4)
        self.data = (Fed if task["data"] == "input" else Drawn)(task, self.device)
        self.warm()

    def step(self, images, labels):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.task["precision"] == "bf16"):
            loss = torch.nn.functional.cross_entropy(self.network(images), labels)
        loss.backward()
        self.optimizer.step()
        return loss

    def warm(self):
        for images, labels in self.data.batches(self.task["warm"]):
            self.step(images, labels).item()

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def rate(self, read):
        """Images/s of the steps behind the first: of the median one, where each is read and none waits for
        pictures, and else of all together."""
        steps, ends = self.task["steps"], []
        for images, labels in self.data.batches(1 + steps):
            loss = self.step(images, labels)
            if read:
                loss.item()
            elif not ends:
                self.wait()
            ends.append(time.perf_counter())
        self.wait()
        if read and self.task["data"] == "random":
            seconds = statistics.median(end - before for before, end in zip(ends, ends[1:]))
        else:
            seconds = (time.perf_counter() - ends[0]) / steps
        return self.task["batch"] / seconds


def tidy():
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def measure(work):
    """What compiling, trying out and the task before took is handed back first, and not counted."""
    tidy()
    work.warm()
    began = time.time()
    read, unsynced = work.rate(True), work.rate(False)
    ended = time.time()
    cuda = work.device == "cuda"
    result = {"rate": max(read, unsynced), "rate_read": read, "rate_unsynced": unsynced,
              "bytes": torch.cuda.max_memory_allocated() if cuda else 0,
              "reserved": torch.cuda.max_memory_reserved() if cuda else 0, "torch": torch.__version__,
              "cudnn": torch.backends.cudnn.version(), "from_unix_ms": 1e3 * began, "until_unix_ms": 1e3 * ended}
    tidy()
    return result


def main():
    kind = sys.argv[1]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the libraries print is no answer
    print(json.dumps({"ready": True}), file=answers, flush=True)
    work = None
    for line in sys.stdin:
        task = json.loads(line)
        if work is None or work.task != task:
            work = None
            if kind == "compile":
                torch._dynamo.reset()
            tidy()
            work = Work(kind, task)
        print(json.dumps(measure(work)), file=answers, flush=True)


if __name__ == "__main__":
    main()
