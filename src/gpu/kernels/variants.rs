//! The kernels of each operation, the resources they need, and the order in which devices prefer them. Everything that
//! chooses or lists kernels reads this table.

use crate::gpu::{Abilities, Resources, Vendor};
use std::fmt;

/// Ways to compute. An operation has some of them, see [`OPERATIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// The readable truth, and the only variant of operations that need no other.
    Plain,
    /// Register blocks: several results per invocation.
    Blocked,
    /// A matrix product over tiles in workgroup memory.
    Tiled,
    /// Winograd's F(2x2, 3x3): 2.25 times fewer products.
    Winograd2,
    /// Winograd's F(4x4, 3x3): 4 times fewer products, filters four times as large.
    Winograd4,
    /// A matrix product on cooperative matrices (tensor cores); f16 storage only.
    Cooperative,
}

use Variant::{Blocked, Cooperative, Plain, Tiled, Winograd2, Winograd4};

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 6] = [Plain, Blocked, Tiled, Winograd2, Winograd4, Cooperative];

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

    /// The variant of that name.
    pub fn named(name: &str) -> Option<Variant> {
        Variant::ALL.into_iter().find(|variant| variant.name() == name)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one workgroup of a kernel computes with one set of the kernel's constants, and the resources it needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Tile {
    /// Rows of the matrix product: pixels; channels for a Gram matrix; tiles of pixels for Winograd's algorithms.
    pub rows: u32,
    /// Columns of the matrix product: a divisor of the channels that are written.
    pub columns: u32,
    /// Override constants that set this tile.
    pub constants: &'static [(&'static str, u32)],
    /// Invocations of a workgroup.
    invocations: u32,
    /// Bytes that a workgroup shares.
    workgroup_memory: u32,
}

impl Tile {
    const fn new(
        rows: u32,
        columns: u32,
        constants: &'static [(&'static str, u32)],
        invocations: u32,
        workgroup_memory: u32,
    ) -> Tile {
        Tile { rows, columns, constants, invocations, workgroup_memory }
    }
}

/// One way to carry out an operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Which.
    pub variant: Variant,
    /// A divisor of the channels that are read.
    pub inputs: u32,
    /// How many it binds.
    storage_buffers: u32,
    /// Sets of constants, the one with the fewest loads per product first. Of those with equal rows and columns, a
    /// device gets the first that fits.
    pub tiles: &'static [Tile],
}

impl Kernel {
    /// Whether a tile suits the device's subgroups; only those of cooperative kernels may not.
    pub(super) fn suits_subgroups(&self, tile: &Tile, abilities: Abilities) -> bool {
        self.variant != Cooperative || tile.invocations == abilities.cooperative_invocations()
    }

    /// The resources that it needs with a tile.
    pub fn needs(&self, tile: &Tile) -> Resources {
        let Tile { invocations, workgroup_memory, .. } = *tile;
        Resources { invocations, workgroup_memory, storage_buffers: self.storage_buffers }
    }
}

/// An operation, or two that one kernel carries out together, with its kernels.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// As in [`crate::plan::Step::operation`]; for two steps both names, joined by `+`.
    pub name: &'static str,
    /// The first can do everything that may be asked of the operation.
    pub kernels: &'static [Kernel],
    /// For each vendor the variants in order of preference, for those that can do the work; none where there is no
    /// choice.
    preferences: &'static [(Vendor, &'static [Variant])],
}

impl Operation {
    const fn single(name: &'static str) -> Operation {
        Operation { name, kernels: SINGLE, preferences: &[] }
    }

    /// The operation of that name.
    pub fn named(name: &str) -> Option<&'static Operation> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// The kernel of a variant, if there is one.
    pub fn kernel(&self, variant: Variant) -> Option<&Kernel> {
        self.kernels.iter().find(|kernel| kernel.variant == variant)
    }

    /// Whether there is more than one variant.
    pub fn has_choice(&self) -> bool {
        self.kernels.len() > 1
    }

    /// Variants in the order in which a vendor's devices take them.
    pub(super) fn preferred(&self, vendor: Vendor) -> &'static [Variant] {
        self.preferences.iter().find(|(of, _)| *of == vendor).map_or(&[], |(_, variants)| variants)
    }
}

/// For operations with only one kernel, which needs no more than every device has.
const SINGLE: &[Kernel] = {
    const LIMIT: Resources = Resources::WEBGPU_MINIMUM;
    const TILE: Tile = Tile::new(1, 1, &[], LIMIT.invocations, LIMIT.workgroup_memory);
    &[Kernel { variant: Plain, inputs: 1, storage_buffers: LIMIT.storage_buffers, tiles: &[TILE] }]
};

