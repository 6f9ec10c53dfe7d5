//! How fast devices are compared with each other: what they are dealt of a picture that they paint together.

use crate::{
    BackendError, Device, Engine,
    hexadecimal::hexadecimal,
    plan::{Border, Network, Optimizer, Pooling, Precision, Routine, Size, Tensor, Term, Window, iteration},
    replace_file::replace_file,
    vgg19::Layer,
    weights::{Normalisation, generated},
};
use sha2::{Digest, Sha256};
use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// What is timed.
const PICTURE: Size = Size { width: 256, height: 256 };
/// The least of so many runs counts, after one that is not timed.
const RUNS: usize = 3;
/// Speeds are rounded to so many steps between one and its double, so that a device that is timed again has the same.
const STEPS: f64 = 4.0;

/// The speed of each device, in any unit that they share. Each is timed once, on the same small piece of work, rounded
/// coarsely, and what was found is kept in the directory `cache`, so that the same devices deal in the same way again.
///
/// # Errors
/// If a device fails.
pub fn measured_speeds(devices: &[Device], cache: Option<&Path>) -> Result<Vec<f64>, BackendError> {
    devices.iter().map(|device| Ok(2_f64.powf(f64::from(steps(device, cache)?) / STEPS))).collect()
}

/// The speed of a device in steps.
fn steps(device: &Device, cache: Option<&Path>) -> Result<i32, BackendError> {
    let file = cache.map(|cache| file(device, cache));
    let kept = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok());
    // Far beyond any device: the file is damaged.
    if let Some(steps) = kept.filter(|steps: &i32| steps.abs() < 200) {
        return Ok(steps);
    }
    let steps = (STEPS * (1.0 / seconds(device)?).log2()).round() as i32;
    if let Some(file) = file {
        // It is timed again where it cannot be kept.
        let _ = keep(&file, steps);
    }
    Ok(steps)
}

fn keep(file: &Path, steps: i32) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    replace_file(file, |file| writeln!(file, "{steps}"))
}

/// Where the speed of a device with its driver, or of the processor with its threads, is kept.
fn file(device: &Device, cache: &Path) -> PathBuf {
    let (name, detail) = match device {
        Device::Gpu(gpu) => (gpu.name.as_str(), format!("{} {:?}", gpu.api(), gpu.driver())),
        Device::Cpu(threads) => ("cpu", format!("{} {threads:?}", std::env::consts::ARCH)),
        Device::Reference => ("reference", String::new()),
    };
    let identity = [env!("CARGO_PKG_VERSION"), name, &detail].join("\n");
    cache.join("speeds").join(hexadecimal(&Sha256::digest(identity)[..8]))
}

/// How long an evaluation of a small picture takes.
fn seconds(device: &Device) -> Result<f64, BackendError> {
    let layer: Layer = "relu3_1".parse().expect("VGG19 has this layer");
    let engine = Engine::new(device, Arc::new(generated(1, layer)))?;
    let network = Network {
        window: Window::whole(PICTURE),
        border: Border::Replicate,
        pooling: Pooling::Max,
        normalisation: Normalisation::IMAGENET,
        storage: engine.storage(Precision::F32, PICTURE),
    };
    let plan = iteration(&network, &[Term::gram(layer, 0), Term::TotalVariation], Optimizer::default())
        .expect("the picture is large enough for the layer");
    let mut session = engine.session(&plan)?;
    let read = plan.find(Tensor::LossValues).expect("every iteration has losses");
    let mut least = f64::INFINITY;
    for run in 0..=RUNS {
        let start = Instant::now();
        session.run(Routine::Evaluate)?;
        // It may only be queued until then.
        session.read(read)?;
        if run > 0 {
            least = least.min(start.elapsed().as_secs_f64());
        }
    }
    Ok(least.max(f64::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_speed_is_kept_and_what_is_damaged_is_timed_again() {
        let cache = tempfile::tempdir().unwrap();
        let device = Device::Cpu(None);
        let file = file(&device, cache.path());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "8\n").unwrap();
        let measure = || measured_speeds(std::slice::from_ref(&device), Some(cache.path())).unwrap();
        assert_eq!(measure(), [4.0]);
        for damaged in ["", "eight", "4000", "1e9"] {
            std::fs::write(&file, damaged).unwrap();
            let first = measure();
            assert!(first[0] > 0.0 && first[0].is_finite());
            assert_eq!(measure(), first);
        }
        let threads = Device::Cpu(std::num::NonZeroUsize::new(3));
        assert_ne!(super::file(&threads, cache.path()), file);
    }
}
