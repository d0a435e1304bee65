"""Writes tests/data/pictures: PNGs, JPEGs and WebPs of every kind, and what Pillow and torchvision make of pictures.

Run: python3 tests/make_picture_data.py tests/data/pictures
     (CPython 3.11, Pillow 9.4, torch 1.13, torchvision 0.14, numpy 1.24: Debian 12's packages; its Pillow
     uses the system's libjpeg-turbo 2.1.5 and libwebp 1.2.4, as assay does)

The .inc files are rows of C initialisers: parameters and the FNV-1a hash of the resulting bytes.
test_png.c, test_picture.c, test_resize.c and test_transform.c include them; the pictures they start from are those of
tests/sample_picture.h, which sample_picture() below repeats.
"""
import io
import itertools
import os
import random
import struct
import sys
import warnings
import zlib

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image

warnings.simplefilter("ignore")


def fnv(data):
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return "0x%016xU" % value


def sample_picture(width, height):
    state = (width * 40503 + height * 9973 + 1) & 0xFFFFFFFF
    pixels = np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
                if (x // 8 + y // 8) % 3 == 0:
                    value = state >> 24
                else:
                    value = (255 * x // width, 255 * y // height, 7 * (x + y))[c] + (state >> 28)
                pixels[y, x, c] = min(value, 255) if c < 2 else value & 255
    return Image.fromarray(pixels)


def all_colors():
    """52 x 52 x 52 colours, five apart."""
    steps = np.arange(0, 256, 5, np.uint8)
    r, g, b = np.meshgrid(steps, steps, steps, indexing="ij")
    return Image.fromarray(np.stack([r, g, b], -1).reshape(52 * 52, 52, 3))


def image_hash(image):
    return fnv(np.asarray(image.convert("RGB")).tobytes())


# --- PNG files, written by hand because Pillow writes neither Adam7 nor 16-bit colour ---

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
NAMES = {0: "grey", 2: "rgb", 3: "palette", 4: "grey_alpha", 6: "rgba"}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack(row, bits):
    if bits == 16:
        return struct.pack(">%dH" % len(row), *row)
    digits = "".join(format(value, "0%db" % bits) for value in row)
    digits += "0" * (-len(digits) % 8)
    return bytes(int(digits[i:i + 8], 2) for i in range(0, len(digits), 8))


def paeth(a, b, c):
    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def filtered(rows, step):
    """Every filter type in turn."""
    out, above = b"", None
    for number, row in enumerate(rows):
        kind, above, line = number % 5, above or bytes(len(row)), bytearray([number % 5])
        for i, value in enumerate(row):
            a, b, c = row[i - step] if i >= step else 0, above[i], above[i - step] if i >= step else 0
            line.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) & 255)
        out, above = out + bytes(line), row
    return out


def png(width, height, color, bits, samples, interlaced=False, before=b"", after=b"", cut=None):
    step = max(1, CHANNELS[color] * bits // 8)
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        rows = [sum((samples[y][x] for x in range(x0, width, dx)), []) for y in range(y0, height, dy)]
        if rows and rows[0]:
            raw += filtered([pack(row, bits) for row in rows], step)
    data = zlib.compress(raw)
    pieces = [data] if cut is None else [data[:cut], b"", data[cut:]]
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before +
            b"".join(chunk(b"IDAT", piece) for piece in pieces) + after + chunk(b"IEND", b""))


def random_samples(rng, width, height, color, bits, below=None):
    top = (1 << bits) - 1 if below is None else below - 1
    return [[[rng.choice([0, top, rng.randint(0, top), rng.randint(0, min(top, 300))])
              for _ in range(CHANNELS[color])] for _ in range(width)] for _ in range(height)]


def palette(rng, entries):
    return chunk(b"PLTE", bytes(rng.randint(0, 255) for _ in range(3 * entries)))


