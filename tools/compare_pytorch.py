#!/usr/bin/env python3
"""Times one iteration in PyTorch and in impasto on one device, and prints the ratios as Markdown tables.

    python tools/compare_pytorch.py --device cuda -- impasto bench --device 0
    python tools/compare_pytorch.py --device cpu --threads 2 -- impasto bench --device cpu --threads 2

An iteration is VGG19 to relu5_1 forward and backward to the pixels, a content loss at relu4_2, style losses at relu1_1,
relu2_1, relu3_1, relu4_1 and relu5_1, total variation, and a step of Adam with clamping and a running average. The
filters are random: arithmetic takes as long with them.

PyTorch runs as its users run it (see MODES): cuDNN's autotuner on, Adam fused on CUDA. "f32" switches TF32 off, "TF32"
allows it for convolutions, as PyTorch does by default, and for matrix products. In f16 filters and feature maps are half
and the layout is channels last; pixels, losses and Adam stay f32, the loss is multiplied by 1024 for the way back, and
features are scaled before the Gram products so that their sums stay finite. "compiled" is torch.compile on losses and
gradient.

impasto runs once with its defaults, and once with each variant that its first report names. The command after `--` is
completed with `--size WxH --repeats N --no-kernels --json` and, for a variant, `--variant NAME`; without a command only
PyTorch is timed.

Times are medians of at least 20 measurements, each of several iterations in a row if they are short: CUDA events for
PyTorch on CUDA, the clock of the host elsewhere. Memory: the peaks of what PyTorch's allocator handed out and of what
it took from the driver, once its first iterations are done; what impasto allocates; on the CPU none for PyTorch.

Needs Python 3.8; PyTorch with CUDA for `--device cuda`.
"""

import argparse
import datetime
import json
import re
import statistics
import subprocess
import sys
import time
from collections import namedtuple

CHANNELS = [64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512]
STYLE = {0, 2, 4, 8, 12}
CONTENT = {9}
# Scale of the losses in f16, so that small gradients do not become zero.
LOSS_SCALE = 1024

# How PyTorch runs the iteration.
Mode = namedtuple("Mode", "name half channels_last tf32 compiled")
MODES = {
    "cuda": [
        Mode("eager f32", half=False, channels_last=False, tf32=False, compiled=False),
        Mode("eager TF32", half=False, channels_last=False, tf32=True, compiled=False),
        Mode("eager TF32, channels last", half=False, channels_last=True, tf32=True, compiled=False),
        Mode("eager f16, channels last", half=True, channels_last=True, tf32=True, compiled=False),
        Mode("compiled TF32, channels last", half=False, channels_last=True, tf32=True, compiled=True),
        Mode("compiled f16, channels last", half=True, channels_last=True, tf32=True, compiled=True),
    ],
    "cpu": [
        Mode("eager f32", half=False, channels_last=False, tf32=False, compiled=False),
        Mode("eager f32, channels last", half=False, channels_last=True, tf32=False, compiled=False),
    ],
}
# What PyTorch's users get by default.
DEFAULT = {"cuda": "eager TF32", "cpu": "eager f32"}
COMPILE_MODE = "max-autotune-no-cudagraphs"

# One row of a table: ms is None where it failed, which `note` explains; memory in bytes, None where it is not known.
Result = namedtuple("Result", "program mode ms memory reserved note")


def failed(program, mode, note):
    return Result(program, mode, None, None, None, note)


# Tables.


def ratio(ms, reference):
    return "-" if ms is None or reference is None else f"{ms / reference:.2f}"


def table(results, default):
    """Markdown: each result, and its time as a fraction of PyTorch's default mode and of PyTorch's fastest."""
    theirs = {r.mode: r.ms for r in results if r.program == "PyTorch" and r.ms is not None}
    default_ms, fastest_ms = theirs.get(default), min(theirs.values(), default=None)
    lines = [
        f"| | median, ms | of PyTorch's {default} | of PyTorch's fastest | peak memory, MiB |",
        "|---|---|---|---|---|",
    ]
    for r in results:
        ms = f"failed: {r.note}" if r.ms is None else f"{r.ms:.2f}"
        memory = "-" if r.memory is None else f"{r.memory / 2**20:.0f}"
        if r.reserved is not None:
            memory += f" ({r.reserved / 2**20:.0f} reserved)"
        cells = [f"{r.program}, {r.mode}", ms, ratio(r.ms, default_ms), ratio(r.ms, fastest_ms), memory]
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines)


