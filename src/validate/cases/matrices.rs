//! Matrices of channels.

use super::*;
use crate::plan::{
    Covariance, Factor, Matrix, MatrixProduct, MatrixScale, REDUCTION_GROUPS, ROOT_FACTORS, Region, RootFactors,
    RootKind, Step, Term,
};
use crate::tolerance::{F32_GRAM, F32_POINTWISE, F32_REDUCTION};

const LAYERS: [&str; 3] = ["relu1_1", "relu2_1", "relu4_1"];

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let mut cases = Vec::new();
    for name in LAYERS {
        // More than the part of the trace, and less.
        cases.extend([0.75, 1e-9].map(|regularisation| covariance(filters, name, regularisation)));
        cases.push(matrix_scale(filters, name));
        for kind in [RootKind::Root, RootKind::Polar] {
            cases.push(root_factors(filters, name, kind));
        }
    }
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
    sketch.uniform(Tensor::RootFactors, 2 * ROOT_FACTORS, -1.0, 1.5)
}

fn matrix_product(filters: &Arc<Filters>, name: &str, kind: Product, factor: Option<usize>) -> Case {
    let channels = layer(name).output_channels();
    let words = (channels * channels) as usize;
    let mut sketch = Sketch::new(u64::from(channels) + 12);
    let left = sketch.uniform(Tensor::Matrix(Matrix::Y), words, -0.5, 1.0);
    let other = sketch.uniform(Tensor::Matrix(Matrix::T), words, -1.0, 0.25);
    let right = if kind == Product::Square { left } else { other };
    let (transposed, symmetric) = (kind != Product::Plain, kind == Product::Square);
    let slot = factors(&mut sketch);
    let output = sketch.unwritten(Tensor::Matrix(Matrix::NextY), words);
    sketch.check(Check::Array(output));
    let with = if factor.is_some() { " with a factor" } else { "" };

    let factor = factor.map(|index| Factor { slot, index });
    let step = Step::MatrixProduct(MatrixProduct { left, right, output, transposed, symmetric, factor, channels });
    sketch.finish(format!("{name} {kind:?}{with}"), step, filters, F32_GRAM)
}

fn matrix_scale(filters: &Arc<Filters>, name: &str) -> Case {
    let channels = layer(name).output_channels();
    let words = (channels * channels) as usize;
    let mut sketch = Sketch::new(u64::from(channels) + 13);
    let input = sketch.uniform(Tensor::Matrix(Matrix::X), words, -0.5, 1.0);
    let factor = Factor { slot: factors(&mut sketch), index: 2 };
    let output = sketch.unwritten(Tensor::Matrix(Matrix::Y), words);
    sketch.check(Check::Array(output));
    let step = Step::MatrixScale(MatrixScale { input, output, factor, channels });
    sketch.finish(name.to_owned(), step, filters, F32_POINTWISE)
}

fn root_factors(filters: &Arc<Filters>, name: &str, kind: RootKind) -> Case {
    let of = layer(name);
    let channels = of.output_channels();
    let words = (channels * channels) as usize;
    let mut sketch = Sketch::new(u64::from(channels) + 14);
    let matrix = sketch.uniform(Tensor::Matrix(Matrix::X), words, -0.5, 1.0);
    let scalars = scalars(&mut sketch, of, 0.03);
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    // Pairs that a kind has no steps for stay as they are.
    let factors = sketch.numbers(Tensor::RootFactors, vec![0.0; 2 * ROOT_FACTORS]);
    sketch.check(Check::Each(factors));
    let step = RootFactors { matrix, scalars, kind, partials, factors, channels };
    sketch.finish(format!("{name} {kind:?}"), Step::RootFactors(step), filters, F32_REDUCTION)
}
