//! The pictures of one scale, in the sizes in which the network sees them.

use super::{
    inputs::Inputs,
    outline::{Outline, paintable},
    recipe::{Init, Recipe},
    region_weights::{feather, rest},
    sizes::style_size,
};
use crate::{
    picture::{Mask, Picture},
    plan::Size,
};

/// A value of the keep mask above which a pixel does not move at all: what it would change is less than one of 256
/// levels.
const KEPT: f32 = 1.0 - 1.0 / 512.0;

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

    /// Those of some inputs for a picture of this size. `painted` is the result of the scale before. With a style scale
    /// of none, paintings keep their size.
    pub(super) fn new(
        inputs: &Inputs,
        outline: &Outline,
        recipe: &Recipe,
        size: Size,
        painted: Option<&Picture>,
    ) -> ScalePictures {
        let sizes = outline.paintings.iter().map(|painting| style_size(painting.size, size, painting.scale));
        ScalePictures::sized(inputs, outline, recipe, size, &sizes.collect::<Vec<_>>(), painted)
    }

    /// The same, with paintings of these sizes.
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
            (Some(smaller), _) => smaller.resize(size),
            (None, Init::Content) => content.clone(),
            (None, Init::Noise) => Picture::noise(size, recipe.seed),
            (None, Init::Picture(other)) => other.resize(size),
        };
        let start = with_kept(inputs, start, &content);
        let paintable = paintable(inputs, size);
        let softened = recipe.feather * long(size) as f32 / recipe.size.max(1) as f32;
        let masks: Vec<Option<Vec<f32>>> = inputs
            .paintings
            .iter()
            .map(|painting| painting.region.as_ref().map(|mask| feather(mask.resize(size).values(), size, softened)))
            .collect();
        let regions = outline.regions.iter().enumerate().map(|(index, region)| {
            let ruled = |painting: &usize| outline.paintings[*painting].region == index;
            let mask = (0..masks.len()).filter(ruled).find_map(|painting| masks[painting].clone());
            let mask = mask.unwrap_or_else(|| {
                let named: Vec<&[f32]> = masks.iter().flatten().map(Vec::as_slice).collect();
                if named.is_empty() { vec![1.0; size.pixels()] } else { rest(&named) }
            });
            let limited = mask.iter().zip(&paintable).map(|(mask, free)| mask * free);
            region.region.weighted.then(|| limited.collect())
        });
        let freedom = outline.frozen.then(|| {
            let alpha = inputs.alpha.as_ref().map(|mask| mask.resize(size));
            let keep = inputs.keep.as_ref().map(|mask| mask.resize(size));
            let value = |mask: &Option<Mask>, index: usize| mask.as_ref().map(|mask| mask.values()[index]);
            let moves = |index: usize| {
                value(&alpha, index).is_none_or(|alpha| alpha > 0.0)
                    && value(&keep, index).is_none_or(|keep| keep < KEPT)
            };
            (0..size.pixels()).map(|index| if moves(index) { 1.0 } else { 0.0 }).collect()
        });
        let style_picture = |(painting, size): (&super::inputs::StyleInput, &Size)| StylePicture {
            picture: painting.picture.resize(*size),
            mask: painting.mask.as_ref().map(|mask| mask.resize(*size).values().to_vec()),
        };
        ScalePictures {
            paintings: inputs.paintings.iter().zip(paintings).map(style_picture).collect(),
            regions: regions.collect(),
            content,
            start,
            freedom,
        }
    }
}

/// A picture with the photograph where that is kept, and where nothing is seen of it.
pub(super) fn with_kept(inputs: &Inputs, mut picture: Picture, photograph: &Picture) -> Picture {
    let size = picture.size();
    let mut put = |mask: &Option<Mask>, share: fn(f32) -> f32| {
        let Some(mask) = mask else { return };
        let mask = mask.resize(size);
        let pixels = picture.pixels_mut().chunks_exact_mut(3).zip(photograph.pixels().chunks_exact(3));
        for ((pixel, kept), mask) in pixels.zip(mask.values()) {
            let share = share(*mask);
            // Exactly, not up to rounding, where nothing or everything is kept.
            if share >= 1.0 {
                pixel.copy_from_slice(kept);
            } else if share > 0.0 {
                pixel.iter_mut().zip(kept).for_each(|(value, kept)| *value += share * (kept - *value));
            }
        }
    };
    put(&inputs.keep, |keep| keep);
    put(&inputs.alpha, |alpha| if alpha > 0.0 { 0.0 } else { 1.0 });
    picture
}

fn long(size: Size) -> u32 {
    size.width.max(size.height)
}
