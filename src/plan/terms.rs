//! What a picture is judged by: a list of terms, each a loss at one place. A term is the name under which its target,
//! its coefficients and its value are found; nothing depends on its position in a list.

use super::{PlanError, Tensor};
use crate::vgg19::Layer;
use std::fmt;

/// A part of a picture whose statistics are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region {
    /// Tells regions of one picture apart, from 0.
    pub number: usize,
    /// Whether pixels count as [`Tensor::RegionWeights`] says. Otherwise all count the same.
    pub weighted: bool,
}

impl Region {
    /// Every pixel.
    pub const WHOLE: Region = Region { number: 0, weighted: false };
}

/// What the network computes from a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Representation {
    /// The feature map of a layer, haloed NHWC.
    Features(Layer),
    /// The Gram matrix of a layer's features in a region, `[C][C]`: their raw second moment.
    Gram(Layer, Region),
    /// The mean of a layer's features in a region, `[C]`.
    Mean(Layer, Region),
}

impl Representation {
    /// The layer it comes from.
    pub fn layer(self) -> Layer {
        match self {
            Representation::Features(layer) | Representation::Gram(layer, _) | Representation::Mean(layer, _) => layer,
        }
    }

    /// The tensor of a plan that holds it.
    pub fn tensor(self) -> Tensor {
        match self {
            Representation::Features(layer) => Tensor::Features(layer),
            Representation::Gram(layer, region) => Tensor::Gram(layer, region),
            Representation::Mean(layer, region) => Tensor::Mean(layer, region),
        }
    }
}

/// The statistic of a layer's features that two pictures of one style have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "options", derive(clap::ValueEnum))]
pub enum Statistic {
    /// The Gram matrix (Gatys, Ecker and Bethge, CVPR 2016), see [`super::GramLoss`].
    #[default]
    Gram,
    /// Gram matrix, mean and standard deviation, see [`super::MomentsLoss`].
    Moments,
    /// The Wasserstein distance between Gaussians of the same mean and covariance, see [`super::WassersteinLoss`].
    Wasserstein,
}

impl Statistic {
    /// Whether it looks at the mean beside the Gram matrix.
    pub fn needs_mean(self) -> bool {
        self != Statistic::Gram
    }
}

/// Where and how a style loss compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Style {
    /// The layer that is looked at.
    pub layer: Layer,
    /// The part of the picture that is looked at.
    pub region: Region,
    /// What is compared.
    pub statistic: Statistic,
}

/// A loss at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// Difference between a layer's feature maps of the picture and of the photograph, see [`super::ContentLoss`].
    Content(Layer),
    /// Difference between statistics of the picture and of a painting.
    Style(Style),
    /// Differences between neighbouring pixels, see [`super::TotalVariation`].
    TotalVariation,
    /// Difference between the edges of the picture and of the photograph, see [`super::EdgeLoss`].
    Edges,
}

impl Term {
    /// The loss of a layer's Gram matrix in a region of which all pixels count the same.
    pub fn gram(layer: Layer, number: usize) -> Term {
        Term::Style(Style { layer, region: Region { number, weighted: false }, statistic: Statistic::Gram })
    }

    /// Content losses and style losses of one region, at layers by name.
    #[cfg(test)]
    pub(crate) fn all_of(content: &[&str], style: &[&str]) -> Vec<Term> {
        let layer = |name: &&str| name.parse().expect("tests name layers of VGG19");
        let content = content.iter().map(|name| Term::Content(layer(name)));
        content.chain(style.iter().map(|name| Term::gram(layer(name), 0))).chain([Term::TotalVariation]).collect()
    }

    /// Which loss it is, in words.
    pub fn loss(self) -> &'static str {
        match self {
            Term::Content(_) => "content loss",
            Term::Style(_) => "style loss",
            Term::TotalVariation => "total variation",
            Term::Edges => "edge loss",
        }
    }

    /// The layer that it looks at; none for a term that looks at the picture itself, whose gradient therefore bypasses
    /// the network.
    pub fn layer(self) -> Option<Layer> {
        match self {
            Term::Content(layer) | Term::Style(Style { layer, .. }) => Some(layer),
            Term::TotalVariation | Term::Edges => None,
        }
    }

    /// Whether it compares the picture with another.
    pub fn compares(self) -> bool {
        self != Term::TotalVariation
    }

    /// Whether it needs a representation of the picture.
    pub fn looks_at(self, representation: Representation) -> bool {
        match (self, representation) {
            (Term::Content(layer), Representation::Features(other)) => layer == other,
            (Term::Style(style), Representation::Gram(layer, region)) => (style.layer, style.region) == (layer, region),
            (Term::Style(style), Representation::Mean(layer, region)) => {
                (style.layer, style.region) == (layer, region) && style.statistic.needs_mean()
            }
            _ => false,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.loss())?;
        if let Some(layer) = self.layer() {
            write!(f, " at {layer}")?;
        }
        match self {
            Term::Style(Style { region: Region { number, .. }, .. }) if *number > 0 => {
                write!(f, " in region {}", number + 1)
            }
            _ => Ok(()),
        }
    }
}

