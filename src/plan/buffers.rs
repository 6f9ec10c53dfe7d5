//! Which slots share a buffer: those that are never in use at the same time.

use super::{Plan, Routine, Slot, SlotId, Step, Use};
use std::ops::{Range, RangeInclusive};

impl Plan {
    /// When each slot's contents matter, as runs of step numbers: from first use to last or, for slots filled band by
    /// band, from each write to the last use before the next.
    pub fn lifetimes(&self) -> Vec<Vec<RangeInclusive<usize>>> {
        lifetimes(&self.slots, &self.steps, &self.routines)
    }
}

fn lifetimes(slots: &[Slot], steps: &[Step], routines: &[(Routine, Range<usize>)]) -> Vec<Vec<RangeInclusive<usize>>> {
    let mut lifetimes: Vec<Vec<RangeInclusive<usize>>> = vec![Vec::new(); slots.len()];
    // Routines of windows run in any order, so that nothing passes from one to the next but what is persistent.
    let mut anew = 0;
    for (index, step) in steps.iter().enumerate() {
        if routines.iter().any(|(routine, range)| routine.is_of_windows() && range.start == index) {
            anew = index;
        }
        for Use { slot: SlotId(slot), role } in step.declaration().uses {
            let before = lifetimes[slot].last().is_some_and(|life| *life.end() < anew);
            let made_anew = before || slots[slot].per_band && !role.reads();
            match lifetimes[slot].last_mut() {
                Some(life) if !made_anew => *life = *life.start()..=index,
                _ => lifetimes[slot].push(index..=index),
            }
        }
    }
    lifetimes
}

/// Gives every slot a buffer and returns the buffers' sizes in words; `routines` are of those steps. Persistent slots get one of their own; the others
/// share, largest first, so that a buffer is as large as its first tenant.
pub fn share_buffers(slots: &mut [Slot], steps: &[Step], routines: &[(Routine, Range<usize>)]) -> Vec<usize> {
    let lifetimes = lifetimes(slots, steps, routines);
    let overlaps = |a: usize, b: usize| meet(&lifetimes[a], &lifetimes[b]);
    let mut order: Vec<usize> = (0..slots.len()).collect();
    order.sort_by_key(|&slot| std::cmp::Reverse(slots[slot].words));
    let mut tenants: Vec<Vec<usize>> = Vec::new();
    let mut buffers = Vec::new();
    for slot in order {
        let shared = tenants.iter().position(|others| {
            !slots[slot].persistent && others.iter().all(|&other| !slots[other].persistent && !overlaps(slot, other))
        });
        slots[slot].buffer = shared.unwrap_or_else(|| {
            tenants.push(Vec::new());
            buffers.push(slots[slot].words);
            buffers.len() - 1
        });
        tenants[slots[slot].buffer].push(slot);
    }
    buffers
}

/// Whether a run of one lifetime and a run of another have a step in common. Runs are in order: large pictures have hundreds.
fn meet(a: &[RangeInclusive<usize>], b: &[RangeInclusive<usize>]) -> bool {
    a.iter().any(|a| {
        let next = b.partition_point(|b| b.end() < a.start());
        b.get(next).is_some_and(|b| b.start() <= a.end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Network, Optimizer, Term, iteration};

    fn plan() -> Plan {
        let terms = Term::all_of(&["relu4_2"], &["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]);
        iteration(&Network::for_tests(1024, 1024), &terms, Optimizer::default()).unwrap()
    }

    #[test]
    fn slots_in_use_together_never_share() {
        let plan = plan();
        let lifetimes = plan.lifetimes();
        for (a, first) in plan.slots.iter().enumerate() {
            assert!(first.words <= plan.buffers[first.buffer], "{}", first.tensor);
            for (b, second) in plan.slots.iter().enumerate().filter(|(b, s)| *b != a && s.buffer == first.buffer) {
                assert!(!first.persistent && !second.persistent);
                assert!(!meet(&lifetimes[a], &lifetimes[b]), "{} and {}", first.tensor, second.tensor);
            }
        }
    }

    #[test]
    fn sharing_takes_less_than_half_of_what_the_slots_would_take_alone() {
        let plan = plan();
        let alone: usize = plan.slots.iter().map(|slot| slot.words).sum();
        assert!(plan.bytes() < 4 * alone as u64 / 2, "{} of {}", plan.bytes() >> 20, alone >> 18);
    }
}
