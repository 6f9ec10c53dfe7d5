//! Operations on matrices of channels, from which the Wasserstein distance is made.

use super::SlotId;
use super::declaration::{Declaration, Role::*};

/// Newton-Schulz steps of a matrix root. Ten leave errors of a tenth at real features, fourteen are no better than twelve.
pub const ROOT_STEPS: usize = 12;

/// Pairs in [`crate::plan::Tensor::RootFactors`]: one to begin with, one for each step, two to end with.
pub const ROOT_FACTORS: usize = ROOT_STEPS + 3;

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
    pub const ROOT: usize = ROOT_STEPS + 1;
    /// The same for the inverse root.
    pub const INVERSE_ROOT: usize = ROOT_STEPS + 2;
}

/// Covariance `S = G - m m^T + e I` from Gram matrix and mean.
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
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("covariance", self.covariance)
            .uses(Read, [self.gram, self.mean, self.scalars])
            .uses(Write, [self.covariance])
    }
}

/// `output = u left right + v I` with (u, v) the factor, (1, 0) if none. All are `[C][C]`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct MatrixProduct {
    pub left: SlotId,
    pub right: SlotId,
    pub output: SlotId,
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

/// The numbers for a symmetric matrix's root and inverse root by scaled Newton-Schulz steps (after Higham, "Functions of
/// Matrices", 2008, section 6.3, and Chen and Chow, "A Stable Scaling of Newton-Schulz for Improving the Sign Function
/// Computation", 2014): with the Frobenius norm `n = |A|_F`, `Y = A / n` and `Z = I`, each step is
/// `T = (3 a I - a^3 Z Y) / 2`, `Y = Y T`, `Z = T Z`, and in the end `A^(1/2) = Y sqrt(n)` and `A^(-1/2) = Z / sqrt(n)`.
///
/// `l`, a lower bound of the root of the least eigenvalue of A / n, begins as `bound / sqrt(n)` but at least 1e-3: below
/// that, f32's rounding would be blown up. `a = sqrt(3 / (1 + l + l^2))` until l > 0.999, then 1; the next
/// `l = a l (3 - (a l)^2) / 2`. The pairs are (1 / n, 0), then (-a^3 / 2, 3 a / 2) for each step, (sqrt n, 0) and
/// (1 / sqrt n, 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RootFactors {
    /// A.
    pub matrix: SlotId,
    /// A [`super::TargetScalars`] with e.
    pub scalars: SlotId,
    /// Whether A's least eigenvalue is at least `e`, and not its square.
    pub of_covariance: bool,
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
    pub fn pairs(squared_norm: f64, regularisation: f64, of_covariance: bool) -> [[f64; 2]; ROOT_FACTORS] {
        let norm = squared_norm.sqrt().max(1e-30);
        let bound = if of_covariance { regularisation.sqrt() } else { regularisation };
        let mut least = (bound / norm.sqrt()).clamp(1e-3, 1.0);
        let mut pairs = [[0.0; 2]; ROOT_FACTORS];
        pairs[Factor::NORMALISE] = [1.0 / norm, 0.0];
        for pair in &mut pairs[1..=ROOT_STEPS] {
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
