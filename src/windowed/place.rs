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

/// Copies a rectangle of pixels.
pub(super) fn copy(from: &[f32], at: Place, to: &mut [f32], place: Place, size: Size, channels: usize) {
    let width = size.width as usize;
    for y in 0..size.height as usize {
        to[place.row(y, width, channels)].copy_from_slice(&from[at.row(y, width, channels)]);
    }
}

/// [`copy`] out of a buffer that may be on the disk.
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
    let width = size.width as usize;
    (0..size.height as usize).try_for_each(|y| {
        let row = &mut to[place.row(y, width, channels)];
        from.load(at.row(y, width, channels).start, bytemuck::cast_slice_mut(row))
    })
}

/// [`copy`] into such a buffer.
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
    let width = size.width as usize;
    (0..size.height as usize).try_for_each(|y| {
        let row = &from[at.row(y, width, channels)];
        to.store(place.row(y, width, channels).start, bytemuck::cast_slice(row))
    })
}
