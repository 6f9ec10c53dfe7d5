//! Formats that are read and not written, and files with more than one picture.

use super::*;
use avif_files::{ANIMATED, GREY, LIMITED, ODD, QUARTERS as PLAIN, TEN_BITS, TRANSPARENT, TURNED};
use impasto::picture::{Detail, Frames, Mask, Opened};
use std::borrow::Cow;

pub(super) fn read(bytes: &[u8]) -> Opened {
    let opened = Picture::read_for(Path::new("-"), bytes, Detail::Full);
    opened.unwrap_or_else(|error| panic!("{error}"))
}

/// A GIF of 5x3 pixels with frames of palette indices, each at a place of its own.
fn gif(frames: &[gif::Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let palette = [255, 0, 0, 0, 255, 0, 0, 0, 255, 51, 51, 51];
    let mut encoder = gif::Encoder::new(&mut bytes, 5, 3, &palette).expect("a palette");
    frames.iter().for_each(|frame| encoder.write_frame(frame).expect("an encodable frame"));
    drop(encoder);
    bytes
}

fn frame(left: u16, top: u16, width: u16, height: u16, indices: &'static [u8]) -> gif::Frame<'static> {
    gif::Frame { left, top, width, height, buffer: Cow::Borrowed(indices), ..gif::Frame::default() }
}

#[test]
fn the_first_frame_of_a_gif_is_read_and_what_it_leaves_open_is_transparent() {
    let small = gif::Frame { transparent: Some(2), ..frame(1, 1, 3, 2, &[0, 1, 2, 3, 0, 1]) };
    let (red, green, grey) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2; 3]);
    let seen = [[0.0; 5], [0.0, 1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0, 0.0]];
    let opened = read(&gif(std::slice::from_ref(&small)));
    assert_eq!(opened.picture.size(), size(5, 3));
    assert_eq!(opened.alpha.as_ref().map(Mask::values), Some(seen.as_flattened()));
    for (x, y, colour) in [(1, 1, red), (2, 1, green), (1, 2, grey), (2, 2, red), (3, 2, green)] {
        assert_eq!(pixel(&opened.picture, x, y), colour);
    }
    assert_eq!(opened.frames, Frames::Single);
    let moving = read(&gif(&[small, frame(0, 0, 5, 3, &[0; 15])]));
    assert_eq!((moving.picture, moving.frames), (opened.picture, Frames::Animated));
}

