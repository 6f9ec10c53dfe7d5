//! The table of cases.

mod convolution;
mod fused;
mod losses;
mod matrices;
mod optimizers;
mod pictures;
mod pooling;
mod statistics;

use super::check::Check;
use super::sketch::Sketch;
use super::{Case, GUARD};
use crate::plan::{Destination, FeatureShape, Map, Precision, Rows, SlotId, Tensor};
use crate::vgg19::Layer;
use crate::weights::{Filters, generated};
use std::sync::Arc;

/// Every case of one step on whole maps of f32, by subject.
pub fn cases() -> Vec<Case> {
    let filters = Arc::new(generated(7, layer("relu4_2")));
    let groups = [
        pictures::cases,
        convolution::cases,
        pooling::cases,
        statistics::cases,
        matrices::cases,
        losses::cases,
        optimizers::cases,
    ];
    groups.iter().flat_map(|group| group(&filters)).collect()
}

/// A quick one, to find out if a device works at all.
pub fn starting_case() -> Case {
    optimizers::starting_case(&Arc::new(generated(7, Layer::FIRST)))
}

/// Cases of two steps for back ends that execute them together, on whole maps of f32.
pub fn fused_cases() -> Vec<Case> {
    fused::cases(&Arc::new(generated(7, layer("relu2_2"))))
}

/// Everything for a back end that fuses steps, computes maps in bands and, if it has f16, stores them so. Each case has
/// a unique name.
pub fn all_cases(f16: bool) -> Vec<Case> {
    let mut cases = [cases(), fused_cases(), banded_cases(), large_cases()].concat();
    if f16 {
        let halves = f16_cases();
        let is_new = |case: &Case| halves.iter().all(|half| half.name != case.name);
        cases.extend(cooperative_cases().into_iter().filter(is_new));
        cases.extend(halves);
    }
    cases
}

/// Some cases, on pictures and vectors of f32, with more workgroups than a device launches along one dimension.
pub fn large_cases() -> Vec<Case> {
    let filters = Arc::new(generated(7, Layer::FIRST));
    [pictures::large_cases(&filters), optimizers::large_cases(&filters)].concat()
}

/// Every case that works on maps, repeated on some of their rows: the first, the last, and some between.
pub fn banded_cases() -> Vec<Case> {
    [cases(), fused_cases()].iter().flatten().flat_map(Case::in_bands).collect()
}

/// Every case that works on maps, whole and in bands, with maps and filters stored as f16.
pub fn f16_cases() -> Vec<Case> {
    let whole = [cases(), fused_cases()].concat();
    let banded = whole.iter().flat_map(Case::in_bands);
    stored_in(Precision::F16, &banded.chain(whole.iter().cloned()).collect::<Vec<_>>())
}

/// A few small cases, stored as f16, of the operations that run on cooperative matrices.
pub fn cooperative_cases() -> Vec<Case> {
    let filters = Arc::new(generated(7, layer("relu2_2")));
    // The quick ones first.
    let cases = [statistics::cooperative_cases(&filters), convolution::cooperative_cases(&filters)].concat();
    stored_in(Precision::F16, &cases)
}

/// The cases that work on maps, with maps and filters stored in this precision. Cases that share filters still do so
/// afterwards.
fn stored_in(precision: Precision, cases: &[Case]) -> Vec<Case> {
    let mut rounded: Vec<(&Arc<Filters>, Arc<Filters>)> = Vec::new();
    let mut stored = Vec::new();
    for case in cases {
        let known = rounded.iter().find(|(exact, _)| Arc::ptr_eq(exact, &case.filters));
        let filters = known.map_or_else(|| Arc::new(case.filters.rounded_to(precision)), |(_, known)| known.clone());
        rounded.push((&case.filters, filters.clone()));
        stored.extend(case.stored_in(precision, filters));
    }
    stored
}

/// A layer of the table.
fn layer(name: &str) -> Layer {
    name.parse().expect("the table names layers of VGG19")
}

/// How a backward step stores its gradient.
#[derive(Clone, Copy, Debug)]
struct Store {
    accumulate: bool,
    masked: bool,
}

const PLAIN: Store = Store { accumulate: false, masked: false };
const MASKED: Store = Store { accumulate: false, masked: true };
const ADDED: Store = Store { accumulate: true, masked: false };
const ADDED_AND_MASKED: Store = Store { accumulate: true, masked: true };

impl Store {
    /// The destination's slots, with old values where they matter and NaN where they do not.
    fn destination(self, sketch: &mut Sketch, tensor: Tensor, layer: Layer, shape: FeatureShape) -> Destination {
        let output =
            if self.accumulate { sketch.map(tensor, shape, -1.0, 0.5) } else { sketch.unwritten_map(tensor, shape) };
        sketch.check(Check::Array(output.slot));
        Destination { output, accumulate: self.accumulate, mask: self.masked.then(|| mask(sketch, layer, shape)) }
    }
}

impl std::fmt::Display for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.accumulate, self.masked) {
            (false, false) => "plain",
            (false, true) => "masked",
            (true, false) => "added",
            (true, true) => "added and masked",
        })
    }
}

/// A random ReLU mask.
fn mask(sketch: &mut Sketch, layer: Layer, shape: FeatureShape) -> SlotId {
    sketch.bits(Tensor::ReluMask(layer), shape, shape.channels.div_ceil(32) as usize)
}

/// The shape of a layer's output at its own size.
fn shape(layer: Layer, width: u32, height: u32) -> FeatureShape {
    FeatureShape { width, height, channels: layer.output_channels() }
}
