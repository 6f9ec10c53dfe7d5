//! A canvas to paint on, with coordinates in units of its height.

use crate::picture::Picture;
use crate::plan::Size;

/// Red, green and blue, sRGB-coded.
pub(super) type Colour = [f32; 3];

/// Across and down, in units of the canvas's height.
pub(super) type Point = [f32; 2];

/// A canvas has at least twice the picture's resolution and at least so many rows, so that thin things are averaged,
/// not lost.
const FEWEST_ROWS: u32 = 700;

/// A canvas has no more pixels than this, unless its picture has.
const MOST_PIXELS: f64 = (1 << 23) as f64;

/// The colour of a hexadecimal triple such as 0xff8000.
pub(super) fn rgb(hex: u32) -> Colour {
    [16, 8, 0].map(|shift| ((hex >> shift) & 0xFF) as f32 / 255.0)
}

/// `a` where `t` is zero, `b` where it is one.
pub(super) fn mix(a: Colour, b: Colour, t: f32) -> Colour {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t)
}

/// A colour times a brightness.
pub(super) fn lit(colour: Colour, brightness: f32) -> Colour {
    colour.map(|value| value * brightness)
}

/// Zero up to `low`, one from `high` on, smooth in between.
pub(super) fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The colour at `t` of a gradient whose stops are in ascending order.
pub(super) fn gradient(stops: &[(f32, Colour)], t: f32) -> Colour {
    let next = stops.partition_point(|(at, _)| *at <= t);
    match (next.checked_sub(1).and_then(|i| stops.get(i)), stops.get(next)) {
        (Some((low, a)), Some((high, b))) => mix(*a, *b, (t - low) / (high - low)),
        (Some((_, colour)), None) | (None, Some((_, colour))) => *colour,
        (None, None) => [0.0; 3],
    }
}

/// Pixels of a picture in the making.
#[derive(Clone)]
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<Colour>,
    /// Canvas pixels per pixel of the picture, in each direction.
    finer: usize,
}

impl Canvas {
    /// A black canvas for a picture of some size.
    pub fn new(size: Size) -> Canvas {
        let affordable = (MOST_PIXELS / size.pixels().max(1) as f64).sqrt() as usize;
        let finer = (FEWEST_ROWS.div_ceil(size.height.max(1)).max(2) as usize).min(affordable).max(1);
        let (width, height) = (size.width.max(1) as usize * finer, size.height.max(1) as usize * finer);
        Canvas { width, height, pixels: vec![[0.0; 3]; width * height], finer }
    }

    /// Width in units of the height.
    pub fn aspect(&self) -> f32 {
        self.width as f32 / self.height as f32
    }

    /// Side of a pixel.
    pub fn pixel(&self) -> f32 {
        1.0 / self.height as f32
    }

    /// The colour at a point, of the nearest pixel; points outside take the border's.
    pub fn at(&self, [x, y]: Point) -> Colour {
        let index = |value: f32, count: usize| ((value * self.height as f32).max(0.0) as usize).min(count - 1);
        self.pixels[index(y, self.height) * self.width + index(x, self.width)]
    }

    /// Blends a colour over every pixel whose centre is in a rectangle; `shade` gives the colour and how much of it.
    pub fn paint(&mut self, low: Point, high: Point, mut shade: impl FnMut(Point) -> (Colour, f32)) {
        let rows = self.height as f32;
        let range = |low: f32, high: f32, count: usize| {
            let first = (low * rows - 0.5).ceil().clamp(0.0, count as f32) as usize;
            let end = ((high * rows - 0.5).floor() + 1.0).clamp(first as f32, count as f32) as usize;
            first..end
        };
        let columns = range(low[0], high[0], self.width);
        for row in range(low[1], high[1], self.height) {
            for column in columns.clone() {
                let (colour, amount) = shade([(column as f32 + 0.5) / rows, (row as f32 + 0.5) / rows]);
                if amount > 0.0 {
                    let pixel = &mut self.pixels[row * self.width + column];
                    *pixel = mix(*pixel, colour, amount.min(1.0));
                }
            }
        }
    }

    /// Fills a convex polygon, its corners in clockwise order as seen, with smooth edges.
    pub fn polygon(&mut self, corners: &[Point], mut shade: impl FnMut(Point) -> Colour) {
        let pixel = self.pixel();
        let edges: Vec<_> = (0..corners.len())
            .map(|i| {
                let ([x, y], [to_x, to_y]) = (corners[i], corners[(i + 1) % corners.len()]);
                let length = (to_x - x).hypot(to_y - y).max(1e-9) * pixel;
                let (across, down) = ((y - to_y) / length, (to_x - x) / length);
                (across, down, across * x + down * y)
            })
            .collect();
        let bound = |axis: usize, sign: f32| {
            let most = corners.iter().map(|corner| sign * corner[axis]).fold(f32::NEG_INFINITY, f32::max);
            sign * (most + pixel)
        };
        let (low, high) = ([bound(0, -1.0), bound(1, -1.0)], [bound(0, 1.0), bound(1, 1.0)]);
        self.paint(low, high, |[x, y]| {
            // What the edges cut off a pixel is summed, so that polygons thinner than a pixel are faint in proportion.
            let missing: f32 = edges.iter().map(|(a, b, c)| (0.5 - (a * x + b * y - c)).clamp(0.0, 1.0)).sum();
            if missing < 1.0 { (shade([x, y]), 1.0 - missing) } else { ([0.0; 3], 0.0) }
        });
    }

    /// Fills an upright rectangle.
    pub fn rectangle(&mut self, [x, y]: Point, [width, height]: Point, shade: impl FnMut(Point) -> Colour) {
        self.polygon(&[[x, y], [x + width, y], [x + width, y + height], [x, y + height]], shade);
    }

