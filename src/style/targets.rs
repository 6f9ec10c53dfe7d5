//! What terms compare with: what the network computes from the photograph and from paintings.

use super::error::Reason;
use crate::{
    BackendError, Engine, Session, SlotContents,
    picture::Picture,
    plan::{
        self, Border, Network, Plan, PlanError, Pooling, Precision, Representation, Routine, Size, Source, Tensor,
        Term, Window, wanted_of_sources,
    },
    read_map, read_values, write_values,
};

/// Why there are no targets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The picture does not suit the layers.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// The network as it looks at a picture of a given size, in a precision that the engine supports.
pub fn network(engine: &Engine, precision: Precision, size: Size, border: Border, pooling: Pooling) -> Network {
    let normalisation = engine.filters().normalisation;
    Network { window: Window::whole(size), border, pooling, normalisation, storage: engine.storage(precision) }
}

/// The pictures that terms compare with, each in the size in which the network sees it.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// In the size of the painted picture.
    pub photograph: &'a Picture,
    /// One or several.
    pub paintings: &'a [&'a Picture],
}

impl<'a> Sources<'a> {
    fn get(&self, source: Source) -> &'a Picture {
        match source {
            Source::Photograph => self.photograph,
            Source::Painting(number) => self.paintings[number],
        }
    }
}

/// What a term compares with, held where the session that computed it left it.
#[derive(Debug)]
pub(super) struct Target {
    source: Source,
    representation: Representation,
    /// For a session of the same engine and precision.
    pub contents: SlotContents,
    /// Sum of its squares.
    pub squares: f64,
}

/// What terms compare with. It stays on the device.
#[derive(Debug, Default)]
pub struct Targets(Vec<Target>);

impl Targets {
    /// Runs the network on every picture that a term compares with.
    ///
    /// # Errors
    /// If a picture is too small for a layer or the device fails.
    ///
    /// # Panics
    /// If a term names a painting that is not among the sources.
    pub fn new(
        engine: &Engine,
        precision: Precision,
        border: Border,
        pooling: Pooling,
        terms: &[Term],
        sources: Sources<'_>,
    ) -> Result<Targets, Reason> {
        let mut targets = Targets::default();
        for (source, wanted) in wanted_of_sources(terms) {
            let picture = sources.get(source);
            let plan = plan::features(&network(engine, precision, picture.size(), border, pooling), &wanted)
                .map_err(|error| unsuitable(source, error))?;
            let mut session = engine.session(&plan)?;
            let slot = |tensor| plan.find(tensor).expect("a features plan has a picture and sums");
            write_values(session.as_mut(), slot(Tensor::Image), picture.pixels())?;
            session.run(Routine::Features)?;
            let squares = read_values(session.as_mut(), slot(Tensor::SumsOfSquares))?;
            targets.take(source, &wanted, &squares, &plan, session.as_mut())?;
        }
        Ok(targets)
    }

    /// Takes what the network computed from a picture out of a session that is no longer used. `squares` is what the
    /// session left in [`Tensor::SumsOfSquares`].
    pub(super) fn take(
        &mut self,
        source: Source,
        wanted: &[Representation],
        squares: &[f32],
        plan: &Plan,
        session: &mut dyn Session,
    ) -> Result<(), BackendError> {
        for (&representation, &squares) in wanted.iter().zip(squares) {
            let slot = plan.find(representation.tensor()).expect("a features plan holds what is wanted");
            let contents = session.hand_over(slot)?;
            self.0.push(Target { source, representation, contents, squares: f64::from(squares) });
        }
        Ok(())
    }

    /// What a term compares with, if it was made.
    pub(super) fn get(&self, term: Term) -> Option<&Target> {
        let wanted = term.comparison().map(|comparison| comparison.source).zip(term.target())?;
        self.0.iter().find(|target| (target.source, target.representation) == wanted)
    }
}

/// Why there is no plan for a picture, in words that name the picture.
pub(super) fn unsuitable(source: Source, error: PlanError) -> Reason {
    match source {
        Source::Photograph => Reason::Content(error),
        Source::Painting(_) => Reason::Style(error),
    }
}

/// Runs the network on a picture and reads what is wanted, in that order: feature maps (haloed NHWC) and Gram matrices
/// (`[C][C]`). If nothing is wanted, the result is empty.
///
/// # Errors
/// If the picture is too small for a layer or the device fails.
pub fn features(
    engine: &Engine,
    precision: Precision,
    picture: &Picture,
    border: Border,
    pooling: Pooling,
    wanted: &[Representation],
) -> Result<Vec<Vec<f32>>, TargetError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let plan = plan::features(&network(engine, precision, picture.size(), border, pooling), wanted)?;
    let mut session = engine.session(&plan)?;
    let slot = |tensor| plan.find(tensor).expect("a features plan holds what is wanted");
    write_values(session.as_mut(), slot(Tensor::Image), picture.pixels())?;
    session.run(Routine::Features)?;
    let mut read = |representation: &Representation| read_map(session.as_mut(), &plan, slot(representation.tensor()));
    Ok(wanted.iter().map(&mut read).collect::<Result<_, _>>()?)
}
