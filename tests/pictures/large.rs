//! Pictures and files that are larger than what is held of them.

use super::hostile::memory::peak;
use super::writing::shares;
use super::*;
use crate::common::in_status;
use impasto::picture::Detail;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::process::Command;
use tiff::encoder::{Compression, TiffEncoder, colortype};

/// Its samples of 8 bits take 18 MB, and noise of that many levels is compressed by nothing.
const WRITTEN: Size = Size { width: 3000, height: 2001 };
/// Rows, a piece of the file, and what the compression keeps, in KiB.
const MOST: u64 = 8 << 10;
const FILE: &str = "IMPASTO_TEST_FILE";

/// Writes a picture for the next test, in a process of its own.
#[test]
#[ignore = "is run by another test"]
fn child() {
    let path = PathBuf::from(std::env::var_os(FILE).expect("the parent names a file"));
    let depth = if path.ends_with("16.png") || path.ends_with("16.tiff") { Depth::Sixteen } else { Depth::Eight };
    let encoding = Encoding { alpha: Some(shares(size(300, 201), 255, 6)), depth, ..Encoding::default() };
    let picture = Picture::noise(WRITTEN, 5);
    let before = in_status("self", "VmRSS");
    picture.save_as(&path, &encoding).unwrap_or_else(|error| panic!("{error}"));
    println!("\ntook {} KiB", in_status("self", "VmHWM") - before);
}

#[test]
fn png_and_tiff_are_written_in_the_memory_of_some_rows() {
    let (directory, noise) = (directory(), Picture::noise(WRITTEN, 5));
    for (name, most) in
        [("8.png", 1.0 / 255.0), ("16.png", 0.51 / 65535.0), ("8.tiff", 1.0 / 255.0), ("16.tiff", 0.51 / 65535.0)]
    {
        let path = directory.path().join(name);
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "pictures::large::child", "--ignored", "--nocapture"]).env(FILE, &path);
        let output = command.output().expect("this program runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let took = said.lines().find_map(|line| line.strip_prefix("took ")?.strip_suffix(" KiB"));
        let took: u64 = took.unwrap_or_else(|| panic!("{output:?}")).parse().expect("a number");
        assert!(took < MOST, "{name} took {took} KiB");
        let opened = Picture::open_for(&path, Detail::Full).unwrap_or_else(|error| panic!("{error}"));
        let alpha = opened.alpha.expect("it is not opaque");
        let pixels = opened.picture.pixels().chunks(3).zip(noise.pixels().chunks(3)).zip(alpha.values());
        for ((found, wanted), _) in pixels.filter(|(_, alpha)| **alpha > 0.0) {
            let near = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() <= most);
            assert!(near, "{name}: {found:?} for {wanted:?}");
        }
    }
}

/// More than 2^28 pixels, black but for some rows.
const READ: Size = Size { width: 17_000, height: 16_000 };

fn is_white(row: u32) -> bool {
    (8000..9000).contains(&row)
}

