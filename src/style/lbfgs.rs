//! L-BFGS (Nocedal and Wright, 2006, algorithm 7.4) with vectors on the device and scalars on the host.
//!
//! The direction is a linear combination of the history's rows, so the two-loop recursion needs only their inner
//! products (Chen, Wang and Zhou, "Large-scale L-BFGS using MapReduce", NIPS 2014): the device takes those that are new,
//! the host runs the recursion in f64, and one kernel adds up the direction.

use super::line_search::{Found, Line, Point, search};
use crate::{
    BackendError, Session,
    plan::{Plan, Routine, SlotId, Tensor},
};
use std::collections::VecDeque;

/// A pair whose steps s and gradient differences y make s.y no larger tells nothing of the curvature.
const MIN_CURVATURE: f64 = 1e-10;

/// How far the first trial without a history moves a value on average, in units of the picture's range: far enough that
/// losses differ by more than their rounding, near enough that they fall.
const FIRST_CHANGE: f64 = 0.01;

/// Slots that the host writes or reads.
struct Slots {
    control: SlotId,
    results: SlotId,
}

/// The optimiser's state on the host.
pub(super) struct Lbfgs {
    memory: usize,
    /// `dots[a][b]` is the inner product of rows a and b of the history; row 2m is the gradient.
    dots: Vec<Vec<f64>>,
    /// Pairs in use, oldest first: pair j is s in row j and y in row m + j.
    pairs: VecDeque<usize>,
    slots: Slots,
    /// Loss at the base point.
    loss: f64,
    learning_rate: f64,
    /// Values of the picture.
    count: usize,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stepped {
    /// The picture is at a better point.
    Better,
    /// No better point can be found along any direction: the picture is where it was.
    Converged,
}

/// The loss along the search direction, evaluated on the device.
struct DeviceLine<'a> {
    session: &'a mut dyn Session,
    slots: &'a Slots,
    loss: &'a mut dyn FnMut(&mut dyn Session) -> Result<f64, BackendError>,
}

impl Line for DeviceLine<'_> {
    type Error = BackendError;

    fn evaluate(&mut self, step: f64) -> Result<Point, BackendError> {
        move_to(self.session, self.slots, step)?;
        let loss = (self.loss)(self.session)?;
        let [slope, ..] = scalars(self.session, self.slots)?;
        Ok(Point { step, loss, slope })
    }

    fn keep(&mut self) -> Result<(), BackendError> {
        self.session.run(Routine::KeepGradient)
    }
}

fn move_to(session: &mut dyn Session, slots: &Slots, step: f64) -> Result<(), BackendError> {
    // Rows 0 and 1 of the control are not read by a trial.
    session.write(slots.control, bytemuck::cast_slice(&[u32::MAX, u32::MAX, (step as f32).to_bits()]))?;
    session.run(Routine::LbfgsTrial)
}

/// Slope along the direction, sum of the gradient's magnitudes, largest magnitude of the direction.
fn scalars(session: &mut dyn Session, slots: &Slots) -> Result<[f64; 3], BackendError> {
    session.run(Routine::LbfgsScalars)?;
    let values = crate::read_values(session, slots.results)?;
    Ok([0, 1, 2].map(|i| f64::from(values[i])))
}

impl Lbfgs {
    /// Evaluates the start. `loss` runs an evaluation at the present picture and returns its total loss.
    pub fn start(
        session: &mut dyn Session,
        plan: &Plan,
        memory: usize,
        learning_rate: f64,
        loss: &mut dyn FnMut(&mut dyn Session) -> Result<f64, BackendError>,
    ) -> Result<Lbfgs, BackendError> {
        let find = |tensor| plan.find(tensor).expect("a plan for L-BFGS has its slots");
        let slots = Slots { control: find(Tensor::LbfgsControl), results: find(Tensor::LbfgsResults) };
        let rows = 2 * memory + 1;
        let mut lbfgs = Lbfgs {
            memory,
            dots: vec![vec![0.0; rows]; rows],
            pairs: VecDeque::new(),
            slots,
            loss: loss(session)?,
            learning_rate,
            count: 3 * plan.window.size.pixels(),
        };
        lbfgs.update(session, None)?;
        Ok(lbfgs)
    }

