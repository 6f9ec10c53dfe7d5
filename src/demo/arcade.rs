//! An arcade in central perspective: a chequered floor, arches with the sky behind them, a coffered ceiling, and the sun's
//! light in stripes.

use super::canvas::{Canvas, Colour, Point, gradient, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;

/// Half the width of the hall, the eye's height above the floor and the ceiling's above the eye, in metres.
const HALF: f32 = 2.4;
const FLOOR: f32 = 1.6;
const CEILING: f32 = 2.9;
/// From one arch to the next.
const BAY: f32 = 3.0;
/// Where the hall ends.
const END: f32 = 34.0;

/// The arcade at any size; the same for the same size.
pub fn arcade(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let noise = Noise::new(41);
    let width = canvas.aspect();
    let eye = [0.46 * width, 0.56];
    canvas.paint([0.0; 2], [width, 1.0], |[x, y]| (seen(&noise, [(x - eye[0]) * 1.25, (y - eye[1]) * 1.25]), 1.0));
    canvas.into_picture()
}

/// What is seen in a direction, across and down per metre ahead.
fn seen(noise: &Noise, [across, down]: Point) -> Colour {
    let to = |distance: f32, slope: f32| if slope > 1e-4 { distance / slope } else { f32::INFINITY };
    let (floor, ceiling) = (to(FLOOR, down), to(CEILING, -down));
    let (left, right) = (to(HALF, -across), to(HALF, across));
    let ahead = floor.min(ceiling).min(left).min(right).min(END);
    let (x, y) = (across * ahead, -down * ahead);
    let colour = if ahead == END {
        end([x, y])
    } else if ahead == floor {
        ground(noise, [x, ahead])
    } else if ahead == ceiling {
        coffers(noise, [x, ahead])
    } else {
        let sunny = ahead == right;
        arches(noise, [ahead, y], sunny, [across, down])
    };
    // Air between.
    mix(colour, rgb(0xe8d8b8), 0.55 * smoothstep(4.0, END * 1.1, ahead))
}

/// Distance from the nearest line of a grid, in units of the grid.
fn from_line(t: f32) -> f32 {
    0.5 - (t - t.floor() - 0.5).abs()
}

/// Inside an arched opening of the wall at a height above the eye: how deep, in metres; negative in the stone.
fn opening(along: f32, height: f32) -> f32 {
    let middle = (along / BAY - (along / BAY).floor() - 0.5) * BAY;
    let (half, spring) = (0.95, 1.0);
    if height > spring { half - middle.hypot(height - spring) } else { half - middle.abs() }
}

fn arches(noise: &Noise, [along, height]: Point, sunny: bool, [across, down]: Point) -> Colour {
    let depth = opening(along, height);
    let blur = 0.012 + 0.003 * along;
    let stone = stone(noise, [along, height], sunny, depth);
    let base = smoothstep(-FLOOR + 0.45, -FLOOR + 0.4, height);
    let open = smoothstep(-blur, blur, depth) * (1.0 - base);
    let outside = if sunny {
        // The thickness of the wall is seen at the far side of each opening.
        let jamb = smoothstep(0.0, blur, opening(along + 0.5, height) - 0.02);
        mix(lit(rgb(0xe9c893), 0.9 + 0.1 * height), garden(noise, [across, down]), jamb)
    } else {
        let jamb = smoothstep(0.0, blur, opening(along + 0.5, height) - 0.02);
        mix(rgb(0x8f7458), niche([along, height]), jamb)
    };
    mix(stone, outside, open)
}

fn stone(noise: &Noise, [along, height]: Point, sunny: bool, depth: f32) -> Colour {
    let tones = if sunny { [rgb(0x7d6a58), rgb(0xa48d72)] } else { [rgb(0xc9a877), rgb(0xf0d8a8)] };
    let worn = 0.5 + 0.5 * noise.octaves([along * 1.4, height * 2.2], 4);
    let course = (height / 0.42).floor();
    let joints = from_line(height / 0.42).min(2.2 * from_line(along / 0.9 + 0.5 * (course % 2.0)));
    let mut colour = mix(tones[0], tones[1], worn);
    colour = lit(colour, 1.0 - 0.28 * (1.0 - smoothstep(0.02, 0.06, joints)) * (1.0 - smoothstep(6.0, 16.0, along)));
    // A moulding around each arch, a ledge above, capitals where arches spring.
    let moulding = smoothstep(-0.26, -0.22, depth) * (1.0 - smoothstep(-0.05, -0.02, depth));
    colour = mix(colour, lit(colour, 1.25), moulding);
    colour = lit(colour, 1.0 - 0.4 * (1.0 - smoothstep(0.0, 0.05, (depth + 0.24).abs())));
    let ledge = (height - 2.25).abs();
    colour = mix(lit(tones[1], 1.1), colour, smoothstep(0.09, 0.11, ledge));
    let capital = (height - 1.0).abs();
    colour = mix(lit(tones[1], 1.05), colour, smoothstep(0.08, 0.1, capital));
    lit(
        colour,
        1.0 - 0.35 * smoothstep(-FLOOR + 0.4, -FLOOR, height)
            - 0.3 * smoothstep(0.08, 0.14, 2.12 - height) * smoothstep(1.85, 2.1, height),
    )
}

/// Painted niches between the arches on the left.
fn niche([along, height]: Point) -> Colour {
    let colours = [0x8c3b2e, 0x2f5d73, 0x6b7a3a, 0xa8742c];
    let bay = (along / BAY).floor() as usize % colours.len();
    let middle = (along / BAY - (along / BAY).floor() - 0.5) * BAY;
    let frame = from_line(height * 1.2).min(0.5 - middle.abs() * 0.45);
    let field = mix(rgb(colours[bay]), lit(rgb(colours[bay]), 0.6), smoothstep(1.4, -1.4, height));
    mix(rgb(0xe0bf7a), field, smoothstep(0.05, 0.09, frame))
}

/// Sky, hills and cypresses.
fn garden(noise: &Noise, [across, down]: Point) -> Colour {
    let sky = gradient(&[(-1.2, rgb(0x2c66b0)), (-0.4, rgb(0x7fb2df)), (0.0, rgb(0xf3e6c8))], down);
    let cloud = smoothstep(0.05, 0.5, noise.octaves([across * 3.0, down * 6.0], 4));
    let sky = mix(sky, rgb(0xfdf8ee), 0.8 * cloud);
    let hills = -0.06 + 0.05 * noise.octaves([across * 4.0, 3.0], 3);
    let colour = mix(sky, rgb(0x7d9470), smoothstep(hills, hills + 0.01, down));
    let hedge = 0.06 + 0.03 * noise.octaves([across * 17.0, 8.0], 3);
    let leaves = lit(rgb(0x3f6a38), 1.0 + 0.5 * noise.octaves([across * 40.0, down * 40.0], 3));
    let cypress = 0.34 * from_line(across * 2.6 + 0.2) * 2.0 - 0.25;
    mix(colour, leaves, smoothstep(0.0, 0.012, (down - hedge).max(down + cypress - 0.18)))
}

fn ground(noise: &Noise, [x, along]: Point) -> Colour {
    let (column, row) = ((x / 0.8 + 100.0).floor() as i32, (along / 0.8).floor() as i32);
    let fade = smoothstep(3.0, 16.0, along);
    let tile = if (column + row) % 2 == 0 { rgb(0xe4d3b0) } else { rgb(0x6d3b33) };
    let veins = noise.octaves([x * 5.0 + 3.0 * column as f32, along * 5.0 + 7.0 * row as f32], 4);
    let mut colour = lit(mix(tile, rgb(0xa98772), fade), 0.62 + 0.12 * veins * (1.0 - fade));
    let joint = from_line(x / 0.8).min(from_line(along / 0.8));
    colour = lit(colour, 1.0 - 0.45 * (1.0 - smoothstep(0.01, 0.03, joint)) * (1.0 - fade));
    // The sun comes through the arches on the right, and falls far across the floor.
    let reach = (HALF - x) * 0.62;
    let lit_here = opening(along - (HALF - x) * 0.45, reach - FLOOR + 0.2);
    let light = smoothstep(-0.05, 0.09, lit_here) * smoothstep(0.2, 0.5, HALF - x);
    colour = mix(colour, [colour[0] * 1.75 + 0.06, colour[1] * 1.6 + 0.04, colour[2] * 1.25], light);
    lit(colour, 1.0 - 0.4 * smoothstep(HALF - 0.5, HALF, x.abs()))
}

fn coffers(noise: &Noise, [x, along]: Point) -> Colour {
    let edge = from_line(x / 1.2 + 0.5).min(from_line(along / (BAY / 2.0)));
    let fade = 1.0 - smoothstep(5.0, 18.0, along);
    let beam = lit(rgb(0x6e4a2e), 1.0 + 0.3 * noise.octaves([x * 20.0, along * 2.0], 3));
    let inner = mix(rgb(0x2c3a5a), rgb(0x4a5f86), smoothstep(0.1, 0.4, edge));
    let colour = mix(beam, mix(rgb(0xb98b4a), inner, smoothstep(0.17, 0.2, edge)), smoothstep(0.12, 0.14, edge));
    let star = smoothstep(0.47, 0.49, edge);
    mix(mix(rgb(0x5c4a44), colour, 0.4 + 0.6 * fade), rgb(0xe8c45a), star * fade)
}

/// A door in the bright wall at the end.
fn end([x, y]: Point) -> Colour {
    let door = if y > 0.6 { 0.75 - x.hypot(y - 0.6) } else { 0.75 - x.abs() };
    let wall = mix(rgb(0xd8b88a), rgb(0xf6e3bb), smoothstep(-1.6, 2.9, y));
    mix(wall, rgb(0x3a2a24), smoothstep(-0.03, 0.03, door))
}
