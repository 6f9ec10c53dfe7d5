//! The sizes through which a picture grows.

use super::{error::Reason, recipe::Recipe};
use crate::{
    picture::fit_long_side,
    plan::{Border, PlanError, Size},
    vgg19::Layer,
};

/// Long sides from the smallest scale to `end`, growing by the square root of two: `round(end / 2^(i/2))` down to
/// `smallest`. Always ends with `end`.
pub fn scales(end: u32, smallest: u32) -> Vec<u32> {
    let mut scales: Vec<u32> = (0..64)
        .map(|i| (f64::from(end) / 2f64.powf(f64::from(i) / 2.0)).round() as u32)
        .take_while(|&scale| scale >= smallest && scale > 0)
        .collect();
    if scales.is_empty() {
        scales.push(end);
    }
    scales.dedup();
    scales.reverse();
    scales
}

/// Size of the painting for a picture of this size.
pub(super) fn style_size(style: Size, picture: Size, style_scale: f32) -> Size {
    let style_long = (picture.long_side() as f32 * style_scale).round().max(1.0) as u32;
    fit_long_side(style, style_long.min(style.long_side()))
}

/// The size of a picture with this long side. Where the picture is repeated, so must be every layer's map: then it is the
/// nearest size that all poolings halve.
pub(super) fn fit(content: Size, long: u32, recipe: &Recipe) -> Size {
    let size = fit_long_side(content, long);
    let multiple = 1 << recipe.deepest().map_or(0, Layer::poolings);
    let whole = |side: u32| (side + multiple / 2) / multiple * multiple;
    match recipe.border {
        Border::Wrap => Size { width: whole(size.width).max(multiple), height: whole(size.height).max(multiple) },
        Border::Zero | Border::Replicate => size,
    }
}

/// Sizes of the scales. Those too small for the layers are left out, except the last, which must suit.
pub(super) fn sizes(content: Size, recipe: &Recipe) -> Result<Vec<Size>, Reason> {
    let deepest = recipe.deepest().ok_or(Reason::Content(PlanError::NoLayer))?;
    let minimum = 1 << deepest.poolings();
    let all = scales(recipe.size, recipe.min_scale).into_iter().map(|long| fit(content, long, recipe));
    let suitable: Vec<Size> = all.filter(|size| size.short_side() >= minimum).collect();
    if suitable.is_empty() {
        let size = fit(content, recipe.size, recipe);
        return Err(Reason::Content(PlanError::TooSmall { layer: deepest, size, minimum }));
    }
    Ok(suitable)
}

/// The size of what is painted for a picture of this size: the margin belongs to it.
pub(super) fn with_margin(size: Size, recipe: &Recipe) -> Size {
    let both = 2 * margin(recipe);
    Size { width: size.width + both, height: size.height + both }
}

/// Pixels around the picture that are cut off.
pub(super) fn margin(recipe: &Recipe) -> u32 {
    if recipe.border == Border::Wrap { 0 } else { recipe.margin }
}

/// Checks that a painting is large enough for the style layers at every scale. One that is too small by itself is left to
/// whoever looks at it.
pub(super) fn check_style(style: Size, style_scale: f32, sizes: &[Size], recipe: &Recipe) -> Result<(), Reason> {
    let Some(layer) = recipe.style_layers.iter().map(|weighted| weighted.layer).max() else { return Ok(()) };
    let minimum = 1 << layer.poolings();
    for &picture in sizes {
        let painting = style_size(style, picture, style_scale);
        if painting.short_side() < minimum && style.short_side() >= minimum {
            // Rounding may cost half a pixel.
            let factor = (minimum as f32 + 0.5)
                / (style.short_side() as f32 * picture.long_side() as f32 / style.long_side() as f32);
            let enough = (100.0 * factor).ceil() / 100.0;
            return Err(Reason::StyleScale { picture, painting, style_scale, layer, minimum, enough });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_style_scale_that_makes_the_painting_too_small_is_blamed_and_another_named() {
        let (style, picture) = (Size { width: 900, height: 731 }, Size { width: 128, height: 96 });
        let sizes = [Size { width: 512, height: 384 }, picture];
        let check = |style_scale| check_style(style, style_scale, &sizes, &Recipe::default());
        assert!(check(1.0).is_ok());
        let error = check(0.1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "at 128x96 pixels a style scale of 0.1 makes the painting 13x11, too small for relu5_1, which needs at \
             least 16 pixels on each side: use a style scale of at least 0.16"
        );
        let Reason::StyleScale { enough, .. } = error else { panic!("{error}") };
        assert!(check(enough).is_ok() && check(enough - 0.01).is_err());
        // Too small by itself: no style scale helps.
        assert!(check_style(Size { width: 40, height: 12 }, 0.1, &[picture], &Recipe::default()).is_ok());
        let contents_only = Recipe { style_layers: Vec::new(), ..Recipe::default() };
        assert!(check_style(style, 0.1, &sizes, &contents_only).is_ok());
    }

    #[test]
    fn a_picture_that_is_repeated_has_sides_that_every_pooling_halves() {
        let recipe = Recipe { border: Border::Wrap, size: 301, ..Recipe::default() };
        let sizes: Vec<String> =
            sizes(Size { width: 301, height: 203 }, &recipe).unwrap().iter().map(Size::to_string).collect();
        assert_eq!(sizes, ["144x96", "208x144", "304x208"]);
    }

    #[test]
    fn scales_grow_by_the_square_root_of_two() {
        assert_eq!(scales(512, 128), [128, 181, 256, 362, 512]);
        assert_eq!(scales(300, 128), [150, 212, 300]);
        assert_eq!(scales(100, 128), [100]);
        assert_eq!(scales(3, 1), [1, 2, 3]);
    }
}
