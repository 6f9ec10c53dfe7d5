//! Which layers are computed whole and which in bands of rows, so that large maps never have to exist whole.

use super::{FeatureShape, Precision, Rows, Size};
use crate::vgg19::Layer;

/// When maps are computed in bands of rows instead of whole. At each seam between bands a few rows are computed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banding {
    /// If no map is larger than this many bytes, every map is whole.
    pub small: u64,
    /// Otherwise, maps larger than this many bytes are computed in bands.
    pub whole: u64,
    /// Largest size of a band of a map, in bytes; a band has at least one row, however large.
    pub band: u64,
    /// Where maps are computed in bands: the largest map, in bytes, that is kept if a loss needs it again in the
    /// backward pass. Larger ones are recomputed.
    pub kept: u64,
    /// Largest size of a slot, in bytes.
    pub slot: u64,
}

impl Banding {
    /// Everything whole.
    pub const NONE: Banding =
        Banding { small: u64::MAX, whole: u64::MAX, band: u64::MAX, kept: u64::MAX, slot: u64::MAX };
}

/// How a plan stores its maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Bytes of a value.
    pub precision: Precision,
    /// Whole or in bands.
    pub banding: Banding,
}

/// A way for a processor to trade memory for arithmetic.
#[derive(Clone, Copy)]
struct Way {
    /// Maps as large as those of block 4 are whole, if that is at least so many bytes and at most so many.
    whole: [u64; 2],
    /// What is kept for the backward pass.
    kept: Kept,
    /// Bytes of a band, at least; with several threads up to 2 MiB of them for each, to be shared out.
    band: u64,
    /// Rows of a band's pooled output, at least, in blocks 1 to 4. With 4 of them, a fifth of the arithmetic of 64 megapixels
    /// goes into rows computed twice (docs/performance.md).
    rows: u64,
}

/// Features that are kept if a loss needs them again.
#[derive(Clone, Copy)]
enum Kept {
    /// Up to so many bytes.
    UpTo(u64),
    /// From block 3 on, up to so many bytes.
    Deep(u64),
}

const MIB: u64 = 1 << 20;

/// From the least memory on. Of 150 that were tried at several sizes none saves more than 3 % of what the best of these takes
/// (docs/performance.md).
const WAYS: [Way; 7] = [
    Way { whole: [3 * MIB; 2], kept: Kept::UpTo(0), band: MIB, rows: 8 },
    Way { whole: [6 * MIB; 2], kept: Kept::UpTo(16 * MIB), band: MIB, rows: 16 },
    Way { whole: [12 * MIB; 2], kept: Kept::UpTo(0), band: MIB, rows: 32 },
    USUAL,
    Way { kept: Kept::Deep(u64::MAX), rows: 32, ..USUAL },
    Way { kept: Kept::Deep(u64::MAX), rows: 64, ..USUAL },
    Way { kept: Kept::UpTo(u64::MAX), rows: 64, ..USUAL },
];

/// What is fast for a picture that is worked on at once.
const USUAL: Way = Way { whole: [12 * MIB, 24 * MIB], kept: Kept::Deep(128 * MIB), band: 8 * MIB, rows: 16 };

impl Storage {
    /// f32 and everything whole: what the reference works on.
    pub const PLAIN: Storage = Storage { precision: Precision::F32, banding: Banding::NONE };

    /// For a processor with so many threads that works on a picture of this size.
    ///
    /// A band of 8 MiB stays in its caches and is long enough for rows computed twice not to matter, in pictures up to some
    /// 1000 pixels in width; in wider ones they matter more than caches. More threads need longer ones to share out. Of a
    /// picture of 512x384 blocks 1 to 3 are made in bands, of one of 1024x768 block 4 too; and features are kept from block 3
    /// on, because making deeper ones again takes long (docs/performance.md).
    pub fn for_threads(threads: usize, window: Size) -> Storage {
        Storage::in_way(USUAL, threads, window)
    }

