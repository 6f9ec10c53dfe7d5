//! How a picture is covered by overlapping windows of one size.

use super::{Border, Size, Window, reach};
use crate::vgg19::Layer;

/// A window, and the part of the picture that it counts and no other window of the same cover does. On a torus both may lie in
/// a repetition of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// What the network looks at.
    pub window: Window,
    /// The part that counts, within the window.
    pub inner: Window,
}

/// Tiles that cover a picture, row by row from the top. Small windows on a large picture are millions, so that only the places
/// along each axis are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiles {
    picture: Size,
    size: Size,
    across: Vec<Stretch>,
    down: Vec<Stretch>,
}

impl Tiles {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.across.len() * self.down.len()
    }

    /// Whether there is nothing to cover.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, index: usize) -> Tile {
        let (picture, size) = (self.picture, self.size);
        let (x, y) = (self.across[index % self.across.len()], self.down[index / self.across.len()]);
        let inner = Size { width: x.end - x.first, height: y.end - y.first };
        Tile {
            window: Window { picture, x: x.start, y: y.start, size },
            inner: Window { picture, x: x.first, y: y.first, size: inner },
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Tile> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Windows of one size that cover a picture twice: for the statistics of layers to one depth, and for the gradient through
/// layers to another. Either may have no tiles where there is nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Size of every window.
    pub size: Size,
    /// Inner parts are surrounded by what their features are made from.
    pub statistics: Tiles,
    /// Inner parts are surrounded by what their gradient follows from.
    pub gradients: Tiles,
}

/// The deepest layers that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depths {
    /// Whose features are counted; none if there is nothing to count.
    pub statistics: Option<Layer>,
    /// Through which a gradient comes; none without gradients.
    pub gradients: Option<Layer>,
}

impl Depths {
    fn deepest(self) -> Layer {
        self.statistics.max(self.gradients).unwrap_or(Layer::FIRST)
    }

    /// What both kinds of tiles need around their inner parts.
    fn halos(self) -> [Option<u32>; 2] {
        [self.statistics.map(reach::reach_of_features), self.gradients.map(reach::reach_of_gradient)]
    }
}

/// A stretch of one axis that a window covers, and the part of it that counts; on a torus both may lie in a repetition of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    start: u32,
    first: u32,
    end: u32,
}

/// An axis of a picture.
#[derive(Clone, Copy, Debug)]
struct Axis {
    length: u32,
    /// Whether its end is followed by its beginning.
    wraps: bool,
}

impl Axis {
    /// Both of a picture, across and down.
    fn both(picture: Size, border: Border) -> [Axis; 2] {
        [picture.width, picture.height].map(|length| Axis { length, wraps: border == Border::Wrap })
    }

    /// The longest side of a window that is of use.
    fn longest(self, depths: Depths) -> u32 {
        let halo = depths.halos().into_iter().flatten().max().unwrap_or(0);
        self.length + if self.wraps { 2 * halo.next_multiple_of(reach::alignment(depths.deepest())) } else { 0 }
    }

    /// Stretches of `side` pixels with at least `halo` pixels between an inner part and a cut. They start at multiples of `unit`,
    /// and so do their inner parts. None if `side` is too short.
    ///
    /// `side` differs from [`Self::longest`] by a multiple of `unit`, and the length of one that wraps is such a multiple.
    fn stretches(self, side: u32, halo: u32, unit: u32) -> Option<Vec<Stretch>> {
        if self.wraps { self.stretches_around(side, halo, unit) } else { self.stretches_between_ends(side, halo, unit) }
    }

    /// Those that end where the axis does.
    fn stretches_between_ends(self, side: u32, halo: u32, unit: u32) -> Option<Vec<Stretch>> {
        let (length, mut stretches, mut first) = (self.length, Vec::new(), 0_u32);
        loop {
            let start = first.saturating_sub(halo) / unit * unit;
            if start + side >= length {
                stretches.push(Stretch { start: length - side.min(length), first, end: length });
                return Some(stretches);
            }
            let end = (start + side).checked_sub(halo)? / unit * unit;
            if end <= first {
                return None;
            }
            stretches.push(Stretch { start, first, end });
            first = end;
        }
    }

