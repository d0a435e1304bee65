"""Writes tests/data/split/*.json: the notebook's split of the folders that test_split.c makes.

Run: python3 tests/core/make_split.py tests/data/split   (CPython 3.11)
"""
import json
import os
import random
import sys
import tempfile

# Keep in step with names[] in test_split.c.
ODD = [b"a b.png", b"quote\".png", b"back\\slash.png", b"tab\t.png", b"line\n.png", b"bell\x07.PNG",
       b"delete\x7f.png", "\u00e4.png".encode(), "\u20ac.png".encode(), "\U0001f600.png".encode(),
       b"latin1-\xe4.png", b"cut-\xe2\x82.png", b"overlong-\xc0\xaf.png", b"surrogate-\xed\xa0\x80.png",
       b"Z.png", b"_.Png", b"\x01.png", b"slash.png.png"]
CLASSES = [("fake_deepfake", 0, ODD), ("fake_face2face", 0, [b"%04d.png" % i for i in range(18)]),
           ("real", 1, [b"%d.png" % i for i in range(29)]),
           ("other", 1, [("\u00fcber %d.jpg" % i).encode() for i in range(11)])]


def main(out):
    lists = {"train": [], "valid": [], "test": []}
    orders = {}
    random.seed(0)
    with tempfile.TemporaryDirectory() as root:
        for folder, label, names in CLASSES:
            os.mkdir(os.path.join(root, folder))
            for name in names:
                open(os.path.join(os.fsencode(root), folder.encode(), name), "wb").close()
            files = sorted(os.listdir(os.path.join(root, folder)), key=os.fsencode)
            n = len(files)
            if n not in orders:
                orders[n] = list(range(n))
                random.shuffle(orders[n])
            items = [{"path": folder + "/" + files[i], "label": label} for i in orders[n]]
            train, valid = n * 8 // 10, n // 10
            lists["train"] += items[:train] * (2 if folder == "real" else 1)
            lists["valid"] += items[train:train + valid]
            lists["test"] += items[train + valid:]
    lists["empty"] = []
    for name, items in lists.items():
        with open(os.path.join(out, name + ".json"), "w") as f:
            json.dump(items, f, sort_keys=True, indent=4)


main(sys.argv[1])
