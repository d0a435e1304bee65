"""Writes tests/data/pth/: small files of torch.save and some that only look like it.

Run: /usr/bin/python3 tests/make_pth_data.py tests/data/pth    (PyTorch 1.13 made those in the tree)

NAME.safetensors beside NAME.pth holds what PyTorch itself reads from it.
"""
import argparse
import collections
import copy
import io
import json
import os
import pickle
import struct
import sys
import zipfile

import torch

FOLDER = sys.argv[1]
DTYPES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
          torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}


def path(name):
    return os.path.join(FOLDER, name)


def raw(tensor):
    return b"".join(value.view(torch.uint8).numpy().tobytes() if value.dtype != torch.bool else bytes([value.item()])
                    for value in tensor.detach().contiguous().reshape(-1, 1))


def write_safetensors(name, tensors):
    header, data = {}, b""
    for key, tensor in tensors.items():
        values = raw(tensor)
        header[key] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                       "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path(name), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def tensors_of_all_kinds():
    torch.manual_seed(0)
    tensors = {"dtype." + DTYPES[dtype]: (torch.arange(-2, 4) * 1.5).to(dtype).reshape(2, 3) for dtype in DTYPES}
    base = torch.randn(2, 3, 4, 5)
    whole = torch.randn(3, 4)
    tensors |= {
        "channels_last": base.contiguous(memory_format=torch.channels_last),
        "transposed": whole.t(),
        "row": whole[1],
        "column": whole[:, 2],
        "twin": whole,
        "expanded": torch.tensor([7.0]).expand(3),
        "scalar": torch.tensor(-3),
        "empty": torch.empty(0, 3),
        "empty_inside": torch.empty(2, 0, 3),
        "parameter": torch.nn.Parameter(torch.randn(2)),
        "\u00e4 \"quoted\"": torch.ones(1),
    }
    return tensors


def training_checkpoint():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(3, 2)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    scheduler.step(1.0)
    return {"epoch": 3, "best": float("inf"), "state_dict": model.state_dict(), "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(), "args": argparse.Namespace(lr=1e-3),
            "seen": collections.defaultdict(int, a=1), "counts": collections.Counter("aab"), "big": -2**40}


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil_was_here",)


class Storage:
    def __init__(self, key="0"):
        self.key = key


class View:
    """Pickled as a tensor with whatever it is told."""

    def __init__(self, offset, size, stride, key="0"):
        self.arguments = (Storage(key), offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", torch.FloatStorage, value.key, "cpu", 4)
        return None


def write_zip(name, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path(name), "w", compression) as archive:
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(member), data, compression)


def forge(name, value, storage=struct.pack("<4f", 1, 2, 3, 4), compression=zipfile.ZIP_STORED, extra=None):
    """A file like torch.save's of one storage "0"."""
    text = io.BytesIO()
    Pickler(text, 2).dump(value)
    write_zip(name, {"a/data.pkl": text.getvalue(), "a/data/0": storage, **(extra or {})}, compression)


def forge_overlap(name, count):
    """Storages "0", "1" ... that are all the same bytes of the file."""
    text = io.BytesIO()
    Pickler(text, 2).dump({str(i): View(0, (250,), (1,), str(i)) for i in range(count)})
    with zipfile.ZipFile(path(name), "w") as archive:
        archive.writestr(zipfile.ZipInfo("a/data.pkl"), text.getvalue())
        archive.writestr(zipfile.ZipInfo("a/data/0"), bytes(1000))
        for i in range(1, count):
            member = copy.copy(archive.filelist[1])
            member.filename = member.orig_filename = f"a/data/{i}"
            archive.filelist.append(member)


class OldView:
    """Pickled as a tensor was before PyTorch 0.4."""

    def __init__(self, key="0"):
        self.arguments = (Storage(key), 0, (2, 2), (2, 1))

    def __reduce__(self):
        return torch._utils._rebuild_tensor, self.arguments


class OldParameter:
    """And a parameter."""

    def __reduce__(self):
        return torch.nn.Parameter, (OldView(),), (True, False, collections.OrderedDict())


class OldPickler(pickle._Pickler):
    """Strings are Python 2's."""
    dispatch = dict(pickle._Pickler.dispatch)

    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", torch.FloatStorage, value.key, "cpu", 4, None)
        return None

    def save_string(self, value):
        self.write(b"U" + struct.pack("B", len(value)) + value.encode())
        self.memoize(value)

    dispatch[str] = save_string


def forge_old(name, value, keys=("0",), elements=4, little_endian=True):
    """A file as torch.save's was before PyTorch 1.6, of storages that are all the same."""
    file = io.BytesIO()
    for part in (torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION,
                 {"protocol_version": 1001, "little_endian": little_endian, "type_sizes": {"int": 4}}, value, list(keys)):
        OldPickler(file, 2).dump(part)
    for _ in keys:
        file.write(struct.pack("<q4f", elements, 1, 2, 3, 4))
    with open(path(name), "wb") as out:
        out.write(file.getvalue())