/// For both directions; the one that needs more counts.
const CONV3X3: &[Kernel] = &[
    Kernel { variant: Plain, inputs: 1, storage_buffers: 5, tiles: &[Tile::new(1, 1, &[], 64, 0)] },
    Kernel { variant: Blocked, inputs: 1, storage_buffers: 5, tiles: &[Tile::new(8, 32, &[], 32, 0)] },
    Kernel {
        variant: Tiled,
        inputs: 8,
        storage_buffers: 5,
        tiles: &[
            Tile::new(128, 128, &[("PIXELS", 128), ("OUTPUTS", 128)], 256, 10_240),
            Tile::new(128, 64, &[("PIXELS", 128), ("OUTPUTS", 64)], 128, 7_168),
            Tile::new(64, 64, &[("PIXELS", 64), ("OUTPUTS", 64)], 64, 4_608),
        ],
    },
    Kernel { variant: Winograd2, inputs: 8, storage_buffers: 5, tiles: WINOGRAD2_TILES },
    Kernel { variant: Winograd4, inputs: 8, storage_buffers: 5, tiles: &[Tile::new(16, 32, &[], 144, 28_672)] },
    Kernel {
        variant: Cooperative,
        inputs: 32,
        storage_buffers: 5,
        tiles: &[
            Tile::new(128, 128, &[("BLOCKS", 4), ("ACROSS", 2), ("LANES", 128)], 128, 31_744),
            Tile::new(128, 64, &[("BLOCKS", 2), ("ACROSS", 1), ("LANES", 128)], 128, 25_600),
            Tile::new(64, 128, &[("BLOCKS", 2), ("ACROSS", 2), ("LANES", 128)], 128, 25_600),
            Tile::new(128, 128, &[("BLOCKS", 4), ("ACROSS", 2), ("LANES", 256)], 256, 31_744),
            Tile::new(128, 64, &[("BLOCKS", 2), ("ACROSS", 1), ("LANES", 256)], 256, 25_600),
            Tile::new(64, 128, &[("BLOCKS", 2), ("ACROSS", 2), ("LANES", 256)], 256, 25_600),
        ],
    },
];

const WINOGRAD2_TILES: &[Tile] =
    &[Tile::new(32, 32, &[("CHUNK4", 2)], 256, 32_768), Tile::new(32, 32, &[("CHUNK4", 1)], 256, 16_384)];

/// For the convolution and the pooling of its output.
const CONV3X3_AND_MAX_POOL: &[Kernel] =
    &[Kernel { variant: Winograd2, inputs: 8, storage_buffers: 6, tiles: WINOGRAD2_TILES }];

const GRAM: &[Kernel] = &[
    Kernel { variant: Blocked, inputs: 1, storage_buffers: 3, tiles: &[Tile::new(8, 16, &[], 64, 0)] },
    Kernel {
        variant: Tiled,
        inputs: 1,
        storage_buffers: 3,
        tiles: &[Tile::new(128, 128, &[("EDGE", 128)], 256, 8_192), Tile::new(64, 64, &[("EDGE", 64)], 64, 4_096)],
    },
    Kernel {
        variant: Cooperative,
        inputs: 1,
        storage_buffers: 3,
        tiles: &[Tile::new(64, 64, &[("LANES", 128)], 128, 9_216), Tile::new(64, 64, &[("LANES", 256)], 256, 9_216)],
    },
];

const GRAM_BACKWARD: &[Kernel] = &[
    Kernel { variant: Blocked, inputs: 1, storage_buffers: 6, tiles: &[Tile::new(8, 16, &[], 32, 0)] },
    Kernel {
        variant: Tiled,
        inputs: 1,
        storage_buffers: 6,
        tiles: &[
            Tile::new(128, 128, &[("PIXELS", 128), ("OUTPUTS", 128)], 256, 8_192),
            Tile::new(64, 64, &[("PIXELS", 64), ("OUTPUTS", 64)], 64, 4_096),
        ],
    },
    Kernel {
        variant: Cooperative,
        inputs: 1,
        storage_buffers: 6,
        tiles: &[
            Tile::new(128, 64, &[("LANES", 128)], 128, 32_256),
            Tile::new(128, 64, &[("LANES", 256)], 256, 32_256),
        ],
    },
];

