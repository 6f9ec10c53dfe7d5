//! A plan on a session, and the requests made of it without waiting.

use crate::{
    BackendError, Contents, Session,
    plan::{Plan, Routine, SlotId, Tensor},
};
use std::collections::VecDeque;

/// Slots that were requested together, and why.
struct Asked<P> {
    purpose: P,
    /// None of those that are still to be received, in this order.
    contents: Vec<Option<Contents>>,
}

/// Why slots were requested, and their contents.
type Answer<P> = (P, Vec<Contents>);

/// A plan made ready on a device. `P` says what an answer is for: answers come in the order of the questions.
pub(super) struct RunningPlan<P> {
    pub plan: Plan,
    session: Box<dyn Session>,
    asked: VecDeque<Asked<P>>,
}

impl<P: Copy + PartialEq> RunningPlan<P> {
    pub fn new(plan: Plan, session: Box<dyn Session>) -> RunningPlan<P> {
        RunningPlan { plan, session, asked: VecDeque::new() }
    }

    fn slot(&self, tensor: Tensor) -> SlotId {
        self.plan.find(tensor).expect("only what the plan holds is asked for")
    }

    /// For callers that write several slots themselves.
    pub fn session(&mut self) -> (&mut dyn Session, &Plan) {
        (self.session.as_mut(), &self.plan)
    }

    /// For callers that need nothing more from the session.
    pub fn into_session(self) -> (Plan, Box<dyn Session>) {
        (self.plan, self.session)
    }

    pub fn write(&mut self, tensor: Tensor, bytes: &[u8]) -> Result<(), BackendError> {
        let slot = self.slot(tensor);
        self.session.write(slot, bytes)
    }

    pub fn restore(&mut self, tensor: Tensor, contents: &Contents) -> Result<(), BackendError> {
        let slot = self.slot(tensor);
        self.session.restore(slot, contents)
    }

    pub fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
        self.session.run(routine)
    }

    /// The contents of slots as they are now, if the session holds them on the host, from where no lost device takes them.
    pub fn share(&self, tensors: &[Tensor]) -> Option<Vec<Contents>> {
        tensors.iter().map(|&tensor| self.session.share(self.slot(tensor))).collect()
    }

    /// Asks for the contents of slots, all as they are now: without a copy where the session holds them on the host.
    pub fn ask(&mut self, purpose: P, tensors: &[Tensor]) -> Result<(), BackendError> {
        let mut contents = Vec::new();
        for &tensor in tensors {
            let slot = self.slot(tensor);
            let shared = self.session.share(slot);
            if shared.is_none() {
                self.session.request(slot)?;
            }
            contents.push(shared);
        }
        self.asked.push_back(Asked { purpose, contents });
        Ok(())
    }

    /// How many questions for a purpose have no answer yet.
    pub fn awaited(&self, purpose: P) -> usize {
        self.asked.iter().filter(|asked| asked.purpose == purpose).count()
    }

    /// The answer to the oldest question: if it is ready, or, if `wait`, as soon as it is.
    pub fn receive(&mut self, wait: bool) -> Result<Option<Answer<P>>, BackendError> {
        while let Some(asked) = self.asked.front_mut() {
            let Some(missing) = asked.contents.iter_mut().find(|contents| contents.is_none()) else {
                let answered = self.asked.pop_front();
                return Ok(answered.map(|asked| (asked.purpose, asked.contents.into_iter().flatten().collect())));
            };
            match self.session.receive(wait)? {
                Some(bytes) => *missing = Some(bytes.into()),
                None => break,
            }
        }
        Ok(None)
    }
}
