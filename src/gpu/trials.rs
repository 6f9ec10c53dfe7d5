//! Every case with every kernel that any setting can choose for it on a device.

use super::{
    Abilities, Choice, DeviceFilters, Gpu, Session,
    kernels::{Dispatch, Task, lower, possible_tasks},
    launch::LAUNCH_GROUPS,
};
use crate::{
    BackendError,
    validate::{Case, Expected, Outcome},
};
use std::sync::Arc;

/// A case, and a kernel that can do it.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// What is to be done.
    pub case: &'a Case,
    task: Task<'a>,
}

/// A case with every kernel that can do it on a device, and every set of constants that some setting or picture size
/// chooses.
pub fn trials<'a>(gpu: &Arc<Gpu>, case: &'a Case) -> Vec<Trial<'a>> {
    Trial::all(case, gpu.trusted_abilities(case.plan.precision))
}

impl<'a> Trial<'a> {
    /// The trials for a device with these abilities. A case of two steps is for the kernels that do both at once.
    pub(super) fn all(case: &'a Case, abilities: Abilities) -> Vec<Trial<'a>> {
        let whole = |task: &Task<'_>| task.steps().len() == case.plan.steps.len();
        let tasks = possible_tasks(&case.plan, abilities).into_iter().filter(whole);
        tasks.map(|task| Trial { case, task }).collect()
    }

    /// The kernel.
    pub fn choice(&self) -> Choice {
        self.task.choice
    }

    /// What is launched.
    pub(super) fn dispatches(&self) -> Vec<Dispatch> {
        lower(&self.case.plan, &self.task).0
    }

    /// Runs the case on a device, and compares.
    ///
    /// # Errors
    /// If the device fails.
    pub fn run(&self, gpu: &Arc<Gpu>, expected: &Expected) -> Result<Outcome, BackendError> {
        self.run_in_pieces(gpu, expected, LAUNCH_GROUPS)
    }

    /// [`Trial::run`] in launches of `most_groups` workgroups at most.
    ///
    /// # Errors
    /// If the device fails.
    pub fn run_in_pieces(
        &self,
        gpu: &Arc<Gpu>,
        expected: &Expected,
        most_groups: u32,
    ) -> Result<Outcome, BackendError> {
        expected.compare(self.case, &mut self.session_in_pieces(gpu, most_groups)?)
    }

    /// A session that runs the case's steps by this kernel.
    ///
    /// # Errors
    /// If the device fails.
    pub fn session(&self, gpu: &Arc<Gpu>) -> Result<Session, BackendError> {
        self.session_in_pieces(gpu, LAUNCH_GROUPS)
    }

    /// The same in launches of `most_groups` workgroups at most.
    fn session_in_pieces(&self, gpu: &Arc<Gpu>, most_groups: u32) -> Result<Session, BackendError> {
        let filters = DeviceFilters::new(&self.case.filters);
        Session::with_tasks(gpu, &self.case.plan, &filters, &[self.task], most_groups)
    }
}
