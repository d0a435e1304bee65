"""Writes tests/data/pictures: PNGs, JPEGs and WebPs of every kind, and what Pillow and torchvision make of pictures.

Run: python3 tests/make_picture_data.py tests/data/pictures
     (CPython 3.11, Pillow 9.4, torch 1.13, torchvision 0.14, numpy 1.24: Debian 12's packages; its Pillow
     uses the system's libjpeg-turbo 2.1.5 and libwebp 1.2.4, as assay does)

The .inc files are rows of C initialisers: parameters and the FNV-1a hash of the resulting bytes.
test_png.c, test_picture.c, test_resize.c and test_torchvision.c include them.
"""
import io
import itertools
import os
import random
import sys
import warnings

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image

from picture_files import files, kinds
from sample_picture import all_colors, fnv, image_hash, sample_picture

warnings.simplefilter("ignore")


# --- files ---

def write_files(folder, ending, made, rows):
    for name, data in made:
        path = os.path.join(folder, name + ending)
        with open(path, "wb") as file:
            file.write(data)
        with Image.open(path) as image:
            rows.append('{"%s", %d, %d, %s},' % (name, *image.size, image_hash(image)))


def pillow_reads(data):
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image_hash(image)
    except (OSError, SyntaxError, ValueError):
        return "0"


def damages(rng, rows):
    """A byte of a file's picture data turned, or the file cut short there: what Pillow still reads, 0 for nothing."""
    for name, data in files(random.Random(8)):  # as main() gives write_files
        first = data.index(b"\xff\xda") + 14 if name.endswith("jpg") else 12
        if len(data) - first < 20:
            continue
        for bits in (0, 0, rng.randint(1, 255), rng.randint(1, 255), rng.randint(1, 255)):
            at = rng.randrange(first, len(data) - 2) if bits or rng.random() < 0.7 else len(data) - rng.randint(1, 4)
            bent = data[:at] + (bytes([data[at] ^ bits]) + data[at + 1:] if bits else b"")
            rows.append('{"%s", %d, %d, %s},' % (name, at, bits, pillow_reads(bent)))


def endings(rng, rows):
    """What may stand between a JPEG's last row and its end, and what not: the last two bytes replaced."""
    eoi = b"\xff\xd9"
    for name, data in files(random.Random(8)):
        if name not in ("jpeg_444_16x16.jpg", "jpeg_grey_16x16.jpg", "jpeg_420_progressive_16x16.jpg"):
            continue
        scan = data[data.index(b"\xff\xda"):-2]
        comment = b"\xff\xfe\x00\x06abcd"
        for end in (b"", eoi[:1], comment, comment[:6], comment + eoi, b"\xff\xe1\xff\xff", b"\xff\xd0", b"\xff\xd0" + eoi,
                    b"junk" * 3, b"junk" * 3 + eoi, b"\xff\xd8" + eoi, b"\xff\x02" + eoi, b"\xff\xdc\x00\x04\x00\x10" + eoi,
                    b"\xff\xdb\x00\x04\x00\x00" + eoi, b"\xff\xc4\x00\x05\x00\x01\x02" + eoi,
                    b"\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00" + eoi, scan[:14] + eoi):
            rows.append('{"%s", "%s", %d, %s},' % (name, end.hex(), len(end), pillow_reads(data[:-2] + end)))


# --- operations ---

def resizes(rng, rows):
    sizes = [(1, 1, 1, 1), (1, 1, 7, 3), (299, 299, 256, 256), (299, 299, 224, 224), (256, 256, 224, 224),
             (64, 64, 64, 32), (64, 64, 32, 64), (33, 33, 33, 33), (200, 3, 1, 1), (3, 200, 2, 2), (500, 2, 7, 3),
             (2, 2, 301, 299), (5, 4, 6, 4), (640, 480, 341, 256), (97, 131, 256, 345), (300, 300, 3, 3)]
    for top in (6, 6, 6, 40, 40, 40, 40, 120, 120, 120, 120, 120):
        for _ in range(4):
            sizes.append((rng.randint(1, top), rng.randint(1, top), rng.randint(1, top), rng.randint(1, top)))
    for width, height, to_width, to_height in sizes:
        image = sample_picture(width, height).resize((to_width, to_height), Image.BILINEAR)
        rows.append("{%d, %d, %d, %d, %s}," % (width, height, to_width, to_height, image_hash(image)))


def shorter_sides(rng, rows):
    for width, height, size in [(299, 299, 256), (640, 480, 256), (480, 640, 256), (1, 1000, 3), (257, 256, 224),
                                *[(rng.randint(1, 2000), rng.randint(1, 2000), rng.randint(1, 300)) for _ in range(20)]]:
        new = F.resize(Image.new("1", (width, height)), size).size
        if max(new) < 32768:
            rows.append("{%d, %d, %d, %d, %d}," % (width, height, size, *new))


