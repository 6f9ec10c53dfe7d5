//! Small cases of every operation, run on a back end and on [`crate::reference`].
//!
//! Every slot is longer than its step needs: the words behind are NaN, so that reading them shows in the result, and
//! they are checked afterwards, so that writing them shows too.

mod bands;
mod cases;
mod check;
mod sketch;

pub use cases::{
    all_cases, banded_cases, cases, cooperative_cases, f16_cases, fused_cases, large_cases, starting_case,
};

use crate::backend::{BackendError, Session};
use crate::plan::{Plan, Precision, Routine, SlotId, Step};
use crate::{reference, tolerance::F16_STORAGE, weights::Filters};
use check::{Check, Deviation};
use std::sync::Arc;

/// Words behind the data of each slot that no step may touch.
pub const GUARD_WORDS: usize = 64;
/// The content of guard words, and of outputs before they are written: a NaN.
const GUARD: u32 = 0xFFC0_5EED;

/// Makes a session of the back end in question.
pub type MakeSession<'a> = dyn FnMut(&Plan, &Arc<Filters>) -> Result<Box<dyn Session>, BackendError> + 'a;

/// One step, or two that one kernel executes together, with all that they work on.
#[derive(Clone, Debug)]
pub struct Case {
    /// Operation, layer, size and variant.
    pub name: String,
    /// A plan whose routine [`Routine::Evaluate`] is the steps.
    pub plan: Plan,
    /// The filters for the steps that convolve.
    pub filters: Arc<Filters>,
    /// Words of each slot before the steps, without the guard.
    contents: Vec<Vec<u32>>,
    checks: Vec<Check>,
    tolerance: f64,
}

/// How a back end did on a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Name of the case.
    pub case: String,
    /// See [`Case::operation`].
    pub operation: String,
    /// Largest error of a number, relative as [`crate::tolerance`] says; infinite if a number is NaN that should not be.
    pub error: f64,
    /// What the error may be.
    pub tolerance: f64,
    /// Words that should be bitwise equal and are not.
    pub wrong_words: usize,
    /// Whether the words behind every slot are unchanged.
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

/// The reference's result for a case: the words of every slot.
#[derive(Clone, Debug)]
pub struct Expected(Vec<Vec<u32>>);

impl Expected {
    /// Runs the steps of a case on the reference, one by one.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn of(case: &Case) -> Result<Expected, BackendError> {
        let exact = Case { plan: case.exact_plan(), ..case.clone() };
        Ok(Expected(results(&exact, &mut reference::Session::new(&exact.plan, &case.filters)?)?))
    }

    /// Compares what [`Running::receive`] gave.
    pub fn judge(&self, case: &Case, found: &[Vec<u32>]) -> Outcome {
        outcome(case, found, &self.0)
    }

    /// Runs the case on a session that was made for it, and compares.
    ///
    /// # Errors
    /// If the back end fails.
    pub fn compare(&self, case: &Case, session: &mut dyn Session) -> Result<Outcome, BackendError> {
        Ok(outcome(case, &results(case, session)?, &self.0))
    }
}

/// Runs a case on a back end and compares with the reference.
///
/// # Errors
/// If the back end fails.
pub fn run(case: &Case, make_session: &mut MakeSession<'_>) -> Result<Outcome, BackendError> {
    Expected::of(case)?.compare(case, make_session(&case.plan, &case.filters)?.as_mut())
}

fn outcome(case: &Case, found: &[Vec<u32>], expected: &[Vec<u32>]) -> Outcome {
    let words: Vec<usize> = case.contents.iter().map(Vec::len).collect();
    let guards_intact = found.iter().zip(&words).all(|(slot, &words)| slot[words..] == [GUARD; GUARD_WORDS]);
    let mut worst = Deviation::default();
    for check in &case.checks {
        let deviation = check.deviation(&|slot: SlotId| &found[slot.0][..words[slot.0]], &|slot: SlotId| {
            &expected[slot.0][..words[slot.0]]
        });
        worst = worst.or_worse(deviation, case.plan.slot(check.slot()).tensor);
    }
    Outcome {
        case: case.name.clone(),
        operation: case.operation(),
        error: worst.error,
        tolerance: case.tolerance,
        wrong_words: worst.wrong_words,
        guards_intact,
        place: worst.place,
    }
}

