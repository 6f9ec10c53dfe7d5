//! The measured peaks of a device: arithmetic in registers, and bytes copied. Kernels' rates are reported as fractions
//! of these.

use super::{
    Gpu,
    kernels::{
        ARITHMETIC_GROUP, ARITHMETIC_GROUP_FLOPS, COOPERATIVE_GROUP_BYTES, COOPERATIVE_GROUP_FLOPS, Dispatch,
        probe_arithmetic, probe_bandwidth, probe_cooperative,
    },
    launch::{LAUNCH_GROUPS, Launch, launches},
    timing::Stopwatch,
};
use crate::{BackendError, backend::median_seconds, plan::Precision, random::Random};
use std::sync::Arc;
use web_time::Instant;

/// The measured peaks of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// Operations per second in f32; a multiply-add counts two.
    pub flops: f64,
    /// Operations per second of cooperative matrices (f16 factors, f32 sums), where they exist and can be trusted.
    pub cooperative_flops: Option<f64>,
    /// Bytes read and bytes written per second by a copy between buffers that are larger than caches.
    pub bytes_per_second: f64,
}

/// Seconds that a timed run should take: long beside a submission, short beside the 2 s after which drivers step in.
const RUN: f64 = 0.02;
/// Runs, of which the median counts.
const REPEATS: usize = 7;
/// The most workgroups of the arithmetic probe: a hundred for each core of the largest GPUs, so that all end together.
const MOST_GROUPS: u64 = 16_384;
/// The most workgroups of the cooperative probe, each with 32 KiB of sums.
const MOST_COOPERATIVE_GROUPS: u64 = 2048;
/// The fewest rounds of a workgroup of the arithmetic probe, so that starting it costs little.
const LEAST_ROUNDS: u64 = 16;
/// The largest size of each of the bandwidth probe's two buffers, in MiB; together larger than any GPU's caches.
const MOST_MIB: u64 = 256;

/// Measures the peaks: some tenths of a second.
///
/// # Errors
/// If the device fails, or has no memory left.
pub fn probe(gpu: &Arc<Gpu>) -> Result<Probe, BackendError> {
    let trusted = gpu.trusted_abilities(Precision::F16).cooperative_matrices;
    Ok(Probe {
        flops: flops(gpu)?,
        cooperative_flops: trusted.then(|| cooperative_flops(gpu)).transpose()?,
        bytes_per_second: bytes_per_second(gpu)?,
    })
}

fn flops(gpu: &Gpu) -> Result<f64, BackendError> {
    // Work is counted in rounds of a workgroup.
    let run = |work: u64| -> Result<_, BackendError> {
        let groups = (work / LEAST_ROUNDS).clamp(1, MOST_GROUPS);
        let (count, rounds) = (ARITHMETIC_GROUP * groups as u32, work / groups);
        let sums = gpu.slot_buffer(16 * u64::from(count))?;
        // Numbers that neither leave the range of f32 nor become zero, with all their bits in use.
        let dispatch = probe_arithmetic(count, rounds as u32, 0.999, 1.0 / 3.0);
        Ok((Run::new(gpu, &dispatch, &[&sums], 1)?, groups * rounds * ARITHMETIC_GROUP_FLOPS))
    };
    let work = adapt(1 << 10, 1 << 32, |work| run(work)?.0.host_seconds())?;
    let (run, operations) = run(work)?;
    Ok(operations as f64 / run.median_seconds()?)
}

fn cooperative_flops(gpu: &Gpu) -> Result<f64, BackendError> {
    // Sums that stay far inside f32 for any number of rounds.
    let factors = Precision::F16.encode(&Random::new(2).uniform_values(16 * 128, 1e-3, 2e-3));
    let (left, right) = (gpu.slot_buffer(512)?, gpu.slot_buffer(factors.len() as u64)?);
    gpu.queue.write_buffer(&left, 0, &factors[..512]);
    gpu.queue.write_buffer(&right, 0, &factors);
    // As for the arithmetic probe.
    let run = |work: u64| -> Result<_, BackendError> {
        let groups = (work / LEAST_ROUNDS).clamp(1, MOST_COOPERATIVE_GROUPS);
        let rounds = work / groups;
        let sums = gpu.slot_buffer(groups * COOPERATIVE_GROUP_BYTES)?;
        let dispatch = probe_cooperative(groups as u32, gpu.abilities.cooperative_invocations(), rounds as u32);
        Ok((Run::new(gpu, &dispatch, &[&left, &right, &sums], 1)?, groups * rounds * COOPERATIVE_GROUP_FLOPS))
    };
    let work = adapt(1 << 10, 1 << 32, |work| run(work)?.0.host_seconds())?;
    let (run, operations) = run(work)?;
    Ok(operations as f64 / run.median_seconds()?)
}

