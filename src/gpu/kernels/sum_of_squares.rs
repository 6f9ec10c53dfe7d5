//! `sum_of_squares.wgsl`.

use super::{Dispatch, losses::reduction_groups, params::params};
use crate::plan::SumOfSquares;

params! {
    struct SumOfSquaresParams {
        values4: u32,
        parts: u32,
        index: u32,
    }
}

pub(super) fn sum_of_squares(step: &SumOfSquares) -> Vec<Dispatch> {
    let values4 = step.count / 4;
    let parts = reduction_groups(values4);
    let params = SumOfSquaresParams { values4: values4 as u32, parts: parts as u32, index: step.index as u32 };
    vec![
        Dispatch::new("sum_of_squares", "sum_of_squares", &params, parts).slot(1, step.values).slot(2, step.partials),
        Dispatch::single("sum_of_squares", "sum_of_squares_reduce", &params).slot(2, step.partials).slot(3, step.sums),
    ]
}
