//! A picture while it is painted: an object that does a piece of work each time it is asked.

use super::{
    checkpoint::{Checkpoint, CheckpointError, Digests, Position},
    colours::{match_colours, painting_in_luminance, photograph_in_luminance, with_chroma_of},
    error::{Reason, StylizeError},
    event::Event,
    inputs::{Inputs, StyleInput},
    limits::Limits,
    moment::Moment,
    objective::{Loss, Objective},
    optimizer::SavedOptimizer,
    outline::Outline,
    prepare::{self, Preparation, Work},
    recipe::{Colours, Recipe, WeightedLayer},
    scale::{self, Scale, Wishes},
    scale_pictures::ScalePictures,
    sizes::{check_style, sizes},
};
use crate::{
    Engine,
    picture::{Mask, Picture},
    plan::{Precision, Size},
};
use std::{
    collections::VecDeque,
    num::NonZeroU32,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

/// The outcome of a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The device has not answered yet: ask again later, or [`Painting::wait`].
    Pending,
    /// Some work was done, and there is more to do.
    Worked,
    /// The picture is painted, or an error ended the work.
    Done,
}

/// Why a recipe cannot replace another while a picture is painted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The new recipe cannot be painted.
    #[error(transparent)]
    Reason(#[from] Reason),
    /// Something would have to start over.
    #[error("{name} cannot change while a picture is painted: start a new one")]
    Fixed {
        /// What was changed.
        name: &'static str,
    },
}

/// The state of the current scale.
enum Phase {
    /// It has not begun.
    Beginning,
    /// Targets and session are being made, for an objective.
    Preparing(Box<(Preparation, ScalePictures, Objective)>),
    /// The picture is being optimised.
    Moving(Box<Scale>),
    /// The last scale is done, or an error ended the work.
    Done,
}

/// A picture while it is painted.
///
/// It does nothing by itself: [`Painting::advance`] does a bounded piece of work and never waits for the device,
/// [`Painting::wait`] waits where there is nothing else to do. Between two pieces it can be looked at, changed, saved,
/// left alone for any length of time, or dropped. [`Painting::next_event`] reports what happened meanwhile.
///
/// ```
/// use impasto::{Device, Engine, picture::Picture, plan::Size, style::{Inputs, Painting, Recipe, Status, WeightedLayer}};
/// use impasto::weights::generated;
/// use std::sync::Arc;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let size = Size { width: 24, height: 16 };
/// let layer = "relu1_2".parse()?;
/// let engine = Engine::new(&Device::Reference, Arc::new(generated(1, layer)))?;
/// let layers = vec![WeightedLayer { layer, weight: 1.0 }];
/// let recipe = Recipe {
///     size: 24,
///     first_iterations: 3,
///     content_layers: layers.clone(),
///     style_layers: layers,
///     ..Recipe::default()
/// };
/// let inputs = Inputs::new(Picture::noise(size, 1), Picture::noise(size, 2));
/// let mut painting = Painting::new(&engine, inputs, recipe)?;
/// while painting.wait()? != Status::Done {
///     if painting.iteration() == 2 && painting.recipe().tv_weight < 1.0 {
///         painting.change(|recipe| recipe.tv_weight = 1.0)?;
///     }
/// }
/// assert_eq!(painting.picture()?.map(|picture| picture.size()), Some(size));
/// # Ok(())
/// # }
/// ```
pub struct Painting {
    engine: Engine,
    inputs: Inputs,
    /// The inputs in the colours in which they are worked with, if those are others.
    recoloured: Option<Inputs>,
    recipe: Recipe,
    outline: Outline,
    /// Sizes of all scales; finished scales keep the sizes they were painted in.
    sizes: Vec<Size>,
    /// The present scale.
    index: usize,
    precision: Precision,
    phase: Phase,
    /// Where the current scale continues from, once it is prepared.
    moment: Option<Moment>,
    /// The result of the last finished scale.
    painted: Option<Arc<Picture>>,
    events: VecDeque<Event>,
    wishes: Wishes,
    checkpoint: Option<Checkpoint>,
    digests: Option<Digests>,
    /// How many of the engine's lost devices were reported.
    lost: usize,
}

