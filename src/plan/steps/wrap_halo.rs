//! Maps on a torus.

use super::declaration::{Declaration, Role::*};
use super::{FeatureShape, SlotId};

/// Fills the halo of a whole map as if the map were repeated in every direction: each halo pixel becomes the pixel of
/// the opposite edge.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as in the formula")]
pub struct WrapHalo {
    pub map: SlotId,
    pub shape: FeatureShape,
}

impl WrapHalo {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("wrap_halo", self.map).uses(Add, [self.map])
    }
}
