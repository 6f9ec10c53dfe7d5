//! Files made to break their reader, and how much memory they and large ones take.

use super::*;
use impasto::picture::Detail;
use std::io::{Read, Write};

/// A palette of one colour and a third of another, at which the png crate panics.
pub fn broken_palette() -> Vec<u8> {
    png(1, 1, 8, 3, &[chunk(b"PLTE", &[1, 2, 3, 4]), chunk(b"IDAT", &stored(&[0, 0]))])
}

/// A zlib stream of one stored block.
fn stored(data: &[u8]) -> Vec<u8> {
    let (mut a, mut b) = (1u32, 0u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    let length = data.len() as u16;
    let head = [&[0x78, 0x01, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    [&head, data, &(b << 16 | a).to_be_bytes()].concat()
}

fn refused(bytes: impl AsRef<[u8]>) -> PictureError {
    Picture::read_for(Path::new("-"), bytes.as_ref(), Detail::Full).expect_err("refused")
}

#[test]
fn a_decoder_that_panics_ends_in_a_sentence() {
    let error = refused(broken_palette());
    assert!(matches!(&error, PictureError::Damaged { format: "PNG", .. }), "{error:?}");
    assert!(error.to_string().contains("contradict each other"), "{error}");
    let indices = chunk(b"IDAT", &stored(&[0, 3, 255]));
    let palettes = [&[7][..], &[7; 2], &[7; 3], &[7; 5], &[7; 767], &[7; 900]];
    for (palette, transparency) in palettes.into_iter().flat_map(|palette| [(palette, 0), (palette, 1), (palette, 300)])
    {
        let transparency = chunk(b"tRNS", &vec![9; transparency]);
        for (depth, colour) in [(8, 3), (4, 3), (8, 0), (8, 2), (16, 0)] {
            let bytes = png(2, 1, depth, colour, &[chunk(b"PLTE", palette), transparency.clone(), indices.clone()]);
            // An index without a colour is black; all else that is out of order may be read or refused.
            let _ = Picture::read_for(Path::new("-"), &bytes[..], Detail::Full);
        }
    }
}

#[test]
fn streams_without_an_end_are_left_in_time() {
    /// Counts what is read of it.
    struct Endless<'a>(&'a mut u64);
    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            *self.0 += buffer.len() as u64;
            buffer.fill(0);
            Ok(buffer.len())
        }
    }
    let small = png(3, 2, 8, 2, &[]);
    let jpeg = encoded(&quarters(64, 64), ImageFormat::Jpeg);
    let huge = png(60_000, 60_000, 8, 2, &[]);
    let cases = [
        (&small[..33], "TooManyBytes", 600 << 20),
        (&jpeg[..jpeg.len() - 2], "TooManyBytes", 600 << 20),
        (&huge[..33], "TooManyPixels", 1 << 20),
        (&b"GIF89a\x03\0\x02\0\x80\0\0\0\0\0\0\0\0"[..], "TooManyBytes", 600 << 20),
        (&[], "UnknownContent", 1 << 10),
    ];
    for (start, kind, most) in cases {
        let mut count = 0;
        let error =
            Picture::read_for(Path::new("-"), start.chain(Endless(&mut count)), Detail::Full).expect_err("endless");
        assert!(format!("{error:?}").starts_with(kind), "{error:?}");
        assert!(count < most, "{count} bytes for {error}");
        assert_clear(&error, Path::new("-"));
    }
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_without_an_end_are_left_in_time() {
    let error = Picture::open("/dev/zero").expect_err("zeros are no picture");
    assert!(matches!(error, PictureError::UnknownContent { .. }), "{error:?}");
    let directory = directory();
    let pipe = directory.path().join("pipe.png");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo, which every Unix has");
    assert!(made.success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut pipe = fs::File::create(pipe).expect("the writing end");
            pipe.write_all(&png(60_000, 60_000, 8, 2, &[])[..33]).expect("a reader");
            // Until the reader has seen enough.
            while pipe.write_all(&[0; 4096]).is_ok() {}
        }
    });
    let error = Picture::open(&pipe).expect_err("endless");
    assert!(matches!(error, PictureError::TooManyPixels { .. }), "{error:?}");
    writer.join().expect("the writer ends when nobody reads");
}

