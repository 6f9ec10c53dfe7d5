//! Real files of every kind, in and out.

pub mod avif_files;
mod detail;
mod formats;
mod hostile;
#[cfg(target_os = "linux")]
mod large;
mod masks;
mod profiles;
mod records;
mod transparency;
mod writing;

#[cfg(all(feature = "cli", feature = "fetch"))]
pub use hostile::broken_palette;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat};
use impasto::picture::{Depth, Encoding, Picture, PictureError, check_writable};
use impasto::plan::Size;
use impasto::random::Random;
use moxcms::ColorProfile;
use tempfile::TempDir;

/// Those that can be written here.
const FORMATS: [(ImageFormat, &str); 6] = [
    (ImageFormat::Png, "png"),
    (ImageFormat::Jpeg, "jpg"),
    (ImageFormat::WebP, "webp"),
    (ImageFormat::Tiff, "tif"),
    (ImageFormat::Bmp, "bmp"),
    (ImageFormat::Pnm, "ppm"),
];

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn put(directory: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, bytes).expect("a file in a temporary directory");
    path
}

fn names(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).expect("a temporary directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("an encodable picture");
    bytes.into_inner()
}

/// A picture whose values are whole 255ths, as files of 8 bits hold them.
fn whole_values(size: Size, seed: u64) -> Picture {
    let mut random = Random::new(seed);
    let pixels = (0..3 * size.pixels()).map(|_| random.below(256) as f32 / 255.0).collect();
    Picture::new(size, pixels).expect("three values for each pixel")
}

fn rgb_image(picture: &Picture) -> DynamicImage {
    let bytes = picture.pixels().iter().map(|value| (value * 255.0).round() as u8).collect();
    let image = image::RgbImage::from_raw(picture.size().width, picture.size().height, bytes);
    DynamicImage::ImageRgb8(image.expect("three bytes for each pixel"))
}

fn open(path: &Path) -> Picture {
    Picture::open(path).unwrap_or_else(|error| panic!("{error}"))
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [f32; 3] {
    let at = 3 * (y * picture.size().width + x) as usize;
    [picture.pixels()[at], picture.pixels()[at + 1], picture.pixels()[at + 2]]
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "value {i} is {found}, expected {expected}");
    }
}

/// The message is one line that names the file.
#[track_caller]
fn assert_clear(error: &PictureError, path: &Path) {
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()) && !message.contains('\n'), "{message}");
}

#[test]
fn what_is_saved_without_loss_is_read_back_exactly() {
    let directory = directory();
    for extension in ["png", "webp", "tif", "tiff", "bmp", "PNG"] {
        for (i, size) in [size(1, 1), size(1, 9), size(37, 23)].into_iter().enumerate() {
            let picture = whole_values(size, i as u64);
            let path = directory.path().join(format!("{i}.{extension}"));
            picture.save(&path).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(open(&path), picture, "{}", path.display());
        }
    }
}

#[test]
fn a_jpeg_is_close_to_what_was_saved() {
    let directory = directory();
    let (size, path) = (size(61, 43), directory.path().join("slope.jpeg"));
    let pixels = (0..3 * size.pixels()).map(|i| (i / 3 % 61) as f32 / 90.0 + (i / 183) as f32 / 130.0).collect();
    let slope = Picture::new(size, pixels).expect("three values for each pixel");
    slope.save(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_near(open(&path).pixels(), slope.pixels(), 0.02);
}

#[test]
fn values_are_clamped_and_become_one_of_the_two_nearest_levels() {
    let directory = directory();
    let path = directory.path().join("rounded.png");
    let values = vec![-3.0, 0.01 / 255.0, 0.99 / 255.0, 99.005 / 255.0, 99.995 / 255.0, 7.0];
    Picture::new(size(2, 1), values).expect("two pixels").save(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(open(&path).pixels().iter().map(|v| v * 255.0).collect::<Vec<_>>(), [0.0, 0.0, 1.0, 99.0, 100.0, 255.0]);
}

#[test]
fn content_decides_about_the_format_and_not_the_name() {
    let directory = directory();
    let picture = whole_values(size(5, 4), 1);
    for (format, _) in FORMATS.into_iter().filter(|(format, _)| *format != ImageFormat::Jpeg) {
        let path = put(&directory, "misnamed.jpg", encoded(&rgb_image(&picture), format));
        assert_eq!(open(&path), picture, "{format:?}");
    }
}

/// A PNG chunk with its length and its checksum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checksum = u32::MAX;
    for byte in kind.iter().chain(data) {
        checksum ^= u32::from(*byte);
        for _ in 0..8 {
            checksum = (checksum >> 1) ^ (0xEDB8_8320 * (checksum & 1));
        }
    }
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &(!checksum).to_be_bytes()].concat()
}