impl Painting {
    /// A painting of some inputs that has not begun. The engine's device and filters are shared.
    ///
    /// # Errors
    /// If a number is out of range, a mask is empty, or the photograph is too small for the layers.
    pub fn new(engine: &Engine, inputs: Inputs, recipe: Recipe) -> Result<Painting, Reason> {
        recipe.check()?;
        let outline = Outline::new(&inputs, &recipe)?;
        let sizes = sizes(outline.content, &recipe)?;
        for painting in &outline.paintings {
            check_style(painting.size, painting.scale, &sizes, &recipe)?;
        }
        Ok(Painting {
            sizes,
            precision: recipe.precision(engine.precision()),
            engine: engine.clone(),
            recoloured: recoloured(&inputs, &recipe),
            inputs,
            recipe,
            outline,
            index: 0,
            phase: Phase::Beginning,
            moment: None,
            painted: None,
            events: VecDeque::new(),
            wishes: Wishes::default(),
            checkpoint: None,
            digests: None,
            lost: engine.lost_devices().len(),
        })
    }

    /// Continues from a checkpoint, with the pictures and the filters that the painting had. On the same device the
    /// result has the same bits as without the interruption. Where the engine has no half precision, or was not asked
    /// for it, the work continues in f32.
    ///
    /// # Errors
    /// If pictures or filters differ, or the checkpoint does not fit its own recipe.
    pub fn resume(engine: &Engine, inputs: Inputs, checkpoint: Checkpoint) -> Result<Painting, CheckpointError> {
        let digests = Digests::new(engine.filters(), &checkpoint.recipe, &inputs);
        checkpoint.check(&digests, inputs.content.size())?;
        let outline = Outline::new(&inputs, &checkpoint.recipe)
            .map_err(|_| CheckpointError::Contradiction("its recipe is not one for its pictures"))?;
        let Checkpoint { recipe, position, mut moment, painted, .. } = checkpoint;
        let Position { sizes, index, precision, done } = position;
        let offered = recipe.precision(engine.precision());
        let precision = if offered == Precision::F32 { Precision::F32 } else { precision };
        if precision == Precision::F32
            && let Some(moment) = &mut moment
        {
            moment.gradient_exponent = None;
        }
        Ok(Painting {
            engine: engine.clone(),
            recoloured: recoloured(&inputs, &recipe),
            inputs,
            recipe,
            outline,
            sizes,
            index,
            precision,
            phase: if done { Phase::Done } else { Phase::Beginning },
            moment,
            painted,
            events: VecDeque::new(),
            wishes: Wishes::default(),
            checkpoint: None,
            digests: Some(digests),
            lost: engine.lost_devices().len(),
        })
    }

    /// Reads a checkpoint and continues from it, see [`Checkpoint::read`] and [`Painting::resume`].
    ///
    /// # Errors
    /// If the file cannot be read, is damaged or of another version, or pictures or filters differ.
    pub fn load(engine: &Engine, inputs: Inputs, path: &Path) -> Result<Painting, CheckpointError> {
        Painting::resume(engine, inputs, Checkpoint::read(path)?)
    }

    /// Does a bounded piece of work; the longest pieces are making a session and, where the host computes, one
    /// iteration. Never waits for the device.
    ///
    /// # Errors
    /// If a picture is too small, the device fails or the losses stop being numbers; the error carries the last good
    /// picture, and the painting is done.
    pub fn advance(&mut self) -> Result<Status, StylizeError> {
        self.work(false)
    }

    /// [`Painting::advance`], but waits for the device's next answer where there is nothing else to do.
    ///
    /// # Errors
    /// As [`Painting::advance`].
    pub fn wait(&mut self) -> Result<Status, StylizeError> {
        self.work(true)
    }

    /// The oldest event not yet reported; none if all have been.
    pub fn next_event(&mut self) -> Option<Event> {
        Some(match self.events.pop_front()? {
            Event::Snapshot { iteration, picture } => Event::Snapshot { iteration, picture: self.presented(picture) },
            other => other,
        })
    }

