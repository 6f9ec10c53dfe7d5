//! Good files to start from, small and of every kind that an encoder at hand makes, and bad ones that are known to do
//! harm somewhere.

use super::{
    avif_files,
    mutate::{Kind, crc32, repaired},
};
use image::{DynamicImage, ImageEncoder, ImageFormat, codecs::jpeg::JpegEncoder};
use impasto::{
    Device, Engine,
    picture::Picture,
    plan::Size,
    random::Random,
    style::{Init, Inputs, Method, Painting, Recipe, Status, WeightedLayer},
    vgg19::Layer,
    weights::{self, Filters, generated},
};
use std::{
    io::Cursor,
    path::Path,
    sync::{Arc, OnceLock},
};

const WIDTH: u32 = 31;
const HEIGHT: u32 = 17;

/// Files of one kind that are whole, and the target that reads them.
pub struct Seeds {
    pub target: &'static str,
    pub kind: Kind,
    pub files: Vec<Vec<u8>>,
}

/// All seeds.
pub fn seeds() -> Vec<Seeds> {
    let of = |target, kind, files| Seeds { target, kind, files };
    vec![
        of("picture", Kind::Png, png_files()),
        of("picture", Kind::Jpeg, jpeg_files()),
        of("picture", Kind::Riff, encoded(ImageFormat::WebP, &[rgb8, rgba8])),
        of("picture", Kind::Tiff, encoded(ImageFormat::Tiff, &[grey8, rgb8, rgba8, grey16, rgb16, rgb32])),
        of("picture", Kind::Bmp, encoded(ImageFormat::Bmp, &[grey8, rgb8, rgba8])),
        of("picture", Kind::Gif, gif_files()),
        of("picture", Kind::Avif, avif_seeds()),
        of("picture", Kind::Pnm, encoded(ImageFormat::Pnm, &[grey8, rgb8, rgb16])),
        of("weights", Kind::Tensors, weights_files()),
        of("checkpoint", Kind::Checkpoint, checkpoints().to_vec()),
        of("json", Kind::Json, json_files()),
    ]
}

fn noise(values: u32) -> Vec<u8> {
    let mut random = Random::new(u64::from(values));
    // Smooth enough that filters and Huffman codes have something to do.
    let steps = (0..WIDTH * HEIGHT * values).map(|_| random.below(9) as u8);
    steps.scan(128u8, |value, step| Some(std::mem::replace(value, value.wrapping_add(step).wrapping_sub(4)))).collect()
}

fn wide(values: u32) -> Vec<u16> {
    noise(values).iter().map(|&byte| u16::from(byte) * 251).collect()
}

type Drawing = fn() -> DynamicImage;

macro_rules! drawing {
    ($name:ident, $variant:ident, $buffer:path, $values:expr) => {
        fn $name() -> DynamicImage {
            DynamicImage::$variant(<$buffer>::from_raw(WIDTH, HEIGHT, $values).expect("as many values as pixels"))
        }
    };
}

type Pixels<P, T> = image::ImageBuffer<P, Vec<T>>;

drawing!(grey8, ImageLuma8, Pixels<image::Luma<u8>, u8>, noise(1));
drawing!(grey_alpha8, ImageLumaA8, Pixels<image::LumaA<u8>, u8>, noise(2));
drawing!(rgb8, ImageRgb8, Pixels<image::Rgb<u8>, u8>, noise(3));
drawing!(rgba8, ImageRgba8, Pixels<image::Rgba<u8>, u8>, noise(4));
drawing!(grey16, ImageLuma16, Pixels<image::Luma<u16>, u16>, wide(1));
drawing!(grey_alpha16, ImageLumaA16, Pixels<image::LumaA<u16>, u16>, wide(2));
drawing!(rgb16, ImageRgb16, Pixels<image::Rgb<u16>, u16>, wide(3));
drawing!(rgba16, ImageRgba16, Pixels<image::Rgba<u16>, u16>, wide(4));

