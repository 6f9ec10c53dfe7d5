//! Pictures that are worked on window by window: the same losses and gradients as at once.

use crate::common::{self, distance, gpu, layer};
use impasto::{
    Device, Engine, Session,
    plan::{
        AdamRates, Border, Depths, IterationState, LbfgsControl, Moving, Network, Optimizer, Plan, Pooling, Precision,
        Region, Representation, Routine, Size, Spill, Statistic, Storage, Style, Tensor, Term, Windowed, deal,
        features, iteration, iteration_of_some_pixels, window_sizes,
    },
    random::Random,
    read_values, tolerance,
    vgg19::Layer,
    weights::generated,
    write_values,
};
use std::{num::NonZeroUsize, sync::Arc};

/// What is compared: whole against windows.
struct Case {
    picture: Size,
    border: Border,
    pooling: Pooling,
    terms: Vec<Term>,
    moving: Moving,
}

impl Case {
    fn deepest(&self) -> Layer {
        self.terms.iter().filter_map(|term| term.layer()).max().unwrap()
    }

    fn sizes(&self) -> Vec<Size> {
        window_sizes(self.picture, self.border, Depths::of_terms(&self.terms))
    }

    fn network(&self, storage: Storage) -> Network {
        Network { border: self.border, pooling: self.pooling, storage, ..common::network(self.picture) }
    }

    fn whole(&self, engine: &Engine) -> Plan {
        let make = if self.moving == Moving::Some { iteration_of_some_pixels } else { iteration };
        make(&self.network(storage(engine, self.picture)), &self.terms, Optimizer::default()).unwrap()
    }

    fn windowed(&self, engine: &Engine, size: Size) -> Windowed {
        let whole = self.network(storage(engine, self.picture));
        let window = whole.of_window(size, storage(engine, size));
        Windowed::iteration(&whole, &window, &self.terms, Optimizer::default(), self.moving).unwrap()
    }
}

fn storage(engine: &Engine, size: Size) -> Storage {
    engine.storage(engine.precision(), size)
}

fn engine(device: &Device, deepest: Layer) -> Engine {
    Engine::new(device, Arc::new(generated(5, deepest))).unwrap()
}

/// Losses and the picture's gradient of a random picture.
fn evaluate(plan: &Plan, session: &mut dyn Session) -> (Vec<f32>, Vec<f32>) {
    common::write_random_inputs(plan, session);
    let coefficients = [1e-4, 2e-4].repeat(plan.terms.len());
    write_values(session, plan.find(Tensor::Coefficients).unwrap(), &coefficients).unwrap();
    write_values(session, plan.find(Tensor::InverseGradientScale).unwrap(), &[1.0]).unwrap();
    let state = plan.find(Tensor::State).unwrap();
    session.write(state, bytemuck::bytes_of(&IterationState::INITIAL)).unwrap();
    // The second does not add to the first.
    session.run(Routine::Evaluate).unwrap();
    session.run(Routine::Evaluate).unwrap();
    let mut read = |tensor| read_values(session, plan.find(tensor).unwrap()).unwrap();
    (read(Tensor::LossValues), read(Tensor::ImageGradient))
}

/// Compares windows of some sizes with the whole.
fn check(device: &Device, case: &Case, sizes: &[Size]) {
    check_with(&engine(device, case.deepest()), case, sizes);
}

fn check_with(engine: &Engine, case: &Case, sizes: &[Size]) {
    let half = engine.precision() == Precision::F16;
    let whole = case.whole(engine);
    let (losses, gradient) = evaluate(&whole, engine.session(&whole).unwrap().as_mut());
    for &size in sizes {
        let windowed = case.windowed(engine, size);
        let mut session = engine.windowed_session(&windowed).unwrap();
        let (found, moved) = evaluate(&windowed.whole, session.as_mut());
        assert_eq!(whole.terms, windowed.whole.terms);
        for ((term, loss), found) in whole.terms.iter().zip(&losses).zip(&found) {
            let apart = f64::from((loss - found).abs()) / f64::from(*loss);
            let allowed = if half { tolerance::F16_STORAGE } else { tolerance::WINDOWS_LOSS };
            assert!(apart <= allowed, "{size} of {}: {term} {loss} {found}", case.picture);
        }
        let apart = distance(&moved, &gradient);
        // The reference adds the same numbers in the same order; elsewhere rounding may turn a ReLU.
        let allowed = match engine.back_end() {
            "reference" => tolerance::WINDOWS_GRADIENT,
            _ if half => tolerance::F16_GRADIENT,
            _ => tolerance::F32_GRADIENT,
        };
        assert!(apart <= allowed, "{size} of {}: gradient {apart:e}", case.picture);
    }
}

