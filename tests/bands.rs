//! Plans that compute large maps in bands of rows: the same losses and gradients as with whole maps, in less memory.

use crate::common::{self, adapter, layer, weighted};
use impasto::{
    BackendError, Device, Engine, Session, cpu,
    gpu::{self, DeviceFilters, Gpu, ShaderChecks},
    picture::Picture,
    plan::{
        Banding, Network, Optimizer, Plan, Pooling, Precision, Region, Representation, Routine, Size, Statistic,
        Storage, Style, Tensor, Term, features, iteration, iteration_of_some_pixels,
    },
    read_values, reference,
    style::{Inputs, Lack, Method, Outline, Recipe, ScalePlans, shortage, stylize},
    tolerance,
    weights::{Filters, generated},
    write_values,
};
use std::{num::NonZeroUsize, sync::Arc};

/// Bands of a few rows; the larger of the two is too small for the features of relu2_1, which are then recomputed.
const BANDS: [Banding; 2] = [
    Banding { small: 0, whole: 60_000, band: 40_000, kept: u64::MAX, slot: u64::MAX },
    Banding { small: 0, whole: 60_000, band: 60_000, kept: 130_000, slot: 130_000 },
];

fn network(size: Size, pooling: Pooling, storage: Storage) -> Network {
    Network { pooling, storage, ..common::network(size) }
}

/// Every statistic, of the whole picture and of a region, at layers of which some are large enough for bands.
fn terms() -> Vec<Term> {
    let mut terms = common::terms(&["relu1_2", "relu3_1"], &["relu1_1", "relu2_1", "relu2_2", "relu4_1"]);
    let style = |name, weighted, statistic| {
        Term::Style(Style { layer: layer(name), region: Region { number: 1, weighted }, statistic })
    };
    terms.extend([
        style("relu1_1", true, Statistic::Wasserstein),
        style("relu2_1", true, Statistic::Moments),
        style("relu2_2", false, Statistic::Wasserstein),
        style("relu4_1", true, Statistic::Gram),
        Term::Edges,
    ]);
    terms
}

fn filters() -> Arc<Filters> {
    Arc::new(generated(5, "relu4_1".parse().unwrap()))
}

fn plan(size: Size, pooling: Pooling, banding: Banding) -> Plan {
    let storage = Storage { banding, ..Storage::PLAIN };
    iteration_of_some_pixels(&network(size, pooling, storage), &terms(), Optimizer::default()).unwrap()
}

/// Losses and the picture's gradient of a random picture.
fn evaluate(plan: &Plan, session: &mut dyn Session) -> (Vec<f32>, Vec<f32>) {
    common::write_random_inputs(plan, session);
    let coefficients = [1e-4, 2e-4].repeat(terms().len());
    write_values(session, plan.find(Tensor::Coefficients).unwrap(), &coefficients).unwrap();
    write_values(session, plan.find(Tensor::InverseGradientScale).unwrap(), &[1.0]).unwrap();
    session
        .write(plan.find(Tensor::State).unwrap(), bytemuck::bytes_of(&impasto::plan::IterationState::INITIAL))
        .unwrap();
    session.run(Routine::Evaluate).unwrap();
    let mut read = |tensor| read_values(session, plan.find(tensor).unwrap()).unwrap();
    (read(Tensor::LossValues), read(Tensor::ImageGradient))
}

fn compare((losses, gradient): &(Vec<f32>, Vec<f32>), (expected, exact): &(Vec<f32>, Vec<f32>)) {
    for (loss, expected) in losses.iter().zip(expected) {
        assert!(f64::from((loss - expected).abs()) <= tolerance::F32_LOSS * f64::from(*expected), "{losses:?}");
    }
    let apart = common::distance(gradient, exact);
    assert!(apart <= tolerance::F32_GRADIENT, "{apart}");
}