#[cfg(target_os = "linux")]
pub(super) mod memory {
    use super::*;
    use std::process::Command;

    /// Reads a picture for `peak`, in a process of its own.
    #[test]
    #[ignore = "is run by other tests"]
    fn child() {
        let path = std::env::var_os("IMPASTO_TEST_PICTURE").expect("the parent names a file");
        let long = std::env::var("IMPASTO_TEST_LONG_SIDE").ok().map(|long| long.parse().expect("a number"));
        let result = Picture::open_for(path, long.map_or(Detail::Full, Detail::LongSide));
        let peak = crate::common::in_status("self", "VmHWM");
        let result = result.map_or_else(|error| error.to_string(), |opened| opened.picture.size().to_string());
        println!("\npeak {} MiB: {result}", peak >> 10);
    }

    /// The most memory that a process took which read a file, in MiB, and what came of it.
    pub(crate) fn peak(path: &Path, long: Option<u32>) -> (u64, String) {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "pictures::hostile::memory::child", "--ignored", "--nocapture"]);
        command.env("IMPASTO_TEST_PICTURE", path);
        if let Some(long) = long {
            command.env("IMPASTO_TEST_LONG_SIDE", long.to_string());
        }
        let output = command.output().expect("this program runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("peak ")).unwrap_or_else(|| panic!("{output:?}"));
        let (peak, result) = line.split_once(" MiB: ").expect("both");
        (peak.parse().expect("a number"), result.to_owned())
    }

    /// The zlib stream of some MiB of zeros.
    fn zeros(mib: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, (1 << 20) - 1, mib);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_filter(png::Filter::NoFilter);
        let mut writer = encoder.write_header().expect("a header");
        let mut stream = writer.stream_writer().expect("a stream");
        (0..mib).for_each(|_| stream.write_all(&vec![0; (1 << 20) - 1]).expect("a row"));
        stream.finish().expect("an end");
        drop(writer);
        let (mut at, mut data) = (8, Vec::new());
        while at < bytes.len() {
            let length = u32::from_be_bytes(*bytes[at..].first_chunk().expect("a length")) as usize;
            if bytes[at + 4..at + 8] == *b"IDAT" {
                data.extend_from_slice(&bytes[at + 8..at + 8 + length]);
            }
            at += length + 12;
        }
        data
    }

    #[test]
    fn a_few_bytes_that_claim_much_are_refused_within_little() {
        let directory = directory();
        let blank = |side, format| encoded(&DynamicImage::new_rgb8(side, side), format);
        let mut jpeg = blank(64, ImageFormat::Jpeg);
        let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).expect("a baseline frame");
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0x40, 0, 0x40, 0]);
        let mut bmp = blank(64, ImageFormat::Bmp);
        bmp[18..26].copy_from_slice(&[0, 0x40, 0, 0, 0, 0x40, 0, 0]);
        let mut webp = blank(64, ImageFormat::WebP);
        // 16383x16383: 14 bits of width and height, less one, after the signature.
        webp[21..25].copy_from_slice(&[0xFE, 0xBF, 0xFF, 0x0F]);
        let mut avif = avif_files::bytes(avif_files::QUARTERS);
        let ispe = avif.windows(4).position(|kind| kind == b"ispe").expect("a size");
        avif[ispe + 8..ispe + 16].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
        let gif = b"GIF89a\0\x40\0\x40\x80\0\0\0\0\0\xFF\xFF\xFF\x2C\0\0\0\0\0\x40\0\x40\0\x02\x02\x44\x01\0;";
        let mut tiff = blank(64, ImageFormat::Tiff);
        let entries = tiff
            .windows(4)
            .enumerate()
            .filter(|(_, tag)| [[0, 1, 4, 0], [1, 1, 4, 0]].contains(&[tag[0], tag[1], tag[2], tag[3]]));
        let places: Vec<usize> = entries.map(|(at, _)| at + 8).collect();
        assert_eq!(places.len(), 2, "width and height");
        places.iter().for_each(|at| tiff[*at..at + 4].copy_from_slice(&[0, 0x40, 0, 0]));
        let cases = [
            ("png", png(16_384, 16_384, 8, 2, &[chunk(b"IDAT", &zeros(8))])),
            ("interlaced", {
                let mut interlaced = png(16_384, 16_384, 16, 6, &[chunk(b"IDAT", &zeros(8))]);
                interlaced[28] = 1;
                let header = chunk(b"IHDR", &interlaced[16..29]);
                interlaced[8..33].copy_from_slice(&header);
                interlaced
            }),
            ("jpeg", jpeg),
            ("bmp", bmp),
            ("webp", webp),
            ("avif", avif),
            ("gif", gif.to_vec()),
            ("tiff", tiff),
            ("pnm", b"P6 16384 16384 255\n".to_vec()),
        ];
        for (name, bytes) in cases {
            assert!(bytes.len() < 32 << 10, "{name}: {} bytes", bytes.len());
            let path = put(&directory, name, bytes);
            for long in [None, Some(512)] {
                let (peak, result) = peak(&path, long);
                assert!(result.contains(name) && result.contains(' '), "{name} for {long:?} was read: {result}");
                assert!(peak < 100, "{name} for {long:?}: {peak} MiB, {result}");
            }
        }
    }

    #[test]
    fn what_is_not_pixels_is_bounded_too() {
        let directory = directory();
        let bomb = zeros(512);
        assert!(bomb.len() < 8 << 20, "{}", bomb.len());
        let pixels = chunk(b"IDAT", &stored(&[0, 51, 102, 204]));
        let text = [b"a\0\0", &bomb[..]].concat();
        let international = [b"a\0\x01\0\0\0", &bomb[..]].concat();
        let with = |kind, data: &[u8]| png(1, 1, 8, 2, &[chunk(kind, data), pixels.clone()]);
        let jpeg = encoded(&quarters(32, 16), ImageFormat::Jpeg);
        let profile = (1..=255).flat_map(|part| {
            let head = [&[0xFF, 0xE2, 0xFF, 0xFF][..], b"ICC_PROFILE\0", &[part, 255]].concat();
            [head, vec![0; 65535 - 16]].concat()
        });
        let jpeg = jpeg[..2].iter().copied().chain(profile).chain(jpeg[2..].iter().copied()).collect();
        let cases = [
            ("iccp.png", with(b"iCCP", &text), "1x1"),
            ("ztxt.png", with(b"zTXt", &text), "1x1"),
            ("itxt.png", with(b"iTXt", &international), "1x1"),
            ("exif.png", with(b"eXIf", &vec![0; 40 << 20]), "more than 16 MiB"),
            ("profile.jpeg", jpeg, "32x16"),
        ];
        for (name, bytes, expected) in cases {
            let (peak, result) = peak(&put(&directory, name, bytes), None);
            assert!(result.contains(expected), "{name}: {result}");
            assert!(peak < 150, "{name}: {peak} MiB");
        }
    }

    #[test]
    fn large_pictures_for_a_small_use_take_little() {
        let directory = directory();
        let (width, height) = (6000, 4500);
        let image =
            image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x / 7) as u8, (y / 5) as u8, (x ^ y) as u8]));
        let jpeg = put(&directory, "large.jpg", encoded(&DynamicImage::ImageRgb8(image), ImageFormat::Jpeg));
        let png = directory.path().join("large.png");
        let file = fs::File::create(&png).expect("a file");
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Sixteen);
        encoder.set_compression(png::Compression::Fastest);
        let mut writer = encoder.write_header().expect("a header");
        let mut stream = writer.stream_writer().expect("a stream");
        for y in 0..height {
            let row: Vec<u8> = (0..width).flat_map(|x| [x as u8, y as u8, 0, 1, 2, 3, 200, 0]).collect();
            stream.write_all(&row).expect("a row");
        }
        stream.finish().expect("an end");
        drop(writer);
        for (path, long, size) in
            [(&jpeg, 128, "260x195"), (&jpeg, 512, "1200x900"), (&png, 128, "260x195"), (&png, 512, "1200x900")]
        {
            let (peak, result) = peak(path, Some(long));
            assert_eq!(result, size);
            // Its pixels alone take 77 MiB of 8 bits, 206 of 16, and 309 as floating-point numbers.
            assert!(peak < 60, "{} for {long}: {peak} MiB", path.display());
        }
    }
}