    /// The recipe as it is now.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// What plans need to know of the inputs.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Sizes of all scales.
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }

    /// The size at which it ends.
    pub fn last_size(&self) -> Size {
        self.sizes[self.sizes.len() - 1]
    }

    /// The present scale, an index into [`Painting::sizes`].
    pub fn scale(&self) -> usize {
        self.index
    }

    /// Iterations of the present scale whose losses are known.
    pub fn iteration(&self) -> u32 {
        match &self.phase {
            Phase::Moving(scale) => scale.iteration(),
            _ => self.moment.as_ref().map_or(0, |moment| moment.iteration),
        }
    }

    /// The losses of the last iteration, if the present scale has done any since it was prepared.
    pub fn loss(&self) -> Option<Loss> {
        match &self.phase {
            Phase::Moving(scale) => scale.loss(),
            _ => None,
        }
    }

    /// Lets the sessions that are made from now on end early, see [`Engine::with_stop`].
    pub fn stop_when(&mut self, stop: Arc<AtomicBool>) {
        self.engine = self.engine.clone().with_stop(stop);
    }

    /// Asks for an [`Event::Snapshot`] at this interval, in iterations of a scale.
    pub fn snapshot_every(&mut self, iterations: Option<NonZeroU32>) {
        self.wishes.snapshots = iterations;
    }

    /// Asks for an [`Event::Snapshot`] after the present iteration, or the first of the next scale.
    pub fn request_picture(&mut self) {
        self.wishes.picture = true;
    }

    /// The picture as it would be if the work ended now, after waiting for the device: that of the current scale, if it
    /// has done an iteration, else that of the previous scale, if there was one. [`Painting::next_event`] still reports
    /// whatever happens meanwhile.
    ///
    /// # Errors
    /// As [`Painting::advance`].
    pub fn picture(&mut self) -> Result<Option<Picture>, StylizeError> {
        if !matches!(&self.phase, Phase::Moving(scale) if scale.iteration() > 0) {
            return Ok(self.painted.as_deref().map(|picture| self.presented(picture.clone())));
        }
        self.request_picture();
        let told = self.events.len();
        loop {
            let status = self.wait()?;
            let snapshot = self.events.iter().skip(told).position(|event| matches!(event, Event::Snapshot { .. }));
            if let Some(position) = snapshot
                && let Some(Event::Snapshot { picture, .. }) = self.events.remove(told + position)
            {
                return Ok(Some(self.presented(picture)));
            }
            if status == Status::Done {
                self.wishes.picture = false;
                return Ok(self.painted.as_deref().map(|picture| self.presented(picture.clone())));
            }
        }
    }

    /// Changes the recipe between two iterations. Weights (including those of layers), the learning rate and iterations
    /// take effect at once, a larger size as further scales; a finished painting then continues. Everything else is
    /// fixed.
    ///
    /// # Errors
    /// If a number is out of range, something else was changed, or the device fails; then nothing is changed.
    pub fn change(&mut self, change: impl FnOnce(&mut Recipe)) -> Result<(), ChangeError> {
        let mut recipe = self.recipe.clone();
        change(&mut recipe);
        recipe.check().map_err(Reason::Recipe)?;
        if let Some(name) = fixed_difference(&self.recipe, &recipe) {
            return Err(ChangeError::Fixed { name });
        }
        let mut further = self.sizes.clone();
        if recipe.size != self.recipe.size {
            further.truncate(self.index + 1);
            let present = further[self.index].long_side();
            further
                .extend(sizes(self.outline.content, &recipe)?.into_iter().filter(|&size| size.long_side() > present));
        }
        let [before, objective] = [&self.recipe, &recipe]
            .map(|recipe| Objective::new(recipe, &self.outline, self.sizes[self.index].long_side()));
        let iterations = recipe.iterations_of(self.index);
        if let Phase::Moving(scale) = &mut self.phase {
            scale.change(&recipe, &objective, iterations).map_err(Reason::Backend)?;
        }
        if let Some(Moment { optimizer: SavedOptimizer::Lbfgs(history), .. }) = &mut self.moment
            && objective != before
        {
            // The history belongs to another function.
            *history = None;
        }
        (self.recipe, self.sizes) = (recipe, further);
        if matches!(self.phase, Phase::Preparing(_)) {
            self.phase = Phase::Beginning;
            self.prepare(self.pictures())?;
        }
        if matches!(self.phase, Phase::Done) && self.painted.is_some() && self.index + 1 < self.sizes.len() {
            self.index += 1;
            self.phase = Phase::Beginning;
        }
        Ok(())
    }

    /// Asks for a [`Checkpoint`] after the present iteration.
    pub fn request_checkpoint(&mut self) {
        if matches!(self.phase, Phase::Moving(_)) {
            self.wishes.moment = true;
        } else {
            self.checkpoint = Some(self.checkpoint_at(self.moment.clone()));
        }
    }

    /// The checkpoint that was asked for, once it is ready.
    pub fn take_checkpoint(&mut self) -> Option<Checkpoint> {
        self.checkpoint.take()
    }

    /// The painting as it stands, after waiting for the device.
    ///
    /// # Errors
    /// As [`Painting::advance`].
    pub fn checkpoint(&mut self) -> Result<Checkpoint, StylizeError> {
        self.request_checkpoint();
        loop {
            if let Some(checkpoint) = self.take_checkpoint() {
                return Ok(checkpoint);
            }
            if self.wait()? == Status::Done {
                self.request_checkpoint();
            }
        }
    }

    /// Saves the painting as it stands, after waiting for the device. The file is written whole or not at all.
    ///
    /// # Errors
    /// If the device fails or the file cannot be written.
    pub fn save(&mut self, path: &Path) -> Result<(), CheckpointError> {
        let checkpoint = self.checkpoint().map_err(|error| CheckpointError::Painting(Box::new(error)))?;
        checkpoint.save(path)
    }

    fn checkpoint_at(&mut self, moment: Option<Moment>) -> Checkpoint {
        let digests = match &self.digests {
            Some(digests) => digests.clone(),
            None => Digests::new(self.engine.filters(), &self.recipe, &self.inputs),
        };
        self.digests = Some(digests.clone());
        let done = matches!(self.phase, Phase::Done) && self.painted.is_some();
        let position = Position { sizes: self.sizes.clone(), index: self.index, precision: self.precision, done };
        let (recipe, painted) = (self.recipe.clone(), self.painted.clone());
        Checkpoint { recipe, position, digests, moment, painted, notes: String::new() }
    }

    /// The pictures that a scale works with.
    fn pictures(&self) -> ScalePictures {
        let inputs = self.recoloured.as_ref().unwrap_or(&self.inputs);
        let (size, painted) = (self.sizes[self.index], self.painted.as_deref());
        ScalePictures::new(inputs, &self.outline, &self.recipe, size, painted)
    }

    /// A picture as it is shown: in the colours that are wanted, and with the photograph where that is kept.
    fn presented(&self, picture: Picture) -> Picture {
        let limits = Limits::new(&self.inputs, picture.size());
        if limits.is_none() && self.recipe.colours != Colours::Photo {
            return picture;
        }
        let photograph = self.inputs.content.resize(picture.size());
        let coloured = match self.recipe.colours {
            Colours::Photo => with_chroma_of(&picture, &photograph, self.recipe.colour_strength),
            Colours::Painting | Colours::Match => picture,
        };
        match limits {
            Some(limits) => limits.put_back(coloured, &photograph),
            None => coloured,
        }
    }

    fn work(&mut self, wait: bool) -> Result<Status, StylizeError> {
        let piece = self.piece(wait);
        let lost = self.engine.lost_devices();
        self.events.extend(lost.iter().skip(self.lost).cloned().map(Event::DeviceLost));
        self.lost = lost.len();
        match piece {
            Ok(status) => Ok(status),
            Err(reason) => {
                let scale = std::mem::replace(&mut self.phase, Phase::Done);
                let of_scale = if let Phase::Moving(scale) = scale { scale.into_so_far() } else { None };
                // The result of a smaller scale is better than nothing.
                let so_far = of_scale
                    .or(self.painted.take().map(Arc::unwrap_or_clone))
                    .map(|picture| Box::new(self.presented(picture)));
                Err(StylizeError { reason, so_far })
            }
        }
    }

    fn piece(&mut self, wait: bool) -> Result<Status, Reason> {
        match &mut self.phase {
            Phase::Beginning => self.begin(),
            Phase::Preparing(scale) => {
                let (preparation, pictures, objective) = &mut **scale;
                let work = Work {
                    engine: &self.engine,
                    recipe: &self.recipe,
                    objective,
                    outline: &self.outline,
                    pictures,
                    gradient_exponent: self.moment.as_ref().and_then(|moment| moment.gradient_exponent),
                };
                match preparation.advance(work, wait)? {
                    prepare::Progress::Pending => Ok(Status::Pending),
                    prepare::Progress::Worked => Ok(Status::Worked),
                    prepare::Progress::OutOfRange => self.leave_f16(),
                    prepare::Progress::Ready(prepared) => {
                        let iterations = self.recipe.iterations_of(self.index);
                        let moment = self.moment.take();
                        let scale = Scale::new(*prepared, &self.recipe, objective, iterations, moment)?;
                        self.phase = Phase::Moving(Box::new(scale));
                        Ok(Status::Worked)
                    }
                }
            }
            Phase::Moving(scale) => match scale.advance(wait, &mut self.wishes, &mut self.events)? {
                scale::Progress::Pending => Ok(Status::Pending),
                scale::Progress::Worked => Ok(Status::Worked),
                scale::Progress::Moment(moment) => {
                    self.checkpoint = Some(self.checkpoint_at(Some(moment)));
                    Ok(Status::Worked)
                }
                scale::Progress::Painted(picture) => {
                    self.painted = Some(Arc::new(picture));
                    Ok(self.finish_scale())
                }
                scale::Progress::OutOfRange(moment) => {
                    self.moment = Some(Moment { gradient_exponent: None, ..moment });
                    self.leave_f16()
                }
                scale::Progress::Failed(reason, picture) => {
                    self.painted = picture.map(Arc::new).or(self.painted.take());
                    self.phase = Phase::Done;
                    Err(reason)
                }
            },
            Phase::Done => Ok(Status::Done),
        }
    }

    fn begin(&mut self) -> Result<Status, Reason> {
        let pictures = self.pictures();
        self.events.push_back(Event::Scale {
            number: self.index + 1,
            count: self.sizes.len(),
            size: self.sizes[self.index],
            styles: pictures.paintings.iter().map(|painting| painting.picture.size()).collect(),
            iterations: self.recipe.iterations_of(self.index),
        });
        self.prepare(pictures)
    }

    fn prepare(&mut self, pictures: ScalePictures) -> Result<Status, Reason> {
        let objective = Objective::new(&self.recipe, &self.outline, self.sizes[self.index].long_side());
        let work = Work {
            engine: &self.engine,
            recipe: &self.recipe,
            objective: &objective,
            outline: &self.outline,
            pictures: &pictures,
            gradient_exponent: None,
        };
        let preparation = Preparation::new(work, self.precision)?;
        self.phase = Phase::Preparing(Box::new((preparation, pictures, objective)));
        Ok(Status::Worked)
    }

    /// Continues in f32, for the rest of this scale and for later ones: only f16 has a range to leave.
    fn leave_f16(&mut self) -> Result<Status, Reason> {
        // The next session needs this one's memory.
        self.phase = Phase::Beginning;
        self.engine.forget_filters(Precision::F16);
        self.precision = Precision::F32;
        self.events.push_back(Event::OutOfRange { iteration: self.iteration() });
        let pictures = self.pictures();
        self.prepare(pictures)
    }

    fn finish_scale(&mut self) -> Status {
        if self.index + 1 < self.sizes.len() {
            self.index += 1;
            self.phase = Phase::Beginning;
        } else {
            self.phase = Phase::Done;
        }
        if std::mem::take(&mut self.wishes.moment) {
            self.request_checkpoint();
        }
        if matches!(self.phase, Phase::Done) { Status::Done } else { Status::Worked }
    }
}

