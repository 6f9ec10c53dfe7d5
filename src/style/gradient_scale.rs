//! The power of two that gradients are multiplied with so that f16 holds them.
//!
//! Gradients by feature maps are tiny: a loss has one value, a map has millions. On photographs the largest of a picture of
//! 256x192 was 2^-11.5 and the median of the layer with the smallest 2^-24.6, where f16 ends; both shrink with the number of
//! pixels. All steps between the losses and the picture are linear in the gradient, so one factor in front and its inverse
//! behind change nothing but the range.

use super::coefficients::{self, LossScale};
use crate::{
    BackendError, Session,
    plan::{INITIAL_STATE, PerTerm, Plan, Routine, Tensor},
    read_values,
};

/// Powers of two between two trials.
const STEP: i32 = 6;
/// Powers of two below the largest trial that overflowed nothing: room for gradients that grow on the way.
const ROOM: i32 = 4;
/// Trials at most.
const TRIALS: i32 = 8;

/// Where an evaluation left the range.
enum Range {
    Kept,
    /// In the gradients: a smaller scale may do.
    GradientsLeft,
    /// In the feature maps: no scale helps.
    FeaturesLeft,
}

/// Finds the scale for the picture that is in the session, writes it with the losses' scales, and leaves the state as
/// it was before the first evaluation. None if f16 does not do.
pub(super) fn adjust(
    session: &mut dyn Session,
    plan: &Plan,
    scales: &PerTerm<LossScale>,
) -> Result<Option<()>, BackendError> {
    let mut evaluate = |exponent: i32| -> Result<Range, BackendError> {
        coefficients::write(session, plan, scales, 2_f32.powi(exponent))?;
        session.run(Routine::Evaluate)?;
        let values = read_values(session, plan.find(Tensor::LossValues).expect("an iteration plan has loss values"))?;
        let state = plan.find(Tensor::State).expect("an iteration plan has a state");
        session.write(state, bytemuck::cast_slice(&INITIAL_STATE))?;
        // What looks at a layer tells of the feature maps, what looks at the picture of its gradient.
        let values = PerTerm::new(&plan.terms, values);
        let are_finite = |at_layer| {
            values.iter().filter(|(term, _)| term.layer().is_some() == at_layer).all(|(_, value)| value.is_finite())
        };
        Ok(match (are_finite(true), are_finite(false)) {
            (false, _) => Range::FeaturesLeft,
            (true, false) => Range::GradientsLeft,
            (true, true) => Range::Kept,
        })
    };
    let mut exponent = (plan.window.picture.pixels() as f64).log2() as i32 + 8;
    let (mut kept, mut left) = (None, false);
    for _ in 0..TRIALS {
        match evaluate(exponent)? {
            Range::FeaturesLeft => return Ok(None),
            Range::Kept => {
                kept = Some(exponent);
                if left {
                    break;
                }
                exponent += STEP;
            }
            Range::GradientsLeft => {
                left = true;
                if kept.is_some() {
                    break;
                }
                exponent -= STEP;
            }
        }
    }
    match kept {
        Some(exponent) => coefficients::write(session, plan, scales, 2_f32.powi(exponent - ROOM)).map(Some),
        None => Ok(None),
    }
}
