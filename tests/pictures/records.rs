//! Texts in pictures: written, read back, and looked for in files of strangers.

use super::*;
use impasto::picture::{Omission, recorded};

const TEXT: &str = "{\"impasto\": \"0\", \"name\": \"<a> & 'b' \u{e9}\u{1F3A8}\"}";

fn recording(text: &str) -> Encoding {
    Encoding { record: Some(text.to_owned()), ..Encoding::default() }
}

fn record_of(bytes: &[u8]) -> Option<String> {
    let directory = directory();
    recorded(put(&directory, "any name", bytes)).unwrap_or_else(|error| panic!("{error}"))
}

fn files(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let directory = directory();
    let files = ["png", "jpg", "webp", "tiff"].map(|extension| {
        let path = directory.path().join(format!("a.{extension}"));
        whole_values(size(13, 7), 1).save_as(&path, &recording(text)).unwrap_or_else(|error| panic!("{error}"));
        (extension, fs::read(path).expect("a file"))
    });
    files.to_vec()
}

#[test]
fn what_a_picture_remembers_is_read_back() {
    for text in ["", TEXT, &"long ".repeat(12_000)] {
        for (extension, bytes) in files(text) {
            assert_eq!(record_of(&bytes).as_deref(), Some(text), "{extension}");
            let picture = Picture::read_for(Path::new("-"), &bytes[..], impasto::picture::Detail::Full);
            let picture = picture.unwrap_or_else(|error| panic!("{extension}: {error}")).picture;
            if extension != "jpg" {
                assert_eq!(picture, whole_values(size(13, 7), 1), "{extension}");
            }
        }
    }
}

#[test]
fn pictures_without_a_record_have_none() {
    let image = rgb_image(&whole_values(size(5, 4), 1));
    for (format, _) in FORMATS {
        assert_eq!(record_of(&encoded(&image, format)), None, "{format:?}");
    }
    assert_eq!(record_of(&avif_files::bytes(avif_files::ODD)), None);
    assert_eq!(recording(TEXT).omissions("a.bmp"), [Omission::Record("BMP")]);
    assert_eq!(recording(TEXT).omissions("a.jpeg"), []);
    let directory = directory();
    let path = directory.path().join("a.bmp");
    whole_values(size(5, 4), 1).save_as(&path, &recording(TEXT)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(recorded(&path).unwrap_or_else(|error| panic!("{error}")), None);
    for path in [directory.path().join("missing.png"), put(&directory, "words", "no picture")] {
        assert_clear(&recorded(&path).expect_err("no picture"), &path);
    }
}

#[test]
fn a_record_that_no_segment_holds_is_refused_before_anything_is_written() {
    let directory = directory();
    let encoding = recording(&"<".repeat(30_000));
    for extension in ["png", "jpg", "webp", "tif"] {
        let path = directory.path().join(format!("a.{extension}"));
        let error = check_writable(&path, size(5, 4), &encoding).expect_err("too long");
        assert!(matches!(error, PictureError::RecordTooLong { .. }), "{error:?}");
        assert_clear(&error, &path);
        assert!(whole_values(size(5, 4), 1).save_as(&path, &encoding).is_err());
    }
    assert!(whole_values(size(5, 4), 1).to_png("a", &encoding).is_err());
    assert_eq!(names(&directory), [""; 0]);
}

#[test]
fn files_cut_short_or_changed_do_no_harm() {
    let directory = directory();
    let path = directory.path().join("hostile");
    let look = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("a file in a temporary directory");
        recorded(&path)
    };
    let mut random = Random::new(5);
    for (extension, bytes) in files(TEXT) {
        for length in 1..bytes.len() {
            let found = look(&bytes[..length]);
            assert!(!matches!(&found, Ok(Some(text)) if text != TEXT), "{extension} of {length} bytes: {found:?}");
        }
        for _ in 0..2000 {
            let mut bytes = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] = random.below(256) as u8;
            }
            let _ = look(&bytes);
        }
    }
}

#[test]
fn lengths_that_nobody_could_hold_are_passed_over() {
    let directory = directory();
    let claims = [
        [b"\x89PNG\r\n\x1a\n".to_vec(), u32::MAX.to_be_bytes().to_vec(), b"iTXtimpasto\0\0\0\0\0text".to_vec()]
            .concat(),
        [b"RIFF\xFF\xFF\xFF\xFFWEBPXMP ".to_vec(), u32::MAX.to_le_bytes().to_vec(), b"<impasto:record>".to_vec()]
            .concat(),
        b"\xFF\xD8\xFF\xE1\xFF\xFFhttp://ns.adobe.com/xap/1.0/\0<impasto:record>".to_vec(),
        // One entry of four thousand million bytes at the end of the file.
        b"II*\0\x08\0\0\0\x01\0\xBC\x02\x01\0\xFF\xFF\xFF\xFF\x1A\0\0\0\0\0\0\0".to_vec(),
    ];
    for bytes in claims {
        let path = put(&directory, "claim", bytes);
        assert_eq!(recorded(&path).unwrap_or_else(|error| panic!("{error}")), None);
    }
}