/// A painting in the colours of a photograph: painting, photograph, the weight of each pixel of both, strength.
type Recolour = fn(&Picture, &Picture, Option<&[f32]>, Option<&[f32]>, f32) -> Picture;

/// The inputs in the colours in which they are worked with; none if those are their own.
fn recoloured(inputs: &Inputs, recipe: &Recipe) -> Option<Inputs> {
    let strength = recipe.colour_strength;
    let (content, recolour): (_, Recolour) = match recipe.colours {
        Colours::Painting => return None,
        Colours::Photo => (photograph_in_luminance(&inputs.content, strength), painting_in_luminance),
        Colours::Match => (inputs.content.clone(), match_colours),
    };
    let fitted = |mask: &Option<Mask>, picture: &Picture| mask.as_ref().map(|mask| mask.resize(picture.size()));
    let seen = fitted(&inputs.alpha, &inputs.content);
    let painting = |input: &StyleInput| {
        let mask = fitted(&input.mask, &input.picture);
        let (mask, seen) = (mask.as_ref().map(Mask::values), seen.as_ref().map(Mask::values));
        StyleInput { picture: recolour(&input.picture, &inputs.content, mask, seen, strength), ..input.clone() }
    };
    Some(Inputs { content, paintings: inputs.paintings.iter().map(painting).collect(), ..inputs.clone() })
}

