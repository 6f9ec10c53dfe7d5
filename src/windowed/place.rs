//! Where a window lies in the whole, and copies between the two.

use crate::{
    backend::BackendError,
    contents::Contents,
    host_memory::Buffer,
    plan::{Precision, Size, Window},
};
use std::ops::Range;

/// How pixels lie in an array: row by row, all values of one together, with a halo of so many pixels around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub channels: usize,
    pub halo: usize,
}

impl Layout {
    /// Of a picture.
    pub const PICTURE: Layout = Layout { channels: 3, halo: 0 };

    /// Of a layer's map.
    pub const fn map(channels: usize) -> Layout {
        Layout { channels, halo: 1 }
    }

    /// Values of a row, halo included.
    pub fn line(self, width: u32) -> usize {
        self.channels * (width as usize + 2 * self.halo)
    }

    /// Values of an array.
    pub fn values(self, size: Size) -> usize {
        self.line(size.width) * (size.height as usize + 2 * self.halo)
    }

    /// Of a window in another, both of one picture.
    pub fn place(self, part: Window, around: Window) -> Place {
        let [x, y] = [part.x - around.x, part.y - around.y].map(|pixels| pixels as usize + self.halo);
        let line = self.line(around.size.width);
        Place { first: y * line + self.channels * x, line, channels: self.channels, size: part.size }
    }
}

/// Where a rectangle lies in an array of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    first: usize,
    line: usize,
    channels: usize,
    size: Size,
}

impl Place {
    /// Values of its rows.
    pub fn rows(self) -> impl Iterator<Item = Range<usize>> {
        let values = self.channels * self.size.width as usize;
        (0..self.size.height as usize).map(move |y| self.first + y * self.line).map(move |first| first..first + values)
    }
}

/// Copies a rectangle of pixels out of a buffer that may be on the disk.
///
/// # Errors
/// If it cannot be read.
pub(super) fn load(from: &Buffer, at: Place, to: &mut [f32], place: Place) -> Result<(), BackendError> {
    let mut rows = at.rows().zip(place.rows());
    rows.try_for_each(|(from_row, to_row)| from.load(from_row.start, bytemuck::cast_slice_mut(&mut to[to_row])))
}

/// Copies one, whose numbers are stored so, into such a buffer.
///
/// # Errors
/// If it cannot be written.
pub(super) fn store(
    from: &Contents,
    stored: Precision,
    at: Place,
    to: &mut Buffer,
    place: Place,
) -> Result<(), BackendError> {
    at.rows().zip(place.rows()).try_for_each(|(from_row, to_row)| {
        let mut bytes = vec![0; stored.bytes() * from_row.len()];
        from.read(stored.bytes() * from_row.start, &mut bytes)?;
        to.store(to_row.start, bytemuck::cast_slice(&stored.decode(&bytes)))
    })
}
