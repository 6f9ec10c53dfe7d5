//! Operations on matrices of channels, from which the Wasserstein distance is made.

use super::SlotId;
use super::declaration::{Declaration, Role::*};

/// Newton-Schulz steps of the root of a covariance. Seven leave errors at real features.
pub const ROOT_STEPS: usize = 8;
/// Newton-Schulz steps of a polar factor. Twelve leave errors at real features; thirty change nothing.
pub const POLAR_STEPS: usize = 14;

/// Pairs in a table of factors: one to begin with, one for each step, two to end with.
pub const ROOT_FACTORS: usize = POLAR_STEPS + 3;

/// A factor and a multiple of the unit matrix: one of the pairs that [`RootFactors`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// The slot of all pairs.
    pub slot: SlotId,
    /// Which pair.
    pub index: usize,
}

impl Factor {
    /// Divides a matrix by its norm.
    pub const NORMALISE: usize = 0;
    /// Makes the root of the normalised matrix that of the matrix itself.
    pub const ROOT: usize = ROOT_FACTORS - 2;
    /// The same for the inverse root.
    pub const INVERSE_ROOT: usize = ROOT_FACTORS - 1;
}

/// Covariance `S = G - m m^T + max(e, t tr(G)) I` from Gram matrix and mean, with t =
/// [`Covariance::TRACE_PART`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct Covariance {
    pub gram: SlotId,
    pub mean: SlotId,
    /// A [`super::TargetScalars`] with e.
    pub scalars: SlotId,
    /// S.
    pub covariance: SlotId,
    pub channels: u32,
}

impl Covariance {
    /// Part of the mean square of the features that is added at least, so that the rounding of G and m leaves no negative
    /// eigenvalues. It is less than e unless the picture's features are much larger than those that it is compared with.
    pub const TRACE_PART: f32 = 3e-6;

    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("covariance", self.covariance)
            .uses(Read, [self.gram, self.mean, self.scalars])
            .uses(Write, [self.covariance])
    }
}

/// `output = u left right + v I` with (u, v) the factor, (1, 0) if none, or with the transpose of `left`. All are
/// `[C][C]`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct MatrixProduct {
    pub left: SlotId,
    pub right: SlotId,
    pub output: SlotId,
    pub transposed: bool,
    /// Whether the product of these matrices is symmetric, so that half of it tells the rest.
    pub symmetric: bool,
    pub factor: Option<Factor>,
    /// C, a multiple of 64.
    pub channels: u32,
}

impl MatrixProduct {
    pub(super) fn declaration(&self) -> Declaration {
        let factor = self.factor.map(|factor| factor.slot);
        // A square is a product too.
        let right = (self.right != self.left).then_some(self.right);
        Declaration::new("matrix_product", self.output)
            .uses(Read, [self.left])
            .uses(Read, right)
            .uses(Read, factor)
            .uses(Write, [self.output])
            .products(u64::from(self.channels).pow(3))
    }
}

/// `output = u input + v I` with (u, v) the factor. Both are `[C][C]`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct MatrixScale {
    pub input: SlotId,
    pub output: SlotId,
    pub factor: Factor,
    /// C.
    pub channels: u32,
}

impl MatrixScale {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("matrix_scale", self.output)
            .uses(Read, [self.input, self.factor.slot])
            .uses(Write, [self.output])
    }
}

/// What scaled Newton-Schulz steps converge to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootKind {
    /// Root and inverse root of a covariance A: `Y = A / n` and `Z = I`, each step is `T = (3 a I - a^3 Z Y) / 2`,
    /// `Y = Y T`, `Z = T Z`, and in the end `A^(1/2) = Y sqrt(n)` and `A^(-1/2) = Z / sqrt(n)`.
    Root,
    /// The orthogonal factor U of A = U P: `U = A / n`, each step is `U = U (3 a I - a^3 U^T U) / 2`.
    Polar,
}

impl RootKind {
    /// How many steps are made.
    pub fn steps(self) -> usize {
        match self {
            RootKind::Root => ROOT_STEPS,
            RootKind::Polar => POLAR_STEPS,
        }
    }

    /// The lower bound that `l` is not allowed to fall below: then f32's rounding would be blown up.
    pub fn floor(self) -> f64 {
        match self {
            RootKind::Root => 1e-3,
            RootKind::Polar => 1e-5,
        }
    }
}

/// The numbers for scaled Newton-Schulz steps (after Higham, "Functions of Matrices", 2008, chapters 6 and 8, and Chen and
/// Chow, "A Stable Scaling of Newton-Schulz for Improving the Sign Function Computation", 2014) on a matrix of Frobenius
/// norm n.
///
/// `l`, a lower bound of the least singular value that the steps see, begins as `sqrt(e / n)` for a root and `e / n` for a
/// polar factor, but at least [`RootKind::floor`]. `a = sqrt(3 / (1 + l + l^2))` until l > 0.999, then 1; the next
/// `l = a l (3 - (a l)^2) / 2`. The pairs are (1 / n, 0), then (-a^3 / 2, 3 a / 2) for each step; the last two are
/// (sqrt n, 0) and (1 / sqrt n, 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RootFactors {
    /// A.
    pub matrix: SlotId,
    /// A [`super::TargetScalars`] with e.
    pub scalars: SlotId,
    /// What the steps are for.
    pub kind: RootKind,
    /// Scratch of the norm.
    pub partials: SlotId,
    /// [`ROOT_FACTORS`] pairs.
    pub factors: SlotId,
    /// C.
    pub channels: u32,
}

impl RootFactors {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("root_factors", self.factors)
            .uses(Read, [self.matrix, self.scalars])
            .uses(Scratch, [self.partials])
            .uses(Write, [self.factors])
    }

    /// The pairs for a squared norm and the scalar e: what every back end computes.
    pub fn pairs(squared_norm: f64, regularisation: f64, kind: RootKind) -> [[f64; 2]; ROOT_FACTORS] {
        let norm = squared_norm.sqrt().max(1e-30);
        let bound = match kind {
            RootKind::Root => (regularisation / norm).sqrt(),
            RootKind::Polar => regularisation / norm,
        };
        let mut least = bound.clamp(kind.floor(), 1.0);
        let mut pairs = [[0.0; 2]; ROOT_FACTORS];
        pairs[Factor::NORMALISE] = [1.0 / norm, 0.0];
        for pair in &mut pairs[1..=kind.steps()] {
            let scale = if least > 0.999 { 1.0 } else { (3.0 / (1.0 + least + least * least)).sqrt() };
            *pair = [-0.5 * scale.powi(3), 1.5 * scale];
            let scaled = scale * least;
            least = scaled * (3.0 - scaled * scaled) / 2.0;
        }
        pairs[Factor::ROOT] = [norm.sqrt(), 0.0];
        pairs[Factor::INVERSE_ROOT] = [1.0 / norm.sqrt(), 0.0];
        pairs
    }
}
