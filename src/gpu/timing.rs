//! How long each step takes on a device, and how long the host takes to ask for an iteration.

use super::Session;
use crate::{BackendError, backend::median_seconds, plan::Routine};
use std::time::Instant;

/// Seconds of the host's time that an iteration takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostSeconds {
    /// To write the commands down.
    pub recording: f64,
    /// To hand them to the driver. Software drivers do the work itself in here.
    pub submitting: f64,
}

impl Session {
    /// Median over `repeats` of the host's time for one iteration, `routines` one after the other, that has a submission
    /// of its own. It is the most that an iteration costs the host: where several share a submission, they share the
    /// time for submitting, too. The device is idle at the start and is not waited for at the end.
    ///
    /// # Errors
    /// If the device fails.
    pub fn host_seconds(&mut self, routines: &[Routine], repeats: usize) -> Result<HostSeconds, BackendError> {
        let steps: Vec<usize> = routines.iter().flat_map(|&routine| self.plan().routine(routine)).collect();
        self.submit_pending();
        let once = |part: fn(HostSeconds) -> f64| {
            median_seconds(repeats, || {
                self.wait()?;
                let start = Instant::now();
                let device = &self.gpu().device;
                let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                steps.iter().for_each(|&step| self.record(&mut pass, step));
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

/// By the device's own clock where it has one, else by the host's, submission and waiting included.
pub(super) fn time_steps(session: &Session, repeats: usize) -> Result<Vec<f64>, BackendError> {
    let clock = DeviceClock::new(session.gpu());
    (0..session.plan().steps.len())
        .map(|step| {
            median_seconds(repeats, || match &clock {
                Some(clock) => clock.time(session, step),
                None => time_by_host(session, step),
            })
        })
        .collect()
}

fn time_by_host(session: &Session, step: usize) -> Result<f64, BackendError> {
    let mut encoder = session.gpu().device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    session.record(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()), step);
    session.wait()?;
    let start = Instant::now();
    session.gpu().queue.submit([encoder.finish()]);
    session.wait()?;
    Ok(start.elapsed().as_secs_f64())
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
    fn new(gpu: &super::Gpu) -> Option<DeviceClock> {
        if !gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let buffer = |usage| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: TIMESTAMPS,
                usage,
                mapped_at_creation: false,
            })
        };
        Some(DeviceClock {
            queries: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            readable: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
            seconds_per_tick: f64::from(gpu.queue.get_timestamp_period()) * 1e-9,
        })
    }

    fn time(&self, session: &Session, step: usize) -> Result<f64, BackendError> {
        let gpu = session.gpu();
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: None,
            timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                query_set: &self.queries,
                beginning_of_pass_write_index: Some(0),
                end_of_pass_write_index: Some(1),
            }),
        });
        session.record(&mut pass, step);
        drop(pass);
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.readable, 0, TIMESTAMPS);
        gpu.queue.submit([encoder.finish()]);
        self.readable.map_async(wgpu::MapMode::Read, .., |_| {});
        session.wait()?;
        let ticks: Vec<u64> = match self.readable.get_mapped_range(..) {
            Ok(view) => bytemuck::pod_collect_to_vec(&view),
            Err(error) => return Err(BackendError::Refused { device: gpu.name.clone(), reason: error.to_string() }),
        };
        self.readable.unmap();
        Ok(ticks[1].saturating_sub(ticks[0]) as f64 * self.seconds_per_tick)
    }
}