#[test]
fn bands_give_what_whole_maps_give() {
    let gpu = common::gpu();
    let (filters, device_filters) = (filters(), DeviceFilters::new(&filters()));
    for (pooling, size) in
        [(Pooling::Max, Size { width: 37, height: 43 }), (Pooling::Average, Size { width: 24, height: 50 })]
    {
        let whole = plan(size, pooling, Banding::NONE);
        assert!(whole.is_plain());
        let exact = evaluate(&whole, &mut reference::Session::new(&whole, &filters).unwrap());
        let mut session = gpu::Session::new(&gpu, whole.clone(), &device_filters, &gpu::ForcedVariants::NONE).unwrap();
        // Signs near zero may differ from the reference's, but not from those of the same kernels.
        let exact_gpu = evaluate(&whole, &mut session);
        let on_cpu = |plan: &Plan, threads| {
            evaluate(plan, &mut cpu::Session::new(plan, &filters, NonZeroUsize::new(threads)).unwrap())
        };
        let exact_cpu = on_cpu(&whole, 2);
        for banding in BANDS {
            let banded = plan(size, pooling, banding);
            assert!(!banded.is_plain() && banded.steps.len() > whole.steps.len() + 10);
            compare(&evaluate(&banded, &mut reference::Session::new(&banded, &filters).unwrap()), &exact);
            let mut session =
                gpu::Session::new(&gpu, banded.clone(), &device_filters, &gpu::ForcedVariants::NONE).unwrap();
            compare(&evaluate(&banded, &mut session), &exact_gpu);
            for threads in [1, 2, 5] {
                compare(&on_cpu(&banded, threads), &exact_cpu);
            }
        }
    }
}

#[test]
fn what_is_made_again_never_exists_whole() {
    let plan = plan(Size { width: 37, height: 43 }, Pooling::Max, BANDS[1]);
    assert!(plan.find(Tensor::Recomputed("relu2_1".parse().unwrap())).is_some());
    // A content loss compares with a whole map, whatever its size.
    let maps = plan.slots.iter().filter(|s| s.tensor.is_map() && !matches!(s.tensor, Tensor::Target(_)));
    let largest = maps.max_by_key(|slot| slot.words).unwrap();
    assert!(4 * largest.words as u64 <= BANDS[1].slot, "{}: {} bytes", largest.tensor, 4 * largest.words);
}

#[test]
fn the_cpu_refuses_f16_in_words() {
    let storage = Storage { precision: Precision::F16, ..Storage::PLAIN };
    let size = Size { width: 37, height: 43 };
    let plan = iteration(&network(size, Pooling::Max, storage), &terms(), Optimizer::default()).unwrap();
    let error = cpu::Session::new(&plan, &filters(), None).err().unwrap();
    assert!(matches!(error, BackendError::NotF32 { .. }), "{error}");
}

/// The history of L-BFGS is one array that is larger than those of bands.
fn with_adam() -> Recipe {
    Recipe { method: Method::Adam, ..Recipe::default() }
}

#[test]
fn no_array_of_a_picture_is_larger_than_the_device_binds() {
    // llvmpipe binds 128 MiB at once, NVIDIA's driver 2 GiB.
    let cases = [
        (1024, 128 << 20, Precision::F32),
        (2048, 128 << 20, Precision::F16),
        (4096, 2 << 30, Precision::F32),
        (4096, 2 << 30, Precision::F16),
    ];
    for (side, binding, precision) in cases {
        let recipe = with_adam();
        let size = Size { width: side, height: side };
        let network = network(size, Pooling::Max, Storage::for_binding(binding, precision));
        let mut plans = vec![iteration(&network, &recipe.terms_of_whole_pictures(), recipe.optimizer()).unwrap()];
        let contents = recipe.content_layers.iter().map(|weighted| Representation::Features(weighted.layer));
        let styles = recipe.style_layers.iter().map(|weighted| Representation::Gram(weighted.layer, Region::WHOLE));
        plans.extend(
            [contents.collect::<Vec<_>>(), styles.collect()].map(|wanted| features(&network, &wanted).unwrap()),
        );
        for plan in plans {
            let largest = plan.slots.iter().max_by_key(|slot| slot.words).unwrap();
            assert!(largest.bytes() <= binding, "{side}: {} takes {} MiB", largest.tensor, largest.bytes() >> 20);
        }
        // A whole map of 64 channels does not fit.
        assert!(u64::from(side + 2).pow(2) * 64 * precision.bytes() as u64 > binding, "the case tests nothing");
    }
}