def kinds(rng):
    """(name, bytes of a PNG)"""
    for color, depths in [(0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))]:
        for bits in depths:
            before = palette(rng, 1 << bits) if color == 3 else b""
            for interlaced, (width, height) in [(False, (33, 9)), (True, (17, 13)), (True, (1, 1)), (True, (3, 5))]:
                samples = random_samples(rng, width, height, color, bits)
                name = "%s%d%s_%dx%d" % (NAMES[color], bits, "_adam7" * interlaced, width, height)
                yield name, png(width, height, color, bits, samples, interlaced, before)
    grey8 = random_samples(rng, 7, 5, 0, 8)
    yield "grey8_trns", png(7, 5, 0, 8, grey8, before=chunk(b"tRNS", struct.pack(">H", grey8[2][3][0])))
    grey16 = random_samples(rng, 7, 5, 0, 16)
    yield "grey16_trns", png(7, 5, 0, 16, grey16, before=chunk(b"tRNS", struct.pack(">H", grey16[2][3][0])))
    rgb8 = random_samples(rng, 7, 5, 2, 8)
    yield "rgb8_trns", png(7, 5, 2, 8, rgb8, before=chunk(b"tRNS", struct.pack(">3H", *rgb8[2][3])))
    rgb16 = random_samples(rng, 7, 5, 2, 16)
    yield "rgb16_trns", png(7, 5, 2, 16, rgb16, before=chunk(b"tRNS", struct.pack(">3H", *rgb16[2][3])))
    for bits in (1, 2, 4, 8):
        alpha = chunk(b"tRNS", bytes(rng.randint(0, 255) for _ in range(1 << bits)))
        yield "palette%d_trns" % bits, png(9, 5, 3, bits, random_samples(rng, 9, 5, 3, bits),
                                          before=palette(rng, 1 << bits) + alpha)
    yield "palette8_short", png(9, 5, 3, 8, random_samples(rng, 9, 5, 3, 8, 20), before=palette(rng, 20))
    yield "palette8_beyond", png(9, 5, 3, 8, random_samples(rng, 9, 5, 3, 8), before=palette(rng, 20))
    yield "palette4_beyond", png(9, 5, 3, 4, random_samples(rng, 9, 5, 3, 4), before=palette(rng, 5))
    extras = (chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"sRGB", b"\0") + chunk(b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\1") +
              chunk(b"sBIT", b"\5\6\5") + chunk(b"bKGD", b"\0\1\0\2\0\3") + chunk(b"tEXt", b"Title\0a face"))
    yield "rgb8_extras", png(7, 5, 2, 8, rgb8, before=extras, after=chunk(b"tIME", b"\7\xe7\1\2\3\4\5"))
    yield "rgb8_pieces", png(7, 5, 2, 8, rgb8, cut=11)
    yield "rgb8_trailing", png(7, 5, 2, 8, rgb8) + b"what follows IEND is no part of the picture"
    yield "rgb8_suggested_palette", png(7, 5, 2, 8, rgb8, before=palette(rng, 16))


def write_kinds(folder, rng, rows):
    for name, data in kinds(rng):
        path = os.path.join(folder, name + ".png")
        with open(path, "wb") as file:
            file.write(data)
        with Image.open(path) as image:
            rows.append('{"%s", %d, %d, %s},' % (name, *image.size, image_hash(image)))


# --- JPEG and WebP ---

def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def without_jfif(data):
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big"):]


def adobe(transform):
    return b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform])


def cmyk_picture(rng, width, height):
    return Image.frombytes("CMYK", (width, height), rng.randbytes(4 * width * height))


