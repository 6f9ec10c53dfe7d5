//! One scale: an optimiser on a session that is ready, and what is reported and kept on the way.

use super::{
    coefficients,
    error::Reason,
    event::Event,
    moment::{Moment, restore},
    objective::{Loss, Objective},
    optimizer::{
        self, Change, Device, LONGEST_INTERVAL, Measured, Optimizer, Pace, PictureUse, Purpose, Start, optimizer,
    },
    prepare::Prepared,
    recipe::Recipe,
    sizes::margin,
};
use crate::{
    BackendError, Contents,
    picture::Picture,
    plan::{PerTerm, Size, Tensor},
};
use std::{collections::VecDeque, num::NonZeroU32, time::Duration};
use web_time::Instant;

/// Time between two looks at the losses where iterations are slow.
const NEWS: Duration = Duration::from_millis(500);
/// Time after which the picture is copied to the host again, in case the device is lost.
const KEEP: Duration = Duration::from_secs(2);

/// What is wanted between two iterations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    /// A picture every so many iterations.
    pub snapshots: Option<NonZeroU32>,
    /// A picture as soon as there is one.
    pub picture: bool,
    /// A moment.
    pub moment: bool,
}

/// What happened.
pub(super) enum Progress {
    /// The device has not answered.
    Pending,
    /// Some work was done.
    Worked,
    /// The moment that was asked for.
    Moment(Moment),
    /// The scale is done.
    Painted(Picture),
    /// A value went beyond what f16 holds: here is everything needed to continue in f32.
    OutOfRange(Moment),
    /// The losses are not finite. With an earlier picture, if there is one.
    Failed(Reason, Option<Picture>),
}

/// What the scale waits for before it ends.
enum Ending {
    Result,
    OutOfRange,
    NotFinite(Reason),
}

/// One scale under way.
pub(super) struct Scale {
    device: Device,
    optimizer: Box<dyn Optimizer>,
    objective: Objective,
    /// Pixels around the picture that are cut off.
    margin: u32,
    at_zero: PerTerm<Option<f64>>,
    unit: f64,
    gradient_exponent: Option<i32>,
    /// Iterations in all.
    iterations: u32,
    start: Instant,
    /// Seconds that the scale took before it was interrupted.
    earlier: f64,
    reported: u32,
    loss: Option<Loss>,
    /// The last iteration after which everything due was asked for.
    seen_to: u32,
    /// The host's part of a moment, from when it was asked for.
    moment: Option<Moment>,
    /// A recent picture, which outlives the device.
    so_far: Option<Picture>,
    /// When it was last asked for.
    kept: Option<Instant>,
    ending: Option<Ending>,
}

impl Scale {
    /// A scale that begins at its first iteration, or continues from a moment.
    pub fn new(
        prepared: Prepared,
        recipe: &Recipe,
        objective: &Objective,
        iterations: u32,
        moment: Option<Moment>,
    ) -> Result<Scale, BackendError> {
        let Prepared { mut device, at_zero, unit, gradient_exponent } = prepared;
        let measured = Measured { objective, at_zero: &at_zero, unit };
        let (mut start, mut earlier) = (Start { iteration: 0, evaluations: 0, saved: None, measured }, 0.0);
        if let Some(Moment { iteration, evaluations, seconds, optimizer, contents, .. }) = moment {
            restore(contents, &mut device)?;
            earlier = seconds;
            start = Start { iteration, evaluations, saved: Some(optimizer), measured };
        }
        let iteration = start.iteration;
        Ok(Scale {
            optimizer: optimizer(&mut device, recipe, &start)?,
            device,
            objective: objective.clone(),
            margin: margin(recipe),
            at_zero,
            unit,
            gradient_exponent,
            iterations,
            start: Instant::now(),
            earlier,
            reported: iteration,
            loss: None,
            seen_to: iteration,
            moment: None,
            so_far: None,
            kept: None,
            ending: None,
        })
    }

    /// Size of the picture, without the margin.
    pub fn size(&self) -> Size {
        let Size { width, height } = self.device.plan.window.size;
        Size { width: width - 2 * self.margin, height: height - 2 * self.margin }
    }

    /// Iterations whose losses are known.
    pub fn iteration(&self) -> u32 {
        self.reported
    }

    /// Losses of the last of them.
    pub fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// The present picture if it can still be had, else one from an earlier moment.
    pub fn into_so_far(self) -> Option<Picture> {
        let present = self.at_hand().filter(|_| self.optimizer.iteration() > 0);
        let size = self.device.plan.window.size;
        present.and_then(|contents| self.optimizer.picture(size, self.margin, &contents).ok()).or(self.so_far)
    }