    /// Draws a straight line whose width changes from one end to the other.
    pub fn line(&mut self, from: Point, to: Point, widths: [f32; 2], colour: Colour) {
        let length = (to[0] - from[0]).hypot(to[1] - from[1]).max(1e-9);
        let (across, down) = ((to[1] - from[1]) / length / 2.0, (from[0] - to[0]) / length / 2.0);
        let corner = |[x, y]: Point, side: f32| [x + side * across, y + side * down];
        let corners =
            [corner(from, widths[0]), corner(to, widths[1]), corner(to, -widths[1]), corner(from, -widths[0])];
        self.polygon(&corners, |_| colour);
    }

    /// Fills an ellipse turned by an angle (radians, clockwise as seen).
    pub fn ellipse(&mut self, centre: Point, radii: Point, angle: f32, colour: Colour, opacity: f32) {
        let (sine, cosine) = angle.sin_cos();
        let reach = [(radii[0] * cosine).hypot(radii[1] * sine), (radii[0] * sine).hypot(radii[1] * cosine)];
        let pixel = self.pixel();
        let low = [centre[0] - reach[0] - pixel, centre[1] - reach[1] - pixel];
        let high = [centre[0] + reach[0] + pixel, centre[1] + reach[1] + pixel];
        let edge = radii[0].min(radii[1]) / pixel;
        self.paint(low, high, |[x, y]| {
            let (x, y) = (x - centre[0], y - centre[1]);
            let distance = ((x * cosine + y * sine) / radii[0]).hypot((y * cosine - x * sine) / radii[1]);
            (colour, ((1.0 - distance) * edge + 0.5).clamp(0.0, 1.0) * opacity)
        });
    }

    /// The picture: every pixel the mean of the canvas pixels that make it up, clamped to [0, 1].
    pub fn into_picture(self) -> Picture {
        let (width, height) = (self.width / self.finer, self.height / self.finer);
        let mut pixels = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            for x in 0..width {
                let mut sum = [0.0; 3];
                for row in y * self.finer..(y + 1) * self.finer {
                    for colour in &self.pixels[row * self.width + x * self.finer..][..self.finer] {
                        sum = [0, 1, 2].map(|i| sum[i] + colour[i].clamp(0.0, 1.0));
                    }
                }
                pixels.extend(sum.map(|value| (value / (self.finer * self.finer) as f32).clamp(0.0, 1.0)));
            }
        }
        let size = Size { width: width as u32, height: height as u32 };
        Picture::new(size, pixels).expect("a canvas has a pixel, and each became three values")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas() -> Canvas {
        Canvas::new(Size { width: 1000, height: 800 })
    }

    /// What was painted white, in units of the height squared.
    fn area(canvas: &Canvas) -> f32 {
        canvas.pixels.iter().map(|pixel| f64::from(pixel[1])).sum::<f64>() as f32 * canvas.pixel() * canvas.pixel()
    }

    #[test]
    fn shapes_cover_their_area_even_when_thinner_than_a_pixel() {
        let mut tilted = canvas();
        tilted.line([0.2, 0.3], [0.9, 0.7], [0.05, 0.05], [1.0; 3]);
        let length = 0.7f32.hypot(0.4);
        assert!((area(&tilted) / (0.05 * length) - 1.0).abs() < 0.01, "{}", area(&tilted));
        let mut hair = canvas();
        hair.rectangle([0.1003, 0.2], [0.25 * hair.pixel(), 0.5], |_| [1.0; 3]);
        let expected = 0.25 * hair.pixel() * 0.5;
        assert!((area(&hair) / expected - 1.0).abs() < 0.05, "{} {expected}", area(&hair));
        let mut disc = canvas();
        disc.ellipse([0.6, 0.5], [0.2, 0.1], 0.7, [1.0; 3], 0.5);
        let expected = 0.5 * std::f32::consts::PI * 0.2 * 0.1;
        assert!((area(&disc) / expected - 1.0).abs() < 0.01, "{} {expected}", area(&disc));
    }

    #[test]
    fn shapes_beyond_the_border_are_cut_off() {
        let mut canvas = canvas();
        canvas.rectangle([-3.0, -2.0], [3.5, 2.25], |_| [1.0; 3]);
        canvas.ellipse([-9.0, 4.0], [0.5, 0.5], 0.0, [1.0; 3], 1.0);
        canvas.line([2.0, -1.0], [3.0, 5.0], [0.1, 0.1], [1.0; 3]);
        assert!((area(&canvas) - 0.5 * 0.25).abs() < 1e-3, "{}", area(&canvas));
    }

    #[test]
    fn gradients_pass_through_their_stops_and_stay_at_the_ends() {
        let stops = [(0.0, [0.0; 3]), (1.0, [1.0; 3]), (3.0, [0.0; 3])];
        let at = |t| gradient(&stops, t)[0];
        assert_eq!([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0].map(at), [0.0, 0.0, 0.5, 1.0, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn small_pictures_are_means_of_a_finer_canvas() {
        let mut canvas = Canvas::new(Size { width: 2, height: 1 });
        assert!(canvas.height >= 700, "{}", canvas.height);
        canvas.rectangle([0.0, 0.0], [0.5, 1.0], |_| [1.0, 0.5, 0.0]);
        let picture = canvas.into_picture();
        assert_eq!(picture.size(), Size { width: 2, height: 1 });
        for (found, expected) in picture.pixels().iter().zip([0.5, 0.25, 0.0, 0.0, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-2, "{:?}", picture.pixels());
        }
    }
}
