//! A city by a river at night: stars and a moon, lit windows, lamps on the quay, and all of it in the water.

use super::canvas::{Canvas, Colour, Point, gradient, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;
use crate::random::Random;

/// Where the water begins, in units of the height.
const WATERLINE: f32 = 0.64;

/// The city at any size; the same for the same size.
pub fn night(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let (noise, mut random) = (Noise::new(31), Random::new(1888));
    sky(&mut canvas, &noise, &mut random);
    for row in ROWS {
        towers(&mut canvas, &mut random, &row);
    }
    quay(&mut canvas, &noise);
    lamps(&mut canvas);
    river(&mut canvas, &noise);
    canvas.into_picture()
}

fn sky(canvas: &mut Canvas, noise: &Noise, random: &mut Random) {
    let width = canvas.aspect();
    let moon = [0.76 * width, 0.17];
    let air =
        [(0.0, rgb(0x070b22)), (0.3, rgb(0x12204a)), (0.5, rgb(0x2b3566)), (0.6, rgb(0x6a4a66)), (0.66, rgb(0xa8704f))];
    canvas.paint([0.0; 2], [width, WATERLINE + 0.03], |[x, y]| {
        let distance = (x - moon[0]).hypot(y - moon[1]);
        let mut colour = mix(gradient(&air, y), rgb(0x9fb0dd), 0.5 * (-distance * 6.0).exp());
        let cloud = noise.octaves([x * 2.2 + 5.0, y * 6.0], 5);
        let cover = smoothstep(0.05, 0.55, cloud) * smoothstep(0.08, 0.2, y);
        let edge = mix(rgb(0x1c2648), rgb(0xcfd6ef), 0.9 * (-distance * 4.5).exp());
        colour = mix(colour, mix(edge, rgb(0x7d5058), smoothstep(0.35, 0.62, y)), 0.75 * cover);
        (colour, 1.0)
    });
    for _ in 0..(150.0 * width) as usize {
        let place = [random.uniform(0.0, width), 0.52 * random.unit().powf(1.4)];
        let bright = random.unit().powi(4);
        let colour = mix(rgb(0xc4d2ff), rgb(0xffe2b4), random.unit());
        canvas.ellipse(place, [0.0012 + 0.0022 * bright; 2], 0.0, colour, 0.35 + 0.65 * bright);
    }
    canvas.ellipse(moon, [0.052; 2], 0.0, rgb(0xf4efdc), 1.0);
    for (x, y, radius) in
        [(-0.016, -0.012, 0.013), (0.012, 0.002, 0.017), (-0.008, 0.022, 0.009), (0.02, -0.024, 0.007)]
    {
        canvas.ellipse([moon[0] + x, moon[1] + y], [radius, 0.85 * radius], 0.4, rgb(0xc9c4b8), 0.55);
    }
}

/// A row of buildings.
struct Row {
    /// Least and most height.
    heights: [f32; 2],
    widths: [f32; 2],
    colour: u32,
    /// Side of a window.
    window: f32,
    /// Part of the windows that are lit.
    lit: f32,
}

/// From far to near.
const ROWS: [Row; 3] = [
    Row { heights: [0.1, 0.3], widths: [0.05, 0.09], colour: 0x2a2a4c, window: 0.0045, lit: 0.3 },
    Row { heights: [0.08, 0.24], widths: [0.07, 0.12], colour: 0x181a36, window: 0.0065, lit: 0.4 },
    Row { heights: [0.05, 0.14], widths: [0.09, 0.16], colour: 0x0c0d20, window: 0.0095, lit: 0.5 },
];

fn towers(canvas: &mut Canvas, random: &mut Random, row: &Row) {
    let width = canvas.aspect();
    let mut x = -0.03;
    while x < width {
        let wide = random.uniform(row.widths[0], row.widths[1]);
        let tall = row.heights[0] + (row.heights[1] - row.heights[0]) * random.unit().powf(1.6);
        let (top, wall) = (WATERLINE - tall, lit(rgb(row.colour), random.uniform(0.8, 1.25)));
        let roof = random.below(4);
        if roof == 0 {
            canvas.line([x + wide / 2.0, top + 0.01], [x + wide / 2.0, top - 0.07], [0.007, 0.002], wall);
            canvas.ellipse([x + wide / 2.0, top - 0.07], [0.003; 2], 0.0, rgb(0xff5a48), 1.0);
        } else if roof == 1 {
            canvas.polygon(&[[x, top + 0.001], [x + wide / 2.0, top - 0.4 * wide], [x + wide, top + 0.001]], |_| wall);
        } else if roof == 2 {
            canvas.rectangle([x + 0.2 * wide, top - 0.018], [0.6 * wide, 0.02], |_| wall);
        }
        // A little lighter below, from the streets.
        canvas.rectangle([x, top], [wide, tall + 0.01], |[_, y]| {
            mix(wall, rgb(0x8a5a3a), 0.35 * smoothstep(0.5, 0.66, y))
        });
        windows(canvas, random, row, [x, top], [wide, tall]);
        x += wide * random.uniform(0.85, 1.02);
    }
}

fn windows(canvas: &mut Canvas, random: &mut Random, row: &Row, [x, top]: Point, [wide, tall]: Point) {
    let (step, rise) = (row.window * 2.1, row.window * 2.6);
    let (columns, floors) = ((wide / step - 1.0) as usize, (tall / rise - 1.0) as usize);
    let margin = (wide - columns as f32 * step + step - row.window) / 2.0;
    for floor in 0..floors {
        let busy = random.unit() < 0.8;
        for column in 0..columns {
            let (shine, tint) = (random.unit(), random.unit());
            if !busy || shine > row.lit {
                continue;
            }
            let colours = [(0.0, rgb(0xffb347)), (0.6, rgb(0xffe0a0)), (0.85, rgb(0xfff4de)), (1.0, rgb(0x9fd0ff))];
            let colour = lit(gradient(&colours, tint), 0.65 + 0.9 * shine);
            let corner = [x + margin + column as f32 * step, top + (0.7 + floor as f32) * rise];
            canvas.rectangle(corner, [row.window, row.window * 1.4], |_| colour);
        }
    }
}

fn quay(canvas: &mut Canvas, noise: &Noise) {
    let width = canvas.aspect();
    canvas.rectangle([-0.1, WATERLINE - 0.022], [width + 0.2, 0.03], |[x, y]| {
        let stones = noise.octaves([x * 40.0, y * 90.0], 3);
        lit(mix(rgb(0x6a4a38), rgb(0x1c1820), smoothstep(WATERLINE - 0.022, WATERLINE, y)), 1.0 + 0.35 * stones)
    });
}

/// Lamps along the quay, each with its glow.
fn lamps(canvas: &mut Canvas) {
    let width = canvas.aspect();
    let count = (width / 0.17) as usize + 1;
    for index in 0..=count {
        let x = (index as f32 + 0.35) * width / count as f32;
        let lamp = [x, WATERLINE - 0.095];
        canvas.line([x, WATERLINE - 0.015], lamp, [0.0055, 0.003], rgb(0x0a0a12));
        canvas.paint([x - 0.12, lamp[1] - 0.12], [x + 0.12, lamp[1] + 0.12], |[px, py]| {
            let distance = (px - lamp[0]).hypot(py - lamp[1]);
            (rgb(0xffb45a), (0.75 * (-distance * 34.0).exp() - 0.012).max(0.0))
        });
        canvas.ellipse(lamp, [0.0085; 2], 0.0, rgb(0xfff3cf), 1.0);
    }
}

/// The river mirrors everything, drawn out by waves.
fn river(canvas: &mut Canvas, noise: &Noise) {
    let (width, pixel) = (canvas.aspect(), canvas.pixel());
    let above = canvas.clone();
    canvas.paint([0.0, WATERLINE], [width, 1.0], |[x, y]| {
        let depth = y - WATERLINE;
        let far = 1.0 / (0.06 + depth);
        let wave = noise.octaves([x * far * 0.5, far * 6.0], 3);
        let chop = noise.octaves([x * far * 1.5 + 30.0, far * 19.0 + 4.0], 2);
        let mut colour: Colour = [0.0; 3];
        for (i, share) in [0.2, 0.3, 0.3, 0.2].into_iter().enumerate() {
            let spread = (i as f32 - 1.5) * (0.012 + 0.16 * depth);
            let mirrored = WATERLINE - depth * 1.15 + spread + 0.1 * depth * wave;
            let shift = (0.01 + 0.09 * depth) * (0.6 * chop + 0.4 * wave);
            let seen = above.at([x + shift, mirrored.clamp(0.0, WATERLINE - 0.02 - pixel)]);
            colour = [0, 1, 2].map(|c| colour[c] + share * seen[c]);
        }
        let body = mix(rgb(0x141a34), rgb(0x060913), smoothstep(0.0, 0.36, depth));
        let crest = smoothstep(0.1, 0.7, chop + 0.5 * wave);
        colour = mix(mix(lit(colour, 1.15), body, 0.28), rgb(0x52628e), 0.22 * crest);
        (colour, 1.0)
    });
}