    /// What the present picture is made from, if that outlives the device.
    fn at_hand(&self) -> Option<Vec<Contents>> {
        self.device.share(self.optimizer.result())
    }

    /// Continues with other weights, another learning rate, or to another iteration.
    pub fn change(&mut self, recipe: &Recipe, objective: &Objective, iterations: u32) -> Result<(), BackendError> {
        let picture = self.device.plan.window.picture;
        let loss = *objective != self.objective;
        if loss {
            self.objective = objective.clone();
            let (scales, unit) = objective.unit_scales(&self.at_zero, picture);
            self.unit = unit;
            let (session, plan) = self.device.session();
            coefficients::write(session, plan, &scales, 2_f32.powi(self.gradient_exponent.unwrap_or(0)))?;
        }
        self.iterations = iterations;
        let measured = Measured { objective: &self.objective, at_zero: &self.at_zero, unit: self.unit };
        self.optimizer.change(&mut self.device, recipe, Change { measured, loss })
    }

    /// Does a bounded piece of work; if there is nothing else to do and `wait` says so, waits for an answer of the
    /// device.
    pub fn advance(
        &mut self,
        wait: bool,
        wishes: &mut Wishes,
        events: &mut VecDeque<Event>,
    ) -> Result<Progress, Reason> {
        // Answers come first: they may change what to do next.
        if let Some((purpose, contents)) = self.device.receive(false)? {
            return self.take(purpose, contents, wishes, events);
        }
        if self.ending.is_none() {
            let pace = Pace { until: self.iterations, interval: self.interval() };
            if self.optimizer.advance(&mut self.device, pace)? {
                self.see_to(wishes)?;
                return Ok(Progress::Worked);
            }
            let done = self.optimizer.converged() || self.optimizer.iteration() >= self.iterations;
            if done && self.device.awaited(Purpose::Optimizer) == 0 {
                if self.optimizer.converged() {
                    events.push_back(Event::Converged { iteration: self.reported });
                }
                self.end(Ending::Result)?;
                return Ok(Progress::Worked);
            }
            // A wish may have come since the last iteration.
            self.see_to(wishes)?;
        }
        match self.device.receive(wait)? {
            Some((purpose, contents)) => self.take(purpose, contents, wishes, events),
            None => Ok(Progress::Pending),
        }
    }

    fn seconds(&self) -> f64 {
        self.earlier + self.start.elapsed().as_secs_f64()
    }

    /// Iterations until the next look at the losses: as many as fit into [`NEWS`] at the pace of this scale.
    fn interval(&self) -> u32 {
        let pace = f64::from(self.reported) / self.seconds();
        ((pace * NEWS.as_secs_f64()) as u32).clamp(1, LONGEST_INTERVAL)
    }

    fn ask_for_picture(&mut self, picture_use: PictureUse, iteration: u32) -> Result<(), BackendError> {
        let tensors = self.optimizer.result();
        self.device.ask(Purpose::Picture(picture_use, iteration), tensors)
    }

    fn ask_for_moment(&mut self, purpose: Purpose, iteration: u32) -> Result<(), BackendError> {
        let tensors: Vec<Tensor> = self.optimizer.kept().iter().map(|(tensor, _)| *tensor).collect();
        self.device.ask(purpose, &tensors)?;
        self.moment = Some(Moment {
            iteration,
            evaluations: self.optimizer.evaluations(),
            seconds: self.seconds(),
            gradient_exponent: self.gradient_exponent,
            optimizer: self.optimizer.saved(),
            contents: Vec::new(),
        });
        Ok(())
    }

    fn end(&mut self, ending: Ending) -> Result<(), BackendError> {
        match ending {
            Ending::OutOfRange => self.ask_for_moment(Purpose::LastMoment, self.reported)?,
            Ending::Result | Ending::NotFinite(_) => self.ask_for_picture(PictureUse::Result, self.reported)?,
        }
        self.ending = Some(ending);
        Ok(())
    }

