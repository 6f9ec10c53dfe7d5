//! A plan on a device.

use super::{
    DeviceFilters, ForcedVariants, Gpu,
    failure::one_line,
    kernels::{Binding, Dispatch, Task, lower_all},
    launch::{LAUNCH_GROUPS, Launch, launches},
    speed::work,
};
use crate::{
    BackendError, Contents, SlotContents,
    plan::{Cost, Plan, Routine, SlotId},
};
use std::{
    collections::{BTreeMap, VecDeque, btree_map::Entry},
    ops::Range,
    sync::{Arc, mpsc},
};

/// Size of a buffer for what a shader declares and does not use.
const UNUSED_BYTES: u64 = 256;

/// Launches that were requested but not yet submitted.
#[derive(Default)]
struct Pending {
    /// By step and place in the step.
    launches: Vec<(usize, usize)>,
    work: f64,
}

/// A slot's contents on their way to the host.
struct Request {
    staging: wgpu::Buffer,
    bytes: u64,
    mapped: mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
}

/// A plan made ready on a GPU.
pub struct Session {
    gpu: Arc<Gpu>,
    plan: Plan,
    buffers: Vec<wgpu::Buffer>,
    /// Launches of each step.
    launches: Vec<Vec<Launch>>,
    pending: Pending,
    requests: VecDeque<Request>,
    spare_staging: Vec<wgpu::Buffer>,
    bytes: u64,
}

impl Session {
    /// Creates buffers, pipelines and bind groups. Where no variant is forced, the results of [`Gpu::tune`] decide, or
    /// else a table.
    ///
    /// # Errors
    /// If a slot is larger than the device binds, memory runs out, or filters are missing.
    pub fn new(
        gpu: &Arc<Gpu>,
        plan: Plan,
        filters: &DeviceFilters,
        forced: &ForcedVariants,
    ) -> Result<Session, BackendError> {
        let steps = lower_all(&plan, &gpu.tasks(&plan, forced));
        Session::with_dispatches(gpu, plan, filters, &steps, LAUNCH_GROUPS)
    }

    /// [`Session::new`] with these kernels for the plan's steps, in launches of `most_groups` workgroups at most.
    pub(super) fn with_tasks(
        gpu: &Arc<Gpu>,
        plan: &Plan,
        filters: &DeviceFilters,
        tasks: &[Task<'_>],
        most_groups: u32,
    ) -> Result<Session, BackendError> {
        Session::with_dispatches(gpu, plan.clone(), filters, &lower_all(plan, tasks), most_groups)
    }

    /// [`Session::new`] with these dispatches for the steps, and the steps' costs, in launches of `most_groups`
    /// workgroups at most.
    pub(super) fn with_dispatches(
        gpu: &Arc<Gpu>,
        plan: Plan,
        filters: &DeviceFilters,
        steps: &[(Vec<Dispatch>, Cost)],
        most_groups: u32,
    ) -> Result<Session, BackendError> {
        let slots = plan.bytes();
        Session::build(gpu, plan, filters, steps, most_groups).map_err(|error| match error {
            // The size in the error is that of the one buffer that failed, not of all that the user asked for.
            BackendError::OutOfMemory { device, .. } => {
                BackendError::OutOfMemory { device, needed: (slots + filters.bytes()) >> 20 }
            }
            other => other,
        })
    }

    fn build(
        gpu: &Arc<Gpu>,
        plan: Plan,
        filters: &DeviceFilters,
        steps: &[(Vec<Dispatch>, Cost)],
        most_groups: u32,
    ) -> Result<Session, BackendError> {
        let limit = gpu.largest_slot();
        if let Some(slot) = plan.slots.iter().find(|slot| 4 * slot.words as u64 > limit) {
            return Err(BackendError::TensorTooLarge {
                tensor: slot.tensor.to_string(),
                needed: (4 * slot.words as u64).div_ceil(1 << 20),
                device: gpu.name.clone(),
                limit: limit >> 20,
            });
        }
        let sizes = plan.buffers.iter().map(|&words| 4 * words as u64);
        let buffers = sizes.map(|bytes| gpu.slot_buffer(bytes)).collect::<Result<Vec<_>, _>>()?;
        // One for each number: WebGPU refuses a launch that could write one buffer through two bindings.
        let mut unused: BTreeMap<u32, wgpu::Buffer> = BTreeMap::new();
        let mut behind = |number: u32, binding: Binding| match binding {
            Binding::Slot(slot) => Ok(buffers[plan.slot(slot).buffer].clone()),
            Binding::Filters(layer, form) => filters.weights(gpu, layer, form, plan.precision),
            Binding::Bias(layer) => filters.bias(gpu, layer),
            Binding::Unused => match unused.entry(number) {
                Entry::Occupied(buffer) => Ok(buffer.get().clone()),
                Entry::Vacant(place) => Ok(place.insert(gpu.slot_buffer(UNUSED_BYTES)?).clone()),
            },
        };
        gpu.pipelines.compile(steps.iter().flat_map(|(dispatches, _)| dispatches));
        let mut launches_of_steps = Vec::with_capacity(plan.steps.len());
        for (dispatches, cost) in steps {
            let mut of_step = Vec::new();
            for dispatch in dispatches {
                let bound = dispatch.bindings.iter().map(|&(number, binding)| Ok((number, behind(number, binding)?)));
                let bound = bound.collect::<Result<Vec<_>, BackendError>>()?;
                let share = work(*cost) / dispatches.len() as f64;
                of_step.extend(launches(gpu, dispatch, &bound, share, most_groups)?);
            }
            launches_of_steps.push(of_step);
        }
        let bytes = plan.bytes() + filters.bytes();
        gpu.failures.check(&gpu.name, bytes)?;
        gpu.pipelines.keep();
        Ok(Session {
            gpu: gpu.clone(),
            plan,
            buffers,
            launches: launches_of_steps,
            pending: Pending::default(),
            requests: VecDeque::new(),
            spare_staging: Vec::new(),
            bytes,
        })
    }

    pub(super) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The plan it was made from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    fn buffer(&self, slot: SlotId) -> &wgpu::Buffer {
        &self.buffers[self.plan.slot(slot).buffer]
    }

    fn slot_bytes(&self, slot: SlotId) -> u64 {
        4 * self.plan.slot(slot).words as u64
    }

    fn check(&self) -> Result<(), BackendError> {
        self.gpu.failures.check(&self.gpu.name, self.bytes)
    }

    /// Waits for everything submitted, but not for what is pending.
    pub(super) fn finish(&self) -> Result<(), BackendError> {
        self.gpu.finish(self.bytes)
    }

    /// wgpu's error, unless it only follows from an earlier failure.
    fn refused(&self, reason: &str) -> BackendError {
        let refused = || BackendError::Refused { device: self.gpu.name.clone(), reason: one_line(reason) };
        self.check().err().unwrap_or_else(refused)
    }

    /// What a step launches, in order.
    pub(super) fn launches(&self, step: usize) -> &[Launch] {
        &self.launches[step]
    }

    /// Takes everything pending, and returns the commands that carry it out and their work.
    fn record_pending(&mut self) -> (wgpu::CommandEncoder, f64) {
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let Pending { launches, work } = std::mem::take(&mut self.pending);
        if !launches.is_empty() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            launches.iter().for_each(|&(step, index)| self.launches[step][index].record(&mut pass));
        }
        (encoder, work)
    }

