//! `conv3x3_*.wgsl`: which variant makes a convolution, and its dispatch.

use super::{Binding, Dispatch, FilterForm, params::params};
use crate::{
    gpu::{Abilities, Maker},
    plan::{Conv3x3, Conv3x3Backward, FeatureShape, Map, MaxPool, Precision, Rows, Step},
    vgg19::Layer,
};
use std::{fmt, str::FromStr};

params! {
    /// `shared/conv3x3_params.wgsl`.
    struct Params {
        width: u32,
        height: u32,
        inputs4: u32,
        outputs4: u32,
        first_row: u32,
        end_row: u32,
        input_start: u32,
        output_start: u32,
    }
}

/// Ways to compute a convolution, forward and backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conv3x3Variant {
    /// The readable truth.
    Plain,
    /// Register blocks of 8 pixels by 16 outputs.
    Blocked,
    /// A matrix product over workgroup tiles (implicit GEMM).
    Tiled,
    /// Winograd's F(2x2, 3x3): 2.25 times fewer products.
    Winograd2,
    /// Winograd's F(4x4, 3x3): 4 times fewer products, filters four times as large.
    Winograd4,
    /// A matrix product on tensor cores; f16 storage only.
    Cooperative,
}

use Conv3x3Variant::{Blocked, Cooperative, Plain, Tiled, Winograd2, Winograd4};

/// Variants in the order in which they are taken if they can do a convolution.
struct Preference {
    maker: Maker,
    variants: &'static [Conv3x3Variant],
}

/// The default choice. A row ends with what can do everything. Winograd4 is in none of them: its tiles of 16 need as
/// much of the memory's bandwidth per result as Winograd2's tiles of 32, its filters four times the memory.
const PREFERENCES: [Preference; 6] = [
    // Measured on llvmpipe: what shares workgroup memory waits at barriers, and products are not what takes the time.
    Preference { maker: Maker::Software, variants: &[Blocked, Plain] },
    // Not measured. Tensor cores have many times the f32 units' rate; elsewhere fewer products win where the transforms
    // are made inside the kernel.
    Preference { maker: Maker::Nvidia, variants: &[Cooperative, Winograd2, Tiled, Blocked, Plain] },
    // Not measured; as above.
    Preference { maker: Maker::Amd, variants: &[Cooperative, Winograd2, Tiled, Blocked, Plain] },
    // Not measured. 256 invocations with 64 sums each leave room for few workgroups: less memory per workgroup first.
    Preference { maker: Maker::Intel, variants: &[Cooperative, Tiled, Winograd2, Blocked, Plain] },
    // Not measured; as for AMD.
    Preference { maker: Maker::Apple, variants: &[Winograd2, Tiled, Blocked, Plain] },
    // Not measured: the one with the fewest demands that still shares loads.
    Preference { maker: Maker::Other, variants: &[Tiled, Winograd2, Blocked, Plain] },
];

/// A workgroup's tile of the tiled variant.
struct Tile {
    pixels: u32,
    outputs: u32,
}

/// Tiles of the tiled variant, the one with the fewest loads per product first.
const TILES: [Tile; 3] =
    [Tile { pixels: 128, outputs: 128 }, Tile { pixels: 128, outputs: 64 }, Tile { pixels: 64, outputs: 64 }];

/// A subgroup's share of a tile of the cooperative variant: `16 * blocks` pixels x 64 outputs.
struct CooperativeTile {
    blocks: u32,
    /// Of the four subgroups, how many share the outputs between them; the others share the pixels.
    across: u32,
}

/// Tiles of the cooperative variant, likewise.
const COOPERATIVE_TILES: [CooperativeTile; 3] = [
    CooperativeTile { blocks: 4, across: 2 },
    CooperativeTile { blocks: 2, across: 1 },
    CooperativeTile { blocks: 2, across: 2 },
];

impl Tile {
    fn groups(&self, work: &Convolution) -> usize {
        work.pixels().div_ceil(self.pixels as usize) * (work.shape.channels / self.outputs) as usize
    }
}

impl CooperativeTile {
    fn pixels(&self) -> u32 {
        16 * self.blocks * 4 / self.across
    }

