//! A woodcut in four blocks: the sun behind a mountain, a bay with waves, and a pine, in black lines that swell with the
//! shade over flat colours.

use super::canvas::{Canvas, Colour, Point, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;
use std::f32::consts::TAU;

const PAPER: u32 = 0xefe3c6;
const INK: u32 = 0x17151a;

/// The woodcut at any size; the same for the same size.
pub fn woodcut(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let block = Block { noise: Noise::new(71), width: canvas.aspect() };
    canvas.paint([0.0; 2], [block.width, 1.0], |point| (block.print(point), 1.0));
    canvas.into_picture()
}

/// What is printed at a point: a flat colour, how much of it black lines cover, and where a point lies across the lines,
/// in units of their distance.
struct Cut {
    colour: Colour,
    shade: f32,
    across: f32,
}

struct Block {
    noise: Noise,
    width: f32,
}

impl Block {
    fn sun(&self) -> Point {
        [0.68 * self.width, 0.3]
    }

    /// Upper edge of the mountain.
    fn ridge(&self, x: f32) -> f32 {
        let t = x / self.width;
        let peak = 0.2 + 0.95 * (t - 0.36).abs() - 0.16 * (-((t - 0.36) / 0.05).powi(2)).exp() * 0.3;
        let shoulder = 0.45 + 0.5 * (t - 0.83).abs();
        peak.min(shoulder).min(0.58) + 0.012 * self.noise.octaves([x * 14.0, 3.0], 3)
    }

    fn print(&self, [x, y]: Point) -> Colour {
        let margin = x.min(self.width - x).min(y).min(1.0 - y);
        let fibres = self.noise.octaves([x * 60.0, y * 60.0], 3);
        let paper = mix(rgb(PAPER), rgb(0xd9c59c), 0.25 + 0.3 * fibres);
        if margin < 0.028 {
            return paper;
        }
        let (cut, edge) = self.cut([x, y]);
        // The knife does not run quite true, and the grain of the wood shows where much ink is.
        let wobble = 0.16 * self.noise.octaves([x * 22.0, y * 22.0], 3);
        let line = (cut.across + wobble).rem_euclid(1.0);
        let ragged = 0.05 * self.noise.at([x * 170.0, y * 170.0]);
        let half = cut.shade.clamp(0.0, 1.0) / 2.0;
        let distance = half - (line - 0.5).abs() + ragged;
        let mut ink = if cut.shade <= 0.02 { 0.0 } else { smoothstep(-0.05, 0.05, distance) };
        ink = ink.max(smoothstep(0.0055, 0.0035, edge.min(margin - 0.028)));
        let grain = smoothstep(0.25, 0.6, self.noise.octaves([x * 7.0, y * 140.0], 2)) * 0.3;
        let print = mix(paper, cut.colour, 0.86 + 0.1 * fibres);
        mix(print, rgb(INK), ink * (0.97 - grain))
    }

    /// The cut at a point, and its distance from the nearest outline.
    fn cut(&self, [x, y]: Point) -> (Cut, f32) {
        let (tree, bark) = self.pine([x, y]);
        if tree > 0.0 {
            let cut = Cut {
                colour: rgb(if bark { 0x7a3b22 } else { 0x2f5a3c }),
                shade: 0.78 - 9.0 * (tree - 0.012).max(0.0),
                across: if bark { x * 75.0 } else { (x * 0.8 + y) * 55.0 },
            };
            return (cut, tree);
        }
        let shore = 0.6 + 0.004 * self.noise.octaves([x * 18.0, 8.0], 2);
        if y > shore {
            let (cut, crest) = self.wave([x, y]);
            return (cut, crest.min(y - shore).min(-tree));
        }
        let ridge = self.ridge(x);
        if y > ridge {
            return (self.mountain([x, y], y - ridge), (0.8 * (y - ridge)).min(shore - y).min(-tree));
        }
        let (cut, rim) = self.sky([x, y]);
        (cut, rim.min(0.8 * (ridge - y)).min(-tree))
    }

    fn sky(&self, [x, y]: Point) -> (Cut, f32) {
        let sun = self.sun();
        let (dx, dy) = (x - sun[0], y - sun[1]);
        let distance = dx.hypot(dy);
        let rim = (distance - 0.105).abs();
        if distance < 0.105 {
            return (Cut { colour: rgb(0xd9482b), shade: 0.0, across: 0.0 }, rim);
        }
        let rays = 0.5 + 0.5 * (dy.atan2(dx) * 14.0).sin();
        let near = (-(distance - 0.105) * 3.4).exp();
        let colour =
            mix(rgb(0x8fb0b4), mix(rgb(0xe7a13a), rgb(0xf2cf74), rays), smoothstep(0.2, 0.75, near + 0.12 * rays));
        let cloud = self.noise.octaves([x * 2.0 + 3.0, y * 7.0], 3);
        let white = smoothstep(0.3, 0.34, cloud) * smoothstep(0.16, 0.22, distance);
        let shade = (0.1 + 0.85 * distance + 0.3 * y.min(0.1) - 0.25 * rays * near) * (1.0 - white);
        (Cut { colour: mix(colour, rgb(PAPER), white), shade: shade.min(0.72), across: distance * 52.0 }, rim)
    }

    fn mountain(&self, [x, y]: Point, depth: f32) -> Cut {
        let t = x / self.width;
        let gullies = self.noise.octaves([t * 16.0 + 0.8 * depth, depth * 3.0], 3);
        let lit_side =
            smoothstep(-0.1, 0.12, gullies + (if t < 0.36 { -0.18 } else { 0.22 }) - if t > 0.83 { 0.3 } else { 0.0 });
        let snow = smoothstep(0.02, -0.02, depth - 0.085 - 0.09 * gullies) * smoothstep(0.46, 0.36, y - depth);
        let colour = mix(mix(rgb(0x4d5a7c), rgb(0x9a8f86), lit_side), rgb(0xf3ead6), snow);
        let shade = (0.82 - 0.62 * lit_side) * (1.0 - 0.75 * snow) + 0.3 * smoothstep(0.5, 0.6, y);
        let slope = if t < 0.36 { 1.3 } else { -1.3 };
        Cut { colour, shade: shade.min(0.9), across: (x * 0.75 - slope * 0.22 * y + 0.06 * gullies) * 70.0 }
    }

    /// Rows of waves, each with a crest of foam.
    fn wave(&self, [x, y]: Point) -> (Cut, f32) {
        let depth = y - 0.6;
        let rows = 11.0 * (depth + 0.02).powf(0.62);
        let swell = 0.36 * (x * 9.0 / (0.4 + 1.6 * depth) + 2.4 * rows.floor()).sin()
            + 0.25 * self.noise.at([x * 4.0, rows.floor() * 5.0]);
        let place = rows + swell;
        let part = place - place.floor();
        let foam = smoothstep(0.2, 0.14, part + 0.05 * (x * 60.0 / (0.4 + depth)).sin());
        let glitter = (-((x - self.sun()[0]) / (0.05 + 0.25 * depth)).powi(2)).exp();
        let colour = mix(mix(rgb(0x2d5f7d), rgb(0x5d97a0), part), rgb(PAPER), foam);
        let colour = mix(colour, rgb(0xe9a24a), 0.75 * glitter * smoothstep(0.3, 0.6, part) * (1.0 - foam));
        let shade = (0.22 + 0.62 * part) * (1.0 - foam) - 0.3 * glitter;
        (Cut { colour, shade, across: part * (4.0 + 3.0 * depth) }, 0.018 * part.min(1.0 - part) / (0.5 + depth) * 2.0)
    }

    /// How far inside the pine on the left a point is, and whether it is its trunk.
    fn pine(&self, [x, y]: Point) -> (f32, bool) {
        let foot = 0.16 * self.width.min(1.4);
        let lean = foot + 0.05 * ((y - 1.0) * 4.2).sin() - 0.1 * (1.0 - y);
        let trunk = 0.006 + 0.024 * y * y - (x - lean).abs();
        let bough = |height: f32, shift: f32, reach: f32| {
            let (dx, dy) = (x - lean - shift, y - height - 0.5 * (x - lean - shift).powi(2));
            let needles =
                0.25 * (dx.atan2(dy * 2.5) * 19.0).sin().abs() + 0.15 * self.noise.octaves([x * 30.0, y * 30.0], 2);
            (1.0 - needles - (dx / reach).hypot(dy / (0.36 * reach))) * 0.36 * reach
        };
        let crown = [(0.17, 0.0, 0.1), (0.29, 0.09, 0.12), (0.36, -0.09, 0.1), (0.47, 0.1, 0.1), (0.55, -0.07, 0.075)];
        let crown = crown
            .into_iter()
            .map(|(height, shift, reach)| bough(height, shift, reach))
            .fold(f32::NEG_INFINITY, f32::max);
        let trunk = if y > 0.17 { trunk } else { -1.0 };
        let ground = 1.0 - y - 0.16 - 0.05 * (x * 9.0).sin() + 0.55 * x / self.width.min(1.4);
        let rock = -ground;
        let solid = trunk.max(rock);
        (solid.max(crown).clamp(-TAU, TAU), solid > crown)
    }
}
