//! The operations. Each is a struct with its formula and its slots, has one declaration with everything that a plan
//! needs to know about it, and has a shader, a CPU function and a naive reference function of the same name.

mod adam;
mod convolution;
mod declaration;
mod gram;
mod input;
mod lbfgs;
mod losses;
mod matrices;
mod pooling;
mod sum_of_squares;
mod wrap_halo;

pub use adam::{AdamRates, IterationState};
pub use declaration::{Declaration, Destination, Role, Use};
pub use input::Border;
pub use lbfgs::{LbfgsControl, LbfgsScalarResults};
pub use losses::{Coefficients, EDGE_CELL, TargetScalars, ring_row};
pub use matrices::{Factor, POLAR_FACTORS, POLAR_STEPS, PolarStep};
pub use pooling::Pooling;

use super::{FeatureShape, Map, Rows, Size, SlotId};
use crate::vgg19::Layer;

/// One variant for each operation, named like its struct.
macro_rules! steps {
    ($($module:ident: $($operation:ident),*;)*) => {
        $(pub use $module::{$($operation),*};)*

        /// One operation with the slots it works on.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each is described at its type")]
        pub enum Step {
            $($($operation($operation),)*)*
        }

        impl Step {
            /// What it does with which slots.
            pub fn declaration(&self) -> Declaration {
                match self {
                    $($(Step::$operation(step) => step.declaration(),)*)*
                }
            }
        }
    };
}

steps! {
    input: NetworkInput, NetworkInputBackward;
    convolution: Conv3x3, Conv3x3Backward;
    pooling: MaxPool, MaxPoolBackward, AveragePool, AveragePoolBackward;
    gram: Gram, ChannelMean, GramBackward;
    sum_of_squares: SumOfSquares;
    matrices: Covariance, MatrixProduct, Cholesky, PolarFactors;
    losses: GramLoss, MomentsLoss, WassersteinLoss, ContentLoss, TotalVariation, EdgeLoss, FreezePixels, RecordLosses;
    wrap_halo: WrapHalo;
    adam: Adam;
    lbfgs: LbfgsUpdate, LbfgsDots, LbfgsDirection, LbfgsTrial, LbfgsScalars, CopyVector;
}

impl Step {
    /// See `Declaration::operation`.
    pub fn operation(&self) -> &'static str {
        self.declaration().operation
    }

    /// See `Declaration::rows`.
    pub fn rows(&self) -> Option<(Rows, FeatureShape)> {
        self.declaration().rows
    }

    /// See `Declaration::filters`.
    pub fn filters(&self) -> Option<Layer> {
        self.declaration().filters
    }

    /// See `Declaration::makes`.
    pub fn makes(&self) -> SlotId {
        self.declaration().makes
    }

    /// The slots whose contents it needs and those it writes (a slot that is added to is in both).
    pub fn slots(&self) -> (Vec<SlotId>, Vec<SlotId>) {
        let uses = self.declaration().uses;
        let those = |wanted: fn(Role) -> bool| uses.iter().filter(|u| wanted(u.role)).map(|u| u.slot).collect();
        (those(Role::reads), those(Role::writes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Network, Optimizer, Routine, Term, iteration};

    #[test]
    fn every_step_uses_each_slot_once_and_writes_what_it_makes() {
        let terms = Term::all_of(&["relu2_1"], &["relu1_2"]);
        for (pooling, optimizer) in
            [(Pooling::Max, Optimizer::default()), (Pooling::Average, Optimizer::Lbfgs { memory: 3 })]
        {
            let network = Network { pooling, ..Network::for_tests(24, 20) };
            let plan = iteration(&network, &terms, optimizer).unwrap();
            assert!(plan.steps.len() > plan.routine(Routine::Evaluate).len());
            for step in &plan.steps {
                let Declaration { operation, makes, uses, .. } = step.declaration();
                assert!(uses.iter().any(|u| u.slot == makes && u.role.writes()), "{operation}");
                for (index, this) in uses.iter().enumerate() {
                    assert!(uses[..index].iter().all(|other| other.slot != this.slot), "{operation}: {this:?}");
                }
            }
        }
    }
}
