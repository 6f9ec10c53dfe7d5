//! Every operation by itself and a whole iteration, on the CPU back end and on the first GPU there is.
//!
//! A row has the name of its operation and times the largest step of that name in an iteration on 256x192 pixels, to
//! relu5_1 and back. On a GPU the time includes the round trip to it; `impasto bench` measures without it.

#![expect(clippy::unwrap_used, reason = "a bench may panic")]

use divan::Bencher;
use impasto::{
    Device, Engine, Session,
    gpu::{self, ForcedVariants, Gpu, ShaderChecks, Variant, WorkShape},
    plan::{
        Network, Optimizer, Plan, Pooling, Precision, Routine, Size, SlotId, Step, Storage, Tensor, Window, iteration,
    },
    random::Random,
    style::Recipe,
    weights::{Filters, generated},
    write_values,
};
use std::{
    fmt,
    sync::{Arc, LazyLock},
};

const SMALL: Size = Size { width: 256, height: 192 };
const LARGE: Size = Size { width: 512, height: 384 };

static FILTERS: LazyLock<Arc<Filters>> = LazyLock::new(|| Arc::new(generated(7, Recipe::default().deepest().unwrap())));

static GPU: LazyLock<Option<Device>> = LazyLock::new(|| {
    let adapter = gpu::adapters().into_iter().next()?;
    Some(Device::Gpu(Gpu::open(&adapter, ShaderChecks::default()).unwrap()))
});

fn main() {
    println!("gpu: {}", GPU.as_ref().map_or("none", Device::name));
    divan::main();
}

/// One operation, and which kernel runs it if there are several.
struct Row {
    operation: &'static str,
    variant: Option<Variant>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variant {
            Some(variant) => write!(f, "{} {}", self.operation, variant.name()),
            None => f.write_str(self.operation),
        }
    }
}

fn plan(size: Size, pooling: Pooling, optimizer: Optimizer) -> Plan {
    let recipe = Recipe::default();
    let (window, normalisation) = (Window::whole(size), FILTERS.normalisation);
    let network = Network { window, border: recipe.border, pooling, normalisation, storage: Storage::PLAIN };
    iteration(&network, &recipe.terms_of_whole_pictures(), optimizer).unwrap()
}

/// Two plans that between them contain every operation.
static PLANS: LazyLock<[Plan; 2]> = LazyLock::new(|| {
    [plan(SMALL, Pooling::Max, Optimizer::default()), plan(SMALL, Pooling::Average, Optimizer::Lbfgs { memory: 10 })]
});

fn operations() -> Vec<&'static str> {
    let mut operations: Vec<&str> = PLANS.iter().flat_map(|plan| &plan.steps).map(Step::operation).collect();
    operations.sort_unstable();
    operations.dedup();
    operations
}

fn cpu_rows() -> Vec<Row> {
    operations().into_iter().map(|operation| Row { operation, variant: None }).collect()
}

/// Operations in every variant that can do them; none where there is no GPU.
fn gpu_rows() -> Vec<Row> {
    let Some(Device::Gpu(gpu)) = GPU.as_ref() else { return Vec::new() };
    let abilities = gpu.trusted_abilities(Precision::F32);
    let rows = |operation: &'static str| {
        let choices = WorkShape::of(&single(operation).steps[0], Precision::F32).choices(abilities);
        let mut variants: Vec<_> = choices.iter().map(|choice| choice.variant()).collect();
        variants.dedup();
        variants.into_iter().map(move |variant| Row { operation, variant })
    };
    operations().into_iter().flat_map(rows).collect()
}

/// A plan whose only step is the largest of an operation.
fn single(operation: &str) -> Plan {
    let steps =
        PLANS.iter().flat_map(|plan| plan.steps.iter().enumerate().map(move |(index, step)| (plan, index, step)));
    let cost = |(plan, _, step): &(&Plan, usize, &Step)| plan.cost(step).flops + plan.cost(step).bytes;
    let (plan, index, _) = steps.filter(|(_, _, step)| step.operation() == operation).max_by_key(cost).unwrap();
    plan.only(&[index])
}

fn engine(device: &Device, variant: Option<Variant>) -> Engine {
    let engine = Engine::new(device, FILTERS.clone()).unwrap();
    engine.with_variants(variant.map_or(ForcedVariants::NONE, ForcedVariants::from))
}

/// Times routines from their start until the device has done them.
fn time(bencher: Bencher, engine: &Engine, plan: &Plan, routines: &[Routine]) {
    let mut session = session(engine, plan);
    // Reading waits for everything requested before; reading little keeps its own time small.
    let held = (0..plan.slots.len()).filter(|&slot| plan.slots[slot].words > 0);
    let smallest = SlotId(held.min_by_key(|&slot| plan.slots[slot].words).unwrap());
    let mut run = || {
        for &routine in routines {
            session.run(routine).unwrap();
        }
        session.read(smallest).unwrap()
    };
    // The first run compiles.
    run();
    bencher.bench_local(run);
}

/// A session with numbers of plausible size in every slot that holds numbers.
fn session(engine: &Engine, plan: &Plan) -> Box<dyn Session> {
    let mut session = engine.session(plan).unwrap();
    let mut random = Random::new(3);
    for (index, slot) in plan.slots.iter().enumerate().filter(|(_, slot)| slot.words > 0) {
        let values = match slot.tensor {
            Tensor::ReluMask(_) | Tensor::PoolWinners(_) => vec![0.0; slot.words],
            // Rows 0 and 0, and coefficients that are not zero, which could be skipped.
            Tensor::LbfgsControl => [vec![0.0; 4], vec![1e-3; slot.words - 4]].concat(),
            Tensor::State => vec![0.0, 0.0, 1.0, 1.0, 1.0],
            Tensor::AdamRates => vec![0.02, 1e-8],
            Tensor::Coefficients => vec![1e-6; slot.words],
            Tensor::InverseGradientScale => vec![1.0],
            _ => random.uniform_values(slot.words, 0.0, 1.0),
        };
        write_values(session.as_mut(), SlotId(index), &values).unwrap();
    }
    session
}

#[divan::bench(args = cpu_rows(), max_time = 0.5, sample_size = 1)]
fn cpu(bencher: Bencher, row: &Row) {
    time(bencher, &engine(&Device::Cpu(None), row.variant), &single(row.operation), &[Routine::Evaluate]);
}

#[divan::bench(args = gpu_rows(), max_time = 0.5, sample_size = 1)]
fn gpu(bencher: Bencher, row: &Row) {
    let device = GPU.as_ref().unwrap();
    time(bencher, &engine(device, row.variant), &single(row.operation), &[Routine::Evaluate]);
}

#[divan::bench(args = [SMALL, LARGE], sample_count = 10, sample_size = 1)]
fn cpu_iteration(bencher: Bencher, size: Size) {
    let plan = plan(size, Pooling::Max, Optimizer::default());
    time(bencher, &engine(&Device::Cpu(None), None), &plan, &[Routine::Evaluate, Routine::Adam]);
}

#[divan::bench(args = GPU.iter().map(|_| SMALL), sample_count = 5, sample_size = 1)]
fn gpu_iteration(bencher: Bencher, size: Size) {
    let plan = plan(size, Pooling::Max, Optimizer::default());
    let device = GPU.as_ref().unwrap();
    time(bencher, &engine(device, None), &plan, &[Routine::Evaluate, Routine::Adam]);
}
