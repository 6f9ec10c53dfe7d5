//! The pictures of one scale, in the sizes in which the network sees them.

use super::{
    inputs::{Inputs, StyleInput},
    limits::Limits,
    outline::Outline,
    recipe::{Init, Recipe},
    region_weights::{feather, rest_of},
    sizes::{margin, style_size},
};
use crate::{
    picture::Picture,
    plan::{Border, Size},
};

/// A painting and how much each of its pixels counts.
#[derive(Clone, Debug, PartialEq)]
pub struct StylePicture {
    /// At its size for this scale.
    pub(super) picture: Picture,
    /// Like the picture; all count the same if none.
    pub(super) mask: Option<Vec<f32>>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalePictures {
    /// In the size of the painted picture.
    pub(super) content: Picture,
    /// Each at its own size.
    pub(super) paintings: Vec<StylePicture>,
    /// The picture to start from.
    pub(super) start: Picture,
    /// How much each pixel counts in each of [`Outline::regions`]; all the same if none.
    pub(super) regions: Vec<Option<Vec<f32>>>,
    /// Which pixels move, 1, or do not, 0; all move if none.
    pub(super) freedom: Option<Vec<f32>>,
}

impl ScalePictures {
    /// Pictures that are already in the sizes in which the network is to see them; nothing is resized.
    pub fn exact(content: &Picture, paintings: &[&Picture], start: &Picture) -> ScalePictures {
        let whole = |picture: &&Picture| StylePicture { picture: (*picture).clone(), mask: None };
        ScalePictures {
            content: content.clone(),
            paintings: paintings.iter().map(whole).collect(),
            start: start.clone(),
            regions: vec![None],
            freedom: None,
        }
    }

    /// Those of some inputs for a picture of this size, with a margin around it. `painted` is the result of the scale
    /// before.
    pub(super) fn new(
        inputs: &Inputs,
        outline: &Outline,
        recipe: &Recipe,
        size: Size,
        painted: Option<&Picture>,
    ) -> ScalePictures {
        let sizes = outline.paintings.iter().map(|painting| style_size(painting.size, size, painting.scale));
        let pictures = ScalePictures::sized(inputs, outline, recipe, size, &sizes.collect::<Vec<_>>(), painted);
        pictures.with_margin(margin(recipe))
    }

    /// With a mirror image of everything but the paintings around it.
    fn with_margin(self, margin: u32) -> ScalePictures {
        let size = self.content.size();
        let map = |values: Vec<f32>| mirrored(&values, size, margin, 1);
        let picture = |picture: Picture| {
            let size = picture.size();
            let around = Size { width: size.width + 2 * margin, height: size.height + 2 * margin };
            let pixels = mirrored(picture.pixels(), size, margin, 3);
            Picture::new(around, pixels).expect("there are as many values as the pixels take")
        };
        if margin == 0 {
            return self;
        }
        ScalePictures {
            content: picture(self.content),
            paintings: self.paintings,
            start: picture(self.start),
            regions: self.regions.into_iter().map(|region| region.map(map)).collect(),
            freedom: self.freedom.map(map),
        }
    }

