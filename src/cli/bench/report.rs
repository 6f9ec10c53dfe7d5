//! What `impasto bench` reports, as JSON or as a table.

use crate::cli::CliError;
use impasto::{
    gpu::{Probe, Variant},
    plan::Cost,
};
use serde::Serialize;
use std::io::Write;

/// The JSON object; scripts read its keys.
#[derive(Serialize)]
pub(super) struct Report {
    pub device: String,
    /// The driver's name and version; GPUs only.
    pub driver: Option<String>,
    pub size: String,
    /// Of the iteration.
    pub precision: &'static str,
    /// The variants asked for.
    pub variant: Option<String>,
    pub iteration_ms: f64,
    pub iteration_ms_min: f64,
    /// Time that the host spends on one iteration submitted alone, on a GPU.
    pub host_ms: Option<f64>,
    pub peak_bytes: u64,
    /// On GPUs, unless kernels were left out.
    pub measured_peak: Option<MeasuredPeak>,
    pub kernels: Vec<Kernel>,
}

/// The device's measured peaks.
#[derive(Clone, Copy, Serialize)]
pub(super) struct MeasuredPeak {
    /// In f32.
    gflops: f64,
    /// Of tensor cores, where they are used.
    cooperative_gflops: Option<f64>,
    gbytes: f64,
}

impl From<Probe> for MeasuredPeak {
    fn from(probe: Probe) -> MeasuredPeak {
        MeasuredPeak {
            gflops: probe.flops * 1e-9,
            cooperative_gflops: probe.cooperative_flops.map(|flops| flops * 1e-9),
            gbytes: probe.bytes_per_second * 1e-9,
        }
    }
}

impl MeasuredPeak {
    /// GFLOP/s of the units that a variant computes with.
    fn of(self, variant: Option<&str>) -> f64 {
        let cooperative = self.cooperative_gflops.filter(|_| variant == Some(Variant::Cooperative.name()));
        cooperative.unwrap_or(self.gflops)
    }
}

/// Steps of an iteration that do the same work, computed in one way.
#[derive(Clone, Serialize)]
#[serde(into = "KernelFigures")]
pub(super) struct Kernel {
    pub operation: &'static str,
    pub layer: String,
    pub precision: &'static str,
    /// Present where there are several, and for two steps in one kernel.
    pub variant: Option<&'static str>,
    /// Whether the iteration does it this way.
    pub chosen: bool,
    /// How many steps.
    pub steps: usize,
    /// Of all the steps together.
    pub seconds: f64,
    pub cost: Cost,
    pub peak: Option<MeasuredPeak>,
}

/// A [`Kernel`] as JSON.
#[derive(Serialize)]
struct KernelFigures {
    operation: &'static str,
    layer: String,
    precision: &'static str,
    variant: Option<&'static str>,
    chosen: bool,
    steps: usize,
    ms: f64,
    gflops: f64,
    gbytes: f64,
    /// `gflops` over the measured peak's: of tensor cores for the cooperative variant, else in f32.
    arithmetic_fraction: Option<f64>,
    /// `gbytes` over the measured peak's.
    bandwidth_fraction: Option<f64>,
}

impl Kernel {
    /// Whether both belong in one row.
    pub fn is_like(&self, other: &Kernel) -> bool {
        let name = |kernel: &Kernel| (kernel.operation, kernel.precision, kernel.variant, kernel.chosen);
        name(self) == name(other) && self.layer == other.layer
    }

    /// Adds another's steps.
    pub fn add(&mut self, other: &Kernel) {
        self.steps += other.steps;
        self.seconds += other.seconds;
        self.cost = self.cost + other.cost;
    }
}

impl From<Kernel> for KernelFigures {
    fn from(kernel: Kernel) -> KernelFigures {
        // A clock too coarse for a short kernel reports zero.
        let seconds = kernel.seconds.max(1e-9);
        let [gflops, gbytes] = [kernel.cost.flops, kernel.cost.bytes].map(|count| count as f64 / seconds * 1e-9);
        KernelFigures {
            operation: kernel.operation,
            layer: kernel.layer,
            precision: kernel.precision,
            variant: kernel.variant,
            chosen: kernel.chosen,
            steps: kernel.steps,
            ms: seconds * 1e3,
            gflops,
            gbytes,
            arithmetic_fraction: kernel.peak.map(|peak| gflops / peak.of(kernel.variant)),
            bandwidth_fraction: kernel.peak.map(|peak| gbytes / peak.gbytes),
        }
    }
}

