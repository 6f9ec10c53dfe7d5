//! The GPU session as a whole: the same bits each time, requests answered in order, refusals in words, and a picture
//! that a loss of NaN cannot spoil.

use crate::common::{self, adapter, gpu, network, weighted};
use impasto::{
    BackendError, Device, Engine, Session as _,
    gpu::{DeviceFilters, ForcedVariants, Gpu, Session, ShaderChecks, adapters},
    picture::Picture,
    plan::{Optimizer, Plan, Representation, Routine, Size, Slot, Tensor, Term, features, iteration},
    random::Random,
    read_values,
    style::{Inputs, Recipe, stylize},
    weights::{Filters, generated},
    write_values,
};
use std::sync::Arc;

const SIZE: Size = Size { width: 37, height: 29 };

fn plan() -> Plan {
    let terms = common::terms(&["relu2_2"], &["relu1_1", "relu2_1", "relu3_1"]);
    iteration(&network(SIZE), &terms, Optimizer::default()).unwrap()
}

fn filters() -> Arc<Filters> {
    Arc::new(generated(5, "relu3_1".parse().unwrap()))
}

/// A session with a noisy picture and targets in place.
fn session(gpu: &Arc<Gpu>, plan: &Plan, coefficient: f32) -> Session {
    let filters = DeviceFilters::new(&filters());
    let mut session = Session::new(gpu, plan.clone(), &filters, &ForcedVariants::NONE).unwrap();
    let mut random = Random::new(11);
    for (index, slot) in plan.slots.iter().enumerate() {
        let values = match slot.tensor {
            Tensor::Image | Tensor::Target(Term::Style(_)) => random.uniform_values(slot.words, 0.0, 1.0),
            Tensor::Coefficients => vec![coefficient; slot.words],
            Tensor::InverseGradientScale => vec![1.0],
            Tensor::State => vec![0.0, 0.0, 1.0, 1.0, 1.0],
            Tensor::AdamRates => vec![0.02, 1e-8],
            _ => continue,
        };
        write_values(&mut session, impasto::plan::SlotId(index), &values).unwrap();
    }
    session
}