def jitters(rng, rows):
    colors, small = all_colors(), sample_picture(61, 47)
    factors = [0.0, 0.5, 0.8, 0.9, 1.0, 1.0 / 3, 1.1, 1.2, 1.7, 3.5, 25.0, 1e-3] + [rng.uniform(0.5, 1.5) for _ in range(8)]
    shifts = [0.0, 0.1, -0.1, 0.5, -0.5, 0.003, -0.003] + [rng.uniform(-0.5, 0.5) for _ in range(8)]
    for name, adjust, values in [("brightness", F.adjust_brightness, factors), ("contrast", F.adjust_contrast, factors),
                                 ("saturation", F.adjust_saturation, factors), ("hue", F.adjust_hue, shifts)]:
        for value in values:
            rows.append("{color_%s, %r, %s, %s}," % (name, value, image_hash(adjust(colors, value)),
                                                     image_hash(adjust(small, value))))


def affines(rng, rows):
    cases = [(60, 40, 0.0, (0, 0), 1.0, (0.0, 0.0)), (60, 40, 90.0, (0, 0), 1.0, (0.0, 0.0)),
             (41, 60, 180.0, (3, -4), 1.0, (0.0, 0.0)), (60, 41, 0.0, (0, 0), 1.7, (0.0, 0.0)),
             (60, 41, 0.0, (7, -9), 0.4, (0.0, 0.0)), (60, 41, 0.0, (0, 0), 1.0, (15.0, 0.0)),
             (60, 41, 0.0, (0, 0), 1.0, (0.0, 15.0)), (5, 5, 12.0, (0, 0), 1e-4, (3.0, 0.0)),
             (224, 224, 7.3, (0, 0), 1.4, (-11.0, 0.0)), (1, 1, 45.0, (0, 0), 1.0, (0.0, 0.0))]
    for _ in range(50):
        width, height = rng.randint(1, 90), rng.randint(1, 90)
        cases.append((width, height, rng.uniform(-180, 180), (rng.randint(-width, width), rng.randint(-height, height)),
                      rng.uniform(0.2, 3), (rng.uniform(-40, 40), rng.choice([0.0, rng.uniform(-40, 40)]))))
    # coordinates that 16.16 fixed point does not hold, along x and along y
    cases += [(32768, 3, 180.0, (0, 0), 1.0, (0.0, 0.0)), (3, 32768, -180.0, (0, 0), 1.0, (0.0, 0.0)),
              (32768, 5, 180.005, (40, 1), 0.9, (0.0, 0.0)), (32768, 5, 0.003, (-9000, 1), 1.0, (9.0, 0.0)),
              (7, 32768, 0.005, (1, -9000), 1.0, (0.0, 7.0)), (7, 32768, 179.99, (0, 31), 1.2, (1.0, 0.02)),
              (32768, 4, 0.001, (9000, 0), 1.0, (2.0, 0.0)), (4, 32768, 0.001, (0, 9000), 1.0, (0.0, 0.01))]
    for number, (width, height, angle, shift, scale, shear) in enumerate(cases):
        fill = number * 37 % 256
        image = F.affine(sample_picture(width, height), angle, list(shift), scale, list(shear), fill=fill)
        rows.append("{%d, %d, {%r, %d, %d, %r, %r, %r}, %d, %s}," % (width, height, angle, *shift, scale, *shear, fill,
                                                                    image_hash(image)))


def center_crops(rng, rows):
    cases = [(256, 256, 224, 224), (257, 259, 224, 224), (255, 254, 224, 224), (10, 10, 13, 15), (10, 20, 13, 7),
             (9, 20, 14, 13), (5, 5, 5, 5)] + [tuple(rng.randint(1, 30) for _ in range(4)) for _ in range(25)]
    for width, height, to_height, to_width in cases:
        image = F.center_crop(sample_picture(width, height), [to_height, to_width])
        rows.append("{%d, %d, %d, %d, %s}," % (width, height, to_height, to_width, image_hash(image)))


