//! Trees, bushes, reeds and grass, leaf by leaf.

use super::canvas::{Canvas, Colour, Point, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::random::Random;

const HAZE: u32 = 0xe0bfa6;

/// A crown of leaves: dabs from the shaded lower right to the lit upper left.
fn crown(canvas: &mut Canvas, random: &mut Random, centre: Point, radius: f32, haze: f32) {
    let (dark, bright) = (rgb(0x25382c), rgb(0xb9a545));
    let count = 90;
    for i in 0..count {
        let order = i as f32 / count as f32;
        let (angle, reach) = (random.uniform(0.0, std::f32::consts::TAU), random.unit().sqrt());
        let shift = (order - 0.5) * 0.35;
        let at = [
            centre[0] + radius * (0.85 * reach * angle.cos() - shift),
            centre[1] + radius * (0.95 * reach * angle.sin() - shift),
        ];
        let light = (0.75 * order + 0.25 * (0.5 - 0.5 * (angle.sin() + angle.cos()) * reach)).clamp(0.0, 1.0);
        let colour = mix(mix(dark, rgb(0x5d7a3c), smoothstep(0.1, 0.6, light)), bright, smoothstep(0.6, 1.0, light));
        let colour = mix(lit(colour, random.uniform(0.85, 1.15)), rgb(HAZE), haze);
        let size = radius * random.uniform(0.1, 0.2) * (1.35 - 0.7 * order);
        canvas.ellipse(at, [size * 1.3, size], random.uniform(0.0, 3.0), colour, 0.92);
    }
}

/// Crowns along a line from `from` to `to`.
pub(super) fn grove(
    canvas: &mut Canvas,
    random: &mut Random,
    from: Point,
    to: Point,
    count: usize,
    radius: f32,
    haze: f32,
) {
    for i in 0..count {
        let part = (i as f32 + random.unit()) / count as f32;
        let size = radius * random.uniform(0.7, 1.25);
        let at = [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part - size * 0.7];
        crown(canvas, random, at, size, haze);
    }
}

/// A meadow that slopes down to the water in the lower right corner, with grass and flowers.
pub(super) fn bank(canvas: &mut Canvas, noise: &Noise, random: &mut Random, width: f32) {
    let edge = |x: f32| {
        let part = ((x / width - 0.52) / 0.48).clamp(0.0, 1.0);
        1.03 - 0.165 * part.powf(0.75) + 0.006 * noise.octaves([x * 14.0, 1.0], 3)
    };
    let pixel = canvas.pixel();
    canvas.paint([0.5 * width, 0.82], [width, 1.0], |[x, y]| {
        let depth = y - edge(x);
        let grain = noise.octaves([x * 30.0, y * 45.0], 3);
        let colour = mix(rgb(0x39492b), rgb(0x7d8a3e), smoothstep(-0.4, 0.7, grain + 0.5 - depth * 5.0));
        (mix(rgb(0x2b2a20), colour, smoothstep(0.0, 0.012, depth)), (depth / pixel + 0.5).clamp(0.0, 1.0))
    });
    for i in 0..2600 {
        let x = width * (0.53 + 0.49 * random.unit());
        let depth = (i as f32 / 2600.0).powf(0.8) * 0.2;
        let foot = [x, edge(x) + 0.004 + depth];
        let high = (0.014 + 0.12 * depth) * random.uniform(0.6, 1.3);
        let tip = [foot[0] + high * random.uniform(-0.35, 0.6), foot[1] - high];
        let light = random.unit();
        let mut colour = mix(rgb(0x31441f), rgb(0xc3b24c), light * light);
        if random.unit() < 0.05 {
            colour = rgb([0xf3e3c0, 0xe8c23a, 0xc9503c, 0x9a7fc0][random.below(4)]);
            canvas.ellipse(tip, [0.0025 + 0.012 * depth; 2], 0.0, colour, 1.0);
            colour = rgb(0x4c5a2a);
        }
        canvas.line(foot, tip, [0.0022 + 0.008 * depth, 0.0004], colour);
    }
}

/// Reeds in the lower left corner, `corner` at their foot, as far as `reach` to the right.
pub(super) fn reeds(canvas: &mut Canvas, random: &mut Random, corner: Point, reach: f32) {
    for i in 0..340 {
        let part = random.unit();
        let near = i as f32 / 340.0;
        let foot = [corner[0] + reach * part, corner[1] + 0.01 * near];
        let high = 0.24 * (1.0 - part).powf(0.8) * random.uniform(0.45, 1.15) + 0.02;
        let lean = random.uniform(-0.1, 0.35);
        let light = random.unit();
        let colour = mix(mix(rgb(0x1f2d22), rgb(0x5f7034), light), rgb(0xd9a94e), smoothstep(0.8, 1.0, light));
        let mut from = foot;
        for joint in 1..=5 {
            let t = joint as f32 / 5.0;
            let to = [foot[0] + high * lean * t * t, foot[1] - high * t];
            let width = |t: f32| 0.0052 * (1.0 - 0.85 * t);
            canvas.line(from, to, [width(t - 0.2), width(t)], colour);
            from = to;
        }
        if random.unit() < 0.14 {
            canvas.ellipse([from[0], from[1] + 0.006], [0.0036, 0.013], lean * 0.8, rgb(0x5a3422), 1.0);
        }
    }
}

/// A tree of some height on the bank: branches that fork, then leaves at their ends.
pub(super) fn tree(canvas: &mut Canvas, random: &mut Random, foot: Point, height: f32) {
    let mut ends = Vec::new();
    let mut branches = vec![(foot, -1.6f32, height * 0.42, height * 0.045, 0)];
    while let Some((from, angle, length, thick, level)) = branches.pop() {
        let to = [from[0] + length * angle.cos(), from[1] + length * angle.sin()];
        branch(canvas, from, to, [thick, thick * 0.62]);
        if level == 6 {
            ends.push(to);
            continue;
        }
        if level >= 3 {
            ends.push(to);
        }
        for side in [-1.0, 1.0] {
            let turn = side * random.uniform(0.14, 0.42) + random.uniform(-0.1, 0.1);
            branches.push((to, angle + turn, length * random.uniform(0.5, 0.8), thick * 0.62, level + 1));
        }
    }
    // Lower leaves first, in shade; upper ones over them, in the light.
    ends.sort_by(|a, b| (b[0] + b[1]).total_cmp(&(a[0] + a[1])));
    let count = ends.len();
    for (i, end) in ends.into_iter().enumerate() {
        let order = i as f32 / count as f32;
        for _ in 0..75 {
            let reach = height * 0.045 * random.normal().abs().min(2.0);
            let angle = random.uniform(0.0, std::f32::consts::TAU);
            let at = [end[0] + reach * angle.cos(), end[1] + 0.8 * reach * angle.sin()];
            let side = -(angle.cos() + angle.sin()) * 0.35 + random.uniform(-0.25, 0.25);
            let light = (0.15 + 0.6 * order + 0.45 * side).clamp(0.0, 1.0);
            let leaf: Colour = mix(rgb(0x1d2d20), rgb(0x56702f), smoothstep(0.05, 0.55, light));
            let leaf = mix(leaf, rgb(0xe0b44a), smoothstep(0.6, 1.0, light));
            let size = height * random.uniform(0.0045, 0.008);
            canvas.ellipse(
                at,
                [size, size * 0.55],
                random.uniform(0.0, 3.1),
                lit(leaf, random.uniform(0.85, 1.15)),
                0.95,
            );
        }
    }
}

/// A tapering piece of wood, lit on its left.
fn branch(canvas: &mut Canvas, from: Point, to: Point, widths: [f32; 2]) {
    canvas.line(from, to, widths, rgb(0x33251f));
    canvas.ellipse(to, [widths[1] / 2.0; 2], 0.0, rgb(0x33251f), 1.0);
    let shift = widths[0] * 0.22;
    let left = |[x, y]: Point| [x - shift, y];
    canvas.line(left(from), left(to), widths.map(|width| width * 0.35), rgb(0x9a6f4a));
}