    /// Asks for what is due between two iterations.
    fn see_to(&mut self, wishes: &mut Wishes) -> Result<(), BackendError> {
        if !self.optimizer.rests() || self.ending.is_some() {
            return Ok(());
        }
        let iteration = self.optimizer.iteration();
        let is_new = iteration > self.seen_to;
        self.seen_to = iteration;
        let snapshot = is_new && wishes.snapshots.is_some_and(|every| iteration % every == 0);
        if iteration > 0 && (snapshot || wishes.picture) {
            wishes.picture = false;
            self.optimizer.look(&mut self.device)?;
            self.ask_for_picture(PictureUse::Snapshot, iteration)?;
        } else if is_new
            && iteration < self.iterations
            && self.kept.is_none_or(|kept| kept.elapsed() >= KEEP)
            && self.at_hand().is_none()
        {
            self.kept = Some(Instant::now());
            self.ask_for_picture(PictureUse::Copy, iteration)?;
        }
        if wishes.moment && self.moment.is_none() {
            wishes.moment = false;
            self.optimizer.look(&mut self.device)?;
            self.ask_for_moment(Purpose::Moment, iteration)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        purpose: Purpose,
        contents: Vec<Contents>,
        wishes: &mut Wishes,
        events: &mut VecDeque<Event>,
    ) -> Result<Progress, Reason> {
        match purpose {
            Purpose::Optimizer if self.ending.is_some() => {}
            Purpose::Optimizer => {
                let news = self.optimizer.receive(&contents, &mut self.device, &self.objective)?;
                let size = self.size();
                for optimizer::Iteration { loss, evaluations } in news.iterations {
                    self.reported += 1;
                    self.loss = Some(loss);
                    let (iteration, seconds) = (self.reported, self.seconds());
                    events.push_back(Event::Iteration { size, iteration, evaluations, loss, seconds });
                }
                if news.not_finite {
                    return self.leave(wishes);
                }
                self.see_to(wishes)?;
            }
            Purpose::Picture(picture_use, iteration) => {
                if contents.iter().all(Contents::is_in_memory) {
                    // The new one comes for certain, and large ones have no room beside each other.
                    self.so_far = None;
                }
                let picture = self.optimizer.picture(self.device.plan.window.size, self.margin, &contents)?;
                match (picture_use, self.ending.take()) {
                    (PictureUse::Result, Some(Ending::NotFinite(reason))) => {
                        return Ok(Progress::Failed(reason, Some(picture)));
                    }
                    (PictureUse::Result, _) => return Ok(Progress::Painted(picture)),
                    (PictureUse::Snapshot, ending) => {
                        self.ending = ending;
                        self.so_far = Some(picture.clone());
                        events.push_back(Event::Snapshot { iteration, picture });
                    }
                    (PictureUse::Copy, ending) => {
                        self.ending = ending;
                        self.so_far = Some(picture);
                    }
                }
            }
            Purpose::Moment if matches!(self.ending, Some(Ending::OutOfRange)) => wishes.moment = true,
            Purpose::Moment | Purpose::LastMoment => {
                let Some(mut moment) = self.moment.take() else { return Ok(Progress::Worked) };
                let tensors = self.optimizer.kept().iter().map(|(tensor, _)| *tensor);
                moment.contents = tensors.zip(contents).collect();
                let left = purpose == Purpose::LastMoment;
                return Ok(if left { Progress::OutOfRange(moment) } else { Progress::Moment(moment) });
            }
        }
        Ok(Progress::Worked)
    }

    /// Ends the scale because a loss is not finite: the device has not moved the picture since the last reported
    /// iteration.
    fn leave(&mut self, wishes: &mut Wishes) -> Result<Progress, Reason> {
        // Requests made before the device stopped are useless.
        wishes.moment |= self.moment.take().is_some();
        let reason = Reason::NotFinite { size: self.size(), iteration: self.reported + 1 };
        let is_f16 = self.gradient_exponent.is_some();
        if is_f16 {
            self.end(Ending::OutOfRange)?;
        } else if self.reported > 0 {
            self.end(Ending::NotFinite(reason))?;
        } else {
            return Ok(Progress::Failed(reason, None));
        }
        Ok(Progress::Worked)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::style::{outline::Outline, scale_pictures::ScalePictures};
    use crate::{
        Engine, Session,
        plan::{Precision, Routine, SlotId},
        style::{
            Method, WeightedLayer,
            prepare::{Work, prepare},
        },
        weights::generated,
    };
    use std::sync::Arc;

    /// A session on a device that is lost after this many routines.
    struct Mortal {
        session: Box<dyn Session>,
        routines: u32,
        /// Whether what it holds outlives it.
        shares: bool,
    }

    impl Mortal {
        fn alive(&self) -> Result<(), BackendError> {
            match self.routines {
                0 => Err(BackendError::DeviceLost { device: "mortal".to_owned(), reason: "of age".to_owned() }),
                _ => Ok(()),
            }
        }
    }

    impl Session for Mortal {
        fn write_at(&mut self, slot: SlotId, first: usize, bytes: &[u8]) -> Result<(), BackendError> {
            self.alive().and_then(|()| self.session.write_at(slot, first, bytes))
        }

        fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
            self.alive().and_then(|()| self.session.read(slot))
        }

        fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
            self.alive()?;
            self.routines -= 1;
            self.alive().and_then(|()| self.session.run(routine))
        }

        fn request(&mut self, slot: SlotId) -> Result<(), BackendError> {
            self.alive().and_then(|()| self.session.request(slot))
        }

        fn receive(&mut self, until_there: bool) -> Result<Option<Vec<u8>>, BackendError> {
            self.alive().and_then(|()| self.session.receive(until_there))
        }

        fn share(&self, slot: SlotId) -> Option<Contents> {
            self.session.share(slot).filter(|_| self.shares)
        }

        fn bytes(&self) -> u64 {
            self.session.bytes()
        }

        fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
            self.session.time_steps(repeats)
        }
    }

    fn weighted(name: &str) -> Vec<WeightedLayer> {
        vec![WeightedLayer { layer: name.parse().unwrap(), weight: 1.0 }]
    }

    #[test]
    fn a_lost_device_leaves_a_picture_of_a_moment_before() {
        let size = Size { width: 13, height: 11 };
        let (content, style) = (Picture::noise(size, 1), Picture::noise(size, 2));
        let filters = Arc::new(generated(3, "relu2_1".parse().unwrap()));
        let engine = Engine::new(&crate::Device::Cpu(None), filters).unwrap();
        for method in [Method::Adam, Method::Lbfgs] {
            let recipe = Recipe {
                content_layers: weighted("relu2_1"),
                style_layers: weighted("relu1_1"),
                margin: 0,
                method,
                ..Recipe::default()
            };
            let outline = Outline::simple(size, size, &recipe);
            let objective = Objective::new(&recipe, &outline, size.long_side());
            let pictures = ScalePictures::exact(&content, &[&style], &content);
            let paint = |routines, snapshots: Option<NonZeroU32>, shares| {
                let work = Work {
                    engine: &engine,
                    recipe: &recipe,
                    objective: &objective,
                    outline: &outline,
                    pictures: &pictures,
                    gradient_exponent: None,
                };
                let prepared = prepare(work, Precision::F32).unwrap().unwrap();
                let (plan, session) = prepared.device.into_session();
                let device = Device::new(plan, Box::new(Mortal { session, routines, shares }));
                let mut scale = Scale::new(Prepared { device, ..prepared }, &recipe, &objective, 12, None).unwrap();
                let (mut wishes, mut events) = (Wishes { snapshots, ..Wishes::default() }, VecDeque::new());
                let end = loop {
                    match scale.advance(true, &mut wishes, &mut events) {
                        Ok(Progress::Painted(_)) => break None,
                        Ok(_) => {}
                        Err(reason) => break Some((reason, scale.iteration() as usize, scale.into_so_far())),
                    }
                };
                (end, events)
            };
            let (end, events) = paint(u32::MAX, NonZeroU32::new(1), false);
            assert!(end.is_none());
            let moments: Vec<Picture> = events
                .into_iter()
                .filter_map(|event| if let Event::Snapshot { picture, .. } = event { Some(picture) } else { None })
                .collect();
            assert_eq!(moments.len(), 12);
            for shares in [false, true] {
                let (reason, iteration, kept) = paint(21, None, shares).0.unwrap();
                assert!(matches!(reason, Reason::Backend(BackendError::DeviceLost { .. })), "{reason}");
                let kept = kept.unwrap();
                assert!(moments.contains(&kept), "{method:?}: not a picture of this run");
                let last = moments.iter().position(|moment| *moment == kept).unwrap() + 1;
                let could_be_had = match method {
                    // Evaluations and steps.
                    Method::Adam => 10..=10,
                    // The host may not have heard of the last.
                    Method::Lbfgs => iteration..=iteration + 1,
                };
                assert!(could_be_had.contains(&last) || !shares, "{method:?}: {last} of {could_be_had:?}");
                assert!(paint(1, None, shares).0.unwrap().2.is_none(), "{method:?}: nothing was painted");
            }
        }
    }
}