fn style(name: &str, number: usize, weighted: bool, statistic: Statistic) -> Term {
    Term::Style(Style { layer: layer(name), region: Region { number, weighted }, statistic })
}

/// Every loss and statistic, of the whole picture and of regions.
fn all_terms() -> Vec<Term> {
    let mut terms = common::terms(&["relu1_2", "relu2_2"], &["relu1_1", "relu2_1", "relu2_2"]);
    terms.extend([
        style("relu1_1", 1, true, Statistic::Wasserstein),
        style("relu2_1", 1, true, Statistic::Moments),
        style("relu2_2", 2, false, Statistic::Wasserstein),
        style("relu2_1", 2, true, Statistic::Gram),
        Term::Edges,
    ]);
    terms
}

/// Some sizes with several windows, from few to many.
fn several(case: &Case, random: &mut Random, count: usize) -> Vec<Size> {
    let mut sizes = case.sizes();
    assert!(sizes.remove(0) == case.picture || case.border == Border::Wrap);
    (0..count).map(|_| sizes[random.bits() as usize % sizes.len()]).collect()
}

#[test]
fn windows_of_any_loss_give_what_the_whole_gives() {
    for (border, pooling, moving) in
        [(Border::Replicate, Pooling::Max, Moving::Some), (Border::Zero, Pooling::Average, Moving::All)]
    {
        let case = Case { picture: Size { width: 75, height: 62 }, border, pooling, terms: all_terms(), moving };
        let sizes = several(&case, &mut Random::new(4), 2);
        check(&Device::Cpu(None), &case, &sizes);
        check(&Device::Gpu(gpu()), &case, &sizes[..1]);
    }
}

#[test]
fn windows_on_a_torus_give_what_the_whole_gives() {
    // In the whole every pixel is weighed, because its maps' halos hold what is at the opposite edges.
    let terms = vec![
        style("relu1_1", 0, true, Statistic::Gram),
        style("relu2_2", 1, true, Statistic::Moments),
        style("relu2_1", 1, true, Statistic::Wasserstein),
        Term::TotalVariation,
    ];
    let (border, pooling, moving) = (Border::Wrap, Pooling::Max, Moving::All);
    // The second is smaller than a window's halo.
    for picture in [Size { width: 74, height: 46 }, Size { width: 6, height: 92 }] {
        let case = Case { picture, border, pooling, terms: terms.clone(), moving };
        let sizes = case.sizes();
        let [first, last] = [sizes[0], sizes[sizes.len() - 1]];
        assert!(first.width > picture.width && first.height > picture.height, "{first}");
        check(&Device::Cpu(None), &case, &[first, last]);
        check(&Device::Gpu(gpu()), &case, &[last]);
    }
    // The total variation of rows at an edge needs the opposite one.
    let case = Case { picture: Size { width: 74, height: 46 }, border, pooling, terms, moving };
    let windowed = case.windowed(&engine(&Device::Cpu(None), case.deepest()), case.sizes()[0]);
    assert!(windowed.allows(Spill::TargetsAndMoments) && !windowed.allows(Spill::TargetsMomentsAndPicture));
}

#[test]
fn windows_in_f16_give_what_the_whole_gives_in_f16() {
    let (border, pooling, moving) = (Border::Replicate, Pooling::Max, Moving::Some);
    let case = Case { picture: Size { width: 75, height: 62 }, border, pooling, terms: all_terms(), moving };
    let engine = engine(&Device::Gpu(gpu()), case.deepest()).with_precision(Precision::F16);
    assert_eq!(engine.precision(), Precision::F16, "the driver has half precision");
    check_with(&engine, &case, &several(&case, &mut Random::new(5), 1));
}

