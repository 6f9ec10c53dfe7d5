//! Operations on matrices of channels, from which the Wasserstein distance is made.

use super::SlotId;
use super::declaration::{Declaration, Role::*};

/// One step towards the polar factor U of a matrix X: from U, which is X at first, to `U T`, with T a polynomial or rational
/// function of `U^T U`, symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolarStep {
    /// Newton-Schulz: `T = u U^T U + v I`. Products only, so small singular values keep their accuracy, but they grow to
    /// 2.6 times themselves at most.
    NewtonSchulz,
    /// Halley: `T = u (I + c U^T U)^-1 + v I`, the inverse from a Cholesky factor. Singular values l grow to about the third
    /// root of 4 l, but the sum rounds away those whose squares are below f32's rounding.
    Halley,
}

use PolarStep::{Halley, NewtonSchulz};

/// The steps in order. Newton-Schulz steps first make the singular values large enough for Halley's; with five in place
/// of six, losses are wrong by 2 % where picture and painting are almost the same.
pub const POLAR_STEPS: [PolarStep; 9] =
    [NewtonSchulz, NewtonSchulz, NewtonSchulz, NewtonSchulz, NewtonSchulz, NewtonSchulz, Halley, Halley, NewtonSchulz];

impl PolarStep {
    /// How many pairs of factors it takes.
    pub const fn pairs(self) -> usize {
        match self {
            NewtonSchulz => 1,
            Halley => 2,
        }
    }
}

/// Pairs in a table of factors: one to begin with, then those of each step.
pub const POLAR_FACTORS: usize = {
    let (mut pairs, mut step) = (1, 0);
    while step < POLAR_STEPS.len() {
        pairs += POLAR_STEPS[step].pairs();
        step += 1;
    }
    pairs
};

/// A factor and a multiple of the unit matrix: one of the pairs that [`PolarFactors`] wrote.
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

/// `A = L L^T`, L lower triangular, and `M = L^-1`, for a symmetric matrix A without negative eigenvalues. A pivot, the square of
/// an entry on L's diagonal, is at least [`Cholesky::PIVOT_PART`] of A's entry there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cholesky {
    /// A.
    pub matrix: SlotId,
    /// L, with zeros above the diagonal.
    pub factor: SlotId,
    /// M, with zeros above the diagonal.
    pub inverse: SlotId,
    /// C, a multiple of 64.
    pub channels: u32,
}

impl Cholesky {
    /// A pivot below this part of A's entry is rounding: [`Covariance::TRACE_PART`] is more, and so is what [`PolarStep::Halley`]
    /// adds. With a tenth of it, entries of L grow without bound where A is singular.
    pub const PIVOT_PART: f32 = 1e-6;
    /// Rows and columns that are eliminated together.
    pub const BLOCK: usize = 64;

    pub(super) fn declaration(&self) -> Declaration {
        // A third of the products of a full matrix product: a sixth for each triangle.
        Declaration::new("cholesky", self.inverse)
            .uses(Read, [self.matrix])
            .uses(Write, [self.factor, self.inverse])
            .products(u64::from(self.channels).pow(3) / 3)
    }
}

/// The numbers for [`POLAR_STEPS`] on a matrix X of Frobenius norm n (after Chen and Chow, "A Stable Scaling of Newton-Schulz
/// for Improving the Sign Function Computation", 2014, and Nakatsukasa, Bai and Gygi, "Optimizing Halley's Iteration for
/// Computing the Matrix Polar Decomposition", 2010).
///
/// `l`, a lower bound of the least singular value that a step sees, begins as `e / n`, but at least
/// [`PolarFactors::FLOOR`]. The first pair is (1 / n, 0). A Newton-Schulz step has the pair (-a^3 / 2, 3 a / 2), with
/// `a = sqrt(3 / (1 + l + l^2))` until l > 0.999, then 1; the next `l = a l (3 - (a l)^2) / 2`. A Halley step has (c, 1) and
/// (a - b / c, b / c), with `d = (4 (1 - l^2) / l^4)^(1/3)`,
/// `a = sqrt(1 + d) + sqrt(8 - 4 d + 8 (2 - l^2) / (l^2 sqrt(1 + d))) / 2`, `b = (a - 1)^2 / 4`, `c = a + b - 1`; the next
/// `l = l (a + b l^2) / (1 + c l^2)`. The first step sees X itself: u of its pair is divided by n^2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolarFactors {
    /// One number, n^2.
    pub squares: SlotId,
    /// A [`super::TargetScalars`] with e.
    pub scalars: SlotId,
    /// [`POLAR_FACTORS`] pairs.
    pub factors: SlotId,
}

impl PolarFactors {
    /// The lower bound that `l` is not allowed to fall below: then f32's rounding would be blown up.
    pub const FLOOR: f64 = 1e-5;

    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("polar_factors", self.factors)
            .uses(Read, [self.squares, self.scalars])
            .uses(Write, [self.factors])
    }

    /// The pairs for a squared norm and the scalar e: what every back end computes.
    pub fn pairs(squared_norm: f64, regularisation: f64) -> [[f64; 2]; POLAR_FACTORS] {
        let norm = squared_norm.sqrt().max(1e-30);
        let mut least = (regularisation / norm).clamp(PolarFactors::FLOOR, 1.0);
        let mut pairs = [[0.0; 2]; POLAR_FACTORS];
        pairs[Factor::NORMALISE] = [1.0 / norm, 0.0];
        let mut next = 1;
        for step in POLAR_STEPS {
            match step {
                NewtonSchulz => {
                    let scale = if least > 0.999 { 1.0 } else { (3.0 / (1.0 + least + least * least)).sqrt() };
                    pairs[next] = [-0.5 * scale.powi(3), 1.5 * scale];
                    let scaled = scale * least;
                    least = scaled * (3.0 - scaled * scaled) / 2.0;
                }
                Halley => {
                    let square = least * least;
                    let d = (4.0 * (1.0 - square).max(0.0) / (square * square)).cbrt();
                    let root = (1.0 + d).sqrt();
                    let a = root + 0.5 * (8.0 - 4.0 * d + 8.0 * (2.0 - square) / (square * root)).sqrt();
                    let b = 0.25 * (a - 1.0).powi(2);
                    let c = a + b - 1.0;
                    pairs[next] = [c, 1.0];
                    pairs[next + 1] = [a - b / c, b / c];
                    least = (least * (a + b * square) / (1.0 + c * square)).min(1.0);
                }
            }
            next += step.pairs();
        }
        pairs[1][0] /= norm * norm;
        pairs
    }
}