    /// Loss at the present point.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// One direction and a line search along it.
    pub fn step(
        &mut self,
        session: &mut dyn Session,
        loss: &mut dyn FnMut(&mut dyn Session) -> Result<f64, BackendError>,
    ) -> Result<Stepped, BackendError> {
        loop {
            let coefficients = self.direction();
            let slope = dot(&coefficients, &self.dots[2 * self.memory]);
            if slope < 0.0 && slope.is_finite() {
                self.write_direction(session, &coefficients)?;
                let start = Point { step: 0.0, loss: self.loss, slope };
                let first_step = self.trial_step(session)?;
                let found = search(&mut DeviceLine { session, slots: &self.slots, loss }, start, first_step)?;
                if found.point.step > 0.0 {
                    self.accept(session, found)?;
                    return Ok(Stepped::Better);
                }
                move_to(session, &self.slots, 0.0)?;
            }
            // A direction that does not descend comes from a history that no longer fits: begin anew from the gradient.
            if self.pairs.is_empty() {
                return Ok(Stepped::Converged);
            }
            self.pairs.clear();
        }
    }

    /// The first distance to try: the whole step, or, without a history to scale it, one that changes the picture by
    /// [`FIRST_CHANGE`].
    fn trial_step(&self, session: &mut dyn Session) -> Result<f64, BackendError> {
        if !self.pairs.is_empty() {
            return Ok(self.learning_rate);
        }
        let [_, sum, _] = scalars(session, &self.slots)?;
        Ok(self.learning_rate * FIRST_CHANGE * self.count as f64 / sum)
    }

    /// Coefficients of the history's rows: minus the inverse Hessian times the gradient.
    fn direction(&self) -> Vec<f64> {
        let m = self.memory;
        let mut direction = vec![0.0; 2 * m + 1];
        direction[2 * m] = -1.0;
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for &pair in self.pairs.iter().rev() {
            let alpha = dot(&direction, &self.dots[pair]) / self.dots[pair][m + pair];
            direction[m + pair] -= alpha;
            alphas.push(alpha);
        }
        if let Some(&newest) = self.pairs.back() {
            let scale = self.dots[newest][m + newest] / self.dots[m + newest][m + newest];
            direction.iter_mut().for_each(|coefficient| *coefficient *= scale);
        }
        for (&pair, alpha) in self.pairs.iter().zip(alphas.iter().rev()) {
            let beta = dot(&direction, &self.dots[m + pair]) / self.dots[pair][m + pair];
            direction[pair] += alpha - beta;
        }
        direction
    }

    fn write_direction(&self, session: &mut dyn Session, coefficients: &[f64]) -> Result<(), BackendError> {
        let mut control = vec![u32::MAX, u32::MAX, 0, 0];
        control.extend(coefficients.iter().map(|&coefficient| (coefficient as f32).to_bits()));
        session.write(self.slots.control, bytemuck::cast_slice(&control))?;
        session.run(Routine::LbfgsDirection)
    }

    fn accept(&mut self, session: &mut dyn Session, found: Found) -> Result<(), BackendError> {
        if !found.is_last {
            move_to(session, &self.slots, found.point.step)?;
            session.run(Routine::RestoreGradient)?;
        }
        self.loss = found.point.loss;
        let pair = if self.pairs.len() == self.memory {
            self.pairs.pop_front()
        } else {
            (0..self.memory).find(|pair| !self.pairs.contains(pair))
        };
        self.update(session, pair)
    }

    /// Makes the present point the base, keeps the step to it as `pair`, and takes the new inner products.
    fn update(&mut self, session: &mut dyn Session, pair: Option<usize>) -> Result<(), BackendError> {
        let m = self.memory;
        let rows = [pair, pair.map(|pair| m + pair)].map(|row| row.map_or(u32::MAX, |row| row as u32));
        session.write(self.slots.control, bytemuck::cast_slice(&rows))?;
        session.run(Routine::LbfgsUpdate)?;
        let results = crate::read_values(session, self.slots.results)?;
        for (i, row) in [pair, pair.map(|pair| m + pair), Some(2 * m)].into_iter().enumerate() {
            let Some(row) = row else { continue };
            for k in 0..=2 * m {
                let value = f64::from(results[i * (2 * m + 1) + k]);
                self.dots[row][k] = value;
                self.dots[k][row] = value;
            }
        }
        self.pairs.extend(pair.filter(|&pair| self.dots[pair][m + pair] > MIN_CURVATURE));
        Ok(())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
