//! L-BFGS (Nocedal and Wright, 2006, algorithm 7.4) with vectors on the device and scalars on the host.
//!
//! The direction is a linear combination of the history's rows, so the two-loop recursion needs only their inner
//! products (Chen, Wang and Zhou, "Large-scale L-BFGS using MapReduce", NIPS 2014): the device computes the new ones,
//! the host runs the recursion in f64, and one kernel adds up the direction.

use super::{
    Change, Device, Iteration, News, Optimizer, Pace, Purpose, SavedOptimizer, Start, clamped,
    line_search::{Found, Next, Point, Search},
};
use crate::{
    BackendError, Contents,
    picture::Picture,
    plan::{LbfgsControl, LbfgsScalarResults, PerTerm, Routine, Size, Tensor},
    style::{
        objective::{Loss, Objective},
        recipe::Recipe,
    },
};
use std::collections::VecDeque;

/// A pair of a step s and a gradient difference y carries curvature if s.y exceeds this fraction of |s| |y|; anything
/// smaller is rounding of the sums.
const MIN_CURVATURE: f64 = 1e-6;

/// How far the first trial without a history moves a value on average, in units of the picture's range: far enough that
/// losses differ by more than their rounding, near enough that they fall.
const FIRST_CHANGE: f64 = 0.01;

/// See [`super::kept`].
pub(super) const KEPT: &[(Tensor, &str)] = &[
    (Tensor::Image, "image"),
    (Tensor::ImageGradient, "lbfgs.gradient"),
    (Tensor::LbfgsBase, "lbfgs.base"),
    (Tensor::LbfgsHistory, "lbfgs.history"),
];

/// What the next answer reports.
#[derive(Debug)]
enum State {
    /// Nothing: the current point must be evaluated first.
    Fresh,
    /// The loss of the present point.
    Start,
    /// The inner products with the latest pair and gradient; `iterated` if they end an iteration.
    Products { pair: Option<usize>, iterated: bool },
    /// Nothing: an iteration is over.
    Rest,
    /// The norm of the gradient, which says how far the first trial goes from this point.
    Norm(Point),
    /// The loss and the slope at a trial point.
    Trial { search: Search, step: f64 },
    /// Nothing any more.
    Converged,
}

/// The optimiser's state on the host.
#[derive(Debug)]
pub(super) struct Lbfgs {
    memory: usize,
    state: State,
    /// `products[a][b]` is the inner product of rows a and b of the history; row 2m is the gradient.
    products: Vec<Vec<f64>>,
    /// Pairs in use, oldest first: pair j is s in row j and y in row m + j.
    pairs: VecDeque<usize>,
    /// Loss at the base point.
    loss: f64,
    learning_rate: f64,
    /// The loss that gradients are in units of.
    unit: f64,
    /// Values of the picture.
    count: usize,
    iteration: u32,
    evaluations: u32,
    /// Losses of the points that were tried since the last iteration.
    tried: Vec<Loss>,
    /// Answers still to come that are no longer needed.
    stale: usize,
}

/// The part that is saved. Numbers are stored as bits, because some may not be finite.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SavedLbfgs {
    products: Vec<Vec<u64>>,
    pairs: Vec<usize>,
    loss: u64,
}

impl SavedLbfgs {
    /// Whether it can come from an optimiser with this many pairs.
    pub fn fits(&self, memory: usize) -> bool {
        let rows = 2 * memory + 1;
        let distinct = |position: usize| !self.pairs[..position].contains(&self.pairs[position]);
        self.products.len() == rows
            && self.products.iter().all(|row| row.len() == rows)
            && (0..self.pairs.len()).all(|position| self.pairs[position] < memory && distinct(position))
            && f64::from_bits(self.loss).is_finite()
    }