fn rgb32() -> DynamicImage {
    DynamicImage::ImageRgb32F(rgb8().to_rgb32f())
}

fn encoded(format: ImageFormat, drawings: &[Drawing]) -> Vec<Vec<u8>> {
    let encode = |drawing: &Drawing| {
        let mut file = Cursor::new(Vec::new());
        drawing().write_to(&mut file, format).expect("the format holds this kind of pixel");
        file.into_inner()
    };
    drawings.iter().map(encode).collect()
}

fn png_files() -> Vec<Vec<u8>> {
    let kinds = [grey8, grey_alpha8, rgb8, rgba8, grey16, grey_alpha16, rgb16, rgba16];
    let mut files = encoded(ImageFormat::Png, &kinds);
    let colours: Vec<u8> = noise(3)[..768].to_vec();
    let profile = [b"sRGB\0\0", zlib(&profile()).as_slice()].concat();
    // Depth, colour type and whether it is interlaced.
    for (depth, colour, interlaced) in [
        (1, 0, false),
        (2, 0, true),
        (4, 0, false),
        (8, 2, true),
        (16, 6, true),
        (1, 3, false),
        (4, 3, true),
        (8, 3, false),
    ] {
        let mut extra = vec![chunk(b"gAMA", &45455u32.to_be_bytes())];
        if colour == 2 {
            extra.push(chunk(b"iCCP", &profile));
            extra.push(chunk(b"eXIf", &exif(6)));
        }
        if colour == 3 {
            extra.push(chunk(b"PLTE", &colours[..3 << depth]));
            extra.push(chunk(b"tRNS", &[0, 128]));
        }
        files.push(png(WIDTH, HEIGHT, depth, colour, interlaced, &extra));
    }
    files
}

fn jpeg_files() -> Vec<Vec<u8>> {
    let mut files = encoded(ImageFormat::Jpeg, &[grey8, rgb8]);
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new(&mut file);
    encoder.set_icc_profile(profile()).expect("a JPEG holds a profile");
    encoder.set_exif_metadata(exif(8)).expect("a JPEG holds EXIF");
    rgb8().write_with_encoder(encoder).expect("a JPEG holds RGB");
    files.push(file);
    files
}

fn avif_seeds() -> Vec<Vec<u8>> {
    use avif_files::{ANIMATED, GREY, LIMITED, ODD, QUARTERS, TEN_BITS, TRANSPARENT, TURNED};
    [QUARTERS, TRANSPARENT, GREY, TURNED, LIMITED, ODD, ANIMATED, TEN_BITS].map(avif_files::bytes).into()
}

fn gif_files() -> Vec<Vec<u8>> {
    let colours: Vec<u8> = noise(3)[..768].to_vec();
    let encode = |frames: u16, interlaced| {
        let mut file = Vec::new();
        let mut encoder =
            gif::Encoder::new(&mut file, WIDTH as u16, HEIGHT as u16, &colours).expect("a palette of 256");
        for number in 0..frames {
            // The second covers less of the canvas.
            let (width, height) = (WIDTH as u16 - number, HEIGHT as u16);
            let mut pixels = noise(1);
            pixels.truncate(usize::from(width) * usize::from(height));
            let mut frame = gif::Frame::from_indexed_pixels(width, height, pixels, Some(7));
            (frame.left, frame.interlaced) = (number, interlaced);
            encoder.write_frame(&frame).expect("the frame lies on the canvas");
        }
        drop(encoder);
        file
    };
    vec![encode(1, false), encode(1, true), encode(2, false)]
}

/// A small colour profile that is not sRGB.
fn profile() -> Vec<u8> {
    moxcms::ColorProfile::new_display_p3().encode().expect("a profile of the crate itself can be written")
}

/// An EXIF block with an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    [&b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat()
}

/// A chunk of a PNG file.
pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let sum = crc32(&[kind, data].concat());
    [&(data.len() as u32).to_be_bytes(), kind.as_slice(), data, &sum.to_be_bytes()].concat()
}

