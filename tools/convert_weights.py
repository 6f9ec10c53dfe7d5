#!/usr/bin/env python3
"""Converts weights of VGG19 from other formats to the safetensors file that impasto reads.

    python tools/convert_weights.py vgg19-dcbb9e9d.pth vgg19.safetensors
    python tools/convert_weights.py --input caffe vgg19-d01eb7cb.pth vgg19-caffe.safetensors
    python tools/convert_weights.py vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 vgg19-caffe.safetensors

Needs numpy, and for .pth files torch, for .h5 files h5py.

It reads
  .pth .pt    a state dict with features.N.weight (torchvision, neural-style-pt) or conv1_1.weight names
  .h5         Keras, with block1_conv1 in the names of its groups
  .npz        arrays conv1_1_W and conv1_1_b
  .npy        a dict conv1_1: [kernel, bias]; it holds a pickle, which can run any code: pass --allow-pickle if you
              trust where it comes from
Kernels may be [Cout, Cin, 3, 3] or [3, 3, Cin, Cout]. Tensors with other names are ignored; a file may stop after any
convolution.

--input says what the filters expect of a pixel. torchvision: RGB in [0, 1], normalised by ImageNet's statistics; the
default for .pth. caffe: BGR in 0..255 less (103.939, 116.779, 123.68), as in the original weights and all that derive
from them; the default for the other formats.

The result has torchvision's names, float32 and RGB order. For caffe the input channels of the first convolution are
exchanged, and the entries `mean` and `deviation` in the metadata make impasto compute exactly what the original
network computes, the zeros beyond the edge of the picture included. Scaling the filters of the first convolution
instead would change what those zeros mean.

tools/test_convert_weights.py makes small files of each format and compares the results.
"""
import argparse
import json
import os
import pathlib
import re
import sys

import numpy as np

BLOCKS = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)]
MEAN_BGR = (103.939, 116.779, 123.68)


def convolutions():
    """Block, number in the block, index in torchvision's `features`, Cin and Cout of every convolution."""
    index, cin = 0, 3
    for block, (cout, count) in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            yield block, number, index, cin, cout
            index, cin = index + 2, cout
        index += 1


LAYERS = {(block, number): (index, cin, cout) for block, number, index, cin, cout in convolutions()}
BY_INDEX = {index: layer for layer, (index, _, _) in LAYERS.items()}


class Unusable(Exception):
    """Why a file cannot be used, in one sentence."""


def layer_of(name):
    """The (block, number) that a name refers to, or None."""
    if found := re.search(r"(?:^|\.)features\.(\d+)\.(?:weight|bias)$", name):
        return BY_INDEX.get(int(found[1]))
    if found := re.search(r"(?:block(\d)_conv|conv(\d)_)(\d)", name):
        layer = (int(found[1] or found[2]), int(found[3]))
        return layer if layer in LAYERS else None
    return None


def read_pth(path):
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise Unusable(f"{path} is not a state dict that torch loads without running code: {error}") from error
    content = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(content, dict):
        raise Unusable(f"{path} holds a {type(content).__name__}, and a state dict is expected")
    return {name: value.float().numpy() for name, value in content.items() if hasattr(value, "float")}


def read_h5(path):
    import h5py

    arrays = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return arrays


def read_npz(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def read_npy(path):
    content = np.load(path, allow_pickle=True, encoding="latin1").item()
    return {f"{name}/{place}": np.asarray(array) for name, pair in content.items() for place, array in enumerate(pair)}


READERS = {".pth": read_pth, ".pt": read_pth, ".h5": read_h5, ".hdf5": read_h5, ".npz": read_npz, ".npy": read_npy}


def convert(path, arrays, caffe):
    """Tensors under torchvision's names, from the first convolution to the last in the file."""
    found = {}
    for name, array in arrays.items():
        layer = layer_of(name)
        if layer and array.ndim in (1, 4):
            kind = "weight" if array.ndim == 4 else "bias"
            if found.setdefault((layer, kind), array) is not array:
                raise Unusable(f"{path} has two candidates for the {kind} of conv{layer[0]}_{layer[1]}")
    tensors = {}
    for (block, number), (index, cin, cout) in LAYERS.items():
        kernel, bias = (found.pop(((block, number), kind), None) for kind in ("weight", "bias"))
        if kernel is None and bias is None:
            break
        if kernel is None or bias is None:
            raise Unusable(f"{path} has only one of weight and bias of conv{block}_{number}")
        if kernel.shape == (3, 3, cin, cout):
            kernel = kernel.transpose(3, 2, 0, 1)
        if kernel.shape != (cout, cin, 3, 3) or bias.shape != (cout,):
            shapes = f"{kernel.shape} and {bias.shape}"
            expected = f"({cout}, {cin}, 3, 3) and ({cout},)"
            raise Unusable(f"{path} has shapes {shapes} for conv{block}_{number}, and VGG19 has {expected}")
        if caffe and index == 0:
            kernel = kernel[:, ::-1]
        for kind, array in (("weight", kernel), ("bias", bias)):
            if not np.isfinite(array).all():
                raise Unusable(f"{path} holds a value that is not finite in the {kind} of conv{block}_{number}")
            tensors[f"features.{index}.{kind}"] = np.ascontiguousarray(array, dtype="<f4")
    if found:
        (block, number), _ = min(found)
        raise Unusable(f"{path} has conv{block}_{number} but not all convolutions before it")
    if not tensors:
        raise Unusable(f"{path} has none of the names that are looked for, such as {', '.join(list(arrays)[:3])}")
    return tensors


def metadata(caffe):
    """Metadata that say what the filters expect of a pixel."""
    if not caffe:
        return {"format": "pt"}
    mean = [float(np.float32(value / 255)) for value in reversed(MEAN_BGR)]
    deviation = [float(np.float32(1 / 255))] * 3
    return {"format": "pt", "mean": json.dumps(mean), "deviation": json.dumps(deviation)}


def save(path, tensors, texts):
    """Writes a safetensors file under a temporary name, then renames it."""
    header, start = {"__metadata__": texts}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [start, start + array.nbytes]}
        start += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    temporary = pathlib.Path(f"{path}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for array in tensors.values():
                file.write(array.tobytes())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Convert weights of VGG19 to the safetensors file that impasto reads.")
    parser.add_argument("file", help="a .pth, .pt, .h5, .hdf5, .npz or .npy file")
    parser.add_argument("result", help="the safetensors file to write")
    parser.add_argument("--input", choices=["torchvision", "caffe"], help="what the filters expect of a pixel")
    parser.add_argument("--allow-pickle", action="store_true", help="read .npy files, which can run any code")
    chosen = parser.parse_args(arguments)
    suffix = pathlib.Path(chosen.file).suffix.lower()
    try:
        if suffix not in READERS:
            raise Unusable(f"{chosen.file} does not end in one of {', '.join(READERS)}")
        if suffix == ".npy" and not chosen.allow_pickle:
            raise Unusable(f"{chosen.file} holds a pickle, which can run any code: pass --allow-pickle if you trust it")
        caffe = chosen.input == "caffe" or (chosen.input is None and suffix not in (".pth", ".pt"))
        tensors = convert(chosen.file, READERS[suffix](chosen.file), caffe)
        save(chosen.result, tensors, metadata(caffe))
    except (Unusable, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    except ImportError as error:
        sys.exit(f"error: a package is missing for {suffix} files: pip install {error.name}")
    print(f"{chosen.result}: {len(tensors) // 2} convolutions, {'caffe' if caffe else 'torchvision'} input")


if __name__ == "__main__":
    main()
