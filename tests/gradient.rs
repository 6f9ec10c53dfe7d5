//! Whole iterations: the gradient against central differences of the loss, and the CPU against the reference.

use crate::common::{self, distance, layer};
use impasto::plan::{
    Border, Network, Optimizer, PerTerm, Plan, Pooling, Region, Routine, Size, Statistic, Style, Tensor, Term,
    iteration,
};
use impasto::style::coefficients::{self, LossScale};
use impasto::weights::{Filters, generated};
use impasto::{Session, cpu, read_values, reference, tolerance, write_values};
use std::num::NonZeroUsize;
use std::sync::Arc;

fn network(width: u32, height: u32, border: Border, pooling: Pooling) -> Network {
    Network { border, pooling, ..common::network(Size { width, height }) }
}

/// A session with a random picture, random targets and coefficients that give all losses about the same weight.
fn prepare(plan: &Plan, session: &mut dyn Session) {
    common::write_random_inputs(plan, session);
    let words = |term| plan.slot(plan.find(Tensor::Target(term)).unwrap()).words as f32;
    let scale = |term: Term| {
        let (value, gradient) = match term {
            Term::Content(_) => (1.0 / words(term), 2.0 / words(term)),
            Term::Style(at) => {
                let pixels = plan.window.size.pooled(at.layer.poolings()).pixels() as f32;
                match at.statistic {
                    Statistic::Gram => (1.0 / words(term), 4.0 / (words(term) * pixels)),
                    Statistic::Moments => (1e-4, 2e-4 / pixels),
                    Statistic::Wasserstein => (0.1, 0.2 / pixels),
                }
            }
            Term::TotalVariation => (3.0, 3.0),
            Term::Edges => (1.0 / words(term), 2.0 / words(term)),
        };
        (term, LossScale { value, gradient })
    };
    let scales: PerTerm<LossScale> = plan.terms.iter().copied().map(scale).collect();
    coefficients::write(session, plan, &scales, 1.0).unwrap();
    write_values(session, plan.find(Tensor::State).unwrap(), &[0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
    write_values(session, plan.find(Tensor::AdamRates).unwrap(), &[0.02, 1e-8]).unwrap();
}

/// The sum of all losses.
fn loss(plan: &Plan, session: &mut dyn Session) -> f64 {
    session.run(Routine::Evaluate).unwrap();
    let losses = read_values(session, plan.find(Tensor::LossValues).unwrap()).unwrap();
    losses.into_iter().map(f64::from).sum()
}

/// Compares the gradient with central differences of the loss with respect to single values of the picture.
///
/// The step is a compromise: it seldom crosses kinks of ReLUs and max poolings, and the rounding of a loss value, 2^-24
/// of it, divided by the step is still well below the tolerance.
fn check_gradient(border: Border, pooling: Pooling, terms: &[Term]) {
    // On a torus every pooling must halve the sides.
    let (width, height, step) = if border == Border::Wrap { (20, 18, 2e-4_f32) } else { (19, 17, 2e-4) };
    let plan = iteration(&network(width, height, border, pooling), terms, Optimizer::default()).unwrap();
    let deepest = terms.iter().filter_map(|term| term.layer()).max().unwrap();
    let filters = Arc::new(generated(5, deepest));
    let session: &mut dyn Session = &mut reference::Session::new(&plan, &filters).unwrap();
    prepare(&plan, session);
    loss(&plan, session);
    let image_slot = plan.find(Tensor::Image).unwrap();
    let image = read_values(session, image_slot).unwrap();
    let gradient = read_values(session, plan.find(Tensor::ImageGradient).unwrap()).unwrap();
    // Two corners, an edge and the middle.
    for (x, y) in [(0, 0), (width - 1, height - 1), (9, 0), (8, 8)] {
        let start = ((y * width + x) * 3) as usize;
        for channel in 0..3 {
            let value = start + channel;
            let mut at = |offset: f32| {
                let mut moved = image.clone();
                moved[value] += offset;
                write_values(session, image_slot, &moved).unwrap();
                loss(&plan, session)
            };
            let difference = (at(step) - at(-step)) / (2.0 * f64::from(step));
            let largest = gradient.iter().fold(0.0_f32, |largest, g| largest.max(g.abs()));
            let error = (difference - f64::from(gradient[value])).abs() / f64::from(largest);
            assert!(
                error < 0.01,
                "{border:?} {pooling:?}, pixel {x} {y} channel {channel}: difference {difference}, gradient {}",
                gradient[value]
            );
        }
    }
}

/// Content and style at one layer, and two styles at two others.
fn middle() -> Vec<Term> {
    let mut terms = common::terms(&["relu2_1", "relu3_1"], &["relu1_1", "relu2_1", "relu2_2"]);
    terms.extend(["relu1_1", "relu2_2"].map(|name| Term::gram(layer(name), 1)));
    terms
}

/// Losses only directly before and directly behind a pooling, and at the picture.
fn pooled() -> Vec<Term> {
    [common::terms(&["relu1_2"], &["relu3_2"]), vec![Term::Edges]].concat()
}

/// Every statistic, of the whole picture and of a weighted region.
fn statistics(weighted: bool) -> Vec<Term> {
    let region = Region { number: 2, weighted };
    let style = |name, statistic| Term::Style(Style { layer: layer(name), region, statistic });
    vec![
        style("relu1_1", Statistic::Wasserstein),
        style("relu1_2", Statistic::Moments),
        style("relu2_1", Statistic::Gram),
        style("relu2_2", Statistic::Wasserstein),
    ]
}

#[test]
fn gradient_is_that_of_the_loss_with_max_pooling_and_zero_border() {
    check_gradient(Border::Zero, Pooling::Max, &middle());
}

#[test]
fn gradient_is_that_of_the_loss_with_average_pooling_and_replicated_border() {
    check_gradient(Border::Replicate, Pooling::Average, &middle());
}

#[test]
fn gradient_is_that_of_the_loss_with_max_pooling_and_replicated_border() {
    check_gradient(Border::Replicate, Pooling::Max, &pooled());
}

#[test]
fn gradient_is_that_of_the_loss_with_average_pooling_and_zero_border() {
    check_gradient(Border::Zero, Pooling::Average, &pooled());
}

#[test]
fn gradients_of_all_statistics_are_those_of_their_losses() {
    check_gradient(Border::Replicate, Pooling::Max, &statistics(false));
}

#[test]
fn gradients_of_all_statistics_over_a_region_are_those_of_their_losses() {
    check_gradient(Border::Zero, Pooling::Average, &statistics(true));
}

#[test]
fn the_gradient_on_a_torus_is_that_of_the_loss() {
    check_gradient(Border::Wrap, Pooling::Max, &statistics(true));
}

/// Image, gradient, losses and average after two iterations.
fn two_iterations(plan: &Plan, session: &mut dyn Session) -> Vec<Vec<f32>> {
    prepare(plan, session);
    for _ in 0..2 {
        session.run(Routine::Evaluate).unwrap();
        session.run(Routine::Adam).unwrap();
    }
    let tensors = [Tensor::Image, Tensor::ImageGradient, Tensor::LossValues, Tensor::Average];
    tensors.map(|tensor| read_values(session, plan.find(tensor).unwrap()).unwrap()).to_vec()
}

#[test]
fn two_iterations_at_an_odd_size_agree_with_the_reference_and_with_themselves() {
    for (border, pooling) in [(Border::Zero, Pooling::Max), (Border::Replicate, Pooling::Average)] {
        let terms = common::terms(&["relu3_2"], &["relu1_1", "relu2_1", "relu3_1", "relu4_1"]);
        let plan = iteration(&network(37, 29, border, pooling), &terms, Optimizer::default()).unwrap();
        let filters: Arc<Filters> = Arc::new(generated(5, "relu4_1".parse().unwrap()));
        let on_cpu = |threads: usize| {
            let mut session = cpu::Session::new(&plan, &filters, NonZeroUsize::new(threads)).unwrap();
            two_iterations(&plan, &mut session)
        };
        let found = on_cpu(2);
        let expected = two_iterations(&plan, &mut reference::Session::new(&plan, &filters).unwrap());
        let names = ["image", "gradient", "losses", "average"];
        for ((name, found), expected) in names.iter().zip(&found).zip(&expected) {
            let distance = distance(found, expected);
            println!("{border:?} {pooling:?} {name}: {distance:.1e}");
            assert!(distance < tolerance::F32_NETWORK, "{border:?} {pooling:?} {name}: {distance:e}");
        }
        assert_eq!(on_cpu(2), found, "{border:?} {pooling:?}: the same input gives other bits");
    }
}
