#!/usr/bin/env python3
"""Makes tests/data/*.safetensors: what tests/golden compares with, computed by PyTorch in float64.

Needs: pip install torch numpy. Run it from anywhere: python tools/make_test_goldens.py

Nothing is read, and a second run on the same machine writes the same bytes. Filters and pictures come from seeds. The
filters are those of src/weights/generated.rs to the bit: number i of a seed is SplitMix64 (src/random.rs) of seed and
i, uint64 throughout; its upper 24 bits over 2^24 are a float32 in [0, 1); low + (high - low) * unit is two float32
operations, each rounded; the bound sqrt(6 / (9 Cin)) is a float32 division and a float32 square root. Pictures are
stored, because Rust need not reproduce them.

Conventions of every file
  pictures    image, content, style: [3, H, W], RGB, in [0, 1]; float32, widened to float64 unchanged
  network     x = (image - MEAN) / STD; 3x3 convolutions, stride 1, padding 1, each with a ReLU; 2x2 pooling, stride 2,
              rounding down, after relu1_2, relu2_2, relu3_4 and relu4_4
  gram        G = F F^T / (h w), F = [C, h w]
  tv          mean of squared right differences + mean of squared down differences, each over its own elements
  mse         content: mean (F - T)^2                 style of a layer: mean (G - A)^2
  relative    content: sum (F - T)^2 / sum T^2        style of a layer: sum (G - A)^2 / sum A^2
  total       cw * content(relu4_2) + sw * (sum of the style losses) / 5 + tw * tv

case-*.safetensors: one evaluation at `image`, in both scalings
  image, content, style           pictures
  features.<layer>                [C, h, w] of relu3_1, relu4_2 and relu5_1 of `image`
  mean.<layer>                    mean over pixels, [C], of relu1_1 to relu5_1 of `image`
  gram.<layer>                    Gram matrix of relu1_1 and relu2_1 of `image`
  gram_norm.<layer>               Frobenius norm of the Gram matrix of each style layer of `image`
  <scaling>.weights               cw, sw, tw
  <scaling>.loss_total, .loss_content, .loss_tv  [1], .loss_style [5]: losses, unweighted but for the total
  <scaling>.grad_total            gradient of the total with respect to `image`, [3, H, W]
  metadata                        filters_seed, first_padding (zeros or replicate: relu1_1 only), pool (max or avg)

statistics-*.safetensors: the other style losses, regions, several paintings and edges, at `image`, in both scalings
  image, content, style, style2   pictures; style2 has a size of its own
  mask, style_mask                [H, W] in [0, 1], soft: a region of `image` and one of `style`
  weights.<layer>, style_weights.<layer>  [h, w] of each style layer: what the masks become there, see below
  <name>.<scaling>.weights, .loss_total, .loss_content, .loss_tv, .loss_style, .grad_total  as in case-*, with <name>
    moments, wasserstein          that style loss against style
    blend.gram, blend.wasserstein against style and style2, their G and mu added up with shares 0.7 and 0.3; only in
                                  statistics-odd-37x27
    region.gram, region.wasserstein  G and mu of image and style, each with its weights
  edges.<scaling>.loss, .grad     [1] and [3, H, W]: the loss of edges, unweighted, and its gradient by `image`
  metadata                        as in case-*
  with  mu = sum_p w_p F_p / M, G = sum_p w_p F_p F_p^T / M, S = G - mu mu^T, M = h w, and w = 1 without a mask;
        mu*, A and S* are the target's mu, G and S; e = 0.01 tr S* / C
  weights      of a mask: 3x3 means over the pixels inside at each convolution, 2x2 means at each pooling, rounding
               down; then times M / sum, or all zero if the sum is below 1
  moments      mse: mean (G - A)^2 + mean (mu - mu*)^2 + mean (sd - sd*)^2, sd = sqrt(diag S + e), sd* likewise, also
               with the target's e; relative: each of the three over its target's, sum (G - A)^2 / sum A^2 and so on
  wasserstein  mse: mean (mu - mu*)^2 + tr(T + T* - 2 (R T R)^1/2) / C, T = S + e I, T* = S* + e I, R = T*^1/2;
               relative: that over tr A / C
  edges        of both pictures averaged over 4x4, rounding down, L(x) = sum over the neighbours left, right, above and
               below that there are of (x - neighbour); mse: mean (L(image) - L(content))^2, relative:
               sum (L(image) - L(content))^2 / sum L(content)^2

trajectory-*.safetensors: an optimiser started from `content`, with average pooling, because with max pooling the
gradient jumps where a window's winner changes, and steps amplify that
  content, style                  pictures
  final                           the last iterate
  average                         adam: bias-corrected running average of the iterates, decay 0.99
  history                         [evaluations, 4]: total, content, mean of the style losses, tv, before each step
  metadata                        filters_seed, pool, optimizer, scaling, content_weight, style_weight, tv_weight,
                                  learning_rate
  adam      lr 0.005, betas 0.9 and 0.99, eps 1e-8, clamped to [0, 1] after each step
  lbfgs     torch.optim.LBFGS, lr 1, history 10, strong_wolfe, no tolerances

generated-filters.safetensors: the filters themselves, in part
  <layer>.head, <layer>.tail      the first and last 16 of all weights [Cout][Cin][tap] followed by the biases
  checksum                        [16] int64: sum of (2 i + 1) * bits_i modulo 2^64 over the same numbers, i from 0,
                                  bits_i the float32's 32 bits
  metadata                        filters_seed
"""
import copy
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
MEAN = torch.tensor(np.float32([0.485, 0.456, 0.406]), dtype=torch.float64).view(1, 3, 1, 1)
STD = torch.tensor(np.float32([0.229, 0.224, 0.225]), dtype=torch.float64).view(1, 3, 1, 1)
WIDTHS = [64, 64, 128, 128, 256, 256, 256, 256] + [512] * 8
LAYERS = [f"relu{block}_{conv}" for block, count in enumerate([2, 2, 4, 4, 4], 1) for conv in range(1, count + 1)]
DEEPEST = LAYERS.index("relu5_1")
STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
CONTENT = "relu4_2"
KEPT_FEATURES = ["relu3_1", "relu4_2", "relu5_1"]
KEPT_GRAMS = ["relu1_1", "relu2_1"]
SEED = 19
WEIGHTS = {"mse": (5.0, 4.0, 10.0), "relative": (10.0, 4.0, 10.0)}
# With the same style weight, the gradient of the Wasserstein distance would be a small part of the total's.
WASSERSTEIN_WEIGHTS = {"mse": (5.0, 25.0, 10.0), "relative": (10.0, 50.0, 10.0)}
LEARNING_RATE = {"adam": 0.005, "lbfgs": 1.0}