def jpegs(rng):
    """(name, bytes of a JPEG)"""
    for number, (width, height) in enumerate([(1, 1), (7, 5), (16, 16), (33, 17), (50, 31)]):
        image = sample_picture(width, height)
        for subsampling, name in [(0, "444"), (1, "422"), (2, "420")]:
            for progressive in (False, True):
                yield ("jpeg_%s%s_%dx%d" % (name, "_progressive" * progressive, width, height),
                       saved(image, "JPEG", quality=(30, 75, 95)[number % 3], subsampling=subsampling, progressive=progressive))
        yield "jpeg_grey_%dx%d" % (width, height), saved(image.convert("L"), "JPEG", quality=80, progressive=number % 2 == 1)
        yield "jpeg_cmyk_%dx%d" % (width, height), saved(cmyk_picture(rng, width, height), "JPEG", quality=90)
    cmyk = saved(cmyk_picture(rng, 19, 23), "JPEG", quality=85)
    assert adobe(0) in cmyk
    yield "jpeg_ycck", cmyk.replace(adobe(0), adobe(2))
    plain = saved(sample_picture(21, 14), "JPEG", quality=90)
    yield "jpeg_no_jfif", without_jfif(plain)
    yield "jpeg_adobe_rgb", plain[:2] + adobe(0) + without_jfif(plain)[2:]
    exif = Image.Exif()
    exif[0x0112] = 6  # a viewer turns it by 90 degrees; torchvision's loaders do not
    yield "jpeg_turned", saved(sample_picture(24, 12), "JPEG", quality=90, exif=exif)
    yield "jpeg_trailing", plain + b"what follows EOI is no part of the picture"


def clear_pixels(rng, width, height):
    """With colours under the transparent pixels too."""
    image = sample_picture(width, height)
    image.putalpha(Image.frombytes("L", (width, height), bytes(rng.choice([0, 0, 255, rng.randint(0, 255)])
                                                              for _ in range(width * height))))
    return image


def webps(rng):
    """(name, bytes of a WebP)"""
    for number, (width, height) in enumerate([(1, 1), (7, 5), (16, 16), (33, 17), (50, 31)]):
        image, clear = sample_picture(width, height), clear_pixels(rng, width, height)
        yield "webp_lossy_%dx%d" % (width, height), saved(image, "WEBP", quality=(20, 80, 100)[number % 3])
        yield "webp_lossless_%dx%d" % (width, height), saved(image, "WEBP", lossless=True)
        yield "webp_lossy_alpha_%dx%d" % (width, height), saved(clear, "WEBP", quality=70)
        yield "webp_lossless_alpha_%dx%d" % (width, height), saved(clear, "WEBP", lossless=True, exact=True)
    frames = [sample_picture(30, 20), sample_picture(20, 30).rotate(90, expand=True), sample_picture(30, 20).convert("L").convert("RGB")]
    yield "webp_animated", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=40, quality=70)
    frames = [clear_pixels(rng, 30, 20) for _ in range(2)]
    yield "webp_animated_alpha", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, exact=True)
    hole = Image.new("RGBA", (40, 30))
    hole.paste(clear_pixels(rng, 11, 7), (20, 12))  # libwebp keeps the middle alone, as a frame with an offset
    yield "webp_animated_offset", saved(hole, "WEBP", save_all=True, append_images=[frames[0].resize((40, 30))], lossless=True)


def files(rng):
    for form, make in (("jpg", jpegs), ("webp", webps)):
        for name, data in make(rng):
            yield name + "." + form, data


def write_formats(folder, rng, rows):
    for name, data in files(rng):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
        with Image.open(os.path.join(folder, name)) as image:
            rows.append('{"%s", %d, %d, %s},' % (name, *image.size, image_hash(image)))


def pillow_reads(data):
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image_hash(image)
    except (OSError, SyntaxError, ValueError):
        return "0"


def damages(rng, rows):
    """A byte of a file's picture data turned, or the file cut short there: what Pillow still reads, 0 for nothing."""
    for name, data in files(random.Random(8)):  # as write_formats is given
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
    """The pipeline of test_transform.c: every op of the notebook's trials."""
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
    for number, (name, make) in enumerate([("kinds", lambda rng, rows: write_kinds(folder, rng, rows)), ("resize", resizes),
                                           ("shorter", shorter_sides), ("jitter", jitters), ("affine", affines),
                                           ("center_crop", center_crops), ("normalize", normals), ("pipeline", pipelines),
                                           ("formats", lambda rng, rows: write_formats(folder, rng, rows)),
                                           ("damages", damages), ("evaluation", evaluations),
                                           ("jitter_orders", jitter_orders), ("affine_draws", affine_draws), ("endings", endings)]):
        rows = []
        make(random.Random(number), rows)
        with open(os.path.join(folder, name + ".inc"), "w") as file:
            file.write("/* written by tests/make_picture_data.py */\n" + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