fn png(width: u32, height: u32, depth: u8, colour: u8, interlaced: bool, extra: &[Vec<u8>]) -> Vec<u8> {
    let bits = u32::from(depth) * [1, 0, 3, 1, 2, 0, 4][usize::from(colour)];
    let passes: &[[u32; 4]] = match interlaced {
        true => &[[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]],
        false => &[[0, 0, 1, 1]],
    };
    let mut random = Random::new(u64::from(bits));
    let mut rows = Vec::new();
    for &[x, y, across, down] in passes {
        let columns = width.saturating_sub(x).div_ceil(across);
        for _ in 0..height.saturating_sub(y).div_ceil(down) {
            rows.push(random.below(5) as u8);
            rows.extend((0..(columns * bits).div_ceil(8)).map(|_| random.below(256) as u8));
        }
    }
    png_of(width, height, [depth, colour, 0, 0, u8::from(interlaced)], extra, &zlib(&rows))
}

fn png_of(width: u32, height: u32, kind: [u8; 5], extra: &[Vec<u8>], data: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes(), &height.to_be_bytes(), kind.as_slice()].concat();
    let (header, data, end) = (chunk(b"IHDR", &header), chunk(b"IDAT", data), chunk(b"IEND", b""));
    [&b"\x89PNG\r\n\x1a\n"[..], &header, &extra.concat(), &data, &end].concat()
}

/// A zlib stream that stores up to 65535 bytes as they are.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in bytes {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    let length = u16::try_from(bytes.len()).expect("seeds are small");
    let (low, high) = (length.to_le_bytes(), (!length).to_le_bytes());
    [&[0x78, 1, 1], low.as_slice(), &high, bytes, &(b << 16 | a).to_be_bytes()].concat()
}

/// A zlib stream of `1 + 258 n` zeros in about n / 4 bytes: one code of one bit repeats the byte before 258 times.
fn zlib_zeros(repeats: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    // Numbers begin with their lowest bit, codes with their highest.
    let number = |bits: &mut Vec<bool>, value: u32, count: u32| bits.extend((0..count).map(|i| value >> i & 1 == 1));
    // The last block, with its own codes: 286 for lengths, 1 for distances, 18 for lengths of codes.
    number(&mut bits, 1, 1);
    number(&mut bits, 2, 2);
    number(&mut bits, 286 - 257, 5);
    number(&mut bits, 0, 5);
    number(&mut bits, 18 - 4, 4);
    // In the order of RFC 1951: a code of one bit for "many unused", of two for lengths 1 and 2.
    for (place, length) in (0..18).map(|place| (place, [(2, 1), (15, 2), (17, 2)])) {
        let length = length.iter().find(|(used, _)| *used == place).map_or(0, |(_, length)| *length);
        number(&mut bits, length, 3);
    }
    let unused = |bits: &mut Vec<bool>, count: u32| {
        bits.push(false);
        number(bits, count - 11, 7);
    };
    // Zero and end have two bits, 285 (a length of 258) and the distance of one have one.
    bits.extend([true, true]);
    unused(&mut bits, 138);
    unused(&mut bits, 117);
    bits.extend([true, true]);
    unused(&mut bits, 28);
    bits.extend([true, false, true, false]);
    // A zero, then repeats, each of two zero bits.
    bits.extend([true, false]);
    bits.extend(std::iter::repeat_n(false, 2 * repeats));
    bits.extend([true, true]);
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
    let sum = (((1 + 258 * repeats as u32) % 65521) << 16) | 1;
    [&[0x78, 1], bits.chunks(8).map(byte).collect::<Vec<u8>>().as_slice(), &sum.to_be_bytes()].concat()
}

/// Filters of the seeds' paintings.
pub fn filters() -> Filters {
    generated(3, "relu1_2".parse().expect("VGG19 has this layer"))
}

pub fn content() -> Picture {
    Picture::noise(Size { width: 13, height: 9 }, 1)
}

