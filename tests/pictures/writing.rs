//! What is written: transparency, sixteen bits, dithered eight, EXIF data.

use super::*;
use formats::read;
use impasto::picture::{Depth, Mask, Omission};

fn saved(picture: &Picture, extension: &str, encoding: &Encoding) -> Vec<u8> {
    let directory = directory();
    let path = directory.path().join(format!("a.{extension}"));
    picture.save_as(&path, encoding).unwrap_or_else(|error| panic!("{error}"));
    fs::read(path).expect("a file")
}

/// Shares that are whole steps of this many, some of them zero and one.
pub(super) fn shares(size: Size, most: u32, seed: u64) -> Mask {
    let mut random = Random::new(seed);
    let values = (0..size.pixels()).map(|_| random.below(most as usize + 1) as f32 / most as f32);
    let values = values.map(|value| if value < 0.2 { 0.0 } else { value });
    Mask::new(size, values.collect()).expect("shares")
}

#[test]
fn alpha_is_the_same_bit_for_bit_when_it_is_written_and_read() {
    for (i, size) in [size(1, 1), size(9, 1), size(37, 23)].into_iter().enumerate() {
        let alpha = shares(size, 255, i as u64 + 1);
        let picture = whole_values(size, 5);
        let encoding = Encoding { alpha: Some(alpha.clone()), ..Encoding::default() };
        for extension in ["png", "webp", "tiff"] {
            let opened = read(&saved(&picture, extension, &encoding));
            assert_eq!(opened.alpha.as_ref(), Some(&alpha).filter(|alpha| alpha.values() != [1.0]), "{extension}");
            for (i, (found, pixel)) in opened.picture.pixels().iter().zip(picture.pixels()).enumerate() {
                assert!(
                    found == pixel || alpha.values()[i / 3] == 0.0,
                    "{extension}: value {i} is {found}, not {pixel}"
                );
            }
        }
        let alpha = shares(size, 65_535, i as u64 + 1);
        let encoding = Encoding { alpha: Some(alpha.clone()), depth: Depth::Sixteen, ..Encoding::default() };
        for extension in ["png", "tif"] {
            let opened = read(&saved(&picture, extension, &encoding));
            assert_eq!(opened.alpha.as_ref(), Some(&alpha), "{extension}");
        }
    }
}

#[test]
fn alpha_of_another_size_is_fitted() {
    let encoding = Encoding { alpha: Some(shares(size(40, 20), 255, 3)), ..Encoding::default() };
    let opened = read(&saved(&whole_values(size(20, 10), 1), "png", &encoding));
    let (found, expected) = (opened.alpha.expect("alpha"), encoding.alpha.expect("alpha").resize(size(20, 10)));
    assert_eq!(found.size(), size(20, 10));
    assert_near(found.values(), expected.values(), 1.0 / 255.0);
}

#[test]
fn formats_without_transparency_show_white_paper_and_say_so() {
    let alpha = Mask::new(size(16, 16), [0.0, 0.5, 1.0, 1.0].repeat(64)).expect("shares");
    let encoding = Encoding { alpha: Some(alpha.clone()), ..Encoding::default() };
    let grey = Picture::new(size(16, 16), vec![0.2; 768]).expect("three values for each pixel");
    for (extension, name) in [("bmp", "BMP"), ("jpg", "JPEG")] {
        assert_eq!(encoding.omissions(format!("a.{extension}")), [Omission::Alpha(name)]);
        let opened = read(&saved(&grey, extension, &encoding));
        assert_eq!(opened.alpha, None);
        assert_near(opened.picture.pixels(), grey.over_white(&alpha).pixels(), if name == "BMP" { 0.004 } else { 0.1 });
    }
    for extension in ["png", "webp", "tif", "unknown"] {
        assert_eq!(encoding.omissions(format!("a.{extension}")), []);
    }
}