fn png(width: u32, height: u32, depth: u8, colour: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunks.concat(), chunk(b"IEND", &[])].concat()
}

#[test]
fn other_sample_types_keep_their_precision() {
    let directory = directory();
    let values = [0u16, 1, 257, 40_000, 65_534, 65_535];
    let image = image::ImageBuffer::from_raw(2, 1, values.to_vec()).expect("two pixels");
    let expected: Vec<f32> = values.iter().map(|value| f32::from(*value) / 65535.0).collect();
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let path = put(&directory, "sixteen", encoded(&DynamicImage::ImageRgb16(image.clone()), format));
        assert_near(open(&path).pixels(), &expected, 1e-7);
    }
    let image = image::ImageBuffer::from_raw(2, 1, vec![-1.0, 0.25, 0.3, 0.4, 1.0, 2.0]).expect("two pixels");
    let path = put(&directory, "float", encoded(&DynamicImage::ImageRgb32F(image), ImageFormat::Tiff));
    assert_eq!(open(&path).pixels(), [0.0, 0.25, 0.3, 0.4, 1.0, 1.0]);
    let grey = image::ImageBuffer::from_raw(2, 1, vec![51u8, 255]).expect("two pixels");
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp] {
        let path = put(&directory, "grey", encoded(&DynamicImage::ImageLuma8(grey.clone()), format));
        assert_eq!(open(&path).pixels(), [0.2, 0.2, 0.2, 1.0, 1.0, 1.0], "{format:?}");
    }
}

#[test]
fn values_that_are_not_finite_are_counted() {
    let directory = directory();
    let image = image::ImageBuffer::from_raw(2, 1, vec![0.0, f32::NAN, 0.3, f32::INFINITY, 1.0, 2.0]);
    let image = DynamicImage::ImageRgb32F(image.expect("two pixels"));
    let path = put(&directory, "nan.tif", encoded(&image, ImageFormat::Tiff));
    let error = Picture::open(&path).expect_err("NaN is refused");
    assert!(matches!(error, PictureError::NotFiniteInFile { count: 2, total: 6, .. }), "{error:?}");
    assert_clear(&error, &path);
}

/// EXIF data with only an orientation.
fn exif(orientation: u16) -> Vec<u8> {
    let mut bytes = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    bytes.extend(orientation.to_be_bytes());
    bytes.extend([0; 6]);
    bytes
}

/// Colours that survive JPEG.
const QUARTERS: [[f32; 3]; 4] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0; 3]];

/// Corners (top left, top right, bottom left, bottom right) by the definition in the EXIF standard.
const UPRIGHT: [(u16, [usize; 4]); 8] = [
    (1, [0, 1, 2, 3]),
    (2, [1, 0, 3, 2]),
    (3, [3, 2, 1, 0]),
    (4, [2, 3, 0, 1]),
    (5, [0, 2, 1, 3]),
    (6, [2, 0, 3, 1]),
    (7, [3, 1, 2, 0]),
    (8, [1, 3, 0, 2]),
];

