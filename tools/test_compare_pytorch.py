#!/usr/bin/env python3
"""Tests of how compare_pytorch.py handles results: python tools/test_compare_pytorch.py

Needs nothing but Python: neither PyTorch nor a GPU.
"""
import contextlib
import io
import sys
import unittest
from unittest import mock

import compare_pytorch
from compare_pytorch import Result

# Stands in for impasto: a report that depends on the options it was called with.
FAKE = """
import json, sys
if "blocked" in sys.argv and "1024x1024" in sys.argv:
    print("impasto: features take 256 MiB, but fake handles at most 128 MiB", file=sys.stderr)
    sys.exit(1)
kernels = [] if "--no-kernels" in sys.argv else [
    {"operation": "network_input", "variant": None},
    {"operation": "conv3x3", "variant": "plain"},
    {"operation": "conv3x3", "variant": "blocked"},
    {"operation": "conv3x3_backward", "variant": "plain"},
]
ms = 8.0 if "plain" in sys.argv else 4.0
print("a line before")
print(json.dumps({"device": "fake", "driver": "7", "iteration_ms": ms, "peak_bytes": 3 << 20, "kernels": kernels}))
"""
COMMAND = [sys.executable, "-c", FAKE]


class Table(unittest.TestCase):
    def test_ratios_are_to_the_default_and_to_the_fastest(self):
        results = [
            Result("PyTorch", "eager f32", 20.0, 2 << 30, 3 << 30, ""),
            Result("PyTorch", "eager TF32", 10.0, None, None, ""),
            Result("PyTorch", "compiled", 5.0, None, None, ""),
            Result("impasto", "f16 tiled", 4.0, 300 << 20, None, ""),
        ]
        lines = compare_pytorch.table(results, "eager TF32").splitlines()
        self.assertEqual(len(lines), 2 + len(results))
        self.assertIn("of PyTorch's eager TF32", lines[0])
        self.assertEqual(lines[2], "| PyTorch, eager f32 | 20.00 | 2.00 | 4.00 | 2048 (3072 reserved) |")
        self.assertEqual(lines[3], "| PyTorch, eager TF32 | 10.00 | 1.00 | 2.00 | - |")
        self.assertEqual(lines[5], "| impasto, f16 tiled | 4.00 | 0.40 | 0.80 | 300 |")

    def test_a_failure_keeps_its_row_and_counts_for_no_ratio(self):
        results = [
            compare_pytorch.failed("PyTorch", "compiled", "no | compiler"),
            Result("impasto", "plain", 4.0, None, None, ""),
        ]
        lines = compare_pytorch.table(results, "compiled").splitlines()
        self.assertEqual(lines[2], "| PyTorch, compiled | failed: no / compiler | - | - | - |")
        self.assertEqual(lines[3], "| impasto, plain | 4.00 | - | - | - |")

    def test_the_default_is_one_of_the_modes(self):
        for device, modes in compare_pytorch.MODES.items():
            self.assertIn(compare_pytorch.DEFAULT[device], [mode.name for mode in modes])


class Impasto(unittest.TestCase):
    def test_ways_come_from_the_report_once_each_and_in_order(self):
        self.assertEqual(
            compare_pytorch.combinations(compare_pytorch.bench(COMMAND, "64x64", 1)),
            [(("variant", "plain"),), (("variant", "blocked"),)],
        )
        kernels = [{"precision": p, "variant": v} for p in ["f32", "f16"] for v in ["plain", None, "plain"]]
        self.assertEqual(
            compare_pytorch.combinations({"kernels": kernels}),
            [(("precision", p), ("variant", "plain")) for p in ["f32", "f16"]],
        )
        on_a_cpu = {"kernels": [{"operation": "conv3x3", "variant": None}]}
        self.assertEqual(compare_pytorch.combinations(on_a_cpu), [])

    def test_the_default_and_each_way_are_asked_for(self):
        ways = [(("variant", "plain"),), (("variant", "blocked"),)]
        results = compare_pytorch.impasto(COMMAND, ways, "512x512", 3)
        self.assertEqual([(r.mode, r.ms) for r in results], [("default", 4.0), ("plain", 8.0), ("blocked", 4.0)])
        self.assertEqual(results[0].memory, 3 << 20)

    def test_a_way_that_fails_says_why_and_the_others_go_on(self):
        ways = [(("variant", "blocked"),), (("variant", "plain"),)]
        results = compare_pytorch.impasto(COMMAND, ways, "1024x1024", 3)
        self.assertEqual([r.ms for r in results], [4.0, None, 8.0])
        self.assertIn("at most 128 MiB", results[1].note)
        missing = compare_pytorch.impasto(["./no-such-program"], [], "64x64", 1)
        self.assertIn("no-such-program", missing[0].note)


class CommandLine(unittest.TestCase):
    def refuse(self, argv, torch, *words):
        stderr = io.StringIO()
        with mock.patch.dict(sys.modules, torch=torch), contextlib.redirect_stderr(stderr):
            with self.assertRaises(SystemExit) as raised:
                compare_pytorch.main(argv)
        self.assertEqual(raised.exception.code, 2)
        for word in words:
            self.assertIn(word, stderr.getvalue())
        return stderr.getvalue()

    def test_without_pytorch_or_cuda_one_sentence_says_so(self):
        without_cuda = mock.Mock(**{"cuda.is_available.return_value": False})
        text = self.refuse(["--device", "cuda"], without_cuda, "no CUDA device", "--device cpu")
        self.assertEqual(text.count("\n"), 1)
        self.assertEqual(self.refuse(["--device", "cpu"], None, "not installed").count("\n"), 1)

    def test_the_report_names_both_devices_and_has_a_table_for_each_size(self):
        torch = mock.MagicMock(__version__="1.2.3")
        torch.cuda.get_device_name.return_value = "another"
        stdout = io.StringIO()
        timed = Result("PyTorch", "eager TF32", 16.0, None, None, "")
        with mock.patch.dict(sys.modules, torch=torch), contextlib.redirect_stdout(stdout):
            with mock.patch.object(compare_pytorch, "pytorch", return_value=timed):
                compare_pytorch.main(["--device", "cuda", "--sizes", "64x64", "1024x1024", "--", *COMMAND])
        text = stdout.getvalue()
        for part in ["another; PyTorch 1.2.3", "impasto on fake, driver 7", "choose another", "\n64x64:\n\n| |"]:
            self.assertIn(part, text)
        self.assertEqual(text.count("| impasto, default | 4.00 | 0.25 | 0.25 | 3 |"), 2)
        self.assertEqual(text.count("| impasto, blocked | failed: "), 1)

    def test_sizes(self):
        self.assertEqual(compare_pytorch.arguments_of(["--device", "cuda"]).sizes[-1], "2048x2048")
        self.refuse(["--device", "cpu", "--sizes", "large"], None, '"large" is not a size')
        argv = ["--device", "cpu", "--sizes", "64x48", "--", "impasto", "bench", "-x"]
        arguments = compare_pytorch.arguments_of(argv)
        self.assertEqual((arguments.sizes, arguments.command), (["64x48"], ["impasto", "bench", "-x"]))


if __name__ == "__main__":
    unittest.main()