# impasto.


def reason(error):
    """The last line that is not empty, shortened for a table."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:160]


def bench(command, size, repeats, options=()):
    """impasto's report on the iteration, or RuntimeError with its message."""
    call = [*command, "--size", size, "--repeats", str(repeats), "--json", *options]
    try:
        output = subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    except OSError as error:
        raise RuntimeError(str(error)) from error
    if output.returncode != 0:
        raise RuntimeError(output.stderr.strip() or f"exit code {output.returncode}")
    return json.loads(output.stdout.splitlines()[-1])


def combinations(report):
    """Options for every way to compute that a report names by its kernels' keys `precision` and `variant`, in order."""
    found = []
    for kernel in report["kernels"]:
        options = tuple((key, kernel[key]) for key in ["precision", "variant"] if kernel.get(key))
        if any(key == "variant" for key, _ in options) and options not in found:
            found.append(options)
    return found


def impasto(command, ways, size, repeats):
    """A result for the default and for each way."""
    results = []
    for way in [(), *ways]:
        mode = " ".join(value for _, value in way) or "default"
        options = [part for key, value in way for part in (f"--{key}", value)]
        try:
            report = bench(command, size, repeats, ["--no-kernels", *options])
            results.append(Result("impasto", mode, report["iteration_ms"], report["peak_bytes"], None, ""))
        except RuntimeError as error:
            results.append(failed("impasto", mode, reason(error)))
    return results


# PyTorch.


def iteration(torch, device, mode, width, height):
    """A function that runs one iteration, with targets computed from another picture beforehand."""
    F = torch.nn.functional
    generator = torch.Generator().manual_seed(1)
    memory_format = torch.channels_last if mode.channels_last else torch.contiguous_format
    dtype = torch.half if mode.half else torch.float
    filters, channels = [], 3
    for entry in CHANNELS:
        if entry == "pool":
            filters.append(None)
            continue
        weight = torch.randn(entry, channels, 3, 3, generator=generator) * (2 / (9 * channels)) ** 0.5
        weight = weight.to(device, dtype).contiguous(memory_format=memory_format)
        filters.append((weight, torch.zeros(entry, device=device, dtype=dtype)))
        channels = entry

    def picture():
        values = torch.rand(1, 3, height, width, generator=generator)
        return values.to(device).contiguous(memory_format=memory_format)

    mean = torch.tensor([0.485, 0.456, 0.406], device=device).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225], device=device).view(1, 3, 1, 1)

    def gram(x):
        flat = x.flatten(2)[0]
        if not mode.half:
            return flat @ flat.T / flat.shape[1]
        flat = flat * flat.shape[1] ** -0.5
        return (flat @ flat.T).float()

    def features(image):
        x, index, content, grams = ((image - mean) / deviation).to(dtype), 0, [], []
        for entry in filters:
            if entry is None:
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(F.conv2d(x, *entry, padding=1))
            if index in CONTENT:
                content.append(x)
            if index in STYLE:
                grams.append(gram(x))
            index += 1
        return content, grams

    def distance(value, target):
        return (value.float() - target.float()).square().sum() / target.float().square().sum()

    with torch.no_grad():
        content_targets, gram_targets = features(picture())
    scale = LOSS_SCALE if mode.half else 1

    def losses(image):
        content, grams = features(image)
        loss = sum(distance(f, t) for f, t in zip(content, content_targets))
        loss = loss + sum(distance(g, t) for g, t in zip(grams, gram_targets))
        loss = loss + (image[..., 1:] - image[..., :-1]).square().mean()
        loss = loss + (image[..., 1:, :] - image[..., :-1, :]).square().mean()
        return loss * scale

    if mode.compiled:
        losses = torch.compile(losses, mode=COMPILE_MODE, dynamic=False)
    image = picture().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=0.02, betas=(0.9, 0.99), fused=device == "cuda" or None)
    average = torch.zeros_like(image)

    def step():
        optimizer.zero_grad()
        loss = losses(image)
        loss.backward()
        if scale != 1:
            image.grad /= scale
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
            average.mul_(0.99).add_(image, alpha=0.01)
        return loss

    return step