/// One colour each: top left red, top right green, bottom left blue, the rest white.
fn quarters(width: u32, height: u32) -> DynamicImage {
    let quarter = |x, y| QUARTERS[(y >= height / 2) as usize * 2 + (x >= width / 2) as usize];
    let pixels = (0..width * height).flat_map(|i| quarter(i % width, i / width)).collect();
    rgb_image(&Picture::new(size(width, height), pixels).expect("three values for each pixel"))
}

/// Whether the middles of the quarters are those of `corners`.
#[track_caller]
fn assert_quarters(picture: &Picture, corners: [usize; 4]) {
    let Size { width, height } = picture.size();
    let places = [(width / 8, height / 8), (width * 7 / 8, height / 8), (width / 8, height * 7 / 8)];
    for ((x, y), corner) in places.into_iter().chain([(width * 7 / 8, height * 7 / 8)]).zip(corners) {
        assert_near(&pixel(picture, x, y), &QUARTERS[corner], 0.06);
    }
}

/// Files with an EXIF orientation.
fn with_orientation(image: &DynamicImage, orientation: u16) -> Vec<(&'static str, Vec<u8>)> {
    let (width, height) = (image.width(), image.height());
    let jpeg = encoded(image, ImageFormat::Jpeg);
    let segment = [b"Exif\0\0".to_vec(), exif(orientation)].concat();
    let length = (segment.len() as u16 + 2).to_be_bytes();
    let jpeg = [&jpeg[..2], &[0xFF, 0xE1], &length, &segment, &jpeg[2..]].concat();
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_exif_metadata(exif(orientation)).expect("PNG holds EXIF data");
    encoder.write_image(image.as_bytes(), width, height, ExtendedColorType::Rgb8).expect("an encodable picture");
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(exif(orientation)).expect("WebP holds EXIF data");
    encoder.write_image(image.as_bytes(), width, height, ExtendedColorType::Rgb8).expect("an encodable picture");
    vec![("jpeg", jpeg), ("png", png), ("webp", webp)]
}

#[test]
fn pictures_are_turned_upright() {
    let directory = directory();
    let image = quarters(32, 16);
    for (orientation, corners) in UPRIGHT {
        for (name, bytes) in with_orientation(&image, orientation) {
            let picture = open(&put(&directory, name, bytes));
            let upright = if orientation < 5 { size(32, 16) } else { size(16, 32) };
            assert_eq!(picture.size(), upright, "{name} {orientation}");
            assert_quarters(&picture, corners);
        }
    }
}

/// The files that hold `image` and a colour profile.
fn with_profile(image: &DynamicImage, profile: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    fn write(mut encoder: impl ImageEncoder, image: &DynamicImage, profile: &[u8]) {
        encoder.set_icc_profile(profile.to_vec()).expect("a format that holds profiles");
        let colour = image.color().into();
        encoder.write_image(image.as_bytes(), image.width(), image.height(), colour).expect("an encodable picture");
    }
    let (mut png, mut jpeg, mut webp, mut tiff) = (Vec::new(), Vec::new(), Vec::new(), Cursor::new(Vec::new()));
    write(PngEncoder::new(&mut png), image, profile);
    write(JpegEncoder::new_with_quality(&mut jpeg, 100), image, profile);
    write(WebPEncoder::new_lossless(&mut webp), image, profile);
    write(TiffEncoder::new(&mut tiff), image, profile);
    let mut files = vec![("png", png), ("jpeg", jpeg), ("tiff", tiff.into_inner())];
    // A WebP is never grey, and a profile for grey says nothing of it.
    if image.color().has_color() {
        files.push(("webp", webp));
    }
    files
}

fn linear(value: f64) -> f64 {
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn coded(value: f64) -> f64 {
    if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 }
}

