//! Which kernel a step gets: those that can do it on a device, and the one that is chosen.

use super::variants::{Kernel, Operation, Tile, Variant};
use crate::{
    gpu::Abilities,
    plan::{Precision, Step},
};
use std::fmt;

/// The properties of a step that decide which kernels can do it and which is the fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkShape {
    /// Name of the operation.
    pub operation: &'static str,
    /// Channels read; 0 where no kernel asks for them.
    pub inputs: u32,
    /// Channels written; 0 where no kernel asks for them.
    pub outputs: u32,
    /// How maps are stored.
    pub precision: Precision,
    /// Binary logarithm of the number of pixels written or summed, rounded down: shapes in between count as alike.
    pub pixels_log2: u32,
}

impl WorkShape {
    /// The shape of a step.
    pub fn of(step: &Step, precision: Precision) -> WorkShape {
        let (inputs, outputs) = match step {
            Step::Conv3x3(step) => (step.layer.input_channels().next_multiple_of(4), step.layer.output_channels()),
            Step::Conv3x3Backward(step) => (step.layer.output_channels(), step.shape.channels),
            Step::Gram(step) => (step.shape.channels, step.shape.channels),
            Step::GramBackward(step) => (step.shape.channels, step.shape.channels),
            _ => (0, 0),
        };
        let pixels = step.rows().map_or(1, |(rows, shape)| rows.count() * shape.width as usize);
        WorkShape { operation: step.operation(), inputs, outputs, precision, pixels_log2: pixels.ilog2() }
    }

    /// The operation of that name.
    pub(super) fn operation(&self) -> &'static Operation {
        Operation::named(self.operation).expect("every step's operation is in the table")
    }

    /// Every choice that any setting makes on a device for such work of any size, with the kernels in the table's
    /// order.
    pub fn choices(&self, abilities: Abilities) -> Vec<Choice> {
        let operation = self.operation();
        let of_kernel = |kernel| self.tiles(kernel, abilities).into_iter().map(move |tile| (kernel, tile));
        let choices = operation.kernels.iter().flat_map(of_kernel);
        choices.map(|(kernel, tile)| Choice { operation, kernel, tile }).collect()
    }

    /// Tiles with which a kernel can do the work on a device; of those with equal rows and columns the first.
    fn tiles(&self, kernel: &'static Kernel, abilities: Abilities) -> Vec<&'static Tile> {
        let cooperative = kernel.variant == Variant::Cooperative;
        if cooperative && !(abilities.cooperative_matrices && self.precision == Precision::F16) {
            return Vec::new();
        }
        let fits = |tile: &&Tile| {
            kernel.needs(tile).fit(abilities.resources)
                && kernel.suits_subgroups(tile, abilities)
                && self.inputs.is_multiple_of(kernel.inputs)
                && self.outputs.is_multiple_of(tile.columns)
        };
        let mut tiles: Vec<&Tile> = Vec::new();
        for tile in kernel.tiles.iter().filter(fits) {
            if !tiles.iter().any(|other| (other.rows, other.columns) == (tile.rows, tile.columns)) {
                tiles.push(tile);
            }
        }
        tiles
    }

    /// The choice for a variant, if it can do the work: the first tile that gives enough workgroups to fill the
    /// device, else the one that gives the most.
    pub(super) fn choice_of(
        &self,
        variant: Variant,
        abilities: Abilities,
        groups: impl Fn(Choice) -> usize,
    ) -> Option<Choice> {
        let operation = self.operation();
        let kernel = operation.kernel(variant)?;
        let tiles = self.tiles(kernel, abilities).into_iter();
        let choices: Vec<Choice> = tiles.map(|tile| Choice { operation, kernel, tile }).collect();
        let filling = choices.iter().find(|choice| groups(**choice) >= abilities.filling_groups);
        filling.or_else(|| choices.iter().max_by_key(|choice| groups(**choice))).copied()
    }

    /// The requested variant if it can do the work, else the vendor's most preferred one that can, else the first of
    /// the table.
    pub(super) fn choose(
        &self,
        asked: Option<Variant>,
        abilities: Abilities,
        groups: impl Fn(Choice) -> usize,
    ) -> Choice {
        let operation = self.operation();
        let preferred = operation.preferred(abilities.vendor).iter().copied();
        let mut candidates = asked.into_iter().chain(preferred);
        let found = candidates.find_map(|variant| self.choice_of(variant, abilities, &groups));
        let kernel = &operation.kernels[0];
        found.unwrap_or(Choice { operation, kernel, tile: &kernel.tiles[0] })
    }
}

