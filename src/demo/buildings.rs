//! Houses, a church, a bridge and a quay, lit by a low sun on the left.

use super::canvas::{Canvas, Colour, Point, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::random::Random;

/// One house, seen from the front; lengths in units of the canvas's height.
pub(super) struct House {
    /// Lower left corner.
    pub corner: Point,
    pub width: f32,
    /// Height of the walls.
    pub walls: f32,
    /// Height of the roof above the walls.
    pub roof: f32,
    /// Whether the gable faces the viewer; else the eaves do.
    pub gable: bool,
    /// Whether the upper storeys are timber-framed.
    pub timbered: bool,
    pub wall: Colour,
    pub tiles: Colour,
    /// How much of the evening's haze lies in front of it, from 0 to 1.
    pub haze: f32,
}

const HAZE: u32 = 0xe0bfa6;

impl House {
    fn veiled(&self, colour: Colour) -> Colour {
        mix(colour, rgb(HAZE), self.haze)
    }
}

/// Rows of tiles with a lighter lower edge, weathered in patches.
fn tiled(noise: &Noise, tiles: Colour, [x, y]: Point, row: f32) -> Colour {
    let (rows, weather) = (y / row, noise.octaves([x * 40.0, y * 40.0], 3));
    let joint = ((x / row * 0.8 + 0.5 * (rows.floor() % 2.0)).fract() - 0.5).abs();
    lit(tiles, 0.98 + 0.22 * (rows.fract() - 0.5) + 0.2 * weather - 0.12 * smoothstep(0.4, 0.5, joint))
}

pub(super) fn house(canvas: &mut Canvas, noise: &Noise, random: &mut Random, house: &House) {
    let House { corner: [left, base], width, walls, roof, .. } = *house;
    let (right, eaves) = (left + width, base - walls);
    let scale = width / 0.08;
    let plaster = |[x, y]: Point| {
        let grain = noise.octaves([x * 60.0, y * 60.0], 3);
        let across = (x - left) / width;
        // Each house throws its shadow on the next one's left edge; damp rises from the ground.
        let shadow = 1.0 - 0.38 * (1.0 - smoothstep(0.0, 0.16, across + 0.25 * (base - y) - 0.06));
        let under_eaves = 1.0 - 0.3 * (1.0 - smoothstep(eaves, eaves + 0.012 * scale, y));
        let damp = 1.0 - 0.22 * smoothstep(base - 0.02 * scale, base, y);
        let colour = lit(house.wall, (1.02 - 0.16 * across + 0.09 * grain) * shadow * damp * under_eaves);
        house.veiled(mix(colour, mix(rgb(0xffc27a), rgb(0x5a5a80), across), 0.16))
    };
    canvas.rectangle([left, eaves], [width, walls + 0.02], plaster);
    let ridge = [left + width / 2.0, eaves - roof];
    let over = 0.006 * scale;
    let tile_row = 0.0055 * scale.max(0.7);
    chimney(canvas, house, [left + width * random.uniform(0.15, 0.75), eaves - roof * 0.75]);
    if house.gable {
        // A roof that runs back from the gable shows its right side as a dark edge.
        let tall = 1.25 * roof;
        let top = [ridge[0], eaves - tall];
        canvas.polygon(&[[left, eaves], top, [right, eaves]], plaster);
        let beam = house.veiled(lit(house.tiles, 0.62));
        let bright = house.veiled(lit(house.tiles, 1.25));
        canvas.line([left - over, eaves + over], [top[0], top[1] - over], [0.010 * scale; 2], bright);
        canvas.line([top[0], top[1] - over], [right + over, eaves + over], [0.012 * scale; 2], beam);
        window(canvas, house, [ridge[0] - 0.007 * scale, eaves - 0.55 * tall], [0.014 * scale, 0.018 * scale], random);
    } else {
        let slope = [
            [left - over + 0.1 * width, eaves - roof],
            [right + over - 0.1 * width, eaves - roof],
            [right + over, eaves + over],
            [left - over, eaves + over],
        ];
        canvas.polygon(&slope, |[x, y]| {
            let light = 1.15 - 0.25 * (x - left) / width;
            let colour = lit(tiled(noise, house.tiles, [x, y], tile_row), light);
            house.veiled(mix(colour, rgb(0xffc27a), 0.1))
        });
        canvas.line(slope[0], slope[1], [0.004 * scale; 2], house.veiled(lit(house.tiles, 1.4)));
        for part in [0.3, 0.7] {
            dormer(canvas, house, [left + part * width, eaves - 0.28 * roof], 0.011 * scale, random);
        }
    }
    let storeys = ((walls / (0.034 * scale)) as usize).max(1);
    let storey = walls / storeys as f32;
    if house.timbered {
        timber(canvas, house, storeys, storey, scale);
    }
    let columns = ((width / (0.021 * scale)) as usize).max(2);
    let spacing = width / columns as f32;
    for level in 0..storeys {
        let ground = level + 1 == storeys;
        for column in 0..columns {
            let size = [0.0105 * scale, if ground { 0.02 } else { 0.0165 } * scale];
            let x = left + (column as f32 + 0.5) * spacing - size[0] / 2.0;
            let y = eaves + (level as f32 + 0.28) * storey;
            if ground && column == columns / 2 {
                let door = lit(mix(rgb(0x3f2a22), house.wall, 0.15), 0.9);
                canvas.rectangle([x, base - 0.027 * scale], [size[0] * 1.15, 0.04 * scale], |_| house.veiled(door));
            } else {
                window(canvas, house, [x, y], size, random);
            }
        }
    }
}

fn chimney(canvas: &mut Canvas, house: &House, [x, y]: Point) {
    let scale = house.width / 0.08;
    let (width, height) = (0.009 * scale, 0.036 * scale);
    canvas.rectangle([x, y - height * 0.75], [width, height], |[at, _]| {
        house.veiled(lit(rgb(0x8a5a48), if at - x < width * 0.45 { 1.2 } else { 0.7 }))
    });
    canvas.rectangle([x - 0.001, y - height * 0.8], [width + 0.002, 0.004 * scale], |_| house.veiled(rgb(0x4e3a38)));
}

fn dormer(canvas: &mut Canvas, house: &House, [x, y]: Point, half: f32, random: &mut Random) {
    canvas.rectangle([x - half, y - half], [2.0 * half, 1.7 * half], |_| house.veiled(lit(house.wall, 0.9)));
    window(canvas, house, [x - 0.5 * half, y - 0.7 * half], [half, 1.2 * half], random);
    let roof = [[x - 1.3 * half, y - half], [x, y - 2.1 * half], [x + 1.3 * half, y - half]];
    canvas.polygon(&roof, |[at, _]| house.veiled(lit(house.tiles, if at < x { 1.15 } else { 0.75 })));
}

fn window(canvas: &mut Canvas, house: &House, [x, y]: Point, [width, height]: Point, random: &mut Random) {
    let lamp = random.unit() < 0.3;
    let pane = if lamp { rgb(0xffd27a) } else { mix(rgb(0x2d3a4c), rgb(0x8fa3b5), random.uniform(0.0, 0.5)) };
    let frame = house.veiled(lit(mix(house.wall, rgb(0xfff6e4), 0.65), 0.97));
    let rim = 0.16 * width;
    if random.unit() < 0.35 {
        let shutter = house.veiled(mix(rgb(0x3f6a5a), rgb(0x7a3b2c), random.unit()));
        for side in [x - 0.55 * width, x + 1.05 * width] {
            canvas.rectangle([side, y], [0.5 * width, height], |_| shutter);
        }
    }
    canvas.rectangle([x - rim, y - rim], [width + 2.0 * rim, height + 2.0 * rim], |_| frame);
    canvas.rectangle([x, y], [width, height], |[_, at]| {
        house.veiled(lit(pane, if lamp { 0.85 + 0.25 * (at - y) / height } else { 1.2 - 0.5 * (at - y) / height }))
    });
    let bar = 0.11 * width;
    canvas.rectangle([x + width / 2.0 - bar / 2.0, y], [bar, height], |_| frame);
    canvas.rectangle([x, y + 0.36 * height], [width, bar], |_| frame);
    let sill = house.veiled(lit(house.wall, 0.62));
    canvas.rectangle([x - 1.4 * rim, y + height + rim], [width + 2.8 * rim, 0.7 * rim], |_| sill);
}

/// Posts, rails and braces of dark oak above the ground floor.
fn timber(canvas: &mut Canvas, house: &House, storeys: usize, storey: f32, scale: f32) {
    let [left, base] = house.corner;
    let eaves = base - house.walls;
    let (oak, thick) = (house.veiled(rgb(0x4b3026)), [0.0032 * scale; 2]);
    for level in 0..storeys {
        let y = eaves + level as f32 * storey;
        canvas.line([left, y], [left + house.width, y], thick, oak);
        if level + 1 == storeys {
            break;
        }
        for post in 0..=4 {
            let x = left + house.width * post as f32 / 4.0;
            canvas.line([x, y], [x, y + storey], thick, oak);
        }
        for (foot, head) in [(0.0, 0.125), (1.0, 0.875)] {
            let at = |part: f32| left + house.width * part;
            canvas.line([at(foot), y + storey], [at(head), y], thick, oak);
        }
    }
}

/// A church with its tower on the left; `foot` is where the tower stands, the middle of its base.
pub(super) fn church(canvas: &mut Canvas, noise: &Noise, foot: Point, scale: f32) {
    let [x, y] = foot;
    let at = |across: f32, up: f32| [x + across * scale, y - up * scale];
    let stone = |colour: Colour, [px, py]: Point| {
        let (course, grain) = (py / (0.0075 * scale), noise.octaves([px * 50.0, py * 50.0], 3));
        let joint = smoothstep(0.8, 1.0, course.fract()) * 0.12;
        mix(lit(colour, 1.0 + 0.14 * grain - joint), rgb(HAZE), 0.12)
    };
    let (bright, shaded) = (rgb(0xe9c894), rgb(0x9a8288));
    // Nave.
    canvas.rectangle(at(0.03, 0.14), [0.25 * scale, 0.16 * scale], |p| stone(mix(bright, shaded, 0.45), p));
    let roof = [at(0.03, 0.225), at(0.262, 0.225), at(0.292, 0.135), at(0.03, 0.135)];
    canvas.polygon(&roof, |p| mix(tiled(noise, rgb(0x7d4a45), p, 0.007 * scale), rgb(HAZE), 0.15));
    for i in 0..5 {
        let centre = 0.065 + 0.046 * i as f32;
        canvas.ellipse(at(centre, 0.1), [0.009 * scale, 0.018 * scale], 0.0, rgb(0x3c3d50), 0.9);
        canvas.rectangle(at(centre - 0.009, 0.1), [0.018 * scale, 0.045 * scale], |_| rgb(0x41404f));
        canvas.rectangle(at(centre + 0.019, 0.125), [0.008 * scale, 0.13 * scale], |p| stone(bright, p));
    }
    // Tower: the left face takes the light.
    let side = |[px, py]: Point| {
        let face = smoothstep(x + 0.008 * scale, x + 0.012 * scale, px);
        stone(mix(bright, shaded, face), [px, py])
    };
    canvas.rectangle(at(-0.036, 0.3), [0.072 * scale, 0.32 * scale], side);
    for level in [0.3, 0.215, 0.13] {
        canvas.rectangle(at(-0.039, level + 0.004), [0.078 * scale, 0.006 * scale], |p| lit(side(p), 1.12));
    }
    for across in [-0.022, 0.004, 0.022] {
        let (half, dark) = (if across > 0.0 { 0.005 } else { 0.008 } * scale, rgb(0x3a3340));
        canvas.ellipse(at(across, 0.268), [half, 0.012 * scale], 0.0, dark, 1.0);
        canvas.rectangle(at(across - half / scale, 0.268), [2.0 * half, 0.03 * scale], |_| dark);
    }
    canvas.ellipse(at(-0.014, 0.187), [0.0155 * scale; 2], 0.0, rgb(0x584a44), 1.0);
    canvas.ellipse(at(-0.014, 0.187), [0.0135 * scale; 2], 0.0, rgb(0xf7ecd0), 1.0);
    canvas.line(at(-0.014, 0.187), at(-0.014, 0.198), [0.0022 * scale; 2], rgb(0x3a2c28));
    canvas.line(at(-0.014, 0.187), at(-0.006, 0.184), [0.0022 * scale; 2], rgb(0x3a2c28));
    // Spire.
    let tip = at(0.0, 0.485);
    let slate = |colour: Colour| {
        move |[px, py]: Point| {
            let rows = (py / (0.006 * scale)).fract();
            mix(lit(colour, 0.94 + 0.16 * rows + 0.12 * noise.octaves([px * 70.0, py * 30.0], 2)), rgb(HAZE), 0.1)
        }
    };
    canvas.polygon(&[at(-0.043, 0.302), tip, at(0.01, 0.302)], slate(rgb(0x8fa79a)));
    canvas.polygon(&[at(0.008, 0.302), tip, at(0.043, 0.302)], slate(rgb(0x4b6468)));
    canvas.line(tip, at(0.0, 0.515), [0.0025 * scale; 2], rgb(0x5d4a38));
    canvas.line(at(-0.007, 0.507), at(0.007, 0.507), [0.0025 * scale; 2], rgb(0x5d4a38));
    canvas.ellipse(at(0.0, 0.487), [0.0055 * scale; 2], 0.0, rgb(0xffdf86), 1.0);
}

/// A stone bridge from the left border to `end`, where it meets the water.
pub(super) fn bridge(canvas: &mut Canvas, noise: &Noise, end: Point) {
    let [right, water] = end;
    let span = right / 3.0;
    let deck = |x: f32| water - 0.088 - 0.022 * (std::f32::consts::PI * (x / right).clamp(0.0, 1.0)).sin();
    let pixel = canvas.pixel();
    canvas.paint([0.0, water - 0.13], [right, water], |[x, y]| {
        let top = deck(x);
        let solid = ((y - top) / pixel + 0.5).clamp(0.0, 1.0);
        let centre = ((x / span).floor() + 0.5) * span;
        let (rx, ry) = (0.41 * span, 0.068);
        let arch = |shift: f32| ((x - centre - shift) / rx).hypot((water + 0.006 - y) / ry);
        // Through the arch one sees the underside of its far part, shifted by the thickness of the bridge.
        let (front, back) = (arch(0.0), arch(0.014));
        let edge = |distance: f32| ((1.0 - distance) * ry / pixel + 0.5).clamp(0.0, 1.0);
        let open = edge(front) * edge(back);
        let course = (y - top) / 0.0085;
        let (row, along) = (course.floor(), x / 0.019);
        let block = along + 0.5 * (row.rem_euclid(2.0));
        let tone = noise.at([block.floor() * 3.7 + 0.5, row * 5.3 + 0.5]);
        let joints = smoothstep(0.84, 0.96, course.fract()).max(smoothstep(0.93, 0.98, block.fract()));
        let grain = noise.octaves([x * 70.0, y * 70.0], 3);
        let mut colour = lit(rgb(0xc2a284), 1.0 + 0.16 * tone + 0.14 * grain - 0.2 * joints);
        // Voussoirs around the arch.
        if front < 1.17 {
            let angle = (water - y).atan2(x - centre) * 7.0;
            let joint = smoothstep(0.86, 0.96, angle.rem_euclid(1.0));
            colour = lit(rgb(0xddbd92), 1.0 + 0.1 * grain - 0.3 * joint);
        }
        colour = mix(colour, rgb(0x5b5f80), 0.45 * smoothstep(water - 0.1, water, y));
        if y < top + 0.016 {
            colour =
                mix(lit(rgb(0xdcb98e), 1.0 + 0.12 * grain), rgb(0x6b5a5a), smoothstep(top + 0.011, top + 0.016, y));
        }
        if y < top + 0.004 {
            colour = rgb(0xf6d7a6);
        }
        let under = lit(rgb(0x4d4048), 1.0 + 0.2 * grain + 0.25 * smoothstep(1.0, 0.7, back));
        colour = mix(colour, under, edge(front));
        (colour, solid * (1.0 - open))
    });
    // Cutwaters in front of the piers, and lamps on them.
    for pier in 1..3 {
        let x = pier as f32 * span;
        let (half, high) = (0.021, 0.062);
        let shade = |light: f32| {
            move |[px, py]: Point| {
                let joint = smoothstep(0.85, 1.0, ((water - py) / 0.0085).fract());
                lit(rgb(0xc9a683), light + 0.15 * noise.octaves([px * 60.0, py * 60.0], 3) - 0.18 * joint)
            }
        };
        canvas.polygon(
            &[[x - half, water - high + 0.01], [x, water - high - 0.004], [x, water], [x - half, water]],
            shade(1.08),
        );
        canvas.polygon(
            &[[x, water - high - 0.004], [x + half, water - high + 0.01], [x + half, water], [x, water]],
            shade(0.66),
        );
        let top = deck(x);
        canvas.line([x, top + 0.006], [x, top - 0.034], [0.0035, 0.0025], rgb(0x2e2a30));
        canvas.ellipse([x, top - 0.037], [0.014; 2], 0.0, rgb(0xffd98a), 0.35);
        canvas.ellipse([x, top - 0.037], [0.0055; 2], 0.0, rgb(0xfff3c4), 1.0);
    }
}

/// A wall of stone along the water; `corner` is its upper left one.
pub(super) fn quay(canvas: &mut Canvas, noise: &Noise, corner: Point, size: Point) {
    let [_, top] = corner;
    canvas.rectangle(corner, size, |[x, y]| {
        let course = (y - top) / (size[1] / 3.0);
        let block = x / 0.022 + 0.5 * (course.floor().rem_euclid(2.0));
        let tone = noise.at([block.floor() * 2.9 + 0.5, course.floor() * 4.1 + 0.5]);
        let joints = smoothstep(0.85, 1.0, course.fract()).max(smoothstep(0.92, 1.0, block.fract()));
        let colour = lit(rgb(0xa08c7c), 1.02 + 0.16 * tone - 0.25 * joints);
        mix(colour, rgb(0x3d5048), 0.55 * smoothstep(0.55, 1.0, (y - top) / size[1]))
    });
    canvas.rectangle(corner, [size[0], 0.003], |_| rgb(0xdcc09c));
}