#[test]
fn absurd_headers_are_refused() {
    let directory = directory();
    // Little-endian TIFF of one directory: tag, type, count, value.
    let tiff = |entries: &[(u16, u16, u32, u32)]| {
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
        }
        // The directory follows itself.
        bytes.extend(8u32.to_le_bytes());
        bytes
    };
    let base = [
        (256, 4, 1, 4000),
        (257, 4, 1, 4000),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, 4000),
        (279, 4, 1, 16_000_000),
    ];
    let changes = [
        (273, 4, 1, u32::MAX),
        (273, 4, u32::MAX, 8),
        (273, 4, 1 << 28, 8),
        (278, 4, 1, 0),
        (279, 4, 1, 10),
        (259, 3, 1, 34_925),
        (259, 3, 1, 5),
        (259, 3, 1, 7),
        (259, 3, 1, 8),
        (258, 3, 1, 65_535),
        (277, 3, 1, 60_000),
        (256, 4, 1, u32::MAX),
        (257, 4, 1, 0),
        (262, 3, 1, 3),
        (278, 4, 1, u32::MAX),
    ];
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for change in changes {
        let entries = base.map(|entry| if entry.0 == change.0 { change } else { entry });
        files.push((format!("tiff {change:?}"), tiff(&entries)));
    }
    let tiles = [(322, 4, 1, 1 << 31), (323, 4, 1, 1 << 31), (324, 4, 1, 8), (325, 4, 1, 100)];
    files.push(("tiff of huge tiles".into(), tiff(&[&base[..5], &tiles].concat())));
    let profile = [&base[..], &[(34_675, 7, u32::MAX, 8)]].concat();
    files.push(("tiff with a profile of 4 GiB".into(), tiff(&profile)));
    let bmp = encoded(&quarters(8, 8), ImageFormat::Bmp);
    for (width, height) in [(-8, 8), (8, i32::MIN), (i32::MAX, i32::MAX), (i32::MIN, i32::MIN), (1 << 20, 200)] {
        let mut bmp = bmp.clone();
        bmp[18..22].copy_from_slice(&i32::to_le_bytes(width));
        bmp[22..26].copy_from_slice(&i32::to_le_bytes(height));
        files.push((format!("bmp {width} {height}"), bmp));
    }
    for text in
        ["P6 99999999999 2 255\n", "P5 0 0 255\n", "P5 2 2 0\n", "P5 2 2 99999\n", "P7\nWIDTH 2\n", "P3 2 1 255 1 2 x"]
    {
        files.push((text.into(), text.into()));
    }
    files.push(("gif of 65535x65535".into(), b"GIF89a\xFF\xFF\xFF\xFF\0\0\0;".to_vec()));
    for (name, bytes) in files {
        let path = put(&directory, "absurd", bytes);
        let error = Picture::open(&path).err().unwrap_or_else(|| panic!("{name} was read"));
        assert_clear(&error, &path);
    }
}