#[test]
fn windows_on_the_reference_give_what_the_whole_gives() {
    let terms = vec![Term::Content(layer("relu1_2")), style("relu1_1", 1, true, Statistic::Moments)];
    let picture = Size { width: 39, height: 31 };
    let (border, pooling, moving) = (Border::Replicate, Pooling::Max, Moving::All);
    let case = Case { picture, border, pooling, terms, moving };
    check(&Device::Reference, &case, &several(&case, &mut Random::new(2), 2));
}

#[test]
fn windows_of_random_pictures_and_layers_give_what_the_whole_gives() {
    let mut random = Random::new(9);
    for _ in 0..6 {
        let mut below = |bound: u64| random.bits() % bound;
        let picture = Size { width: 64 + below(60) as u32, height: 64 + below(60) as u32 };
        let layers: Vec<Layer> = layer("relu3_2").up_to().collect();
        let mut pick = || layers[below(layers.len() as u64) as usize];
        let mut terms = vec![Term::Content(pick()), Term::gram(pick(), 0)];
        let another = Term::Style(Style {
            layer: pick(),
            region: Region { number: 1, weighted: true },
            statistic: Statistic::Moments,
        });
        terms.push(another);
        let border = [Border::Replicate, Border::Zero][below(2) as usize];
        let pooling = [Pooling::Max, Pooling::Average][below(2) as usize];
        let case = Case { picture, border, pooling, terms, moving: Moving::All };
        check(&Device::Cpu(None), &case, &several(&case, &mut random, 2));
    }
}

/// The more memory a way takes, the less is computed again.
#[test]
fn every_way_of_a_processor_to_store_maps_gives_what_the_whole_gives() {
    let terms = common::terms(&["relu3_2"], &["relu1_1", "relu2_1", "relu3_1"]);
    let picture = Size { width: 531, height: 260 };
    let case = Case { picture, border: Border::Replicate, pooling: Pooling::Max, terms, moving: Moving::All };
    let engine = Engine::new(&Device::Cpu(NonZeroUsize::new(2)), Arc::new(generated(5, case.deepest()))).unwrap();
    let (losses, gradient) = {
        let whole = case.whole(&engine);
        evaluate(&whole, engine.session(&whole).unwrap().as_mut())
    };
    let size = case.sizes()[1];
    let flops = |plan: &Plan| plan.steps.iter().map(|step| plan.cost(step).flops).sum::<u64>();
    let mut kinds = Vec::new();
    for storage in engine.storages(Precision::F32, size) {
        let whole = case.network(storage);
        let plan = iteration(&whole, &case.terms, Optimizer::default()).unwrap();
        let windowed = Windowed::iteration(
            &whole,
            &whole.of_window(size, storage),
            &case.terms,
            Optimizer::default(),
            case.moving,
        )
        .unwrap();
        kinds.push((windowed.window.bytes(), flops(&windowed.window)));
        let at_once = evaluate(&plan, engine.session(&plan).unwrap().as_mut());
        let in_windows = evaluate(&windowed.whole, engine.windowed_session(&windowed).unwrap().as_mut());
        for (found, moved) in [at_once, in_windows] {
            assert!(distance(&found, &losses) <= tolerance::WINDOWS_LOSS, "{storage:?}: {found:?} for {losses:?}");
            let apart = distance(&moved, &gradient);
            assert!(apart <= tolerance::F32_GRADIENT, "{storage:?}: gradient {apart:e}");
        }
    }
    kinds.dedup();
    assert!(kinds.len() > 3 && kinds.is_sorted_by(|a, b| a.0 <= b.0 && a.1 >= b.1), "{kinds:?}");
}

#[test]
fn windows_that_reach_through_all_poolings_give_what_the_whole_gives() {
    let terms = common::terms(&["relu4_2"], &["relu1_1", "relu3_1", "relu5_1"]);
    let picture = Size { width: 421, height: 60 };
    let case = Case { picture, border: Border::Replicate, pooling: Pooling::Max, terms, moving: Moving::All };
    let sizes = case.sizes();
    check(&Device::Cpu(None), &case, &[sizes[1], sizes[sizes.len() - 1]]);
}

