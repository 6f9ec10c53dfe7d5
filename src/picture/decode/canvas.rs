//! Decoded rows to a picture: sRGB, smaller if its use allows, upright, and how opaque it is.

use image::metadata::Orientation;
use rayon::prelude::*;

use super::super::{Picture, alpha::fill, colour::Colours, mask::Mask};
use super::{Failure, panics};
use crate::plan::Size;

/// About so many pixels are converted at once, by all threads together.
const BATCH: usize = 1 << 20;

/// How the pixels of a decoder lie in the picture that they are of.
pub(super) struct Layout {
    /// The picture's own size, before it is turned.
    pub own: Size,
    /// Pixels of the picture to a side of a decoded one.
    pub step: u32,
    /// The size of the result, before it is turned: no larger than what is decoded.
    pub reduced: Size,
    pub orientation: Orientation,
}

/// A picture in the making.
pub(super) struct Canvas {
    columns: Vec<Share>,
    rows: Shares,
    colours: Colours,
    /// Whether a pixel of the result is not one of the file.
    averages: bool,
    turn: Turn,
    /// Decoded rows so far.
    count: usize,
    /// The row of the result to which the next decoded row belongs.
    sum: Row,
    pixels: Vec<f32>,
    /// One value for each pixel; none if the file says nothing of it.
    alpha: Vec<f32>,
    /// Whether the alpha of all decoded pixels is one, which rounding may hide in averages.
    opaque: bool,
}

/// A row of a picture in the making.
#[derive(Clone)]
struct Row {
    /// Where averages are taken, of pixels that have an alpha, each value times its alpha: a pixel counts as much as it
    /// is seen.
    colours: Vec<f32>,
    alpha: Vec<f32>,
    /// Whether all pixels that it is made of are.
    opaque: bool,
}

impl Row {
    fn black(width: usize, alpha: bool) -> Row {
        Row { colours: vec![0.0; 3 * width], alpha: vec![0.0; if alpha { width } else { 0 }], opaque: true }
    }

    fn add(&mut self, other: &Row, share: f32) {
        add(&mut self.colours, &other.colours, share);
        add(&mut self.alpha, &other.alpha, share);
    }
}

impl Canvas {
    pub(super) fn new(layout: &Layout, colours: Colours) -> Canvas {
        let Size { width, height } = layout.reduced;
        Canvas {
            columns: Shares { length: layout.own.width, step: layout.step, targets: width }.all().collect(),
            rows: Shares { length: layout.own.height, step: layout.step, targets: height },
            turn: Turn::new(layout.reduced, layout.orientation),
            count: 0,
            sum: Row::black(width as usize, colours.alpha()),
            pixels: vec![0.0; 3 * layout.reduced.pixels()],
            alpha: vec![0.0; if colours.alpha() { layout.reduced.pixels() } else { 0 }],
            opaque: true,
            averages: layout.step > 1 || layout.reduced != layout.own,
            colours,
        }
    }

    /// The next rows, whole ones, `[rows][width][channels]`.
    pub(super) fn push<T: Copy + Sync>(
        &mut self,
        samples: &[T],
        value: impl Fn(T) -> f32 + Sync,
    ) -> Result<(), Failure> {
        let length = self.columns.len() * self.colours.channels();
        for batch in samples.chunks(length * self.batch()) {
            let rows: Vec<Option<Row>> =
                batch.par_chunks(length).map(|row| panics::marked(|| self.narrow(row, &value))).collect();
            for row in rows {
                self.add(&row.ok_or(Failure::Profile)?);
            }
        }
        Ok(())
    }

    /// How many rows are best pushed at once.
    pub(super) fn batch(&self) -> usize {
        (BATCH / self.columns.len()).max(1)
    }

    /// A row in sRGB, with as many pixels as the result has.
    fn narrow<T: Copy>(&self, samples: &[T], value: impl Fn(T) -> f32) -> Option<Row> {
        let mut wide = Row::black(self.columns.len(), self.colours.alpha());
        self.colours.convert(samples, &value, &mut wide.colours)?;
        let channels = self.colours.channels();
        for (alpha, sample) in wide.alpha.iter_mut().zip(samples.chunks_exact(channels)) {
            *alpha = value(sample[channels - 1]).clamp(0.0, 1.0);
        }
        wide.opaque = wide.alpha.iter().all(|alpha| *alpha == 1.0);
        if self.averages {
            for (pixel, alpha) in wide.colours.chunks_exact_mut(3).zip(&wide.alpha) {
                pixel.iter_mut().for_each(|value| *value *= alpha);
            }
        }
        if wide.colours.len() == self.sum.colours.len() {
            return Some(wide);
        }
        let mut narrow = Row { opaque: wide.opaque, ..Row::black(self.sum.colours.len() / 3, self.colours.alpha()) };
        for (x, share) in self.columns.iter().enumerate() {
            for (target, part) in [(share.target, share.here), (share.target + 1, share.next)] {
                if part > 0.0 {
                    add(&mut narrow.colours[3 * target..][..3], &wide.colours[3 * x..][..3], part);
                    narrow.alpha.get_mut(target).iter_mut().for_each(|sum| **sum += wide.alpha[x] * part);
                }
            }
        }
        Some(narrow)
    }

