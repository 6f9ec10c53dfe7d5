//! What must hold of bytes of any kind. One function for each kind of file that impasto reads; the tests, the fuzzer and
//! the attack all run these. Each says how much was accepted, and panics where something does not hold.

use super::{
    mutate::{Kind, repaired},
    seeds,
};
use impasto::{
    Device, Engine,
    picture::{Detail, Opened, Picture, recorded},
    plan::Size,
    style::{Checkpoint, Inputs, Painting, Status},
    vgg19::Layer,
    weights::{self, Filters, Format},
};
use std::{
    io::Write,
    path::Path,
    sync::{Arc, OnceLock},
};

/// From bytes that may be anything to the number of bytes that what was accepted takes; none if it was refused.
pub type Target = fn(&[u8]) -> Option<u64>;

/// All, by name.
pub const TARGETS: [(&str, Target); 4] =
    [("picture", picture), ("weights", weights), ("checkpoint", checkpoint), ("json", json)];

/// Sizes of a painting that is taken further.
const SMALL: u32 = 64;

/// The long side that a picture is reduced for: the seeds' are several times as long.
const REDUCED: u32 = 4;

/// The longest sentence that a user would read.
const LONGEST_SENTENCE: usize = 1000;

/// A picture of any format, from a stream in full and from a file as large as it is used: what is accepted is a picture.
pub fn picture(bytes: &[u8]) -> Option<u64> {
    let full = accepted(Picture::read_for(Path::new("a stream"), bytes, Detail::Full));
    let small = with_file(bytes, |path| accepted(Picture::open_for(path, Detail::LongSide(REDUCED))));
    let long = |size: Size| size.width.max(size.height);
    with_file(bytes, |path| accepted(recorded(path)));
    for Opened { picture, size, alpha, .. } in full.iter().chain(&small) {
        if let Some(alpha) = alpha {
            assert_eq!((alpha.size(), alpha.values().len()), (picture.size(), picture.size().pixels()));
            assert!(alpha.values().iter().all(|value| (0.0..=1.0).contains(value)), "an alpha outside [0, 1]");
        }
        assert_eq!(picture.pixels().len(), 3 * picture.size().pixels());
        assert!(picture.size().pixels() > 0 && long(picture.size()) >= long(*size).min(2 * REDUCED));
        assert!(picture.pixels().iter().all(|value| (0.0..=1.0).contains(value)), "a value outside [0, 1]");
    }
    full.iter().chain(&small).map(|opened| size_of_val(opened.picture.pixels()) as u64).max()
}

/// A weights file: what is accepted has the network's shapes and finite numbers, and can be looked into.
pub fn weights(bytes: &[u8]) -> Option<u64> {
    with_file(bytes, |path| {
        let info = accepted(weights::info(path));
        let loaded = [
            accepted(weights::load_all(path, Format::Torchvision)),
            accepted(weights::load_all(path, Format::Caffe)),
            accepted(weights::load(path, Format::Torchvision, Layer::FIRST)),
        ];
        for filters in loaded.iter().flatten() {
            check_filters(filters);
            assert!(info.as_ref().is_some_and(|info| info.deepest.is_some()), "loaded, but without filters");
        }
        if let Some(info) = &info {
            assert_eq!(info.bytes, bytes.len() as u64);
        }
        loaded.iter().flatten().map(Filters::bytes).max()
    })
}

fn check_filters(filters: &Filters) {
    let deepest = filters.deepest().expect("at least the first layer was loaded");
    let numbers = [filters.normalisation.mean, filters.normalisation.deviation].concat();
    assert!(numbers.iter().all(|value| value.is_finite()) && filters.normalisation.deviation.iter().all(|d| *d > 0.0));
    for (layer, filters) in deepest.up_to().zip(&filters.layers) {
        let (inputs, outputs) = (layer.input_channels().next_multiple_of(4) as usize, layer.output_channels() as usize);
        assert_eq!((filters.weight.len(), filters.bias.len()), (9 * inputs * outputs, outputs));
        assert!(filters.weight.iter().chain(&filters.bias).all(|value| value.is_finite()));
    }
}

/// A checkpoint, as it is and with the digest that belongs to it: what is accepted is saved and read to the same, and
/// the painting goes on or says why not.
pub fn checkpoint(bytes: &[u8]) -> Option<u64> {
    let mended = repaired(Kind::Checkpoint, bytes.to_vec());
    let variants = if mended == bytes { vec![mended] } else { vec![bytes.to_vec(), mended] };
    variants.iter().filter_map(|bytes| one_checkpoint(bytes)).max()
}

fn one_checkpoint(bytes: &[u8]) -> Option<u64> {
    with_file(bytes, |path| {
        let read = accepted(Checkpoint::read(path))?;
        read.recipe().check().expect("an accepted recipe is in range");
        assert!(read.size().pixels() > 0 && read.iteration() < 1 << 31);
        read.save(path).expect("what was read can be written");
        assert!(Checkpoint::read(path).expect("what was written can be read") == read);
        go_on(read);
        Some(bytes.len() as u64)
    })
}

/// A few steps from a checkpoint, if it is one of the pictures and filters of the seeds.
fn go_on(checkpoint: Checkpoint) {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| {
        Engine::new(&Device::Cpu(None), Arc::new(seeds::filters())).expect("the processor takes any filters")
    });
    let resumed = Painting::resume(engine, Inputs::new(seeds::content(), seeds::style()), checkpoint);
    let Some(mut painting) = accepted(resumed) else { return };
    if painting.sizes().iter().any(|size| size.width.max(size.height) > SMALL) {
        return;
    }
    for _ in 0..12 {
        match accepted(painting.wait()) {
            None | Some(Status::Done) => break,
            Some(_) => {}
        }
    }
    accepted(painting.picture());
}

/// JSON in every place where impasto reads some: the header of a weights file, its entries about the input, a
/// checkpoint's painting, and the small files in the cache.
pub fn json(bytes: &[u8]) -> Option<u64> {
    let header = [&(bytes.len() as u64).to_le_bytes(), bytes].concat();
    let header = with_file(&header, |path| accepted(weights::info(path)));
    let text = String::from_utf8_lossy(bytes);
    let described =
        with_file(&seeds::described_weights(&text), |path| accepted(weights::load_all(path, Format::Torchvision)));
    described.iter().for_each(check_filters);
    let painted = checkpoint(&seeds::checkpoint_of(&text));
    with_file(bytes, |path| {
        drop(weights::cache::noted_digest(path));
    });
    let tuned = impasto::gpu::tuned_shapes(bytes).is_some();
    #[cfg(feature = "fetch")]
    let tuned = tuned | weights::is_fetch_state(bytes);
    (header.is_some() || described.is_some() || painted.is_some() || tuned).then_some(bytes.len() as u64)
}

fn with_file<T>(bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let mut file = tempfile::NamedTempFile::new().expect("there is room for a small file");
    file.write_all(bytes).expect("there is room for a small file");
    read(file.path())
}

/// What was accepted; the refusal of anything else must be a sentence that a terminal shows as it is.
fn accepted<T, E: std::fmt::Display>(result: Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.chars().count() <= LONGEST_SENTENCE, "{} characters", sentence.chars().count());
            assert!(sentence.chars().all(is_shown), "{sentence:?}");
            None
        }
    }
}

/// Neither a control character nor one that changes the direction of what follows.
pub fn is_shown(character: char) -> bool {
    let turns = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'].contains(&character)
        || ('\u{202a}'..='\u{202e}').contains(&character)
        || ('\u{2066}'..='\u{2069}').contains(&character);
    !character.is_control() && !turns
}