    /// Those of an axis without ends, each with cuts on both sides, in the first repetition in which none starts before the
    /// axis.
    fn stretches_around(self, side: u32, halo: u32, unit: u32) -> Option<Vec<Stretch>> {
        let halo = halo.next_multiple_of(unit);
        let inner = side.checked_sub(2 * halo).filter(|inner| *inner > 0)?;
        let moved = halo.next_multiple_of(self.length);
        let stretch = |first: u32| {
            let (first, end) = (moved + first, moved + self.length.min(first + inner));
            Stretch { start: first - halo, first, end }
        };
        Some((0..self.length).step_by(inner as usize).map(stretch).collect())
    }
}

/// How many windows an axis takes for the statistics and for the gradient; none if the side is too short.
fn counts(axis: Axis, side: u32, depths: Depths) -> Option<[usize; 2]> {
    let unit = reach::alignment(depths.deepest());
    let [statistics, gradients] = depths.halos().map(|halo| match halo {
        Some(halo) => axis.stretches(side, halo, unit).map(|stretches| stretches.len()),
        None => Some(0),
    });
    Some([statistics?, gradients?])
}

/// Sides of windows that are worth considering for an axis, from the longest on, each by a part shorter than the one before and
/// the shortest for its numbers of windows.
fn sides(axis: Axis, depths: Depths) -> Vec<(u32, [usize; 2])> {
    let longest = axis.longest(depths);
    let unit = reach::alignment(depths.deepest());
    let mut sides = Vec::new();
    // In units that are left away.
    let (mut away, most) = (0, longest / unit);
    while away < most {
        let Some(count) = counts(axis, longest - away * unit, depths) else { break };
        // With shorter windows their number only grows.
        let (mut same, mut other) = (away, most);
        while other - same > 1 {
            let middle = same.midpoint(other);
            if counts(axis, longest - middle * unit, depths) == Some(count) {
                same = middle;
            } else {
                other = middle;
            }
        }
        let side = longest - same * unit;
        if count.iter().any(|count| *count as u64 * u64::from(side) > MOST_WORK * u64::from(axis.length)) {
            break;
        }
        sides.push((side, count));
        away = same + (side / unit / FINENESS).max(1);
    }
    sides
}

/// Sides of windows are tried that differ by at least this part.
const FINENESS: u32 = 16;
/// With how many times the work of the whole picture windows are still worth having.
const MOST_WORK: u64 = 12;

/// The sizes of windows that are worth considering for a picture, larger ones, which take less work, first: an evaluation runs
/// the network forward once for the statistics, and forward and back for the gradient. On a torus, where every window has a halo
/// on each side, they may be larger than the picture.
pub fn window_sizes(picture: Size, border: Border, depths: Depths) -> Vec<Size> {
    let [across, down] = Axis::both(picture, border).map(|axis| sides(axis, depths));
    let pairs = across.iter().flat_map(|across| down.iter().map(move |down| (across, down)));
    let mut sizes: Vec<(u64, Size)> = pairs
        .map(|(&(width, columns), &(height, rows))| {
            let size = Size { width, height };
            let passes = columns[0] * rows[0] + 2 * columns[1] * rows[1];
            (passes as u64 * size.pixels() as u64, size)
        })
        .collect();
    let most = sizes.iter().map(|(work, _)| *work).min().unwrap_or(0) * MOST_WORK;
    sizes.retain(|(work, _)| *work <= most);
    sizes.sort_by_key(|(work, size)| (*work, size.pixels()));
    // More work is worth it only with smaller windows.
    let mut smallest = usize::MAX;
    sizes.retain(|(_, size)| {
        let smaller = size.pixels() < smallest;
        smallest = smallest.min(size.pixels());
        smaller
    });
    sizes.into_iter().map(|(_, size)| size).collect()
}