    fn outputs(&self) -> u32 {
        64 * self.across
    }

    fn groups(&self, work: &Convolution) -> usize {
        Tile { pixels: self.pixels(), outputs: self.outputs() }.groups(work)
    }
}

/// The first tile that fits and fills the device, else the one that makes the most workgroups.
fn choose_tile<T>(tiles: &[T], fits: impl Fn(&T) -> bool, groups: impl Fn(&T) -> usize, abilities: Abilities) -> &T {
    let fitting = || tiles.iter().filter(|tile| fits(tile));
    let filling = fitting().find(|tile| groups(tile) >= abilities.filling_groups);
    let largest = fitting().max_by_key(|tile| groups(tile));
    filling.or(largest).expect("a variant is asked only for convolutions that one of its tiles fits")
}

/// A step, as far as variants differ on it.
#[derive(Clone, Copy, Debug)]
struct Convolution {
    layer: Layer,
    backward: bool,
    /// Channels read, a multiple of four.
    inputs: u32,
    /// Of the map that is written.
    shape: FeatureShape,
    rows: Rows,
    precision: Precision,
}

impl Convolution {
    fn forward(step: &Conv3x3, precision: Precision) -> Convolution {
        let inputs = step.layer.input_channels().next_multiple_of(4);
        Convolution { layer: step.layer, backward: false, inputs, shape: step.shape, rows: step.rows, precision }
    }

    fn backward(step: &Conv3x3Backward, precision: Precision) -> Convolution {
        let inputs = step.layer.output_channels();
        Convolution { layer: step.layer, backward: true, inputs, shape: step.shape, rows: step.rows, precision }
    }

    /// Padded pixels that are written.
    fn pixels(&self) -> usize {
        self.rows.pixels(self.shape)
    }

    /// `output_start` is the pixel that stands first in the output.
    fn params(&self, input: Map, output_start: usize) -> Params {
        Params {
            width: self.shape.width,
            height: self.shape.height,
            inputs4: self.inputs / 4,
            outputs4: self.shape.channels / 4,
            first_row: self.rows.first,
            end_row: self.rows.end,
            input_start: input.first_pixel(self.shape.with_channels(self.inputs)) as u32,
            output_start: output_start as u32,
        }
    }

    /// Tiles of so many rows and columns that cover what is written.
    fn tiles(&self, edge: usize) -> usize {
        self.rows.count().div_ceil(edge) * self.shape.padded_width().div_ceil(edge)
    }
}

impl Conv3x3Variant {
    /// All of them.
    pub const ALL: [Conv3x3Variant; 6] = [Plain, Blocked, Tiled, Winograd2, Winograd4, Cooperative];