fn bytes_per_second(gpu: &Gpu) -> Result<f64, BackendError> {
    let limit = gpu.largest_binding >> 20;
    let noise = Random::new(1).uniform_values(1 << 18, 0.0, 1.0);
    // Work is counted in MiB that are copied, several times where that is more than a buffer holds.
    let run = |work: u64| -> Result<_, BackendError> {
        let mib = work.min(MOST_MIB).min(limit);
        let (from, to) = (gpu.slot_buffer(mib << 20)?, gpu.slot_buffer(mib << 20)?);
        for block in 0..mib {
            gpu.queue.write_buffer(&from, block << 20, bytemuck::cast_slice(&noise));
        }
        let times = work / mib;
        let dispatch = probe_bandwidth((mib << 16) as u32);
        Ok((Run::new(gpu, &dispatch, &[&from, &to], times)?, 2 * times * (mib << 20)))
    };
    let work = adapt(8, 1 << 20, |work| run(work)?.0.host_seconds())?;
    let (run, bytes) = run(work)?;
    Ok(bytes as f64 / run.median_seconds()?)
}

/// The amount of work that takes about [`RUN`], from `first` up to `most`. It grows slowly, so that no run is ever long.
fn adapt<E>(first: u64, most: u64, mut seconds: impl FnMut(u64) -> Result<f64, E>) -> Result<u64, E> {
    let mut work = first;
    loop {
        let taken = seconds(work)?;
        if taken > RUN / 2.0 || work == most {
            return Ok(work);
        }
        work = ((work as f64 * (RUN / taken).clamp(2.0, 8.0)) as u64).min(most);
    }
}

/// A probe with everything bound, some times in a row.
struct Run<'a> {
    gpu: &'a Gpu,
    launches: Vec<Launch>,
    times: u64,
    /// Bytes of its buffers.
    held: u64,
}

impl<'a> Run<'a> {
    /// The buffers are bound from 1 on.
    fn new(gpu: &'a Gpu, dispatch: &Dispatch, buffers: &[&wgpu::Buffer], times: u64) -> Result<Run<'a>, BackendError> {
        let bound: Vec<(u32, wgpu::Buffer)> = (1..).zip(buffers.iter().copied().cloned()).collect();
        let launches = launches(gpu, dispatch, &bound, 0.0, LAUNCH_GROUPS)?;
        let held = buffers.iter().map(|buffer| buffer.size()).sum();
        Ok(Run { gpu, launches, times, held })
    }

    fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        for _ in 0..self.times {
            self.launches.iter().for_each(|launch| launch.record(pass));
        }
    }

    fn median_seconds(&self) -> Result<f64, BackendError> {
        let stopwatch = Stopwatch::new(self.gpu, self.held)?;
        median_seconds(REPEATS, || stopwatch.seconds(|pass| self.record(pass)))
    }