#[test]
fn display_p3_becomes_srgb() {
    let directory = directory();
    let profile = ColorProfile::new_display_p3().encode().expect("an encodable profile");
    for rgb in [[200u8, 120, 80], [90, 140, 100], [128, 128, 128], [0, 255, 0]] {
        let image = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(16, 16, image::Rgb(rgb)));
        // Linear Display P3 to linear sRGB (CSS Color Module Level 4, section 18); both have sRGB's transfer curve.
        let matrix = [
            [1.224_940_176_280_56, -0.224_940_176_280_56, 0.0],
            [-0.042_056_954_709_69, 1.042_056_954_709_69, 0.0],
            [-0.019_637_554_590_33, -0.078_636_045_550_63, 1.098_273_600_140_96],
        ];
        let light = rgb.map(|value| linear(f64::from(value) / 255.0));
        let expected = matrix.map(|row| {
            let value = row.iter().zip(light).map(|(m, v)| m * v).sum::<f64>();
            coded(value.clamp(0.0, 1.0)) as f32
        });
        for (name, bytes) in with_profile(&image, &profile) {
            let picture = open(&put(&directory, name, bytes));
            let tolerance = if name == "jpeg" { 0.02 } else { 0.003 };
            assert_near(&pixel(&picture, 7, 8), &expected, tolerance);
        }
    }
}

#[test]
fn grey_profiles_are_applied_to_grey_pictures() {
    let directory = directory();
    let profile = ColorProfile::new_gray_with_gamma(1.0).encode().expect("an encodable profile");
    let image = DynamicImage::ImageLuma8(image::GrayImage::from_pixel(16, 16, image::Luma([55])));
    for (name, bytes) in with_profile(&image, &profile) {
        let picture = open(&put(&directory, name, bytes));
        assert_near(&pixel(&picture, 3, 3), &[coded(55.0 / 255.0) as f32; 3], 0.003);
    }
}

#[test]
fn broken_and_unfitting_profiles_are_ignored() {
    let directory = directory();
    let p3 = ColorProfile::new_display_p3().encode().expect("an encodable profile");
    let grey = ColorProfile::new_gray_with_gamma(1.0).encode().expect("an encodable profile");
    let picture = whole_values(size(7, 5), 8);
    for profile in [b"no profile at all".to_vec(), p3[..p3.len() / 2].to_vec(), vec![0; 4000], grey] {
        let (_, png) = with_profile(&rgb_image(&picture), &profile).swap_remove(0);
        assert_eq!(open(&put(&directory, "broken", png)), picture, "a profile of {} bytes", profile.len());
    }
}