#[test]
fn features_of_windows_are_those_of_the_whole() {
    let picture = Size { width: 93, height: 70 };
    let region = Region { number: 1, weighted: true };
    let wanted = [
        Representation::Features(layer("relu2_2")),
        Representation::Features(layer("relu1_1")),
        Representation::Gram(layer("relu1_2"), Region::WHOLE),
        Representation::Gram(layer("relu3_1"), region),
        Representation::Mean(layer("relu3_1"), region),
    ];
    for device in [Device::Cpu(None), Device::Gpu(gpu())] {
        let engine = engine(&device, layer("relu3_1"));
        let network = Network { storage: storage(&engine, picture), ..common::network(picture) };
        let read = |plan: &Plan, session: &mut dyn Session| {
            common::write_random_inputs(plan, session);
            session.run(Routine::Features).unwrap();
            let tensors = wanted.iter().map(|wanted| wanted.tensor()).chain([Tensor::SumsOfSquares]);
            tensors.map(|tensor| read_values(session, plan.find(tensor).unwrap()).unwrap()).collect::<Vec<_>>()
        };
        let plan = features(&network, &wanted).unwrap();
        let expected = read(&plan, engine.session(&plan).unwrap().as_mut());
        let sizes = window_sizes(picture, network.border, Depths::of_representations(&wanted));
        let size = sizes[sizes.len() / 2];
        let windowed = Windowed::features(&network, &network.of_window(size, storage(&engine, size)), &wanted).unwrap();
        assert!(windowed.cover.statistics.len() > 3, "{size}");
        let found = read(&windowed.whole, engine.windowed_session(&windowed).unwrap().as_mut());
        for (found, expected) in found.iter().zip(&expected) {
            assert!(distance(found, expected) < tolerance::WINDOWS_LOSS, "{}", distance(found, expected));
        }
    }
}

#[test]
fn what_waits_on_the_disk_comes_back_with_the_same_bits() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("scratch");
    // More values than are worked on in one piece, and not a multiple of it.
    let picture = Size { width: 331, height: 267 };
    let terms = common::terms(&["relu1_2"], &["relu1_1"]);
    let case = Case { picture, border: Border::Replicate, pooling: Pooling::Max, terms, moving: Moving::All };
    assert!(case.terms.contains(&Term::TotalVariation));
    let engines = [Device::Cpu(None), Device::Reference];
    let engines = engines.map(|device| engine(&device, case.deepest()).with_scratch_directory(inside.clone()));
    let windowed = case.windowed(&engines[0], several(&case, &mut Random::new(1), 1)[0]);
    let painted = |engine: &Engine, spill| {
        let windowed = Windowed { spill, ..windowed.clone() };
        let mut session = engine.windowed_session(&windowed).unwrap();
        let (plan, session) = (&windowed.whole, session.as_mut());
        evaluate(plan, session);
        let rates = AdamRates { learning_rate: 0.02, epsilon: 0.1 };
        session.write(plan.find(Tensor::AdamRates).unwrap(), bytemuck::bytes_of(&rates)).unwrap();
        session.run(Routine::Adam).unwrap();
        session.run(Routine::Evaluate).unwrap();
        session.run(Routine::Adam).unwrap();
        let kept = [Tensor::Image, Tensor::AdamMean, Tensor::AdamSquare, Tensor::Average, Tensor::ImageGradient];
        let read = |tensor| session.read(plan.find(tensor).unwrap()).unwrap();
        (kept.map(read), windowed.on_disk(), windowed.in_memory())
    };
    assert!(Spill::OF_WINDOWS.iter().all(|spill| windowed.allows(*spill)));
    for engine in &engines {
        let (expected, nothing, all) = painted(engine, Spill::Nothing);
        assert!(nothing == 0 && expected.iter().all(|bytes| bytes.iter().any(|byte| *byte != 0)));
        let mut before = 0;
        for &spill in &Spill::OF_WINDOWS[1..] {
            let (found, on_disk, in_memory) = painted(engine, spill);
            assert!(on_disk > before && on_disk + in_memory == all);
            assert!(found == expected, "{spill:?}");
            before = on_disk;
        }
    }
    assert_eq!(std::fs::read_dir(&inside).unwrap().count(), 0);
    // Edges are looked for in the whole picture.
    let terms = [&case.terms[..], &[Term::Edges]].concat();
    let edged = Case { terms, ..case }.windowed(&engines[0], windowed.window.window.size);
    assert!(edged.allows(Spill::TargetsAndMoments) && !edged.allows(Spill::TargetsMomentsAndPicture));
}

