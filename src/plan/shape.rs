//! Extents of pictures, windows and feature maps.

use crate::vgg19::Layer;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// Pixels in all.
    pub fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }

    /// The longer of both.
    pub fn long_side(self) -> u32 {
        self.width.max(self.height)
    }

    /// The shorter of both.
    pub fn short_side(self) -> u32 {
        self.width.min(self.height)
    }

    /// The size after `poolings` 2x2 poolings, each rounding down.
    pub fn pooled(self, poolings: u32) -> Size {
        Size { width: self.width >> poolings, height: self.height >> poolings }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The part of a picture that a plan works on.
///
/// Where an edge of the window is an edge of the picture, the network's padding is right; where it is a cut, other pixels lie
/// beyond, and what is computed near it is not used. Losses are normalised by the whole picture's size, so that the sums of
/// several windows add up to the picture's own.
///
/// On a torus the picture is repeated, and a window lies anywhere on the repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The whole picture.
    pub picture: Size,
    /// Left edge of the window in the picture.
    pub x: u32,
    /// Upper edge of the window in the picture.
    pub y: u32,
    /// Size of the window.
    pub size: Size,
}

impl Window {
    /// The window that is the whole picture.
    pub fn whole(picture: Size) -> Window {
        Window { picture, x: 0, y: 0, size: picture }
    }

    /// Its parts as they lie in the picture, each beside its place among the repetitions: one, unless it goes across a seam.
    pub(crate) fn parts(self) -> impl Iterator<Item = (Window, Window)> {
        let Window { picture, x, y, size } = self;
        runs(y, size.height, picture.height).flat_map(move |(y, in_picture_y, height)| {
            runs(x, size.width, picture.width).map(move |(x, in_picture_x, width)| {
                let size = Size { width, height };
                (Window { picture, x: in_picture_x, y: in_picture_y, size }, Window { picture, x, y, size })
            })
        })
    }

    /// The same part of a layer's map. Where an edge is not the picture's, it lies between two pixels of the layer.
    pub fn at(self, layer: Layer) -> Window {
        let poolings = layer.poolings();
        let end = Size { width: self.x + self.size.width, height: self.y + self.size.height }.pooled(poolings);
        let (x, y) = (self.x >> poolings, self.y >> poolings);
        let size = Size { width: end.width - x, height: end.height - y };
        Window { picture: self.picture.pooled(poolings), x, y, size }
    }
}

/// Where runs of a stretch start, where they do in an axis that is repeated, and how long each is.
fn runs(start: u32, length: u32, axis: u32) -> impl Iterator<Item = (u32, u32, u32)> {
    let end = start + length;
    let starts = std::iter::successors(Some(start), move |start| Some((start / axis + 1) * axis));
    starts.take_while(move |start| *start < end).map(move |start| {
        let next = (start / axis + 1) * axis;
        (start, start % axis, next.min(end) - start)
    })
}

/// A feature map: `channels` values for each of `width` x `height` pixels, stored pixel by pixel inside a border (halo)
/// of one pixel, `(height + 2) x (width + 2) x channels`.
///
/// Pixels are numbered along the padded rows. The halo is zero except in a network input that replicates its border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeatureShape {
    /// Pixels in a row, without the halo.
    pub width: u32,
    /// Rows, without the halo.
    pub height: u32,
    /// Channels, a multiple of four.
    pub channels: u32,
}

impl FeatureShape {
    /// The output of a layer for a picture (or window) of a given size.
    pub fn of_layer(layer: Layer, picture: Size) -> FeatureShape {
        let Size { width, height } = picture.pooled(layer.poolings());
        FeatureShape { width, height, channels: layer.output_channels() }
    }

    /// The same pixels with another number of channels.
    pub fn with_channels(self, channels: u32) -> FeatureShape {
        FeatureShape { channels, ..self }
    }

    /// The shape after a 2x2 pooling.
    pub fn pooled(self) -> FeatureShape {
        FeatureShape { width: self.width / 2, height: self.height / 2, ..self }
    }

    /// The padded pixel of `shape`, whose pooled shape this is, at place 0 to 3 (reading order) below a padded pixel of
    /// this shape outside the halo.
    pub fn unpooled(self, shape: FeatureShape, pixel: usize, place: usize) -> usize {
        let (x, y) = (pixel % self.padded_width() - 1, pixel / self.padded_width() - 1);
        shape.pixel(2 * x + place % 2, 2 * y + place / 2)
    }

    /// The padded pixel of the pooled map above a padded pixel of this one, and the pixel's place in its 2x2, 0 to 3 in
    /// reading order. None in the halo and in an odd last row or column.
    pub fn pooled_pixel(self, pixel: usize) -> Option<(usize, usize)> {
        let (x, y) = (pixel % self.padded_width(), pixel / self.padded_width());
        let (x, y) = (x.checked_sub(1)?, y.checked_sub(1)?);
        let pooled = self.pooled();
        let inside = x / 2 < pooled.width as usize && y / 2 < pooled.height as usize;
        inside.then(|| (pooled.pixel(x / 2, y / 2), y % 2 * 2 + x % 2))
    }

    /// Pixels without the halo.
    pub fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Pixels of a row with the halo.
    pub fn padded_width(self) -> usize {
        self.width as usize + 2
    }

    /// Pixels with the halo.
    pub fn padded_pixels(self) -> usize {
        self.padded_width() * (self.height as usize + 2)
    }

    /// Number, along the padded rows, of the pixel at column `x` and row `y` of the map itself.
    pub fn pixel(self, x: usize, y: usize) -> usize {
        (y + 1) * self.padded_width() + x + 1
    }

    /// Whether a padded pixel belongs to the halo.
    pub fn is_halo(self, pixel: usize) -> bool {
        let (x, y) = (pixel % self.padded_width(), pixel / self.padded_width());
        x == 0 || y == 0 || x == self.width as usize + 1 || y == self.height as usize + 1
    }

    /// Values with the halo: the length of the array.
    pub fn values(self) -> usize {
        self.padded_pixels() * self.channels as usize
    }

    /// Words of the ReLU mask: one bit per value, 32 channels of a padded pixel to a word, the lowest channel in the
    /// lowest bit.
    pub fn mask_words(self) -> usize {
        self.padded_pixels() * self.channels.div_ceil(32) as usize
    }

    /// Word and bit of the ReLU mask that belong to a channel of a padded pixel.
    pub fn mask_bit(self, pixel: usize, channel: usize) -> (usize, u32) {
        (pixel * self.channels.div_ceil(32) as usize + channel / 32, channel as u32 % 32)
    }

    /// Words of the max-pooling winners of this (pooled) shape: two bits per value, 16 channels of a padded pixel to a
    /// word, the lowest channel in the lowest bits.
    pub fn winner_words(self) -> usize {
        self.padded_pixels() * self.channels.div_ceil(16) as usize
    }

    /// Word and lowest bit of the winner that belong to a channel of a padded pixel of this (pooled) shape.
    pub fn winner_bit(self, pixel: usize, channel: usize) -> (usize, u32) {
        (pixel * self.channels.div_ceil(16) as usize + channel / 16, 2 * (channel as u32 % 16))
    }
}

impl std::fmt::Display for FeatureShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.width, self.height, self.channels)
    }
}
