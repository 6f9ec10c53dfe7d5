//! The formats that are written.

use std::borrow::Cow;
use std::io::Cursor;

use image::codecs::{
    bmp::BmpEncoder,
    jpeg::{JpegEncoder, PixelDensity},
};
use image::{ExtendedColorType, ImageEncoder, ImageError, ImageFormat};
use image_webp::WebPEncoder;
use png::{BitDepth, ColorType, Compression, EncodingError, Filter, Info, PixelDimensions, SrgbRenderingIntent, Unit};
use tiff::TiffError;
use tiff::encoder::{Rational, TiffEncoder, TiffValue, colortype};
use tiff::tags::{ExtraSamples, ResolutionUnit, Tag};

use super::{Depth, Encoding, dither::level};
use crate::picture::{Mask, Picture, colour::srgb_profile, exif, record};

/// The bytes of a file, or the encoder's words.
pub(super) fn encode(picture: &Picture, format: ImageFormat, encoding: &Encoding) -> Result<Vec<u8>, String> {
    match format {
        ImageFormat::Jpeg => jpeg(picture, encoding).map_err(|error| error.to_string()),
        ImageFormat::Bmp => bmp(picture, encoding).map_err(|error| error.to_string()),
        ImageFormat::WebP => webp(picture, encoding).map_err(|error| error.to_string()),
        ImageFormat::Tiff => tiff(picture, encoding).map_err(|error| error.to_string()),
        _ => png(picture, encoding).map_err(|error| error.to_string()),
    }
}

/// Red, green and blue of every pixel, and alpha if there is one.
fn values(picture: &Picture, alpha: Option<&Mask>) -> Vec<f32> {
    match alpha.map(|alpha| alpha.fitted(picture.size)) {
        None => picture.pixels.clone(),
        Some(alpha) => {
            let pixels = picture.pixels.as_chunks().0.iter().zip(alpha.values());
            pixels.flat_map(|([red, green, blue], alpha)| [*red, *green, *blue, *alpha]).collect()
        }
    }
}

fn bytes(picture: &Picture, alpha: Option<&Mask>) -> Vec<u8> {
    let channels = if alpha.is_some() { 4 } else { 3 };
    let row = channels * picture.size.width as usize;
    let place = |i: usize| ((i % row / channels) as u32, (i / row) as u32);
    let values = values(picture, alpha).into_iter().enumerate();
    values.map(|(i, value)| (value, place(i))).map(|(value, (x, y))| level(value, x, y)).collect()
}

fn words(picture: &Picture, alpha: Option<&Mask>) -> Vec<u16> {
    values(picture, alpha).into_iter().map(|value| (value.clamp(0.0, 1.0) * 65535.0).round() as u16).collect()
}

/// Red, green and blue over white.
fn opaque(picture: &Picture, encoding: &Encoding) -> Vec<u8> {
    match &encoding.alpha {
        None => bytes(picture, None),
        Some(alpha) => bytes(&picture.over_white(alpha), None),
    }
}

/// The EXIF data that goes into a file: that of the photograph says how dense the photograph was.
fn exif_of(encoding: &Encoding) -> Option<Cow<'_, [u8]>> {
    let exif = encoding.exif.as_deref()?;
    Some(match encoding.density {
        Some(density) => Cow::Owned(exif::with_density(exif, density)),
        None => Cow::Borrowed(exif),
    })
}

/// Pixels per metre: what PNG and BMP files count in.
fn per_metre(encoding: &Encoding) -> Option<u32> {
    encoding.density.map(|density| (f64::from(density.get()) / 0.0254).round() as u32)
}

fn png(picture: &Picture, encoding: &Encoding) -> Result<Vec<u8>, EncodingError> {
    let mut info = Info::with_size(picture.size.width, picture.size.height);
    info.exif_metadata = exif_of(encoding);
    info.pixel_dims =
        per_metre(encoding).map(|pixels| PixelDimensions { xppu: pixels, yppu: pixels, unit: Unit::Meter });
    let mut file = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut file, info)?;
    encoder.set_color(if encoding.alpha.is_some() { ColorType::Rgba } else { ColorType::Rgb });
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    encoder.set_compression(Compression::Balanced);
    encoder.set_filter(Filter::Adaptive);
    if let Some(text) = &encoding.record {
        encoder.add_itxt_chunk(record::KEYWORD.to_owned(), text.clone())?;
    }
    let alpha = encoding.alpha.as_ref();
    let bytes = match encoding.depth {
        Depth::Eight => bytes(picture, alpha),
        Depth::Sixteen => {
            encoder.set_depth(BitDepth::Sixteen);
            words(picture, alpha).into_iter().flat_map(u16::to_be_bytes).collect()
        }
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bytes)?;
    writer.finish()?;
    Ok(file)
}

