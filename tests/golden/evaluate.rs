//! Runs the network and its losses on a back end, from pictures to numbers.

use super::file::Array;
use impasto::{
    Session,
    plan::{
        self, AdamSettings, Border, FeatureShape, Losses, Network, Optimizer, Plan, Pooling, Routine, Size, Storage,
        Tensor, Wanted, Window,
    },
    read_values,
    style::coefficients::{self, Scaling},
    vgg19::Layer,
    weights::Filters,
    write_values,
};
use std::sync::Arc;

/// Opens a session of the back end in question.
pub type Open = fn(&Plan, &Arc<Filters>) -> Box<dyn Session>;

/// A back end with filters and the variant of the network.
#[derive(Clone)]
pub struct Machine {
    pub open: Open,
    pub filters: Arc<Filters>,
    pub border: Border,
    pub pooling: Pooling,
}

/// Layers that carry losses, their weights and how they are scaled.
pub struct Objective {
    pub content: Layer,
    pub style: Vec<Layer>,
    /// Of content, of the mean of the style losses, and of total variation.
    pub weights: [f64; 3],
    pub scaling: Scaling,
}

/// Feature maps and Gram matrices of a picture.
pub struct Seen {
    /// Haloed NHWC.
    pub features: Vec<(FeatureShape, Vec<f32>)>,
    pub grams: Vec<Vec<f32>>,
}

/// Loss values: content, style layers in order, total variation.
pub type LossValues = Vec<f32>;

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
        let wanted = Wanted { features: features.to_vec(), grams: grams.to_vec() };
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
            grams: grams.iter().map(|&layer| read(&mut *session, &plan, Tensor::Gram(layer))).collect(),
        }
    }

    /// A session with targets and coefficients in place, for pictures of the content's size.
    pub fn start(&self, objective: &Objective, content: &Array, style: &Array, optimizer: Optimizer) -> Running {
        let losses = Losses { content: vec![objective.content], style: objective.style.clone() };
        let plan = plan::iteration(&self.network(content.size()), &losses, optimizer).unwrap();
        let mut session = (self.open)(&plan, &self.filters);
        let [content_weight, style_weight, tv_weight] = objective.weights;
        let layer_weight = style_weight / objective.style.len() as f64;

        let (shape, target) = self.look(content, &[objective.content], &[]).features.remove(0);
        let squares = coefficients::sum_of_squares(&target);
        let values = shape.pixels() * shape.channels as usize;
        let mut scales = vec![coefficients::content(objective.scaling, content_weight, values, squares)];
        write(&mut *session, &plan, Tensor::ContentTarget(objective.content), &target);

        for (&layer, target) in objective.style.iter().zip(self.look(style, &[], &objective.style).grams) {
            let shape = FeatureShape::of_layer(layer, content.size());
            let squares = coefficients::sum_of_squares(&target);
            let channels = shape.channels as usize;
            let scale = coefficients::style(objective.scaling, layer_weight, channels, shape.pixels(), squares);
            scales.push(scale);
            write(&mut *session, &plan, Tensor::StyleTarget(layer), &target);
        }
        scales.push(coefficients::total_variation(tv_weight));
        scales.push(coefficients::LossScale { value: 1.0, gradient: 1.0 });
        write(&mut *session, &plan, Tensor::Coefficients, bytemuck::cast_slice(&scales));
        Running { session, plan }
    }
}

/// An optimisation under way.
pub struct Running {
    session: Box<dyn Session>,
    plan: Plan,
}

impl Running {
    pub fn set_picture(&mut self, picture: &Array) {
        write(&mut *self.session, &self.plan, Tensor::Image, &picture.interleaved());
    }

    pub fn evaluate(&mut self) -> LossValues {
        self.session.run(Routine::Evaluate).unwrap();
        self.read(Tensor::LossValues)
    }

    /// Sets the state and moments of Adam to what they are before the first step.
    pub fn start_adam(&mut self) {
        write(&mut *self.session, &self.plan, Tensor::State, &[0.0, 0.0, 1.0, 1.0, 1.0]);
    }

    pub fn adam(&mut self) {
        self.session.run(Routine::Adam).unwrap();
    }

    pub fn read(&mut self, tensor: Tensor) -> Vec<f32> {
        read(&mut *self.session, &self.plan, tensor)
    }
}

/// Settings of the golden trajectories, which differ in the learning rate.
pub fn adam(learning_rate: f32) -> AdamSettings {
    AdamSettings { learning_rate, betas: [0.9, 0.99], epsilon: 1e-8, decay: 0.99 }
}

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
