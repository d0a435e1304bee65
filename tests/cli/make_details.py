#!/usr/bin/env python3
"""Writes tests/data/cli/details.json: what a coordinator would answer to `show`, made up: two repeats with
other seeds, one that failed before an evaluation, one that runs and has undefined ratios."""
import json
import pathlib
import random

random.seed(0)


def metrics(tp, tn, fp, fn, loss):
    ratio = lambda a, b: a / b if b else None
    return {"true_positive": tp, "true_negative": tn, "false_positive": fp, "false_negative": fn,
            "accuracy": ratio(tp + tn, tp + tn + fp + fn), "precision": ratio(tp, tp + fp),
            "recall": ratio(tp, tp + fn), "loss": loss}


def epoch(number, right, loss, best):
    return {"epoch": number, "train": metrics(300 + right, 600, 40, 20, round(loss * 0.9, 6)),
            "valid": metrics(right, 2 * right, 60 - right // 2, 20, loss), "learning_rate": 2e-4 / number,
            "seconds": 12.25, "images_per_second": 78.125, "best": best}


def evaluation(checkpoint, split, number, *counts, missed=None, ranking=(None, None, None), threshold=None):
    """`missed`: how many of the deepfakes among the false positives; without it the evaluation is one from
    before there were classes."""
    report = {"checkpoint": checkpoint, "split": split, "epoch": number, **metrics(*counts)}
    tp, tn, fp, fn, _ = counts
    there = metrics(tp + 5, tn - 3, fp + 3, fn - 5, None)
    del there["loss"]

    def one(name, label, pictures, correct, change):
        return {"name": name, "label": label, "pictures": pictures, "correct": correct,
                "accuracy": correct / pictures, "correct_at_threshold": correct + change}

    half = (tn + fp) // 2
    return {**report, **dict(zip(("roc_auc", "average_precision", "equal_error_rate"), ranking)),
            "threshold": threshold, "at_threshold": there if threshold else None, "classes": [] if missed is None else [
                one("fake_deepfake", 0, half, half - missed, -1),
                one("fake_face2face", 0, tn + fp - half, tn - half + missed, -2), one("real", 1, tp + fn, tp, 5)]}


def experiment(number, name, seed, state, history, evaluations, **more):
    config = {"name": name, "data": {"root": "/data/faces", "classes": [
        {"name": "fake_deepfake", "dir": "fake_deepfake", "label": 0},
        {"name": "fake_face2face", "dir": "fake_face2face", "label": 0}, {"name": "real", "dir": "real", "label": 1}],
        "upsample": {"real": 2}},
        "augmentations": [{"op": "resize", "size": 256}, {"op": "random_crop", "size": 224}, {"op": "normalize"}],
        "evaluation": [{"op": "center_crop", "size": 224}, {"op": "normalize"}],
        "model": {"arch": "resnet18", "head": "relu", "weights": None},
        "train": {"epochs": 3, "batch_size": 32, "seed": seed, "precision": "fp32", "flip": name.split("/")[1][:4],
                  "optimizer": {"name": "adam", "lr": 0.0002}}}
    best = [report for report in history if report["best"]]
    return {"id": number, "name": name, "group": "demo", "variant": {"train.seed": str(seed)}, "state": state,
            "priority": 0, "attempt": 1, "max_attempts": 3, "failures": 0, "worker": None, "error": None,
            "submitted_ms": 1795493707000, "started_ms": 1795493708000, "finished_ms": 1795493758000,
            "epochs": 3, "epochs_done": len(history), "person": "ann@node", "submit_host": "node", "submit_version": "0.1.0", "waits": None, "progress": None, "best": best[-1] if best else None,
            "latest": history[-1] if history else None, "config": config, "history": history,
            "evaluations": evaluations, "checkpoints": [], "artifacts": [], "attempts": [
                {"attempt": 1, "worker": "node-1", "started_ms": 1795493708000, "ended_ms": None,
                 "outcome": "running", "error": None}], **more}


history = [epoch(1, 61, 0.543217, True), epoch(2, 82, 0.312345, True), epoch(3, 85, 0.350001, False)]
answer = {"next": None, "experiments": [
    experiment(1, "demo/flip,seed=0", 0, "done", history, [
        evaluation("best", "valid", 2, 82, 164, 20, 22, 0.312345, missed=4, ranking=(0.91, 0.84, 0.14), threshold=0.41),
        evaluation("best", "test", 2, 80, 160, 24, 24, 0.33, missed=5, ranking=(0.9, 0.83, 0.15), threshold=0.41),
        evaluation("last", "valid", 3, 85, 170, 16, 17, 0.350001, missed=2, ranking=(0.93, 0.86, 0.12), threshold=0.44),
        evaluation("last", "test", 3, 84, 161, 20, 23, 0.34, missed=3, ranking=(0.92, 0.85, 0.13), threshold=0.44)],
        checkpoints=[{"kind": "best", "epoch": 2, "path": "/w/1/checkpoint_best_loss.safetensors", "host": "node"},
                     {"kind": "last", "epoch": 3, "path": "/w/1/checkpoint_last.safetensors", "host": "node"}],
        tags=["baseline", "paper"], note_count=2, notes=[
            {"number": 1, "at_ms": 1795493707000, "person": "ann@node", "text": "for the paper"},
            {"number": 3, "at_ms": 1795493760000, "person": "",
             "text": "flips help:\n\tcompare it with what 3 would have come to if its pictures had all been there, and 4"}]),
    experiment(2, "demo/flip,seed=1", 1, "done", history[:3], [
        evaluation("best", "valid", 2, 90, 180, 10, 8, 0.2, missed=7, ranking=(0.97, 0.95, 0.08), threshold=0.47),
        evaluation("best", "test", 2, 89, 170, 15, 14, 0.25, missed=15, ranking=(0.96, 0.94, 0.09), threshold=0.47),
        evaluation("last", "valid", 3, 80, 170, 20, 18, 0.4), evaluation("last", "test", 3, 84, 161, 20, 23, 0.45)]),
    experiment(3, "demo/none,seed=0", 0, "failed", history[:1], [], attempt=2, error="cannot read /data/faces/real/7.png",
               attempts=[{"attempt": 1, "worker": "node-1", "started_ms": 1795493708000, "ended_ms": 1795493718000,
                          "outcome": "lost", "error": None},
                         {"attempt": 2, "worker": "node-2", "started_ms": 1795493720000, "ended_ms": 1795493758000,
                          "outcome": "failed", "error": "cannot read /data/faces/real/7.png"}]),
    experiment(4, "demo/none,seed=1", 1, "running", [
        {**epoch(1, 0, 0.7, True), "valid": metrics(0, 190, 0, 98, 0.7)}], [], worker="node-1", finished_ms=None,
        progress={"phase": "train", "epoch": 2, "epochs": 3, "step": 15, "steps": 30, "loss": 0.61, "images_per_second": 78.1}),
]}
out = pathlib.Path(__file__).parent.parent / "data" / "cli" / "details.json"
out.write_text(json.dumps(answer, indent=1) + "\n")
