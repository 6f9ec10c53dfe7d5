//! Pictures that are not opaque everywhere.

use super::*;
use avif_files::TRANSPARENT;
use formats::read;
use impasto::picture::{Detail, Opened};

fn alpha(opened: &Opened) -> &[f32] {
    opened.alpha.as_ref().expect("a picture that is not opaque").values()
}

fn rgba(width: u32, height: u32, pixels: Vec<u8>) -> DynamicImage {
    DynamicImage::ImageRgba8(image::RgbaImage::from_raw(width, height, pixels).expect("four bytes for each pixel"))
}

/// Formats in which pictures of 8 bits with alpha can be written here.
const WITH_ALPHA: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff];

#[test]
fn grey_and_alpha_of_sixteen_bits_are_read_as_they_are() {
    let samples = vec![0, 65535, 12345, 65535, 20000, 0, 30000, 32768];
    let image = image::ImageBuffer::from_raw(2, 2, samples).expect("four pixels of grey and alpha");
    let opened = read(&encoded(&DynamicImage::ImageLumaA16(image), ImageFormat::Png));
    assert_eq!(alpha(&opened), [1.0, 1.0, 0.0, 32768.0 / 65535.0]);
    for (x, y, value) in [(0, 0, 0.0), (1, 0, 12345.0 / 65535.0), (1, 1, 30000.0 / 65535.0)] {
        assert_eq!(pixel(&opened.picture, x, y), [value; 3]);
    }
}

#[test]
fn transparent_entries_of_a_palette_are() {
    // One row of four pixels of two bits each, 0 1 2 3, in a stored (uncompressed) deflate block.
    let deflate = [0x78, 0x01, 1, 2, 0, 0xFD, 0xFF, 0, 0b00_01_10_11, 0, 0x1D, 0, 0x1C];
    let palette = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9];
    let chunks = [chunk(b"PLTE", &palette), chunk(b"tRNS", &[255, 0, 51]), chunk(b"IDAT", &deflate)];
    let opened = read(&png(4, 1, 2, 3, &chunks));
    assert_eq!(alpha(&opened), [1.0, 0.0, 0.2, 1.0]);
    assert_eq!(pixel(&opened.picture, 2, 0), [0.0, 0.0, 1.0]);
    // Green is hidden.
    assert!(pixel(&opened.picture, 1, 0)[1] < 0.1, "{:?}", opened.picture);
}

#[test]
fn one_colour_of_a_png_can_be_transparent() {
    // Two grey pixels of 8 bits, 7 and 200, of which 200 is transparent.
    let deflate = [0x78, 0x01, 1, 3, 0, 0xFC, 0xFF, 0, 7, 200, 0, 218, 0, 208];
    let opened = read(&png(2, 1, 8, 0, &[chunk(b"tRNS", &[0, 200]), chunk(b"IDAT", &deflate)]));
    assert_eq!(alpha(&opened), [1.0, 0.0]);
    assert_eq!(opened.picture.pixels(), [7.0 / 255.0; 6]);
}

#[test]
fn colours_are_not_mixed_with_what_is_behind() {
    let image = rgba(2, 1, vec![10, 20, 30, 0, 51, 102, 153, 204]);
    for format in WITH_ALPHA {
        let opened = read(&encoded(&image, format));
        assert_eq!(opened.picture.pixels(), [0.2, 0.4, 0.6].repeat(2), "{format:?}");
        assert_eq!(alpha(&opened), [0.0, 0.8], "{format:?}");
    }
}

#[test]
fn hidden_colours_change_nothing() {
    for (width, height) in [(1, 1), (3, 1), (61, 37), (128, 128)] {
        let files = [1, 2].map(|seed| {
            let (mut hidden, mut seen) = (Random::new(seed), Random::new(9));
            let pixels = (0..width * height).flat_map(|i| {
                let visible = i > 0 && seen.below(3) > 0;
                let colour = [0, 1, 2].map(|_| (seen.below(256) as u8, hidden.below(256) as u8));
                let [red, green, blue] = colour.map(|(seen, hidden)| if visible { seen } else { hidden });
                [red, green, blue, if visible { seen.below(255) as u8 + 1 } else { 0 }]
            });
            rgba(width, height, pixels.collect())
        });
        for format in WITH_ALPHA {
            let files = files.each_ref().map(|image| encoded(image, format));
            assert_ne!(files[0], files[1]);
            for detail in [Detail::Full, Detail::LongSide(5)] {
                let [one, other] = files.each_ref().map(|bytes| {
                    Picture::read_for(Path::new("-"), &bytes[..], detail).unwrap_or_else(|error| panic!("{error}"))
                });
                assert_eq!(one, other, "{format:?} {width}x{height} {detail:?}");
            }
        }
    }
}

