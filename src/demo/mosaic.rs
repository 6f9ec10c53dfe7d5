//! A mosaic of stone and gold: a sun over the sea with a fish, in a border, every tile laid along the shape it belongs to.

use super::canvas::{Canvas, Colour, Point, gradient, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;
use crate::random::Random;
use std::f32::consts::TAU;

/// Side of a tile.
const TILE: f32 = 0.0215;
/// Width of the border.
const BORDER: f32 = 0.11;
/// The sea's surface.
const SEA: f32 = 0.62;

/// The mosaic at any size; the same for the same size.
pub fn mosaic(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let motif = Motif { noise: Noise::new(91), width: canvas.aspect() };
    canvas.paint([0.0; 2], [motif.width, 1.0], |point| (motif.seen(point), 1.0));
    canvas.into_picture()
}

/// A tile: where its middle is, where a point is in it (-1 to 1 across and down), and what is random about it.
struct Tile {
    middle: Point,
    inside: Point,
    random: Random,
}

struct Motif {
    noise: Noise,
    width: f32,
}

impl Motif {
    fn sun(&self) -> Point {
        [0.5 * self.width, 0.4]
    }

    fn seen(&self, point: Point) -> Colour {
        let Tile { middle, inside, mut random } = self.tile(point);
        let grout = lit(rgb(0x8a7c68), 0.7 + 0.25 * self.noise.octaves([point[0] * 60.0, point[1] * 60.0], 3));
        let colour = self.colour(middle, &mut random);
        let stone = lit(
            colour,
            1.0 + 0.3 * (random.unit() - 0.5) + 0.07 * self.noise.octaves([point[0] * 90.0, point[1] * 90.0], 2),
        );
        // Tiles are not set level: each catches the light in its own way.
        let tilt = [random.uniform(-1.0, 1.0), random.uniform(-1.0, 1.0)];
        let sheen = 0.12 * (tilt[0] * inside[0] + tilt[1] * inside[1]) + if random.unit() < 0.06 { 0.3 } else { 0.0 };
        let stone = mix(stone, [1.0; 3], sheen.clamp(0.0, 0.4));
        let stone = lit(stone, 1.0 + sheen.min(0.0));
        // Corners are broken.
        let [x, y] = inside.map(f32::abs);
        let ragged = 0.1 * self.noise.octaves([point[0] * 70.0, point[1] * 70.0], 2);
        let rim = x.max(y).max(0.62 * (x + y)) + ragged;
        mix(stone, grout, smoothstep(0.76, 0.88, rim))
    }

    fn tile(&self, [x, y]: Point) -> Tile {
        let margin = x.min(self.width - x).min(y).min(1.0 - y);
        if margin < BORDER {
            return grid([x, y], 1);
        }
        if let Some((along, across)) = self.fish([x, y]) {
            let tile = grid([along, across], 2);
            let back = self.onto_picture([tile.middle[0], tile.middle[1]]);
            return Tile { middle: back, ..tile };
        }
        let wave = |x: f32| 0.018 * (x * 19.0).sin();
        if y - wave(x) > SEA {
            let tile = grid([x, y - wave(x)], 3);
            return Tile { middle: [tile.middle[0], tile.middle[1] + wave(tile.middle[0])], ..tile };
        }
        // Rings around the sun.
        let sun = self.sun();
        let (dx, dy) = (x - sun[0], y - sun[1]);
        let (distance, angle) = (dx.hypot(dy), dy.atan2(dx) / TAU + 0.5);
        let ring = (distance / TILE).floor();
        let count = (TAU * (ring + 0.5)).round().max(3.0);
        let place = angle * count + 0.5 * (ring % 2.0);
        let number = place.floor();
        let turn = ((number + 0.5 - 0.5 * (ring % 2.0)) / count - 0.5) * TAU;
        let reach = (ring + 0.5) * TILE;
        let random = Random::new((ring as u64) << 20 | number.rem_euclid(count) as u64);
        let middle = [sun[0] + reach * turn.cos(), sun[1] + reach * turn.sin()];
        Tile { middle, inside: [2.0 * (distance / TILE - ring) - 1.0, 2.0 * (place - number) - 1.0], random }
    }

    /// Along and across the fish, where a point is in it.
    fn fish(&self, [x, y]: Point) -> Option<(f32, f32)> {
        let (dx, dy) = (x - 0.5 * self.width, y - 0.765);
        let scale = (self.width / 1.33).min(1.0);
        let (along, across) = (dx / scale, (dy - 0.025 * (dx / scale * 9.0).sin()) / scale);
        let body = (1.0 - (along / 0.24).powi(2)).max(0.0) * 0.078;
        let tail = if (0.2..0.33).contains(&along) { 0.55 * (along - 0.19) + 0.012 } else { -1.0 };
        (across.abs() < body.max(tail)).then_some((along, across))
    }

    /// A point of the picture from one along and across the fish.
    fn onto_picture(&self, [along, across]: Point) -> Point {
        let scale = (self.width / 1.33).min(1.0);
        [0.5 * self.width + along * scale, 0.765 + scale * across + 0.025 * (along * 9.0).sin()]
    }

    fn colour(&self, [x, y]: Point, random: &mut Random) -> Colour {
        let margin = x.min(self.width - x).min(y).min(1.0 - y);
        if margin < BORDER {
            return self.border([x, y], margin);
        }
        if let Some((along, across)) = self.fish([x, y]) {
            return fish_colour(along, across, random);
        }
        let wave = |x: f32| 0.018 * (x * 19.0).sin();
        if y - wave(x) > SEA {
            return self.sea([x, y - wave(x)], random);
        }
        let sun = self.sun();
        let (dx, dy) = (x - sun[0], y - sun[1]);
        let (distance, angle) = (dx.hypot(dy), dy.atan2(dx));
        let gold = [0xd9a520, 0xf2cf5b, 0xb8801c, 0xf6e08a][random.below(4)];
        let rays = 0.5 + 0.5 * (angle * 12.0).sin();
        if distance < 0.095 {
            return if distance < 0.035 { rgb(0xfdf3cf) } else { mix(rgb(gold), rgb(0xf3b233), 0.3) };
        }
        if distance < 0.12 {
            return rgb(0xa32c20);
        }
        if distance < 0.12 + 0.11 * rays {
            return if rays > 0.75 { rgb(0xd9622a) } else { rgb(gold) };
        }
        let sky = [
            (0.1, rgb(0xf0dcae)),
            (0.24, rgb(0xa9cbd0)),
            (0.36, rgb(0x4f93b8)),
            (0.55, rgb(0x21588f)),
            (0.8, rgb(0x173a72)),
        ];
        let band = if ((distance / TILE) as usize).is_multiple_of(4) { 0.07 } else { 0.0 };
        let cloud = smoothstep(0.18, 0.3, self.noise.octaves([x * 3.4, y * 8.0], 2)) * smoothstep(0.27, 0.33, distance);
        mix(gradient(&sky, distance + band + 0.05 * (random.unit() - 0.5)), rgb(0xf3efe2), 0.85 * cloud)
    }

    fn sea(&self, [x, y]: Point, random: &mut Random) -> Colour {
        let row = ((y - SEA) / TILE) as usize;
        let crest = (x * 19.0 + row as f32 * 1.3).sin();
        let glitter = (x - self.sun()[0]).abs() < 0.03 + 0.25 * (y - SEA) && random.unit() < 0.35 - (y - SEA);
        let water = [0x0f4a5e, 0x17697a, 0x2a8c94, 0x58b3ac, 0x1b3f6e];
        match (row, crest > 0.72, glitter) {
            (0, _, _) => rgb(0xf4eedb),
            (_, _, true) => rgb(0xf3c95c),
            (_, true, _) => rgb(0xb8dcd0),
            _ => rgb(water[(row + random.below(2)) % water.len()]),
        }
    }

    /// A braid between two lines.
    fn border(&self, [x, y]: Point, margin: f32) -> Colour {
        let row = (margin / TILE) as usize;
        if row == 0 || row >= 4 {
            return rgb(if row == 0 { 0x4a1f22 } else { 0x2a2430 });
        }
        let along = if x.min(self.width - x) < y.min(1.0 - y) { y } else { x };
        let strand = (along / TILE) as usize;
        match (strand + row) % 6 {
            0 => rgb(0xb23a2a),
            1 | 5 => rgb(0xd9b36a),
            3 => rgb(0x2f6f6a),
            _ => rgb(0xf0e4c6),
        }
    }
}

fn fish_colour(along: f32, across: f32, random: &mut Random) -> Colour {
    if (along + 0.175).hypot(across + 0.012) < 0.014 {
        return rgb(0x14141c);
    }
    if (along + 0.175).hypot(across + 0.012) < 0.028 {
        return rgb(0xf8f2e0);
    }
    if along > 0.19 || (along + 0.115 - 6.0 * across * across).abs() < 0.012 {
        return rgb([0xc2402c, 0xe07a3a][random.below(2)]);
    }
    let stripes = (along * 60.0).sin() > 0.55;
    let back = [(-0.07, rgb(0x2b3f78)), (-0.02, rgb(0x6d8fb8)), (0.02, rgb(0xd7dcd6)), (0.06, rgb(0xf2d9a8))];
    let colour = gradient(&back, across);
    if stripes { lit(colour, 0.62) } else { colour }
}

/// The tile of a square grid, every second row shifted.
fn grid([x, y]: Point, kind: u64) -> Tile {
    let row = (y / TILE).floor();
    let shift = 0.5 * row.rem_euclid(2.0);
    let column = (x / TILE + shift).floor();
    let middle = [(column + 0.5 - shift) * TILE, (row + 0.5) * TILE];
    let inside = [2.0 * (x / TILE + shift - column) - 1.0, 2.0 * (y / TILE - row) - 1.0];
    let seed = kind << 48 | (((row + 4096.0) as u64) << 24) | (column + 4096.0) as u64;
    Tile { middle, inside, random: Random::new(seed) }
}
