//! A painting of whirling air, a low sun, fields and a river, in thousands of curved strokes of thick paint.

use super::canvas::{Canvas, Colour, Point, gradient, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;
use crate::random::Random;

/// The painting at any size; the same for the same size.
pub fn brushwork(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let motif = Motif::new(canvas.aspect());
    let (low, high) = ([0.0; 2], [canvas.aspect(), 1.0]);
    // The ground shows between the strokes: the motif in dark, warm earth.
    canvas.paint(low, high, |point| (mix(lit(motif.colour(point), 0.7), rgb(0x6a4030), 0.25), 1.0));
    let mut paint = Paint { thickness: vec![0.0; canvas.pixels.len()], canvas, noise: Noise::new(7) };
    let mut random = Random::new(1889);
    for layer in LAYERS {
        for stroke in layer.strokes(&motif, &mut random) {
            paint.stroke(&stroke);
        }
    }
    paint.light();
    paint.canvas.into_picture()
}

/// Strokes of one brush, painted over the whole canvas.
struct Layer {
    /// Width of the brush, in units of the canvas's height.
    width: f32,
    /// Length of an average stroke over its width.
    length: f32,
    /// How often the layer covers the canvas.
    coverage: f32,
    /// How far colours deviate from the motif's.
    variety: f32,
}

/// From large to small, as painters work.
const LAYERS: [Layer; 4] = [
    Layer { width: 0.042, length: 6.5, coverage: 2.2, variety: 0.7 },
    Layer { width: 0.024, length: 8.0, coverage: 1.5, variety: 0.9 },
    Layer { width: 0.014, length: 9.0, coverage: 0.95, variety: 1.1 },
    Layer { width: 0.008, length: 9.0, coverage: 0.28, variety: 1.3 },
];

/// One touch of the brush.
struct Stroke {
    /// The middle of the stroke, points a fraction of the width apart.
    path: Vec<Point>,
    width: f32,
    colour: Colour,
    /// Chooses the bristles.
    bristles: Point,
}

impl Layer {
    /// The strokes in the order of painting: a grid of starting points, each moved at random, in random order.
    fn strokes(&self, motif: &Motif, random: &mut Random) -> Vec<Stroke> {
        let area = self.width * self.width * self.length;
        let spacing = (area / self.coverage).sqrt();
        let margin = self.width * self.length / 2.0;
        let (columns, rows) =
            (((motif.aspect + 2.0 * margin) / spacing) as usize, ((1.0 + 2.0 * margin) / spacing) as usize);
        let mut cells: Vec<usize> = (0..columns * rows).collect();
        for last in (1..cells.len()).rev() {
            cells.swap(last, random.below(last + 1));
        }
        let mut strokes = Vec::with_capacity(cells.len());
        for cell in cells {
            let x = ((cell % columns) as f32 + random.unit()) * spacing - margin;
            let y = ((cell / columns) as f32 + random.unit()) * spacing - margin;
            strokes.push(self.stroke([x, y], motif, random));
        }
        strokes
    }

    fn stroke(&self, middle: Point, motif: &Motif, random: &mut Random) -> Stroke {
        // The motif is finer there: strokes shorten towards the centres of the whirls.
        let near = motif.nearness(middle);
        let width = self.width * random.uniform(0.75, 1.2) * (1.0 - 0.2 * near);
        let length = self.width * self.length * random.uniform(0.6, 1.3) * (1.0 - 0.2 * near);
        let step = width * 0.5;
        let count = (length / step / 2.0) as usize + 1;
        let walk = |sign: f32| {
            let mut at = middle;
            (0..count).map(move |_| {
                let [x, y] = motif.direction(at);
                let [x, y] = motif.direction([at[0] + sign * step / 2.0 * x, at[1] + sign * step / 2.0 * y]);
                at = [at[0] + sign * step * x, at[1] + sign * step * y];
                at
            })
        };
        let mut path: Vec<Point> = walk(-1.0).collect();
        path.reverse();
        path.push(middle);
        path.extend(walk(1.0));
        let colour = motif.paint(middle, self.variety, random);
        Stroke { path, width, colour, bristles: [random.uniform(0.0, 200.0), random.uniform(0.0, 200.0)] }
    }
}

/// A centre around which paint turns.
struct Whirl {
    centre: Point,
    radius: f32,
    /// Sense of turning: positive is clockwise.
    spin: f32,
    /// Whether it glows, as a disc with rings, or is a whirl of air with two arms.
    glows: bool,
}

/// What is painted: colour and direction of flow at every point.
struct Motif {
    aspect: f32,
    whirls: Vec<Whirl>,
    noise: Noise,
}

const PALETTE: [u32; 14] = [
    0x1a2166, // ultramarine
    0x2446a0, // cobalt
    0x2f7fc1, // cerulean
    0x5fb7c4, // turquoise
    0x0f5c52, // viridian
    0x4c8f4a, // green earth
    0xf6c21c, // cadmium yellow
    0xf5d97a, // Naples yellow
    0xc98a2b, // ochre
    0xe2661f, // cadmium orange
    0x8e3520, // burnt sienna
    0xb5525c, // madder
    0x6b3f7c, // violet
    0xf4efdd, // white
];

impl Motif {
    fn new(aspect: f32) -> Motif {
        let whirl = |x: f32, y, radius, spin, glows| Whirl { centre: [x * aspect, y], radius, spin, glows };
        let whirls = vec![
            whirl(0.635, 0.43, 0.17, 1.0, true),
            whirl(0.24, 0.29, 0.21, -1.0, false),
            whirl(0.885, 0.17, 0.13, 1.0, false),
            whirl(0.47, 0.1, 0.075, 1.0, false),
            whirl(0.07, 0.585, 0.07, 1.0, false),
            whirl(0.93, 0.5, 0.06, -1.0, false),
        ];
        Motif { aspect, whirls, noise: Noise::new(3) }
    }

    /// Upper edge of the fields.
    fn horizon(&self, x: f32) -> f32 {
        let x = x / self.aspect * 4.0 / 3.0;
        0.665 + 0.05 * (2.9 * x + 0.9).sin() + 0.018 * (7.3 * x).sin()
    }

    /// How far below the upper bank of the river a point is, over the river's width there.
    fn river(&self, [x, y]: Point) -> f32 {
        let depth = y - self.horizon(x);
        let x = x / self.aspect;
        let bank = 0.16 + 0.07 * (5.0 * x + 2.6).sin() - 0.03 * (11.0 * x).sin();
        (depth - bank) / (0.05 + 0.09 * (1.0 - x) + 0.5 * (depth - 0.1).max(0.0) * (0.55 - x).max(0.0))
    }

    /// One in the centre of a whirl, zero far from all of them.
    fn nearness(&self, [x, y]: Point) -> f32 {
        let near = |whirl: &Whirl| {
            let distance = (x - whirl.centre[0]).hypot(y - whirl.centre[1]) / whirl.radius;
            (-distance * distance).exp()
        };
        self.whirls.iter().map(near).fold(0.0, f32::max)
    }

    /// Which way paint flows: a unit vector.
    fn direction(&self, point: Point) -> Point {
        let [x, y] = point;
        let land = smoothstep(-0.02, 0.03, y - self.horizon(x));
        let wave = 0.75 * self.noise.at([x * 1.7 + 4.0, y * 1.9]) + 0.35 * (3.1 * x - 2.0 * y).sin();
        // The fields rise and fall with the horizon, and lean towards the viewer below.
        let slope = (self.horizon(x + 0.01) - self.horizon(x - 0.01)) / 0.02;
        let furrow = slope + 0.5 * self.noise.at([x * 3.0, y * 5.0 + 9.0]) + (y - 0.75) * (x / self.aspect - 0.5) * 3.0;
        let mut flow = [1.0, wave + (furrow - wave) * land];
        for whirl in &self.whirls {
            let (dx, dy) = (x - whirl.centre[0], y - whirl.centre[1]);
            let distance = dx.hypot(dy).max(1e-6);
            let reach = distance / whirl.radius;
            let pull = 6.0 * (-(reach / 1.15).powi(2)).exp() * smoothstep(0.0, 0.14, reach) * (1.0 - 0.95 * land);
            // A little inwards, so that arms spiral.
            let inwards = if whirl.glows { 0.0 } else { 0.25 };
            flow[0] += pull * (-dy * whirl.spin - dx * inwards) / distance;
            flow[1] += pull * (dx * whirl.spin - dy * inwards) / distance;
        }
        let length = flow[0].hypot(flow[1]).max(1e-6);
        flow.map(|value| value / length)
    }

    /// The colour meant for a point.
    fn colour(&self, [x, y]: Point) -> Colour {
        let depth = y - self.horizon(x);
        if depth > 0.0 { self.land([x, y], depth) } else { self.sky([x, y]) }
    }

    fn land(&self, [x, y]: Point, depth: f32) -> Colour {
        let sun = (1.0 - (x - self.whirls[0].centre[0]).abs() / self.aspect * 2.0).max(0.0);
        let ripple = self.noise.at([x * 2.5, y * 6.0]);
        let furrows = depth * 80.0 / (0.7 + depth * 3.0) + 2.2 * ripple;
        let stripe = 0.5 + 0.5 * furrows.sin();
        let fields = [
            (0.0, rgb(0x12504a)),
            (0.25, rgb(0x3b7f45)),
            (0.5, rgb(0xb08f2c)),
            (0.75, rgb(0xe09a26)),
            (1.0, rgb(0xf7cf45)),
        ];
        let mut colour = gradient(&fields, stripe * (0.7 + 0.3 * sun) + 0.2 * sun);
        colour = mix(colour, mix(rgb(0x8a3326), rgb(0x5a2a52), stripe), 0.6 * smoothstep(0.17, 0.33, depth));
        let water = [
            (0.0, rgb(0x14305f)),
            (0.3, rgb(0x1f6aa5)),
            (0.6, rgb(0x4fb3b8)),
            (0.85, rgb(0xf3b25a)),
            (1.0, rgb(0xfdf0c4)),
        ];
        let across = self.river([x, y]);
        let wave = 0.5 + 0.5 * (across * 13.0 + 5.0 * ripple).sin();
        let river = gradient(&water, wave * (0.62 + 0.45 * sun));
        let bank = smoothstep(-0.08, 0.04, across) * (1.0 - smoothstep(0.96, 1.08, across));
        colour =
            mix(colour, rgb(0x0e3440), smoothstep(-0.3, -0.1, across) * (1.0 - smoothstep(1.1, 1.3, across)) * 0.7);
        colour = mix(colour, river, bank);
        mix(rgb(0x2b3a78), colour, smoothstep(0.0, 0.025, depth))
    }

    fn sky(&self, [x, y]: Point) -> Colour {
        let air = [
            (0.0, rgb(0x161c58)),
            (0.2, rgb(0x223f9c)),
            (0.38, rgb(0x2d78bb)),
            (0.5, rgb(0x6cb4be)),
            (0.59, rgb(0xe8cf9a)),
            (0.67, rgb(0xf0935a)),
        ];
        let drift = self.noise.octaves([x * 1.6, y * 4.2], 3);
        let sun = &self.whirls[0];
        let away = (x - sun.centre[0]).abs() / self.aspect;
        let mut colour = gradient(&air, y + 0.12 * drift - 0.06 * away);
        for whirl in &self.whirls {
            let (dx, dy) = (x - whirl.centre[0], y - whirl.centre[1]);
            let distance = dx.hypot(dy) / whirl.radius;
            let wobble = distance + 0.07 * self.noise.at([x * 7.0, y * 7.0]);
            if whirl.glows {
                let rings = [
                    (0.0, rgb(0xfff7d6)),
                    (0.35, rgb(0xfde568)),
                    (0.62, rgb(0xf7b522)),
                    (0.8, rgb(0xe9691d)),
                    (0.92, rgb(0xd8452a)),
                    (1.02, rgb(0xf6c95a)),
                    (1.25, rgb(0xf4dfa0)),
                    (1.5, rgb(0xe58a62)),
                    (1.72, rgb(0xd4c7a6)),
                    (2.0, rgb(0x58a3b8)),
                ];
                colour = mix(gradient(&rings, wobble), colour, smoothstep(1.45, 2.3, wobble));
            } else {
                let arms = (2.0 * dy.atan2(dx) - whirl.spin * distance * 5.2).sin() + 0.35 * drift;
                // Clouds take the light of the sun below and the blue of the sky above.
                let warm = smoothstep(0.12, 0.5, y);
                let light = mix(rgb(0xf2f0dc), rgb(0xf9c79a), warm);
                let half = mix(rgb(0x6fb9d2), rgb(0xc58fa0), warm);
                let dark = mix(rgb(0x1b2a7a), rgb(0x3a4f9a), warm);
                let arm = gradient(&[(-1.0, dark), (-0.2, rgb(0x2c62b5)), (0.35, half), (0.8, light)], arms);
                colour = mix(arm, colour, smoothstep(0.75, 1.7, wobble));
                colour = mix(light, colour, smoothstep(0.05, 0.3, wobble));
            }
        }
        colour
    }

    /// The colour on the brush for a point: pulled towards a colour of the palette, lighter or darker at random, and
    /// now and then something quite different.
    fn paint(&self, point: Point, variety: f32, random: &mut Random) -> Colour {
        let colour = self.colour(point);
        let difference = |hex: &u32| rgb(*hex).iter().zip(colour).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let mut near = PALETTE;
        near.sort_by(|a, b| difference(a).total_cmp(&difference(b)));
        let rare = random.unit() < 0.05 * variety;
        let other = rgb(if rare { near[4 + random.below(8)] } else { near[random.below(3)] });
        let towards = if rare { 0.75 } else { random.uniform(0.0, 0.6) * variety.min(1.0) };
        lit(mix(colour, other, towards), 1.0 + 0.16 * variety * random.uniform(-1.0, 1.0))
    }
}

/// The canvas with the thickness of the paint on it.
struct Paint {
    canvas: Canvas,
    thickness: Vec<f32>,
    noise: Noise,
}

impl Paint {
    fn stroke(&mut self, stroke: &Stroke) {
        let path = &stroke.path;
        let last = path.len() - 1;
        // Across the path at each point: the bisector of its neighbours, so that segments meet without gap or overlap.
        let along: Vec<Point> = (0..=last)
            .map(|i| {
                let ([ax, ay], [bx, by]) = (path[i.saturating_sub(1)], path[(i + 1).min(last)]);
                let length = (bx - ax).hypot(by - ay).max(1e-9);
                [(bx - ax) / length, (by - ay) / length]
            })
            .collect();
        let (rows, half) = (self.canvas.height as f32, stroke.width / 2.0);
        for i in 0..last {
            let (a, b) = (path[i], path[i + 1]);
            let range = |axis: usize, count: usize| {
                let (low, high) = (a[axis].min(b[axis]) - half, a[axis].max(b[axis]) + half);
                (low * rows).clamp(0.0, count as f32) as usize..(high * rows + 1.0).clamp(0.0, count as f32) as usize
            };
            let columns = range(0, self.canvas.width);
            for row in range(1, self.canvas.height) {
                for column in columns.clone() {
                    let point = [(column as f32 + 0.5) / rows, (row as f32 + 0.5) / rows];
                    let after =
                        |start: Point, way: Point| (point[0] - start[0]) * way[0] + (point[1] - start[1]) * way[1];
                    let (from_a, to_b) = (after(a, along[i]), -after(b, along[i + 1]));
                    if from_a < 0.0 || to_b <= 0.0 {
                        continue;
                    }
                    let part = from_a / (from_a + to_b);
                    let between = |from: Point, to: Point| [0, 1].map(|i| from[i] + (to[i] - from[i]) * part);
                    let (middle, way) = (between(a, b), between(along[i], along[i + 1]));
                    let across = ((point[1] - middle[1]) * way[0] - (point[0] - middle[0]) * way[1]) / half;
                    self.touch(row * self.canvas.width + column, stroke, (i as f32 + part) / last as f32, across);
                }
            }
        }
    }

    /// Puts a stroke's paint on a pixel: `along` runs from 0 to 1, `across` from -1 to 1.
    fn touch(&mut self, pixel: usize, stroke: &Stroke, along: f32, across: f32) {
        let half = stroke.width / 2.0 * self.canvas.height as f32;
        let taper = (1.0 - (1.0 - along / 0.12).max(0.0).powi(2)).sqrt()
            * (1.0 - 0.75 * ((along - 0.55) / 0.45).max(0.0).powi(2));
        if across.abs() > taper {
            return;
        }
        let [u, v] = stroke.bristles;
        // Narrow strokes have no more bristles than there are pixels to show them.
        let (coarse, fine) = (across * (0.4 * half).min(5.5), across * (0.4 * half).min(13.0));
        let bristle = self.noise.at([u + coarse, v + along * 2.2]) * 0.6
            + self.noise.at([u + 50.0 + fine, v + along * 3.0]) * 0.4;
        // Bristles run dry one after the other towards the end.
        let wet = 0.9 + bristle * 1.3 - smoothstep(0.55, 1.05, along) * 1.1;
        let edge = ((taper - across.abs()) * half).clamp(0.0, 1.0);
        let opacity = edge * smoothstep(0.0, 0.22, wet) * 0.96;
        let colour = lit(stroke.colour, 1.0 + 0.2 * bristle);
        self.canvas.pixels[pixel] = mix(self.canvas.pixels[pixel], colour, opacity);
        let ridge = smoothstep(0.55, 0.85, across.abs() / taper) * (1.0 - smoothstep(0.85, 1.0, across.abs() / taper));
        let added = (0.7 + 0.8 * bristle + 0.45 * ridge) * (0.35 + 14.0 * stroke.width);
        self.thickness[pixel] += (self.thickness[pixel] * 0.35 + added - self.thickness[pixel]) * opacity;
    }

    /// Lights the relief of the paint from the upper left.
    fn light(&mut self) {
        let (width, height) = (self.canvas.width, self.canvas.height);
        for y in 0..height {
            for x in 0..width {
                let at = |x: usize, y: usize| self.thickness[y.min(height - 1) * width + x.min(width - 1)];
                let across = at(x + 1, y) - at(x.saturating_sub(1), y);
                let down = at(x, y + 1) - at(x, y.saturating_sub(1));
                // Slopes in units of the canvas, so that the light does not depend on its resolution.
                let slope = (across * 0.6 + down * 0.8) * height as f32 / 2.0 * 0.0045;
                let shade = slope / (1.0 + slope.abs());
                let colour = &mut self.canvas.pixels[y * width + x];
                *colour = lit(*colour, 1.0 + 0.42 * shade);
                *colour = mix(*colour, [1.0; 3], 0.22 * smoothstep(0.45, 0.85, shade));
            }
        }
    }
}