/// For both directions. Winograd4 is in no row: its tiles of 16 need as much of the memory's bandwidth per result as
/// Winograd2's tiles of 32, its filters four times the memory.
const CONV3X3_PREFERENCES: &[(Vendor, &[Variant])] = &[
    // Measured on llvmpipe: kernels that share workgroup memory wait at barriers, and products do not dominate the
    // time.
    (Vendor::Software, &[Blocked, Plain]),
    // Not measured. Tensor cores have many times the f32 units' rate; elsewhere fewer products win where the transforms
    // are made inside the kernel.
    (Vendor::Nvidia, &[Cooperative, Winograd2, Tiled, Blocked, Plain]),
    // Not measured; as above.
    (Vendor::Amd, &[Cooperative, Winograd2, Tiled, Blocked, Plain]),
    // Not measured. 256 invocations with 64 sums each leave room for few workgroups: less memory per workgroup first.
    (Vendor::Intel, &[Cooperative, Tiled, Winograd2, Blocked, Plain]),
    // Not measured; as for AMD.
    (Vendor::Apple, &[Winograd2, Tiled, Blocked, Plain]),
    // Not measured: the one with the fewest demands that still shares loads.
    (Vendor::Other, &[Tiled, Winograd2, Blocked, Plain]),
];

/// For both directions, for the convolution's reasons.
const GRAM_PREFERENCES: &[(Vendor, &[Variant])] = &[
    (Vendor::Software, &[Blocked]),
    (Vendor::Nvidia, &[Cooperative, Tiled, Blocked]),
    (Vendor::Amd, &[Cooperative, Tiled, Blocked]),
    (Vendor::Intel, &[Cooperative, Tiled, Blocked]),
    (Vendor::Apple, &[Tiled, Blocked]),
    (Vendor::Other, &[Tiled, Blocked]),
];

/// The pair of a convolution and the max pooling that reads it, if a kernel of the convolution's variant does both.
pub const CONV3X3_MAX_POOL: &str = "conv3x3+max_pool";
/// The pair of the picture's gradient and total variation, which adds its gradient.
pub const NETWORK_INPUT_BACKWARD_TOTAL_VARIATION: &str = "network_input_backward+total_variation";

/// Every operation with its kernels.
pub const OPERATIONS: &[Operation] = &[
    Operation::single("network_input"),
    Operation::single("network_input_backward"),
    Operation::single(NETWORK_INPUT_BACKWARD_TOTAL_VARIATION),
    Operation { name: "conv3x3", kernels: CONV3X3, preferences: CONV3X3_PREFERENCES },
    Operation { name: "conv3x3_backward", kernels: CONV3X3, preferences: CONV3X3_PREFERENCES },
    Operation { name: CONV3X3_MAX_POOL, kernels: CONV3X3_AND_MAX_POOL, preferences: &[] },
    Operation::single("max_pool"),
    Operation::single("max_pool_backward"),
    Operation::single("average_pool"),
    Operation::single("average_pool_backward"),
    Operation { name: "gram", kernels: GRAM, preferences: GRAM_PREFERENCES },
    Operation { name: "gram_backward", kernels: GRAM_BACKWARD, preferences: GRAM_PREFERENCES },
    Operation::single("channel_mean"),
    Operation::single("sum_of_squares"),
    Operation::single("covariance"),
    Operation::single("matrix_product"),
    Operation::single("cholesky"),
    Operation::single("polar_factors"),
    Operation::single("gram_loss"),
    Operation::single("moments_loss"),
    Operation::single("wasserstein_loss"),
    Operation::single("content_loss"),
    Operation::single("total_variation"),
    Operation::single("edge_loss"),
    Operation::single("freeze_pixels"),
    Operation::single("wrap_halo"),
    Operation::single("record_losses"),
    Operation::single("adam"),
    Operation::single("lbfgs_update"),
    Operation::single("lbfgs_dots"),
    Operation::single("lbfgs_direction"),
    Operation::single("lbfgs_trial"),
    Operation::single("lbfgs_scalars"),
    Operation::single("copy_vector"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_has_a_row_and_every_row_ends_with_what_can_do_the_most() {
        for operation in OPERATIONS.iter().filter(|operation| operation.has_choice()) {
            for vendor in Vendor::ALL {
                let rows: Vec<_> = operation.preferences.iter().filter(|(of, _)| *of == vendor).collect();
                assert_eq!(rows.len(), 1, "{} {vendor:?}", operation.name);
                let (_, variants) = rows[0];
                assert!(variants.iter().all(|&variant| operation.kernel(variant).is_some()), "{vendor:?}");
                assert_eq!(variants.last(), Some(&operation.kernels[0].variant), "{} {vendor:?}", operation.name);
            }
        }
    }

    #[test]
    fn every_name_stands_once() {
        for (index, operation) in OPERATIONS.iter().enumerate() {
            assert!(OPERATIONS[..index].iter().all(|other| other.name != operation.name), "{}", operation.name);
            assert!(operation.has_choice() != operation.preferences.is_empty(), "{}", operation.name);
            for (index, kernel) in operation.kernels.iter().enumerate() {
                assert!(operation.kernels[..index].iter().all(|other| other.variant != kernel.variant));
                assert_eq!(Variant::named(kernel.variant.name()), Some(kernel.variant));
            }
        }
    }
}