    /// Whether a row of the history, whose number of rows [`SavedLbfgs::fits`], is that of a pair or of the gradient.
    pub fn uses(&self, row: usize) -> bool {
        let memory = self.products.len() / 2;
        row == 2 * memory || self.pairs.contains(&(row % memory))
    }
}

impl Lbfgs {
    pub fn new(device: &Device, recipe: &Recipe, memory: usize, start: &Start<'_>) -> Lbfgs {
        let rows = 2 * memory + 1;
        let mut lbfgs = Lbfgs {
            memory,
            state: State::Fresh,
            products: vec![vec![0.0; rows]; rows],
            pairs: VecDeque::new(),
            loss: f64::NAN,
            learning_rate: f64::from(recipe.learning_rate()),
            unit: start.measured.unit,
            count: 3 * device.plan.window.size.pixels(),
            iteration: start.iteration,
            evaluations: start.evaluations,
            tried: Vec::new(),
            stale: 0,
        };
        if let Some(SavedOptimizer::Lbfgs(Some(saved))) = &start.saved {
            let number = |row: &Vec<u64>| row.iter().map(|&bits| f64::from_bits(bits)).collect();
            lbfgs.products = saved.products.iter().map(number).collect();
            lbfgs.pairs = saved.pairs.iter().copied().collect();
            lbfgs.loss = f64::from_bits(saved.loss);
            lbfgs.state = State::Rest;
        }
        lbfgs
    }

    /// A direction from the present point and the first trial along it.
    fn begin_iteration(&mut self, device: &mut Device) -> Result<(), BackendError> {
        loop {
            let coefficients = self.direction();
            let slope = self.unit * dot(&coefficients, &self.products[2 * self.memory]);
            if slope < 0.0 && slope.is_finite() {
                self.write_direction(device, &coefficients)?;
                let start = Point { step: 0.0, loss: self.loss, slope };
                if !self.pairs.is_empty() {
                    return self.try_point(device, Search::new(start), self.learning_rate);
                }
                device.run(Routine::LbfgsScalars)?;
                device.ask(Purpose::Optimizer, &[Tensor::LbfgsResults])?;
                self.state = State::Norm(start);
                return Ok(());
            }
            if !self.forget() {
                return Ok(());
            }
        }
    }

    /// A direction that does not descend comes from a history that no longer fits: start again from the gradient.
    /// False, which ends the optimisation, if the direction was the gradient already.
    fn forget(&mut self) -> bool {
        if self.pairs.is_empty() {
            self.state = State::Converged;
            return false;
        }
        self.pairs.clear();
        true
    }

    fn try_point(&mut self, device: &mut Device, search: Search, step: f64) -> Result<(), BackendError> {
        move_to(device, step)?;
        device.run(Routine::Evaluate)?;
        device.run(Routine::LbfgsScalars)?;
        device.ask(Purpose::Optimizer, &[Tensor::LossValues, Tensor::LbfgsResults])?;
        self.state = State::Trial { search, step };
        Ok(())
    }

    /// Coefficients of the history's rows: minus the inverse Hessian times the gradient.
    fn direction(&self) -> Vec<f64> {
        let (m, products) = (self.memory, &self.products);
        let mut direction = vec![0.0; 2 * m + 1];
        direction[2 * m] = -1.0;
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for &pair in self.pairs.iter().rev() {
            let alpha = dot(&direction, &products[pair]) / products[pair][m + pair];
            direction[m + pair] -= alpha;
            alphas.push(alpha);
        }
        if let Some(&newest) = self.pairs.back() {
            let scale = products[newest][m + newest] / products[m + newest][m + newest];
            direction.iter_mut().for_each(|coefficient| *coefficient *= scale);
        }
        for (&pair, alpha) in self.pairs.iter().zip(alphas.iter().rev()) {
            let beta = dot(&direction, &products[m + pair]) / products[pair][m + pair];
            direction[pair] += alpha - beta;
        }
        direction
    }

