//! Pictures read only as finely as they are used.

use super::*;
use impasto::picture::{Detail, Frames, Opened, fit_long_side};

/// Most that a value of a picture resized from a reduced one may differ from the same resized from the whole, and the
/// mean of such differences. A picture of 8 bits has steps of 0.0039.
const MOST_DIFFERENCE: f32 = 0.1;
const MEAN_DIFFERENCE: f32 = 0.004;

fn open_for(path: &Path, long: u32) -> Opened {
    Picture::open_for(path, Detail::LongSide(long)).unwrap_or_else(|error| panic!("{error}"))
}

/// The same picture in formats that are read in different ways.
fn files(directory: &TempDir, path: &Path) -> Vec<PathBuf> {
    let picture = open(path);
    let sixteen = rgb_image(&picture).to_rgb16();
    let sixteen = encoded(&DynamicImage::ImageRgb16(sixteen), ImageFormat::Png);
    let mut files = vec![path.to_path_buf(), put(directory, "sixteen.png", sixteen)];
    for format in [ImageFormat::WebP, ImageFormat::Tiff] {
        files.push(put(directory, &format!("{format:?}"), encoded(&rgb_image(&picture), format)));
    }
    files
}

#[test]
fn reduced_photographs_are_resized_to_what_whole_ones_are() {
    let directory = directory();
    for photograph in photographs() {
        for path in files(&directory, &photograph) {
            let whole = open(&path);
            for long in [64, 96, 150, 256] {
                let opened = open_for(&path, long);
                let (own, reduced) = (whole.size(), opened.picture.size());
                assert_eq!(opened.size, own, "{}", path.display());
                assert_eq!(opened.frames, Frames::Single);
                assert!(reduced.width.max(reduced.height) >= 2 * long, "{reduced} of {own} for {long}");
                assert!(reduced.width.max(reduced.height) < 4 * long + 2, "{reduced} of {own} for {long}");
                let fitted = fit_long_side(own, long);
                let (found, expected) = (opened.picture.resize(fitted), whole.resize(fitted));
                let differences = found.pixels().iter().zip(expected.pixels()).map(|(a, b)| (a - b).abs());
                let most = differences.clone().fold(0.0, f32::max);
                let mean = differences.sum::<f32>() / found.pixels().len() as f32;
                let what = format!("{} for {long}: {most} at most, {mean} on average", path.display());
                assert!(most < MOST_DIFFERENCE && mean < MEAN_DIFFERENCE, "{what}");
            }
        }
    }
}

#[test]
fn reduced_pictures_are_turned_upright() {
    let directory = directory();
    let image = quarters(322, 163);
    for (orientation, corners) in UPRIGHT {
        for (name, bytes) in with_orientation(&image, orientation) {
            let opened = open_for(&put(&directory, name, bytes), 20);
            let turned = |width, height| if orientation < 5 { size(width, height) } else { size(height, width) };
            assert_eq!(opened.size, turned(322, 163), "{name} {orientation}");
            assert_eq!(opened.picture.size(), turned(40, 20), "{name} {orientation}");
            assert_quarters(&opened.picture, corners);
        }
    }
}

#[test]
fn averages_are_taken_over_equal_parts_of_the_whole_picture() {
    let directory = directory();
    // 11 columns for 5 averages of 2.2 columns each, 3 rows for one.
    let column = |x: u32| x as f32 / 10.0;
    let pixels = (0..33).flat_map(|i| [column(i % 11); 3]).collect();
    let picture = Picture::new(size(11, 3), pixels).expect("three values for each pixel");
    let sixteen = rgb_image(&picture);
    let opened = open_for(&put(&directory, "columns.png", encoded(&sixteen, ImageFormat::Png)), 2);
    assert_eq!(opened.picture.size(), size(5, 1));
    let parts = [[(0, 1.0), (1, 1.0), (2, 0.2)], [(2, 0.8), (3, 1.0), (4, 0.4)], [(4, 0.6), (5, 1.0), (6, 0.6)]];
    for (x, part) in parts.into_iter().enumerate() {
        let expected = part.iter().map(|(x, share)| column(*x) * share).sum::<f32>() / 2.2;
        assert_near(&pixel(&opened.picture, x as u32, 0), &[expected; 3], 0.003);
    }
}

#[test]
fn colour_profiles_and_grey_are_obeyed_at_a_smaller_size_too() {
    let directory = directory();
    let p3 = ColorProfile::new_display_p3().encode().expect("an encodable profile");
    let image = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(200, 120, image::Rgb([200, 120, 80])));
    let grey = ColorProfile::new_gray_with_gamma(1.0).encode().expect("an encodable profile");
    let luma = DynamicImage::ImageLuma8(image::GrayImage::from_pixel(200, 120, image::Luma([55])));
    for (image, profile) in [(&image, &p3), (&luma, &grey)] {
        for (name, bytes) in with_profile(image, profile) {
            let path = put(&directory, name, bytes);
            let reduced = open_for(&path, 10).picture;
            assert_eq!(reduced.size(), size(20, 12), "{name}");
            assert_near(&pixel(&reduced, 7, 8), &pixel(&open(&path), 70, 80), 0.004);
        }
    }
}

#[test]
fn files_streams_and_repetitions_give_the_same_bits() {
    let directory = directory();
    let image = rgb_image(&whole_values(size(211, 97), 12));
    for (format, name) in FORMATS {
        let path = put(&directory, name, encoded(&image, format));
        for detail in [Detail::Full, Detail::LongSide(13), Detail::LongSide(40), Detail::LongSide(500)] {
            let first = Picture::open_for(&path, detail).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Picture::open_for(&path, detail).unwrap_or_else(|error| panic!("{error}")), first);
            let bytes = fs::read(&path).expect("a file");
            let read = Picture::read_for(Path::new("-"), &bytes[..], detail);
            assert_eq!(read.unwrap_or_else(|error| panic!("{error}")), first);
            if matches!(detail, Detail::Full | Detail::LongSide(500)) {
                assert_eq!(first.picture, open(&path), "{name}");
            }
        }
    }
}
