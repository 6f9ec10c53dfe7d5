//! Filters made from a seed: no file, the right shapes and a stable activation scale. For tests and benches.

use super::filters::{ConvolutionFilters, Filters, Origin};
use crate::{
    random::Random,
    vgg19::{Layer, Normalisation},
};

/// Filters up to `deepest`, uniform with the variance 2 / (9 Cin) that keeps activations at one scale (He et al., 2015,
/// "Delving Deep into Rectifiers"), biases uniform in [-0.05, 0.05).
///
/// Layer `i` uses seed `seed * 1000 + i`, first the weights in the order `[Cout][Cin][tap]` of PyTorch, then the biases.
pub fn generated(seed: u64, deepest: Layer) -> Filters {
    let layers = deepest
        .up_to()
        .map(|layer| {
            let (cin, cout) = (layer.input_channels() as usize, layer.output_channels() as usize);
            let mut random = Random::new(seed * 1000 + layer.index() as u64);
            let bound = (6.0 / (9 * cin) as f32).sqrt();
            let kernel = random.uniform_values(cout * cin * 9, -bound, bound);
            let bias = random.uniform_values(cout, -0.05, 0.05);
            ConvolutionFilters::from_pytorch(&kernel, bias, cin)
        })
        .collect();
    Filters { origin: Origin::Network, normalisation: Normalisation::IMAGENET, layers }
}
