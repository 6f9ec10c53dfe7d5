//! Several paintings at once: terms together give the sum of what each gives alone, on every back end.

use crate::common::{gpu, layer};
use impasto::{
    Device, Engine,
    picture::Picture,
    plan::{Border, Comparison, PerTerm, Pooling, Precision, Routine, Size, Source, Tensor, Term, iteration},
    read_values,
    style::{Objective, Scaling, Sources, Targets, WeightedTerm, network},
    tolerance,
    vgg19::Layer,
    weights::generated,
    write_values,
};
use std::sync::Arc;

/// One layer with four terms, two of which differ in the painting alone, and one with two.
fn weighted_terms() -> Vec<WeightedTerm> {
    let (low, high) = (layer("relu1_2"), layer("relu2_1"));
    let of_painting = |layer: Layer| Term::Content(Comparison { layer, source: Source::Painting(1) });
    let terms = [
        (Term::style(low, 0), 0.75, 6.0),
        (Term::style(low, 1), 0.5, 2.0),
        (Term::content(low), 0.25, 1.5),
        (of_painting(low), 0.25, 0.5),
        (Term::style(high, 1), 1.0, 4.0),
        (Term::content(high), 0.5, 1.0),
        (Term::TotalVariation, 1.0, 0.5),
    ];
    terms.map(|(term, share, weight)| WeightedTerm { term, share, weight }).to_vec()
}

/// The total loss, its terms, and its gradient.
fn evaluate(engine: &Engine, terms: Vec<WeightedTerm>) -> (f64, PerTerm<f32>, Vec<f32>) {
    let size = Size { width: 21, height: 15 };
    let objective = Objective { scaling: Scaling::Relative, terms };
    let (border, pooling, precision) = (Border::Replicate, Pooling::Max, Precision::F32);
    let network = network(engine, precision, size, border, pooling);
    let plan = iteration(&network, &objective.terms(), Default::default()).unwrap();
    let paintings = [Picture::noise(size, 2), Picture::noise(Size { width: 34, height: 18 }, 3).resize(size)];
    let photograph = Picture::noise(size, 1);
    let sources = Sources { photograph: &photograph, paintings: &[&paintings[0], &paintings[1]] };
    let targets = Targets::new(engine, precision, border, pooling, &objective.terms(), sources).unwrap();
    let mut session = engine.session(&plan).unwrap();
    objective.write(session.as_mut(), &plan, &targets).unwrap();
    let slot = |tensor| plan.find(tensor).unwrap();
    write_values(session.as_mut(), slot(Tensor::Image), Picture::noise(size, 4).pixels()).unwrap();
    session.write(slot(Tensor::State), bytemuck::bytes_of(&impasto::plan::IterationState::INITIAL)).unwrap();
    session.run(Routine::Evaluate).unwrap();
    let mut read = |tensor| read_values(session.as_mut(), slot(tensor)).unwrap();
    let values = PerTerm::new(&plan.terms, read(Tensor::LossValues));
    (objective.loss(&values).total, values, read(Tensor::ImageGradient))
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[test]
fn terms_together_give_the_sum_of_what_each_gives() {
    let filters = Arc::new(generated(5, layer("relu2_1")));
    for device in [Device::Reference, Device::Cpu(None), Device::Gpu(gpu())] {
        let engine = Engine::new(&device, filters.clone()).unwrap();
        let (total, values, gradient) = evaluate(&engine, weighted_terms());
        let (mut sum, mut added) = (0.0, vec![0.0_f64; gradient.len()]);
        for weighted in weighted_terms() {
            let mut alone = vec![weighted];
            if weighted.term == Term::TotalVariation {
                // Total variation alone paints nothing, so here it goes with a loss of weight zero.
                alone.push(WeightedTerm { weight: 0.0, ..weighted_terms()[0] });
            }
            let (loss, single, gradient) = evaluate(&engine, alone);
            let (alone, together) = (single.get(weighted.term).unwrap(), values.get(weighted.term).unwrap());
            let what = format!("{} on {}", weighted.term, engine.name());
            assert!(*alone > 0.0 && ((alone - together) / alone).abs() < 1e-5, "{what}: {alone} and {together}");
            assert!(gradient.iter().any(|value| *value != 0.0), "{what}: no gradient");
            sum += loss;
            added.iter_mut().zip(&gradient).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        assert!((total / sum - 1.0).abs() < tolerance::F32_LOSS, "{}: {total} for {sum}", engine.name());
        let apart = norm(gradient.iter().zip(&added).map(|(found, sum)| f64::from(*found) - sum));
        assert!(apart < tolerance::F32_GRADIENT * norm(added.into_iter()), "{}: {apart}", engine.name());
    }
}

#[test]
fn other_paintings_give_other_targets() {
    let engine = Engine::new(&Device::Cpu(None), Arc::new(generated(5, layer("relu2_1")))).unwrap();
    let (_, values, _) = evaluate(&engine, weighted_terms());
    let value = |painting| *values.get(Term::style(layer("relu1_2"), painting)).unwrap();
    assert!((value(0) / value(1) - 1.0).abs() > 1e-3, "{} and {}", value(0), value(1));
}
