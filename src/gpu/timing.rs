//! How long a device takes for a step or anything else that is recorded, and how long the host takes to issue an
//! iteration.

use super::{Gpu, Session};
use crate::{BackendError, backend::median_seconds, plan::Routine};
use web_time::Instant;

/// Seconds of the host's time that an iteration takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostSeconds {
    /// To record the commands.
    pub recording: f64,
    /// To hand them to the driver. Software drivers do the work itself in here.
    pub submitting: f64,
}

impl Session {
    /// Median over `repeats` of the host's time for one iteration, which is `routines` one after the other, in a
    /// submission of its own. It is the most that an iteration costs the host: iterations that share a submission also
    /// share the time for submitting. The device is idle at the start and is not waited for at the end.
    ///
    /// # Errors
    /// If the device fails.
    pub fn host_seconds(&mut self, routines: &[Routine], repeats: usize) -> Result<HostSeconds, BackendError> {
        let steps: Vec<usize> = routines.iter().flat_map(|&routine| self.plan().routine(routine)).collect();
        self.submit_pending();
        let once = |part: fn(HostSeconds) -> f64| {
            median_seconds(repeats, || {
                self.finish()?;
                let start = Instant::now();
                let device = &self.gpu().device;
                let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                steps.iter().flat_map(|&step| self.launches(step)).for_each(|launch| launch.record(&mut pass));
                drop(pass);
                let commands = encoder.finish();
                let recording = start.elapsed().as_secs_f64();
                self.gpu().queue.submit([commands]);
                let submitting = start.elapsed().as_secs_f64() - recording;
                Ok(part(HostSeconds { recording, submitting }))
            })
        };
        Ok(HostSeconds { recording: once(|of| of.recording)?, submitting: once(|of| of.submitting)? })
    }
}

/// Launches that are submitted together: a step of a large picture takes a slow device longer than drivers allow for one
/// submission.
const LAUNCHES_AT_ONCE: usize = 4;

/// Median seconds of each step of a session's plan.
pub(super) fn time_steps(session: &Session, repeats: usize) -> Result<Vec<f64>, BackendError> {
    let stopwatch = Stopwatch::new(session.gpu(), crate::Session::bytes(session))?;
    let time = |step: usize| {
        let parts = session.launches(step).chunks(LAUNCHES_AT_ONCE);
        parts.map(|part| stopwatch.seconds(|pass| part.iter().for_each(|launch| launch.record(pass)))).sum()
    };
    (0..session.plan().steps.len()).map(|step| median_seconds(repeats, || time(step))).collect()
}

/// Times work on a device: by the device's own clock where it has one, else by the host's, submission and waiting
/// included.
pub(super) struct Stopwatch<'a> {
    gpu: &'a Gpu,
    /// Bytes that the timed session holds on the device, for the message if memory runs out.
    held: u64,
    clock: Option<DeviceClock>,
}

impl<'a> Stopwatch<'a> {
    pub fn new(gpu: &'a Gpu, held: u64) -> Result<Stopwatch<'a>, BackendError> {
        Ok(Stopwatch { gpu, held, clock: DeviceClock::new(gpu)? })
    }

    /// Runs what `record` records, once, and returns how long it took.
    pub fn seconds(&self, record: impl FnOnce(&mut wgpu::ComputePass<'_>)) -> Result<f64, BackendError> {
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        record(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: None,
            timestamp_writes: self.clock.as_ref().map(DeviceClock::around_a_pass),
        }));
        if let Some(clock) = &self.clock {
            clock.resolve(&mut encoder);
        }
        self.gpu.finish(self.held)?;
        let start = Instant::now();
        self.gpu.queue.submit([encoder.finish()]);
        match &self.clock {
            Some(clock) => {
                clock.readable.map_async(wgpu::MapMode::Read, .., |_| {});
                self.gpu.finish(self.held)?;
                clock.seconds().map_err(|error| self.refused(&error.to_string()))
            }
            None => {
                self.gpu.finish(self.held)?;
                Ok(start.elapsed().as_secs_f64())
            }
        }
    }

    fn refused(&self, reason: &str) -> BackendError {
        BackendError::Refused { device: self.gpu.name.clone(), reason: reason.to_owned() }
    }
}

/// Two timestamps around a pass.
struct DeviceClock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    readable: wgpu::Buffer,
    seconds_per_tick: f64,
}

const TIMESTAMPS: u64 = 2 * wgpu::QUERY_SIZE as u64;

impl DeviceClock {
    fn new(gpu: &Gpu) -> Result<Option<DeviceClock>, BackendError> {
        if !gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        let buffer = |usage| gpu.buffer("timestamps", TIMESTAMPS, usage);
        Ok(Some(DeviceClock {
            queries: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC)?,
            readable: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)?,
            seconds_per_tick: f64::from(gpu.queue.get_timestamp_period()) * 1e-9,
        }))
    }

    fn around_a_pass(&self) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    /// Copies the timestamps to where the host reads them.
    fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.readable, 0, TIMESTAMPS);
    }

    /// Between the two timestamps, once they have been mapped.
    fn seconds(&self) -> Result<f64, wgpu::MapRangeError> {
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&self.readable.get_mapped_range(..)?);
        self.readable.unmap();
        Ok(ticks[1].saturating_sub(ticks[0]) as f64 * self.seconds_per_tick)
    }
}