/// Checks that there is something to compare, and nothing twice.
///
/// # Errors
/// If no term looks at a layer, or one stands in the list twice.
pub fn check_terms(terms: &[Term]) -> Result<(), PlanError> {
    if terms.iter().all(|term| term.layer().is_none()) {
        return Err(PlanError::NoLayer);
    }
    let twice = terms.iter().enumerate().find(|(position, term)| terms[..*position].contains(term));
    twice.map_or(Ok(()), |(_, term)| Err(PlanError::TermTwice(*term)))
}

/// A value for each of some terms, found by term.
#[derive(Clone, Debug, PartialEq)]
pub struct PerTerm<T>(Vec<(Term, T)>);

impl<T> PerTerm<T> {
    /// Values in the order of some terms.
    pub fn new(terms: &[Term], values: impl IntoIterator<Item = T>) -> PerTerm<T> {
        PerTerm(terms.iter().copied().zip(values).collect())
    }

    /// The value of a term, if it is among them.
    pub fn get(&self, term: Term) -> Option<&T> {
        self.iter().find(|(other, _)| *other == term).map(|(_, value)| value)
    }

    /// Every term with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Term, &T)> {
        self.0.iter().map(|(term, value)| (*term, value))
    }
}

impl<T> FromIterator<(Term, T)> for PerTerm<T> {
    fn from_iter<I: IntoIterator<Item = (Term, T)>>(values: I) -> Self {
        PerTerm(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str) -> Layer {
        name.parse().unwrap()
    }

    #[test]
    fn a_term_looks_at_its_own_layer_and_region_and_at_the_mean_only_if_its_statistic_does() {
        let (low, high) = (layer("relu1_1"), layer("relu3_1"));
        let region = Region { number: 1, weighted: true };
        let style = |statistic| Term::Style(Style { layer: low, region, statistic });
        use Representation::{Features, Gram, Mean};
        assert!(Term::Content(high).looks_at(Features(high)) && !Term::Content(high).looks_at(Features(low)));
        assert!(style(Statistic::Gram).looks_at(Gram(low, region)));
        assert!(!style(Statistic::Gram).looks_at(Gram(low, Region::WHOLE)));
        assert!(!style(Statistic::Gram).looks_at(Mean(low, region)));
        assert!(style(Statistic::Wasserstein).looks_at(Mean(low, region)));
        assert!(!style(Statistic::Moments).looks_at(Mean(high, region)));
        assert!(!Term::Edges.looks_at(Features(low)));
    }

    #[test]
    fn what_is_named_twice_is_refused() {
        let terms = [Term::Content(Layer::FIRST), Term::gram(Layer::FIRST, 0), Term::gram(Layer::FIRST, 1)];
        assert_eq!(check_terms(&terms), Ok(()));
        let twice = [&terms[..], &terms[1..2]].concat();
        assert_eq!(check_terms(&twice), Err(PlanError::TermTwice(terms[1])));
        assert_eq!(check_terms(&[Term::TotalVariation, Term::Edges]), Err(PlanError::NoLayer));
    }

    #[test]
    fn values_are_found_by_term_wherever_it_stands() {
        let terms = [Term::gram(layer("relu2_1"), 0), Term::TotalVariation, Term::Content(layer("relu2_1"))];
        let values = PerTerm::new(&terms, [1.5, 2.5, 3.5]);
        assert_eq!(terms.map(|term| values.get(term).copied()), [Some(1.5), Some(2.5), Some(3.5)]);
        assert_eq!(values.get(Term::gram(layer("relu2_1"), 1)), None);
    }

    #[test]
    fn terms_that_differ_have_names_that_differ() {
        let at = layer("relu2_1");
        let names = [Term::Content(at), Term::gram(at, 0), Term::gram(at, 1), Term::TotalVariation, Term::Edges];
        let expected = [
            "content loss at relu2_1",
            "style loss at relu2_1",
            "style loss at relu2_1 in region 2",
            "total variation",
            "edge loss",
        ];
        assert_eq!(names.map(|term| term.to_string()), expected);
    }
}
