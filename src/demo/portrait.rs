//! A portrait: a face in the light of a window, modelled as a relief, before a plain wall.

use super::canvas::{Canvas, Colour, Point, gradient, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;

/// The portrait at any size; the same for the same size.
pub fn portrait(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let noise = Noise::new(21);
    let (width, middle) = (canvas.aspect(), canvas.aspect() / 2.0);
    // Smaller in narrow pictures.
    let scale = (width / 0.72).min(1.0);
    let local = |[x, y]: Point| [(x - middle) / scale, (y - 0.5) / scale];
    let all = [width, 1.0];
    canvas.paint([0.0; 2], all, |[x, y]| (wall(&noise, [x / width, y]), 1.0));
    canvas.paint([0.0; 2], all, |point| hair_behind(&noise, local(point)));
    canvas.paint([0.0; 2], all, |point| neck(local(point)));
    canvas.paint([0.0; 2], all, |point| coat(&noise, local(point)));
    canvas.paint([0.0; 2], all, |point| face(&noise, local(point)));
    for side in [-1.0, 1.0] {
        canvas.paint([0.0; 2], all, |point| eye(local(point), side));
    }
    canvas.paint([0.0; 2], all, |point| hair_in_front(&noise, local(point)));
    canvas.into_picture()
}

fn bell(distance: f32, width: f32) -> f32 {
    (-(distance / width).powi(2)).exp()
}

/// A plastered wall, lit from the left.
fn wall(noise: &Noise, [x, y]: Point) -> Colour {
    let light = 0.9 - 0.75 * x - 0.35 * y + 0.25 * bell(x - 0.2, 0.25) + 0.05 * noise.octaves([x * 3.0, y * 3.0], 4);
    let colours = [(-0.3, rgb(0x232a2b)), (0.25, rgb(0x4a5550)), (0.6, rgb(0x7f8a7c)), (1.0, rgb(0xb5b396))];
    gradient(&colours, light)
}

/// One in the middle of the face, zero at its edge, negative outside.
fn inside_face([u, v]: Point) -> f32 {
    let jaw = 1.0 + 0.27 * smoothstep(-0.02, 0.22, v);
    1.0 - (u * jaw / 0.178).powi(2) - ((v + 0.045) / 0.262).powi(2)
}

/// How far the face stands out.
fn relief([u, v]: Point) -> f32 {
    let side = u.abs();
    let head = 0.19 * inside_face([u, v]).max(0.0).sqrt();
    let nose = 0.046 * bell(u, 0.021) * smoothstep(-0.13, 0.035, v) * (1.0 - smoothstep(0.032, 0.06, v));
    let wings = 0.012 * bell(side - 0.026, 0.013) * bell(v - 0.038, 0.015);
    let sockets = -0.032 * bell(side - 0.073, 0.042) * bell(v + 0.083, 0.026);
    let balls = 0.02 * bell(side - 0.073, 0.027) * bell(v + 0.078, 0.018);
    let brows = 0.012 * bell(side - 0.07, 0.06) * bell(v + 0.128, 0.02);
    let cheeks = 0.016 * bell(side - 0.1, 0.045) * bell(v - 0.015, 0.05);
    let lips = 0.012 * bell(u, 0.046) * bell(v - 0.099, 0.011) + 0.017 * bell(u, 0.04) * bell(v - 0.124, 0.014);
    let crease = -0.012 * bell(u, 0.05) * bell(v - 0.111 + 0.8 * u * u, 0.006);
    let chin = 0.02 * bell(u, 0.045) * bell(v - 0.178, 0.03) - 0.008 * bell(u, 0.05) * bell(v - 0.148, 0.01);
    head + nose + wings + sockets + balls + brows + cheeks + lips + crease + chin
}

fn skin(light: f32) -> Colour {
    let tones = [
        (0.0, rgb(0x2b1512)),
        (0.2, rgb(0x66342a)),
        (0.42, rgb(0xa9644b)),
        (0.62, rgb(0xd99a76)),
        (0.82, rgb(0xf2c5a0)),
        (1.05, rgb(0xfff0dc)),
    ];
    gradient(&tones, light)
}

fn face(noise: &Noise, [u, v]: Point) -> (Colour, f32) {
    let depth = inside_face([u, v]);
    if depth < 0.0 {
        return ([0.0; 3], 0.0);
    }
    const STEP: f32 = 0.0025;
    let across = (relief([u + STEP, v]) - relief([u - STEP, v])) / (2.0 * STEP);
    let down = (relief([u, v + STEP]) - relief([u, v - STEP])) / (2.0 * STEP);
    let length = (across * across + down * down + 1.0).sqrt();
    let towards = |[x, y, z]: [f32; 3]| ((-across * x - down * y + z) / length).max(0.0);
    let key = towards([-0.62, -0.42, 0.66]);
    let fill = towards([0.75, 0.1, 0.65]);
    let shine = key.powi(18);
    let mut colour = skin(0.12 + 0.72 * key + 0.17 * fill + 0.012 * noise.octaves([u * 60.0, v * 60.0], 3));
    colour = mix(colour, rgb(0xd96a58), 0.22 * bell(u.abs() - 0.1, 0.05) * bell(v - 0.03, 0.05));
    colour = mix(colour, rgb(0xfff6e8), 0.14 * shine);
    // Lips.
    let (mouth, full) = (v - 0.111 + 0.8 * u * u, (1.0 - (u / 0.053).powi(2)).max(0.0));
    let bow = 0.0035 * (bell(u.abs() - 0.013, 0.011) - bell(u, 0.008));
    let upper = smoothstep(0.0, 0.004, mouth + 0.017 * full + bow) * smoothstep(0.002, -0.001, mouth);
    let lower = smoothstep(-0.002, 0.001, mouth) * smoothstep(0.0, 0.006, 0.025 * full.powf(0.8) - mouth);
    let present = smoothstep(0.0, 0.12, full);
    colour = mix(colour, lit(rgb(0xc4605a), 0.45 + 0.8 * key), 0.75 * upper.max(lower) * present);
    colour = mix(colour, rgb(0x4a1a1c), 0.85 * bell(mouth, 0.003) * present);
    // Nostrils and eyebrows.
    colour = mix(colour, rgb(0x3a1814), 0.8 * bell(u.abs() - 0.016, 0.007) * bell(v - 0.051, 0.0045));
    let side = u.abs();
    let arch = v + 0.131 + 0.012 * (((side - 0.025) / 0.095).clamp(0.0, 1.0) * 2.3).sin();
    let hairs = 0.75 + 0.45 * noise.octaves([side * 120.0 + v * 160.0, v * 50.0], 2);
    let brow = bell(arch, 0.009 - 0.035 * (side - 0.05).max(0.0))
        * smoothstep(0.022, 0.034, side)
        * (1.0 - smoothstep(0.11, 0.128, side));
    colour = mix(colour, rgb(0x2c1a12), (brow * hairs).clamp(0.0, 0.92));
    // Shadow of the hair on the forehead.
    colour = lit(colour, 1.0 - 0.35 * smoothstep(-0.05, 0.03, hairline(u) - v + 0.02));
    (colour, smoothstep(0.0, 0.03, depth))
}

/// An eye on one side: the white, iris, pupil, the light in it, and lids.
fn eye([u, v]: Point, side: f32) -> (Colour, f32) {
    let (x, y) = ((u - side * 0.073) * side, v + 0.079);
    let reach = 1.0 - (x / 0.034).powi(2);
    if reach <= -0.6 || y.abs() > 0.05 {
        return ([0.0; 3], 0.0);
    }
    let open = reach.max(0.0);
    let (top, bottom) = (-0.0155 * open.powf(0.8) - 0.0015, 0.0095 * open.powf(0.9));
    let mut colour = lit(rgb(0xe9e2d6), 0.92 - 6.0 * (x * side + 0.01).abs() - 12.0 * (-0.005 - y).max(0.0));
    // Both look a little to the left.
    let distance = ((u - side * 0.073) + 0.004).hypot(y + 0.002);
    let ring = gradient(
        &[(0.0, rgb(0x3c2614)), (0.007, rgb(0x8a5a2c)), (0.011, rgb(0x4e7f6c)), (0.0135, rgb(0x1a2c2a))],
        distance,
    );
    colour = mix(ring, colour, smoothstep(0.0128, 0.0148, distance));
    colour = mix(rgb(0x07090c), colour, smoothstep(0.0052, 0.0066, distance));
    let glint = ((u - side * 0.073) + 0.009).hypot(y + 0.0075);
    colour = mix(rgb(0xffffff), colour, smoothstep(0.0022, 0.0042, glint));
    let lid = bell(y - top, 0.0042) + 0.35 * bell(y - top + 0.011, 0.0028) + 0.4 * bell(y - bottom, 0.0022);
    let ball = smoothstep(top - 0.001, top + 0.002, y) * (1.0 - smoothstep(bottom - 0.001, bottom + 0.002, y));
    let edge = smoothstep(-0.02, 0.12, reach);
    let amount = (ball * edge).max((lid * smoothstep(-0.2, 0.1, reach)).min(0.95));
    (mix(colour, rgb(0x24120d), (lid * 1.1).min(1.0)), amount)
}

/// Lower edge of the hair on the forehead, parted on the left.
fn hairline(u: f32) -> f32 {
    let from_parting = u + 0.045;
    -0.222
        + 2.4 * from_parting * from_parting
        + if from_parting < 0.0 { 5.5 * from_parting * from_parting } else { 1.4 * from_parting.powi(2) }
}

fn hair_colour(noise: &Noise, along: f32, across: f32, light: f32) -> Colour {
    let strands = noise.octaves([across * 34.0, along * 2.6], 4) + 0.4 * noise.at([across * 150.0, along * 4.0]);
    let tones = [
        (0.0, rgb(0x120a08)),
        (0.35, rgb(0x3a2014)),
        (0.65, rgb(0x7a4524)),
        (0.95, rgb(0xc98a4e)),
        (1.2, rgb(0xf0cf96)),
    ];
    gradient(&tones, light + 0.3 * strands)
}

fn hair_behind(noise: &Noise, [u, v]: Point) -> (Colour, f32) {
    let wave = 0.012 * (v * 26.0 + 4.0 * u.signum()).sin() * smoothstep(-0.1, 0.2, v);
    let half = if v < -0.09 {
        0.232 * (1.0 - ((v + 0.09) / 0.255).powi(2)).max(0.0).sqrt()
    } else {
        0.232 + 0.05 * smoothstep(-0.05, 0.3, v)
    };
    let edge =
        half + wave - u.abs() + 0.006 * noise.octaves([u * 8.0, v * 30.0], 3) - 0.05 * smoothstep(-0.335, -0.345, v);
    let light = 0.32 - 0.55 * u + 0.25 * bell(v + 0.1, 0.12);
    let end = 1.0 - smoothstep(0.28, 0.36, v + 0.03 * noise.at([u * 30.0, 2.0]));
    (hair_colour(noise, v + wave * 3.0, u * 1.1 + wave, light), smoothstep(0.0, 0.012, edge) * end)
}

fn hair_in_front(noise: &Noise, [u, v]: Point) -> (Colour, f32) {
    let from_parting = u + 0.045;
    let top = 0.236 * (1.0 - ((v + 0.09) / 0.255).powi(2)).max(0.0).sqrt();
    let below = hairline(u) - v + 0.006 * noise.octaves([u * 40.0, v * 12.0], 3);
    // Strands sweep from the parting to the sides.
    let sweep = (v + 0.34).hypot(from_parting * 0.55);
    let light = 0.45 - 0.5 * u + 0.4 * bell(sweep - 0.075, 0.028) - 0.3 * bell(from_parting, 0.006);
    let colour = hair_colour(noise, from_parting.abs() * 1.5, sweep, light);
    (colour, smoothstep(0.0, 0.008, below) * smoothstep(0.0, 0.012, top - u.abs()))
}

fn neck([u, v]: Point) -> (Colour, f32) {
    let half = 0.082 + 0.35 * (v - 0.27).max(0.0).powi(2) * 10.0;
    let round = (1.0 - (u / half).powi(2)).max(0.0).sqrt();
    let shade = smoothstep(0.15, 0.3, v - 0.35 * u);
    let light = 0.16 + 0.5 * round * (0.55 - 3.2 * u).clamp(0.2, 1.0) * (0.3 + 0.7 * shade) + 0.1 * shade;
    let cords = 0.05 * (bell(u + 0.035 - 0.1 * (v - 0.2), 0.012) - bell(u, 0.02)) * shade;
    (skin(light + cords), smoothstep(0.0, 0.006, half - u.abs()) * smoothstep(0.1, 0.14, v))
}

/// A coat with an open collar.
fn coat(noise: &Noise, [u, v]: Point) -> (Colour, f32) {
    let side = u.abs();
    let shoulder = 0.315 + 0.5 * (side - 0.08).max(0.0).powf(1.3) + 0.4 * (side - 0.3).max(0.0).powi(2);
    let opening = 0.30 + 1.25 * (0.1 - side).max(0.0);
    let edge = (v - shoulder).min(v - opening);
    let folds = noise.octaves([u * 9.0 + 2.0 * v, v * 3.0 - side * 6.0], 3);
    let lapel = bell(v - 0.33 - 1.1 * (0.17 - side).abs(), 0.008);
    let light = 0.42 - 0.55 * u + 0.32 * folds + 0.3 * bell(v - shoulder, 0.03) - 0.35 * lapel;
    let tones = [(0.0, rgb(0x14090f)), (0.35, rgb(0x4b1424)), (0.65, rgb(0x8f2a34)), (1.0, rgb(0xd0604e))];
    (gradient(&tones, light), smoothstep(0.0, 0.008, edge))
}
