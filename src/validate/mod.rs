//! Small cases of every operation, run on a back end and on [`crate::reference`].
//!
//! Every slot is longer than its step needs: the words behind are NaN, so that reading them shows in the result, and
//! they are looked at afterwards, so that writing them shows too.

mod cases;
mod check;
mod sketch;

pub use cases::cases;

use crate::backend::{BackendError, Session};
use crate::plan::{Plan, Routine, SlotId};
use crate::{reference, weights::Filters};
use check::{Check, Deviation};
use std::sync::Arc;

/// Words behind the data of each slot that no step may touch.
pub const GUARD_WORDS: usize = 64;
/// What stands in guard words and in outputs before they are written: a NaN.
const GUARD: u32 = 0xFFC0_5EED;

/// Makes a session of the back end in question.
pub type MakeSession<'a> = dyn FnMut(&Plan, &Arc<Filters>) -> Result<Box<dyn Session>, BackendError> + 'a;

/// One step with all that it works on.
#[derive(Clone, Debug)]
pub struct Case {
    /// Operation, layer, size and variant.
    pub name: String,
    /// A plan whose routine [`Routine::Evaluate`] is the one step.
    pub plan: Plan,
    /// What the step may convolve with.
    pub filters: Arc<Filters>,
    /// Words of each slot before the step, without the guard.
    contents: Vec<Vec<u32>>,
    checks: Vec<Check>,
    tolerance: f64,
}

/// How a back end did on a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Name of the case.
    pub case: String,
    /// Name of the operation.
    pub operation: &'static str,
    /// Largest error of a number, relative as [`crate::tolerance`] says; infinite if a number is NaN that should not be.
    pub error: f64,
    /// What the error may be.
    pub tolerance: f64,
    /// Words that should be equal to the bit and are not.
    pub wrong_words: usize,
    /// Whether the words behind every slot are as they were.
    pub guards_intact: bool,
    /// Where the largest error or the first wrong word is.
    pub place: String,
}

impl Outcome {
    /// Whether the back end did what it should.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance && self.wrong_words == 0 && self.guards_intact
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.passed() { "ok  " } else { "FAIL" };
        write!(f, "{verdict} {}: error {:.1e} of {:.0e}", self.case, self.error, self.tolerance)?;
        if self.wrong_words > 0 {
            write!(f, ", {} wrong words", self.wrong_words)?;
        }
        if !self.guards_intact {
            write!(f, ", words behind a slot were written")?;
        }
        if !self.passed() && !self.place.is_empty() {
            write!(f, "; {}", self.place)?;
        }
        Ok(())
    }
}

/// Runs a case on a back end and compares with the reference.
///
/// # Errors
/// If the back end fails.
pub fn run(case: &Case, make_session: &mut MakeSession<'_>) -> Result<Outcome, BackendError> {
    let found = results(case, make_session(&case.plan, &case.filters)?.as_mut())?;
    let expected = results(case, &mut reference::Session::new(&case.plan, &case.filters)?)?;
    let words: Vec<usize> = case.contents.iter().map(Vec::len).collect();
    let guards_intact = found.iter().zip(&words).all(|(slot, &words)| slot[words..] == [GUARD; GUARD_WORDS]);
    let mut worst = Deviation::default();
    for check in &case.checks {
        let deviation = check.deviation(&|slot: SlotId| &found[slot.0][..words[slot.0]], &|slot: SlotId| {
            &expected[slot.0][..words[slot.0]]
        });
        worst = worst.or_worse(deviation, case.plan.slot(check.slot()).tensor);
    }
    Ok(Outcome {
        case: case.name.clone(),
        operation: case.plan.steps[0].operation(),
        error: worst.error,
        tolerance: case.tolerance,
        wrong_words: worst.wrong_words,
        guards_intact,
        place: worst.place,
    })
}

/// Runs a case on a session that was made for it and returns the words of every slot, guards included.
///
/// # Errors
/// If the back end fails.
pub fn results(case: &Case, session: &mut dyn Session) -> Result<Vec<Vec<u32>>, BackendError> {
    for (slot, words) in case.contents.iter().enumerate() {
        let guarded = [words.as_slice(), &[GUARD; GUARD_WORDS]].concat();
        session.write(SlotId(slot), bytemuck::cast_slice(&guarded))?;
    }
    session.run(Routine::Evaluate)?;
    (0..case.contents.len()).map(|slot| Ok(bytemuck::pod_collect_to_vec(&session.read(SlotId(slot))?))).collect()
}
