//! How long painting takes, from a piece of it that is measured.

use super::{error::Reason, memory_needed::ScalePlans, outline::Outline, planned::Planned, recipe::Recipe};
use crate::{
    Engine,
    backend::write_noise,
    plan::{Plan, Routine},
};
use std::time::Duration;

/// How long the iterations of a recipe take on an engine for inputs of this outline: the arithmetic of all sizes, at the
/// pace at which the engine works at the smallest. Filters need only be as many as the recipe reaches; of what values, does
/// not matter. Besides, L-BFGS evaluates a few points that are no iterations.
///
/// # Errors
/// If a picture is too small for the layers, there are none, or the device fails.
pub fn duration(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Result<Duration, Reason> {
    let scales = ScalePlans::all(engine, outline, recipe)?;
    let Some(smallest) = scales.first() else { return Ok(Duration::ZERO) };
    // Several devices share the work.
    let mut operations_per_second = 0.0;
    for (number, device) in engine.devices().iter().enumerate() {
        operations_per_second += speed(device, smallest.iteration.on_device(number))?;
    }
    Ok(Duration::try_from_secs_f64(operations_of(&scales, recipe) / operations_per_second).unwrap_or(Duration::MAX))
}

/// Multiplications and additions of the iterations of a recipe. Besides, L-BFGS evaluates a few points that are no iterations.
///
/// # Errors
/// If a picture is too small for the layers, or there are none.
pub fn arithmetic(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Result<f64, Reason> {
    Ok(operations_of(&ScalePlans::all(engine, outline, recipe)?, recipe))
}

fn operations_of(scales: &[ScalePlans], recipe: &Recipe) -> f64 {
    let operations = scales.iter().enumerate().map(|(index, scale)| {
        let targets: f64 = scale.targets.iter().map(operations).sum();
        targets + f64::from(recipe.iterations_of(index)) * operations(&scale.iteration)
    });
    operations.sum()
}

/// Multiplications and additions of an evaluation or, of features, of all.
fn operations(planned: &Planned) -> f64 {
    let of = |plan: &Plan, routine, times: usize| times as f64 * plan.routine_cost(routine).flops as f64;
    match planned {
        Planned::Whole(plan, _) => of(plan, Routine::Features, 1) + of(plan, Routine::Evaluate, 1),
        Planned::Windowed(windowed) => {
            let (window, cover) = (&windowed.window, &windowed.cover);
            of(window, Routine::Statistics, cover.statistics.len())
                + of(window, Routine::Losses, 1)
                + of(window, Routine::Gradient, cover.gradients.len())
        }
    }
}

/// Multiplications and additions in a second.
fn speed(engine: &Engine, plan: &Plan) -> Result<f64, Reason> {
    let mut session = engine.session(plan)?;
    write_noise(session.as_mut(), plan)?;
    let seconds: f64 = session.time_steps(1)?.iter().sum();
    let operations: u64 = plan.routines.iter().map(|(routine, _)| plan.routine_cost(*routine).flops).sum();
    Ok(operations as f64 / seconds)
}
