//! What a recipe means that its user may not have meant.

use super::{coefficients::Scaling, recipe::Recipe};
use crate::plan::Size;
use std::fmt;

/// A weight below this part of all weights together has no effect that can be seen.
const NO_EFFECT: f64 = 1e-6;

/// Something that is allowed and probably a mistake.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Remark {
    /// All weights are zero.
    NothingChanges,
    /// The style weight is zero.
    NoStyle,
    /// One of the two weights is so small beside the others that it has no effect.
    NoEffect {
        /// What has none.
        of: Kind,
        /// Its weight.
        weight: f32,
        /// All weights together.
        all: f64,
    },
    /// The painting is smaller than the style scale asks for, and is never enlarged.
    SmallPainting {
        /// Of the recipe.
        style_scale: f32,
        /// Long side that it asks for at the largest size.
        wanted: u32,
        /// Of the painting.
        painting: Size,
    },
}

/// Which picture a loss compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The photograph.
    Content,
    /// The painting.
    Style,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remark::NothingChanges => f.write_str("all weights are zero: the picture stays as it starts"),
            Remark::NoStyle => f.write_str("the style weight is zero: the painting has no effect"),
            Remark::NoEffect { of, weight, all } => {
                let (name, picture) = match of {
                    Kind::Content => ("content", "photograph"),
                    Kind::Style => ("style", "painting"),
                };
                let weight = f64::from(*weight);
                let [weight, all] = [weight, *all].map(number);
                write!(f, "the {name} weight of {weight} is nothing beside all weights together, {all}: ")?;
                write!(f, "the {picture} has no effect")
            }
            Remark::SmallPainting { style_scale, wanted, painting } => write!(
                f,
                "a style scale of {style_scale} asks for a painting of {wanted} pixels on the long side, but it has \
                 {painting} and is never enlarged: its own size is used"
            ),
        }
    }
}

/// With as few digits as it takes.
fn number(value: f64) -> String {
    if (1e-3..1e6).contains(&value) { format!("{value}") } else { format!("{value:.0e}") }
}

impl Recipe {
    /// What is probably a mistake in a recipe that [`Recipe::check`] allows, for paintings of these sizes.
    pub fn remarks(&self, paintings: &[Size]) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let all: f64 =
            [self.content_weight, self.style_weight, self.tv_weight, self.edge_weight].into_iter().map(f64::from).sum();
        if all == 0.0 {
            remarks.push(Remark::NothingChanges);
        } else if self.style_weight == 0.0 {
            remarks.push(Remark::NoStyle);
        }
        // Weights of mean squared errors say nothing without the filters.
        if self.scaling == Scaling::Relative {
            let kinds = [(Kind::Content, self.content_weight), (Kind::Style, self.style_weight)];
            let without = kinds.into_iter().filter(|&(_, weight)| weight > 0.0 && f64::from(weight) < NO_EFFECT * all);
            remarks.extend(without.map(|(of, weight)| Remark::NoEffect { of, weight, all }));
        }
        for (number, &painting) in paintings.iter().enumerate() {
            let style_scale = self.style_scale(number);
            let wanted = (self.size as f32 * style_scale).round() as u32;
            if style_scale > 1.0 && wanted > painting.long_side() {
                remarks.push(Remark::SmallPainting { style_scale, wanted, painting });
            }
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAINTING: Size = Size { width: 900, height: 700 };

    fn said(change: impl FnOnce(&mut Recipe)) -> Vec<String> {
        let mut recipe = Recipe::default();
        change(&mut recipe);
        recipe.check().unwrap();
        recipe.remarks(&[PAINTING]).iter().map(Remark::to_string).collect()
    }

    #[test]
    fn ordinary_recipes_are_passed_without_a_remark() {
        let ordinary: [fn(&mut Recipe); 6] = [
            |_| {},
            |recipe| recipe.style_scales = vec![1.5],
            |recipe| recipe.content_weight = 0.0,
            |recipe| recipe.style_weight = 1e5,
            |recipe| recipe.style_weight = 1e-4,
            |recipe| (recipe.scaling, recipe.style_weight) = (Scaling::Mse, 1e-9),
        ];
        for change in ordinary {
            assert_eq!(said(change), [""; 0]);
        }
        // Smaller than the picture by itself: nobody asked for more.
        assert_eq!(Recipe::default().remarks(&[Size { width: 300, height: 200 }]), []);
    }

    #[test]
    fn weights_without_an_effect_are_named() {
        let none = said(|recipe| (recipe.content_weight, recipe.style_weight, recipe.tv_weight) = (0.0, 0.0, 0.0));
        assert_eq!(none, ["all weights are zero: the picture stays as it starts"]);
        let no_style = said(|recipe| recipe.style_weight = 0.0);
        assert_eq!(no_style, ["the style weight is zero: the painting has no effect"]);
        let large = said(|recipe| recipe.style_weight = 1e30);
        assert_eq!(large.len(), 1);
        assert!(
            large[0].starts_with("the content weight of 1 is nothing beside all weights together, 1e30: "),
            "{large:?}"
        );
        assert!(large[0].ends_with(": the photograph has no effect"), "{large:?}");
        let large = said(|recipe| recipe.tv_weight = 1e9);
        assert_eq!(large.len(), 2);
        assert!(large[1].ends_with(": the painting has no effect"), "{large:?}");
    }

    #[test]
    fn a_painting_smaller_than_asked_for_is_named() {
        let expected = "a style scale of 2 asks for a painting of 1024 pixels on the long side, but it has 900x700 and \
                        is never enlarged: its own size is used";
        assert_eq!(said(|recipe| recipe.style_scales = vec![2.0]), [expected]);
    }
}