pub fn style() -> Picture {
    Picture::noise(Size { width: 11, height: 12 }, 2)
}

/// What `write` leaves in a file.
fn bytes_of(write: impl FnOnce(&Path)) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().expect("there is room for a small file");
    write(file.path());
    std::fs::read(file.path()).expect("it was written just now")
}

/// Checkpoints of both optimisers, before, within and after their work.
fn checkpoints() -> &'static [Vec<u8>] {
    static CHECKPOINTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    CHECKPOINTS.get_or_init(|| {
        let engine = Engine::new(&Device::Cpu(None), Arc::new(filters())).expect("the processor takes any filters");
        let layers =
            |name: &str| vec![WeightedLayer { layer: name.parse().expect("VGG19 has this layer"), weight: 1.0 }];
        let paint = |method, init, pieces: usize| {
            let recipe = Recipe {
                size: 13,
                min_scale: 9,
                iterations: 4,
                first_iterations: 4,
                content_layers: layers("relu1_2"),
                style_layers: layers("relu1_1"),
                method,
                init,
                ..Recipe::default()
            };
            let painting = Painting::new(&engine, Inputs::new(content(), style()), recipe);
            let mut painting = painting.expect("the recipe suits the pictures");
            for _ in 0..pieces {
                if painting.wait().expect("the processor paints") == Status::Done {
                    break;
                }
            }
            let mut checkpoint = painting.checkpoint().expect("the processor paints");
            checkpoint.notes = "Notes of \"somebody\"".to_owned();
            bytes_of(|path| checkpoint.save(path).expect("there is room for a small file"))
        };
        vec![
            paint(Method::Adam, Init::Content, 0),
            paint(Method::Adam, Init::Noise, 8),
            paint(Method::Adam, Init::Picture(Arc::new(style())), 24),
            paint(Method::Adam, Init::Content, usize::MAX),
            paint(Method::Lbfgs, Init::Content, 16),
            paint(Method::Lbfgs, Init::Content, 40),
        ]
    })
}

/// A checkpoint whose painting is described by other JSON.
pub fn checkpoint_of(painting: &str) -> Vec<u8> {
    let (mut header, data) = split(&checkpoints()[1]);
    header["__metadata__"]["painting"] = painting.into();
    repaired(Kind::Checkpoint, join(&header, &data))
}

/// The header of a safetensors file, and its data.
fn split(bytes: &[u8]) -> (serde_json::Value, Vec<u8>) {
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length)) as usize;
    let header = serde_json::from_slice(&bytes[8..8 + length]).expect("a seed is whole");
    (header, bytes[8 + length..].to_vec())
}

fn join(header: &serde_json::Value, data: &[u8]) -> Vec<u8> {
    with_header(header.to_string().as_bytes(), data)
}

fn with_header(json: &[u8], data: &[u8]) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes(), json, data].concat()
}

/// Weights that come with a description of the mean that they expect.
pub fn described_weights(mean: &str) -> Vec<u8> {
    let (mut header, data) = split(&weights_of(Layer::FIRST));
    header["__metadata__"]["mean"] = mean.into();
    join(&header, &data)
}

fn weights_of(deepest: Layer) -> Vec<u8> {
    bytes_of(|path| weights::save(&generated(5, deepest), path).expect("there is room for a small file"))
}

fn weights_files() -> Vec<Vec<u8>> {
    let whole = weights_of(Layer::FIRST);
    let (mut header, data) = split(&whole);
    // The same numbers without a description, in another type, with another tensor behind.
    header["__metadata__"] = serde_json::json!({ "architecture": "VGG19" });
    let bare = join(&header, &data);
    let mut start = 0;
    for name in ["features.0.weight", "features.0.bias"] {
        let values: u64 =
            header[name]["shape"].as_array().into_iter().flatten().filter_map(|side| side.as_u64()).product();
        header[name]["dtype"] = "BF16".into();
        header[name]["data_offsets"] = serde_json::json!([start, start + 2 * values]);
        start += 2 * values;
    }
    header["classifier"] = serde_json::json!({ "dtype": "I64", "shape": [2, 1], "data_offsets": [start, start + 16] });
    let short: Vec<u8> = data.chunks_exact(4).flat_map(|value| [value[2], value[3]]).chain([7; 16]).collect();
    vec![whole, bare, join(&header, &short), weights_of(Layer::FIRST.above().expect("VGG19 has two layers"))]
}

