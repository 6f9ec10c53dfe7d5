//! The device's loss ring as the host sees it.

use crate::plan::{PerTerm, Plan, RING_ROWS, Term, ring_row};

/// Reads each evaluation of the ring once.
pub(super) struct LossRing {
    terms: Vec<Term>,
    seen: u32,
}

impl LossRing {
    /// The ring of a plan.
    pub fn new(plan: &Plan) -> LossRing {
        LossRing { terms: plan.terms.clone(), seen: 0 }
    }

    /// Loss values of the evaluations since the last call, oldest first.
    pub fn news(&mut self, bytes: &[u8]) -> Vec<PerTerm<f32>> {
        let words: Vec<u32> = bytemuck::pod_collect_to_vec(bytes);
        let mut rows: Vec<&[u32]> =
            words.chunks_exact(ring_row(self.terms.len())).filter(|row| row[0] > self.seen).collect();
        rows.sort_by_key(|row| row[0]);
        assert!(rows.first().is_none_or(|row| row[0] == self.seen + 1), "the ring of {RING_ROWS} rows overflowed");
        self.seen += rows.len() as u32;
        let values = |row: &[u32]| PerTerm::new(&self.terms, row[1..].iter().map(|&bits| f32::from_bits(bits)));
        rows.into_iter().map(values).collect()
    }
}
