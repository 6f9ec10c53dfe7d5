#!/usr/bin/env python3
"""Tests of convert_weights.py on small files of every format: python tools/test_convert_weights.py

Needs numpy, torch, h5py and safetensors.
"""
import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open

import convert_weights

LAYERS = [(1, 1), (1, 2), (2, 1)]


def arrays():
    """Kernels [Cout, Cin, 3, 3] and biases of the first three convolutions."""
    random = np.random.default_rng(1)
    for layer in LAYERS:
        _, cin, cout = convert_weights.LAYERS[layer]
        kernel = random.normal(size=(cout, cin, 3, 3)).astype(np.float32)
        yield layer, kernel, random.normal(size=cout).astype(np.float32)


def convert(path, *options):
    """The tensors and the metadata of the converted file."""
    result = path.with_name("result.safetensors")
    with contextlib.redirect_stdout(io.StringIO()):
        convert_weights.main([*options, str(path), str(result)])
    with safe_open(result, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


class Convert(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def expect(self, tensors, exchanged):
        self.assertEqual(len(tensors), 2 * len(LAYERS))
        for layer, kernel, bias in arrays():
            index = convert_weights.LAYERS[layer][0]
            if exchanged and index == 0:
                kernel = kernel[:, [2, 1, 0]]
            np.testing.assert_array_equal(tensors[f"features.{index}.weight"], kernel)
            np.testing.assert_array_equal(tensors[f"features.{index}.bias"], bias)

    def refuse(self, path, *words):
        with self.assertRaises(SystemExit) as raised:
            convert(path)
        for word in words:
            self.assertIn(word, str(raised.exception))
        self.assertFalse(path.with_name("result.safetensors").exists())

    def state_dict(self, name, prefix=""):
        state = {f"{prefix}classifier.0.weight": torch.zeros(3, 4)}
        for layer, kernel, bias in arrays():
            index = convert_weights.LAYERS[layer][0]
            state[f"{prefix}features.{index}.weight"] = torch.from_numpy(kernel)
            state[f"{prefix}features.{index}.bias"] = torch.from_numpy(bias)
        path = self.directory / name
        torch.save(state, path)
        return path, state

    def test_torchvision(self):
        path, _ = self.state_dict("vgg19.pth")
        tensors, metadata = convert(path)
        self.expect(tensors, exchanged=False)
        self.assertNotIn("mean", metadata)

    def test_state_dict_in_a_checkpoint_with_prefixes(self):
        _, state = self.state_dict("vgg19.pth", "module.")
        path = self.directory / "checkpoint.pt"
        torch.save({"state_dict": state, "epoch": 3}, path)
        self.expect(convert(path)[0], exchanged=False)

    def test_neural_style_pt(self):
        path, _ = self.state_dict("vgg19-d01eb7cb.pth")
        tensors, metadata = convert(path, "--input", "caffe")
        self.expect(tensors, exchanged=True)
        self.assertIn("mean", metadata)

    def test_convolution_names(self):
        path = self.directory / "vgg_conv.pth"
        named = {f"conv{b}_{n}": (k, v) for (b, n), k, v in arrays()}
        kinds = ["weight", "bias"]
        torch.save({f"{name}.{k}": torch.from_numpy(v) for name, p in named.items() for k, v in zip(kinds, p)}, path)
        self.expect(convert(path)[0], exchanged=False)

    def test_keras(self):
        for layout in ["block{b}_conv{n}/block{b}_conv{n}_{k}_1:0", "block{b}_conv{n}/block{b}_conv{n}/{k}:0"]:
            path = self.directory / "vgg19_notop.h5"
            with h5py.File(path, "w") as file:
                for (b, n), kernel, bias in arrays():
                    file[layout.format(b=b, n=n, k="kernel")] = kernel.transpose(2, 3, 1, 0)
                    file[layout.format(b=b, n=n, k="bias")] = bias
            self.expect(convert(path)[0], exchanged=True)

    def test_npz_and_npy(self):
        path = self.directory / "vgg19.npz"
        named = {f"conv{b}_{n}": (k.transpose(2, 3, 1, 0), v) for (b, n), k, v in arrays()}
        single = {f"{name}_{k}": v for name, pair in named.items() for k, v in zip("Wb", pair)}
        np.savez(path, **single, fc8_b=np.ones(5))
        self.expect(convert(path)[0], exchanged=True)
        path = self.directory / "vgg19.npy"
        np.save(path, {name: list(pair) for name, pair in named.items()}, allow_pickle=True)
        self.expect(convert(path, "--allow-pickle")[0], exchanged=True)
        path.with_name("result.safetensors").unlink()
        self.refuse(path, "--allow-pickle")

    def test_caffe_features_are_those_of_the_original(self):
        path, state = self.state_dict("caffe.pth")
        tensors, metadata = convert(path, "--input", "caffe")
        picture = torch.rand(1, 3, 7, 9, dtype=torch.float64)
        mean = torch.tensor(convert_weights.MEAN_BGR, dtype=torch.float64).view(1, 3, 1, 1)
        original = F.conv2d(picture[:, [2, 1, 0]] * 255 - mean, state["features.0.weight"].double(), padding=1)
        statistics = [torch.tensor(json.loads(metadata[key])).double() for key in ["mean", "deviation"]]
        mean, deviation = (values.view(1, 3, 1, 1) for values in statistics)
        weight = torch.from_numpy(tensors["features.0.weight"]).double()
        converted = F.conv2d((picture - mean) / deviation, weight, padding=1)
        self.assertLess((converted - original).abs().max() / original.abs().max(), 1e-6)

    def test_files_that_do_not_serve(self):
        path, state = self.state_dict("vgg19.pth")

        def saved(change):
            changed = dict(state)
            change(changed)
            torch.save(changed, path)
            return path

        self.refuse(saved(lambda s: s.pop("features.2.bias")), "only one of weight and bias", "conv1_2")
        self.refuse(saved(lambda s: (s.pop("features.2.bias"), s.pop("features.2.weight"))), "conv2_1", "before it")
        large = {"features.0.weight": torch.zeros(64, 3, 5, 5)}
        self.refuse(saved(lambda s: s.update(large)), "(64, 3, 5, 5)", "conv1_1")
        self.refuse(saved(lambda s: s.update({"features.0.bias": torch.full((64,), torch.nan)})), "not finite")
        torch.save({"a": torch.zeros(3)}, path)
        self.refuse(path, "none of the names")
        torch.save(torch.nn.ReLU(), path)
        self.refuse(path, "without running code")
        other = self.directory / "weights.txt"
        other.write_text("no weights")
        self.refuse(other, "does not end in")
        self.refuse(self.directory / "missing.npz", "missing.npz")


if __name__ == "__main__":
    unittest.main()