fn jpeg(picture: &Picture, encoding: &Encoding) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, encoding.jpeg_quality.clamp(1, 100));
    encoder.set_icc_profile(srgb_profile()).map_err(ImageError::Unsupported)?;
    if let Some(exif) = exif_of(encoding) {
        encoder.set_exif_metadata(exif.into_owned()).map_err(ImageError::Unsupported)?;
    }
    if let Some(density) = encoding.density {
        encoder.set_pixel_density(PixelDensity::dpi(density.get()));
    }
    let (width, height) = (picture.size.width, picture.size.height);
    encoder.write_image(&opaque(picture, encoding), width, height, ExtendedColorType::Rgb8)?;
    if let Some(text) = &encoding.record {
        record::insert_into_jpeg(&mut file, text);
    }
    Ok(file)
}

fn webp(picture: &Picture, encoding: &Encoding) -> Result<Vec<u8>, image_webp::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new(&mut file);
    encoder.set_icc_profile(srgb_profile());
    // The format has no other place for a density.
    let exif = exif_of(encoding).or_else(|| Some(Cow::Owned(exif::with_density(exif::EMPTY, encoding.density?))));
    encoder.set_exif_metadata(exif.unwrap_or_default().into_owned());
    encoder.set_xmp_metadata(encoding.record.as_deref().map(record::packet).unwrap_or_default());
    let colour = if encoding.alpha.is_some() { image_webp::ColorType::Rgba8 } else { image_webp::ColorType::Rgb8 };
    encoder.encode(&bytes(picture, encoding.alpha.as_ref()), picture.size.width, picture.size.height, colour)?;
    Ok(file)
}

fn bmp(picture: &Picture, encoding: &Encoding) -> Result<Vec<u8>, ImageError> {
    /// Of both densities in the file: biXPelsPerMeter and biYPelsPerMeter of BITMAPINFOHEADER.
    const DENSITIES: std::ops::Range<usize> = 38..46;
    let mut file = Vec::new();
    let (width, height) = (picture.size.width, picture.size.height);
    BmpEncoder::new(&mut file).write_image(&opaque(picture, encoding), width, height, ExtendedColorType::Rgb8)?;
    if let Some(pixels) = per_metre(encoding) {
        file[DENSITIES].copy_from_slice(&[pixels.to_le_bytes(); 2].concat());
    }
    Ok(file)
}

fn tiff(picture: &Picture, encoding: &Encoding) -> Result<Vec<u8>, TiffError> {
    let alpha = encoding.alpha.as_ref();
    match encoding.depth {
        Depth::Eight => tiff_of::<colortype::RGB8>(picture, encoding, &bytes(picture, alpha)),
        Depth::Sixteen => tiff_of::<colortype::RGB16>(picture, encoding, &words(picture, alpha)),
    }
}

fn tiff_of<C: colortype::ColorType>(
    picture: &Picture,
    encoding: &Encoding,
    samples: &[C::Inner],
) -> Result<Vec<u8>, TiffError>
where
    [C::Inner]: TiffValue,
{
    /// Of XMP (XMP Specification Part 3, 2020, section 3.3).
    const XMP: Tag = Tag::Unknown(700);
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file)?;
    let mut image = encoder.new_image::<C>(picture.size.width, picture.size.height)?;
    if encoding.alpha.is_some() {
        image.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    }
    image.encoder().write_tag(Tag::IccProfile, &srgb_profile()[..])?;
    if let Some(density) = encoding.density {
        image.resolution(ResolutionUnit::Inch, Rational { n: density.get().into(), d: 1 });
    }
    if let Some(text) = &encoding.record {
        image.encoder().write_tag(XMP, &record::packet(text)[..])?;
    }
    image.write_data(samples)?;
    Ok(file.into_inner())
}