    fn add(&mut self, row: &Row) {
        let Some(share) = self.rows.at(self.count) else { return };
        self.count += 1;
        self.opaque &= row.opaque;
        self.sum.add(row, share.here);
        if share.ends {
            for (x, pixel) in self.sum.colours.chunks_exact(3).enumerate() {
                let place = self.turn.place(x, share.target);
                let divisor = match self.sum.alpha.get(x) {
                    None => 1.0,
                    Some(alpha) => {
                        self.alpha[place] = alpha.clamp(0.0, 1.0);
                        if self.averages && *alpha > 0.0 { *alpha } else { 1.0 }
                    }
                };
                for (target, value) in self.pixels[3 * place..][..3].iter_mut().zip(pixel) {
                    *target = (value / divisor).clamp(0.0, 1.0);
                }
            }
            self.sum.colours.fill(0.0);
            self.sum.alpha.fill(0.0);
            self.sum.add(row, share.next);
        }
    }

    /// The picture and, unless all of it is opaque, its alpha, if all its rows have come.
    ///
    /// Where nothing is to be seen, the colours that the file hides there give way to those around.
    pub(super) fn finish(mut self) -> Option<(Picture, Option<Mask>)> {
        if self.count < self.rows.count() {
            return None;
        }
        let size = self.turn.size;
        let alpha = (!self.opaque).then(|| {
            fill(size, &mut self.pixels, &self.alpha);
            Mask { size, values: self.alpha }
        });
        Some((Picture { size, pixels: self.pixels }, alpha))
    }
}

fn add(sum: &mut [f32], values: &[f32], share: f32) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value * share;
    }
}

/// What a decoded pixel adds, in one direction, to the averages that it lies under.
#[derive(Clone, Copy, Debug)]
struct Share {
    /// The average in which it begins.
    target: usize,
    /// Its part of that one.
    here: f32,
    /// Its part of the one behind.
    next: f32,
    /// Whether it is the last one of the average in which it begins.
    ends: bool,
}

/// The shares of `length` pixels, decoded in steps of `step`, in `targets` averages over equal parts of the length.
///
/// The parts need not be whole pixels, so that the result shows all of the picture and nothing is shifted.
#[derive(Clone, Copy)]
struct Shares {
    length: u32,
    step: u32,
    targets: u32,
}

impl Shares {
    fn count(self) -> usize {
        self.length.div_ceil(self.step) as usize
    }

    /// None beyond the last.
    fn at(self, index: usize) -> Option<Share> {
        if index >= self.count() {
            return None;
        }
        let (length, step, targets) = (u64::from(self.length), u64::from(self.step), u64::from(self.targets));
        let index = index as u64;
        // In units of 1/targets of a pixel, in which a part is as long as the picture in pixels.
        let (start, end) = (index * step * targets, ((index + 1) * step).min(length) * targets);
        let boundary = (start / length + 1) * length;
        Some(Share {
            target: (start / length) as usize,
            here: (end.min(boundary) - start) as f32 / length as f32,
            next: end.saturating_sub(boundary) as f32 / length as f32,
            ends: end >= boundary,
        })
    }

    fn all(self) -> impl Iterator<Item = Share> {
        (0..self.count()).map_while(move |index| self.at(index))
    }
}

/// Where pixels go when a picture is turned upright.
struct Turn {
    /// The size then.
    size: Size,
    /// The place of the first pixel, and the way to the next one in a row and in a column.
    start: isize,
    right: isize,
    down: isize,
}

impl Turn {
    fn new(size: Size, orientation: Orientation) -> Turn {
        let (w, h) = (size.width as isize, size.height as isize);
        let (start, right, down) = match orientation {
            Orientation::NoTransforms => (0, 1, w),
            Orientation::FlipHorizontal => (w - 1, -1, w),
            Orientation::Rotate180 => (w * h - 1, -1, -w),
            Orientation::FlipVertical => ((h - 1) * w, 1, -w),
            Orientation::Rotate90FlipH => (0, h, 1),
            Orientation::Rotate90 => (h - 1, h, -1),
            Orientation::Rotate270FlipH => (w * h - 1, -h, -1),
            Orientation::Rotate270 => ((w - 1) * h, -h, 1),
        };
        Turn { size: upright(size, orientation), start, right, down }
    }

    fn place(&self, x: usize, y: usize) -> usize {
        (self.start + x as isize * self.right + y as isize * self.down) as usize
    }
}

/// The size of a picture when it is turned upright.
pub(super) fn upright(size: Size, orientation: Orientation) -> Size {
    match orientation {
        Orientation::Rotate90 | Orientation::Rotate90FlipH | Orientation::Rotate270 | Orientation::Rotate270FlipH => {
            Size { width: size.height, height: size.width }
        }
        _ => size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_average_gets_one_in_all_and_its_parts_in_order() {
        for (length, step, targets) in
            [(1, 1, 1), (7, 1, 7), (7, 1, 3), (100, 1, 33), (101, 8, 5), (12, 4, 3), (3, 8, 1)]
        {
            let mut sums = vec![0.0; targets as usize];
            let mut ends = 0;
            for share in (Shares { length, step, targets }).all() {
                assert_eq!(share.target, ends, "{length} {step} {targets}");
                sums[share.target] += share.here;
                if share.next > 0.0 {
                    sums[share.target + 1] += share.next;
                }
                ends += usize::from(share.ends);
            }
            assert_eq!(ends, targets as usize);
            assert!(sums.iter().all(|sum: &f32| (sum - 1.0).abs() < 1e-6), "{length} {step} {targets}: {sums:?}");
        }
        let mut same = Shares { length: 9, step: 1, targets: 9 }.all();
        assert!(same.all(|share| share.here == 1.0 && share.next == 0.0 && share.ends));
    }
}
