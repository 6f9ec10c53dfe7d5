//! The layer table of VGG19 (Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
//! Recognition", 2015): the names of the convolutions, how many channels they have, and where the poolings are.

use std::{fmt, str::FromStr};

/// One 3x3 convolution, followed by a ReLU.
#[derive(Debug)]
struct Convolution {
    /// Name of the rectified output, `relu<block>_<number>`.
    name: &'static str,
    /// Index in torchvision's `features` list: the tensors are `features.<index>.weight` and `.bias`.
    features_index: u32,
    block: u32,
    input_channels: u32,
    output_channels: u32,
}

const fn convolution(
    name: &'static str,
    features_index: u32,
    block: u32,
    input_channels: u32,
    output_channels: u32,
) -> Convolution {
    Convolution { name, features_index, block, input_channels, output_channels }
}

const CONVOLUTIONS: [Convolution; 16] = [
    convolution("relu1_1", 0, 1, 3, 64),
    convolution("relu1_2", 2, 1, 64, 64),
    convolution("relu2_1", 5, 2, 64, 128),
    convolution("relu2_2", 7, 2, 128, 128),
    convolution("relu3_1", 10, 3, 128, 256),
    convolution("relu3_2", 12, 3, 256, 256),
    convolution("relu3_3", 14, 3, 256, 256),
    convolution("relu3_4", 16, 3, 256, 256),
    convolution("relu4_1", 19, 4, 256, 512),
    convolution("relu4_2", 21, 4, 512, 512),
    convolution("relu4_3", 23, 4, 512, 512),
    convolution("relu4_4", 25, 4, 512, 512),
    convolution("relu5_1", 28, 5, 512, 512),
    convolution("relu5_2", 30, 5, 512, 512),
    convolution("relu5_3", 32, 5, 512, 512),
    convolution("relu5_4", 34, 5, 512, 512),
];

/// A convolution of VGG19 with its ReLU, named after its output: `relu1_1` to `relu5_4`.
///
/// Layers are ordered from the picture (`relu1_1`) to the deepest (`relu5_4`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Layer(u8);

impl Layer {
    /// The layer that looks at the picture, `relu1_1`.
    pub const FIRST: Layer = Layer(0);
    /// The deepest layer, `relu5_4`.
    pub const DEEPEST: Layer = Layer(CONVOLUTIONS.len() as u8 - 1);

    /// All layers up to and including this one, from `relu1_1` on.
    pub fn up_to(self) -> impl DoubleEndedIterator<Item = Layer> + ExactSizeIterator {
        (0..self.0 + 1).map(Layer)
    }

    /// Position from the picture: 0 for `relu1_1`, 15 for `relu5_4`.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The layer below, nearer to the picture; none below `relu1_1`.
    pub fn below(self) -> Option<Layer> {
        self.0.checked_sub(1).map(Layer)
    }

    /// The layer above, farther from the picture; none above `relu5_4`.
    pub fn above(self) -> Option<Layer> {
        (self < Layer::DEEPEST).then(|| Layer(self.0 + 1))
    }

    /// `relu<block>_<number>`.
    pub fn name(self) -> &'static str {
        self.convolution().name
    }

    /// Index of the convolution in torchvision's `features` list.
    pub fn features_index(self) -> u32 {
        self.convolution().features_index
    }

    /// Channels the convolution reads: 3 for `relu1_1`, a multiple of 64 for the others.
    pub fn input_channels(self) -> u32 {
        self.convolution().input_channels
    }

    /// Channels the convolution writes, a multiple of 64.
    pub fn output_channels(self) -> u32 {
        self.convolution().output_channels
    }

    /// Whether a 2x2 pooling stands between the layer below and this one.
    pub fn is_after_pooling(self) -> bool {
        self.below().is_some_and(|below| below.convolution().block != self.convolution().block)
    }

    /// How many 2x2 poolings stand between the picture and this layer: 0 to 4.
    pub fn poolings(self) -> u32 {
        self.convolution().block - 1
    }

    fn convolution(self) -> &'static Convolution {
        &CONVOLUTIONS[self.index()]
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a layer that VGG19 does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a layer of VGG19: use relu1_1, relu1_2, relu2_1, relu2_2, relu3_1 to relu3_4, relu4_1 to relu4_4 or relu5_1 to relu5_4"
)]
pub struct UnknownLayer(String);

impl From<Layer> for String {
    fn from(layer: Layer) -> String {
        layer.to_string()
    }
}

impl TryFrom<String> for Layer {
    type Error = <Layer as FromStr>::Err;

    fn try_from(name: String) -> Result<Layer, Self::Error> {
        name.parse()
    }
}

impl FromStr for Layer {
    type Err = UnknownLayer;

    fn from_str(name: &str) -> Result<Self, UnknownLayer> {
        Layer::DEEPEST.up_to().find(|layer| layer.name() == name).ok_or_else(|| UnknownLayer(name.to_owned()))
    }
}

/// How a pixel is transformed before the first convolution: `(value - mean) / deviation`, per RGB channel of a picture
/// in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// Subtracted from red, green and blue.
    pub mean: [f32; 3],
    /// Divides red, green and blue; above zero.
    pub deviation: [f32; 3],
}

impl Normalisation {
    /// Statistics of ImageNet, as torchvision's and timm's filters expect them.
    pub const IMAGENET: Normalisation = Normalisation { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

    /// Values in 0..255 minus the mean of the original training set, as the original (Caffe, Keras) filters expect
    /// them.
    pub const CAFFE: Normalisation = Normalisation {
        mean: [123.68 / 255.0, 116.779 / 255.0, 103.939 / 255.0],
        deviation: [1.0 / 255.0, 1.0 / 255.0, 1.0 / 255.0],
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_reads_what_the_layer_below_writes() {
        for layer in Layer::DEEPEST.up_to().skip(1) {
            assert_eq!(layer.input_channels(), layer.below().unwrap().output_channels(), "{layer}");
        }
    }

    #[test]
    fn names_and_feature_indices_agree_with_torchvision() {
        // In torchvision's list a convolution and its ReLU take two places and a pooling one.
        let mut index = 0;
        for layer in Layer::DEEPEST.up_to() {
            index += u32::from(layer.is_after_pooling());
            assert_eq!(layer.features_index(), index, "{layer}");
            assert_eq!(layer.name().parse(), Ok(layer));
            index += 2;
        }
        assert_eq!(index, 36);
    }

    #[test]
    fn poolings_follow_the_second_or_fourth_convolution_of_a_block() {
        let after: Vec<_> = Layer::DEEPEST.up_to().filter(|l| l.is_after_pooling()).map(Layer::name).collect();
        assert_eq!(after, ["relu2_1", "relu3_1", "relu4_1", "relu5_1"]);
        assert!("relu6_1".parse::<Layer>().is_err());
    }
}
