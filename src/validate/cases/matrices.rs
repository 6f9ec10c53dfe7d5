//! Matrices of channels.

use super::*;
use crate::plan::{
    Cholesky, Covariance, Factor, Matrix, MatrixProduct, POLAR_FACTORS, PolarFactors, Region, Step, Term,
};
use crate::random::Random;
use crate::tolerance::{F32_GRAM, F32_POINTWISE, F32_REDUCTION};

const LAYERS: [&str; 3] = ["relu1_1", "relu2_1", "relu4_1"];

/// Squared norms and least singular values: usual, below the floor, and a multiple of the unit matrix.
const NORMS: [(f32, f32); 3] = [(250.0, 0.03), (4e8, 0.01), (0.0625, 0.25)];

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let mut cases = Vec::new();
    for name in LAYERS {
        // More than the part of the trace, and less.
        cases.extend([0.75, 1e-9].map(|regularisation| covariance(filters, name, regularisation)));
        cases.extend([false, true].map(|singular| cholesky(filters, name, singular)));
    }
    cases.extend(NORMS.map(|(squares, least)| polar_factors(filters, squares, least)));
    // The largest takes the reference long.
    for name in &LAYERS[..2] {
        for kind in [Product::Plain, Product::Transposed, Product::Square] {
            cases.extend([None, Some(3)].map(|factor| matrix_product(filters, name, kind, factor)));
        }
    }
    cases
}

pub(super) fn make_symmetric(matrix: &mut [f32], channels: usize) {
    for row in 0..channels {
        for column in 0..row {
            matrix[column * channels + row] = matrix[row * channels + column];
        }
    }
}

/// Which matrices are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Product {
    Plain,
    Transposed,
    /// The transpose of a matrix and the matrix itself: symmetric.
    Square,
}

fn scalars(sketch: &mut Sketch, of: Layer, regularisation: f32) -> SlotId {
    sketch.numbers(Tensor::TargetScalars(Term::gram(of, 0)), vec![regularisation, 0.5, 0.25, 2.0, 3.0])
}

fn covariance(filters: &Arc<Filters>, name: &str, regularisation: f32) -> Case {
    let of = layer(name);
    let channels = of.output_channels();
    let count = channels as usize;
    let mut sketch = Sketch::new(u64::from(channels) + 11);
    let gram = sketch.uniform(Tensor::Gram(of, Region::WHOLE), count * count, 0.25, 1.0);
    let mean = sketch.uniform(Tensor::Mean(of, Region::WHOLE), count, -0.5, 0.25);
    let scalars = scalars(&mut sketch, of, regularisation);
    let covariance = sketch.unwritten(Tensor::Matrix(Matrix::S), count * count);
    sketch.check(Check::Array(covariance));
    let step = Step::Covariance(Covariance { gram, mean, scalars, covariance, channels });
    sketch.finish(format!("{name} with {regularisation}"), step, filters, F32_POINTWISE)
}

fn factors(sketch: &mut Sketch) -> SlotId {
    sketch.uniform(Tensor::PolarFactors, 2 * POLAR_FACTORS, -1.0, 1.5)
}

fn matrix_product(filters: &Arc<Filters>, name: &str, kind: Product, factor: Option<usize>) -> Case {
    let channels = layer(name).output_channels();
    let words = (channels * channels) as usize;
    let mut sketch = Sketch::new(u64::from(channels) + 12);
    let left = sketch.uniform(Tensor::Matrix(Matrix::U), words, -0.5, 1.0);
    let other = sketch.uniform(Tensor::Matrix(Matrix::T), words, -1.0, 0.25);
    let right = if kind == Product::Square { left } else { other };
    let (transposed, symmetric) = (kind != Product::Plain, kind == Product::Square);
    let slot = factors(&mut sketch);
    let output = sketch.unwritten(Tensor::Matrix(Matrix::NextU), words);
    sketch.check(Check::Array(output));
    let with = if factor.is_some() { " with a factor" } else { "" };

    let factor = factor.map(|index| Factor { slot, index });
    let step = Step::MatrixProduct(MatrixProduct { left, right, output, transposed, symmetric, factor, channels });
    sketch.finish(format!("{name} {kind:?}{with}"), step, filters, F32_GRAM)
}

/// Of a matrix with eigenvalues of one size, or of one with all but one zero, where pivots are rounding.
fn cholesky(filters: &Arc<Filters>, name: &str, singular: bool) -> Case {
    let channels = layer(name).output_channels();
    let count = channels as usize;
    let mut sketch = Sketch::new(u64::from(channels) + 13);
    let mut values = vec![1.0; count * count];
    if !singular {
        values = Random::new(u64::from(channels)).uniform_values(count * count, -0.5, 0.5);
        make_symmetric(&mut values, count);
        // The other values alone have eigenvalues up to 0.6 times as much.
        values.iter_mut().step_by(count + 1).for_each(|value| *value = (channels as f32).sqrt());
    }
    let matrix = sketch.numbers(Tensor::Matrix(Matrix::S), values);
    let factor = sketch.unwritten(Tensor::Matrix(Matrix::L), count * count);
    let inverse = sketch.unwritten(Tensor::Matrix(Matrix::M), count * count);
    sketch.check(Check::Array(factor));
    sketch.check(Check::Array(inverse));
    let step = Step::Cholesky(Cholesky { matrix, factor, inverse, channels });
    let kind = if singular { " singular" } else { "" };
    sketch.finish(format!("{name}{kind}"), step, filters, F32_GRAM)
}

fn polar_factors(filters: &Arc<Filters>, squared_norm: f32, regularisation: f32) -> Case {
    let mut sketch = Sketch::new(14);
    let squares = sketch.numbers(Tensor::SquaredNorm, vec![squared_norm]);
    let scalars = scalars(&mut sketch, layer("relu1_1"), regularisation);
    let factors = sketch.unwritten(Tensor::PolarFactors, 2 * POLAR_FACTORS);
    sketch.check(Check::Each(factors));
    let step = Step::PolarFactors(PolarFactors { squares, scalars, factors });
    sketch.finish(format!("{squared_norm} and {regularisation}"), step, filters, F32_REDUCTION)
}