    pub(super) fn submit_pending(&mut self) {
        if !self.pending.launches.is_empty() {
            let (encoder, work) = self.record_pending();
            self.gpu.submit(encoder.finish(), work);
        }
    }

    /// Appends steps to what is pending, and submits as soon as that keeps the device busy for long enough.
    fn enqueue(&mut self, steps: Range<usize>) {
        let bound = self.gpu.submission_work();
        for step in steps {
            for index in 0..self.launches[step].len() {
                let work = self.launches[step][index].work;
                if self.pending.work + work > bound {
                    self.submit_pending();
                }
                self.pending.launches.push((step, index));
                self.pending.work += work;
            }
        }
    }

    fn staging(&mut self, bytes: u64) -> Result<wgpu::Buffer, BackendError> {
        match self.spare_staging.iter().position(|buffer| buffer.size() == bytes) {
            Some(index) => Ok(self.spare_staging.swap_remove(index)),
            None => self.gpu.buffer("staging", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
        }
    }
}

impl crate::Session for Session {
    fn write_at(&mut self, slot: SlotId, first: usize, bytes: &[u8]) -> Result<(), BackendError> {
        let first = (size_of::<u32>() * first) as u64;
        assert!(first + bytes.len() as u64 <= self.slot_bytes(slot), "more than {} holds", self.plan.slot(slot).tensor);
        // Pending launches must still see the slot's present contents.
        self.submit_pending();
        self.gpu.queue.write_buffer(self.buffer(slot), first, bytes);
        self.check()
    }

    fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
        let earlier = std::mem::take(&mut self.requests);
        self.request(slot)?;
        let bytes = self.receive(true)?;
        self.requests = earlier;
        bytes.ok_or_else(|| self.refused("a read brought nothing back"))
    }

    fn restore(&mut self, slot: SlotId, contents: &Contents) -> Result<(), BackendError> {
        assert!(contents.len() as u64 <= self.slot_bytes(slot), "more than {} holds", self.plan.slot(slot).tensor);
        self.submit_pending();
        let mut first = 0;
        contents.each_piece(std::convert::identity, |bytes| {
            self.gpu.queue.write_buffer(self.buffer(slot), first, bytes);
            first += bytes.len() as u64;
            self.check()
        })
    }

    fn hand_over(&mut self, slot: SlotId) -> Result<SlotContents, BackendError> {
        assert!(self.plan.slot(slot).persistent, "{} shares its buffer", self.plan.slot(slot).tensor);
        self.submit_pending();
        self.check()?;
        Ok(SlotContents(Box::new(self.buffer(slot).clone())))
    }

