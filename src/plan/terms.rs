//! What a picture is judged by: a list of terms, each a loss at one place. A term is the name under which its target,
//! its coefficients and its value are found; nothing depends on its position in a list.

use super::{PlanError, Tensor};
use crate::vgg19::Layer;
use std::fmt;

/// What the network computes from a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Representation {
    /// The feature map of a layer, haloed NHWC.
    Features(Layer),
    /// The Gram matrix of a layer's features, `[C][C]`.
    Gram(Layer),
}

impl Representation {
    /// The layer it comes from.
    pub fn layer(self) -> Layer {
        match self {
            Representation::Features(layer) | Representation::Gram(layer) => layer,
        }
    }

    /// The tensor of a plan that holds it.
    pub fn tensor(self) -> Tensor {
        match self {
            Representation::Features(layer) => Tensor::Features(layer),
            Representation::Gram(layer) => Tensor::Gram(layer),
        }
    }
}

/// A picture that a term compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The photograph whose content is kept.
    Photograph,
    /// One of the paintings whose style is taken, counted from 0.
    Painting(usize),
}

/// At which layer a term compares, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Comparison {
    /// The layer that is looked at.
    pub layer: Layer,
    /// Where the target comes from.
    pub source: Source,
}

/// A loss at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// Difference between feature maps, see [`super::ContentLoss`].
    Content(Comparison),
    /// Difference between Gram matrices, see [`super::StyleLoss`].
    Style(Comparison),
    /// Differences between neighbouring pixels, see [`super::TotalVariation`].
    TotalVariation,
}

impl Term {
    /// The content loss of a layer against the photograph.
    pub fn content(layer: Layer) -> Term {
        Term::Content(Comparison { layer, source: Source::Photograph })
    }

    /// The style loss of a layer against a painting, counted from 0.
    pub fn style(layer: Layer, painting: usize) -> Term {
        Term::Style(Comparison { layer, source: Source::Painting(painting) })
    }

    /// Content losses against the photograph and style losses against one painting, at layers by name.
    #[cfg(test)]
    pub(crate) fn all_of(content: &[&str], style: &[&str]) -> Vec<Term> {
        let layer = |name: &&str| name.parse().expect("tests name layers of VGG19");
        let content = content.iter().map(|name| Term::content(layer(name)));
        content.chain(style.iter().map(|name| Term::style(layer(name), 0))).chain([Term::TotalVariation]).collect()
    }

    /// Which loss it is, in words.
    pub fn loss(self) -> &'static str {
        match self {
            Term::Content(_) => "content loss",
            Term::Style(_) => "style loss",
            Term::TotalVariation => "total variation",
        }
    }

    /// What it compares with; none for a term that looks at the picture alone.
    pub fn comparison(self) -> Option<Comparison> {
        match self {
            Term::Content(comparison) | Term::Style(comparison) => Some(comparison),
            Term::TotalVariation => None,
        }
    }

    /// The layer that it looks at; none for a term that looks at the picture itself, whose gradient therefore bypasses
    /// the network.
    pub fn layer(self) -> Option<Layer> {
        self.comparison().map(|comparison| comparison.layer)
    }

    /// The representation that it compares, of the picture and of its source.
    pub fn target(self) -> Option<Representation> {
        match self {
            Term::Content(Comparison { layer, .. }) => Some(Representation::Features(layer)),
            Term::Style(Comparison { layer, .. }) => Some(Representation::Gram(layer)),
            Term::TotalVariation => None,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.loss())?;
        match self.comparison() {
            // A content loss against a painting is unusual; a style loss against the first one is not.
            Some(Comparison { layer, source: Source::Painting(0) }) if matches!(self, Term::Style(_)) => {
                write!(f, " at {layer}")
            }
            Some(Comparison { layer, source: Source::Painting(number) }) => {
                write!(f, " at {layer} against painting {}", number + 1)
            }
            Some(Comparison { layer, source: Source::Photograph }) => write!(f, " at {layer}"),
            None => Ok(()),
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

/// What some terms need from each picture that they compare with, everything once, in the order in which they name it.
pub fn wanted_of_sources(terms: &[Term]) -> Vec<(Source, Vec<Representation>)> {
    let mut all: Vec<(Source, Vec<Representation>)> = Vec::new();
    for term in terms {
        let Some((Comparison { source, .. }, target)) = term.comparison().zip(term.target()) else { continue };
        match all.iter_mut().find(|(other, _)| *other == source) {
            Some((_, wanted)) if wanted.contains(&target) => {}
            Some((_, wanted)) => wanted.push(target),
            None => all.push((source, vec![target])),
        }
    }
    all
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
    fn each_source_is_looked_at_once_for_all_its_terms() {
        let (low, high) = (layer("relu1_1"), layer("relu3_1"));
        let of_painting = Term::Content(Comparison { layer: low, source: Source::Painting(1) });
        let terms = [
            Term::style(high, 1),
            Term::content(high),
            Term::TotalVariation,
            Term::style(low, 0),
            of_painting,
            Term::style(high, 0),
            Term::style(low, 1),
        ];
        use Representation::{Features, Gram};
        let expected = [
            (Source::Painting(1), vec![Gram(high), Features(low), Gram(low)]),
            (Source::Photograph, vec![Features(high)]),
            (Source::Painting(0), vec![Gram(low), Gram(high)]),
        ];
        assert_eq!(wanted_of_sources(&terms), expected);
        assert_eq!(check_terms(&terms), Ok(()));
        assert_eq!(check_terms(&[&terms[..], &[of_painting]].concat()), Err(PlanError::TermTwice(of_painting)));
    }

    #[test]
    fn values_are_found_by_term_wherever_it_stands() {
        let terms = [Term::style(layer("relu2_1"), 0), Term::TotalVariation, Term::content(layer("relu2_1"))];
        let values = PerTerm::new(&terms, [1.5, 2.5, 3.5]);
        assert_eq!(terms.map(|term| values.get(term).copied()), [Some(1.5), Some(2.5), Some(3.5)]);
        assert_eq!(values.get(Term::style(layer("relu2_1"), 1)), None);
    }

    #[test]
    fn terms_that_differ_have_names_that_differ() {
        let at = layer("relu2_1");
        let of_painting = Term::Content(Comparison { layer: at, source: Source::Painting(0) });
        let names = [Term::content(at), of_painting, Term::style(at, 0), Term::style(at, 1), Term::TotalVariation];
        let expected = [
            "content loss at relu2_1",
            "content loss at relu2_1 against painting 1",
            "style loss at relu2_1",
            "style loss at relu2_1 against painting 2",
            "total variation",
        ];
        assert_eq!(names.map(|term| term.to_string()), expected);
    }
}
