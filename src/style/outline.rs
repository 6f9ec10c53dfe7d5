//! What plans and weights need to know of the inputs: sizes, which regions there are, and how much they count.

use super::{
    error::{MaskOf, Reason},
    inputs::Inputs,
    limits::Limits,
    recipe::Recipe,
    region_weights::rest_of,
};
use crate::{
    picture::{Mask, fit_long_side},
    plan::{Border, Region, Size},
};

/// Long side, in pixels, of the masks whose areas are measured.
const MEASURED: u32 = 256;
/// Part of the photograph below which a region covers nothing of it.
const SMALLEST_AREA: f64 = 1e-5;

/// A painting as plans see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaintingOutline {
    /// Its own size.
    pub size: Size,
    /// Whether a mask says which part of it counts.
    pub masked: bool,
    /// Which of [`Outline::regions`] it rules.
    pub region: usize,
    /// Its part of that region's statistics; those of a region sum to one.
    pub share: f64,
    /// Its long side as a multiple of the picture's, at most its own.
    pub scale: f32,
}

/// A part of the picture with its own style.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionOutline {
    /// As plans know it.
    pub region: Region,
    /// Its part of the photograph's area.
    pub area: f64,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// Size of the photograph.
    pub content: Size,
    /// Every painting.
    pub paintings: Vec<PaintingOutline>,
    /// Every region that a painting rules.
    pub regions: Vec<RegionOutline>,
    /// Whether some pixels do not move.
    pub frozen: bool,
}

impl Outline {
    /// Of a photograph and one painting of these sizes, both whole.
    pub fn simple(content: Size, painting: Size, recipe: &Recipe) -> Outline {
        let scale = recipe.style_scales.first().copied().unwrap_or(1.0);
        let weighted = recipe.border == Border::Wrap;
        Outline {
            content,
            paintings: vec![PaintingOutline { size: painting, masked: false, region: 0, share: 1.0, scale }],
            regions: vec![RegionOutline { region: Region { number: 0, weighted }, area: 1.0 }],
            frozen: false,
        }
    }

    /// Of these inputs.
    ///
    /// # Errors
    /// If a mask is empty, covers nothing of the photograph that may be painted, or the recipe has numbers for another
    /// number of paintings.
    pub fn new(inputs: &Inputs, recipe: &Recipe) -> Result<Outline, Reason> {
        recipe.check_paintings(inputs.paintings.len())?;
        let size = fit_long_side(inputs.content.size(), MEASURED);
        let fitted = |mask: &Mask| mask.resize(size);
        let limits = Limits::new(inputs, size);
        let paintable = limits.as_ref().map_or_else(|| vec![1.0; size.pixels()], Limits::paintable);
        let share_of = |mask: &[f32]| {
            mask.iter().zip(&paintable).map(|(mask, free)| f64::from(mask * free)).sum::<f64>() / size.pixels() as f64
        };
        let masks: Vec<Option<Mask>> =
            inputs.paintings.iter().map(|painting| painting.region.as_ref().map(fitted)).collect();
        for (index, painting) in inputs.paintings.iter().enumerate() {
            let is_empty = |mask: &Option<Mask>| mask.as_ref().is_some_and(Mask::is_empty);
            if is_empty(&painting.mask) {
                return Err(Reason::EmptyMask { of: MaskOf::Painting(index) });
            }
            if is_empty(&painting.region) {
                return Err(Reason::EmptyMask { of: MaskOf::Region(index) });
            }
        }
        if share_of(&vec![1.0; size.pixels()]) < SMALLEST_AREA {
            return Err(Reason::NothingToPaint);
        }
        let all_count = limits.is_none() && recipe.border != Border::Wrap;
        let has_regions = masks.iter().any(Option::is_some);
        let mut regions: Vec<RegionOutline> = Vec::new();
        let mut add = |mask: &[f32]| {
            let region = Region { number: regions.len(), weighted: has_regions || !all_count };
            regions.push(RegionOutline { region, area: share_of(mask) });
            regions.len() - 1
        };
        let rest_region = masks.iter().any(Option::is_none).then(|| {
            let named: Vec<&[f32]> = masks.iter().flatten().map(Mask::values).collect();
            add(&rest_of(&named, size))
        });
        let mut of_painting = Vec::new();
        for mask in &masks {
            of_painting.push(match (mask, rest_region) {
                (Some(mask), _) => add(mask.values()),
                (None, region) => region.unwrap_or_default(),
            });
        }
        for (index, region) in of_painting.iter().enumerate() {
            if masks[index].is_some() && regions[*region].area < SMALLEST_AREA {
                return Err(Reason::RegionCoversNothing { painting: index });
            }
        }
        let weights: Vec<f64> = (0..inputs.paintings.len()).map(|index| recipe.blend_weight(index)).collect();
        let share = |index: usize| {
            let together = (0..weights.len()).filter(|&other| of_painting[other] == of_painting[index]);
            weights[index] / together.map(|other| weights[other]).sum::<f64>()
        };
        let paintings = inputs.paintings.iter().enumerate().map(|(index, painting)| PaintingOutline {
            size: painting.picture.size(),
            masked: painting.mask.is_some(),
            region: of_painting[index],
            share: share(index),
            scale: recipe.style_scale(index),
        });
        Ok(Outline {
            content: inputs.content.size(),
            paintings: paintings.collect(),
            regions,
            frozen: limits.is_some(),
        })
    }
}
