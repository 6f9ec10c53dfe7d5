//! The least that a step costs: arithmetic of the direct method, and bytes if each array moves once.

use super::{Declaration, FeatureShape, Plan, Role, Rows, Slot, Step, Tensor};
use std::ops::Add;

/// Work of a step or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiplications and additions.
    pub flops: u64,
    /// Bytes read and written, every slot once; filters not counted.
    pub bytes: u64,
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost { flops: self.flops + other.flops, bytes: self.bytes + other.bytes }
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Cost>>(costs: I) -> Cost {
        costs.fold(Cost::default(), Add::add)
    }
}

impl Plan {
    /// Cost of one step of this plan.
    pub fn cost(&self, step: &Step) -> Cost {
        let Declaration { uses, rows, products, .. } = step.declaration();
        let words = uses.iter().map(|used| {
            let times = if used.role == Role::Add { 2 } else { 1 };
            times * words_moved(self.slot(used.slot), rows)
        });
        Cost { flops: 2 * products, bytes: 4 * words.sum::<u64>() }
    }
}

/// Words of a slot that a step moves; of a slot with data for every pixel, only the step's rows.
fn words_moved(slot: &Slot, rows: Option<(Rows, FeatureShape)>) -> u64 {
    let words = slot.words as u64;
    let of_pixels = slot.tensor.is_map()
        || matches!(
            slot.tensor,
            Tensor::ReluMask(_) | Tensor::PoolWinners(_) | Tensor::RegionWeights(..) | Tensor::Counted(_)
        );
    match rows {
        Some((rows, shape)) if of_pixels && !slot.per_band => words * rows.count() as u64 / u64::from(shape.height + 2),
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::{
        Cost, Network, Optimizer, Precision, Representation, Routine, Storage, Term, features, iteration,
    };

    #[test]
    fn bands_of_a_megapixel_cost_a_tenth_more_arithmetic_and_no_more_traffic() {
        let recipe = crate::style::Recipe::default();
        let evaluate = |storage| {
            let network = Network { storage, ..Network::for_tests(1024, 1024) };
            let plan = iteration(&network, &recipe.terms_of_whole_pictures(), recipe.optimizer()).unwrap();
            plan.steps[plan.routine(Routine::Evaluate)].iter().map(|step| plan.cost(step)).sum::<Cost>()
        };
        let whole = evaluate(Storage::PLAIN);
        let banded = evaluate(Storage::for_binding(2 << 30, Precision::F32));
        let ratios = [banded.flops as f64 / whole.flops as f64, banded.bytes as f64 / whole.bytes as f64];
        assert!(ratios.iter().all(|ratio| (1.0..1.1).contains(ratio)), "{ratios:?}");
    }

    #[test]
    fn vgg19_to_relu5_1_is_36_gflop_at_224_and_twice_that_with_its_gradient() {
        let network = Network::for_tests(224, 224);
        let wanted = [Representation::Features("relu5_1".parse().unwrap())];
        let plan = features(&network, &wanted).unwrap();
        let forward: Cost = plan.steps.iter().map(|step| plan.cost(step)).sum();
        assert!((forward.flops as f64 / 36.2e9 - 1.0).abs() < 0.01, "{}", forward.flops);
        let terms = Term::all_of(&["relu5_1"], &[]);
        let plan = iteration(&network, &terms, Optimizer::default()).unwrap();
        let all: Cost = plan.steps[plan.routine(Routine::Evaluate)].iter().map(|step| plan.cost(step)).sum();
        assert_eq!(all.flops, 2 * forward.flops);
    }
}