#[test]
fn a_picture_with_maps_that_the_device_cannot_bind_is_painted_in_bands() {
    let recipe = Recipe {
        size: 150,
        min_scale: 100,
        first_iterations: 2,
        iterations: 2,
        content_layers: weighted(&["relu3_1"]),
        style_layers: weighted(&["relu1_1", "relu2_1", "relu3_1"]),
        margin: 0,
        ..with_adam()
    };
    let filters = Arc::new(generated(5, "relu3_1".parse().unwrap()));
    let (photograph, painting) =
        (Picture::noise(Size { width: 173, height: 131 }, 1), Picture::noise(Size { width: 160, height: 201 }, 2));
    let paint = |binding: Option<u64>| {
        let mut gpu = Gpu::open(&adapter(), ShaderChecks::default()).unwrap();
        if let Some(bytes) = binding {
            Arc::get_mut(&mut gpu).unwrap().largest_binding = bytes;
        }
        let engine = Engine::new(&Device::Gpu(gpu), filters.clone()).unwrap();
        let plan = ScalePlans::last(&engine, &Outline::simple(photograph.size(), painting.size(), &recipe), &recipe)
            .unwrap()
            .iteration
            .plan()
            .clone();
        (
            plan,
            stylize(&engine, &Inputs::new(photograph.clone(), painting.clone()), &recipe, None, &mut |_| {}).unwrap(),
        )
    };
    // relu1_1 takes 4.2 MiB; relu3_1, which the content loss compares as a whole, takes 1.1 MiB.
    let binding = 5 << 18;
    let ((whole, expected), (banded, picture)) = (paint(None), paint(Some(binding)));
    assert!(whole.is_plain() && whole.largest_slot() > 4 << 20);
    assert!(!banded.is_plain() && banded.largest_slot() <= binding, "{}", banded.largest_slot());
    let apart = |a: &Picture, b: &Picture| {
        assert_eq!(a.size(), b.size());
        let differences = a.pixels().iter().zip(b.pixels()).map(|(a, b)| f64::from(a - b).powi(2));
        differences.sum::<f64>().sqrt()
    };
    let black = Picture::new(expected.size(), vec![0.0; expected.pixels().len()]).unwrap();
    let start = photograph.resize(expected.size());
    let (difference, length, way) = (apart(&picture, &expected), apart(&expected, &black), apart(&expected, &start));
    assert!(difference <= tolerance::F32_TRAJECTORY_END * length, "{difference} of {length}");
    assert!(difference < way / 20.0, "{difference} on a way of {way}");
}

#[test]
fn what_cannot_be_split_is_refused_before_painting_with_a_size_that_fits() {
    let mut gpu = Gpu::open(&adapter(), ShaderChecks::default()).unwrap();
    Arc::get_mut(&mut gpu).unwrap().largest_binding = 128 << 20;
    let engine = Engine::new(&Device::Gpu(gpu), filters()).unwrap();
    let square = Size { width: 5000, height: 5000 };
    let outline = Outline::simple(square, square, &with_adam());
    let told = |size| shortage(&engine, &outline, &Recipe { size, ..with_adam() }).unwrap();
    let large = told(4096).unwrap();
    assert_eq!((large.lack, large.available), (Lack::Binding, 128 << 20));
    assert!(large.to_string().contains("at most 128 MiB in one piece"), "{large}");
    let fitting = large.fitting.unwrap();
    assert!((1024..2048).contains(&fitting), "{large}");
    assert!(told(fitting).is_none_or(|shortage| shortage.lack != Lack::Binding));
    assert!(told(fitting + 32).is_some_and(|shortage| shortage.lack == Lack::Binding));
}
