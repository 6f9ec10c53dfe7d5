//! How paintings are blended, and how their statistics are taken.

use super::values::{finite, positive_number};
use crate::{plan::Statistic, style::Recipe};
use clap::{ArgAction, Args};

/// See the module.
#[derive(Args, Clone, Debug)]
pub struct BlendOptions {
    /// How much each painting counts, relative to the others [default: all the same]
    #[arg(long, value_name = "W,..", value_delimiter = ',', action = ArgAction::Set, value_parser = positive_number)]
    pub blend: Vec<f32>,

    /// Long side of the painting as a multiple of the picture's: larger for larger strokes; never enlarged. One number, or
    /// one for each painting
    #[arg(long, value_name = "F,..", value_delimiter = ',', action = ArgAction::Set, value_parser = finite, default_value = "1")]
    pub style_scale: Vec<f32>,

    /// What pictures of one style have in common [default: moments; of dump, gram]
    #[arg(long, value_enum)]
    statistic: Option<Statistic>,
}

impl BlendOptions {
    /// What pictures of one style have in common, where something is painted.
    pub fn statistic(&self) -> Statistic {
        self.statistic.unwrap_or(Recipe::default().statistic)
    }

    /// The same where losses are compared with those of other programs, most of which know Gram matrices alone.
    pub fn compared_statistic(&self) -> Statistic {
        self.statistic.unwrap_or(Statistic::Gram)
    }

    /// The scale of the painting of this number, from 0.
    pub fn scale(&self, number: usize) -> f32 {
        *self.style_scale.get(number).unwrap_or(&self.style_scale[0])
    }

    /// Checks that there are as many numbers as paintings.
    ///
    /// # Errors
    /// A sentence that names the option and both counts.
    pub fn check(&self, paintings: usize) -> Result<(), String> {
        let counts = [
            ("--blend", self.blend.len(), &[0, paintings][..]),
            ("--style-scale", self.style_scale.len(), &[1, paintings]),
        ];
        match counts.into_iter().find(|(_, found, allowed)| !allowed.contains(found)) {
            Some((option, found, _)) => Err(format!(
                "{option} has {found} numbers, but there are {}: give one number for each",
                counted(paintings)
            )),
            None => Ok(()),
        }
    }
}

/// Paintings, in words.
pub fn counted(paintings: usize) -> String {
    if paintings == 1 { "one painting".to_owned() } else { format!("{paintings} paintings") }
}