/// The first part of two recipes that differs and cannot change while a picture is painted.
fn fixed_difference(a: &Recipe, b: &Recipe) -> Option<&'static str> {
    let layers = |layers: &[WeightedLayer]| layers.iter().map(|weighted| weighted.layer).collect::<Vec<_>>();
    let same = [
        ("the smallest size", a.min_scale == b.min_scale),
        ("the size of the paintings", a.style_scales == b.style_scales),
        ("how paintings are blended", a.blend == b.blend),
        ("the statistic", a.statistic == b.statistic),
        ("the colours", a.colours == b.colours && a.colour_strength == b.colour_strength),
        ("how regions are softened", a.feather == b.feather),
        ("whether edges count", (a.edge_weight > 0.0) == (b.edge_weight > 0.0)),
        ("the start", a.init == b.init && a.seed == b.seed),
        ("the optimiser", a.method == b.method),
        ("the list of content layers", layers(&a.content_layers) == layers(&b.content_layers)),
        ("the list of style layers", layers(&a.style_layers) == layers(&b.style_layers)),
        ("the scaling of losses", a.scaling == b.scaling),
        ("the pooling", a.pooling == b.pooling),
        ("the border", a.border == b.border),
        ("the margin", a.margin == b.margin),
    ];
    same.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
}
