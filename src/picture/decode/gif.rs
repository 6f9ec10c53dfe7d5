//! GIF: the first frame.

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};
use image::metadata::Orientation;

use super::super::{PictureError, colour};
use super::{Failure, Frames, Job, Opened, Source, Traits};
use crate::plan::Size;

const WHITE: [u8; 3] = [255; 3];

pub(super) fn decode(source: &mut Source, job: &Job) -> Result<Opened, Failure> {
    // The decoder holds what programs have added.
    let held = source.held() + source.length();
    let failed = |error| gif_error(job, error);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    // The frame's indices are held here; the decoder holds no more than its tables and what it skips.
    options.set_memory_limit(MemoryLimit::Bytes(const { std::num::NonZeroU64::new(16 << 20).expect("not zero") }));
    let mut decoder = options.read_info(source).map_err(failed)?;
    let own = Size { width: decoder.width().into(), height: decoder.height().into() };
    job.admit(own, held)?;
    let frame = decoder.next_frame_info().map_err(failed)?.ok_or_else(|| job.damaged("there is no picture in it"))?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    let transparent = frame.transparent;
    let palette = frame.palette.clone();
    job.admit(own, held + (width * height) as u64)?;
    let palette = palette.or_else(|| decoder.global_palette().map(<[u8]>::to_vec)).unwrap_or_default();
    let mut indices = vec![0; width * height];
    decoder.read_into_buffer(&mut indices).map_err(failed)?;

    // Only whether another begins: it may be broken, for it is not used.
    let animated = matches!(decoder.next_frame_info(), Ok(Some(_)));
    let traits = Traits {
        orientation: Orientation::NoTransforms,
        profile: None,
        frames: if animated { Frames::Animated } else { Frames::Single },
    };
    // What the frame leaves open shows what is behind a transparent picture; so does an index beyond the palette.
    let colour = |index: u8| {
        let entry = palette.as_chunks().0.get(usize::from(index)).filter(|_| Some(index) != transparent);
        entry.copied().unwrap_or(WHITE)
    };
    let mut canvas = job.canvas(own, 1, 3, &traits);
    let across = own.width as usize;
    let mut rows = Vec::new();
    for y in 0..own.height as usize {
        let start = rows.len();
        rows.resize(start + 3 * across, 255);
        if let Some(row) = y.checked_sub(top).filter(|y| *y < height) {
            let frame = &indices[row * width..(row + 1) * width];
            let row = rows[start..].as_chunks_mut().0.iter_mut().skip(left);
            row.zip(frame).for_each(|(pixel, index)| *pixel = colour(*index));
        }
        if rows.len() >= 3 * across * canvas.batch() {
            canvas.push(&rows, colour::byte)?;
            rows.clear();
        }
    }
    canvas.push(&rows, colour::byte)?;
    job.finish(own, canvas, &traits)
}

fn gif_error(job: &Job, error: DecodingError) -> PictureError {
    match error {
        DecodingError::Io(reason) => job.failed(reason),
        error => job.damaged(error),
    }
}