/// What L-BFGS makes of a picture with a pair in its history: the trial, the history, the direction and what it tells the host.
fn lbfgs_steps(plan: &Plan, session: &mut dyn Session, memory: usize) -> Vec<Vec<u8>> {
    let control = |session: &mut dyn Session, pair: usize, distance: f32, factors: &[f32]| {
        let rows = [pair, memory + pair].map(|row| row as u32);
        let head = LbfgsControl { step_row: rows[0], difference_row: rows[1], distance, unused: 0 };
        let bytes = [bytemuck::bytes_of(&head), bytemuck::cast_slice(factors)].concat();
        session.write(plan.find(Tensor::LbfgsControl).unwrap(), &bytes).unwrap();
    };
    let mut factors = vec![0.0; 2 * memory + 1];
    evaluate(plan, session);
    control(session, 2 * memory + 1, 0.0, &factors);
    session.run(Routine::LbfgsUpdate).unwrap();
    factors[2 * memory] = -1.0;
    for pair in 0..2 {
        control(session, pair, 1e-3, &factors);
        session.run(Routine::LbfgsDirection).unwrap();
        session.run(Routine::LbfgsTrial).unwrap();
        session.run(Routine::Evaluate).unwrap();
        session.run(Routine::KeepGradient).unwrap();
        session.run(Routine::LbfgsScalars).unwrap();
        session.run(Routine::RestoreGradient).unwrap();
        session.run(Routine::LbfgsUpdate).unwrap();
        (factors[pair], factors[memory + pair]) = (0.5, -0.25);
    }
    let kept = [Tensor::Image, Tensor::ImageGradient, Tensor::LbfgsBase, Tensor::LbfgsHistory, Tensor::LbfgsDirection];
    let tensors = kept.into_iter().chain([Tensor::KeptGradient, Tensor::LbfgsResults]);
    tensors.map(|tensor| session.read(plan.find(tensor).unwrap()).unwrap()).collect()
}

#[test]
fn what_lbfgs_keeps_waits_on_the_disk_with_windows_and_without() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("scratch");
    // More values than are worked on in one piece, and not a multiple of it.
    let picture = Size { width: 331, height: 267 };
    let terms = common::terms(&["relu1_1"], &["relu1_1"]);
    let case = Case { picture, border: Border::Replicate, pooling: Pooling::Max, terms, moving: Moving::All };
    let memory = 2;
    for device in [Device::Cpu(None), Device::Reference] {
        let engine = engine(&device, case.deepest()).with_scratch_directory(inside.clone());
        let whole = case.network(storage(&engine, picture));
        let lbfgs = Optimizer::Lbfgs { memory };
        let plan = iteration(&whole, &case.terms, lbfgs).unwrap();
        let mut found = Spill::OF_WHOLE.map(|spill| {
            let mut session = engine.spilling_session(&plan, spill).unwrap();
            lbfgs_steps(&plan, session.as_mut(), memory)
        });
        let [expected, on_disk] = &mut found;
        // Sums of what is in memory are not rounded piece by piece.
        let [exact, summed] = [expected.pop().unwrap(), on_disk.pop().unwrap()];
        assert!(distance(&impasto::values(&summed), &impasto::values(&exact)) < 1e-6);
        assert!(expected.iter().all(|bytes| bytes.iter().any(|byte| *byte != 0)) && expected == on_disk);

        let size = case.sizes()[1];
        let window = whole.of_window(size, storage(&engine, size));
        let windowed = Windowed::iteration(&whole, &window, &case.terms, lbfgs, case.moving).unwrap();
        let mut expected: Option<Vec<Vec<u8>>> = None;
        let mut before = None;
        for spill in Spill::OF_WINDOWS {
            let windowed = Windowed { spill, ..windowed.clone() };
            assert!(windowed.allows(spill) && before < Some(windowed.on_disk()), "{spill:?}");
            before = Some(windowed.on_disk());
            let mut session = engine.windowed_session(&windowed).unwrap();
            let mut found = lbfgs_steps(&windowed.whole, session.as_mut(), memory);
            found.pop();
            assert!(expected.get_or_insert_with(|| found.clone()) == &found, "{spill:?}");
        }
    }
    assert_eq!(std::fs::read_dir(&inside).unwrap().count(), 0);
}

