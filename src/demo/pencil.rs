//! A pencil drawing of a jug, a pear and a bowl on a table, in crossing layers of strokes.

use super::canvas::{Canvas, Point, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;

/// The drawing at any size; the same for the same size.
pub fn pencil(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let (noise, width) = (Noise::new(81), canvas.aspect());
    let scale = (width / 1.25).min(1.0);
    canvas.paint([0.0; 2], [width, 1.0], |[x, y]| {
        let local = [(x - width / 2.0) / scale, (y - 0.62) / scale];
        let grain = noise.octaves([x * 190.0, y * 190.0], 2);
        let paper = mix(rgb(0xf1ece0), rgb(0xe0d6c2), 0.4 + 0.35 * noise.octaves([x * 3.0, y * 3.0], 3) + 0.12 * grain);
        let lead = graphite(&noise, [x, y], drawn(local)) * (0.84 + 0.5 * grain);
        (mix(paper, rgb(0x2c2b30), lead.clamp(0.0, 0.94)), 1.0)
    });
    canvas.into_picture()
}

/// What the drawer sees at a point: how dark it is, which way strokes follow the form (radians), and how near an outline.
struct Seen {
    dark: f32,
    turn: f32,
    outline: f32,
}

/// Layers of strokes, each laid over what is darker than a threshold: threshold, angle, strokes per unit.
const LAYERS: [(f32, f32, f32); 5] =
    [(0.07, 0.75, 62.0), (0.24, 0.25, 70.0), (0.42, 1.35, 74.0), (0.58, -0.5, 82.0), (0.74, 0.95, 96.0)];

fn graphite(noise: &Noise, [x, y]: Point, seen: Seen) -> f32 {
    let mut lead: f32 = 0.0;
    for (index, (threshold, angle, count)) in LAYERS.into_iter().enumerate() {
        let (sine, cosine) = (angle + seen.turn).sin_cos();
        let (along, across) = (x * cosine + y * sine, y * cosine - x * sine);
        // Strokes are a little bent, and their ends do not meet.
        let across = across * count + 0.5 * noise.octaves([along * 5.0 + 30.0 * index as f32, across * 9.0], 2);
        let number = across.floor();
        let reach = 0.12 * noise.at([along * 6.0 + number * 7.7, number * 3.3]);
        let excess = seen.dark + reach - threshold;
        let line = (across - number - 0.5).abs();
        let half = 0.13 + 0.26 * smoothstep(0.0, 0.35, excess);
        let pressure = smoothstep(0.0, 0.07, excess) * (0.42 + 0.4 * smoothstep(0.0, 0.5, excess));
        lead = lead.max(pressure * smoothstep(half + 0.12, half - 0.08, line)) + 0.07 * pressure;
    }
    let broken = 0.75 + 0.5 * noise.octaves([x * 11.0, y * 11.0], 2);
    lead.max(0.9 * broken * smoothstep(0.0042, 0.0014, seen.outline + 0.0012 * noise.at([x * 30.0, y * 30.0])))
}

/// Darkness of a round thing where its surface faces across and down by `nx` and `ny`; light comes from the upper left.
fn round(nx: f32, ny: f32) -> f32 {
    let nz = (1.0 - nx * nx - ny * ny).max(0.0).sqrt();
    let light = -0.62 * nx - 0.52 * ny + 0.58 * nz;
    let reflected = 0.22 * smoothstep(0.55, 1.0, nx);
    (0.8 - 0.95 * light.max(-0.1) - reflected).clamp(0.0, 1.0)
}

fn drawn([u, v]: Point) -> Seen {
    let (jug, bowl, pear) = (jug([u, v]), bowl([u, v]), pear([u, v]));
    let outline = [&jug, &bowl, &pear].into_iter().map(|seen| seen.outline.abs()).fold(1.0, f32::min);
    // The pear lies before the bowl, and the bowl before the jug.
    let front = [pear, bowl, jug].into_iter().find(|seen| seen.outline > 0.0);
    front.map_or_else(
        || behind([u, v], outline),
        |seen| Seen { outline: seen.outline.min(if seen.outline < 0.02 { outline } else { 1.0 }), ..seen },
    )
}

fn behind([u, v]: Point, outline: f32) -> Seen {
    let edge = 0.09 + 0.02 * u;
    // Shadows fall to the right.
    let shadow = |x: f32, y: f32, wide: f32, high: f32| {
        let (dx, dy) = (u - x, v - y - 0.12 * (u - x));
        smoothstep(1.0, 0.55, (dx / wide).hypot(dy / high))
    };
    let cast = shadow(0.0, 0.235, 0.34, 0.05).max(shadow(0.44, 0.245, 0.3, 0.045)).max(shadow(0.22, 0.315, 0.2, 0.03));
    if v > edge {
        let cloth = 0.1 + 0.1 * (u * 7.0 + 9.0 * v).sin().max(0.0) + 0.12 * smoothstep(0.3, 0.45, v);
        return Seen { dark: cloth.max(0.88 * cast), turn: -0.7, outline: outline.min(v - edge) };
    }
    // The wall is darker on the left, where the light comes from, so that lit sides stand before it.
    let dark = 0.3 - 0.42 * u
        + 0.22 * smoothstep(-0.1, 0.09, v)
        + 0.35 * smoothstep(0.5, 0.2, (u - 0.14).hypot(v + 0.1)) * smoothstep(0.0, 0.15, u + 0.1);
    Seen { dark: dark.clamp(0.0, 0.62), turn: 0.0, outline: outline.min(edge - v) }
}

fn jug([u, v]: Point) -> Seen {
    let x = u + 0.19;
    let profile = |v: f32| {
        let belly = 0.17 * (1.0 - ((v - 0.06) / 0.2).powi(2)).max(0.0).sqrt();
        let neck = 0.07 + 0.035 * smoothstep(-0.24, -0.33, v) + 0.02 * smoothstep(-0.13, -0.05, v);
        if !(-0.33..=0.235).contains(&v) { -1.0 } else { belly.max(if v < 0.02 { neck } else { 0.08 }) }
    };
    let half = profile(v);
    let handle = ((x + 0.13).hypot((v + 0.13) * 0.85) - 0.105).abs();
    let handle_inside = if x < -0.06 { 0.017 - handle } else { -1.0 };
    let body = (half - x.abs()).min(0.235 - v).min(v + 0.33);
    let rim = ((x / 0.105).hypot((v + 0.33) / 0.024) - 1.0) * 0.024;
    if rim < 0.0 {
        return Seen { dark: 0.72 - 2.2 * x, turn: 0.3, outline: -rim };
    }
    if body > 0.0 {
        let slope = (profile(v + 0.01) - profile(v - 0.01)) / 0.02;
        let nx = x / half.max(1e-3);
        let ny = (-slope).clamp(-0.9, 0.9) * -0.5 * (1.0 - nx * nx).max(0.0).sqrt();
        let glint = smoothstep(0.035, 0.02, (x + 0.075).hypot((v - 0.0) * 0.6));
        let band = 0.16 * smoothstep(0.012, 0.008, (v + 0.1 - 0.012 * (1.0 - nx * nx)).abs());
        return Seen { dark: round(nx * 0.95, ny) * (1.0 - glint) + band, turn: 0.9 * nx, outline: body };
    }
    Seen { dark: 0.05 + 26.0 * (handle - 0.006).max(0.0), turn: 0.8, outline: body.max(handle_inside).max(-rim) }
}

fn bowl([u, v]: Point) -> Seen {
    let (x, y) = (u - 0.3, v - 0.05);
    let rim = ((x / 0.2).hypot(y / 0.042) - 1.0) * 0.042;
    let (half, depth) = (0.2, 0.185);
    let wall = if y > 0.0 { (1.0 - (x / half).powi(2)).max(0.0).sqrt() * depth - y } else { -1.0 };
    if rim < 0.0 {
        return Seen { dark: 0.5 - 2.4 * x, turn: 0.4, outline: -rim };
    }
    let nx = x / half;
    Seen {
        dark: round(nx * 0.95, (y / depth) * 0.75),
        turn: 1.0 * nx - 0.3,
        outline: wall.min((1.0 - nx.abs()) * half).max(-rim),
    }
}

fn pear([u, v]: Point) -> Seen {
    // Leaning to the right.
    let (x, y) = ((u - 0.085) - 0.25 * (0.24 - v), v - 0.24);
    let body = (1.0 - (x / 0.098).hypot(y / 0.088)) * 0.088;
    let top = (1.0 - (x / 0.05).hypot((y + 0.1) / 0.075)) * 0.05;
    // The two grow into each other.
    const WAIST: f32 = 0.014;
    let share = 1.0 / (1.0 + ((top - body) / WAIST).clamp(-30.0, 30.0).exp());
    let joined = body * share + top * (1.0 - share) + 2.0 * WAIST * share * (1.0 - share);
    let stem =
        if (-0.235..-0.165).contains(&y) { 0.0055 - (x - 0.9 * (y + 0.17) * (y + 0.17) * 6.0).abs() } else { -1.0 };
    if stem > 0.0 && joined <= 0.0 {
        return Seen { dark: 0.85, turn: 1.2, outline: stem };
    }
    let nx = (x / 0.098) * share + (x / 0.055) * (1.0 - share);
    let ny = (y / 0.088) * share + ((y + 0.1) / 0.12) * (1.0 - share);
    Seen { dark: round(nx * 0.97, ny.clamp(-1.0, 1.0) * 0.9), turn: 0.8 * nx + 0.4 * ny, outline: joined.max(stem) }
}
