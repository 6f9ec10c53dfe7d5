//! Several losses at once: terms together give the sum of what each gives alone, on every back end.

use crate::common::{gpu, layer};
use impasto::{
    Device, Engine,
    picture::Picture,
    plan::{Border, PerTerm, Pooling, Precision, Region, Routine, Size, Statistic, Style, Tensor, Term, iteration},
    read_values,
    style::{
        Objective, Outline, PaintingOutline, RegionOutline, ScalePictures, Scaling, Targets, WeightedTerm, network,
    },
    tolerance,
    vgg19::Layer,
    weights::generated,
    write_values,
};
use std::sync::Arc;

const SIZE: Size = Size { width: 21, height: 15 };
/// Two regions, each all of the picture, so that only their paintings differ.
const REGIONS: [Region; 2] = [Region { number: 0, weighted: false }, Region { number: 1, weighted: false }];

fn style(layer: Layer, region: usize, statistic: Statistic) -> Term {
    Term::Style(Style { layer, region: REGIONS[region], statistic })
}

/// One layer with four terms, two of which differ in the painting alone, one with three, and the picture itself.
fn weighted_terms() -> Vec<WeightedTerm> {
    let (low, high) = (layer("relu1_2"), layer("relu2_1"));
    let terms = [
        (style(low, 0, Statistic::Gram), 0.75, 6.0),
        (style(low, 1, Statistic::Gram), 0.5, 2.0),
        (style(low, 1, Statistic::Moments), 0.5, 1.0),
        (Term::Content(low), 0.25, 1.5),
        (style(high, 1, Statistic::Wasserstein), 1.0, 4.0),
        (style(high, 1, Statistic::Moments), 1.0, 2.0),
        (Term::Content(high), 0.5, 1.0),
        (Term::TotalVariation, 1.0, 0.5),
        (Term::Edges, 1.0, 0.75),
    ];
    terms.map(|(term, share, weight)| WeightedTerm { term, share, weight }).to_vec()
}

fn outline() -> Outline {
    let painting = |region| PaintingOutline { size: SIZE, masked: false, region, share: 1.0, scale: 1.0 };
    Outline {
        content: SIZE,
        paintings: vec![painting(0), painting(1)],
        regions: REGIONS.map(|region| RegionOutline { region, area: 1.0 }).to_vec(),
        frozen: false,
    }
}

/// The total loss, its terms, and its gradient.
fn evaluate(engine: &Engine, terms: Vec<WeightedTerm>) -> (f64, PerTerm<f32>, Vec<f32>) {
    let objective = Objective { scaling: Scaling::Relative, terms };
    let (border, pooling, precision) = (Border::Replicate, Pooling::Max, Precision::F32);
    let network = network(engine, precision, SIZE, border, pooling);
    let plan = iteration(&network, &objective.terms(), Default::default()).unwrap();
    let paintings = [Picture::noise(SIZE, 2), Picture::noise(Size { width: 34, height: 18 }, 3).resize(SIZE)];
    let image = Picture::noise(SIZE, 4);
    let pictures = ScalePictures::exact(&Picture::noise(SIZE, 1), &[&paintings[0], &paintings[1]], &image);
    let outline = outline();
    let targets = Targets::made(engine, precision, border, pooling, &objective, &outline, &pictures).unwrap();
    let mut session = engine.session(&plan).unwrap();
    objective.write(session.as_mut(), &plan, &outline, &pictures, &targets).unwrap();
    let slot = |tensor| plan.find(tensor).unwrap();
    write_values(session.as_mut(), slot(Tensor::Image), image.pixels()).unwrap();
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
            if weighted.term.layer().is_none() {
                // What looks at the picture alone paints nothing, so here it goes with a loss of weight zero.
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
    let value = |region| *values.get(style(layer("relu1_2"), region, Statistic::Gram)).unwrap();
    assert!((value(0) / value(1) - 1.0).abs() > 1e-3, "{} and {}", value(0), value(1));
}
