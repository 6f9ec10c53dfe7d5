//! The filters of a network in the layout that every back end reads.

use crate::{
    plan::Precision,
    vgg19::{Layer, Normalisation},
};

/// One convolution: `[tap][input channel][output channel]`, taps in reading order (top left first).
#[derive(Clone, Debug, PartialEq)]
pub struct ConvolutionFilters {
    /// Channels read; the picture's three are padded to four with zeros.
    pub input_channels: usize,
    /// Channels written.
    pub output_channels: usize,
    /// `9 * input_channels * output_channels` values.
    pub weight: Vec<f32>,
    /// `output_channels` values.
    pub bias: Vec<f32>,
}

impl ConvolutionFilters {
    /// Converts PyTorch's `[Cout][Cin][3][3]`, with as many biases as output channels; input channels are padded with
    /// zeros to a multiple of four.
    pub fn from_pytorch(kernel: &[f32], bias: Vec<f32>, input_channels: usize) -> Self {
        let (cin, cout) = (input_channels.next_multiple_of(4), bias.len());
        let mut weight = vec![0.0; 9 * cin * cout];
        for output in 0..cout {
            for input in 0..input_channels {
                for tap in 0..9 {
                    weight[(tap * cin + input) * cout + output] = kernel[(output * input_channels + input) * 9 + tap];
                }
            }
        }
        ConvolutionFilters { input_channels: cin, output_channels: cout, weight, bias }
    }

    /// Back to PyTorch's `[Cout][Cin][3][3]`, with the first `input_channels` only.
    pub fn to_pytorch(&self, input_channels: usize) -> Vec<f32> {
        let (cin, cout) = (self.input_channels, self.output_channels);
        let mut kernel = Vec::with_capacity(cout * input_channels * 9);
        for output in 0..cout {
            for input in 0..input_channels {
                kernel.extend((0..9).map(|tap| self.weight[(tap * cin + input) * cout + output]));
            }
        }
        kernel
    }

    /// The filters of the transposed convolution, which carries gradients back to the input: taps mirrored, input and
    /// output channels exchanged.
    pub fn transposed(&self) -> Vec<f32> {
        let (cin, cout) = (self.input_channels, self.output_channels);
        let mut transposed = vec![0.0; self.weight.len()];
        for tap in 0..9 {
            let from = &self.weight[tap * cin * cout..][..cin * cout];
            let to = &mut transposed[(8 - tap) * cin * cout..][..cin * cout];
            for input in 0..cin {
                for output in 0..cout {
                    to[output * cin + input] = from[input * cout + output];
                }
            }
        }
        transposed
    }
}

/// Where filters come from. The default weight of style depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A network that was trained to recognise things.
    #[default]
    Network,
    /// A few pictures, see [`crate::learn`].
    Learned,
}

/// Filters from the first convolution to some deepest one, RGB in.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Where they come from.
    pub origin: Origin,
    /// What the first convolution expects of a pixel.
    pub normalisation: Normalisation,
    /// `layers[i]` belongs to the layer with index `i`.
    pub layers: Vec<ConvolutionFilters>,
}

impl Filters {
    /// The filters rounded as storage in a precision rounds them. Biases are unchanged.
    pub fn rounded_to(&self, precision: Precision) -> Filters {
        let mut filters = self.clone();
        for layer in &mut filters.layers {
            layer.weight = precision.decode(&precision.encode(&layer.weight));
        }
        filters
    }

    /// Filters for a network that averages where it pools. The mean of four values is less than their maximum; those that
    /// read a pooled map are doubled, so that what is deeper is about as strong as with max pooling. By the linearity of a
    /// convolution that is what averages times two would give.
    #[must_use]
    pub fn for_average_pooling(mut self) -> Filters {
        let pooled = Layer::DEEPEST.up_to().zip(&mut self.layers).filter(|(layer, _)| layer.is_after_pooling());
        pooled.for_each(|(_, filters)| filters.weight.iter_mut().for_each(|value| *value *= 2.0));
        self
    }

    /// The deepest layer there are filters for; none if there is no filter at all.
    pub fn deepest(&self) -> Option<Layer> {
        Layer::DEEPEST.up_to().take(self.layers.len()).next_back()
    }

    /// Filters of one layer, if the set reaches that deep.
    pub fn get(&self, layer: Layer) -> Option<&ConvolutionFilters> {
        self.layers.get(layer.index())
    }

    /// Bytes of all weights and biases as f32.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|l| 4 * (l.weight.len() + l.bias.len()) as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use crate::weights::generated;

    #[test]
    fn filters_for_averages_are_doubled_where_they_read_a_pooled_map_and_their_biases_are_not() {
        let plain = generated(4, "relu2_2".parse().unwrap());
        let averages = plain.clone().for_average_pooling();
        for (index, factor) in [(0, 1.0), (1, 1.0), (2, 2.0), (3, 1.0)] {
            let expected = plain.layers[index].weight.iter().map(|value| factor * value);
            assert!(averages.layers[index].weight.iter().copied().eq(expected), "layer {index}");
            assert_eq!(averages.layers[index].bias, plain.layers[index].bias);
        }
    }
}
