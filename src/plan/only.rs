//! A plan of a few steps, to time or test them by themselves.

use super::{Plan, Routine, SlotId, Step, share_buffers};
use std::collections::HashSet;

impl Plan {
    /// Some of the steps, given by their numbers, as [`Routine::Evaluate`]. Slots keep their ids; those that none of the
    /// steps touches are empty, and the buffers are only as large as the steps need.
    pub fn only(&self, steps: &[usize]) -> Plan {
        let steps: Vec<_> = steps.iter().map(|&step| self.steps[step]).collect();
        let touched: HashSet<SlotId> =
            steps.iter().flat_map(|step: &Step| step.declaration().uses).map(|used| used.slot).collect();
        let mut slots = self.slots.clone();
        for (index, slot) in slots.iter_mut().enumerate() {
            if !touched.contains(&SlotId(index)) {
                (slot.words, slot.persistent) = (0, false);
            }
        }
        let buffers = share_buffers(&mut slots, &steps, &[]);
        Plan {
            window: self.window,
            precision: self.precision,
            terms: self.terms.clone(),
            routines: vec![(Routine::Evaluate, 0..steps.len())],
            slots,
            buffers,
            steps,
            segments: self.segments.clone(),
        }
    }
}

impl Plan {
    /// The same with a buffer for every slot.
    pub fn unshared(mut self) -> Plan {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            slot.buffer = index;
        }
        self.buffers = self.slots.iter().map(|slot| slot.words).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::{Network, Optimizer, Plan, Term, iteration};

    fn plan() -> Plan {
        let terms = Term::all_of(&[], &["relu2_1"]);
        iteration(&Network::for_tests(64, 48), &terms, Optimizer::default()).unwrap()
    }

    #[test]
    fn one_step_keeps_its_cost_and_takes_the_memory_of_its_own_slots() {
        let plan = plan();
        for (index, step) in plan.steps.iter().enumerate() {
            let only = plan.only(&[index]);
            assert_eq!((only.steps.len(), only.cost(&only.steps[0])), (1, plan.cost(step)));
            let (reads, writes) = step.slots();
            let mut touched: Vec<usize> = reads.iter().chain(&writes).map(|slot| slot.0).collect();
            touched.sort_unstable();
            touched.dedup();
            let words: usize = touched.iter().map(|&slot| plan.slots[slot].words).sum();
            assert_eq!(only.bytes(), 4 * words as u64, "{}", step.operation());
        }
    }
}
