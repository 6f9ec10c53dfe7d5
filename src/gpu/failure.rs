//! What went wrong on a device since it was opened. wgpu reports it through callbacks, which record it here.

use crate::BackendError;
use std::sync::{Arc, Mutex, PoisonError};

/// What wgpu says where a command meets a device that is lost.
const LOST: &str = "device is lost";

#[derive(Clone, Debug)]
enum Failure {
    Lost(String),
    OutOfMemory,
    Refused(String),
}

/// The first failure of a device, if there was one.
#[derive(Clone, Debug, Default)]
pub(super) struct FailureLog(Arc<Mutex<Option<Failure>>>);

impl FailureLog {
    /// Registers the callbacks.
    pub fn watch(device: &wgpu::Device) -> FailureLog {
        let log = FailureLog::default();
        let lost = log.clone();
        device.set_device_lost_callback(move |reason, message| {
            lost.record(Failure::Lost(match reason {
                wgpu::DeviceLostReason::Destroyed => "it was given up".to_owned(),
                wgpu::DeviceLostReason::Unknown => one_line(&message),
            }));
        });
        let errors = log.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            errors.record(match error {
                wgpu::Error::OutOfMemory { .. } => Failure::OutOfMemory,
                // Some drivers lose a device without saying so by the callback.
                other if other.to_string().contains(LOST) => Failure::Lost(one_line(&other.to_string())),
                other => Failure::Refused(one_line(&other.to_string())),
            });
        }));
        log
    }

    fn record(&self, failure: Failure) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A lost device also fails everything that follows: it is the cause worth reporting.
        if first.is_none() || matches!(failure, Failure::Lost(_)) {
            *first = Some(failure);
        }
    }

    /// Ok as long as nothing failed. `needed` is what the session holds, in bytes. A lack of memory is reported once
    /// and then forgotten: the caller decides what to do, and the device can still do something smaller.
    pub fn check(&self, device: &str, needed: u64) -> Result<(), BackendError> {
        let device = device.to_owned();
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match first.clone() {
            None => Ok(()),
            Some(Failure::Lost(reason)) => Err(BackendError::DeviceLost { device, reason }),
            Some(Failure::OutOfMemory) => {
                *first = None;
                Err(BackendError::OutOfMemory { device, needed: needed >> 20 })
            }
            Some(Failure::Refused(reason)) => Err(BackendError::Refused { device, reason }),
        }
    }

    /// Forgets what was refused, so that something else may be tried on the same device.
    pub fn forgive_all_but_loss(&self) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*first, Some(Failure::Lost(_))) {
            *first = None;
        }
    }
}

/// Without line breaks.
pub(super) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use crate::{
        BackendError, Device, Engine,
        gpu::{Gpu, ShaderChecks, first_adapter},
        picture::Picture,
        plan::Size,
        style::{Event, Inputs, Method, Reason, Recipe, WeightedLayer, stylize},
        weights::generated,
    };
    use std::sync::Arc;

    fn weighted(name: &str) -> Vec<WeightedLayer> {
        vec![WeightedLayer { layer: name.parse().unwrap(), weight: 1.0 }]
    }

    #[test]
    fn a_device_that_is_lost_in_the_middle_leaves_a_picture_and_a_sentence() {
        let adapter = first_adapter();
        let size = Size { width: 37, height: 29 };
        let inputs = Inputs::new(Picture::noise(size, 1), Picture::noise(size, 2));
        for method in [Method::Adam, Method::Lbfgs] {
            let gpu = Gpu::open(&adapter, ShaderChecks::default()).unwrap();
            let filters = Arc::new(generated(3, "relu2_1".parse().unwrap()));
            let engine = Engine::new(&Device::Gpu(gpu.clone()), filters).unwrap();
            let recipe = Recipe {
                content_layers: weighted("relu2_1"),
                style_layers: weighted("relu1_1"),
                size: 37,
                min_scale: 37,
                first_iterations: 200,
                method,
                ..Recipe::default()
            };
            let mut last = 0;
            let error = stylize(&engine, &inputs, &recipe, None, &mut |event| {
                if let Event::Iteration { iteration, .. } = event {
                    last = iteration;
                    if iteration == 8 {
                        gpu.lose();
                    }
                }
            })
            .unwrap_err();
            assert!(matches!(error.reason, Reason::Backend(BackendError::DeviceLost { .. })), "{method:?}: {error}");
            assert!(error.to_string().contains("stopped working"), "{error}");
            assert!((8..200).contains(&last), "{last} iterations were reported");
            let kept = error.so_far.unwrap();
            assert_eq!(kept.size(), size);
            assert!(kept.pixels().iter().all(|value| value.is_finite()) && kept.pixels() != inputs.content.pixels());
        }
    }

    #[test]
    fn a_device_that_is_lost_while_others_paint_with_it_is_an_event_and_nothing_else() {
        let filters = Arc::new(generated(3, "relu2_1".parse().unwrap()));
        let inputs = Inputs::new(
            Picture::noise(Size { width: 57, height: 43 }, 1),
            Picture::noise(Size { width: 37, height: 29 }, 2),
        );
        let recipe = Recipe {
            content_layers: weighted("relu2_1"),
            style_layers: weighted("relu1_1"),
            size: 57,
            min_scale: 40,
            first_iterations: 9,
            iterations: 4,
            method: Method::Adam,
            margin: 0,
            ..Recipe::default()
        };
        let paint = |lost_at: u32| {
            let gpu = Gpu::open(&first_adapter(), ShaderChecks::default()).unwrap();
            let devices = [Device::Gpu(gpu.clone()), Device::Cpu(None)];
            let engine = |device: &Device| Engine::new(device, filters.clone()).unwrap();
            let engine = Engine::together(devices.iter().map(engine).collect());
            let mut lost = Vec::new();
            let picture = stylize(&engine, &inputs, &recipe, None, &mut |event| match event {
                Event::Iteration { iteration, .. } if iteration == lost_at => gpu.lose(),
                Event::DeviceLost(device) => lost.push(device),
                _ => {}
            });
            (picture.unwrap(), lost)
        };
        let (expected, none) = paint(u32::MAX);
        assert_eq!(none, []);
        let (found, lost) = paint(5);
        assert!(
            lost.len() == 1 && lost[0].left == ["CPU"] && lost[0].reason.starts_with("stopped working"),
            "{lost:?}"
        );
        let apart = found.pixels().iter().zip(expected.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 0.1 / 255.0, "{apart}");
    }
}
