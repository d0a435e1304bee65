"""Pictures made by a formula, and the hash that their results are compared by: those of tests/sample_picture.h."""
import numpy as np
from PIL import Image


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