    fn take_over(&mut self, slot: SlotId, contents: &SlotContents) -> Result<(), BackendError> {
        let buffer: &wgpu::Buffer = contents.of();
        assert_eq!(buffer.size(), self.buffer(slot).size(), "{} is of another size", self.plan.slot(slot).tensor);
        let (mut encoder, work) = self.record_pending();
        encoder.copy_buffer_to_buffer(buffer, 0, self.buffer(slot), 0, buffer.size());
        self.gpu.submit(encoder.finish(), work);
        self.check()
    }

    fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
        self.enqueue(self.plan.routine(routine));
        self.check()
    }

    fn request(&mut self, slot: SlotId) -> Result<(), BackendError> {
        let bytes = self.slot_bytes(slot);
        let staging = self.staging(bytes)?;
        let (mut encoder, work) = self.record_pending();
        encoder.copy_buffer_to_buffer(self.buffer(slot), 0, &staging, 0, bytes);
        self.gpu.submit(encoder.finish(), work);
        let (sender, mapped) = mpsc::channel();
        // The receiver is gone only if the session is, and then nobody asks any more.
        staging.map_async(wgpu::MapMode::Read, .., move |result| drop(sender.send(result)));
        self.requests.push_back(Request { staging, bytes, mapped });
        self.check()
    }

    fn receive(&mut self, wait: bool) -> Result<Option<Vec<u8>>, BackendError> {
        let Some(request) = self.requests.front() else { return Ok(None) };
        let mut arrived = request.mapped.try_recv();
        if wait {
            self.gpu.wait_until(self.bytes, || {
                if arrived == Err(mpsc::TryRecvError::Empty) {
                    arrived = request.mapped.try_recv();
                }
                arrived != Err(mpsc::TryRecvError::Empty)
            })?;
        } else if arrived.is_err() {
            self.gpu.look(self.bytes)?;
            arrived = request.mapped.try_recv();
        }
        match arrived {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.refused(&error.to_string())),
            Err(mpsc::TryRecvError::Empty) => return Ok(None),
            Err(mpsc::TryRecvError::Disconnected) => return Err(self.refused("a request was dropped")),
        }
        let Some(Request { staging, bytes, .. }) = self.requests.pop_front() else { return Ok(None) };
        let contents = match staging.get_mapped_range(0..bytes) {
            Ok(view) => view.to_vec(),
            Err(error) => return Err(self.refused(&error.to_string())),
        };
        staging.unmap();
        self.spare_staging.push(staging);
        Ok(Some(contents))
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
        self.submit_pending();
        super::timing::time_steps(self, repeats)
    }

    fn time_host(&mut self, routines: &[Routine], repeats: usize) -> Result<Option<f64>, BackendError> {
        let seconds = self.host_seconds(routines, repeats)?;
        Ok(Some(seconds.recording + seconds.submitting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gpu::{Abilities, SHADERS, ShaderChecks, Trial, first_adapter, kernels::Groups},
        validate::{self, Expected, Outcome},
    };
    use std::collections::HashSet;

    /// Shader and entry point.
    type Kernel = (&'static str, &'static str);

    /// The kernels that a trial cuts into pieces of so many workgroups.
    fn cut(trial: &Trial<'_>, most_groups: u32) -> Vec<Kernel> {
        let is_cut = |dispatch: &Dispatch| matches!(dispatch.groups, Groups::Many(all) if all > most_groups);
        let dispatches = trial.dispatches().into_iter().filter(is_cut);
        dispatches.map(|dispatch| (dispatch.shader, dispatch.entry)).collect()
    }

    /// Every case by one kernel, and by others if they let a further kernel be cut.
    #[test]
    fn kernels_in_pieces_of_a_few_workgroups_agree_with_the_reference() {
        let adapter = first_adapter();
        let gpu = Gpu::open(&adapter, ShaderChecks::Checked).unwrap();
        let abilities = Abilities { cooperative_matrices: false, ..gpu.abilities };
        let mut seen = HashSet::new();
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (index, case) in [validate::cases(), validate::fused_cases()].concat().iter().enumerate() {
            let most_groups = 1 + index as u32 % 3;
            let expected = Expected::of(case).unwrap();
            for (number, trial) in Trial::all(case, abilities).iter().enumerate() {
                let news = cut(trial, most_groups).into_iter().filter(|kernel| seen.insert(*kernel)).count();
                if number == 0 || news > 0 {
                    outcomes.push(trial.run_in_pieces(&gpu, &expected, most_groups).unwrap());
                }
            }
        }
        let failed: Vec<String> = outcomes.iter().filter(|one| !one.passed()).map(Outcome::to_string).collect();
        assert_eq!(failed, Vec::<String>::new());
        let shaders: HashSet<&str> = seen.iter().map(|(shader, _)| *shader).collect();
        let is_single =
            |name: &str| ["polar_factors", "record_losses", "reduce_loss"].contains(&name) || name.starts_with("probe");
        for shader in SHADERS.iter().filter(|shader| !shader.is_cooperative() && !is_single(shader.name)) {
            assert!(shaders.contains(shader.name), "{} was never cut", shader.name);
        }
    }
}
