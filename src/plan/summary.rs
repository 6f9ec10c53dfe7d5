//! A summary of a routine for a reader: one line for all bands of a map.

use super::{Cost, Declaration, Plan, Routine, Tensor};

/// Steps of a routine that do the same thing to the same tensor: one, or one for each band of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSummary {
    /// See [`Declaration::operation`].
    pub operation: &'static str,
    /// What they produce.
    pub tensor: Tensor,
    /// Number of the first one in the plan.
    pub first: usize,
    /// How many.
    pub steps: usize,
    /// Padded rows that they produce together, seams counted twice, and rows of the map; none if they do not work on
    /// rows.
    pub rows: Option<(usize, usize)>,
    /// Of all of them together.
    pub cost: Cost,
}

impl Plan {
    /// What a routine does, in the order in which each thing is first done.
    pub fn summary(&self, routine: Routine) -> Vec<StepSummary> {
        let mut summaries: Vec<StepSummary> = Vec::new();
        for index in self.routine(routine) {
            let step = &self.steps[index];
            let Declaration { operation, makes, rows, .. } = step.declaration();
            let tensor = self.slot(makes).tensor;
            let rows = rows.map(|(rows, shape)| (rows.count(), shape.height as usize + 2));
            let cost = self.cost(step);
            match summaries.iter_mut().find(|other| other.operation == operation && other.tensor == tensor) {
                Some(other) => {
                    other.steps += 1;
                    other.cost = other.cost + cost;
                    other.rows = other.rows.zip(rows).map(|((sum, all), (rows, _))| (sum + rows, all));
                }
                None => summaries.push(StepSummary { operation, tensor, first: index, steps: 1, rows, cost }),
            }
        }
        summaries
    }

    /// Work of a routine.
    pub fn routine_cost(&self, routine: Routine) -> Cost {
        self.steps[self.routine(routine)].iter().map(|step| self.cost(step)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Banding, Network, Optimizer, Storage, Term, iteration};

    #[test]
    fn bands_of_a_map_are_one_line_and_nothing_is_left_out() {
        let terms = Term::all_of(&["relu2_1"], &["relu1_2"]);
        let summary = |banding| {
            let network = Network { storage: Storage { banding, ..Storage::PLAIN }, ..Network::for_tests(40, 60) };
            let plan = iteration(&network, &terms, Optimizer::default()).unwrap();
            let lines = plan.summary(Routine::Evaluate);
            assert_eq!(lines.iter().map(|line| line.steps).sum::<usize>(), plan.routine(Routine::Evaluate).len());
            assert_eq!(lines.iter().map(|line| line.cost).sum::<Cost>(), plan.routine_cost(Routine::Evaluate));
            lines
        };
        let whole = summary(Banding::NONE);
        assert!(whole.iter().all(|line| line.steps == 1 && line.rows.is_none_or(|(made, all)| made == all)));
        let banded = summary(Banding { small: 0, whole: 60_000, band: 40_000, ..Banding::NONE });
        let first = banded.iter().find(|line| line.operation == "conv3x3").unwrap();
        let (made, all) = first.rows.unwrap();
        assert!(first.steps > 2 && all == 62 && made > all, "{first:?}");
    }
}