    /// Ways for such a processor, from that on which takes the least memory: what takes more is less arithmetic.
    pub fn ways_for_threads(threads: usize, window: Size) -> Vec<Storage> {
        WAYS.iter().map(|way| Storage::in_way(*way, threads, window)).collect()
    }

    fn in_way(way: Way, threads: usize, window: Size) -> Storage {
        let precision = Precision::F32;
        let block = |poolings: u32| {
            let layer = Layer::DEEPEST.up_to().find(|layer| layer.poolings() == poolings).unwrap_or(Layer::DEEPEST);
            (FeatureShape::of_layer(layer, window).values() * precision.bytes()) as u64
        };
        let whole = block(3).clamp(way.whole[0], way.whole[1]);
        // What is pooled into one row takes as many bytes in blocks 1 to 4: channels double where sides are halved.
        let first = FeatureShape::of_layer(Layer::FIRST, window);
        let pooled = (2 * first.padded_width() * first.channels as usize * precision.bytes()) as u64;
        let shared_out = way.band.min(2 * MIB) * threads as u64;
        let band = shared_out.max(way.band).max(way.rows * pooled);
        let kept = match way.kept {
            Kept::UpTo(most) => most,
            Kept::Deep(most) => block(2).min(most),
        };
        Storage { precision, banding: Banding { small: whole, whole, band, kept, slot: u64::MAX } }
    }

    /// For a device that binds at most this many bytes at once.
    pub fn for_binding(bytes: u64, precision: Precision) -> Storage {
        // In values. A picture of 512x512 is computed whole; a band of 8 Mi values keeps every device busy; whether to
        // keep or recompute trades memory against time (docs/performance.md).
        let [small, whole, band, kept] =
            [20, 12, 8, 24].map(|values: u64| bytes.min((values << 20) * precision.bytes() as u64));
        Storage { precision, banding: Banding { small, whole, band, kept, slot: bytes } }
    }
}

/// Neighbouring layers that run band by band: all of them for the first band, then all for the second. The segment's
/// input and output are whole maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// At least one, from the picture on.
    pub layers: Vec<Layer>,
    /// The layer above the pooling that ends the segment; none where the network ends.
    pub above: Option<Layer>,
    /// Rows of the segment's output (the pooled map or the last layer's), band by band.
    pub bands: Vec<Rows>,
}

impl Segment {
    /// The layer nearest to the picture.
    pub fn first(&self) -> Layer {
        self.layers[0]
    }

    /// The layer farthest from the picture.
    pub fn last(&self) -> Layer {
        self.layers[self.layers.len() - 1]
    }

    /// The layer below the pooling that precedes `layer` within the segment, if there is one.
    pub(super) fn pooling_below(&self, layer: Layer) -> Option<Layer> {
        layer.below().filter(|_| layer.is_after_pooling() && layer != self.first())
    }

    /// Whether everything is computed at once.
    pub fn is_whole(&self) -> bool {
        self.bands.len() == 1
    }
}

/// The network to `deepest` in segments, from the picture on.
pub fn segments(deepest: Layer, window: Size, storage: Storage) -> Vec<Segment> {
    let Storage { precision, banding } = storage;
    let bytes = |shape: FeatureShape| (shape.values() * precision.bytes()) as u64;
    let shape = |layer: Layer| FeatureShape::of_layer(layer, window);
    let largest = deepest.up_to().map(|layer| bytes(shape(layer))).max().unwrap_or(0);
    let whole = if largest <= banding.small { banding.small } else { banding.whole };
    let mut segments = Vec::new();
    let mut layers: Vec<Layer> = Vec::new();
    for layer in deepest.up_to() {
        layers.push(layer);
        let above = layer.above().filter(|above| above.is_after_pooling() && *above <= deepest);
        let large = layers.iter().any(|&layer| bytes(shape(layer)) > whole);
        // A pooled map between two segments is whole; one too large for that lies within a segment.
        let ends = layer == deepest || above.is_some_and(|_| large && bytes(shape(layer).pooled()) <= banding.slot);
        if ends {
            let layers = std::mem::take(&mut layers);
            let made = if above.is_some() { shape(layer).pooled() } else { shape(layer) };
            let count = if large { band_count(&layers, made, window, storage) } else { 1 };
            segments.push(Segment { layers, above, bands: Rows::split(made, count) });
        }
    }
    segments
}