/// Runs a case on a session that was made for it and returns the words of every slot, guards included.
///
/// # Errors
/// If the back end fails.
pub fn results(case: &Case, session: &mut dyn Session) -> Result<Vec<Vec<u32>>, BackendError> {
    let mut running = Running::start(case, session)?;
    loop {
        if let Some(results) = running.receive(case, session, true)? {
            return Ok(results);
        }
    }
}

/// A case that runs on a device that may not be waited for.
#[derive(Debug, Default)]
pub struct Running {
    /// What has come, slot by slot.
    received: Vec<Vec<u32>>,
}

impl Running {
    /// Runs a case on a session that was made for it.
    ///
    /// # Errors
    /// If the back end fails.
    pub fn start(case: &Case, session: &mut dyn Session) -> Result<Running, BackendError> {
        for (slot, words) in case.contents.iter().enumerate() {
            let mut bytes = case.encode(SlotId(slot), words);
            bytes.extend(bytemuck::cast_slice(&[GUARD; GUARD_WORDS]));
            session.write(SlotId(slot), &bytes)?;
        }
        session.run(Routine::Evaluate)?;
        (0..case.contents.len()).try_for_each(|slot| session.request(SlotId(slot)))?;
        Ok(Running::default())
    }

    /// The words of every slot, guards included, once all are there: if not, control has to go back to the event loop,
    /// or, with `wait`, this is called again.
    ///
    /// # Errors
    /// If the back end fails.
    pub fn receive(
        &mut self,
        case: &Case,
        session: &mut dyn Session,
        wait: bool,
    ) -> Result<Option<Vec<Vec<u32>>>, BackendError> {
        while let Some(bytes) = session.receive(wait)? {
            let slot = self.received.len();
            self.received.push(case.decode(SlotId(slot), case.contents[slot].len(), &bytes));
        }
        Ok((self.received.len() == case.contents.len()).then(|| std::mem::take(&mut self.received)))
    }
}

impl Case {
    /// Name of the operation; for two steps both, joined by `+`.
    pub fn operation(&self) -> String {
        let operations: Vec<&str> = self.plan.steps.iter().map(Step::operation).collect();
        operations.join("+")
    }

    /// The same case with maps and the given filters in this precision, values rounded to what it can hold. None if it
    /// has no maps.
    fn stored_in(&self, precision: Precision, filters: Arc<Filters>) -> Option<Case> {
        let mut case = Case { name: format!("{} in {precision}", self.name), ..self.clone() };
        if !self.plan.slots.iter().any(|slot| slot.tensor.is_map()) {
            return None;
        }
        case.plan.precision = precision;
        case.filters = filters;
        for (index, contents) in case.contents.iter_mut().enumerate() {
            let slot = &mut case.plan.slots[index];
            if slot.tensor.is_map() {
                *contents = bytemuck::cast_vec(precision.decode(&precision.encode(bytemuck::cast_slice(contents))));
                slot.words = precision.words(contents.len()) + GUARD_WORDS;
                case.plan.buffers[slot.buffer] = slot.words;
            }
        }
        case.tolerance += F16_STORAGE;
        Some(case)
    }

    /// The plan for the reference, which stores everything as f32.
    fn exact_plan(&self) -> Plan {
        let mut plan = Plan { precision: Precision::F32, ..self.plan.clone() };
        for (slot, contents) in plan.slots.iter_mut().zip(&self.contents) {
            slot.words = contents.len() + GUARD_WORDS;
            plan.buffers[slot.buffer] = slot.words;
        }
        plan
    }

    /// A slot's words in the form in which its session stores them.
    fn encode(&self, slot: SlotId, words: &[u32]) -> Vec<u8> {
        self.plan.precision_of(slot).encode(bytemuck::cast_slice(words))
    }

    /// This many words of a slot, and the guard's, decoded from what its session stores.
    fn decode(&self, slot: SlotId, count: usize, bytes: &[u8]) -> Vec<u32> {
        let precision = self.plan.precision_of(slot);
        let (values, guard) = bytes.split_at(4 * precision.words(count));
        let mut words: Vec<u32> = bytemuck::cast_vec(precision.decode(values));
        words.truncate(count);
        words.extend(bytemuck::pod_collect_to_vec::<u8, u32>(guard));
        words
    }
}
