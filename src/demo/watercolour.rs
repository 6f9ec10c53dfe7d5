//! A watercolour of poppies before distant hills: thin washes on grainy paper, darker where they dried at the edge.

use super::canvas::{Canvas, Colour, Point, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;
use crate::random::Random;

/// The watercolour at any size; the same for the same size.
pub fn watercolour(size: Size) -> Picture {
    let mut sheet = Sheet::new(size);
    let mut random = Random::new(1840);
    let width = sheet.canvas.aspect();
    sheet.sky(width);
    sheet.hills(width);
    sheet.meadow(width, &mut random);
    for _ in 0..(width * 20.0) as usize {
        let at = [random.uniform(0.0, width), random.uniform(0.68, 0.86)];
        sheet.flower(at, 0.012 + 0.03 * (at[1] - 0.66), &mut random);
    }
    let flowers = [
        (0.2, 0.52, 0.115),
        (0.47, 0.62, 0.09),
        (0.7, 0.5, 0.13),
        (0.88, 0.68, 0.085),
        (0.33, 0.76, 0.07),
        (0.58, 0.8, 0.06),
        (0.07, 0.74, 0.065),
    ];
    for (x, y, radius) in flowers {
        sheet.stem([x * width, y], radius, &mut random);
    }
    for (x, y, radius) in flowers {
        sheet.flower([x * width, y], radius, &mut random);
    }
    sheet.spatter(width, &mut random);
    sheet.canvas.into_picture()
}

/// A sheet of paper that is painted on.
struct Sheet {
    canvas: Canvas,
    noise: Noise,
}

/// Where a wash dries: the width of its darker edge.
const EDGE: f32 = 0.0045;

impl Sheet {
    fn new(size: Size) -> Sheet {
        let mut canvas = Canvas::new(size);
        let noise = Noise::new(111);
        canvas.paint([0.0; 2], [canvas.aspect(), 1.0], |[x, y]| {
            let grain = noise.octaves([x * 120.0, y * 120.0], 2);
            (mix(rgb(0xfbf7ee), rgb(0xe9e2d2), 0.35 + 0.4 * grain), 1.0)
        });
        Sheet { canvas, noise }
    }

    /// Lays a transparent wash: `depth` says how far inside it a point is, `strength` how much pigment the water carries
    /// there.
    fn wash(
        &mut self,
        low: Point,
        high: Point,
        pigment: Colour,
        depth: impl Fn(&Noise, Point) -> f32,
        strength: impl Fn(Point) -> f32,
    ) {
        let (noise, before) = (&self.noise, self.canvas.clone());
        self.canvas.paint(low, high, |[x, y]| {
            let inside = depth(noise, [x, y]);
            let cover = smoothstep(0.0, 0.0025, inside);
            if cover <= 0.0 {
                return ([0.0; 3], 0.0);
            }
            let rim = 0.55 * (-(inside / EDGE).powi(2)).exp();
            let pools = 0.35 * noise.octaves([x * 9.0, y * 9.0], 4);
            let grain = 0.22 * noise.octaves([x * 120.0, y * 120.0], 2);
            let amount = (strength([x, y]) * (0.75 + pools + rim - grain)).clamp(0.0, 1.4);
            let paper = before.at([x, y]);
            // Each layer of pigment filters the light once more.
            let colour = [0, 1, 2].map(|i| paper[i] * pigment[i].max(0.02).powf(amount));
            (colour, cover)
        });
    }

    fn sky(&mut self, width: f32) {
        let all = [width, 1.0];
        let blue = |noise: &Noise, [x, y]: Point| {
            let cloud = noise.octaves([x * 2.2 + 3.0, y * 4.2], 5);
            (0.42 - y + 0.1 * noise.octaves([x * 3.0, 6.0], 3)).min(0.4 * (0.28 - cloud) + 0.02)
        };
        self.wash([0.0; 2], all, rgb(0x8fb9e0), blue, |[_, y]| 1.25 - 1.9 * y);
        let warm =
            |noise: &Noise, [x, y]: Point| 0.16 - (y - 0.4).abs() + 0.08 * noise.octaves([x * 2.0, y * 5.0 + 8.0], 4);
        self.wash([0.0; 2], all, rgb(0xf7d3b4), warm, |[_, y]| 1.0 - 4.0 * (y - 0.42).abs());
    }

    fn hills(&mut self, width: f32) {
        let hills = [(0.43, 0.05, 1.8, 0xb3b6dc), (0.49, 0.045, 2.4, 0x9fb7c4), (0.55, 0.035, 3.3, 0x9dc09a)];
        for (index, (level, relief, frequency, pigment)) in hills.into_iter().enumerate() {
            let shift = 9.0 * index as f32 + 2.0;
            let depth = move |noise: &Noise, [x, y]: Point| {
                y - level
                    + relief * noise.octaves([x * frequency + shift, shift], 3)
                    + 0.004 * noise.octaves([x * 40.0, shift], 2)
            };
            self.wash([0.0, 0.3], [width, 1.0], rgb(pigment), depth, move |[_, y]| {
                0.95 - 2.6 * (y - level + 0.03).max(0.0)
            });
        }
    }

    fn meadow(&mut self, width: f32, random: &mut Random) {
        let near = |noise: &Noise, [x, y]: Point| y - 0.61 + 0.03 * noise.octaves([x * 3.0, 17.0], 4);
        self.wash([0.0, 0.5], [width, 1.0], rgb(0xcfd98a), near, |[_, y]| 0.5 + 0.8 * (y - 0.6));
        for _ in 0..(width * 16.0) as usize {
            let (x, y) = (random.uniform(-0.05, width), random.uniform(0.7, 1.02));
            let (wide, high) = (random.uniform(0.05, 0.16), random.uniform(0.03, 0.08));
            let pigment = rgb([0x9cc07a, 0x6fa58a, 0xb8b45a, 0x7fb2a8][random.below(4)]);
            let seed = random.uniform(0.0, 90.0);
            let depth = move |noise: &Noise, [px, py]: Point| {
                let wobble = 0.35 * noise.octaves([px * 14.0 + seed, py * 14.0], 3);
                (1.0 - ((px - x) / wide).hypot((py - y) / high) + wobble) * 0.5 * high
            };
            self.wash([x - 1.6 * wide, y - 1.6 * high], [x + 1.6 * wide, y + 1.6 * high], pigment, depth, |_| 0.55);
        }
        for _ in 0..(width * 130.0) as usize {
            let (x, y) = (random.uniform(0.0, width), random.uniform(0.78, 1.05));
            let (lean, tall) = (random.uniform(-0.05, 0.05), random.uniform(0.04, 0.15));
            let colour = rgb([0x5d8a4c, 0x7f9c4a, 0x44705a][random.below(3)]);
            self.canvas.line([x, y], [x + lean, y - tall], [0.0055, 0.0008], colour);
        }
    }

    fn stem(&mut self, [x, y]: Point, radius: f32, random: &mut Random) {
        let lean = random.uniform(-0.5, 0.5) * radius;
        let mut at = [x, y + 0.5 * radius];
        for step in 1..=12 {
            let part = step as f32 / 12.0;
            let next = [x + lean * part * part * 2.0, y + 0.5 * radius + part * (1.05 - y)];
            self.canvas.line(at, next, [0.05 * radius + 0.002; 2], mix(rgb(0x7d9a5a), rgb(0x4c7350), part));
            at = next;
        }
    }

    /// A poppy: four petals, each a wash of its own, and the dark heart.
    fn flower(&mut self, [x, y]: Point, radius: f32, random: &mut Random) {
        let turn = random.uniform(0.0, 1.5);
        for petal in 0..4 {
            let angle = turn + petal as f32 * 1.57;
            let centre = [x + 0.45 * radius * angle.cos(), y + 0.36 * radius * angle.sin()];
            let pigment = rgb([0xe8523a, 0xf0764a, 0xd93a3c, 0xf29a6a][random.below(4)]);
            let seed = random.uniform(0.0, 90.0);
            let reach = 0.72 * radius;
            let depth = move |noise: &Noise, [px, py]: Point| {
                let (dx, dy) = (px - centre[0], (py - centre[1]) * 1.2);
                let frill = 0.13 * noise.octaves([px / radius * 1.6 + seed, py / radius * 1.6], 3)
                    + 0.03 * (dy.atan2(dx) * 9.0 + seed).sin();
                (1.0 + 1.3 * frill - dx.hypot(dy) / reach) * reach * 0.8
            };
            let heart = move |[px, py]: Point| 0.55 + 0.5 * ((px - x).hypot(py - y) / radius).min(1.0);
            self.wash(
                [x - 1.6 * radius, y - 1.6 * radius],
                [x + 1.6 * radius, y + 1.6 * radius],
                pigment,
                depth,
                heart,
            );
        }
        let seed = random.uniform(0.0, 90.0);
        let depth = move |noise: &Noise, [px, py]: Point| {
            (1.0 - (px - x).hypot(py - y) / (0.26 * radius)
                + 0.5 * noise.octaves([px / radius * 5.0 + seed, py / radius * 5.0], 2))
                * 0.2
                * radius
        };
        self.wash([x - radius, y - radius], [x + radius, y + radius], rgb(0x4a3a5c), depth, |_| 0.95);
    }

    fn spatter(&mut self, width: f32, random: &mut Random) {
        for _ in 0..40 {
            let at = [random.uniform(0.0, width), random.uniform(0.3, 1.0)];
            let radius = 0.0015 + 0.004 * random.unit().powi(3);
            let colour = rgb([0xe06a4a, 0x7fa86a, 0x9ab4d6, 0xd9a44a][random.below(4)]);
            self.canvas.ellipse(at, [radius, 0.9 * radius], 0.0, colour, 0.6);
        }
    }
}