    fn write_direction(&self, device: &mut Device, coefficients: &[f64]) -> Result<(), BackendError> {
        let coefficients: Vec<f32> = coefficients.iter().map(|&coefficient| coefficient as f32).collect();
        let mut control = bytemuck::bytes_of(&LbfgsControl::NO_PAIR).to_vec();
        control.extend_from_slice(bytemuck::cast_slice(&coefficients));
        device.write(Tensor::LbfgsControl, &control)?;
        device.run(Routine::LbfgsDirection)
    }

    fn accept(&mut self, device: &mut Device, found: Found) -> Result<(), BackendError> {
        if !found.is_last {
            move_to(device, found.point.step)?;
            device.run(Routine::RestoreGradient)?;
        }
        self.loss = found.point.loss;
        let pair = if self.pairs.len() == self.memory {
            self.pairs.pop_front()
        } else {
            (0..self.memory).find(|pair| !self.pairs.contains(pair))
        };
        self.update(device, pair, true)
    }

    /// Makes the present point the base, keeps the step to it as `pair`, and asks for the new inner products.
    fn update(&mut self, device: &mut Device, pair: Option<usize>, iterated: bool) -> Result<(), BackendError> {
        let control = pair.map_or(LbfgsControl::NO_PAIR, |pair| LbfgsControl {
            step_row: pair as u32,
            difference_row: (self.memory + pair) as u32,
            ..LbfgsControl::NO_PAIR
        });
        device.write(Tensor::LbfgsControl, bytemuck::bytes_of(&control))?;
        device.run(Routine::LbfgsUpdate)?;
        device.ask(Purpose::Optimizer, &[Tensor::LbfgsResults])?;
        self.state = State::Products { pair, iterated };
        Ok(())
    }

    fn take_products(&mut self, results: &[f32], pair: Option<usize>) {
        let m = self.memory;
        for (i, row) in [pair, pair.map(|pair| m + pair), Some(2 * m)].into_iter().enumerate() {
            let Some(row) = row else { continue };
            for k in 0..=2 * m {
                let value = f64::from(results[i * (2 * m + 1) + k]);
                self.products[row][k] = value;
                self.products[k][row] = value;
            }
        }
        let tells = |&pair: &usize| {
            let (s, y) = (self.products[pair][pair].sqrt(), self.products[m + pair][m + pair].sqrt());
            self.products[pair][m + pair] > MIN_CURVATURE * s * y
        };
        self.pairs.extend(pair.filter(tells));
    }

    fn take_trial(&mut self, device: &mut Device, mut search: Search, point: Point) -> Result<(), BackendError> {
        match search.feed(point) {
            Next::Evaluate { step, keep } => {
                if keep {
                    device.run(Routine::KeepGradient)?;
                }
                self.try_point(device, search, step)
            }
            Next::Found(found) if found.point.step > 0.0 => self.accept(device, found),
            Next::Found(_) => {
                move_to(device, 0.0)?;
                if self.forget() { self.begin_iteration(device) } else { Ok(()) }
            }
        }
    }
}

fn move_to(device: &mut Device, step: f64) -> Result<(), BackendError> {
    let control = LbfgsControl { distance: step as f32, ..LbfgsControl::NO_PAIR };
    device.write(Tensor::LbfgsControl, bytemuck::bytes_of(&control))?;
    device.run(Routine::LbfgsTrial)
}

fn scalars(contents: &Contents) -> Result<LbfgsScalarResults, BackendError> {
    Ok(bytemuck::pod_read_unaligned(&contents.bytes()?[..size_of::<LbfgsScalarResults>()]))
}

impl Optimizer for Lbfgs {
    fn advance(&mut self, device: &mut Device, pace: Pace) -> Result<bool, BackendError> {
        match self.state {
            State::Fresh => {
                device.run(Routine::Evaluate)?;
                device.ask(Purpose::Optimizer, &[Tensor::LossValues])?;
                self.state = State::Start;
                Ok(true)
            }
            State::Rest if self.iteration < pace.until => self.begin_iteration(device).map(|()| true),
            _ => Ok(false),
        }
    }

