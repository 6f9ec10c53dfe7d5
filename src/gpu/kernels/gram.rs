//! `gram*.wgsl` and `gram_backward*.wgsl`.

use super::{Conv3x3Variant, Dispatch, params::params};
use crate::{
    gpu::{Abilities, Maker},
    plan::{FeatureShape, Gram, GramBackward, Precision},
};

params! {
    /// `shared/gram_params.wgsl`.
    struct Params {
        channels4: u32,
        first_pixel: u32,
        pixels: u32,
        splits: u32,
        inverse_pixels: f32,
    }
}

params! {
    /// `shared/gram_backward_params.wgsl`.
    struct BackwardParams {
        channels4: u32,
        first_pixel: u32,
        end_pixel: u32,
        features_start: u32,
        output_start: u32,
    }
}

/// Ways to compute the products; each is related to one of the convolution's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    /// Register blocks.
    Blocked,
    /// Workgroup tiles.
    Tiled,
    /// Tensor cores.
    Cooperative,
}

impl Variant {
    /// Which one: the relative of the convolution's variant that is asked for, else by the device's maker, for the
    /// reasons that the convolution's table gives.
    fn choose(
        asked: Option<Conv3x3Variant>,
        shape: FeatureShape,
        precision: Precision,
        abilities: Abilities,
    ) -> Variant {
        let cooperative = abilities.cooperative_matrices
            && abilities.workgroup_memory >= 32 << 10
            && precision == Precision::F16
            && shape.channels.is_multiple_of(64);
        match asked {
            Some(Conv3x3Variant::Plain | Conv3x3Variant::Blocked) => Variant::Blocked,
            None if abilities.maker == Maker::Software => Variant::Blocked,
            _ if !shape.channels.is_multiple_of(64) => Variant::Blocked,
            None | Some(Conv3x3Variant::Cooperative) if cooperative => Variant::Cooperative,
            _ => Variant::Tiled,
        }
    }
}

/// Pairs of blocks of `edge` channels, the second not before the first: the others are their mirror images.
fn pairs(channels: usize, edge: usize) -> usize {
    let blocks = channels / edge;
    blocks * (blocks + 1) / 2
}

pub(super) fn gram(
    step: &Gram,
    precision: Precision,
    abilities: Abilities,
    asked: Option<Conv3x3Variant>,
) -> Vec<Dispatch> {
    let channels = step.shape.channels as usize;
    let first = step.rows.first_pixel(step.shape) - step.features.first_pixel(step.shape);
    let pixels = step.rows.pixels(step.shape);
    let params = Params {
        channels4: step.shape.channels / 4,
        first_pixel: first as u32,
        pixels: pixels as u32,
        splits: step.splits,
        inverse_pixels: (1.0 / step.pixels as f64) as f32,
    };
    let splits = step.splits as usize;
    let products = match Variant::choose(asked, step.shape, precision, abilities) {
        Variant::Blocked => {
            let tiles = channels / 8 * (channels / 16) * splits;
            Dispatch::new("gram", "gram", &params, tiles.div_ceil(32))
        }
        Variant::Tiled => {
            let wide = pairs(channels, 128) * splits;
            let edge = if channels.is_multiple_of(128) && wide >= abilities.filling_groups { 128 } else { 64 };
            let mut dispatch = Dispatch::new("gram_tiled", "gram", &params, pairs(channels, edge as usize) * splits);
            dispatch.constants.push(("EDGE", f64::from(edge)));
            dispatch
        }
        Variant::Cooperative => Dispatch::new("gram_cooperative", "gram", &params, pairs(channels, 64) * splits),
    };
    vec![
        products.slot(1, step.features.slot).slot(2, step.partials),
        Dispatch::new("gram", "gram_reduce", &params, (channels * channels / 4).div_ceil(64))
            .slot(2, step.partials)
            .slot(3, step.gram)
            .flag("ACCUMULATE", step.accumulate),
    ]
}

pub(super) fn gram_backward(
    step: &GramBackward,
    precision: Precision,
    abilities: Abilities,
    asked: Option<Conv3x3Variant>,
) -> Dispatch {
    let (first, pixels) = (step.rows.first_pixel(step.shape), step.rows.pixels(step.shape));
    let params = BackwardParams {
        channels4: step.shape.channels / 4,
        first_pixel: first as u32,
        end_pixel: (first + pixels) as u32,
        features_start: step.features.first_pixel(step.shape) as u32,
        output_start: step.into.output.first_pixel(step.shape) as u32,
    };
    let channels = step.shape.channels as usize;
    let dispatch = match Variant::choose(asked, step.shape, precision, abilities) {
        Variant::Blocked => {
            let tiles = pixels.div_ceil(8) * (channels / 16);
            Dispatch::new("gram_backward", "gram_backward", &params, tiles.div_ceil(32))
        }
        Variant::Tiled => {
            let wide = pixels.div_ceil(128) * (channels / 128);
            let edge = if channels.is_multiple_of(128) && wide >= abilities.filling_groups { 128 } else { 64 };
            let groups = pixels.div_ceil(edge) * (channels / edge);
            let mut dispatch = Dispatch::new("gram_backward_tiled", "gram_backward", &params, groups);
            dispatch.constants.extend([("PIXELS", edge as f64), ("OUTPUTS", edge as f64)]);
            dispatch
        }
        Variant::Cooperative => {
            let groups = pixels.div_ceil(128) * (channels / 64);
            Dispatch::new("gram_backward_cooperative", "gram_backward", &params, groups)
        }
    };
    dispatch.slot(1, step.features.slot).slot(2, step.gram_gradient).destination(step.into, 3, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gram_products_follow_the_convolution() {
        let device = Abilities {
            maker: Maker::Nvidia,
            filling_groups: 200,
            workgroup_memory: 48 << 10,
            cooperative_matrices: true,
        };
        let shape = FeatureShape { width: 9, height: 7, channels: 128 };
        let chosen = |asked, precision, device| Variant::choose(asked, shape, precision, device);
        assert_eq!(chosen(None, Precision::F16, device), Variant::Cooperative);
        assert_eq!(chosen(None, Precision::F32, device), Variant::Tiled);
        assert_eq!(chosen(Some(Conv3x3Variant::Winograd2), Precision::F16, device), Variant::Tiled);
        assert_eq!(chosen(Some(Conv3x3Variant::Plain), Precision::F16, device), Variant::Blocked);
        let lacking = Abilities { cooperative_matrices: false, ..device };
        assert_eq!(chosen(Some(Conv3x3Variant::Cooperative), Precision::F16, lacking), Variant::Tiled);
        let software = Abilities { maker: Maker::Software, ..device };
        assert_eq!(chosen(None, Precision::F32, software), Variant::Blocked);
    }

    #[test]
    fn mirror_images_are_not_made_twice() {
        assert_eq!((pairs(64, 64), pairs(512, 64), pairs(512, 128)), (1, 36, 10));
    }
}
