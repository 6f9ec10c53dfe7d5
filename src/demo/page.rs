//! A page of an old book: letters in lines, a red initial, and an engraved shell.

use super::canvas::{Canvas, Colour, Point, lit, mix, rgb, smoothstep};
use super::noise::Noise;
use crate::picture::Picture;
use crate::plan::Size;

const INK: u32 = 0x231a16;
const RED: u32 = 0xa82a22;

/// The letters A to Z as strokes through points of a grid, five across and seven down; `/` parts strokes.
const LETTERS: [&str; 26] = [
    "06 20 46/14 34",
    "00 06 36 45 44 33 03/33 42 41 30 00",
    "41 30 10 01 05 16 36 45",
    "00 06 26 44 42 20 00",
    "40 00 06 46/03 33",
    "40 00 06/03 33",
    "41 30 10 01 05 16 36 45 43 23",
    "00 06/40 46/03 43",
    "20 26",
    "30 35 26 16 05",
    "00 06/40 03 46",
    "00 06 46",
    "06 00 23 40 46",
    "06 00 46 40",
    "10 30 41 45 36 16 05 01 10",
    "06 00 30 41 42 33 03",
    "10 30 41 45 36 16 05 01 10/24 46",
    "06 00 30 41 42 33 03/23 46",
    "41 30 10 01 02 13 33 44 45 36 16 05",
    "00 40/20 26",
    "00 05 16 36 45 40",
    "00 26 40",
    "00 16 23 36 40",
    "00 46/40 06",
    "00 23 40/23 26",
    "00 40 06 46",
];

const TITLE: &str = "OF LIGHT AND COLOUR";

const TEXT: &str = "NO SHADOW IS BLACK TO ONE WHO LOOKS LONG ENOUGH THE SNOW HOLDS THE BLUE OF THE SKY AND THE WALL \
    ACROSS THE YARD LENDS IT A LITTLE ROSE WHOEVER PAINTS SHOULD ASK OF EACH PATCH NOT WHAT IT IS BUT WHAT IT IS BESIDE \
    A GREY NEXT TO ORANGE TURNS TO SEA WATER THE SAME GREY NEXT TO BLUE IS WARM AS SAND LAY THE LARGE TONES FIRST AND \
    KEEP THE SMALL ONES FOR LAST THE EYE FORGIVES A CROOKED ROOF BUT NEVER A FALSE EVENING WHEN THE LIGHT HAS GONE PUT \
    THE BRUSH AWAY AND WALK HOME SLOWLY";

/// The page at any size; the same for the same size.
pub fn page(size: Size) -> Picture {
    let mut canvas = Canvas::new(size);
    let noise = Noise::new(61);
    let width = canvas.aspect();
    canvas.paint([0.0; 2], [width, 1.0], |[x, y]| (paper(&noise, [x, y], width), 1.0));
    let margin = 0.09 * width.min(1.3);
    let (left, right) = (margin, width - margin);
    title(&mut canvas, left, right);
    let shell_at = [right - 0.3 * (right - left), 0.36];
    let radius = 0.165f32.min(0.28 * (right - left));
    shell(&mut canvas, shell_at, radius);
    let initial = [left, 0.245, 0.13];
    text(&mut canvas, [left, right], [shell_at[0] - 1.12 * radius, shell_at[1] + 1.12 * radius], initial);
    drop_initial(&mut canvas, initial);
    canvas.into_picture()
}

fn paper(noise: &Noise, [x, y]: Point, width: f32) -> Colour {
    let stain = noise.octaves([x * 2.5, y * 2.5], 4);
    let fibres = noise.octaves([x * 70.0, y * 110.0], 2);
    let edge = x.min(width - x).min(y).min(1.0 - y);
    let colour = mix(rgb(0xf3e8cf), rgb(0xdcc79c), smoothstep(-0.1, 0.8, stain) * 0.7 + 0.05 * fibres);
    let worn = mix(rgb(0xa8865a), colour, smoothstep(-0.02, 0.07, edge + 0.02 * stain));
    // The fold in the middle of the book.
    lit(worn, 1.0 - 0.28 * (-x * 16.0).exp())
}

/// Draws a letter with its upper left corner at a point; lines down are broader than lines across, as a quill makes them.
fn letter(canvas: &mut Canvas, letter: char, [x, y]: Point, height: f32, colour: Colour) {
    let Some(strokes) = (letter as usize).checked_sub('A' as usize).and_then(|index| LETTERS.get(index)) else {
        return;
    };
    let unit = height / 6.0;
    let point = |text: &str| {
        let digit = |i: usize| f32::from(text.as_bytes()[i] - b'0');
        [x + digit(0) * unit * 0.92, y + digit(1) * unit]
    };
    for stroke in strokes.split('/') {
        let points: Vec<Point> = stroke.split(' ').map(point).collect();
        for ends in points.windows(2) {
            let (across, down) = (ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]);
            let steep = (down.abs() - 0.6 * across.abs()).max(0.0) / across.hypot(down);
            let broad = height * (0.075 + 0.085 * steep);
            canvas.line(ends[0], ends[1], [broad; 2], colour);
            for end in ends {
                canvas.ellipse(*end, [broad * 0.5; 2], 0.0, colour, 1.0);
            }
        }
    }
}

/// How far a letter of some height moves the pen.
fn advance(letter: char, height: f32) -> f32 {
    height * if letter == 'I' { 0.62 } else { 0.86 }
}

fn word_width(word: &str, height: f32) -> f32 {
    word.chars().map(|letter| advance(letter, height)).sum()
}

