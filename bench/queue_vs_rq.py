#!/usr/bin/env python3
"""bench/queue_vs_rq.py BUILD_DIR [--count N] [--rounds R]: the coordinator as a queue, beside RQ on Redis.

Needs redis-server and Python's rq (pip install rq). Both sides: one client on loopback puts N jobs into the
queue one by one, then one worker takes each and acknowledges it; nothing is acknowledged before it is on the
disk (SQLite: synchronous=FULL; Redis: appendonly with appendfsync always). A last column has RQ with appendfsync
everysec, which may lose a second. RQ's worker is the one that does not fork for a job. Rounds run the two one after the other; a ratio is the median of the rounds, with its range.
"""
import argparse
import json
import logging
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import redis
import rq

SOURCE = pathlib.Path(__file__).resolve().parent.parent


def wait_for(what, ready):
    for _ in range(200):
        if ready():
            return
        time.sleep(0.05)
    sys.exit(f"{what} does not start")


def measure_assay(build, count, folder):
    ready = folder / "ready"
    coordinator = subprocess.Popen(
        [build / "bin/assay-coordinator", "--db", folder / "runs.db", "--listen", "tcp://127.0.0.1:*",
         "--ready-file", ready], stdout=subprocess.DEVNULL)
    try:
        wait_for("the coordinator", lambda: ready.exists() and ready.read_text())
        return json.loads(subprocess.check_output(
            [build / "bench/queue_turns", ready.read_text().strip(), SOURCE / "experiments/aug3_v2.json",
             str(count)]))
    finally:
        coordinator.terminate()
        coordinator.wait()


def ping(connection):
    try:
        return connection.ping()
    except redis.ConnectionError:
        return False


def measure_rq(count, folder, sync):
    folder = folder / sync
    folder.mkdir()
    path = str(folder / "redis.sock")
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", path, "--dir", str(folder), "--save", "",
         "--appendonly", "yes", "--appendfsync", sync], stdout=subprocess.DEVNULL)
    try:
        connection = redis.Redis(unix_socket_path=path)
        wait_for("redis-server", lambda: os.path.exists(path) and ping(connection))
        queue = rq.Queue(connection=connection)
        start = time.perf_counter()
        for index in range(count):
            queue.enqueue(abs, index)
        enqueued = count / (time.perf_counter() - start)
        worker = rq.SimpleWorker([queue], connection=connection)
        start = time.perf_counter()
        worker.work(burst=True, logging_level="ERROR")
        finished = count / (time.perf_counter() - start)
        if queue.finished_job_registry.count != count:
            sys.exit(f"RQ finished {queue.finished_job_registry.count} of {count}")
        return {"enqueued": enqueued, "finished": finished}
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    pairs = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="assay-queue-") as folder:
            folder = pathlib.Path(folder)
            pairs.append((measure_assay(options.build, options.count, folder),
                          measure_rq(options.count, folder, "always"),
                          measure_rq(options.count, folder, "everysec")))
    version = subprocess.check_output(["redis-server", "--version"], text=True).split("v=")[1].split()[0]
    print(f"| one by one | assay, /s | RQ {rq.VERSION} on Redis {version}, /s | ratio | RQ, everysec, /s |\n"
          "| --- | --- | --- | --- | --- |")
    for what, words in ("enqueued", "put into the queue"), ("finished", "taken and acknowledged"):
        ratios = sorted(assay[what] / peer[what] for assay, peer, _ in pairs)
        print(f"| {words} | {statistics.median(a[what] for a, _, _ in pairs):.0f} "
              f"| {statistics.median(p[what] for _, p, _ in pairs):.0f} "
              f"| {statistics.median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
              f"| {statistics.median(e[what] for _, _, e in pairs):.0f} |")


main()