#[test]
fn files_cut_short_are_refused_wherever_they_are_cut() {
    let directory = directory();
    let image = rgb_image(&whole_values(size(21, 17), 4));
    for (format, name) in FORMATS {
        let bytes = encoded(&image, format);
        // The last chunk of a PNG says only that nothing follows.
        let needed = bytes.len() - if format == ImageFormat::Png { 12 } else { 0 };
        for length in (1..needed).step_by(13).chain(needed - 9..needed) {
            let path = put(&directory, name, &bytes[..length]);
            let error = Picture::open(&path).err();
            let error = error.unwrap_or_else(|| panic!("{name}: {length} of {} bytes were enough", bytes.len()));
            assert_clear(&error, &path);
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    let directory = directory();
    let image = rgb_image(&whole_values(size(9, 7), 4));
    let mut random = Random::new(31);
    for (format, name) in FORMATS {
        let bytes = encoded(&image, format);
        for _ in 0..200 {
            let mut bytes = bytes.clone();
            // Mostly in the header, which determines what is allocated.
            let range = if random.below(4) == 0 { bytes.len() } else { 64.min(bytes.len()) };
            bytes[random.below(range)] = random.below(256) as u8;
            let path = put(&directory, name, bytes);
            if let Ok(picture) = Picture::open(&path) {
                assert_eq!(picture.pixels().len(), 3 * picture.size().pixels());
            }
        }
    }
}

#[test]
fn a_header_with_too_many_pixels_is_refused_before_decoding() {
    let directory = directory();
    let path = put(&directory, "huge.png", png(60_000, 60_000, 8, 2, &[chunk(b"IDAT", &[0; 9])]));
    let error = Picture::open(&path).expect_err("3.6 thousand million pixels are refused");
    assert!(matches!(error, PictureError::TooManyPixels { .. }), "{error:?}");
    assert!(error.to_string().contains("60000x60000"), "{error}");
    assert_clear(&error, &path);

    let mut jpeg = encoded(&rgb_image(&whole_values(size(8, 8), 1)), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).expect("a baseline frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xEA, 0x60, 0xEA, 0x60]);
    let error = Picture::open(put(&directory, "huge.jpg", jpeg)).expect_err("the same as a JPEG");
    assert!(matches!(error, PictureError::TooManyPixels { .. }), "{error:?}");

    let mut bmp = encoded(&rgb_image(&whole_values(size(8, 8), 1)), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0x60, 0xEA, 0, 0, 0x60, 0xEA, 0, 0]);
    let error = Picture::open(put(&directory, "huge.bmp", bmp)).expect_err("the same as a BMP");
    assert!(matches!(error, PictureError::TooManyPixels { .. }), "{error:?}");
}

#[test]
fn a_header_without_pixels_is_refused() {
    let directory = directory();
    for (width, height) in [(0, 7), (7, 0), (0, 0)] {
        let path = put(&directory, "none.png", png(width, height, 8, 2, &[chunk(b"IDAT", &[0; 9])]));
        let error = Picture::open(&path).expect_err("no pixels");
        assert!(matches!(error, PictureError::Damaged { .. }), "{error:?}");
    }
}

#[test]
fn what_is_no_picture_is_refused_by_name() {
    let directory = directory();
    let missing = directory.path().join("missing.png");
    let cases = [
        (missing, "Read"),
        (directory.path().to_path_buf(), "Directory"),
        (put(&directory, "empty.png", []), "Empty"),
        (put(&directory, "text.png", "Dear reader, this is a letter."), "UnknownContent"),
        (put(&directory, "icon.png", b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x18\0"), "UnknownContent"),
    ];
    for (path, kind) in cases {
        let error = Picture::open(&path).expect_err("no picture");
        assert!(format!("{error:?}").starts_with(kind), "{error:?}");
        assert_clear(&error, &path);
    }
}

#[test]
fn places_that_cannot_be_written_are_refused_by_check_and_save_alike() {
    let directory = directory();
    let file = put(&directory, "file", "not a directory");
    let protected = put(&directory, "protected.png", "old");
    let mut permissions = fs::metadata(&protected).expect("a file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&protected, permissions).expect("the owner's right");
    fs::create_dir(directory.path().join("directory.png")).expect("a new directory");
    let at = |name: &str| directory.path().join(name);
    let small = size(2, 1);
    let cases = [
        (file.join("out.png"), small, "NoDirectory"),
        (at("missing/out.png"), small, "NoDirectory"),
        (at("directory.png"), small, "OutputIsDirectory"),
        (protected.clone(), small, "WriteProtected"),
        (at("out"), small, "UnknownExtension"),
        (at("out.gif"), small, "UnknownExtension"),
        (at("out.avif"), small, "UnknownExtension"),
        (at("out.ppm"), small, "UnknownExtension"),
        (at("out.jpg"), size(65_536, 1), "SideTooLong"),
        (at("out.webp"), size(1, 16_385), "SideTooLong"),
    ];
    for (path, size, kind) in cases {
        let checked = check_writable(&path, size, &Encoding::default()).expect_err("not writable");
        let saved = Picture::noise(size, 1).save(&path).expect_err("not writable");
        for error in [checked, saved] {
            assert!(format!("{error:?}").starts_with(kind), "{error:?}");
            assert_clear(&error, &path);
        }
    }
    assert_eq!(fs::read(&protected).expect("still there"), b"old");
    let mut left = names(&directory);
    left.sort();
    assert_eq!(left, ["directory.png", "file", "protected.png"]);
}

#[test]
fn checking_leaves_nothing_behind() {
    let directory = directory();
    check_writable(directory.path().join("out.jpg"), size(65_535, 1), &Encoding::default())
        .unwrap_or_else(|error| panic!("{error}"));
    check_writable(directory.path().join("out.webp"), size(16_383, 1), &Encoding::default())
        .unwrap_or_else(|error| panic!("{error}"));
    check_writable(directory.path().join("out.tiff"), size(100_000, 1), &Encoding::default())
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(names(&directory).is_empty(), "{:?}", names(&directory));
}

#[test]
fn a_failing_save_leaves_the_old_file_and_nothing_else() {
    let directory = directory();
    let old = whole_values(size(3, 2), 2);
    let path = directory.path().join("out.png");
    old.save(&path).unwrap_or_else(|error| panic!("{error}"));
    let mut broken = whole_values(size(3, 2), 3);
    broken.pixels_mut()[4] = f32::NAN;
    broken.pixels_mut()[9] = f32::NEG_INFINITY;
    let error = broken.save(&path).expect_err("NaN is not written");
    assert!(matches!(error, PictureError::NotFinite { count: 2, total: 18, .. }), "{error:?}");
    assert_eq!(open(&path), old);
    assert_eq!(names(&directory), ["out.png"]);
    let new = whole_values(size(4, 4), 5);
    new.save(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(open(&path), new);
    assert_eq!(names(&directory), ["out.png"]);
}

#[cfg(unix)]
#[test]
fn new_files_have_ordinary_permissions_and_links_are_followed() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode();
    let picture = whole_values(size(3, 2), 2);
    let path = directory.path().join("out.png");
    picture.save(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(mode(&path), mode(&put(&directory, "plain", "")));

    let link = directory.path().join("link.png");
    std::os::unix::fs::symlink(&path, &link).expect("a link in a temporary directory");
    let other = whole_values(size(2, 5), 7);
    other.save(&link).unwrap_or_else(|error| panic!("{error}"));
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    assert_eq!(open(&path), other);
}

/// Photographs and paintings beside the repository, if there are any.
fn photographs() -> Vec<PathBuf> {
    let entries = crate::common::shared().and_then(|shared| fs::read_dir(shared.join("images")).ok());
    entries.into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn photographs_and_paintings_are_read_and_resized() {
    for path in photographs() {
        let picture = open(&path);
        let half = picture.resize(size(picture.size().width / 2, picture.size().height / 2));
        let mean = |picture: &Picture| picture.pixels().iter().sum::<f32>() / picture.pixels().len() as f32;
        let (before, after) = (mean(&picture), mean(&half));
        assert!((before - after).abs() < 2e-3, "{}: {before} became {after}", path.display());
    }
}

#[test]
fn files_that_count_in_32_bits_are_not_begun_where_they_would_be_longer() {
    let folder = tempfile::tempdir().unwrap();
    let large = Size { width: 40_000, height: 36_000 };
    let check = |name: &str, encoding: &Encoding| check_writable(folder.path().join(name), large, encoding);
    let (eight, sixteen) = (Encoding::default(), Encoding { depth: Depth::Sixteen, ..Encoding::default() });
    let error = check("out.bmp", &eight).unwrap_err();
    assert!(matches!(error, PictureError::FileTooLong { .. }), "{error}");
    assert!(error.to_string().contains("at most 4 GiB, but the picture of 40000x36000 takes "), "{error}");
    // These count in 64 bits there, or in none.
    for name in ["out.png", "out.tiff", "out.tif"] {
        check(name, &sixteen).unwrap();
    }
    check("out.jpg", &eight).unwrap();
}
