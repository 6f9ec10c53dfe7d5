//! What torchvision and timm call the tensors of VGG19, and which shapes they have.

use crate::vgg19::Layer;

/// A tensor that a weights file has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpectedTensor {
    /// The layer whose filters it belongs to.
    pub layer: Layer,
    /// `features.<index>.weight` or `features.<index>.bias`.
    pub name: String,
    /// `[Cout, Cin, 3, 3]` or `[Cout]`.
    pub shape: Vec<usize>,
}

impl ExpectedTensor {
    /// The kernel of a layer.
    pub fn weight(layer: Layer) -> Self {
        let shape = vec![layer.output_channels() as usize, layer.input_channels() as usize, 3, 3];
        ExpectedTensor { layer, name: format!("features.{}.weight", layer.features_index()), shape }
    }

    /// The bias of a layer.
    pub fn bias(layer: Layer) -> Self {
        let shape = vec![layer.output_channels() as usize];
        ExpectedTensor { layer, name: format!("features.{}.bias", layer.features_index()), shape }
    }
}
