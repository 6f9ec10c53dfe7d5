//! Runs the network and its losses on a back end, from pictures to numbers.

use super::file::Array;
use impasto::{
    Session,
    plan::{
        self, AdamRates, AdamSettings, Border, FeatureShape, IterationState, Network, Optimizer, PerTerm, Plan,
        Pooling, Region, Representation, Routine, Size, Storage, Tensor, Term, Window,
    },
    read_values,
    style::{Objective, WeightedTerm, coefficients},
    vgg19::Layer,
    weights::Filters,
    write_values,
};
use std::sync::Arc;

/// Opens a session on the back end under test.
pub type Open = fn(&Plan, &Arc<Filters>) -> Box<dyn Session>;

/// A back end with filters and the variant of the network.
#[derive(Clone)]
pub struct Machine {
    pub open: Open,
    pub filters: Arc<Filters>,
    pub border: Border,
    pub pooling: Pooling,
}

/// Feature maps and Gram matrices of a picture.
pub struct Seen {
    /// Haloed NHWC.
    pub features: Vec<(FeatureShape, Vec<f32>)>,
    pub grams: Vec<Vec<f32>>,
}

impl Machine {
    fn network(&self, size: Size) -> Network {
        Network {
            window: Window::whole(size),
            border: self.border,
            pooling: self.pooling,
            normalisation: self.filters.normalisation,
            storage: Storage::PLAIN,
        }
    }

    /// Features and Gram matrices of a picture `[3, H, W]`.
    pub fn look(&self, picture: &Array, features: &[Layer], grams: &[Layer]) -> Seen {
        let mut wanted: Vec<_> = features.iter().copied().map(Representation::Features).collect();
        wanted.extend(grams.iter().copied().map(|layer| Representation::Gram(layer, Region::WHOLE)));
        let plan = plan::features(&self.network(picture.size()), &wanted).unwrap();
        let mut session = (self.open)(&plan, &self.filters);
        write(&mut *session, &plan, Tensor::Image, &picture.interleaved());
        session.run(Routine::Features).unwrap();
        let shape = |layer| FeatureShape::of_layer(layer, picture.size());
        Seen {
            features: features
                .iter()
                .map(|&layer| (shape(layer), read(&mut *session, &plan, Tensor::Features(layer))))
                .collect(),
            grams: grams.iter().map(|&layer| read(&mut *session, &plan, Tensor::Gram(layer, Region::WHOLE))).collect(),
        }
    }

    /// A session with targets and coefficients in place, for pictures of the content's size.
    pub fn start(&self, objective: &Objective, content: &Array, style: &Array, optimizer: Optimizer) -> Running {
        let plan = plan::iteration(&self.network(content.size()), &objective.terms(), optimizer).unwrap();
        let mut session = (self.open)(&plan, &self.filters);
        let layers = |wanted: fn(Term) -> bool| -> Vec<Layer> {
            objective.terms().into_iter().filter(|term| wanted(*term)).filter_map(Term::layer).collect()
        };
        let mut features =
            self.look(content, &layers(|term| matches!(term, Term::Content(_))), &[]).features.into_iter();
        let mut grams = self.look(style, &[], &layers(|term| matches!(term, Term::Style(_)))).grams.into_iter();
        let mut scale = |&WeightedTerm { term, share, weight }: &WeightedTerm| {
            let target = match term {
                Term::Content(_) => features.next().unwrap().1,
                Term::Style(_) => grams.next().unwrap(),
                Term::TotalVariation | Term::Edges => Vec::new(),
            };
            if term.layer().is_some() {
                write(&mut *session, &plan, Tensor::Target(term), &target);
            }
            (
                term,
                coefficients::scale(
                    objective.scaling,
                    term,
                    weight * share,
                    content.size(),
                    Some(target.iter().map(|&value| f64::from(value).powi(2)).sum()),
                ),
            )
        };
        let scales: PerTerm<_> = objective.terms.iter().map(&mut scale).collect();
        coefficients::write(&mut *session, &plan, &scales, 1.0).unwrap();
        Running { session, plan }
    }
}

/// An optimisation in progress.
pub struct Running {
    session: Box<dyn Session>,
    plan: Plan,
}

impl Running {
    pub fn set_picture(&mut self, picture: &Array) {
        write(&mut *self.session, &self.plan, Tensor::Image, &picture.interleaved());
    }

    pub fn evaluate(&mut self) -> PerTerm<f32> {
        self.session.run(Routine::Evaluate).unwrap();
        let values = self.read(Tensor::LossValues);
        PerTerm::new(&self.plan.terms, values)
    }

    /// Sets Adam's state and moments to their values before the first step.
    pub fn start_adam(&mut self, learning_rate: f32) {
        let slot = |tensor| self.plan.find(tensor).unwrap();
        let rates = AdamRates { learning_rate, epsilon: 1e-8 };
        self.session.write(slot(Tensor::State), bytemuck::bytes_of(&IterationState::INITIAL)).unwrap();
        self.session.write(slot(Tensor::AdamRates), bytemuck::bytes_of(&rates)).unwrap();
    }

    pub fn adam(&mut self) {
        self.session.run(Routine::Adam).unwrap();
    }

    pub fn read(&mut self, tensor: Tensor) -> Vec<f32> {
        read(&mut *self.session, &self.plan, tensor)
    }
}

/// Settings of the golden trajectories.
pub const ADAM: AdamSettings = AdamSettings { betas: [0.9, 0.99], decay: 0.99 };

fn write(session: &mut dyn Session, plan: &Plan, tensor: Tensor, values: &[f32]) {
    let slot = plan.find(tensor).unwrap();
    write_values(session, slot, values).unwrap();
}

fn read(session: &mut dyn Session, plan: &Plan, tensor: Tensor) -> Vec<f32> {
    let slot = plan.find(tensor).unwrap();
    let mut values = read_values(session, slot).unwrap();
    values.truncate(plan.slot(slot).words);
    values
}
