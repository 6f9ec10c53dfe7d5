//! Masks from files.

use super::*;
use impasto::picture::{Detail, Mask};

fn read_mask(bytes: &[u8], detail: Detail) -> Mask {
    Mask::read_for(Path::new("-"), bytes, detail).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn grey_files_give_the_values_in_them() {
    let directory = directory();
    let values = [0u8, 1, 51, 127, 254, 255];
    let expected = values.map(|value| f32::from(value) / 255.0);
    let grey = image::GrayImage::from_raw(3, 2, values.to_vec()).expect("six pixels");
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Pnm] {
        let bytes = encoded(&DynamicImage::ImageLuma8(grey.clone()), format);
        let mask = read_mask(&bytes, Detail::Full);
        assert_eq!((mask.size(), mask.values()), (size(3, 2), &expected[..]), "{format:?}");
        let opened = Mask::open(put(&directory, "mask", bytes), Detail::Full).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened, mask);
    }
    // A profile says which colour a value is, and not how much is meant.
    let profile = ColorProfile::new_gray_with_gamma(1.0).encode().expect("an encodable profile");
    let (_, png) = &with_profile(&DynamicImage::ImageLuma8(grey), &profile)[0];
    assert_eq!(read_mask(png, Detail::Full).values(), expected);
}

#[test]
fn colours_give_their_luminance_and_transparent_is_zero() {
    let pixels = vec![255, 0, 0, 255, 0, 255, 0, 255, 255, 255, 255, 0, 255, 255, 255, 51, 102, 102, 102, 255];
    let image = image::RgbaImage::from_raw(5, 1, pixels).expect("five pixels");
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let mask = read_mask(&encoded(&DynamicImage::ImageRgba8(image.clone()), format), Detail::Full);
        assert_near(mask.values(), &[0.2126, 0.7152, 0.0, 0.2, 0.4], 1e-6);
    }
}

#[test]
fn masks_are_reduced_and_turned_as_pictures_are() {
    for (name, bytes) in with_orientation(&quarters(322, 163), 6) {
        let mask = read_mask(&bytes, Detail::LongSide(20));
        assert_eq!(mask.size(), size(20, 40), "{name}");
        // Bottom left, which is blue, comes to the top left; top left, which is red, to the top right.
        assert!((mask.values()[21] - 0.0722).abs() < 0.02 && (mask.values()[38] - 0.2126).abs() < 0.02, "{name}");
    }
}

#[test]
fn what_is_no_picture_is_no_mask() {
    let directory = directory();
    let path = put(&directory, "words.txt", "not a picture");
    let error = Mask::open(&path, Detail::Full).expect_err("words are no picture");
    assert!(matches!(error, PictureError::UnknownContent { .. }), "{error:?}");
    assert_clear(&error, &path);
}