/// The windows of a size, one of [`window_sizes`].
///
/// # Panics
/// If it is not.
pub fn cover(picture: Size, border: Border, size: Size, depths: Depths) -> Cover {
    let unit = reach::alignment(depths.deepest());
    let [statistics, gradients] = depths.halos().map(|halo| {
        let stretches = |axis: Axis, side| match halo {
            Some(halo) => {
                axis.stretches(side, halo, unit).expect("the size was found by covering the picture with its windows")
            }
            None => Vec::new(),
        };
        let [across, down] = Axis::both(picture, border);
        let (across, down) = (stretches(across, size.width), stretches(down, size.height));
        Tiles { picture, size, across, down }
    });
    Cover { size, statistics, gradients }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::FeatureShape;

    fn depths(statistics: Option<&str>, gradients: &str) -> Depths {
        let layer = |name: &str| name.parse().unwrap();
        Depths { statistics: statistics.map(layer), gradients: Some(layer(gradients)) }
    }

    #[test]
    fn every_pixel_of_every_layer_counts_once_and_has_what_it_needs_around_it() {
        use Border::{Replicate, Wrap};
        for (picture, border, depths) in [
            (Size { width: 601, height: 333 }, Replicate, depths(Some("relu5_1"), "relu5_1")),
            (Size { width: 97, height: 130 }, Replicate, depths(Some("relu2_1"), "relu3_1")),
            (Size { width: 75, height: 41 }, Replicate, depths(None, "relu2_2")),
            (Size { width: 608, height: 336 }, Wrap, depths(Some("relu5_1"), "relu5_1")),
            (Size { width: 100, height: 12 }, Wrap, depths(Some("relu2_1"), "relu3_1")),
            (Size { width: 74, height: 46 }, Wrap, depths(None, "relu2_2")),
        ] {
            let (deepest, [features, gradient]) = (depths.deepest(), depths.halos());
            let sizes = window_sizes(picture, border, depths);
            assert!(sizes.len() > 3 && (border == Wrap || sizes.contains(&picture)), "{sizes:?}");
            for size in sizes {
                let cover = cover(picture, border, size, depths);
                for (tiles, halo) in [(&cover.statistics, features), (&cover.gradients, gradient)] {
                    let Some(halo) = halo else { continue };
                    for layer in deepest.up_to() {
                        let shape = FeatureShape::of_layer(layer, picture);
                        let mut counted = vec![0; shape.pixels()];
                        for inner in tiles.iter().map(|tile| tile.inner.at(layer)) {
                            for y in inner.y..inner.y + inner.size.height {
                                for x in inner.x..inner.x + inner.size.width {
                                    counted[(y % shape.height * shape.width + x % shape.width) as usize] += 1;
                                }
                            }
                        }
                        assert!(counted.iter().all(|count| *count == 1), "{picture} {size} {layer}");
                    }
                    for Tile { window, inner } in tiles.iter() {
                        let pairs = [
                            (window.x, window.size.width, inner.x, inner.size.width, picture.width),
                            (window.y, window.size.height, inner.y, inner.size.height, picture.height),
                        ];
                        for (start, side, first, length, whole) in pairs {
                            let has_ends = border != Wrap;
                            assert_eq!(start % (1 << deepest.poolings()), 0, "{size}");
                            assert!(!has_ends || start + side <= whole, "{size}");
                            assert!(has_ends && start == 0 || start + halo <= first, "{size}");
                            let ends = has_ends && start + side == whole;
                            assert!(ends || first + length + halo <= start + side, "{size}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_whole_picture_is_the_least_work_and_smaller_windows_are_more() {
        let depths = depths(Some("relu5_1"), "relu5_1");
        let picture = Size { width: 1048, height: 792 };
        let sizes = window_sizes(picture, Border::Replicate, depths);
        assert_eq!(sizes[0], picture);
        let work = |size: &Size| {
            let cover = cover(picture, Border::Replicate, *size, depths);
            (cover.statistics.len() + 2 * cover.gradients.len()) * size.pixels()
        };
        assert!(sizes.is_sorted_by_key(work) && sizes.is_sorted_by(|a, b| a.pixels() > b.pixels()), "{sizes:?}");
        assert!(sizes.len() < 40, "{}", sizes.len());
    }
}