fn json_files() -> Vec<Vec<u8>> {
    let header = serde_json::json!({
        "__metadata__": { "mean": "[0.5, 0.5, 0.5]" },
        "features.0.weight": { "dtype": "F32", "shape": [64, 0, 3, 3], "data_offsets": [0, 0] },
    });
    let mut files = vec![header.to_string().into_bytes(), b"[0.485, 0.456, 0.406]".to_vec()];
    // That of the checkpoint whose arrays it will come with.
    let (header, _) = split(&checkpoints()[1]);
    files.push(header["__metadata__"]["painting"].as_str().unwrap_or_default().into());
    files.push(
        br#"[{"operation":"conv3x3","inputs":64,"outputs":64,"f16":false,"pixels_log2":9,"variant":"plain"}]"#.to_vec(),
    );
    #[cfg(feature = "fetch")]
    files.push(br#"{"url":"http://127.0.0.1/","identity":{"length":574673361,"version":"\"a\""}}"#.to_vec());
    files
}

/// A file that is known to do harm somewhere.
pub struct Hostile {
    pub name: &'static str,
    pub target: &'static str,
    pub bytes: Vec<u8>,
    /// It takes gigabytes or seconds where it is believed.
    pub large: bool,
}

/// A square that is as large as pictures may be.
const LARGEST: u32 = 1 << 14;

/// All such files.
pub fn hostile() -> Vec<Hostile> {
    let mut files = Vec::new();
    let mut add = |name, target, large, bytes| files.push(Hostile { name, target, bytes, large });
    let colours = chunk(b"PLTE", &[1, 2, 3, 4, 5, 6]);
    let row = |length: usize| [vec![0; 1], vec![0xFF; length]].concat();
    let pixels = |length: usize| zlib(&row(length).repeat(HEIGHT as usize));
    let short = png_of(WIDTH, HEIGHT, [8, 3, 0, 0, 0], std::slice::from_ref(&colours), &pixels(WIDTH as usize));
    add("palette-shorter-than-its-indices.png", "picture", false, short);
    let cut = png_of(WIDTH, HEIGHT, [8, 3, 0, 0, 0], &[chunk(b"PLTE", &[1, 2, 3, 4])], &pixels(WIDTH as usize));
    add("palette-that-ends-within-a-colour.png", "picture", false, cut);
    let none = png_of(WIDTH, HEIGHT, [8, 3, 0, 0, 0], &[], &pixels(WIDTH as usize));
    add("no-palette.png", "picture", false, none);
    let short = png_of(WIDTH, HEIGHT, [2, 3, 0, 0, 0], &[colours], &pixels(8));
    add("palette-shorter-than-its-indices-2-bit.png", "picture", false, short);
    let profile = [b"x\0\0", zlib_zeros((2 << 30) / 258).as_slice()].concat();
    let data = pixels(3 * WIDTH as usize);
    let bomb = png_of(WIDTH, HEIGHT, [8, 2, 0, 0, 0], &[chunk(b"iCCP", &profile)], &data);
    add("profile-of-2-gib.png", "picture", true, bomb);
    let text = [b"x\0\0", zlib_zeros((2 << 30) / 258).as_slice()].concat();
    let bomb = png_of(WIDTH, HEIGHT, [8, 2, 0, 0, 0], &[chunk(b"zTXt", &text)], &data);
    add("text-of-2-gib.png", "picture", true, bomb);
    let bits = zlib_zeros((LARGEST as usize * (LARGEST as usize / 8 + 1)).div_ceil(258));
    add("one-bit-16384x16384.png", "picture", true, png_of(LARGEST, LARGEST, [1, 0, 0, 0, 0], &[], &bits));
    add("rgb-16384x16384-cut.png", "picture", true, png_of(LARGEST, LARGEST, [8, 2, 0, 0, 0], &[], &bits));
    add("rgba16-16384x16384-cut.png", "picture", true, png_of(LARGEST, LARGEST, [16, 6, 0, 0, 0], &[], &bits));
    add("interlaced-16384x16384-cut.png", "picture", true, png_of(LARGEST, LARGEST, [16, 6, 0, 0, 1], &[], &bits));
    for (name, at, file) in [
        ("grey-16384x16384.jpg", 5, encoded(ImageFormat::Jpeg, &[grey8])),
        ("rgb-16384x16384.jpg", 5, encoded(ImageFormat::Jpeg, &[rgb8])),
    ] {
        let mut bytes = file.concat();
        let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("the encoder writes baseline JPEG");
        let side = (LARGEST as u16).to_be_bytes();
        bytes[frame + at..frame + at + 4].copy_from_slice(&[side, side].concat());
        add(name, "picture", true, bytes);
    }
    add("one-colour-16384x16384.webp", "picture", true, webp_of_one_colour(LARGEST));
    for (name, format, places) in [("65536x16384.bmp", ImageFormat::Bmp, [18, 22])] {
        let mut bytes = encoded(format, &[rgb8]).concat();
        for (place, side) in places.into_iter().zip([1u32 << 16, LARGEST]) {
            bytes[place..place + 4].copy_from_slice(&side.to_le_bytes());
        }
        add(name, "picture", true, bytes);
    }
    hostile_tensors(&mut add);
    hostile_checkpoints(&mut add);
    add("deep.json", "json", false, "[".repeat(100_000).into_bytes());
    add("deep-objects.json", "json", false, "{\"a\":".repeat(100_000).into_bytes());
    files
}

type Add<'a> = dyn FnMut(&'static str, &'static str, bool, Vec<u8>) + 'a;

fn hostile_tensors(add: &mut Add<'_>) {
    let tensor = |name: &str| {
        let json = serde_json::json!({ name: { "dtype": "U8", "shape": [1], "data_offsets": [0, 1] } });
        join(&json, &[0])
    };
    add("name-with-escapes.safetensors", "weights", false, tensor("\u{1b}]0;title\u{7}\u{1b}[2J\u{202e}\nname\r"));
    add("name-of-65000-characters.safetensors", "weights", false, tensor(&"n".repeat(65_000)));
    let (mut header, data) = split(&weights_of(Layer::FIRST));
    header["features.0.weight"]["dtype"] = "U32".into();
    header["__metadata__"] =
        serde_json::json!({ "mean": format!("\u{1b}[31m{}", "m".repeat(65_000)), "deviation": "\u{202e}" });
    add("statistics-with-escapes.safetensors", "weights", false, join(&header, &data));
    add("lengths-beyond-64-bits.safetensors", "weights", false, join(&endless_tensors().into(), &[]));
    let zeros =
        format!("{{\"a\":{{\"dtype\":\"U8\",\"shape\":[0{}],\"data_offsets\":[0,0]}}}}", ",0".repeat((8 << 20) - 40));
    add("shape-of-8-million-zeros.safetensors", "weights", true, with_header(zeros.as_bytes(), &[]));
    add("deep.safetensors", "weights", false, with_header("{\"a\":".repeat(200_000).as_bytes(), &[]));
}

/// Nine tensors whose lengths add up to 2^64 - 1.
fn endless_tensors() -> serde_json::Map<String, serde_json::Value> {
    let part = (1u64 << 61) - 1;
    let tensor = |number: u64| {
        let (start, end) = (number * part, if number < 8 { (number + 1) * part } else { u64::MAX });
        let tensor = serde_json::json!({ "dtype": "U8", "shape": [end - start], "data_offsets": [start, end] });
        (number.to_string(), tensor)
    };
    (0..9).map(tensor).collect()
}

fn hostile_checkpoints(add: &mut Add<'_>) {
    let (header, data) = split(&checkpoints()[1]);
    let changed = |key: &str, value: serde_json::Value| {
        let mut header = header.clone();
        header["__metadata__"][key] = value;
        repaired(Kind::Checkpoint, join(&header, &data))
    };
    add("version-with-escapes.checkpoint", "checkpoint", false, changed("impasto_checkpoint", "\u{1b}[2J\n9".into()));
    add("long-version.checkpoint", "checkpoint", false, changed("impasto_checkpoint", "9".repeat(65_000).into()));
    add("lengths-beyond-64-bits.checkpoint", "checkpoint", false, {
        let mut header = serde_json::json!({ "__metadata__": header["__metadata__"] });
        endless_tensors().into_iter().for_each(|(name, tensor)| header[name] = tensor);
        join(&header, &[])
    });
    add("deep.checkpoint", "checkpoint", false, changed("painting", "[".repeat(100_000).into()));
    let painting = header["__metadata__"]["painting"].as_str().unwrap_or_default();
    let painting: serde_json::Value = serde_json::from_str(painting).expect("a seed is whole");
    let with = |pointer: &str, value: serde_json::Value| {
        let mut painting = painting.clone();
        *painting.pointer_mut(pointer).expect("a seed has all parts") = value;
        changed("painting", painting.to_string().into())
    };
    let huge = serde_json::json!({ "width": u32::MAX, "height": u32::MAX });
    add("sizes-that-overflow.checkpoint", "checkpoint", false, with("/position/sizes/0", huge.clone()));
    add("later-sizes-that-overflow.checkpoint", "checkpoint", false, with("/position/sizes/1", huge.clone()));
    add("painted-that-overflows.checkpoint", "checkpoint", false, with("/painted", huge.clone()));
    add("start-that-overflows.checkpoint", "checkpoint", false, with("/init_size", huge));
    add("no-such-scale.checkpoint", "checkpoint", false, with("/position/index", usize::MAX.into()));
    add("most-evaluations.checkpoint", "checkpoint", false, with("/moment/evaluations", u32::MAX.into()));
    add("most-iterations.checkpoint", "checkpoint", false, with("/moment/iteration", u32::MAX.into()));
    add("exponent.checkpoint", "checkpoint", false, with("/moment/gradient_exponent", i32::MIN.into()));
    add("seconds.checkpoint", "checkpoint", false, with("/moment/seconds", (-1e300).into()));
    let layer = serde_json::json!({ "layer": "relu5_4", "weight": 1.0 });
    add("layers-beyond-the-filters.checkpoint", "checkpoint", false, with("/recipe/style_layers/0", layer.clone()));
    add("100000-layers.checkpoint", "checkpoint", false, with("/recipe/style_layers", vec![layer; 30_000].into()));
}

/// A lossless WebP in which every code has one symbol, so that no pixel takes a bit.
fn webp_of_one_colour(side: u32) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let number = |bits: &mut Vec<bool>, value: u32, count: u32| bits.extend((0..count).map(|i| value >> i & 1 == 1));
    number(&mut bits, 0x2F, 8);
    number(&mut bits, side - 1, 14);
    number(&mut bits, side - 1, 14);
    // No alpha, version 0; no transform, no cache of colours, no second level of codes.
    number(&mut bits, 0, 1 + 3 + 1 + 1 + 1);
    // Five codes, each simple, of one symbol that is 0 or 1.
    (0..5).for_each(|_| number(&mut bits, 0b0001, 4));
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
    let mut data: Vec<u8> = bits.chunks(8).map(byte).collect();
    data.resize(data.len().next_multiple_of(2) + 2, 0);
    let length = data.len() as u32;
    [b"RIFF", &(length + 12).to_le_bytes(), b"WEBPVP8L".as_slice(), &length.to_le_bytes(), &data].concat()
}