def normals(rng, rows):
    steps = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (1, 1, 3)))
    cases = [((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ((0.5,) * 3, (0.5,) * 3), ((0.0,) * 3, (1.0,) * 3)]
    cases += [(tuple(rng.uniform(0, 1) for _ in range(3)), tuple(rng.uniform(0.05, 1) for _ in range(3))) for _ in range(20)]
    for mean, std in cases:
        tensor = F.normalize(F.to_tensor(steps), list(mean), list(std))
        rows.append("{{%s}, {%s}, %s}," % (", ".join("%rF" % v for v in mean), ", ".join("%rF" % v for v in std),
                                           fnv(tensor.numpy().tobytes())))


# --- the whole training pipeline, with draws as core/transform.c documents them ---

class Stream:
    """core/random.h's stream: Philox 4x32-10."""

    def __init__(self, seed, purpose, epoch, sample):
        self.key = (seed & 0xFFFFFFFF, seed >> 32)
        self.counter = [0, sample & 0xFFFFFFFF, epoch, purpose | (sample >> 32 & 0xFFFFFF) << 8]
        self.words = []

    def word(self):
        if not self.words:
            (a, b, c, d), (k, l) = self.counter, self.key
            for _ in range(10):
                p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
                a, b, c, d = q >> 32 ^ b ^ k, q & 0xFFFFFFFF, p >> 32 ^ d ^ l, p & 0xFFFFFFFF
                k, l = (k + 0x9E3779B9) & 0xFFFFFFFF, (l + 0xBB67AE85) & 0xFFFFFFFF
            self.words = [a, b, c, d]
            self.counter[0] += 1
        return self.words.pop(0)

    def uniform(self, low=0.0, high=1.0):
        return low + (high - low) * (self.word() * 2.0**-32)

    def below(self, bound):
        return self.word() * bound >> 32


def augment(image, stream):
    """The pipeline of tests/core/notebook.h: every op of the notebook's trials."""
    image = F.resize(image, 96)
    top, left = stream.below(image.height - 80 + 1), stream.below(image.width - 72 + 1)
    image = F.crop(image, top, left, 80, 72)
    if stream.uniform() < 0.5:
        image = F.hflip(image)
    if stream.uniform() < 0.25:
        image = F.vflip(image)
    order = [0, 1, 2, 3]
    for i in (3, 2, 1):
        j = stream.below(i + 1)
        order[i], order[j] = order[j], order[i]
    values = [stream.uniform(0.8, 1.2), stream.uniform(0.8, 1.2), stream.uniform(0.9, 1.1), stream.uniform(-0.1, 0.1)]
    adjust = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
    for i in order:
        image = adjust[i](image, values[i])
    angle = stream.uniform(-10.0, 10.0)
    shift = [round(stream.uniform(-reach, reach)) for reach in (0.1 * image.width, 0.2 * image.height)]
    scale, shear = stream.uniform(1.0, 2.0), [stream.uniform(-15.0, 15.0), stream.uniform(-5.0, 5.0)]
    return F.affine(image, angle, shift, scale, shear, fill=9)


def pipelines(rng, rows):
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    for number in range(16):
        seed, epoch, sample = rng.choice([0, 1, 1 << 40]), rng.randint(0, 200), rng.choice([number, (1 << 33) + number])
        width, height = rng.randint(75, 160), rng.randint(75, 160)
        image = augment(sample_picture(width, height), Stream(seed, 2, epoch, sample))
        tensor = F.normalize(F.to_tensor(image), mean, std)
        rows.append("{%d, %d, %d, %d, %dU, %s, %s}," % (width, height, seed, epoch, sample, image_hash(image),
                                                       fnv(tensor.numpy().tobytes())))


def evaluations(rng, rows):
    """The notebook's evaluation transform up to ToTensor, on pictures of odd sizes, up- and downscaled."""
    sizes = [(1, 1), (2, 3), (17, 5), (255, 257), (256, 256), (257, 255), (299, 299), (37, 401), (640, 481), (1023, 769)]
    sizes += [(rng.randint(3, 700), rng.randint(3, 700)) for _ in range(22)]
    for width, height in sizes:
        image = F.center_crop(F.resize(sample_picture(width, height), 256), 224)
        rows.append("{%d, %d, %s, %s}," % (width, height, image_hash(image), fnv(F.to_tensor(image).numpy().tobytes())))


def jitter_orders(rng, rows):
    """Every order of ColorJitter's four operations."""
    adjust = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
    for order in itertools.permutations(range(4)):
        values = [rng.uniform(0.8, 1.2), rng.uniform(0.8, 1.2), rng.uniform(0.9, 1.1), rng.uniform(-0.1, 0.1)]
        image = all_colors()
        for i in order:
            image = adjust[i](image, values[i])
        rows.append("{{%d, %d, %d, %d}, {%r, %r, %r, %r}, %s}," % (*order, *values, image_hash(image)))


def affine_draws(rng, rows):
    """RandomAffine(10, scale=(1, 2), shear=15) with the draws of 250 samples."""
    image = sample_picture(224, 224)
    for sample in range(250):
        stream = Stream(0, 2, 1, sample)
        angle, shift = stream.uniform(-10.0, 10.0), [round(stream.uniform(-0.0, 0.0)) for _ in range(2)]
        scale, shear = stream.uniform(1.0, 2.0), [stream.uniform(-15.0, 15.0), stream.uniform(0.0, 0.0)]
        rows.append("%s," % image_hash(F.affine(image, angle, shift, scale, shear, fill=0)))


def main(folder):
    torch.set_num_threads(1)
    makes = [("kinds", lambda rng, rows: write_files(folder, ".png", kinds(rng), rows)), ("resize", resizes),
             ("shorter", shorter_sides), ("jitter", jitters), ("affine", affines), ("center_crop", center_crops),
             ("normalize", normals), ("pipeline", pipelines),
             ("formats", lambda rng, rows: write_files(folder, "", files(rng), rows)), ("damages", damages),
             ("evaluation", evaluations), ("jitter_orders", jitter_orders), ("affine_draws", affine_draws),
             ("endings", endings)]
    for number, (name, make) in enumerate(makes):
        rows = []
        make(random.Random(number), rows)
        with open(os.path.join(folder, name + ".inc"), "w") as file:
            file.write("/* written by tests/make_picture_data.py */\n" + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