    /// By the host's clock, which no driver gets wrong; it serves to keep runs short.
    fn host_seconds(&self) -> Result<f64, BackendError> {
        let stopwatch = Stopwatch::new(self.gpu, self.held)?;
        // The first run also brings the buffers' contents to the device, and may compile.
        stopwatch.seconds(|pass| self.record(pass))?;
        let start = Instant::now();
        stopwatch.seconds(|pass| self.record(pass))?;
        Ok(start.elapsed().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{ShaderChecks, first_adapter, self_check::open_emulated};

    fn gpu() -> Arc<Gpu> {
        let adapter = first_adapter();
        Gpu::open(&adapter, ShaderChecks::Checked).unwrap()
    }

    fn slot(gpu: &Gpu, bytes: u64) -> wgpu::Buffer {
        gpu.slot_buffer(bytes).unwrap()
    }

    fn read(gpu: &Gpu, buffer: &wgpu::Buffer) -> Vec<u8> {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let readable = gpu.buffer("readable", buffer.size(), usage).unwrap();
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &readable, 0, buffer.size());
        gpu.queue.submit([encoder.finish()]);
        readable.map_async(wgpu::MapMode::Read, .., |_| {});
        gpu.finish(0).unwrap();
        readable.get_mapped_range(..).unwrap().to_vec()
    }

    const GUARD: u32 = 0xFFC0_5EED;

    /// The numbers stay whole and below 2^24, so that a multiply-add is exact, fused or not.
    #[test]
    fn the_arithmetic_probe_computes_its_formula() {
        let gpu = gpu();
        let count = 2 * ARITHMETIC_GROUP + 77;
        for (rounds, factor, addend) in [(0, 3.0, 1.0), (1, 3.0, -5.0), (2, -2.0, 7.0)] {
            let sums = slot(&gpu, 16 * u64::from(count + 3));
            let before = vec![GUARD; 4 * (count as usize + 3)];
            gpu.queue.write_buffer(&sums, 0, bytemuck::cast_slice(&before));
            let run = Run::new(&gpu, &probe_arithmetic(count, rounds, factor, addend), &[&sums], 1).unwrap();
            run.host_seconds().unwrap();
            let found: Vec<u32> = bytemuck::pod_collect_to_vec(&read(&gpu, &sums));
            let chain = |start: u32| (0..8 * rounds).fold(start as f32, |x, _| x * factor + addend);
            let sum = |i: u32, lane: u32| (0..8).map(|j| chain(lane + i % 16 + j)).sum::<f32>();
            let expected: Vec<u32> = (0..count)
                .flat_map(|i| (0..4).map(move |lane| (i, lane)))
                .map(|(i, lane)| sum(i, lane).to_bits())
                .collect();
            assert_eq!(found[..expected.len()], expected, "{rounds} rounds");
            assert_eq!(found[expected.len()..], [GUARD; 12]);
        }
    }

    #[test]
    fn the_cooperative_probe_computes_its_formula() {
        let gpu = open_emulated(|_, text| text);
        let factor = |row: usize, column: usize, seed: usize| ((row * 7 + column * 3 + seed) % 5) as f32 - 2.0;
        let left: Vec<f32> = (0..256).map(|i| factor(i / 16, i % 16, 1)).collect();
        let right: Vec<f32> = (0..16 * 128).map(|i| factor(i / 128, i % 128, 2)).collect();
        let (groups, rounds) = (3, 5);
        let buffers = [&left, &right].map(|values| {
            let bytes = Precision::F16.encode(values);
            let made = slot(&gpu, bytes.len() as u64);
            gpu.queue.write_buffer(&made, 0, &bytes);
            made
        });
        let sums = slot(&gpu, u64::from(groups) * COOPERATIVE_GROUP_BYTES);
        Run::new(&gpu, &probe_cooperative(groups, 128, rounds), &[&buffers[0], &buffers[1], &sums], 1)
            .unwrap()
            .host_seconds()
            .unwrap();
        let found: Vec<f32> = bytemuck::pod_collect_to_vec(&read(&gpu, &sums));
        for (index, &found) in found.iter().enumerate() {
            let (matrix, row, column) = (index / 256 % 8, index / 16 % 16, index % 16);
            let product: f32 = (0..16).map(|k| left[row * 16 + k] * right[k * 128 + matrix * 16 + column]).sum();
            assert_eq!(found, rounds as f32 * product, "{index}");
        }
    }

    #[test]
    fn the_bandwidth_probe_copies() {
        let gpu = gpu();
        for count in [1, 1023, 3 * 1024, 2 * 1024 + 769] {
            let words: Vec<u32> = (0..4 * (count + 5)).map(|word| word ^ 0x9E37_79B9).collect();
            let bytes = 4 * words.len() as u64;
            let (from, to) = (slot(&gpu, bytes), slot(&gpu, bytes));
            gpu.queue.write_buffer(&from, 0, bytemuck::cast_slice(&words));
            gpu.queue.write_buffer(&to, 0, bytemuck::cast_slice(&vec![GUARD; words.len()]));
            Run::new(&gpu, &probe_bandwidth(count), &[&from, &to], 1).unwrap().host_seconds().unwrap();
            let found: Vec<u32> = bytemuck::pod_collect_to_vec(&read(&gpu, &to));
            let copied = 4 * count as usize;
            assert_eq!(found[..copied], words[..copied]);
            assert_eq!(found[copied..][..20], [GUARD; 20]);
        }
    }

    #[test]
    fn work_grows_until_a_run_is_long_enough_and_no_run_is_too_long() {
        for rate in [1e2_f64, 1e4, 1e7, 1e9, 1e13] {
            let mut longest = 0.0_f64;
            let model = |work: u64| Ok::<f64, ()>(1e-4 + work as f64 / rate);
            let found = adapt(4, 1 << 32, |work| {
                longest = longest.max(model(work)?);
                model(work)
            });
            let taken = model(found.unwrap()).unwrap();
            assert!(taken > RUN / 2.0 || found == Ok(1 << 32), "{rate}: {taken} s");
            assert!(longest < 0.1, "{rate}: {longest} s");
        }
        // With a clock that stands still, the search ends at the maximum.
        assert_eq!(adapt(8, 1000, |_| Ok::<f64, ()>(0.0)), Ok(1000));
    }

    #[test]
    fn the_peaks_are_positive_numbers() {
        let Probe { flops, cooperative_flops, bytes_per_second } = probe(&gpu()).unwrap();
        assert_eq!(cooperative_flops, None, "llvmpipe has no tensor cores");
        assert!(flops > 0.0 && flops.is_finite() && bytes_per_second > 0.0 && bytes_per_second.is_finite());
    }
}