    /// What a user calls it.
    pub fn name(self) -> &'static str {
        match self {
            Plain => "plain",
            Blocked => "blocked",
            Tiled => "tiled",
            Winograd2 => "winograd2",
            Winograd4 => "winograd4",
            Cooperative => "cooperative",
        }
    }

    fn shader(self) -> &'static str {
        match self {
            Plain => "conv3x3_plain",
            Blocked => "conv3x3_blocked",
            Tiled => "conv3x3_tiled",
            Winograd2 => "conv3x3_winograd2",
            Winograd4 => "conv3x3_winograd4",
            Cooperative => "conv3x3_cooperative",
        }
    }

    /// The variant that carries out a step if `asked` is asked for; none if the step is no convolution.
    pub fn of_step(
        step: &Step,
        precision: Precision,
        abilities: Abilities,
        asked: Option<Conv3x3Variant>,
    ) -> Option<Conv3x3Variant> {
        let work = match step {
            Step::Conv3x3(step) => Convolution::forward(step, precision),
            Step::Conv3x3Backward(step) => Convolution::backward(step, precision),
            _ => return None,
        };
        Some(Conv3x3Variant::choose(asked, &work, abilities))
    }

    /// Whether a device can use it for maps in a precision: for most layers, for none can do all.
    pub fn works(self, precision: Precision, abilities: Abilities) -> bool {
        let shape = FeatureShape { width: 1, height: 1, channels: 64 };
        let rows = Rows::all(shape);
        let layer = Layer::FIRST;
        self.can(&Convolution { layer, backward: false, inputs: 64, shape, rows, precision }, abilities)
    }

    /// The one that is asked for where it can do the work, else the first of the table that can.
    fn choose(asked: Option<Conv3x3Variant>, work: &Convolution, abilities: Abilities) -> Conv3x3Variant {
        let row = PREFERENCES.iter().find(|row| row.maker == abilities.maker);
        let preferred = row.map_or(&[Plain] as &[_], |row| row.variants);
        let mut candidates = asked.into_iter().chain(preferred.iter().copied());
        candidates.find(|variant| variant.can(work, abilities)).unwrap_or(Plain)
    }

    /// Whether it can do a convolution on a device.
    fn can(self, work: &Convolution, abilities: Abilities) -> bool {
        let (inputs, outputs) = (work.inputs, work.shape.channels);
        match self {
            Plain => true,
            Blocked => outputs.is_multiple_of(32),
            Tiled => inputs.is_multiple_of(8) && outputs.is_multiple_of(64),
            Winograd2 => inputs.is_multiple_of(8) && outputs.is_multiple_of(32),
            Winograd4 => {
                abilities.workgroup_memory >= 32 << 10 && inputs.is_multiple_of(8) && outputs.is_multiple_of(32)
            }
            Cooperative => {
                abilities.cooperative_matrices
                    && abilities.workgroup_memory >= 32 << 10
                    && work.precision == Precision::F16
                    && inputs.is_multiple_of(32)
                    && outputs.is_multiple_of(64)
            }
        }
    }

    /// In which form it reads the filters.
    fn filters(self, backward: bool) -> FilterForm {
        match self {
            Plain | Blocked if backward => FilterForm::Transposed,
            Plain | Blocked | Tiled | Cooperative => FilterForm::Direct,
            Winograd2 => FilterForm::Winograd2,
            Winograd4 => FilterForm::Winograd4,
        }
    }

    /// Override constants and workgroups.
    fn geometry(self, work: &Convolution, abilities: Abilities) -> (Vec<(&'static str, f64)>, usize) {
        let blocks = work.shape.channels.div_ceil(32) as usize;
        match self {
            Plain => {
                let with_halo = work.backward && work.layer == Layer::FIRST;
                let constants =
                    if work.backward { vec![("WITH_HALO", f64::from(u8::from(with_halo)))] } else { vec![] };
                (constants, (work.pixels() * blocks).div_ceil(64))
            }
            Blocked => {
                let row = work.shape.padded_width();
                let halo = work.rows.range().filter(|&y| y == 0 || y == work.shape.height as usize + 1).count();
                let tiles = (row * (work.rows.count() - halo)).div_ceil(8) + halo * row.div_ceil(8);
                (vec![], (tiles * blocks).div_ceil(32))
            }
            Tiled => {
                let fits = |tile: &Tile| work.shape.channels.is_multiple_of(tile.outputs);
                let tile = choose_tile(&TILES, fits, |tile| tile.groups(work), abilities);
                (vec![("PIXELS", tile.pixels.into()), ("OUTPUTS", tile.outputs.into())], tile.groups(work))
            }
            Winograd2 => {
                let chunk4 = if abilities.workgroup_memory >= 32 << 10 { 2.0 } else { 1.0 };
                (vec![("CHUNK4", chunk4)], work.tiles(2).div_ceil(32) * blocks)
            }
            Winograd4 => (vec![], work.tiles(4).div_ceil(16) * blocks),
            Cooperative => {
                let fits = |tile: &CooperativeTile| work.shape.channels.is_multiple_of(tile.outputs());
                let tile = choose_tile(&COOPERATIVE_TILES, fits, |tile| tile.groups(work), abilities);
                let backward = f64::from(u8::from(work.backward));
                let constants =
                    vec![("BACKWARD", backward), ("BLOCKS", tile.blocks.into()), ("ACROSS", tile.across.into())];
                (constants, tile.groups(work))
            }
        }
    }

    fn dispatch(self, work: &Convolution, from: Map, to: Map, abilities: Abilities) -> Dispatch {
        let entry = if work.backward { "conv3x3_backward" } else { "conv3x3" };
        let params = work.params(from, to.first_pixel(work.shape));
        let (constants, groups) = self.geometry(work, abilities);
        let mut dispatch = Dispatch::new(self.shader(), entry, &params, groups)
            .slot(1, from.slot)
            .bind(2, Binding::Filters(work.layer, self.filters(work.backward)));
        dispatch.constants = constants;
        // The cooperative shader's entry points share all of their text, and with it the bindings.
        if !work.backward || self == Cooperative { dispatch.bind(3, Binding::Bias(work.layer)) } else { dispatch }
    }
}