impl fmt::Display for WorkShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WorkShape { operation, inputs, outputs, precision, pixels_log2 } = self;
        write!(f, "{operation}, {inputs} to {outputs} channels, 2^{pixels_log2} pixels, {precision}")
    }
}

/// A kernel of an operation with one of its sets of constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The work it carries out.
    pub operation: &'static Operation,
    /// The kernel.
    pub kernel: &'static Kernel,
    /// The kernel's constants.
    pub tile: &'static Tile,
}

impl Choice {
    /// The variant, unless the operation has only a plain one.
    pub fn variant(&self) -> Option<Variant> {
        let only = !self.operation.has_choice() && self.kernel.variant == Variant::Plain;
        (!only).then_some(self.kernel.variant)
    }

    /// The override constants as `NAME=VALUE`, separated by spaces.
    pub fn constants(&self) -> String {
        let constants = self.tile.constants.iter().map(|(name, value)| format!("{name}={value}"));
        constants.collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = self.variant().map_or(String::new(), |variant| variant.to_string());
        let parts = [self.operation.name, &variant, &self.constants()];
        f.write_str(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gpu::{Resources, Vendor, kernels::groups},
        plan::{Conv3x3, Conv3x3Backward, Destination, FeatureShape, Map, Rows, SlotId},
        vgg19::Layer,
    };
    use Variant::{Blocked, Cooperative, Plain, Tiled, Winograd2, Winograd4};

    const LARGE: Abilities = Abilities {
        vendor: Vendor::Nvidia,
        filling_groups: 200,
        resources: Resources { invocations: 1024, workgroup_memory: 48 << 10, storage_buffers: 16 },
        cooperative_matrices: true,
        largest_subgroup: 32,
    };
    const SMALL: Abilities = Abilities { resources: Resources::WEBGPU_MINIMUM, ..LARGE };
    const F16: Precision = Precision::F16;
    const F32: Precision = Precision::F32;

    fn convolution(layer: &str, backward: bool, size: u32) -> Step {
        let layer: Layer = layer.parse().unwrap();
        let map = Map::whole(SlotId(0));
        let shape = FeatureShape { width: size, height: size, channels: layer.output_channels() };
        if backward {
            let into = Destination { output: map, accumulate: false, mask: None };
            let shape = shape.with_channels(layer.input_channels().next_multiple_of(4));
            Step::Conv3x3Backward(Conv3x3Backward { layer, gradient: map, into, shape, rows: Rows::all(shape) })
        } else {
            let rows = Rows::all(shape);
            Step::Conv3x3(Conv3x3 { layer, input: map, output: map, mask: None, shape, rows })
        }
    }

    fn chosen(asked: Option<Variant>, step: Step, precision: Precision, abilities: Abilities) -> Variant {
        WorkShape::of(&step, precision).choose(asked, abilities, |choice| groups(&step, choice)).kernel.variant
    }

    /// A shape that any kernel of an operation can do.
    fn wide(operation: &'static str, precision: Precision) -> WorkShape {
        WorkShape { operation, inputs: 512, outputs: 512, precision, pixels_log2: 10 }
    }

    fn variants(shape: WorkShape, abilities: Abilities) -> Vec<Variant> {
        let mut variants: Vec<_> = shape.choices(abilities).iter().map(|choice| choice.kernel.variant).collect();
        variants.dedup();
        variants
    }

    #[test]
    fn the_first_layer_is_made_by_what_can_read_and_write_four_channels() {
        for variant in Variant::ALL.map(Some) {
            let forward = chosen(variant, convolution("relu1_1", false, 64), F16, LARGE);
            assert!(matches!(forward, Plain | Blocked), "{forward}");
            assert_eq!(chosen(variant, convolution("relu1_1", true, 64), F16, LARGE), Plain);
        }
    }

    #[test]
    fn tensor_cores_are_used_where_they_are_and_maps_are_f16() {
        let lacking = Abilities { cooperative_matrices: false, ..LARGE };
        for backward in [false, true] {
            let step = convolution("relu3_2", backward, 64);
            assert_eq!(chosen(None, step, F16, LARGE), Cooperative);
            for asked in [None, Some(Cooperative)] {
                assert_eq!(chosen(asked, step, F32, LARGE), Winograd2);
                assert_eq!(chosen(asked, step, F16, lacking), Winograd2);
            }
            assert_eq!(chosen(Some(Tiled), step, F16, LARGE), Tiled);
        }
        for operation in ["gram", "gram_backward"] {
            let choose = |precision, abilities| wide(operation, precision).choose(None, abilities, |_| 1);
            assert_eq!(choose(F16, LARGE).kernel.variant, Cooperative);
            assert_eq!(choose(F32, LARGE).kernel.variant, Tiled);
            assert_eq!(choose(F16, lacking).kernel.variant, Tiled);
            let software = Abilities { vendor: Vendor::Software, ..LARGE };
            assert_eq!(choose(F16, software).kernel.variant, Blocked);
        }
    }

    #[test]
    fn what_a_device_has_no_room_for_leaves_the_list() {
        let all = [Plain, Blocked, Tiled, Winograd2, Winograd4, Cooperative];
        assert_eq!(variants(wide("conv3x3", F16), LARGE), all);
        assert_eq!(variants(wide("conv3x3_backward", F32), LARGE), all[..5]);
        assert_eq!(variants(wide("conv3x3", F16), SMALL), all[..4]);
        let with = |resources| Abilities { resources, ..LARGE };
        let narrow = Resources { invocations: 128, ..LARGE.resources };
        assert_eq!(variants(wide("conv3x3", F16), with(narrow)), [Plain, Blocked, Tiled, Cooperative]);
        let choices = wide("gram", F32).choices(with(narrow));
        assert_eq!(choices.iter().map(Choice::constants).collect::<Vec<_>>(), ["", "EDGE=64"]);
        let unbound = Resources { storage_buffers: 5, ..LARGE.resources };
        assert!(wide("conv3x3+max_pool", F32).choices(with(unbound)).is_empty());
        assert_eq!(variants(wide("conv3x3", F16), with(unbound)), all);
    }

    #[test]
    fn where_workgroups_share_little_memory_chunks_are_smaller() {
        for operation in ["conv3x3", "conv3x3_backward", "conv3x3+max_pool"] {
            let constants = |abilities| {
                let mut choices = wide(operation, F32).choices(abilities);
                choices.retain(|choice| choice.kernel.variant == Winograd2);
                choices.iter().map(Choice::constants).collect::<Vec<_>>()
            };
            assert_eq!((constants(SMALL), constants(LARGE)), (vec!["CHUNK4=1".into()], vec!["CHUNK4=2".into()]));
        }
        assert_eq!(chosen(None, convolution("relu2_2", false, 32), F16, SMALL), Winograd2);
    }

    #[test]
    fn small_maps_are_cut_into_smaller_tiles() {
        let tile = |layer, size| {
            let step = convolution(layer, false, size);
            let groups = |choice| groups(&step, choice);
            let choice = WorkShape::of(&step, F32).choose(Some(Tiled), LARGE, groups);
            ([choice.tile.rows, choice.tile.columns], groups(choice))
        };
        assert_eq!(tile("relu1_2", 256), ([128, 64], (258 * 258_usize).div_ceil(128)));
        assert_eq!(tile("relu4_2", 128), ([128, 128], 4 * (130 * 130_usize).div_ceil(128)));
        assert_eq!(tile("relu4_2", 16), ([64, 64], 8 * (18 * 18_usize).div_ceil(64)));
    }
}