def splitmix64(seed, count):
    """Numbers 1 to count of a seed."""
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(bits, low, high):
    """float32 in [low, high), every operation rounded to float32 as in src/random.rs."""
    unit = (bits >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    low, high = np.float32(low), np.float32(high)
    return low + (high - low) * unit


def generated(seed, deepest):
    """Kernels [Cout, Cin, 3, 3] and biases, float32, of the layers 0 to deepest."""
    filters = []
    for index in range(deepest + 1):
        cin, cout = (WIDTHS[index - 1] if index else 3), WIDTHS[index]
        count = cout * cin * 9
        bits = splitmix64(seed * 1000 + index, count + cout)
        bound = np.sqrt(np.float32(6.0) / np.float32(9 * cin))
        kernel = uniform(bits[:count], -bound, bound).reshape(cout, cin, 3, 3)
        filters.append((kernel, uniform(bits[count:], -0.05, 0.05)))
    return filters


def picture(seed, width, height):
    """Blocks of flat colour under noise, float32 values held in float64, [1, 3, H, W]."""
    blocks = uniform(splitmix64(seed, 3 * 16 * 16), 0.1, 0.9).reshape(3, 16, 16)
    blocks = blocks.repeat(6, axis=1).repeat(9, axis=2)[:, :height, :width]
    noise = uniform(splitmix64(seed + 1, 3 * height * width), -0.1, 0.1).reshape(3, height, width)
    return torch.from_numpy(blocks + noise).double()[None]


def features(filters, image, first_padding="zeros", pool="max"):
    x = (image - MEAN.to(image.dtype)) / STD.to(image.dtype)
    out = {}
    for index, (kernel, bias) in enumerate(filters):
        name = LAYERS[index]
        if index and name.endswith("_1"):
            x = F.max_pool2d(x, 2) if pool == "max" else F.avg_pool2d(x, 2)
        if index == 0 and first_padding == "replicate":
            x = F.conv2d(F.pad(x, (1, 1, 1, 1), "replicate"), kernel, bias)
        else:
            x = F.conv2d(x, kernel, bias, padding=1)
        x = F.relu(x)
        out[name] = x
    return out


def moments(f, weights=None):
    """Mean [C] and raw second moment [C, C] over pixels."""
    m = f.flatten(2)[0]
    weighted = m if weights is None else m * weights.flatten()
    return weighted.mean(1), weighted @ m.T / m.shape[1]


def gram(f):
    return moments(f)[1]


def half_plane(width, height, across, down, soft):
    """A mask of about two thirds of a picture that rises from 0 to 1 over `soft` pixels, float32 values held in float64,
    [1, 1, H, W]: larger to the right if `across` is positive, and to the bottom if `down` is."""
    x = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    y = np.arange(height, dtype=np.float32) - np.float32((height - 1) / 2)
    mask = (np.float32(across) * x + np.float32(down) * y[:, None]) / np.float32(soft) + np.float32(1)
    return torch.from_numpy(mask.clip(0, 1)).double()[None, None]


def layer_weights(mask):
    """Weights [h, w] of the pixels of each style layer."""
    out = {}
    for name in LAYERS[: DEEPEST + 1]:
        if name.endswith("_1") and name != LAYERS[0]:
            mask = F.avg_pool2d(mask, 2)
        mask = F.avg_pool2d(mask, 3, stride=1, padding=1, count_include_pad=False)
        if name in STYLE:
            total = mask.sum()
            out[name] = (mask * mask.numel() / total if total >= 1 else torch.zeros_like(mask))[0, 0]
    return out


def tv(x):
    return (x[..., :, 1:] - x[..., :, :-1]).pow(2).mean() + (x[..., 1:, :] - x[..., :-1, :]).pow(2).mean()


def distance(scaling, found, target):
    squares = (found - target).pow(2)
    return squares.mean() if scaling == "mse" else squares.sum() / target.pow(2).sum()


def style_distance(statistic, scaling, found, target):
    """The style loss of a layer, from mean and raw second moment of the picture and of the target."""
    (mean, second), (target_mean, target_second) = found, target
    if statistic == "gram":
        return distance(scaling, second, target_second)
    channels = len(mean)
    covariance, target_covariance = second - mean.outer(mean), target_second - target_mean.outer(target_mean)
    extra = 0.01 * target_covariance.trace() / channels
    if statistic == "moments":
        deviation, target_deviation = ((c.diagonal() + extra).sqrt() for c in (covariance, target_covariance))
        return (distance(scaling, second, target_second) + distance(scaling, mean, target_mean)
                + distance(scaling, deviation, target_deviation))
    # Even for a network in float32, whose rounding alone is to be measured.
    added = extra.double() * torch.eye(channels, dtype=torch.float64)
    covariance, target_covariance = covariance.double() + added, target_covariance.double() + added
    values, vectors = torch.linalg.eigh(target_covariance)
    root = vectors @ values.sqrt().diag() @ vectors.T
    product = root @ covariance @ root
    # The trace of a root needs eigenvalues alone, whose derivatives exist even where some are equal.
    overlap = torch.linalg.eigvalsh((product + product.T) / 2).sqrt().sum()
    spread = (covariance.trace() + target_covariance.trace() - 2 * overlap) / channels
    value = (mean - target_mean).pow(2).mean() + spread
    return value if scaling == "mse" else value / (target_second.trace() / channels)


def laplacian(x):
    """Of a picture averaged over 4x4: at each pixel the sum of what it differs by from its neighbours."""
    x = F.avg_pool2d(x, 4)
    down, right = x.diff(dim=2), x.diff(dim=3)
    return (F.pad(down, (0, 0, 1, 0)) - F.pad(down, (0, 0, 0, 1))
            + F.pad(right, (1, 0)) - F.pad(right, (0, 1)))


class Objective:
    """Losses of a picture against a content picture and one or several paintings.

    `statistic` is what is compared of style; `shares` blend the paintings; `regions` are the weights of the picture's
    and of the first painting's pixels at each style layer.
    """

    def __init__(self, filters, content, paintings, scaling, statistic="gram", shares=(1.0,), regions=({}, {}),
                 **network):
        self.filters, self.scaling, self.statistic, self.network = filters, scaling, statistic, network
        self.regions, self.weights = regions, (WASSERSTEIN_WEIGHTS if statistic == "wasserstein" else WEIGHTS)[scaling]
        with torch.no_grad():
            self.content = features(filters, content, **network)[CONTENT]
            seen = [features(filters, painting, **network) for painting in paintings]
            of_all = {n: [moments(f[n], regions[1].get(n)) for f in seen] for n in STYLE}
            self.targets = {n: [sum(s * part for s, part in zip(shares, parts)) for parts in zip(*of_all[n])]
                            for n in STYLE}

    def losses(self, image):
        f = features(self.filters, image, **self.network)
        content = distance(self.scaling, f[CONTENT], self.content)
        found = {n: moments(f[n], self.regions[0].get(n)) for n in STYLE}
        style = [style_distance(self.statistic, self.scaling, found[n], self.targets[n]) for n in STYLE]
        return content, style, tv(image)

    def terms(self, losses):
        """Content, style and total variation, weighted: the terms of the total."""
        content, style, smooth = losses
        cw, sw, tw = self.weights
        return cw * content, sw * sum(style) / len(style), tw * smooth


def save(name, arrays, metadata):
    """Writes arrays of float32 or int64 as a safetensors file, always with the same bytes."""
    header, data = {"__metadata__": {key: str(value) for key, value in metadata.items()}}, b""
    for key, array in arrays.items():
        start, data = len(data), data + array.tobytes()
        dtype = {"float32": "F32", "int64": "I64"}[array.dtype.name]
        header[key] = {"dtype": dtype, "shape": array.shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (OUT / name).write_bytes(len(text).to_bytes(8, "little") + text + data)


def save_tensors(name, tensors, metadata):
    save(name, {key: value.detach().float().contiguous().numpy() for key, value in tensors.items()}, metadata)


def case(filters, name, size, style_size, seed, first_padding="zeros", pool="max"):
    network = {"first_padding": first_padding, "pool": pool}
    content, style = picture(seed, *size), picture(seed + 2, *style_size)
    noise = uniform(splitmix64(seed + 4, content.numel()), -0.2, 0.2).reshape(content.shape)
    image = torch.from_numpy(content.float().numpy() + noise).clamp(0, 1).double()
    tensors = {"image": image[0], "content": content[0], "style": style[0]}
    f = features(filters, image, **network)
    for layer, values in f.items():
        tensors[f"mean.{layer}"] = values[0].mean((1, 2))
    for layer in KEPT_FEATURES:
        tensors[f"features.{layer}"] = f[layer][0]
    for layer in KEPT_GRAMS:
        tensors[f"gram.{layer}"] = gram(f[layer])
    for layer in STYLE:
        tensors[f"gram_norm.{layer}"] = gram(f[layer]).norm().view(1)
    for scaling in WEIGHTS:
        objective = Objective(filters, content, [style], scaling, **network)
        tensors |= evaluation(name, scaling, objective, image)
    save_tensors(f"case-{name}.safetensors", tensors, {"filters_seed": SEED, **network})


def evaluation(name, prefix, objective, image):
    """Losses and gradient at `image`, as arrays whose names begin with `prefix`."""
    variable = image.clone().requires_grad_()
    losses = objective.losses(variable)
    total = sum(objective.terms(losses))
    (gradient,) = torch.autograd.grad(total, variable)
    single = rounding(objective, image, gradient)
    print(name, prefix, *contributions(objective, image), f"in float32 the gradient differs by {single:.1e}")
    return {
        f"{prefix}.weights": torch.tensor(objective.weights),
        f"{prefix}.loss_total": total.view(1),
        f"{prefix}.loss_content": losses[0].view(1),
        f"{prefix}.loss_style": torch.stack(losses[1]),
        f"{prefix}.loss_tv": losses[2].view(1),
        f"{prefix}.grad_total": gradient[0],
    }


def statistics(filters, name, size, style_sizes, seed, blend=False, first_padding="zeros", pool="max"):
    network = {"first_padding": first_padding, "pool": pool}
    content, style, style2 = (picture(seed + 2 * i, *s) for i, s in enumerate([size, *style_sizes]))
    noise = uniform(splitmix64(seed + 6, content.numel()), -0.2, 0.2).reshape(content.shape)
    image = torch.from_numpy(content.float().numpy() + noise).clamp(0, 1).double()
    masks = half_plane(*size, 1.0, -0.5, 12.0), half_plane(*style_sizes[0], -0.25, 1.0, 9.0)
    regions = tuple(layer_weights(mask) for mask in masks)
    assert all(weights.any() for region in regions for weights in region.values()), "a region vanishes"
    tensors = {"image": image[0], "content": content[0], "style": style[0], "style2": style2[0],
               "mask": masks[0][0, 0], "style_mask": masks[1][0, 0]}
    for prefix, weights in zip(["weights", "style_weights"], regions):
        tensors |= {f"{prefix}.{layer}": values for layer, values in weights.items()}
    both = {"paintings": [style, style2], "shares": (0.7, 0.3)}
    objectives = {"moments": {"statistic": "moments"}, "wasserstein": {"statistic": "wasserstein"}}
    for statistic in ["gram", "wasserstein"]:
        if blend:
            objectives[f"blend.{statistic}"] = {"statistic": statistic, **both}
        objectives[f"region.{statistic}"] = {"statistic": statistic, "regions": regions}
    for scaling in WEIGHTS:
        for kind, settings in objectives.items():
            settings = {"paintings": [style], **settings}
            objective = Objective(filters, content, scaling=scaling, **settings, **network)
            tensors |= evaluation(name, f"{kind}.{scaling}", objective, image)
        variable = image.clone().requires_grad_()
        loss = distance(scaling, laplacian(variable), laplacian(content))
        (gradient,) = torch.autograd.grad(loss, variable)
        tensors |= {f"edges.{scaling}.loss": loss.view(1), f"edges.{scaling}.grad": gradient[0]}
    save_tensors(f"statistics-{name}.safetensors", tensors, {"filters_seed": SEED, **network})


def contributions(objective, image):
    """Norms of the gradients of the three terms, none of which should be negligible."""
    variable = image.clone().requires_grad_()
    for name, term in zip(["content", "style", "tv"], objective.terms(objective.losses(variable))):
        (gradient,) = torch.autograd.grad(term, variable, retain_graph=True)
        yield f"{name} {gradient.norm():.2e}"


def rounding(objective, image, gradient):
    """Relative error of the gradient that PyTorch computes in float32: the least that a tolerance has to allow."""
    single = copy.copy(objective)
    single.filters = [(kernel.float(), bias.float()) for kernel, bias in objective.filters]
    single.content = objective.content.float()
    single.targets = {n: [part.float() for part in parts] for n, parts in objective.targets.items()}
    single.regions = tuple({n: w.float() for n, w in weights.items()} for weights in objective.regions)
    variable = image.float().requires_grad_()
    (found,) = torch.autograd.grad(sum(single.terms(single.losses(variable))), variable)
    return ((found.double() - gradient).norm() / gradient.norm()).item()


def trajectory(filters, name, size, style_size, seed, steps, optimizer, scaling):
    content, style = picture(seed, *size), picture(seed + 2, *style_size)
    objective = Objective(filters, content, [style], scaling, pool="avg")
    image = content.clone().requires_grad_()
    history = []

    def closure():
        opt.zero_grad()
        losses = objective.losses(image)
        total = sum(objective.terms(losses))
        total.backward()
        style_loss = sum(x.item() for x in losses[1]) / len(STYLE)
        history.append([total.item(), losses[0].item(), style_loss, losses[2].item()])
        return total

    tensors = {"content": content[0], "style": style[0]}
    if optimizer == "adam":
        opt = torch.optim.Adam([image], lr=LEARNING_RATE[optimizer], betas=(0.9, 0.99), eps=1e-8)
        average = torch.zeros_like(content)
        for _ in range(steps):
            opt.step(closure)
            with torch.no_grad():
                image.clamp_(0, 1)
                average = 0.99 * average + 0.01 * image
        tensors["average"] = (average / (1 - 0.99**steps))[0]
    else:
        opt = torch.optim.LBFGS([image], lr=LEARNING_RATE[optimizer], max_iter=steps, max_eval=2 * steps,
                                history_size=10, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe")
        opt.step(closure)
    tensors |= {"final": image[0], "history": torch.tensor(history, dtype=torch.float64)}
    cw, sw, tw = WEIGHTS[scaling]
    save_tensors(f"trajectory-{name}.safetensors", tensors, {
        "filters_seed": SEED, "pool": "avg", "optimizer": optimizer, "scaling": scaling,
        "content_weight": cw, "style_weight": sw, "tv_weight": tw, "learning_rate": LEARNING_RATE[optimizer]})
    print(name, len(history), "evaluations", history[0], "->", history[-1])


def filter_samples(seed):
    arrays, sums = {}, []
    for layer, (kernel, bias) in zip(LAYERS, generated(seed, len(LAYERS) - 1)):
        values = np.concatenate([kernel.ravel(), bias])
        arrays |= {f"{layer}.head": values[:16], f"{layer}.tail": values[-16:]}
        odd = 2 * np.arange(values.size, dtype=np.uint64) + np.uint64(1)
        sums.append((odd * values.view(np.uint32).astype(np.uint64)).sum(dtype=np.uint64))
    arrays["checksum"] = np.array(sums, dtype=np.uint64).view(np.int64)
    save("generated-filters.safetensors", arrays, {"filters_seed": seed})


if __name__ == "__main__":
    assert splitmix64(1234567, 2).tolist() == [6457827717110365317, 3203168211198807973]
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    filter_samples(SEED)
    double = [(torch.from_numpy(k).double(), torch.from_numpy(b).double()) for k, b in generated(SEED, DEEPEST)]
    case(double, "40x32", (40, 32), (48, 40), 100)
    case(double, "odd-37x27", (37, 27), (45, 33), 200)
    case(double, "replicate-33x42", (33, 42), (32, 32), 300, first_padding="replicate")
    case(double, "average-47x33", (47, 33), (40, 48), 400, pool="avg")
    case(double, "replicate-average-25x39", (25, 39), (33, 35), 500, first_padding="replicate", pool="avg")
    statistics(double, "odd-37x27", (37, 27), [(45, 33), (35, 41)], 700, blend=True)
    statistics(double, "replicate-40x32", (40, 32), [(48, 40), (37, 45)], 800, first_padding="replicate")
    trajectory(double, "adam-32x24", (32, 24), (36, 28), 600, 30, "adam", "relative")
    trajectory(double, "lbfgs-32x24", (32, 24), (36, 28), 600, 30, "lbfgs", "relative")