impl fmt::Display for Conv3x3Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no variant has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no variant \"{name}\": there are {}", Conv3x3Variant::ALL.map(Conv3x3Variant::name).join(", "))]
pub struct UnknownVariant {
    name: String,
}

impl FromStr for Conv3x3Variant {
    type Err = UnknownVariant;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Conv3x3Variant::ALL.into_iter().find(|variant| variant.name() == name);
        found.ok_or_else(|| UnknownVariant { name: name.to_owned() })
    }
}

pub(super) fn conv3x3(
    step: &Conv3x3,
    precision: Precision,
    abilities: Abilities,
    asked: Option<Conv3x3Variant>,
) -> Dispatch {
    let work = Convolution::forward(step, precision);
    let variant = Conv3x3Variant::choose(asked, &work, abilities);
    variant
        .dispatch(&work, step.input, step.output, abilities)
        .slot(4, step.output.slot)
        .bind(5, Binding::optional(step.mask))
        .flag("WITH_MASK", step.mask.is_some())
}

/// The convolution by [`Winograd2`], and the pooling of all that it makes.
pub(super) fn conv3x3_max_pool(step: &Conv3x3, pool: &MaxPool, precision: Precision, abilities: Abilities) -> Dispatch {
    let work = Convolution::forward(step, precision);
    let pooled = pool.shape.pooled();
    let params = work.params(step.input, pool.output.first_pixel(pooled));
    let groups = pool.rows.pixels(pooled).div_ceil(32) * work.shape.channels.div_ceil(32) as usize;
    let mut dispatch = Dispatch::new(Winograd2.shader(), "conv3x3_max_pool", &params, groups)
        .slot(1, step.input.slot)
        .bind(2, Binding::Filters(work.layer, Winograd2.filters(false)))
        .bind(3, Binding::Bias(work.layer))
        .slot(4, pool.output.slot)
        .bind(5, Binding::optional(step.mask))
        .flag("WITH_MASK", step.mask.is_some())
        .bind(6, Binding::optional(pool.winners))
        .flag("WITH_WINNERS", pool.winners.is_some());
    dispatch.constants.extend(Winograd2.geometry(&work, abilities).0);
    dispatch
}

