"""PNGs, JPEGs and WebPs of every kind, as (name, bytes)."""
import io
import struct
import zlib

from PIL import Image

from sample_picture import sample_picture


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
