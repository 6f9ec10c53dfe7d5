//! A town by a river in the evening: sky, hills, houses, a church, a bridge, and all of it again in the water.

use super::buildings::{self, House};
use super::canvas::{Canvas, Colour, Point, gradient, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use super::plants;
use crate::picture::Picture;
use crate::plan::Size;
use crate::random::Random;

/// Where the water begins, in units of the height.
const WATERLINE: f32 = 0.665;

/// Where the bridge ends and the quay begins, in units of the width.
const QUAY: f32 = 0.36;

/// The townscape at any size; the same for the same size.
pub fn townscape(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let (noise, mut random) = (Noise::new(11), Random::new(1477));
    let width = canvas.aspect();
    let sun = [0.175 * width, 0.395];
    sky(&mut canvas, &noise, sun);
    hills(&mut canvas, &noise, sun);
    far_river(&mut canvas, &noise, sun);
    town(&mut canvas, &noise, &mut random);
    buildings::bridge(&mut canvas, &noise, [QUAY * width + 0.02, WATERLINE]);
    river(&mut canvas, &noise, sun);
    boat(&mut canvas, [0.47 * width, 0.835], 0.075);
    boat(&mut canvas, [0.6 * width, 0.765], 0.045);
    plants::reeds(&mut canvas, &mut random, [0.0, 1.02], 0.26 * width);
    plants::bank(&mut canvas, &noise, &mut random, width);
    // The tree's seed is chosen so that it does not hide the spire; smaller in narrow pictures.
    plants::tree(&mut canvas, &mut Random::new(9), [width - 0.045, 1.0], 0.8 * (0.75 * width).min(1.0));
    canvas.into_picture()
}

fn sky(canvas: &mut Canvas, noise: &Noise, sun: Point) {
    let air = [
        (0.0, rgb(0x2f5a9e)),
        (0.2, rgb(0x5d86bd)),
        (0.36, rgb(0xa3b2cf)),
        (0.47, rgb(0xe9c3a8)),
        (0.56, rgb(0xffd79a)),
    ];
    let (width, horizon) = (canvas.aspect(), 0.6);
    canvas.paint([0.0; 2], [width, horizon + 0.06], |[x, y]| {
        let distance = (x - sun[0]).hypot((y - sun[1]) * 1.25);
        let mut colour = gradient(&air, y - 0.05 * (x - sun[0]) / width);
        colour = mix(colour, rgb(0xffb765), 0.75 * (-distance * 3.6).exp());
        colour = mix(colour, rgb(0xfff0c0), 0.95 * (-distance * 11.0).exp());
        // Clouds lie in a plane overhead, so that they shrink and flatten towards the horizon.
        let depth = 0.34 / (0.74 - y);
        let cloud = |shift: f32| {
            let place = [(x - sun[0]) * depth * 2.3 + 7.0 + shift, depth * 4.6 + 2.0 + shift * 1.6];
            let warp = noise.at([place[0] * 0.7 + 40.0, place[1] * 0.7]);
            noise.octaves([place[0] + 0.6 * warp, place[1] + 0.4 * warp], 5)
        };
        let here = cloud(0.0);
        let cover = smoothstep(-0.1, 0.4, here) * smoothstep(0.0, 0.12, y + 0.06) * (1.0 - smoothstep(0.4, 0.56, y));
        // Thinner towards the sun means lit from there.
        let edge = (here - cloud(-0.13 * ((x - sun[0]) / 0.12).clamp(-1.0, 1.0))) * 2.6;
        let near = (-distance * 2.2).exp();
        let shadow = mix(rgb(0x7f86ad), rgb(0xc98f86), near);
        let light = mix(rgb(0xf6ddd0), rgb(0xffdf9c), near);
        colour = mix(colour, mix(shadow, light, smoothstep(-0.45, 0.55, edge + 0.35 * (0.5 - here))), cover * 0.92);
        let disc = smoothstep(0.031, 0.029, (x - sun[0]).hypot(y - sun[1]));
        (mix(colour, rgb(0xfffbe6), disc * (1.0 - 0.3 * cover)), 1.0)
    });
}

/// Ranges of hills, each nearer one darker and greener, with the evening's haze at its foot.
fn hills(canvas: &mut Canvas, noise: &Noise, sun: Point) {
    // Height of the ridge, of its waves, their frequency, and the colour.
    let ranges = [
        (0.475, 0.05, 1.5, rgb(0xb79cab)),
        (0.505, 0.055, 2.1, rgb(0x8f8799)),
        (0.535, 0.06, 2.9, rgb(0x6a7f80)),
        (0.575, 0.05, 3.6, rgb(0x4d6b58)),
    ];
    let width = canvas.aspect();
    for (i, (level, wave, frequency, colour)) in ranges.into_iter().enumerate() {
        let shift = 31.0 * i as f32 + 5.0;
        let rough = 0.004 + 0.0025 * i as f32;
        // The town climbs a hill on the right.
        let rise = 0.05 * i as f32 / 3.0;
        let ridge = |x: f32| {
            let forest = noise.octaves([x * 26.0 + shift, shift], 3).abs();
            level - rise * smoothstep(0.35, 0.9, x / width) + wave * noise.octaves([x * frequency + shift, shift], 2)
                - rough * forest
        };
        let ridges: Vec<f32> = (0..canvas.width).map(|column| ridge((column as f32 + 0.5) * canvas.pixel())).collect();
        let (rows, pixel) = (canvas.height as f32, canvas.pixel());
        canvas.paint([0.0, 0.35], [width, WATERLINE], |[x, y]| {
            let depth = y - ridges[((x * rows) as usize).min(ridges.len() - 1)];
            if depth < -pixel {
                return ([0.0; 3], 0.0);
            }
            let trees = noise.octaves([x * 34.0 + shift, y * 60.0], 3);
            let fields = smoothstep(0.1, 0.3, noise.at([x * 6.0 + shift, (y + 0.25 * x) * 22.0]));
            let mut shade = lit(colour, 1.0 + (0.07 + 0.06 * i as f32) * trees);
            shade = mix(shade, lit(rgb(0xb3a860), 1.0 + 0.1 * trees), fields * 0.16 * i as f32);
            // The low sun touches the ridges and fills the valleys with haze.
            let glow = (-(x - sun[0]).abs() * 1.8).exp();
            shade = mix(shade, rgb(0xffc98a), (0.10 + 0.5 * glow) * (-depth * 26.0).exp());
            let haze = mix(rgb(0xc9b3b4), rgb(0xffcf98), glow);
            shade = mix(shade, haze, smoothstep(0.0, 0.13, depth) * (0.62 - 0.13 * i as f32));
            (shade, (depth / pixel + 0.5).clamp(0.0, 1.0))
        });
    }
}

/// The river beyond the bridge, and its far bank.
fn far_river(canvas: &mut Canvas, noise: &Noise, sun: Point) {
    let end = QUAY * canvas.aspect() + 0.05;
    canvas.paint([0.0, 0.6], [end, WATERLINE], |[x, y]| {
        let bank = 0.617 + 0.003 * noise.octaves([x * 30.0, 3.0], 3);
        if y < bank {
            let bushes = noise.octaves([x * 50.0, y * 70.0], 3);
            let top = 0.606 - 0.008 * noise.octaves([x * 21.0, 9.0], 3);
            return (lit(mix(rgb(0x54603f), rgb(0xc08a4e), 0.4), 1.0 + 0.35 * bushes), smoothstep(top, top + 0.004, y));
        }
        let glow = (-(x - sun[0]).abs() * 7.0).exp();
        let ripple = noise.octaves([x * 12.0, y * 260.0], 2);
        let colour = mix(rgb(0xc9a99a), rgb(0xffe2a0), (glow + 0.25 * ripple).clamp(0.0, 1.0));
        (mix(colour, rgb(0x8e94a4), smoothstep(0.63, WATERLINE, y) * 0.4), 1.0)
    });
}

const WALLS: [u32; 9] = [0xf0dfb8, 0xe5b877, 0xd99a78, 0xe8cfc0, 0xb9c7c9, 0xd7d0a0, 0xc97f62, 0xf2e8d8, 0xa9b99a];

const ROOFS: [u32; 6] = [0xa0492f, 0x8b3d2c, 0xb55d3a, 0x7a3a30, 0x94503c, 0x6d4a44];

/// Three rows of houses up the slope with the church among them, then the quay.
fn town(canvas: &mut Canvas, noise: &Noise, random: &mut Random) {
    let width = canvas.aspect();
    let row = |canvas: &mut Canvas, random: &mut Random, from: f32, base: f32, scale: f32, haze: f32| {
        let (mut x, mut wall, mut tiles) = (from, 0, 0);
        while x < width + 0.02 {
            // Never the neighbour's colours.
            wall = (wall + 1 + random.below(WALLS.len() - 1)) % WALLS.len();
            tiles = (tiles + 1 + random.below(ROOFS.len() - 1)) % ROOFS.len();
            let house = House {
                corner: [x, base + 0.008 * random.uniform(-1.0, 1.0) * scale],
                width: random.uniform(0.062, 0.098) * scale,
                walls: random.uniform(0.085, 0.15) * scale,
                roof: random.uniform(0.05, 0.08) * scale,
                gable: random.unit() < 0.58,
                timbered: random.unit() < 0.4,
                wall: rgb(WALLS[wall]),
                tiles: rgb(ROOFS[tiles]),
                haze,
            };
            buildings::house(canvas, noise, random, &house);
            x += house.width * random.uniform(0.96, 1.04);
        }
    };
    let start = QUAY * width;
    row(canvas, random, start + 0.22, 0.545, 0.62, 0.42);
    plants::grove(canvas, random, [start + 0.08, 0.575], [width, 0.545], 26, 0.022, 0.35);
    row(canvas, random, start + 0.1, 0.59, 0.75, 0.25);
    buildings::church(canvas, noise, [0.585 * width, 0.6], 1.0);
    plants::grove(canvas, random, [start, 0.62], [width, 0.6], 16, 0.022, 0.15);
    row(canvas, random, start + 0.035, 0.645, 1.0, 0.0);
    buildings::quay(canvas, noise, [start, 0.643], [width - start, WATERLINE - 0.643]);
    plants::grove(canvas, random, [start - 0.01, 0.645], [start + 0.04, 0.645], 7, 0.036, 0.0);
    plants::grove(canvas, random, [0.8 * width, 0.644], [0.86 * width, 0.644], 4, 0.026, 0.0);
}

/// Water in front: it mirrors what stands above it, broken by ripples that grow towards the viewer.
fn river(canvas: &mut Canvas, noise: &Noise, sun: Point) {
    let (width, pixel) = (canvas.aspect(), canvas.pixel());
    let above = canvas.clone();
    canvas.paint([0.0, WATERLINE], [width, 1.0], |[x, y]| {
        let depth = y - WATERLINE;
        // Ripples have one size on the water, so they look flatter and finer in the distance.
        let far = 1.0 / (0.05 + depth);
        let swell = noise.octaves([x * far * 0.55 + 3.0, far * 5.5], 3);
        let chop = noise.octaves([x * far * 1.6 + 70.0, far * 17.0 + 9.0], 2);
        let reach = 0.006 + 0.13 * depth;
        let mirrored = WATERLINE - depth * 1.12 - pixel - (swell * 0.55 + chop * 0.3).max(-depth * 4.0) * reach;
        let shift = (chop * 0.35 + swell * 0.2) * reach;
        let mut colour = [0.0; 3];
        // Several depths at once, as wave slopes within a pixel reflect them.
        for (i, share) in [0.3, 0.4, 0.3].into_iter().enumerate() {
            let spread = (i as f32 - 1.0) * (0.004 + 0.05 * depth);
            let seen = above.at([x + shift, (mirrored + spread).min(WATERLINE - pixel)]);
            colour = [0, 1, 2].map(|c| colour[c] + share * seen[c]);
        }
        let body = mix(rgb(0x35566a), rgb(0x16303f), smoothstep(0.0, 0.34, depth));
        colour = mix(lit(colour, 0.93), body, 0.2 + 0.3 * smoothstep(0.0, 0.34, depth));
        let facing = smoothstep(0.18, 0.75, swell * 0.5 + chop * 0.6);
        colour = mix(colour, mix(rgb(0xcfd3dd), rgb(0xffd9a0), (-(x - sun[0]).abs() * 2.2).exp()), facing * 0.5);
        let path = (-((x - sun[0] - 0.03 * swell) / (0.035 + 0.16 * depth)).powi(2)).exp();
        colour = mix(colour, rgb(0xffe9b0), path * smoothstep(-0.15, 0.35, chop + 0.3 * swell) * 0.95);
        (mix(colour, rgb(0x2a3a40), 0.6 * (-depth / 0.004).exp()), 1.0)
    });
}

/// A rowing boat with its reflection.
fn boat(canvas: &mut Canvas, [x, y]: Point, length: f32) {
    let half = length / 2.0;
    let (hull, dark): (Colour, Colour) = (rgb(0x6e2f22), rgb(0x2a1a18));
    canvas.ellipse([x, y + 0.1 * length], [half * 1.02, 0.13 * length], 0.0, rgb(0x14242c), 0.6);
    let side = [
        [x - half, y - 0.16 * length],
        [x + half, y - 0.13 * length],
        [x + 0.78 * half, y + 0.05 * length],
        [x - 0.74 * half, y + 0.06 * length],
    ];
    canvas.polygon(&side, |[_, at]| mix(lit(hull, 1.25), dark, smoothstep(y - 0.15 * length, y + 0.06 * length, at)));
    canvas.ellipse([x, y - 0.135 * length], [half * 0.94, 0.038 * length], 0.03, dark, 1.0);
    canvas.line(side[0], side[1], [0.02 * length; 2], rgb(0xf0c890));
    for seat in [-0.22, 0.2] {
        let at = x + seat * length;
        canvas.line([at, y - 0.16 * length], [at, y - 0.11 * length], [0.05 * length; 2], rgb(0xb98350));
    }
    canvas.line(
        [x - 0.1 * length, y - 0.18 * length],
        [x + 0.55 * length, y + 0.14 * length],
        [0.018 * length; 2],
        rgb(0xc79a66),
    );
}