fn png_of_many_pixels(path: &Path) {
    let file = BufWriter::new(fs::File::create(path).expect("a new file"));
    let mut encoder = png::Encoder::new(file, READ.width, READ.height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().expect("a header");
    let mut stream = writer.stream_writer().expect("a stream");
    for y in 0..READ.height {
        stream.write_all(&vec![if is_white(y) { 255 } else { 0 }; READ.width.div_ceil(8) as usize]).expect("a row");
    }
    stream.finish().expect("an end");
}

fn tiff_of_many_pixels(path: &Path) {
    let file = BufWriter::new(fs::File::create(path).expect("a new file"));
    let mut encoder = TiffEncoder::new_big(file).expect("a header").with_compression(Compression::Packbits);
    let pixels: Vec<u8> =
        (0..READ.height).flat_map(|y| vec![if is_white(y) { 255 } else { 0 }; READ.width as usize]).collect();
    encoder.write_image::<colortype::Gray8>(READ.width, READ.height, &pixels).expect("a picture");
}

#[test]
fn more_pixels_than_are_held_are_read_for_a_smaller_use() {
    let directory = directory();
    let (png, tiff) = (directory.path().join("large.png"), directory.path().join("large.tiff"));
    png_of_many_pixels(&png);
    tiff_of_many_pixels(&tiff);
    for path in [png, tiff] {
        let error = Picture::open(&path).expect_err("more than is held");
        assert!(matches!(error, PictureError::TooManyPixels { .. }), "{error:?}");
        assert_clear(&error, &path);
        let (peak, result) = peak(&path, Some(50));
        assert_eq!(result, "100x94");
        // Its pixels take 260 MiB of 8 bits.
        assert!(peak < 70, "{}: {peak} MiB", path.display());
        let opened = Picture::open_for(&path, Detail::LongSide(50)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((opened.size, opened.picture.size()), (READ, size(100, 94)));
        let row = READ.height as f32 / 94.0;
        for y in 0..94 {
            let (first, end) = (y as f32 * row, (y + 1) as f32 * row);
            let white = (end.min(9000.0) - first.max(8000.0)).max(0.0) / row;
            assert_near(&pixel(&opened.picture, 37, y), &[white; 3], 1e-4);
        }
    }
}

/// A BigTIFF whose only strip lies beyond what 32 bits count, in a file that is mostly a hole.
#[test]
fn files_longer_than_four_gibibytes_are_read_where_rows_are() {
    let directory = directory();
    let picture = whole_values(size(9, 7), 3);
    let samples: Vec<u8> = picture.pixels().iter().map(|value| (value * 255.0).round() as u8).collect();
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new_big(&mut bytes).expect("a header");
    encoder.write_image::<colortype::RGB8>(9, 7, &samples).expect("a picture");
    let mut bytes = bytes.into_inner();
    // StripOffsets, one number of 64 bits.
    let entry = [273u16.to_le_bytes(), 16u16.to_le_bytes()].concat();
    let at = bytes.windows(4).position(|found| found == entry).expect("the entry") + 12;
    let far = (5u64 << 30) + 3;
    bytes[at..at + 8].copy_from_slice(&far.to_le_bytes());
    let path = put(&directory, "far.tiff", &bytes);
    let mut file = fs::File::options().write(true).open(&path).expect("the file");
    file.seek(SeekFrom::Start(far)).and_then(|_| file.write_all(&samples)).expect("a hole takes no room");
    assert_eq!(open(&path), picture);

    let bmp = put(&directory, "far.bmp", encoded(&rgb_image(&picture), ImageFormat::Bmp));
    let file = fs::File::options().write(true).open(&bmp).expect("the file");
    file.set_len(far).expect("a hole takes no room");
    let error = Picture::open(&bmp).expect_err("a format that is not read by rows");
    assert!(matches!(error, PictureError::TooManyBytes { .. }), "{error:?}");
}

/// A header says at once whether a stream is worth holding.
#[test]
fn streams_of_many_pixels_are_judged_by_their_use() {
    let directory = directory();
    let path = directory.path().join("large.png");
    png_of_many_pixels(&path);
    let bytes = fs::read(&path).expect("the file");
    let mut count = 0;
    struct Counting<'a>(&'a [u8], &'a mut usize);
    impl Read for Counting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(buffer)?;
            *self.1 += read;
            Ok(read)
        }
    }
    let error = Picture::read_for(Path::new("-"), Counting(&bytes, &mut count), Detail::Full).expect_err("too many");
    assert!(matches!(error, PictureError::TooManyPixels { .. }) && count < bytes.len(), "{count}: {error:?}");
    let opened = Picture::read_for(Path::new("-"), Counting(&bytes, &mut count), Detail::LongSide(50));
    assert_eq!(opened.unwrap_or_else(|error| panic!("{error}")).size, READ);
}