#[test]
fn rows_of_an_interlaced_gif_come_into_order() {
    // Every eighth row from 0, from 4, every fourth from 2, every second from 1.
    let indices: Vec<u8> = [0, 2, 1].into_iter().flat_map(|row| [row; 5]).collect();
    let interlaced = gif::Frame { interlaced: true, buffer: indices.into(), ..frame(0, 0, 5, 3, &[]) };
    let picture = read(&gif(&[interlaced])).picture;
    assert_eq!([0, 1, 2].map(|y| pixel(&picture, 3, y)), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
}

#[test]
fn every_kind_of_pnm_is_read() {
    let near = |bytes: &[u8], expected: &[f32]| {
        let opened = read(bytes);
        assert_eq!(opened.picture.size(), size(2, 1));
        assert_near(opened.picture.pixels(), expected, 0.003);
    };
    let (white, black) = ([1.0; 3], [0.0; 3]);
    near(b"P1\n# a comment\n2 1\n0 1\n", &[white, black].concat());
    near(b"P2 2 1 15 15 3\n", &[white, [0.2; 3]].concat());
    near(b"P3 2 1 255 255 0 51 0 102 0\n", &[1.0, 0.0, 0.2, 0.0, 0.4, 0.0]);
    near(b"P4 2 1\n\x40", &[white, black].concat());
    near(b"P5 2 1 255\n\xFF\x33", &[white, [0.2; 3]].concat());
    near(b"P5 2 1 65535\n\xFF\xFF\x33\x33", &[white, [0.2; 3]].concat());
    near(b"P6 2 1 255\n\xFF\x00\x33\x00\x66\x00", &[1.0, 0.0, 0.2, 0.0, 0.4, 0.0]);
    let pam = b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n\x33\x33\x33\xFF\0\0\0\0";
    near(pam, &[0.2; 6]);
    assert_eq!(read(pam).alpha.as_ref().map(Mask::values), Some(&[1.0, 0.0][..]));
}

#[test]
fn avif_is_read_whatever_its_sampling_range_and_orientation() {
    for text in [PLAIN, LIMITED] {
        let opened = read(&avif_files::bytes(text));
        assert_eq!((opened.size, opened.frames), (size(32, 16), Frames::Single));
        assert_quarters(&opened.picture, [0, 1, 2, 3]);
    }
    let odd = read(&avif_files::bytes(ODD)).picture;
    assert_eq!(odd.size(), size(31, 15));
    assert_quarters(&odd, [0, 1, 2, 3]);
    let turned = read(&avif_files::bytes(TURNED)).picture;
    assert_eq!(turned.size(), size(16, 32));
    assert_quarters(&turned, [2, 0, 3, 1]);
    let grey = read(&avif_files::bytes(GREY)).picture;
    assert_eq!(grey.size(), size(13, 9));
    assert_near(grey.pixels(), &[100.0 / 255.0; 3 * 13 * 9], 0.01);
}

#[test]
fn avif_of_ten_bits_keeps_its_precision() {
    let picture = read(&avif_files::bytes(TEN_BITS)).picture;
    for (x, value) in [(0, 0.0), (6, 266.0), (12, 533.0), (18, 800.0), (23, 1023.0)] {
        let expected = [value, 512.0, 1023.0 - value].map(|value: f32| value / 1023.0);
        assert_near(&pixel(&picture, x, 3), &expected, 0.008);
    }
}

#[test]
fn avif_cut_short_or_changed_never_panics() {
    let mut random = Random::new(5);
    for text in [PLAIN, TRANSPARENT, TURNED, ANIMATED, TEN_BITS] {
        let bytes = avif_files::bytes(text);
        for length in 1..bytes.len() {
            let _ = Picture::read_for(Path::new("-"), &bytes[..length], Detail::Full);
        }
        assert!(Picture::read_for(Path::new("-"), &bytes[..bytes.len() / 2], Detail::Full).is_err());
        for _ in 0..300 {
            let mut bytes = bytes.clone();
            let at = random.below(bytes.len());
            bytes[at] = random.below(256) as u8;
            if let Ok(opened) = Picture::read_for(Path::new("-"), &bytes[..], Detail::Full) {
                assert_eq!(opened.picture.pixels().len(), 3 * opened.picture.size().pixels());
            }
        }
    }
}

/// A RIFF chunk.
fn riff(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding = &[0][..data.len() % 2];
    [&kind[..], &(data.len() as u32).to_le_bytes(), data, padding].concat()
}

#[test]
fn the_first_frame_of_an_animation_is_read() {
    let first = read(&avif_files::bytes(ANIMATED));
    assert_eq!(first.frames, Frames::Animated);
    assert_quarters(&first.picture, [0, 1, 2, 3]);

    let pictures = [1, 2].map(|seed| whole_values(size(7, 5), seed));
    let frames = pictures.each_ref().map(|picture| {
        let file = encoded(&rgb_image(picture), ImageFormat::WebP);
        // Place, size less one, duration, and that nothing is mixed; then the picture as it is in a file of its own.
        let header = [&[0; 6][..], &[6, 0, 0, 4, 0, 0, 100, 0, 0, 2]].concat();
        riff(b"ANMF", &[&header, &file[12..]].concat())
    });
    let extended = riff(b"VP8X", &[2, 0, 0, 0, 6, 0, 0, 4, 0, 0]);
    let body = [b"WEBP".to_vec(), extended, riff(b"ANIM", &[0; 6]), frames.concat()].concat();
    let webp = read(&riff(b"RIFF", &body));
    assert_eq!((webp.picture, webp.frames), (pictures[0].clone(), Frames::Animated));

    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 7, 5);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(2, 0).expect("two frames");
    let mut writer = encoder.write_header().expect("a header");
    for picture in &pictures {
        writer.write_image_data(rgb_image(picture).as_bytes()).expect("a frame");
    }
    writer.finish().expect("an end");
    let png = read(&bytes);
    assert_eq!((png.picture, png.frames), (pictures[0].clone(), Frames::Animated));
}
