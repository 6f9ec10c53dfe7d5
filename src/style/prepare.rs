//! From pictures and a recipe to a session that is ready to paint.

use super::{
    gradient_scale,
    objective::Objective,
    recipe::Recipe,
    stylize::Reason,
    targets::{Sources, Targets, network},
};
use crate::{
    Engine, Session,
    picture::Picture,
    plan::{self, Plan, Precision, Tensor},
    write_values,
};

/// What a scale works with.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub engine: &'a Engine,
    pub recipe: &'a Recipe,
    pub objective: &'a Objective,
    /// The photograph, in the size that is painted.
    pub content: &'a Picture,
    /// The painting, in the size that is looked at.
    pub style: &'a Picture,
}

/// A plan and a session with targets and scales in place.
pub(super) struct Prepared {
    pub plan: Plan,
    pub session: Box<dyn Session>,
}

/// Why there is nothing to work with.
pub(super) enum Unprepared {
    /// A value is beyond what f16 holds: the same may be possible in f32.
    OutOfRange,
    Failed(Reason),
}

impl<R: Into<Reason>> From<R> for Unprepared {
    fn from(reason: R) -> Self {
        Unprepared::Failed(reason.into())
    }
}

/// Makes everything ready to paint from `start`, in a precision that the engine has.
pub(super) fn prepare(work: Work<'_>, precision: Precision, start: &Picture) -> Result<Prepared, Unprepared> {
    let Work { engine, recipe, objective, content, style } = work;
    let terms = objective.terms();
    let network = network(engine, precision, content.size(), recipe.border, recipe.pooling);
    let plan = plan::iteration(&network, &terms, recipe.optimizer()).map_err(Reason::Content)?;
    let sources = Sources { photograph: content, paintings: &[style] };
    let targets = Targets::new(engine, precision, recipe.border, recipe.pooling, &terms, sources)?;
    let mut session = engine.session(&plan)?;
    let scales = objective.write(session.as_mut(), &plan, &targets)?;
    let slot = |tensor| plan.find(tensor).expect("an iteration plan has a picture and a state");
    write_values(session.as_mut(), slot(Tensor::Image), start.pixels())?;
    session.write(slot(Tensor::State), bytemuck::cast_slice(&plan::INITIAL_STATE))?;
    if precision == Precision::F16 {
        gradient_scale::adjust(session.as_mut(), &plan, &scales)?.ok_or(Unprepared::OutOfRange)?;
    }
    Ok(Prepared { plan, session })
}