def measure(torch, device, step, repeats):
    """Median milliseconds of a step, several in a row if they are short, and the last loss."""

    def seconds(steps):
        if device == "cuda":
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            for _ in range(steps):
                loss = step()
            end.record()
            end.synchronize()
            return start.elapsed_time(end) / 1e3 / steps, loss
        start = time.perf_counter()
        for _ in range(steps):
            loss = step()
        return (time.perf_counter() - start) / steps, loss

    # The first steps compile, and cuDNN tries its algorithms.
    for _ in range(3):
        once, _ = seconds(1)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    in_a_row = min(max(int(0.1 / max(once, 1e-6)), 1), 10)
    times = []
    for _ in range(repeats):
        taken, loss = seconds(in_a_row)
        times.append(1e3 * taken)
    return statistics.median(times), float(loss.detach())


def pytorch(torch, device, mode, size, repeats):
    """One mode's result; one that fails says why."""
    width, height = map(int, size.split("x"))
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = mode.tf32
    cuda = torch.cuda if device == "cuda" else None
    try:
        if mode.compiled:
            torch.compiler.reset()
        if cuda:
            cuda.synchronize()
            cuda.empty_cache()
        ms, loss = measure(torch, device, iteration(torch, device, mode, width, height), repeats)
        if loss != loss or loss in (float("inf"), float("-inf")):
            print(f"{mode.name} at {size}: the loss is {loss}", file=sys.stderr)
        memory = (cuda.max_memory_allocated(), cuda.max_memory_reserved()) if cuda else (None, None)
        return Result("PyTorch", mode.name, ms, *memory, "")
    except Exception as error:  # Compilers and drivers fail in many ways; the others are still worth measuring.
        print(f"{mode.name} at {size}: {error}", file=sys.stderr)
        return failed("PyTorch", mode.name, f"{type(error).__name__}: {reason(error)}")
    finally:
        if cuda:
            cuda.empty_cache()


def pytorch_versions(torch, device):
    """The line above the tables."""
    versions = f"PyTorch {torch.__version__}"
    if device == "cpu":
        return f"{versions}, {torch.get_num_threads()} threads"
    versions += f", CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    versions += f", torch.compile mode {COMPILE_MODE}"
    return f"{torch.cuda.get_device_name()}; {versions}"


# The command line.


def size(text):
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f'"{text}" is not a size: write width x height in pixels, like 512x384')
    return text


def arguments_of(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], required=True)
    sizes = "[default: 256 to 2048 square, on the CPU to 512]"
    parser.add_argument("--sizes", nargs="+", type=size, metavar="WxH", help=sizes)
    parser.add_argument("--repeats", type=int, default=20, help="measurements of each [default: 20]")
    parser.add_argument("--threads", type=int, help="PyTorch's threads on the CPU [default: its own choice]")
    parser.add_argument("command", nargs="*", help="impasto's bench command, after --")
    arguments = parser.parse_args(argv)
    if arguments.sizes is None:
        sides = [256, 512, 1024, 2048] if arguments.device == "cuda" else [256, 512]
        arguments.sizes = [f"{side}x{side}" for side in sides]
    return arguments


def open_torch(arguments):
    """PyTorch, ready for the device; ends with one sentence and exit code 2 where that cannot be."""
    try:
        import torch
    except ImportError:
        give_up("PyTorch is not installed: run pip install torch, or use a Python that has it")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        give_up("PyTorch finds no CUDA device: install its driver and a PyTorch with CUDA, or use --device cpu")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    return torch


def give_up(sentence):
    print(f"compare_pytorch: {sentence}", file=sys.stderr)
    sys.exit(2)


def main(argv=None):
    arguments = arguments_of(argv)
    torch = open_torch(arguments)
    device, command = arguments.device, arguments.command
    print(f"{datetime.date.today()}; {pytorch_versions(torch, device)}")
    ways = []
    if command:
        try:
            report = bench(command, "64x64", 1)
        except RuntimeError as error:
            give_up(f"`{' '.join(command)}` fails: {reason(error)}")
        ways = combinations(report)
        print("impasto on " + ", driver ".join(filter(None, [report["device"], report.get("driver")])))
        theirs = torch.cuda.get_device_name() if device == "cuda" else report["device"]
        if theirs not in report["device"] and report["device"] not in theirs:
            print(f"Not the same device: choose {theirs} with impasto's --device")
    for size in arguments.sizes:
        results = [pytorch(torch, device, mode, size, arguments.repeats) for mode in MODES[device]]
        if command:
            results += impasto(command, ways, size, arguments.repeats)
        print(f"\n{size}:\n\n{table(results, DEFAULT[device])}", flush=True)


if __name__ == "__main__":
    main()