#[test]
fn targets_go_from_disk_to_disk_and_to_memory() {
    let directory = tempfile::tempdir().unwrap();
    let picture = Size { width: 93, height: 70 };
    let engine = engine(&Device::Cpu(None), layer("relu2_1")).with_scratch_directory(directory.path().join("scratch"));
    let network = Network { storage: storage(&engine, picture), ..common::network(picture) };
    let wanted = [Representation::Features(layer("relu2_1"))];
    let size = window_sizes(picture, network.border, Depths::of_representations(&wanted))[1];
    let window = network.of_window(size, storage(&engine, size));
    let terms = common::terms(&["relu2_1"], &["relu1_1"]);
    let case = Case { picture, border: network.border, pooling: network.pooling, terms, moving: Moving::All };
    let size = several(&case, &mut Random::new(1), 1)[0];
    let levels = [Spill::Nothing, Spill::Targets];
    let mut found = Vec::new();
    for (from, to) in levels.into_iter().flat_map(|from| levels.map(|to| (from, to))) {
        let features = Windowed { spill: from, ..Windowed::features(&network, &window, &wanted).unwrap() };
        let mut session = engine.windowed_session(&features).unwrap();
        common::write_random_inputs(&features.whole, session.as_mut());
        session.run(Routine::Features).unwrap();
        let squares = session.read(features.whole.find(Tensor::SumsOfSquares).unwrap()).unwrap();
        let contents = session.hand_over(features.whole.find(wanted[0].tensor()).unwrap()).unwrap();
        let windowed = Windowed { spill: to, ..case.windowed(&engine, size) };
        let mut next = engine.windowed_session(&windowed).unwrap();
        let slot = windowed.whole.find(Tensor::Target(Term::Content(layer("relu2_1")))).unwrap();
        next.take_over(slot, &contents).unwrap();
        found.push((squares, next.read(slot).unwrap()));
    }
    assert!(found[0].1.iter().any(|byte| *byte != 0) && found.iter().all(|one| *one == found[0]));
}

/// CPU, a GPU or its software driver, and the reference together.
fn together(case: &Case, size: Size, speeds: [f64; 3]) -> (Windowed, Box<dyn Session>, Vec<f64>) {
    let devices = [Device::Cpu(None), Device::Gpu(gpu()), Device::Reference];
    let engines = devices.iter().zip(speeds);
    let engines: Vec<Engine> =
        engines.map(|(device, speed)| engine(device, case.deepest()).with_speed(speed)).collect();
    let others = engines[1..].iter().map(|engine| case.windowed(engine, size).window).collect();
    let windowed = Windowed { others, ..case.windowed(&engines[0], size) };
    let engine = Engine::together(engines);
    let session = engine.windowed_session(&windowed).unwrap();
    (windowed, session, engine.speeds())
}

#[test]
fn several_devices_give_what_one_gives_and_the_same_bits_twice() {
    let case = Case {
        picture: Size { width: 61, height: 54 },
        border: Border::Replicate,
        pooling: Pooling::Max,
        terms: all_terms(),
        moving: Moving::Some,
    };
    let cpu = engine(&Device::Cpu(None), case.deepest());
    let whole = case.whole(&cpu);
    let (losses, gradient) = evaluate(&whole, cpu.session(&whole).unwrap().as_mut());
    let sizes = case.sizes();
    for speeds in [[1.0, 1.0, 1.0], [0.5, 2.0, 0.25]] {
        let (windowed, mut session, speeds) = together(&case, sizes[sizes.len() - 1], speeds);
        let shares = deal(windowed.cover.gradients.len(), &speeds);
        assert!(shares.iter().all(|share| !share.is_empty()), "{shares:?}");
        let first = evaluate(&windowed.whole, session.as_mut());
        for ((term, loss), found) in whole.terms.iter().zip(&losses).zip(&first.0) {
            let apart = f64::from((loss - found).abs()) / f64::from(*loss);
            assert!(apart <= tolerance::WINDOWS_LOSS, "{term} {loss} {found}");
        }
        let apart = distance(&first.1, &gradient);
        assert!(apart <= tolerance::F32_GRADIENT, "gradient {apart:e}");
        assert_eq!(evaluate(&windowed.whole, session.as_mut()), first);
    }
}