pub(super) fn conv3x3_backward(
    step: &Conv3x3Backward,
    precision: Precision,
    abilities: Abilities,
    asked: Option<Conv3x3Variant>,
) -> Dispatch {
    let work = Convolution::backward(step, precision);
    let variant = Conv3x3Variant::choose(asked, &work, abilities);
    variant.dispatch(&work, step.gradient, step.into.output, abilities).destination(step.into, 4, 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: Abilities =
        Abilities { maker: Maker::Nvidia, filling_groups: 200, workgroup_memory: 48 << 10, cooperative_matrices: true };

    fn work(layer: &str, backward: bool, size: u32, precision: Precision) -> Convolution {
        let layer: Layer = layer.parse().unwrap();
        let (inputs, outputs) = (layer.input_channels().next_multiple_of(4), layer.output_channels());
        let (inputs, outputs) = if backward { (outputs, inputs) } else { (inputs, outputs) };
        let shape = FeatureShape { width: size, height: size, channels: outputs };
        Convolution { layer, backward, inputs, shape, rows: Rows::all(shape), precision }
    }

    fn chosen(asked: Option<Conv3x3Variant>, work: Convolution, abilities: Abilities) -> Conv3x3Variant {
        Conv3x3Variant::choose(asked, &work, abilities)
    }

    #[test]
    fn a_variant_is_found_by_its_name_and_an_unknown_name_lists_those_there_are() {
        for variant in Conv3x3Variant::ALL {
            assert_eq!(variant.to_string().parse(), Ok(variant));
        }
        let refused = "quick".parse::<Conv3x3Variant>().unwrap_err().to_string();
        assert!(refused.contains("\"quick\": there are plain, blocked, tiled, winograd2"), "{refused}");
    }

    #[test]
    fn every_device_has_a_row_and_every_row_ends_with_what_can_do_everything() {
        for maker in [Maker::Software, Maker::Nvidia, Maker::Amd, Maker::Intel, Maker::Apple, Maker::Other] {
            let rows: Vec<_> = PREFERENCES.iter().filter(|row| row.maker == maker).collect();
            assert_eq!(rows.len(), 1, "{maker:?}");
            assert_eq!(rows[0].variants.last(), Some(&Plain), "{maker:?}");
        }
    }

    #[test]
    fn the_first_layer_is_made_by_what_can_read_and_write_four_channels() {
        for variant in Conv3x3Variant::ALL.map(Some) {
            let forward = chosen(variant, work("relu1_1", false, 64, Precision::F16), LARGE);
            assert!(matches!(forward, Plain | Blocked), "{forward}");
            assert_eq!(chosen(variant, work("relu1_1", true, 64, Precision::F16), LARGE), Plain);
        }
    }

    #[test]
    fn tensor_cores_are_used_where_they_are_and_maps_are_f16() {
        let lacking = Abilities { cooperative_matrices: false, ..LARGE };
        for backward in [false, true] {
            let f16 = work("relu3_2", backward, 64, Precision::F16);
            assert_eq!(chosen(None, f16, LARGE), Cooperative);
            for asked in [None, Some(Cooperative)] {
                assert_eq!(chosen(asked, work("relu3_2", backward, 64, Precision::F32), LARGE), Winograd2);
                assert_eq!(chosen(asked, f16, lacking), Winograd2);
            }
            assert_eq!(chosen(Some(Tiled), f16, LARGE), Tiled);
        }
    }

    #[test]
    fn what_a_device_lacks_makes_a_variant_useless() {
        let works = |variant: Conv3x3Variant, precision, abilities| variant.works(precision, abilities);
        assert!(works(Cooperative, Precision::F16, LARGE) && !works(Cooperative, Precision::F32, LARGE));
        assert!(!works(Cooperative, Precision::F16, Abilities { cooperative_matrices: false, ..LARGE }));
        let small = Abilities { workgroup_memory: 16 << 10, ..LARGE };
        assert!(works(Winograd2, Precision::F32, small) && !works(Winograd4, Precision::F32, small));
    }

    #[test]
    fn small_maps_are_cut_into_smaller_tiles() {
        let tile = |layer, size| {
            let (constants, groups) = Tiled.geometry(&work(layer, false, size, Precision::F32), LARGE);
            (constants.iter().map(|(_, value)| *value as u32).collect::<Vec<_>>(), groups)
        };
        assert_eq!(tile("relu1_2", 256), (vec![128, 64], (258 * 258_usize).div_ceil(128)));
        assert_eq!(tile("relu4_2", 128), (vec![128, 128], 4 * (130 * 130_usize).div_ceil(128)));
        assert_eq!(tile("relu4_2", 16), (vec![64, 64], 8 * (18 * 18_usize).div_ceil(64)));
    }

    #[test]
    fn where_workgroups_share_little_memory_chunks_are_smaller() {
        let work = work("relu2_2", false, 32, Precision::F32);
        let chunk = |workgroup_memory| Winograd2.geometry(&work, Abilities { workgroup_memory, ..LARGE }).0[0].1;
        assert_eq!((chunk(16 << 10), chunk(32 << 10)), (1.0, 2.0));
        let f16 = Convolution { precision: Precision::F16, ..work };
        assert_eq!(chosen(None, f16, Abilities { workgroup_memory: 16 << 10, ..LARGE }), Winograd2);
    }
}
