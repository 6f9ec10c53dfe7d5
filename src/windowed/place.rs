//! Where a window lies in the whole, and copies between the two.

use crate::{
    backend::BackendError,
    host_memory::Buffer,
    plan::{Size, Window},
};

/// Where a rectangle lies in an array of pixels.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Pixels in a row of the array.
    stride: usize,
    x: usize,
    y: usize,
}

impl Place {
    /// Of a window in a picture or, with `part` in its coordinates, of `part` in a window.
    pub(super) fn in_picture(part: Window, around: Window) -> Place {
        let [x, y] = [part.x - around.x, part.y - around.y].map(|place| place as usize);
        Place { stride: around.size.width as usize, x, y }
    }

    /// The same of maps, which have a halo.
    pub(super) fn in_map(part: Window, around: Window) -> Place {
        let Place { stride, x, y } = Place::in_picture(part, around);
        Place { stride: stride + 2, x: x + 1, y: y + 1 }
    }

    pub(super) fn row(self, y: usize, width: usize, channels: usize) -> std::ops::Range<usize> {
        let first = (self.y + y) * self.stride + self.x;
        first * channels..(first + width) * channels
    }
}

/// The rows of a rectangle at two places, in values.
fn rows(
    at: Place,
    place: Place,
    size: Size,
    channels: usize,
) -> impl Iterator<Item = (std::ops::Range<usize>, std::ops::Range<usize>)> {
    let width = size.width as usize;
    (0..size.height as usize).map(move |y| (at.row(y, width, channels), place.row(y, width, channels)))
}

/// Copies a rectangle of pixels out of a buffer that may be on the disk.
///
/// # Errors
/// If it cannot be read.
pub(super) fn load(
    from: &Buffer,
    at: Place,
    to: &mut [f32],
    place: Place,
    size: Size,
    channels: usize,
) -> Result<(), BackendError> {
    rows(at, place, size, channels)
        .try_for_each(|(from_row, to_row)| from.load(from_row.start, bytemuck::cast_slice_mut(&mut to[to_row])))
}

/// Copies one into such a buffer.
///
/// # Errors
/// If it cannot be written.
pub(super) fn store(
    from: &[f32],
    at: Place,
    to: &mut Buffer,
    place: Place,
    size: Size,
    channels: usize,
) -> Result<(), BackendError> {
    rows(at, place, size, channels)
        .try_for_each(|(from_row, to_row)| to.store(to_row.start, bytemuck::cast_slice(&from[from_row])))
}
