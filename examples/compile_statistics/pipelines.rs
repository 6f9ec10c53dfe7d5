//! Every pipeline that painting can ask of an AMD GPU.

pub use impasto::gpu::PipelineSource as Pipeline;

use impasto::{
    gpu::{Abilities, Resources, Vendor, pipeline_sources},
    plan::{
        Border, Network, Optimizer, Plan, Pooling, Precision, Region, Representation, Size, Statistic, Storage, Style,
        Term, Window, features, iteration_of_some_pixels,
    },
    style::Recipe,
    weights::Normalisation,
};

/// Long sides that lead to small and large tiles, whole maps and bands.
const SIZES: [Size; 3] =
    [Size { width: 181, height: 121 }, Size { width: 512, height: 384 }, Size { width: 1448, height: 1086 }];

/// The abilities that such a GPU is assumed to have.
fn abilities(cooperative_matrices: bool) -> Abilities {
    let resources = Resources { invocations: 1024, workgroup_memory: 64 << 10, storage_buffers: 64 };
    Abilities { vendor: Vendor::Amd, filling_groups: 200, resources, cooperative_matrices, largest_subgroup: 64 }
}

/// Each once, in the order in which painting first asks for it.
pub fn pipelines(f16: bool, cooperative_matrices: bool) -> Vec<Pipeline> {
    let precisions: &[Precision] = if f16 { &[Precision::F32, Precision::F16] } else { &[Precision::F32] };
    let mut pipelines: Vec<Pipeline> = Vec::new();
    for &precision in precisions {
        for plan in plans(precision) {
            for pipeline in pipeline_sources(&plan, abilities(cooperative_matrices)) {
                if !pipelines.contains(&pipeline) {
                    pipelines.push(pipeline);
                }
            }
        }
    }
    pipelines
}

/// Those of the default recipe, with every statistic, of the whole picture and of a region.
fn terms() -> Vec<Term> {
    let mut terms = Vec::new();
    for term in Recipe::default().terms_of_whole_pictures() {
        let Term::Style(style) = term else {
            terms.push(term);
            continue;
        };
        for (number, weighted) in [(0, false), (1, true)] {
            let region = Region { number, weighted };
            let statistics = [Statistic::Gram, Statistic::Moments, Statistic::Wasserstein];
            terms.extend(statistics.map(|statistic| Term::Style(Style { region, statistic, ..style })));
        }
    }
    terms.push(Term::Edges);
    terms
}

/// With both poolings and both optimisers, and with the plans that run on the pictures beforehand.
fn plans(precision: Precision) -> Vec<Plan> {
    let terms = terms();
    let storage = Storage::for_binding(2 << 30, precision);
    let mut plans = Vec::new();
    for (size, pooling, optimizer) in SIZES.iter().flat_map(|&size| {
        [(size, Pooling::Max, Optimizer::default()), (size, Pooling::Average, Optimizer::Lbfgs { memory: 10 })]
    }) {
        let network = Network {
            window: Window::whole(size),
            border: Border::Replicate,
            pooling,
            normalisation: Normalisation::IMAGENET,
            storage,
        };
        let wanted: Vec<Representation> = terms
            .iter()
            .flat_map(|term| match *term {
                Term::Content(layer) => vec![Representation::Features(layer)],
                Term::Style(Style { layer, region, .. }) => {
                    vec![Representation::Gram(layer, region), Representation::Mean(layer, region)]
                }
                Term::TotalVariation | Term::Edges => Vec::new(),
            })
            .collect();
        plans.extend(
            [features(&network, &wanted), iteration_of_some_pixels(&network, &terms, optimizer)]
                .map(|plan| plan.expect("the sizes suit the default layers")),
        );
    }
    plans
}
