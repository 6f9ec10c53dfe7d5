//! The sizes through which a picture grows.

use super::{error::Reason, recipe::Recipe};
use crate::{
    picture::fit_long_side,
    plan::{PlanError, Size},
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
pub(super) fn style_size(style: Size, picture: Size, recipe: &Recipe) -> Size {
    let long = picture.width.max(picture.height);
    let style_long = (long as f32 * recipe.style_scale).round().max(1.0) as u32;
    fit_long_side(style, style_long.min(style.width.max(style.height)))
}

/// Sizes of the scales. Those too small for the layers are left out, except the last, which must suit.
pub(super) fn sizes(content: Size, recipe: &Recipe) -> Result<Vec<Size>, Reason> {
    let deepest = recipe.deepest().ok_or(Reason::Content(PlanError::NoLayer))?;
    let minimum = 1 << deepest.poolings();
    let all = scales(recipe.size, recipe.min_scale).into_iter().map(|long| fit_long_side(content, long));
    let suitable: Vec<Size> = all.filter(|size| size.width.min(size.height) >= minimum).collect();
    if suitable.is_empty() {
        let size = fit_long_side(content, recipe.size);
        return Err(Reason::Content(PlanError::TooSmall { layer: deepest, size, minimum }));
    }
    Ok(suitable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_grow_by_the_square_root_of_two() {
        assert_eq!(scales(512, 128), [128, 181, 256, 362, 512]);
        assert_eq!(scales(300, 128), [150, 212, 300]);
        assert_eq!(scales(100, 128), [100]);
        assert_eq!(scales(3, 1), [1, 2, 3]);
    }
}