/// Writes a word, and returns where the pen is.
fn word(canvas: &mut Canvas, word: &str, [mut x, y]: Point, height: f32, colour: Colour) -> f32 {
    for character in word.chars() {
        let shift = if character == 'I' { -0.12 * height } else { 0.0 };
        letter(canvas, character, [x + shift, y], height, colour);
        x += advance(character, height);
    }
    x
}

fn title(canvas: &mut Canvas, left: f32, right: f32) {
    let words: Vec<&str> = TITLE.split(' ').collect();
    let natural: f32 = words.iter().map(|word| word_width(word, 1.0)).sum::<f32>() + 0.6 * (words.len() - 1) as f32;
    let height = ((right - left) / natural).min(0.075);
    let mut x = (left + right - natural * height) / 2.0;
    for (index, text) in words.into_iter().enumerate() {
        let colour = rgb(if index % 2 == 0 { INK } else { RED });
        x = word(canvas, text, [x, 0.09], height, colour) + 0.6 * height;
    }
    for (y, broad) in [(0.19, 0.005), (0.2, 0.002)] {
        canvas.line([left, y], [right, y], [broad; 2], rgb(INK));
    }
}

/// Lines of text, to the edges of the page where nothing is in the way.
fn text(canvas: &mut Canvas, [left, right]: [f32; 2], [beside, under]: [f32; 2], [_, top, side]: [f32; 3]) {
    let (height, line) = (0.022, 0.0385);
    let mut words = TEXT.split_whitespace().cycle().peekable();
    let mut y = top + 0.004;
    while y < 0.93 {
        let from = if y < top + side { left + side + 0.02 } else { left };
        let to = if y < under { beside } else { right };
        let mut line_words = Vec::new();
        let mut natural = 0.0;
        while let Some(next) = words.peek() {
            let wide = word_width(next, height) + 0.45 * height;
            if natural + wide > to - from {
                break;
            }
            natural += wide;
            line_words.extend(words.next());
        }
        let gap = (to - from - natural) / line_words.len().max(1) as f32;
        let mut x = from;
        for next in line_words {
            x = word(canvas, next, [x, y], height, rgb(INK)) + 0.45 * height + gap;
        }
        y += line;
    }
}

fn drop_initial(canvas: &mut Canvas, [x, y, side]: [f32; 3]) {
    canvas.rectangle([x, y], [side, side], |_| rgb(RED));
    canvas.rectangle([x + 0.006, y + 0.006], [side - 0.012, side - 0.012], |_| rgb(0xf0dcb0));
    canvas.rectangle([x + 0.01, y + 0.01], [side - 0.02, side - 0.02], |_| rgb(RED));
    // A vine in the corners.
    for corner in [[0.2, 0.2], [0.8, 0.2], [0.2, 0.8], [0.8, 0.8], [0.5, 0.12], [0.5, 0.88], [0.12, 0.5], [0.88, 0.5]] {
        let at = [x + side * corner[0], y + side * corner[1]];
        for leaf in 0..5 {
            let angle = leaf as f32 * 1.2566 + corner[0] * 3.0;
            let tip = [at[0] + 0.011 * angle.cos(), at[1] + 0.011 * angle.sin()];
            canvas.ellipse(tip, [0.008, 0.0035], angle, rgb(0xf0dcb0), 0.9);
        }
    }
    letter(canvas, 'N', [x + 0.25 * side, y + 0.2 * side], 0.6 * side, rgb(0xf8ecd0));
}

/// A shell like a nautilus, engraved: its spiral, its chambers, and lines that swell in the shade.
fn shell(canvas: &mut Canvas, [x, y]: Point, radius: f32) {
    let growth = 0.15;
    let outer = |angle: f32| (growth * (angle - 4.0 * std::f32::consts::PI)).exp();
    let place =
        |angle: f32, reach: f32| [x + 0.1 * radius + radius * reach * angle.cos(), y + radius * reach * angle.sin()];
    let ink = rgb(INK);
    let steps = 900;
    let end = 4.0 * std::f32::consts::PI;
    for step in 0..steps {
        let (a, b) = (end * step as f32 / steps as f32, end * (step + 1) as f32 / steps as f32);
        canvas.line(place(a, outer(a)), place(b, outer(b)), [0.016 * radius + 0.014 * radius * outer(a); 2], ink);
    }
    // Chambers: curved walls from one turn to the next.
    for chamber in 0..34 {
        let start = 2.0 * std::f32::consts::PI + chamber as f32 * 0.19;
        let wall = |t: f32| {
            let angle = start - 0.35 * (t * std::f32::consts::PI).sin() * 0.8;
            place(angle, outer(angle) * (1.0 - t) + outer(angle - 2.0 * std::f32::consts::PI) * t)
        };
        for step in 0..16 {
            let (a, b) = (step as f32 / 16.0, (step + 1) as f32 / 16.0);
            canvas.line(wall(a), wall(b), [0.013 * radius; 2], ink);
        }
    }
    // Hatching along the turns, stronger below where the light does not reach.
    for ring in 1..12 {
        let part = ring as f32 / 12.0;
        for step in 0..500 {
            let angle = |step: usize| 2.0 * std::f32::consts::PI * (1.0 + step as f32 / 500.0);
            let reach = |angle: f32| outer(angle) * (1.0 - part) + outer(angle - 2.0 * std::f32::consts::PI) * part;
            let (a, b) = (angle(step), angle(step + 1));
            let shade = 0.5 + 0.5 * (a - 1.1).sin() - 0.35 * (part * std::f32::consts::PI).sin();
            let broad = 0.017 * radius * shade;
            if broad > 0.0 {
                canvas.line(place(a, reach(a)), place(b, reach(b)), [broad; 2], ink);
            }
        }
    }
}