#[test]
fn sixteen_bits_are_written_as_they_are_and_only_where_they_fit() {
    let directory = directory();
    let pixels = vec![0.0, 1.0 / 65535.0, 0.5, 12_345.4 / 65535.0, 0.25, 1.0];
    let picture = Picture::new(size(2, 1), pixels).expect("two pixels");
    let encoding = Encoding { depth: Depth::Sixteen, ..Encoding::default() };
    let expected = [0.0, 1.0, 32_768.0, 12_345.0, 16_384.0, 65_535.0].map(|value| value / 65535.0);
    for extension in ["png", "tif", "tiff"] {
        assert_eq!(read(&saved(&picture, extension, &encoding)).picture.pixels(), expected, "{extension}");
    }
    for extension in ["jpg", "webp", "bmp"] {
        let path = directory.path().join(format!("a.{extension}"));
        let error = picture.save_as(&path, &encoding).expect_err("8 bits only");
        assert!(matches!(error, PictureError::EightBitsOnly { .. }), "{error:?}");
        assert_clear(&error, &path);
        assert!(check_writable(&path, picture.size(), &encoding).is_err());
    }
    assert_eq!(names(&directory), [""; 0]);
}

#[test]
fn a_gradient_has_no_bands() {
    // Each step is a quarter of a level of 8 bits.
    let (width, height) = (1024, 32);
    let value = |x: u32| x as f32 / 1024.0;
    let pixels = (0..width * height).flat_map(|i| [value(i % width); 3]).collect();
    let gradient = Picture::new(size(width, height), pixels).expect("three values for each pixel");
    for extension in ["png", "webp", "tif", "bmp"] {
        let written = read(&saved(&gradient, extension, &Encoding::default())).picture;
        for left in (0..width - 8).step_by(4) {
            for top in (0..height - 8).step_by(5) {
                let places = (left..left + 8).flat_map(|x| (top..top + 8).map(move |y| (x, y)));
                let error: f32 = places.map(|(x, y)| (pixel(&written, x, y)[1] - value(x)) * 255.0).sum::<f32>() / 64.0;
                assert!(error.abs() < 0.2, "{extension}: the mean at {left}, {top} is {error} levels away");
            }
        }
        for (found, wanted) in written.pixels().iter().zip(gradient.pixels()) {
            assert!(((found - wanted) * 255.0).abs() < 1.0, "{found} for {wanted}");
        }
        // Grey stays grey.
        assert!(written.pixels().as_chunks::<3>().0.iter().all(|[red, green, blue]| red == green && green == blue));
    }
}

#[test]
fn the_camera_and_the_place_are_passed_on_upright() {
    let directory = directory();
    let upright = exif(1);
    for (name, bytes) in with_orientation(&quarters(32, 16), 6) {
        let opened = read(&bytes);
        assert_eq!(opened.exif.as_ref(), Some(&upright), "{name}");
        let encoding = Encoding { exif: opened.exif, ..Encoding::default() };
        for extension in ["png", "jpg", "webp"] {
            let path = directory.path().join(format!("a.{extension}"));
            assert_eq!(encoding.omissions(&path), []);
            let again = read(&saved(&opened.picture, extension, &encoding));
            assert_eq!(again.exif.as_ref(), Some(&upright), "{name} to {extension}");
            assert_quarters(&again.picture, [2, 0, 3, 1]);
        }
        assert_eq!(encoding.omissions("a.tif"), [Omission::Exif("TIFF")]);
        assert_eq!(encoding.omissions("a.bmp"), [Omission::Exif("BMP")]);
        assert!(read(&saved(&opened.picture, "tif", &encoding)).exif.is_none());
    }
}

#[test]
fn tiff_files_whose_colours_are_multiplied_by_alpha_are_divided() {
    use tiff::encoder::{TiffEncoder, colortype};
    use tiff::tags::ExtraSamples;
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a file in memory");
    let mut image = encoder.new_image::<colortype::RGB8>(2, 1).expect("a picture");
    image.extra_samples(&[ExtraSamples::AssociatedAlpha]).expect("alpha");
    image.write_data(&[40, 80, 20, 102, 0, 51, 255, 255]).expect("two pixels");
    let opened = read(bytes.get_ref());
    assert_eq!(opened.alpha.expect("alpha").values(), [0.4, 1.0]);
    assert_near(opened.picture.pixels(), &[100.0, 200.0, 50.0, 0.0, 51.0, 255.0].map(|value| value / 255.0), 1e-6);
}
