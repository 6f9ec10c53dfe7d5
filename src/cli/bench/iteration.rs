//! A whole iteration: how long it takes and what memory.

use super::{Subject, Way};
use crate::cli::CliError;
use impasto::{
    Device, Session,
    plan::{IterationState, Plan, Routine, SlotId, Tensor},
    random::Random,
    write_map,
};
use std::time::Instant;

/// At most so many iterations between two looks at the device, as when painting.
const MOST_IN_A_ROW: usize = 10;
/// Milliseconds that iterations in a row should take: long compared with a round trip to the device.
const ROW_MS: f64 = 100.0;

/// What was measured.
pub(super) struct Iteration {
    /// Median milliseconds.
    pub ms: f64,
    /// Fewest milliseconds.
    pub ms_min: f64,
    /// Milliseconds that the host spends on one, on a GPU.
    pub host_ms: Option<f64>,
    pub peak_bytes: u64,
}

pub(super) fn measure(subject: &Subject<'_>, way: &Way, repeats: usize) -> Result<Iteration, CliError> {
    let engine = subject.engine(way)?;
    let plan = &subject.plan(&engine)?;
    let mut session = engine.session(plan)?;
    fill(plan, session.as_mut())?;
    let state = plan.find(Tensor::State).expect("an iteration plan has a state");
    let mut ms_of = |iterations: usize| {
        let start = Instant::now();
        for _ in 0..iterations {
            session.run(Routine::Evaluate)?;
            session.run(Routine::Adam)?;
        }
        session.read(state)?;
        Ok::<f64, CliError>(start.elapsed().as_secs_f64() * 1e3 / iterations as f64)
    };
    // The first runs compile, and teach the session the device's speed.
    ms_of(2)?;
    let in_a_row = ((ROW_MS / ms_of(1)?) as usize).clamp(1, MOST_IN_A_ROW);
    let mut times = (0..repeats).map(|_| ms_of(in_a_row)).collect::<Result<Vec<f64>, CliError>>()?;
    times.sort_by(f64::total_cmp);
    let host = session.time_host(&[Routine::Evaluate, Routine::Adam], repeats)?;
    let host_ms = host.map(|seconds| seconds * 1e3);
    let peak_bytes = peak_bytes(subject.device, session.as_ref());
    Ok(Iteration { ms: times[times.len() / 2], ms_min: times[0], host_ms, peak_bytes })
}

/// On a GPU what the session holds there; on the CPU the process's largest resident size, where the system reports it.
fn peak_bytes(device: &Device, session: &dyn Session) -> u64 {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
    };
    match device {
        Device::Gpu(_) => session.bytes(),
        Device::Cpu(_) | Device::Reference => resident().unwrap_or_else(|| session.bytes()),
    }
}

/// A noisy picture, targets of plausible size, and small weights.
fn fill(plan: &Plan, session: &mut dyn Session) -> Result<(), CliError> {
    let mut random = Random::new(7);
    for (index, slot) in plan.slots.iter().enumerate() {
        let values = match slot.tensor {
            Tensor::Image | Tensor::Target(_) => random.uniform_values(slot.words, 0.0, 1.0),
            Tensor::Coefficients => vec![1e-6; slot.words],
            Tensor::InverseGradientScale => vec![1.0],
            Tensor::AdamRates => vec![0.02, 1e-8],
            Tensor::State => bytemuck::cast::<_, [f32; IterationState::WORDS]>(IterationState::INITIAL).to_vec(),
            _ => continue,
        };
        write_map(session, plan, SlotId(index), &values)?;
    }
    Ok(())
}
