//! One whole iteration on the CPU: network to relu5_1 and back, content, style and total variation losses, Adam.

#![expect(clippy::unwrap_used, reason = "a bench may panic")]

use impasto::plan::{Border, Losses, Network, Optimizer, Plan, Pooling, Routine, Size, Tensor, Window, iteration};
use impasto::random::Random;
use impasto::weights::{Filters, Normalisation, generated};
use impasto::{Session, cpu, write_values};
use std::sync::{Arc, LazyLock};

static FILTERS: LazyLock<Arc<Filters>> = LazyLock::new(|| Arc::new(generated(7, "relu5_1".parse().unwrap())));

fn main() {
    divan::main();
}

fn plan(size: Size) -> Plan {
    let network = Network {
        window: Window::whole(size),
        border: Border::Zero,
        pooling: Pooling::Max,
        normalisation: Normalisation::IMAGENET,
    };
    let style = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"];
    let losses =
        Losses { content: vec!["relu4_2".parse().unwrap()], style: style.map(|name| name.parse().unwrap()).to_vec() };
    iteration(&network, &losses, Optimizer::default()).unwrap()
}

#[divan::bench(args = [(256, 192), (512, 384)], sample_count = 15)]
fn cpu_iteration(bencher: divan::Bencher, (width, height): (u32, u32)) {
    let plan = plan(Size { width, height });
    let mut session = cpu::Session::new(&plan, &FILTERS, None).unwrap();
    for (tensor, low, high) in [(Tensor::Image, 0.0, 1.0), (Tensor::Coefficients, 1e-6, 2e-6)] {
        let slot = plan.find(tensor).unwrap();
        let values = Random::new(3).uniform_values(plan.slot(slot).words, low, high);
        write_values(&mut session, slot, &values).unwrap();
    }
    write_values(&mut session, plan.find(Tensor::State).unwrap(), &[0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
    bencher.bench_local(|| {
        session.run(Routine::Evaluate).unwrap();
        session.run(Routine::Adam).unwrap();
    });
}
