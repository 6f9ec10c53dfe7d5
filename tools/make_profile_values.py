#!/usr/bin/env python3
"""Writes tests/data/profiles.json: colours of several profiles, and what littleCMS makes of them in sRGB.

    pip install pillow
    python3 tools/make_profile_values.py

The profiles are written here, byte by byte (ICC.1:2004 for version 2 and 4 alike), so that nobody's file is needed.
Colours are converted by Pillow's ImageCms, which is littleCMS, with the relative colorimetric intent, without black
point compensation and without its shortcuts of low precision.
"""

import io
import json
import pathlib
import random
import struct

from PIL import Image, ImageCms

NO_OPTIMISATION = 0x0100

# Red, green and blue in XYZ, adapted to D50.
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
PROPHOTO = ((0.79767, 0.28804, 0.00000), (0.13519, 0.71188, 0.00000), (0.03134, 0.00009, 0.82491))


def fixed(value):
    return struct.pack(">i", round(value * 65536))


def xyz(values):
    return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def table(function, count):
    values = [round(65535 * function(i / (count - 1))) for i in range(count)]
    return b"curv\0\0\0\0" + struct.pack(f">I{count}H", count, *values)


def srgb_curve():
    """The function of sRGB: a straight piece and a power."""
    parameters = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(fixed(value) for value in parameters)


def description(text):
    data = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(data)) + data + bytes(4 + 4 + 2 + 1 + 67)


def profile(space, version, tags):
    tags = {b"desc": description("test"), b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz((0.9642, 1.0, 0.8249)), **tags}
    offset = 128 + 4 + 12 * len(tags)
    index, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        index += name + struct.pack(">II", offset + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    size = offset + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", version << 24, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return header + bytes(128 - len(header)) + index + data


def rgb(colorants, curve, version=2):
    names = [(b"rXYZ", b"rTRC"), (b"gXYZ", b"gTRC"), (b"bXYZ", b"bTRC")]
    tags = {}
    for (colorant, trc), values in zip(names, colorants):
        tags[colorant] = xyz(values)
        tags[trc] = curve
    return profile(b"RGB ", version, tags)


def grey(curve):
    return profile(b"GRAY", 2, {b"kTRC": curve})


PROFILES = {
    "Display P3": rgb(DISPLAY_P3, srgb_curve(), version=4),
    "Adobe RGB (1998)": rgb(ADOBE_RGB, gamma(563 / 256)),
    "ProPhoto RGB": rgb(PROPHOTO, gamma(1.8)),
    "ProPhoto RGB, linear": rgb(PROPHOTO, b"curv\0\0\0\0" + bytes(4)),
    "Adobe RGB, table": rgb(ADOBE_RGB, table(lambda x: x**2.2, 256)),
    "grey, gamma 1.8": grey(gamma(1.8)),
    "grey, gamma 2.2": grey(gamma(2.2)),
    "grey, dot gain": grey(table(lambda x: 0.35 * x + 0.65 * x**3, 64)),
}


def values(data):
    """Input and result, 8 bits."""
    mode = "L" if data[16:20] == b"GRAY" else "RGB"
    source = ImageCms.ImageCmsProfile(io.BytesIO(data))
    target = ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    transform = ImageCms.buildTransform(source, target, mode, "RGB", intent, NO_OPTIMISATION)
    if mode == "L":
        pixels = bytes(range(0, 256, 5))
    else:
        randomness = random.Random(7)
        ends = [bytes((r, g, b)) for r in (0, 255) for g in (0, 255) for b in (0, 255)]
        greys = [bytes((v, v, v)) for v in range(15, 255, 30)]
        dull = [bytes(randomness.randrange(70, 190) for _ in range(3)) for _ in range(24)]
        bright = [bytes(randomness.randrange(256) for _ in range(3)) for _ in range(24)]
        pixels = b"".join(ends + greys + dull + bright)
    picture = Image.frombytes(mode, (len(pixels) // len(mode), 1), pixels)
    return pixels, ImageCms.applyTransform(picture, transform).tobytes()


def main():
    found = []
    for name, data in PROFILES.items():
        pixels, srgb = values(data)
        found.append({"name": name, "profile": data.hex(), "values": pixels.hex(), "srgb": srgb.hex()})
    path = pathlib.Path(__file__).parent.parent / "tests" / "data" / "profiles.json"
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