    /// The same without a margin, and with paintings of these sizes.
    pub(super) fn sized(
        inputs: &Inputs,
        outline: &Outline,
        recipe: &Recipe,
        size: Size,
        paintings: &[Size],
        painted: Option<&Picture>,
    ) -> ScalePictures {
        let content = inputs.content.resize(size);
        let start = match (painted, &recipe.init) {
            (Some(smaller), _) if recipe.border == Border::Wrap => resized_on_torus(smaller, size),
            (Some(smaller), _) => smaller.resize(size),
            (None, Init::Content) => content.clone(),
            (None, Init::Noise) => Picture::noise(size, recipe.seed),
            (None, Init::Picture(other)) => other.resize(size),
        };
        let limits = Limits::new(inputs, size);
        let start = match &limits {
            Some(limits) => limits.put_back(start, &content),
            None => start,
        };
        let paintable = limits.as_ref().map(Limits::paintable);
        let softened = recipe.feather * size.long_side() as f32 / recipe.size.max(1) as f32;
        let masks: Vec<Option<Vec<f32>>> = inputs
            .paintings
            .iter()
            .map(|painting| painting.region.as_ref().map(|mask| feather(mask.resize(size).values(), size, softened)))
            .collect();
        let regions = outline.regions.iter().enumerate().map(|(index, region)| {
            if !region.region.weighted {
                return None;
            }
            let ruled = |painting: &usize| outline.paintings[*painting].region == index;
            let mask = (0..masks.len()).filter(ruled).find_map(|painting| masks[painting].clone());
            let mask = mask.unwrap_or_else(|| {
                let named: Vec<&[f32]> = masks.iter().flatten().map(Vec::as_slice).collect();
                rest_of(&named, size)
            });
            Some(match &paintable {
                Some(paintable) => mask.iter().zip(paintable).map(|(mask, free)| mask * free).collect(),
                None => mask,
            })
        });
        let style_picture = |(painting, size): (&StyleInput, &Size)| StylePicture {
            picture: painting.picture.resize(*size),
            mask: painting.mask.as_ref().map(|mask| mask.resize(*size).values().to_vec()),
        };
        ScalePictures {
            paintings: inputs.paintings.iter().zip(paintings).map(style_picture).collect(),
            regions: regions.collect(),
            content,
            start,
            freedom: limits.as_ref().map(Limits::freedom),
        }
    }
}

/// Values of pixels with `channels` each, and their mirror image over so many pixels beyond every edge.
fn mirrored(values: &[f32], size: Size, margin: u32, channels: usize) -> Vec<f32> {
    let place = |position: u32, side: u32| {
        // How far it is from the last edge before it that repeats.
        let within = (position + 2 * side * margin.div_ceil(2 * side) - margin) % (2 * side);
        within.min(2 * side - 1 - within) as usize
    };
    let row = |y: u32| place(y, size.height) * size.width as usize;
    let pixels = (0..size.height + 2 * margin).flat_map(|y| {
        let row = row(y);
        (0..size.width + 2 * margin).map(move |x| row + place(x, size.width))
    });
    pixels.flat_map(|pixel| &values[channels * pixel..][..channels]).copied().collect()
}

/// Pixels beyond an edge that resizing looks at.
const MARGIN: u32 = 4;

/// A picture at another size, as if it were repeated in every direction.
fn resized_on_torus(picture: &Picture, size: Size) -> Picture {
    let old = picture.size();
    // Margins of so many pixels of both sizes have the same ratio as the sides.
    let margins = |old: u32, new: u32| {
        let whole = greatest_common_divisor(old, new);
        let times = MARGIN.div_ceil(old / whole);
        [times * (old / whole), times * (new / whole)]
    };
    let ([old_x, new_x], [old_y, new_y]) = (margins(old.width, size.width), margins(old.height, size.height));
    let around = |size: Size, x: u32, y: u32| Size { width: size.width + 2 * x, height: size.height + 2 * y };
    let repeated =
        window(picture, [old.width - old_x % old.width, old.height - old_y % old.height], around(old, old_x, old_y));
    window(&repeated.resize(around(size, new_x, new_y)), [new_x, new_y], size)
}

/// A part of a picture that is repeated in every direction, from a place within it on.
fn window(picture: &Picture, [left, top]: [u32; 2], size: Size) -> Picture {
    let own = picture.size();
    let row = |y: u32| &picture.pixels().as_chunks::<3>().0[((top + y) % own.height * own.width) as usize..];
    let pixels =
        (0..size.height).flat_map(|y| (0..size.width).flat_map(move |x| row(y)[((left + x) % own.width) as usize]));
    Picture::new(size, pixels.collect()).expect("there are as many values as the pixels take")
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_mirrors_the_picture_and_is_cut_off_again() {
        let size = Size { width: 3, height: 2 };
        let values: Vec<f32> = (0..6).map(|value| value as f32).collect();
        let rows = mirrored(&values, size, 4, 1);
        assert_eq!(rows.len(), 11 * 10);
        // 0 1 2 and its mirror images on both sides.
        let line = [2.0, 2.0, 1.0, 0.0, 0.0, 1.0, 2.0, 2.0, 1.0, 0.0, 0.0];
        assert_eq!(rows[4 * 11..5 * 11], line);
        assert_eq!(rows[5 * 11..6 * 11], line.map(|value| value + 3.0));
        assert_eq!((&rows[3 * 11..4 * 11], &rows[6 * 11..7 * 11]), (&line[..], &line.map(|value| value + 3.0)[..]));
        let picture = Picture::noise(size, 1);
        let content = ScalePictures::exact(&picture, &[], &picture).with_margin(5).content;
        assert_eq!(window(&content, [5, 5], size), picture);
    }

    #[test]
    fn on_a_torus_a_moved_picture_is_resized_to_a_moved_one() {
        let (old, new) = (Size { width: 32, height: 16 }, Size { width: 48, height: 24 });
        let picture = Picture::noise(old, 3);
        let moved = resized_on_torus(&window(&picture, [10, 6], old), new);
        let expected = window(&resized_on_torus(&picture, new), [15, 9], new);
        let apart = moved.pixels().iter().zip(expected.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-5, "{apart}");
    }
}
