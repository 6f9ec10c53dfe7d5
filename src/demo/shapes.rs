//! An abstract painting: discs, triangles, bars and arcs of flat colour, over and through each other, on a clouded ground.

use super::canvas::{Canvas, Colour, Point, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;
use crate::random::Random;

const COLOURS: [u32; 10] =
    [0xd7352a, 0xf0b323, 0x1f4e9c, 0x161718, 0x2f8f83, 0xe8762c, 0xf4efe2, 0x7a3f86, 0x8fc1d4, 0xe79aa8];

/// The painting at any size; the same for the same size.
pub fn shapes(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let noise = Noise::new(101);
    let mut random = Random::new(1923);
    ground(&mut canvas, &noise);
    let width = canvas.aspect();
    let at = |x: f32, y: f32| [x * width, y];
    // Large quiet forms first.
    disc(&mut canvas, at(0.27, 0.36), 0.27, rgb(0xf2d9a2), 0.85);
    triangle(&mut canvas, [at(0.5, 0.08), at(0.97, 0.78), at(0.44, 0.93)], rgb(0x9fc4cc), 0.6);
    triangle(&mut canvas, [at(0.08, 0.95), at(0.36, 0.42), at(0.62, 0.9)], rgb(0xe7b7a0), 0.7);
    for (x, y, radius) in
        [(0.24, 0.33, 0.2), (0.74, 0.63, 0.17), (0.58, 0.2, 0.09), (0.12, 0.75, 0.075), (0.9, 0.2, 0.06)]
    {
        target(&mut canvas, &mut random, at(x, y), radius);
    }
    checks(&mut canvas, at(0.45, 0.56), 0.36, -0.42, [rgb(0x161718), rgb(0xf4efe2)]);
    checks(&mut canvas, at(0.83, 0.36), 0.22, 0.35, [rgb(0xd7352a), rgb(0xf0b323)]);
    triangle(&mut canvas, [at(0.6, 0.34), at(0.72, 0.52), at(0.52, 0.6)], rgb(0xd7352a), 0.92);
    triangle(&mut canvas, [at(0.33, 0.6), at(0.43, 0.86), at(0.22, 0.84)], rgb(0x1f4e9c), 0.88);
    triangle(&mut canvas, [at(0.76, 0.08), at(0.84, 0.16), at(0.71, 0.2)], rgb(0x7a3f86), 0.9);
    bars(&mut canvas, &mut random, width);
    arcs(&mut canvas, at(0.63, 0.78), 0.12, 6);
    arcs(&mut canvas, at(0.08, 0.22), 0.1, 5);
    for _ in 0..26 {
        let place = [random.uniform(0.04, 0.96) * width, random.uniform(0.05, 0.95)];
        let (radius, colour) = (0.006 + 0.016 * random.unit().powi(2), rgb(COLOURS[random.below(COLOURS.len())]));
        disc(&mut canvas, place, radius, colour, 0.95);
    }
    weave(&mut canvas, &noise);
    canvas.into_picture()
}

fn ground(canvas: &mut Canvas, noise: &Noise) {
    let width = canvas.aspect();
    canvas.paint([0.0; 2], [width, 1.0], |[x, y]| {
        let cloud = noise.octaves([x * 1.7, y * 1.7], 3);
        let warm = noise.octaves([x * 1.1 + 20.0, y * 1.3], 3);
        let colour = mix(rgb(0xe9dfc8), rgb(0xc9cdbf), smoothstep(-0.3, 0.5, cloud));
        (mix(colour, rgb(0xdcae84), 0.55 * smoothstep(0.05, 0.6, warm)), 1.0)
    });
}

fn disc(canvas: &mut Canvas, centre: Point, radius: f32, colour: Colour, opacity: f32) {
    canvas.ellipse(centre, [radius; 2], 0.0, colour, opacity);
}

/// A triangle, its corners clockwise, whose paint thins out from the first corner.
fn triangle(canvas: &mut Canvas, corners: [Point; 3], colour: Colour, opacity: f32) {
    let below = canvas.clone();
    let [x, y] = corners[0];
    let reach = (corners[2][0] - x).hypot(corners[2][1] - y);
    canvas.polygon(&corners, |[px, py]| {
        let away = ((px - x).hypot(py - y) / reach).clamp(0.0, 1.0);
        mix(below.at([px, py]), colour, opacity * (1.0 - 0.45 * away))
    });
}

/// Rings of several colours, one of them out of the middle.
fn target(canvas: &mut Canvas, random: &mut Random, centre: Point, radius: f32) {
    let mut last = COLOURS.len();
    for (ring, part) in [1.0, 0.82, 0.6, 0.42, 0.2].into_iter().enumerate() {
        let mut next = random.below(COLOURS.len());
        if next == last {
            next = (next + 1) % COLOURS.len();
        }
        last = next;
        let shift = if ring > 2 { 0.13 * radius } else { 0.0 };
        disc(canvas, [centre[0] + shift, centre[1] - 0.6 * shift], radius * part, rgb(COLOURS[next]), 0.94);
    }
}

/// A field of squares in two colours, turned.
fn checks(canvas: &mut Canvas, [x, y]: Point, side: f32, angle: f32, colours: [Colour; 2]) {
    let (sine, cosine) = angle.sin_cos();
    let cell = side / 8.0;
    let corner = |column: f32, row: f32| {
        let (u, v) = (column * cell - side / 2.0, (row * cell - side / 4.0) * 0.8);
        [x + u * cosine - v * sine, y + u * sine + v * cosine]
    };
    for row in 0..4u8 {
        for column in 0..8u8 {
            let (a, b) = (f32::from(column), f32::from(row));
            let colour = colours[usize::from((row + column) % 2)];
            canvas
                .polygon(&[corner(a, b), corner(a + 1.0, b), corner(a + 1.0, b + 1.0), corner(a, b + 1.0)], |_| colour);
        }
    }
}

/// Long black lines across everything, some of them in bundles.
fn bars(canvas: &mut Canvas, random: &mut Random, width: f32) {
    let lines = [
        (0.02, 0.62, 0.98, 0.3, 0.014),
        (0.36, 0.02, 0.7, 0.98, 0.009),
        (0.05, 0.08, 0.55, 0.72, 0.006),
        (0.55, 0.95, 0.95, 0.42, 0.018),
        (0.15, 0.52, 0.5, 0.5, 0.005),
    ];
    for (x, y, to_x, to_y, broad) in lines {
        canvas.line([x * width, y], [to_x * width, to_y], [broad, 0.35 * broad], rgb(0x161718));
    }
    for bundle in 0..3 {
        let start = [[0.8, 0.86], [0.42, 0.16], [0.06, 0.48]][bundle];
        for line in 0..5 {
            let y = start[1] + 0.022 * line as f32;
            let colour = rgb(COLOURS[random.below(COLOURS.len())]);
            canvas.line([start[0] * width, y], [(start[0] + 0.13) * width, y - 0.05], [0.011, 0.004], colour);
        }
    }
}

/// Concentric half rings.
fn arcs(canvas: &mut Canvas, centre: Point, radius: f32, count: usize) {
    for ring in 0..count {
        let reach = radius * (1.0 - 0.14 * ring as f32);
        let colour = rgb(COLOURS[(3 * ring + 2) % COLOURS.len()]);
        let steps = 40;
        let at = |step: usize| {
            let angle = 3.5 + 3.0 * step as f32 / steps as f32;
            [centre[0] + reach * angle.cos(), centre[1] + reach * angle.sin()]
        };
        for step in 0..steps {
            canvas.line(at(step), at(step + 1), [0.06 * radius; 2], colour);
        }
    }
}

/// The canvas under the paint, and the brush in it.
fn weave(canvas: &mut Canvas, noise: &Noise) {
    let rows = canvas.height as f32;
    let width = canvas.width;
    for (index, pixel) in canvas.pixels.iter_mut().enumerate() {
        let (x, y) = ((index % width) as f32 / rows, (index / width) as f32 / rows);
        let brush = noise.octaves([x * 9.0 + 40.0, y * 45.0], 3);
        let threads = noise.at([x * 150.0, y * 150.0]);
        *pixel = lit(*pixel, 1.0 + 0.07 * brush + 0.035 * threads);
    }
}