/// How many bands are needed so that each band of every map stays below the limit.
fn band_count(layers: &[Layer], made: FeatureShape, window: Size, storage: Storage) -> u32 {
    let row_bytes = layers.iter().map(|&layer| {
        let shape = FeatureShape::of_layer(layer, window);
        let rows = (shape.height / made.height).max(1) as usize;
        (rows * shape.padded_width() * shape.channels as usize * storage.precision.bytes()) as u64
    });
    let rows = (storage.banding.band / row_bytes.max().unwrap_or(1)).max(1);
    u64::from(made.height).div_ceil(rows) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(side: u32, banding: Banding) -> Vec<(String, usize)> {
        let storage = Storage { banding, ..Storage::PLAIN };
        let segments = segments("relu5_1".parse().unwrap(), Size { width: side, height: side }, storage);
        segments.iter().map(|s| (format!("{} to {}", s.first(), s.last()), s.bands.len())).collect()
    }

    #[test]
    fn large_maps_are_made_in_bands() {
        let banding = Storage::for_binding(2 << 30, Precision::F32).banding;
        assert_eq!(summary(512, banding), [("relu1_1 to relu5_1".to_owned(), 1)]);
        let large = summary(1024, banding);
        let names: Vec<&str> = large.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["relu1_1 to relu1_2", "relu2_1 to relu2_2", "relu3_1 to relu3_4", "relu4_1 to relu5_1"]);
        assert!(large[0].1 == 9 && large[3].1 == 1, "{large:?}");
        assert_eq!(summary(4096, Banding::NONE).len(), 1);
    }

    #[test]
    fn a_processor_makes_the_maps_near_the_picture_in_bands() {
        let bands = |width, height, threads| {
            let size = Size { width, height };
            let segments = segments("relu5_1".parse().unwrap(), size, Storage::for_threads(threads, size));
            segments.iter().map(|s| (s.last().to_string(), s.bands.len())).collect::<Vec<_>>()
        };
        let named = |bands: &[(&str, usize)]| bands.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect::<Vec<_>>();
        assert_eq!(bands(200, 150, 2), named(&[("relu5_1", 1)]));
        let expected = named(&[("relu1_2", 7), ("relu2_2", 4), ("relu3_4", 2), ("relu5_1", 1)]);
        assert_eq!(bands(536, 408, 2), expected);
        let names = ["relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_1"];
        assert!(bands(1048, 792, 2).iter().map(|(name, _)| name).eq(names), "{:?}", bands(1048, 792, 2));
        // Bands of wide maps have enough rows for those at a seam not to matter.
        let wide = Size { width: 9000, height: 5000 };
        let wide = segments("relu5_1".parse().unwrap(), wide, Storage::for_threads(2, wide));
        let fewest = wide[..4].iter().map(|segment| segment.bands[0].count()).min().unwrap();
        assert!((15..=17).contains(&fewest), "{fewest}");
        // It is one of the ways among which windows choose.
        for (size, threads) in [(Size { width: 536, height: 408 }, 1), (Size { width: 3000, height: 2000 }, 64)] {
            assert!(Storage::ways_for_threads(threads, size).contains(&Storage::for_threads(threads, size)));
        }
        // Each of many threads gets rows to work on.
        assert_eq!(bands(1048, 792, 64)[0], ("relu1_2".to_owned(), 2));
    }

    #[test]
    fn a_pooled_map_that_cannot_be_bound_stays_within_a_segment() {
        let names: Vec<String> = summary(1024, Storage::for_binding(40 << 20, Precision::F32).banding)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["relu1_1 to relu2_2", "relu3_1 to relu3_4", "relu4_1 to relu5_1"]);
    }
}