impl Report {
    /// The table.
    pub fn print(&self, answer: &mut dyn Write) -> Result<(), CliError> {
        writeln!(answer, "{} at {}", self.device, self.size)?;
        if let Some(driver) = &self.driver {
            writeln!(answer, "driver: {driver}")?;
        }
        if let Some(MeasuredPeak { gflops, cooperative_gflops, gbytes }) = self.measured_peak {
            let cooperative = cooperative_gflops.map(|gflops| format!("{gflops:.0} on tensor cores, "));
            let cooperative = cooperative.unwrap_or_default();
            writeln!(answer, "measured peak: {gflops:.0} GFLOP/s in f32, {cooperative}{gbytes:.1} GB/s")?;
        }
        if !self.kernels.is_empty() {
            let heads = ["ms", "GFLOP/s", "of peak", "GB/s", "of peak"];
            let [ms, flops, of_flops, bytes, of_bytes] = heads;
            let (kernel, layer, way) = ("kernel", "layer", "way");
            writeln!(
                answer,
                "{kernel:<22} {layer:<20} {way:<17} {ms:>9} {flops:>9} {of_flops:>8} {bytes:>8} {of_bytes:>8}"
            )?;
        }
        for kernel in &self.kernels {
            KernelFigures::from(kernel.clone()).print(answer)?;
        }
        writeln!(answer, "iteration: {:.2} ms median, {:.2} ms fastest", self.iteration_ms, self.iteration_ms_min)?;
        if let Some(ms) = self.host_ms {
            writeln!(answer, "host: {ms:.3} ms of its time, {:.1} % of the iteration", 100.0 * ms / self.iteration_ms)?;
        }
        writeln!(answer, "peak: {:.0} MiB", self.peak_bytes as f64 / f64::from(1 << 20))?;
        Ok(())
    }
}

impl KernelFigures {
    fn print(&self, answer: &mut dyn Write) -> Result<(), CliError> {
        let arithmetic = self.gflops > 0.0;
        let percent = |fraction: Option<f64>| fraction.map(|fraction| format!("{:.1} %", 100.0 * fraction));
        let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        let mark = if self.chosen { "*" } else { "" };
        writeln!(
            answer,
            "{:<22} {:<20} {:<17} {:>9.3} {:>9} {:>8} {:>8.1} {:>8}",
            self.operation,
            self.layer,
            format!("{} {}{mark}", self.precision, self.variant.unwrap_or_default()).replace(" *", "*"),
            self.ms,
            or_dash(arithmetic.then(|| format!("{:.1}", self.gflops))),
            or_dash(percent(self.arithmetic_fraction).filter(|_| arithmetic)),
            self.gbytes,
            or_dash(percent(self.bandwidth_fraction)),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(layer: &str, flops: u64, seconds: f64) -> Kernel {
        Kernel {
            operation: "conv3x3",
            layer: layer.to_owned(),
            precision: "f32",
            variant: Some("plain"),
            chosen: true,
            steps: 1,
            seconds,
            cost: Cost { flops, bytes: 1_000_000_000 },
            peak: Some(MeasuredPeak { gflops: 40.0, cooperative_gflops: Some(400.0), gbytes: 4.0 }),
        }
    }

    #[test]
    fn bands_of_one_layer_are_added_up_and_compared_with_the_peaks() {
        let mut kernel = band("conv1_2", 20_000_000_000, 1.5);
        let other = band("conv1_2", 4_000_000_000, 0.5);
        assert!(kernel.is_like(&other) && !kernel.is_like(&band("conv2_1", 1, 1.0)));
        kernel.add(&other);
        let figures = KernelFigures::from(kernel);
        assert_eq!((figures.steps, figures.ms, figures.gflops, figures.gbytes), (2, 2000.0, 12.0, 1.0));
        assert_eq!((figures.arithmetic_fraction, figures.bandwidth_fraction), (Some(0.3), Some(0.25)));
        let cooperative = Kernel { variant: Some("cooperative"), ..band("conv1_2", 80_000_000_000, 1.0) };
        assert_eq!(KernelFigures::from(cooperative).arithmetic_fraction, Some(0.2));
    }
}