#[test]
fn a_picture_whose_alpha_is_one_everywhere_has_none() {
    let bytes = encoded(&rgba(211, 97, [1, 2, 3, 255].repeat(211 * 97)), ImageFormat::Png);
    for long in [7, 13, 40] {
        let opened = Picture::read_for(Path::new("-"), &bytes[..], Detail::LongSide(long));
        let opened = opened.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened.alpha, None, "{}", opened.picture.size());
    }
    let image = rgba(2, 1, vec![1, 2, 3, 255, 4, 5, 6, 255]);
    for format in WITH_ALPHA {
        let opened = read(&encoded(&image, format));
        assert_eq!(opened.alpha, None, "{format:?}");
        assert_eq!(opened.picture.pixels(), [1, 2, 3, 4, 5, 6].map(|value| value as f32 / 255.0), "{format:?}");
    }
}

#[test]
fn colours_are_averaged_by_how_much_they_are_seen() {
    // Opaque red, and black that is not to be seen, in turns.
    let turns = (0..64 * 64).flat_map(|i| if (i + i / 64) % 2 == 0 { [255, 0, 0, 255] } else { [0, 0, 0, 0] });
    let turns = rgba(64, 64, turns.collect());
    for format in WITH_ALPHA {
        let bytes = encoded(&turns, format);
        let opened = Picture::read_for(Path::new("-"), &bytes[..], Detail::LongSide(8));
        let opened = opened.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened.picture.size(), size(16, 16), "{format:?}");
        assert_near(opened.picture.pixels(), &[1.0, 0.0, 0.0].repeat(256), 1e-5);
        assert_near(alpha(&opened), &[0.5; 256], 1e-5);
    }
}

#[test]
fn alpha_is_turned_upright_with_the_picture() {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif(6)).expect("PNG holds EXIF data");
    let pixels = [[1, 1, 1, 10], [2, 2, 2, 20], [3, 3, 3, 30], [4, 4, 4, 40], [5, 5, 5, 50], [6, 6, 6, 60]];
    encoder.write_image(pixels.as_flattened(), 3, 2, ExtendedColorType::Rgba8).expect("an encodable picture");
    let opened = read(&bytes);
    assert_eq!(opened.picture.size(), size(2, 3));
    let tenths: Vec<f32> = alpha(&opened).iter().map(|alpha| (alpha * 25.5).round()).collect();
    assert_eq!(tenths, [4.0, 1.0, 5.0, 2.0, 6.0, 3.0]);
    assert_near(&pixel(&opened.picture, 1, 2), &[3.0 / 255.0; 3], 0.0);
}

#[test]
fn transparent_avif_is_read_with_its_alpha() {
    let opened = read(&avif_files::bytes(TRANSPARENT));
    let at = |x: usize, y: usize| alpha(&opened)[32 * y + x];
    for (x, y, expected) in [(4, 4, 0.0), (4, 12, 0.0), (28, 4, 0.8)] {
        assert!((at(x, y) - expected).abs() < 0.05, "{} at {x}, {y}", at(x, y));
    }
    assert_near(&pixel(&opened.picture, 28, 4), &[0.0, 1.0, 0.0], 0.06);
    let over = opened.picture.over_white(opened.alpha.as_ref().expect("a picture that is not opaque"));
    for (x, y, expected) in [(4, 4, [1.0; 3]), (4, 12, [1.0; 3]), (28, 4, [0.2, 1.0, 0.2]), (28, 12, [1.0; 3])] {
        assert_near(&pixel(&over, x, y), &expected, 0.05);
    }
}
