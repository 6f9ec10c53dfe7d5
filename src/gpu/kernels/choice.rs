//! Which kernel a step gets: what can do it on a device, and which of those is taken.

use super::variants::{Kernel, Operation, Tile, Variant};
use crate::{
    gpu::Abilities,
    plan::{Precision, Step},
};
use std::fmt;

/// A step, as far as it decides which kernels can do it and which is the fastest.
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
    /// Binary logarithm of the number of pixels written or summed, rounded down: shapes between are taken to be alike.
    pub pixels_log2: u32,
}

impl WorkShape {
    /// That of a step.
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

    /// Every choice that some setting makes on a device for some size of such work, the kernels in the table's order.
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

    /// The choice for a variant, if it can do the work: the first tile that makes at least as many workgroups as fill
    /// the device, else the one that makes the most.
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

    /// The variant that is asked for where it can do the work, else the first that the vendor prefers and that can, else
    /// the first of the table.
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
    /// What it carries out.
    pub operation: &'static Operation,
    /// By which kernel.
    pub kernel: &'static Kernel,
    /// With which constants.
    pub tile: &'static Tile,
}

impl Choice {
    /// The variant, unless the operation has but a plain one.
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