kinds = tensors_of_all_kinds()
torch.save(kinds, path("kinds.pth"))
write_safetensors("kinds.safetensors", kinds)
checkpoint = training_checkpoint()
torch.save(checkpoint, path("wrapped.pth"))
write_safetensors("wrapped.safetensors", checkpoint["state_dict"])
torch.save({"a": torch.arange(3.0), "b": torch.tensor([5, 6])}, path("small.pth"))
for name, value in {"old": {"a": torch.arange(3.0)}, "old_kinds": kinds, "old_wrapped": checkpoint,
                    "old_complex": {"a": torch.ones(1, dtype=torch.complex64)}}.items():
    torch.save(value, path(name + ".pth"), _use_new_zipfile_serialization=False)
for protocol in (3, 4, 5):
    torch.save(kinds, path(f"old_protocol_{protocol}.pth"), pickle_protocol=protocol,
               _use_new_zipfile_serialization=False)
forge_old("old_fair.pth", {"w": OldView()})
forge_old("old_parameter.pth", {"w": OldParameter()})
forge_old("old_big_endian.pth", {"w": OldView()}, little_endian=False)
forge_old("old_missing.pth", {"w": OldView()}, ())
forge_old("old_twice.pth", {"w": OldView()}, ("0", "0"))
forge_old("old_other.pth", {"w": OldView()}, ("1",))
forge_old("old_short.pth", {"w": OldView()}, elements=3)
forge_old("old_long.pth", {"w": OldView()}, elements=5)
forge_old("old_negative.pth", {"w": OldView()}, elements=-1)
torch.save(torch.nn.Linear(1, 1), path("module.pth"))
torch.save(torch.ones(2), path("bare.pth"))
torch.save({"weights": [1, 2]}, path("list.pth"))
torch.manual_seed(1)
norm = {"bn1." + key: torch.rand_like(value) if value.is_floating_point() else torch.tensor(77)
        for key, value in torch.nn.BatchNorm2d(64).state_dict().items()}
torch.save(norm, path("norm.pth"))
write_safetensors("norm.safetensors", norm)
alone = torch.nn.Sequential(collections.OrderedDict(bn1=torch.nn.BatchNorm2d(64)))
alone.load_state_dict(norm)
parallel = torch.nn.DataParallel(alone).state_dict()
torch.save(parallel, path("parallel.pth"))
write_safetensors("parallel.safetensors", parallel)

forge("fair.pth", {"w": View(0, (2, 2), (2, 1))})
forge("shared_fair.pth", {"v": View(0, (1,), (1,)), "x": View(0, (2,), (1,), "1"), "w": View(0, (2, 2), (2, 1))},
      struct.pack("<4f", 1, 2, 3, 4) + bytes(1000), extra={"a/data/1": struct.pack("<2f", 5, 6)})
forge("eight_dimensions.pth", {"w": View(0, (1,) * 6 + (2, 2), (4,) * 6 + (2, 1))})
forge("repeated_row.pth", {"w": View(2, (2, 2), (0, 1))})
forge("shared_short.pth", {"v": View(0, (1,), (1,)), "w": View(0, (5,), (1,))})
forge("evil.pth", Evil())
forge("evil_inside.pth", {"w": View(0, (2, 2), (2, 1)), "x": Evil()})
forge("evil_key.pth", {"w": View(0, (2, 2), (2, 1), "../0")})
forge("compressed.pth", {"w": View(0, (2, 2), (2, 1))}, bytes(2000), zipfile.ZIP_DEFLATED)
forge("short.pth", {"w": View(0, (2, 2), (2, 1))}, bytes(15))
forge("offset.pth", {"w": View(1, (2, 2), (2, 1))})
forge("offset_huge.pth", {"w": View(2**62, (2, 2), (2, 1))})
forge("offset_negative.pth", {"w": View(-1, (2, 2), (2, 1))})
forge("stride_huge.pth", {"w": View(0, (2, 2), (2**63 - 1, 1))})
forge("stride_negative.pth", {"w": View(0, (2, 2), (-2, 1))})
forge("stride_missing.pth", {"w": View(0, (2, 2), (1,))})
forge("shape_huge.pth", {"w": View(0, (2**40, 2**40), (0, 0))})
forge("shape_repeating.pth", {"w": View(0, (2**33,), (0,))})
forge("rank.pth", {"w": View(0, (1,) * 9, (1,) * 9)})
forge("storage_missing.pth", {"w": View(0, (2, 2), (2, 1), "1")})
forge("big_endian.pth", {"w": View(0, (2, 2), (2, 1))}, extra={"a/byteorder": b"big"})
forge("little_endian.pth", {"w": View(0, (2, 2), (2, 1))}, extra={"a/byteorder": b"little"})
write_zip("zip_only.pth", {"readme.txt": b"no tensors"})
write_zip("numbers.pth", {"a/data.pkl": pickle.dumps({}, 2)})
forge_overlap("overlap.pth", 8)
