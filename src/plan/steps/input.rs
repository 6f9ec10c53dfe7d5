//! Between the picture and what the first convolution reads.

use super::declaration::{Declaration, Role::*};
use super::{Size, SlotId};
use crate::vgg19::Normalisation;

/// What the first convolution sees beyond the picture's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Border {
    /// Zero, after normalisation: the mean colour.
    Zero,
    /// The nearest pixel of the picture.
    Replicate,
    /// The opposite edge: the picture is repeated in every direction. So are the maps of all layers, see
    /// [`super::WrapHalo`].
    Wrap,
}

/// `output[p][c] = (image[p][c] - mean[c]) / deviation[c]`, channel 3 zero, the halo set by `border`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct NetworkInput {
    pub image: SlotId,
    pub output: SlotId,
    pub size: Size,
    pub border: Border,
    pub normalisation: Normalisation,
}

impl NetworkInput {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("network_input", self.output).uses(Read, [self.image]).uses(Write, [self.output])
    }
}

/// Gradient with respect to the picture from that with respect to the network input: `image = u * sum of gradient[q] /
/// deviation` over the padded pixels `q` that were made from it; on a torus, where every layer's gradient already comes
/// from both sides of an edge, over the one pixel within the picture. `u`, the only value of `inverse_scale`, undoes the scale
/// that keeps gradients within f16.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct NetworkInputBackward {
    pub gradient: SlotId,
    pub image_gradient: SlotId,
    pub inverse_scale: SlotId,
    pub size: Size,
    pub border: Border,
    pub normalisation: Normalisation,
}

impl NetworkInputBackward {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("network_input_backward", self.image_gradient)
            .uses(Read, [self.gradient, self.inverse_scale])
            .uses(Write, [self.image_gradient])
    }
}
