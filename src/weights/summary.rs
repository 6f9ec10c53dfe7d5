//! What is known of filters whose values are no longer there.

use super::filters::{Filters, Origin};
use crate::{
    hexadecimal::hexadecimal,
    vgg19::{Layer, Normalisation},
};
use sha2::{Digest, Sha256};

/// See the module.
#[derive(Clone, Debug)]
pub struct FilterSummary {
    /// What the first convolution expects of a pixel.
    pub normalisation: Normalisation,
    /// Where they come from.
    pub origin: Origin,
    /// Of no layer, of the first, of the first two, and so on.
    digests: Vec<String>,
}

impl FilterSummary {
    /// Takes the digests.
    pub fn of(filters: &Filters) -> FilterSummary {
        let mut hash = Sha256::new();
        hash.update(bytemuck::bytes_of(&filters.normalisation.mean));
        hash.update(bytemuck::bytes_of(&filters.normalisation.deviation));
        let so_far = |hash: &Sha256| hexadecimal(&hash.clone().finalize());
        let mut digests = vec![so_far(&hash)];
        for layer in &filters.layers {
            hash.update(bytemuck::cast_slice(&layer.weight));
            hash.update(bytemuck::cast_slice(&layer.bias));
            digests.push(so_far(&hash));
        }
        FilterSummary { normalisation: filters.normalisation, origin: filters.origin, digests }
    }

    /// SHA-256 of the filters down to a layer, in hexadecimal digits.
    pub fn digest(&self, deepest: Option<Layer>) -> &str {
        let layers = deepest.map_or(0, |deepest| deepest.index() + 1);
        &self.digests[layers.min(self.digests.len() - 1)]
    }

    /// The deepest layer there are filters for; none if there is no filter at all.
    pub fn deepest(&self) -> Option<Layer> {
        Layer::DEEPEST.up_to().take(self.digests.len() - 1).next_back()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::weights::generated;

    #[test]
    fn a_digest_is_that_of_the_filters_down_to_a_layer_and_of_no_others() {
        let layer = |name: &str| -> Layer { name.parse().unwrap() };
        let deep = generated(7, layer("relu2_1"));
        let mut shallow = deep.clone();
        shallow.layers.truncate(2);
        let mut other = deep.clone();
        other.layers[2].bias[5] += 1.0;
        let [deep, shallow, other] = [deep, shallow, other].map(|filters| FilterSummary::of(&filters));
        let first = Some(layer("relu1_2"));
        assert_eq!([deep.digest(first), other.digest(first)], [shallow.digest(first); 2]);
        assert_ne!(deep.digest(deep.deepest()), other.digest(deep.deepest()));
        assert_ne!(deep.digest(deep.deepest()), deep.digest(first));
        assert_eq!(shallow.digest(deep.deepest()), shallow.digest(first));
        assert_eq!([deep.deepest(), shallow.deepest()], [Some(layer("relu2_1")), first]);
    }
}
