//! What every back end can do: hold the slots of a plan and run its routines.

pub use crate::backend_error::BackendError;
use crate::contents::Contents;
use crate::plan::{Plan, Routine, SlotId, Step};
use crate::random::Random;
use std::any::Any;

/// Contents of a slot, held where the session that produced them holds its slots.
pub struct SlotContents(pub(crate) Box<dyn Any + Send>);

impl SlotContents {
    /// The contents as a session of a certain back end left them.
    pub(crate) fn of<T: 'static>(&self) -> &T {
        self.0.downcast_ref().expect("contents are handed over between sessions of one engine")
    }
}

impl std::fmt::Debug for SlotContents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlotContents")
    }
}

/// A plan made ready on a device: its slots hold data, its routines run in the order they are asked for. It may go from one
/// thread to another.
pub trait Session: Send {
    /// Puts `bytes` into a slot, from its word `first` on; no more than the slot holds.
    ///
    /// # Errors
    /// If the device fails.
    fn write_at(&mut self, slot: SlotId, first: usize, bytes: &[u8]) -> Result<(), BackendError>;

    /// [`Self::write_at`] the start of a slot.
    ///
    /// # Errors
    /// If the device fails.
    fn write(&mut self, slot: SlotId, bytes: &[u8]) -> Result<(), BackendError> {
        self.write_at(slot, 0, bytes)
    }

    /// The slot's contents, after everything that was asked for before.
    ///
    /// # Errors
    /// If the device fails.
    fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError>;

    /// Runs a routine's steps; it may return before they are done.
    ///
    /// # Errors
    /// If the device fails.
    fn run(&mut self, routine: Routine) -> Result<(), BackendError>;

    /// Asks for a slot's contents as they are after everything asked for before, without waiting.
    ///
    /// # Errors
    /// If the device fails.
    fn request(&mut self, slot: SlotId) -> Result<(), BackendError>;

    /// The contents of the oldest request: if they are ready or, if `wait`, as soon as they are. None without a
    /// request.
    ///
    /// # Errors
    /// If the device fails.
    fn receive(&mut self, wait: bool) -> Result<Option<Vec<u8>>, BackendError>;

    /// What a slot holds after everything asked for before, without a copy, where the session keeps it in the host's memory
    /// or on the disk; else none: [`Session::request`] it.
    fn share(&self, _slot: SlotId) -> Option<Contents> {
        None
    }

    /// Puts at the start of a slot what one held at some moment; no more than it holds. Of what is on the disk, a part is in
    /// memory at a time.
    ///
    /// # Errors
    /// If the device fails, or what is on the disk cannot be read.
    fn restore(&mut self, slot: SlotId, contents: &Contents) -> Result<(), BackendError> {
        self.write(slot, &contents.bytes()?)
    }

    /// The contents of a slot that outlives its routine (see [`crate::plan::Slot::persistent`]), for another session of
    /// the same engine; contents on a device stay there. This session must not be used afterwards.
    ///
    /// # Errors
    /// If the device fails.
    fn hand_over(&mut self, slot: SlotId) -> Result<SlotContents, BackendError> {
        Ok(SlotContents(Box::new(self.read(slot)?)))
    }

    /// Copies what another session handed over into a slot of the same size.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If that session belonged to another engine.
    fn take_over(&mut self, slot: SlotId, contents: &SlotContents) -> Result<(), BackendError> {
        self.write(slot, contents.of::<Vec<u8>>())
    }

    /// Bytes held: the plan's buffers and the filters in whatever forms the back end keeps.
    fn bytes(&self) -> u64;

    /// Median seconds of each step of the plan over `repeats` runs of it. What the slots hold does not matter and is
    /// overwritten.
    ///
    /// # Errors
    /// If the device fails.
    fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError>;

    /// Median seconds that the host takes to ask the device for routines, submission included; none where the host
    /// itself computes.
    ///
    /// # Errors
    /// If the device fails.
    fn time_host(&mut self, _routines: &[Routine], _repeats: usize) -> Result<Option<f64>, BackendError> {
        Ok(None)
    }
}

/// Writes numbers to a slot.
///
/// # Errors
/// If the device fails.
pub fn write_values(session: &mut dyn Session, slot: SlotId, values: &[f32]) -> Result<(), BackendError> {
    session.write(slot, bytemuck::cast_slice(values))
}

/// Reads a slot's numbers.
///
/// # Errors
/// If the device fails.
pub fn read_values(session: &mut dyn Session, slot: SlotId) -> Result<Vec<f32>, BackendError> {
    Ok(values(&session.read(slot)?))
}

/// Writes a map in the plan's precision.
///
/// # Errors
/// If the device fails.
pub fn write_map(session: &mut dyn Session, plan: &Plan, slot: SlotId, values: &[f32]) -> Result<(), BackendError> {
    session.write(slot, &plan.precision_of(slot).encode(values))
}

/// Reads a map from the plan's precision.
///
/// # Errors
/// If the device fails.
pub fn read_map(session: &mut dyn Session, plan: &Plan, slot: SlotId) -> Result<Vec<f32>, BackendError> {
    Ok(plan.precision_of(slot).decode(&session.read(slot)?))
}

/// Fills every buffer with words that are small positive numbers as f32, and two numbers between 0.5 and 1 each as f16:
/// timing should not use zeros, with which some GPUs are faster.
///
/// # Errors
/// If the device fails.
pub fn write_noise(session: &mut dyn Session, plan: &Plan) -> Result<(), BackendError> {
    let mut random = Random::new(3);
    let noise: Vec<u32> = (0..1 << 20).map(|_| 0x3800_3800 | (random.bits() as u32 & 0x03FF_03FF)).collect();
    for buffer in 0..plan.buffers.len() {
        let tenants = (0..plan.slots.len()).filter(|&slot| plan.slots[slot].buffer == buffer);
        let Some(slot) = tenants.max_by_key(|&slot| plan.slots[slot].words) else { continue };
        let words = plan.slots[slot].words;
        let mut contents = noise.repeat(words.div_ceil(noise.len()));
        contents.truncate(words);
        session.write(SlotId(slot), bytemuck::cast_slice(&contents))?;
    }
    Ok(())
}

/// The numbers in a slot's bytes.
pub fn values(bytes: &[u8]) -> Vec<f32> {
    bytemuck::pod_collect_to_vec(bytes)
}

/// Checks that filters of this many layers reach the deepest convolution of a plan.
///
/// # Errors
/// If they do not.
pub(crate) fn check_filters(plan: &Plan, layers: usize) -> Result<(), BackendError> {
    let missing = plan.steps.iter().filter_map(Step::filters).find(|layer| layer.index() >= layers);
    missing.map_or(Ok(()), |layer| Err(BackendError::FiltersMissing(layer)))
}

/// Runs something once to warm up and then `repeats` times; `run` returns its seconds. Returns the median.
pub(crate) fn median_seconds<E>(repeats: usize, mut run: impl FnMut() -> Result<f64, E>) -> Result<f64, E> {
    run()?;
    let mut seconds = (0..repeats.max(1)).map(|_| run()).collect::<Result<Vec<f64>, E>>()?;
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}