fn read(session: &mut Session, plan: &Plan, tensor: Tensor) -> Vec<f32> {
    read_values(session, plan.find(tensor).unwrap()).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn the_same_inputs_give_the_same_bits() {
    let (gpu, plan) = (gpu(), plan());
    let run = || {
        let mut session = session(&gpu, &plan, 1e-4);
        for _ in 0..3 {
            session.run(Routine::Evaluate).unwrap();
            session.run(Routine::Adam).unwrap();
        }
        let image = read(&mut session, &plan, Tensor::Image);
        (bits(&image), bits(&read(&mut session, &plan, Tensor::LossValues)))
    };
    let (first, second) = (run(), run());
    assert!(first.0.iter().any(|&bits| bits != first.0[0]), "the picture is flat");
    assert!(first == second);
}

#[test]
fn requests_arrive_in_order_and_show_their_own_moment() {
    let (gpu, plan) = (gpu(), plan());
    let mut session = session(&gpu, &plan, 1e-4);
    let image = plan.find(Tensor::Image).unwrap();
    assert!(session.receive(true).unwrap().is_none());
    let before = session.read(image).unwrap();
    session.request(image).unwrap();
    session.run(Routine::Evaluate).unwrap();
    session.run(Routine::Adam).unwrap();
    session.request(image).unwrap();
    let after = session.read(image).unwrap();
    assert_ne!(before, after);
    assert_eq!(session.receive(true).unwrap().unwrap(), before);
    assert_eq!(session.receive(true).unwrap().unwrap(), after);
    assert!(session.receive(false).unwrap().is_none());
}

#[test]
fn what_is_written_later_does_not_reach_what_was_asked_for_before() {
    let (gpu, plan) = (gpu(), plan());
    let mut session = session(&gpu, &plan, 1e-4);
    let image = plan.find(Tensor::Image).unwrap();
    for _ in 0..3 {
        session.run(Routine::Evaluate).unwrap();
    }
    let expected = read(&mut session, &plan, Tensor::LossValues);
    session.run(Routine::Evaluate).unwrap();
    write_values(&mut session, image, &vec![0.25; plan.slot(image).words]).unwrap();
    assert_eq!(bits(&read(&mut session, &plan, Tensor::LossValues)), bits(&expected));
    session.run(Routine::Evaluate).unwrap();
    assert_ne!(bits(&read(&mut session, &plan, Tensor::LossValues)), bits(&expected));
}

#[test]
fn iterations_in_one_submission_do_what_single_ones_do() {
    let (gpu, plan) = (gpu(), plan());
    let run = |alone: bool| {
        let mut session = session(&gpu, &plan, 1e-4);
        for _ in 0..9 {
            session.run(Routine::Evaluate).unwrap();
            session.run(Routine::Adam).unwrap();
            if alone {
                read(&mut session, &plan, Tensor::State);
            }
        }
        (bits(&read(&mut session, &plan, Tensor::Average)), bits(&read(&mut session, &plan, Tensor::LossRing)))
    };
    assert!(run(true) == run(false));
}

#[test]
fn the_hosts_part_of_an_iteration_is_timed() {
    let (gpu, plan) = (gpu(), plan());
    let mut session = session(&gpu, &plan, 1e-4);
    let host = session.host_seconds(&[Routine::Evaluate, Routine::Adam], 3).unwrap();
    assert!([host.recording, host.submitting].iter().all(|seconds| *seconds > 0.0 && *seconds < 60.0), "{host:?}");
}

#[test]
fn the_ring_holds_every_evaluation_with_its_number() {
    let (gpu, plan) = (gpu(), plan());
    let mut session = session(&gpu, &plan, 1e-4);
    let mut values = Vec::new();
    for _ in 0..3 {
        session.run(Routine::Evaluate).unwrap();
        values.push(read(&mut session, &plan, Tensor::LossValues));
        session.run(Routine::Adam).unwrap();
    }
    let ring = read(&mut session, &plan, Tensor::LossRing);
    for (index, expected) in values.iter().enumerate() {
        let row = &ring[index * (expected.len() + 1)..][..expected.len() + 1];
        assert_eq!(row[0].to_bits(), index as u32 + 1);
        assert_eq!(bits(&row[1..]), bits(expected));
    }
    assert_ne!(values[0], values[2]);
}

#[test]
fn a_loss_that_is_no_number_stops_the_picture() {
    let (gpu, plan) = (gpu(), plan());
    let mut session = session(&gpu, &plan, 1e-4);
    session.run(Routine::Evaluate).unwrap();
    session.run(Routine::Adam).unwrap();
    let (image, average) = (Tensor::Image, Tensor::Average);
    let good = (read(&mut session, &plan, image), read(&mut session, &plan, average));
    for broken in [f32::NAN, f32::INFINITY] {
        let words = plan.slot(plan.find(Tensor::Coefficients).unwrap()).words;
        write_values(&mut session, plan.find(Tensor::Coefficients).unwrap(), &vec![broken; words]).unwrap();
        session.run(Routine::Evaluate).unwrap();
        session.run(Routine::Adam).unwrap();
        assert!(!read(&mut session, &plan, Tensor::LossValues)[0].is_finite());
        assert_eq!(bits(&read(&mut session, &plan, image)), bits(&good.0));
        assert_eq!(bits(&read(&mut session, &plan, average)), bits(&good.1));
    }
}

#[test]
fn what_a_device_cannot_bind_is_refused_with_numbers() {
    let gpu = gpu();
    let limit = gpu.largest_binding;
    // relu1_1 takes 256 bytes a pixel.
    let side = ((limit / 256) as f64).sqrt() as u32 + 8;
    let wanted = [Representation::Features("relu1_1".parse().unwrap())];
    let plan = features(&network(Size { width: side, height: side }), &wanted).unwrap();
    let filters = DeviceFilters::new(&filters());
    let error = Session::new(&gpu, plan, &filters, &ForcedVariants::NONE).err().unwrap();
    assert!(matches!(error, BackendError::TensorTooLarge { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&format!("at most {} MiB", limit >> 20)) && text.contains("relu1_1"), "{text}");
}

/// A plan without steps whose slots take the given number of bytes each.
fn arrays(count: usize, bytes: u64) -> Plan {
    let words = (bytes / 4) as usize;
    let slot = |buffer| Slot { tensor: Tensor::Image, words, buffer, persistent: true, per_band: false };
    Plan {
        slots: (0..count).map(slot).collect(),
        buffers: vec![words; count],
        steps: Vec::new(),
        routines: Vec::new(),
        ..plan()
    }
}

fn is_out_of_memory<T>(result: &Result<T, BackendError>) -> bool {
    matches!(result, Err(BackendError::OutOfMemory { .. }))
}

/// The name that the test has in its program.
#[cfg(target_os = "linux")]
const LITTLE_MEMORY: &str = "gpu_session::where_memory_ran_out_something_smaller_still_works";

/// Runs in a process of its own with a small address space.
#[test]
#[cfg(target_os = "linux")]
fn where_memory_ran_out_something_smaller_still_works() {
    const CHILD: &str = "IMPASTO_TEST_LITTLE_MEMORY";
    if std::env::var_os(CHILD).is_none() {
        let program = std::env::current_exe().unwrap();
        let mut command = std::process::Command::new("sh");
        // 6 GiB, in KiB.
        command.args(["-c", "ulimit -v 6291456 && exec \"$@\"", "sh"]).arg(program);
        let output = command.args(["--exact", LITTLE_MEMORY, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let gpu = gpu();
    let paint = || {
        let plan = plan();
        let mut session = session(&gpu, &plan, 1e-4);
        session.run(Routine::Evaluate).unwrap();
        session.run(Routine::Adam).unwrap();
        bits(&read(&mut session, &plan, Tensor::Image))
    };
    let before = paint();
    let array = gpu.largest_slot().min(128 << 20);
    let none = DeviceFilters::new(&filters());
    let Err(error) = Session::new(&gpu, arrays(200, array), &none, &ForcedVariants::NONE) else {
        panic!("there was enough")
    };
    assert!(error.to_string().contains(&format!("out of memory with {} MiB", 200 * (array >> 20))), "{error}");
    assert!(paint() == before);
    // Until no memory is left, not even for a copy that the host could read.
    let mut held = Vec::new();
    let refused = loop {
        match Session::new(&gpu, arrays(1, array), &none, &ForcedVariants::NONE) {
            Ok(session) => held.push(session),
            refused => break refused,
        }
        assert!(held.len() < 200, "the limit is not kept");
    };
    assert!(is_out_of_memory(&refused));
    let image = impasto::plan::SlotId(0);
    assert!(is_out_of_memory(&held[0].read(image)));
    held.truncate(1);
    assert!(held[0].read(image).unwrap().iter().all(|&byte| byte == 0));
    assert!(paint() == before);
}

#[test]
fn vulkan_tells_how_much_memory_there_is() {
    let adapter = adapters().into_iter().next().unwrap();
    if adapter.info.api == "vulkan" {
        let largest = adapter.info.largest_binding;
        assert!(adapter.memory().is_some_and(|bytes| bytes >= largest), "{:?}", adapter.memory());
    }
}

#[test]
fn filters_that_end_too_early_are_named() {
    let gpu = gpu();
    let filters = DeviceFilters::new(&Arc::new(generated(5, "relu1_2".parse().unwrap())));
    let error = Session::new(&gpu, plan(), &filters, &ForcedVariants::NONE).err().unwrap();
    assert!(error.to_string().contains("before relu2_1"), "{error}");
}

#[test]
fn a_device_with_the_least_limits_of_webgpu_paints_what_the_processor_paints() {
    let least = Gpu::open_with_least_limits(&adapter(), ShaderChecks::default()).unwrap();
    let filters = filters();
    let recipe = Recipe {
        size: 40,
        min_scale: 40,
        first_iterations: 8,
        content_layers: weighted(&["relu2_2"]),
        style_layers: weighted(&["relu1_1", "relu2_1", "relu3_1"]),
        ..Recipe::default()
    };
    let (content, style) =
        (Picture::noise(Size { width: 40, height: 33 }, 1), Picture::noise(Size { width: 31, height: 48 }, 2));
    let paint = |device: &Device, variants: &str| {
        let engine = Engine::new(device, filters.clone()).unwrap().with_variants(variants.parse().unwrap());
        stylize(&engine, &Inputs::new(content.clone(), style.clone()), &recipe, None, &mut |_| {}).unwrap()
    };
    let expected = paint(&Device::Cpu(None), "plain");
    // What hardware prefers, and what uses the most workgroup memory; where a variant does not fit, another is taken.
    for variants in ["winograd2,gram=tiled,gram_backward=tiled", "tiled", "winograd4"] {
        let found = paint(&Device::Gpu(least.clone()), variants);
        let apart = found.pixels().iter().zip(expected.pixels()).map(|(a, b)| (a - b).abs()).sum::<f32>();
        let mean = apart / expected.pixels().len() as f32;
        assert!(mean < 0.5 / 255.0, "the pictures are {mean} apart on average with {variants}");
    }
}
