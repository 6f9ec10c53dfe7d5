#!/usr/bin/env python3
"""Times one iteration on the CPU in PyTorch and in impasto, and prints the ratio.

An iteration is VGG19 to relu5_1 forward and backward to the pixels, a content loss at relu4_2, style losses at relu1_1,
relu2_1, relu3_1, relu4_1 and relu5_1, total variation, and a step of Adam with clamping and a running average. The
filters are random: arithmetic takes as long with them.

    python tools/compare_pytorch_cpu.py --threads 2 --sizes 256x192 512x384 -- \
        cargo run --release -- bench --device cpu --json

The command after `--` is run once per size with `--size WIDTHxHEIGHT` appended; the last line of its output is a JSON
object with the key `iteration_ms`, the median. Without a command only PyTorch is timed.
Needs Python 3.10 and PyTorch.
"""

import argparse
import json
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F

CHANNELS = [64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512]
STYLE = {0, 2, 4, 8, 12}
CONTENT = {9}


def iteration(width, height, memory_format):
    """A function that runs one iteration, targets taken from another picture beforehand."""
    generator = torch.Generator().manual_seed(1)
    filters, channels = [], 3
    for entry in CHANNELS:
        if entry == "pool":
            filters.append(None)
            continue
        weight = torch.randn(entry, channels, 3, 3, generator=generator) * (2 / (9 * channels)) ** 0.5
        filters.append((weight.contiguous(memory_format=memory_format), torch.zeros(entry)))
        channels = entry

    def picture():
        values = torch.rand(1, 3, height, width, generator=generator)
        return values.contiguous(memory_format=memory_format)

    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

    def features(image):
        x, index, content, grams = (image - mean) / deviation, 0, [], []
        for entry in filters:
            if entry is None:
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(F.conv2d(x, *entry, padding=1))
            if index in CONTENT:
                content.append(x)
            if index in STYLE:
                flat = x.flatten(2)[0]
                grams.append(flat @ flat.T / flat.shape[1])
            index += 1
        return content, grams

    with torch.no_grad():
        content_targets, gram_targets = features(picture())
    image = picture().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=0.02, betas=(0.9, 0.99))
    average = torch.zeros_like(image)

    def step():
        optimizer.zero_grad()
        content, grams = features(image)
        loss = sum(((f - t) ** 2).sum() / (t**2).sum() for f, t in zip(content, content_targets))
        loss = loss + sum(((g - t) ** 2).sum() / (t**2).sum() for g, t in zip(grams, gram_targets))
        loss = loss + (image[..., 1:] - image[..., :-1]).square().mean()
        loss = loss + (image[..., 1:, :] - image[..., :-1, :]).square().mean()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
            average.mul_(0.99).add_(image, alpha=0.01)

    return step


def median_ms(step, repeats):
    for _ in range(2):
        step()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--sizes", nargs="+", default=["256x192", "512x384"])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("command", nargs="*", help="impasto's bench command, after --")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads")
    for size in arguments.sizes:
        width, height = map(int, size.split("x"))
        layouts = {"NCHW": torch.contiguous_format, "channels last": torch.channels_last}
        theirs = {name: median_ms(iteration(width, height, f), arguments.repeats) for name, f in layouts.items()}
        line = f"{size}: PyTorch " + ", ".join(f"{ms:.0f} ms ({name})" for name, ms in theirs.items())
        if arguments.command:
            output = subprocess.run([*arguments.command, "--size", size], check=True, capture_output=True, text=True)
            ours = json.loads(output.stdout.splitlines()[-1])["iteration_ms"]
            line += f", impasto {ours:.0f} ms, ratio {ours / min(theirs.values()):.2f} to the faster"
        print(line, flush=True)


if __name__ == "__main__":
    main()
