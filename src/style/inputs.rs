//! What a picture is painted from.

use crate::picture::{Mask, Picture};

/// A painting whose style is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct StyleInput {
    /// The painting.
    pub picture: Picture,
    /// The part of it that counts; all if none. Of any size.
    pub mask: Option<Mask>,
    /// Where on the photograph it rules; none for wherever no other painting does. Of any size.
    pub region: Option<Mask>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// The photograph whose content is kept.
    pub content: Picture,
    /// How much of each of its pixels is seen; all of it if none. What is not seen counts in no statistic and does not
    /// change. Of any size.
    pub alpha: Option<Mask>,
    /// Where the photograph stays; nowhere if none. Of any size.
    pub keep: Option<Mask>,
    /// At least one. Those without a region are blended.
    pub paintings: Vec<StyleInput>,
}

impl StyleInput {
    /// A whole painting, wherever no other rules.
    pub fn whole(picture: Picture) -> StyleInput {
        StyleInput { picture, mask: None, region: None }
    }
}

impl Inputs {
    /// A photograph and one painting, both whole.
    pub fn new(content: Picture, painting: Picture) -> Inputs {
        Inputs { content, alpha: None, keep: None, paintings: vec![StyleInput::whole(painting)] }
    }
}
