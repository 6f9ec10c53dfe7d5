//! Colour profiles, compared with littleCMS, and the profile of what is written.

use super::*;
use formats::read;
use serde_json::Value;

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    let text = value[name].as_str().unwrap_or_else(|| panic!("{name} is in the file"));
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Colours of a profile, and what they are in sRGB.
struct Case {
    name: String,
    profile: Vec<u8>,
    image: DynamicImage,
    srgb: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let all: Value = serde_json::from_str(include_str!("../data/profiles.json")).expect("JSON of a script");
    let case = |value: &Value| {
        let (name, values, srgb) = (value["name"].to_string(), bytes(value, "values"), bytes(value, "srgb"));
        let image = if values.len() < srgb.len() {
            let grey = image::GrayImage::from_raw(values.len() as u32, 1, values);
            DynamicImage::ImageLuma8(grey.expect("one value for each pixel"))
        } else {
            let rgb = image::RgbImage::from_raw(values.len() as u32 / 3, 1, values);
            DynamicImage::ImageRgb8(rgb.expect("three values for each pixel"))
        };
        Case { name, profile: bytes(value, "profile"), image, srgb }
    };
    all.as_array().expect("a list").iter().map(case).collect()
}

#[test]
fn profiles_are_converted_as_little_cms_does_and_what_srgb_lacks_is_clipped() {
    let cases = cases();
    assert_eq!(cases.len(), 8);
    for Case { name, profile, image, srgb } in cases {
        for (format, bytes) in with_profile(&image, &profile).iter().filter(|(format, _)| *format != "jpeg") {
            let picture = read(bytes).picture;
            let found = picture.pixels().iter().map(|value| value * 255.0);
            for (i, (found, expected)) in found.zip(&srgb).enumerate() {
                let error = (found - f32::from(*expected)).abs();
                assert!(error <= 1.0, "{name}, {format}: value {i} is {found}, expected {expected}");
            }
        }
    }
}

#[test]
fn code_points_of_a_png_come_before_its_profile() {
    let image = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(3, 2, image::Rgb([90, 140, 100])));
    let p3 = ColorProfile::new_display_p3().encode().expect("an encodable profile");
    let plain = encoded(&image, ImageFormat::Png);
    let (_, profiled) = &with_profile(&image, &p3)[0];
    // Behind the header; primaries, transfer, matrix, full range (ITU-T H.273): Display P3 and sRGB.
    let with_codes = |file: &[u8], codes: [u8; 4]| [&file[..33], &chunk(b"cICP", &codes), &file[33..]].concat();
    let expected = read(profiled).picture;
    assert_near(read(&with_codes(&plain, [12, 13, 0, 1])).picture.pixels(), expected.pixels(), 0.003);
    assert_eq!(read(&with_codes(profiled, [1, 13, 0, 1])).picture, read(&plain).picture);
    assert_ne!(expected, read(&plain).picture);
}

#[test]
fn a_profile_that_says_srgb_changes_nothing() {
    let picture = whole_values(size(37, 23), 3);
    for profile in [ColorProfile::new_srgb(), ColorProfile::new_srgb()] {
        let profile = profile.encode().expect("an encodable profile");
        let (_, png) = &with_profile(&rgb_image(&picture), &profile)[0];
        assert_eq!(read(png).picture, picture);
    }
    let grey = DynamicImage::ImageLuma8(image::GrayImage::from_fn(256, 1, |x, _| image::Luma([x as u8])));
    let mut profile = ColorProfile::new_gray_with_gamma(2.2);
    profile.gray_trc = ColorProfile::new_srgb().red_trc;
    let (_, png) = &with_profile(&grey, &profile.encode().expect("an encodable profile"))[0];
    let expected: Vec<f32> = (0..=255).flat_map(|value| [value as f32 / 255.0; 3]).collect();
    assert_eq!(read(png).picture.pixels(), expected);
}

#[test]
fn what_is_written_says_that_it_is_srgb() {
    let directory = directory();
    for extension in ["png", "jpg", "webp", "tiff"] {
        let path = directory.path().join(format!("a.{extension}"));
        whole_values(size(5, 4), 1).save(&path).unwrap_or_else(|error| panic!("{error}"));
        let bytes = fs::read(&path).expect("a file");
        if extension == "png" {
            assert!(bytes.windows(4).any(|name| name == b"sRGB"));
            continue;
        }
        let profile = match extension {
            "tiff" => {
                let mut reader = tiff::decoder::Decoder::new(Cursor::new(&bytes)).expect("a TIFF");
                reader.get_tag_u8_vec(tiff::tags::Tag::IccProfile).expect("a profile")
            }
            _ => {
                let mut reader = image::ImageReader::open(&path).expect("a file").into_decoder().expect("a picture");
                image::ImageDecoder::icc_profile(&mut reader).expect("readable").expect("a profile")
            }
        };
        let profile = ColorProfile::new_from_slice(&profile).expect("a whole profile");
        assert_eq!(profile.red_colorant, ColorProfile::new_srgb().red_colorant, "{extension}");
    }
}
