//! Mountains over a lake: snow, rock, woods, still water, and a meadow in flower.

use super::canvas::{Canvas, Point, gradient, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use super::plants;
use crate::picture::Picture;
use crate::plan::Size;
use crate::random::Random;

/// Where the lake begins and ends, in units of the height.
const SHORE: f32 = 0.58;
const MEADOW: f32 = 0.8;

/// The landscape at any size; the same for the same size.
pub fn mountains(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let (noise, mut random) = (Noise::new(52), Random::new(1865));
    sky(&mut canvas, &noise);
    for range in RANGES {
        peaks(&mut canvas, &noise, &range);
    }
    woods(&mut canvas, &mut random);
    lake(&mut canvas, &noise);
    meadow(&mut canvas, &noise, &mut random);
    canvas.into_picture()
}

fn sky(canvas: &mut Canvas, noise: &Noise) {
    let air = [(0.0, rgb(0x2a64b4)), (0.25, rgb(0x6ea4dc)), (0.5, rgb(0xcfe2f0)), (0.6, rgb(0xf4e8d6))];
    canvas.paint([0.0; 2], [canvas.aspect(), SHORE + 0.02], |[x, y]| {
        let depth = 0.3 / (0.75 - y);
        let cloud = noise.octaves([x * depth * 2.6 + 11.0, depth * 5.0], 5);
        let light = smoothstep(-0.1, 0.5, cloud - noise.octaves([x * depth * 2.6 + 10.85, depth * 5.0 - 0.2], 5) + 0.2);
        let cover = smoothstep(0.08, 0.5, cloud) * (1.0 - smoothstep(0.3, 0.5, y));
        (mix(gradient(&air, y), mix(rgb(0xa9b6cc), rgb(0xfffdf8), light), cover), 1.0)
    });
}

/// A chain of mountains.
struct Range {
    /// Height of its mean ridge, and how far peaks rise above it.
    ridge: f32,
    relief: f32,
    frequency: f32,
    shift: f32,
    /// Where snow begins.
    snow: f32,
    rock: u32,
    shadow: u32,
    /// How much air is before it.
    haze: f32,
}

/// From far to near.
const RANGES: [Range; 3] = [
    Range {
        ridge: 0.4,
        relief: 0.34,
        frequency: 1.5,
        shift: 3.3,
        snow: 0.5,
        rock: 0x8d93a8,
        shadow: 0x5a6a94,
        haze: 0.35,
    },
    Range {
        ridge: 0.47,
        relief: 0.17,
        frequency: 2.1,
        shift: 17.2,
        snow: 0.36,
        rock: 0x857a70,
        shadow: 0x3d4864,
        haze: 0.16,
    },
    Range {
        ridge: 0.555,
        relief: 0.1,
        frequency: 2.6,
        shift: 29.0,
        snow: 0.0,
        rock: 0x5f7a44,
        shadow: 0x27423a,
        haze: 0.04,
    },
];

/// Noise with sharp ridges, from 0 to about 1.
fn ridged(noise: &Noise, [x, y]: Point) -> f32 {
    (0..5)
        .map(|i| (2f32.powi(i), i as f32 * 13.1))
        .map(|(f, o)| (1.0 - noise.at([x * f + o, y * f + o]).abs() * 1.6).max(0.0) / f)
        .sum::<f32>()
        * 0.5
}

fn peaks(canvas: &mut Canvas, noise: &Noise, range: &Range) {
    let (width, pixel, rows) = (canvas.aspect(), canvas.pixel(), canvas.height as f32);
    let top = |x: f32| {
        let mass = (0.5 + 0.9 * noise.at([x * range.frequency + range.shift, 1.5])).max(0.0);
        range.ridge - range.relief * (mass * ridged(noise, [x * range.frequency * 1.4 + range.shift, 7.5]))
            + 0.4 * range.relief
    };
    let tops: Vec<f32> = (0..canvas.width).map(|column| top((column as f32 + 0.5) * pixel)).collect();
    let surface =
        |x: f32, depth: f32| ridged(noise, [x * 5.0 + range.shift + 0.6 * depth, depth * 3.4 - x * 1.2 + range.shift]);
    canvas.paint([0.0; 2], [width, SHORE + 0.02], |[x, y]| {
        let depth = y - tops[((x * rows) as usize).min(tops.len() - 1)];
        if depth < -pixel {
            return ([0.0; 3], 0.0);
        }
        // The sun stands on the left: slopes that fall to the right are in shadow.
        let slope = (surface(x + 0.006, depth) - surface(x - 0.006, depth)) * 3.2;
        let light = smoothstep(-0.55, 0.5, slope + 0.05);
        let rock = mix(rgb(range.shadow), rgb(range.rock), light);
        let white = mix(rgb(0x8fa6d0), rgb(0xfffaf0), light);
        let line = range.snow - 0.1 * noise.octaves([x * 9.0 + range.shift, y * 9.0], 3) - 0.06 * (1.0 - light);
        let snow = smoothstep(0.03, -0.03, y - line) * smoothstep(0.2, 0.4, light + 0.4 - 1.2 * depth);
        let mut colour = mix(rock, white, snow);
        colour = lit(colour, 1.0 + 0.12 * noise.octaves([x * 40.0, y * 40.0], 2));
        (
            mix(
                colour,
                rgb(0xbfd0e2),
                range.haze + 0.35 * smoothstep(0.05, 0.3, depth) * (1.0 - 4.0 * range.haze * range.haze),
            ),
            (depth / pixel + 0.5).clamp(0.0, 1.0),
        )
    });
}

/// A fir with its point at the top.
fn fir(canvas: &mut Canvas, random: &mut Random, [x, foot]: Point, height: f32, shade: f32) {
    let colour = mix(rgb(0x16342c), rgb(0x3f6038), random.unit() * 0.7);
    for tier in 0..11 {
        let part = tier as f32 / 11.0;
        let (top, half) =
            (foot - height * (1.0 - 0.8 * part), height * (0.05 + 0.13 * part) * random.uniform(0.85, 1.15));
        let low = top + height * 0.17;
        let light = lit(colour, shade * (0.8 + 0.5 * part) * random.uniform(0.85, 1.15));
        canvas.polygon(&[[x, top], [x + half, low], [x - half, low]], |[at, _]| {
            lit(light, 1.0 - 1.2 * (at - x) / half.max(1e-6) * 0.4)
        });
    }
}

fn woods(canvas: &mut Canvas, random: &mut Random) {
    let width = canvas.aspect();
    let count = (width * 110.0) as usize;
    for index in 0..count {
        let x = (index as f32 + random.unit()) / count as f32 * (width + 0.04) - 0.02;
        let bay = 0.5 + 0.5 * (x / width * 9.0).sin();
        let foot = SHORE + 0.004 - 0.03 * random.unit() * bay;
        let height = (0.03 + 0.045 * random.unit()) * (0.6 + 0.6 * bay);
        fir(canvas, random, [x, foot], height, 1.0);
    }
}

/// Still water, ruffled in bands.
fn lake(canvas: &mut Canvas, noise: &Noise) {
    let width = canvas.aspect();
    let above = canvas.clone();
    canvas.paint([0.0, SHORE], [width, 1.0], |[x, y]| {
        let depth = y - SHORE;
        let far = 1.0 / (0.08 + depth);
        let ripple = noise.octaves([x * far * 0.9, far * 14.0], 3);
        let band = smoothstep(0.1, 0.5, noise.octaves([x * 1.3 + 4.0, far * 1.6], 3));
        let reach = (0.003 + 0.03 * depth) * (1.0 + 2.0 * band);
        let seen =
            above.at([x + 0.3 * reach * ripple, (SHORE - 1.5 * depth + reach * ripple).clamp(0.0, SHORE - 0.004)]);
        let colour = mix(lit(seen, 0.86), rgb(0x2c5c78), 0.22 + 0.5 * smoothstep(0.0, 0.3, depth));
        (mix(colour, rgb(0xcfe0ec), 0.45 * band * smoothstep(-0.2, 0.5, ripple)), 1.0)
    });
}

fn meadow(canvas: &mut Canvas, noise: &Noise, random: &mut Random) {
    let width = canvas.aspect();
    let edge = |x: f32| MEADOW + 0.05 * (2.4 * x / width + 2.2).sin() + 0.02 * noise.octaves([x * 5.0, 2.0], 3);
    canvas.paint([0.0, MEADOW - 0.1], [width, 1.0], |[x, y]| {
        let depth = y - edge(x);
        let grass = noise.octaves([x * 90.0, y * 26.0], 3);
        let sun = noise.octaves([x * 3.0, y * 5.0], 2);
        let colour =
            gradient(&[(-0.8, rgb(0x23401f)), (0.0, rgb(0x567d2e)), (0.8, rgb(0xb3b84c))], 0.7 * grass + 0.7 * sun);
        (colour, smoothstep(0.0, 0.006, depth))
    });
    let flowers = [0xf4d23a, 0xfaf6ee, 0xd9463e, 0x7a4fb0, 0xf29ab0];
    for _ in 0..(width * 420.0) as usize {
        let x = random.uniform(0.0, width);
        let y = edge(x) + 0.01 + (1.02 - edge(x)) * random.unit();
        let near = (y - MEADOW + 0.06).max(0.02);
        let radius = 0.02 * near + 0.0012;
        let colour = rgb(flowers[random.below(flowers.len())]);
        canvas.line([x, y + 3.0 * radius], [x, y], [0.3 * radius; 2], rgb(0x35602a));
        canvas.ellipse([x, y], [radius, 0.75 * radius], random.uniform(0.0, 3.0), colour, 1.0);
        canvas.ellipse([x, y], [0.35 * radius; 2], 0.0, rgb(0xb9761c), 0.8);
    }
    fir(canvas, random, [0.075 * width, 0.99], 0.62, 0.95);
    fir(canvas, random, [0.175 * width, 0.95], 0.36, 1.0);
    plants::reeds(canvas, random, [0.62 * width, 1.03], 0.3 * width);
}