    fn receive(
        &mut self,
        contents: &[Contents],
        device: &mut Device,
        objective: &Objective,
    ) -> Result<News, BackendError> {
        if self.stale > 0 {
            self.stale -= 1;
            return Ok(News::default());
        }
        let evaluated = |device: &Device| {
            Ok::<_, BackendError>(objective.loss(&PerTerm::new(&device.plan.terms, contents[0].values()?)))
        };
        let mut news = News::default();
        match std::mem::replace(&mut self.state, State::Rest) {
            State::Start => {
                let loss = evaluated(device)?;
                self.evaluations += 1;
                if !loss.is_finite() {
                    news.not_finite = true;
                    return Ok(news);
                }
                self.loss = loss.total;
                self.update(device, None, false)?;
            }
            State::Products { pair, iterated } => {
                self.take_products(&contents[0].values()?, pair);
                if iterated {
                    self.iteration += 1;
                    let reached = self.tried.iter().find(|loss| loss.total == self.loss);
                    let loss = *reached.expect("an iteration ends at a point that was tried");
                    news.iterations.push(Iteration { loss, evaluations: self.evaluations });
                }
                self.tried.clear();
            }
            State::Norm(start) => {
                let sum = f64::from(scalars(&contents[0])?.gradient_sum);
                let step = self.learning_rate * FIRST_CHANGE * self.count as f64 / sum;
                self.try_point(device, Search::new(start), step)?;
            }
            State::Trial { search, step } => {
                let loss = evaluated(device)?;
                self.evaluations += 1;
                self.tried.push(loss);
                let slope = self.unit * f64::from(scalars(&contents[1])?.slope);
                self.take_trial(device, search, Point { step, loss: loss.total, slope })?;
            }
            // No answer is pending in these states.
            state @ (State::Fresh | State::Rest | State::Converged) => self.state = state,
        }
        Ok(news)
    }

    /// The answers to its own requests report the losses.
    fn look(&mut self, _device: &mut Device) -> Result<(), BackendError> {
        Ok(())
    }

    fn change(&mut self, device: &mut Device, recipe: &Recipe, change: Change<'_>) -> Result<(), BackendError> {
        self.learning_rate = f64::from(recipe.learning_rate());
        self.unit = change.measured.unit;
        if !change.loss {
            return Ok(());
        }
        // The history and the losses belong to another function.
        if matches!(self.state, State::Norm(_) | State::Trial { .. }) {
            move_to(device, 0.0)?;
        }
        self.stale = device.awaited(Purpose::Optimizer);
        self.pairs.clear();
        self.tried.clear();
        self.state = State::Fresh;
        Ok(())
    }

    fn iteration(&self) -> u32 {
        self.iteration
    }

    fn evaluations(&self) -> u32 {
        self.evaluations
    }

    fn converged(&self) -> bool {
        matches!(self.state, State::Converged)
    }

    fn rests(&self) -> bool {
        matches!(self.state, State::Rest | State::Converged)
    }

    fn kept(&self) -> &'static [(Tensor, &'static str)] {
        KEPT
    }

    fn saved(&self) -> SavedOptimizer {
        SavedOptimizer::Lbfgs(Some(SavedLbfgs {
            products: self.products.iter().map(|row| row.iter().map(|value| value.to_bits()).collect()).collect(),
            pairs: self.pairs.iter().copied().collect(),
            loss: self.loss.to_bits(),
        }))
    }

    /// The image may be a trial point.
    fn result(&self) -> &'static [Tensor] {
        &[Tensor::LbfgsBase]
    }

    fn picture(&self, size: Size, margin: u32, contents: &[Contents]) -> Result<Picture, BackendError> {
        clamped(size, margin, &contents[0], 1.0)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
