//! GIF: the first frame.

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use super::super::{PictureError, colour};
use super::{Failure, Frames, Job, Opened, Source, Traits};
use crate::plan::Size;

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
    job.admit(own, 3, held)?;
    let frame = decoder.next_frame_info().map_err(failed)?.ok_or_else(|| job.damaged("there is no picture in it"))?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    let transparent = frame.transparent;
    let palette = frame.palette.clone();
    job.admit(own, 3, held + (width * height) as u64)?;
    let palette = palette.or_else(|| decoder.global_palette().map(<[u8]>::to_vec)).unwrap_or_default();
    let mut indices = vec![0; width * height];
    decoder.read_into_buffer(&mut indices).map_err(failed)?;

    // Only whether another begins: it may be broken, for it is not used.
    let animated = matches!(decoder.next_frame_info(), Ok(Some(_)));
    let frames = if animated { Frames::Animated } else { Frames::Single };
    let traits = Traits { frames, ..Traits::default() };
    // What the frame leaves open is transparent; so is an index beyond the palette.
    let colour = |index: u8| {
        let entry = palette.as_chunks::<3>().0.get(usize::from(index)).filter(|_| Some(index) != transparent);
        entry.map(|[red, green, blue]| [*red, *green, *blue, 255])
    };
    let covered = (left, top) == (0, 0) && width >= own.width as usize && height >= own.height as usize;
    let channels = if covered && indices.iter().all(|index| colour(*index).is_some()) { 3 } else { 4 };
    job.admit(own, channels, held + (width * height) as u64)?;
    let mut canvas = job.canvas(own, 1, channels, &traits);
    let across = channels * own.width as usize;
    let mut rows = Vec::new();
    for y in 0..own.height as usize {
        let start = rows.len();
        rows.resize(start + across, 0);
        if let Some(row) = y.checked_sub(top).filter(|y| *y < height) {
            let frame = &indices[row * width..(row + 1) * width];
            let row = rows[start..].chunks_exact_mut(channels).skip(left);
            row.zip(frame).for_each(|(pixel, index)| {
                pixel.copy_from_slice(&colour(*index).unwrap_or_default()[..channels]);
            });
        }
        if rows.len() >= across * canvas.batch() {
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
