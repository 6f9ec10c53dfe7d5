//! How large a result is, in pixels or as printers say it.

use super::values::positive;
use crate::{
    picture::{Detail, fit_long_side},
    plan::Size,
    style::Recipe,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{fmt, num::NonZeroU16, str::FromStr};

/// The least detail that is asked for, in pixels of the long side: filters may be learned from pictures that are painted
/// smaller than this.
const LEAST: u32 = 512;

/// The detail that a picture needs which is shrunk to this long side.
pub fn detail_for(long_side: u32) -> Detail {
    Detail::LongSide(long_side.max(LEAST))
}

/// Pixels per inch where paper is named and no density: what printers ask for.
const USUAL_DENSITY: NonZeroU16 = NonZeroU16::new(300).expect("300 is not zero");

/// In which paper is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Unit {
    name: &'static str,
    inches: f64,
}

const UNITS: [Unit; 3] = [
    Unit { name: "mm", inches: 1.0 / 25.4 },
    Unit { name: "cm", inches: 1.0 / 2.54 },
    Unit { name: "in", inches: 1.0 },
];

/// See the module.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SizeOptions {
    /// Long side of the result in pixels, 0 for the photograph's own [default: 512, or the photograph's own if smaller; to
    /// go on or to paint again, as before]
    #[arg(long, value_name = "N", conflicts_with = "print")]
    size: Option<u32>,

    /// The paper that the result fills as far as its shape allows, in cm, mm or in (inches), lying or standing; one
    /// number is the long side
    #[arg(long, value_name = "60x40cm")]
    print: Option<Paper>,

    /// Pixels per inch, which decide with --print how many there are; written into the result's file [default: with
    /// --print 300]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroU16>)]
    dpi: Option<NonZeroU16>,
}

/// A sheet, as it was named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Paper {
    /// One side or two.
    sides: Vec<f64>,
    unit: Unit,
}

impl SizeOptions {
    /// So many pixels on the long side.
    pub fn of_pixels(long: u32) -> SizeOptions {
        SizeOptions { size: Some(long), ..SizeOptions::default() }
    }

    /// The names of its options.
    pub const NAMES: [&'static str; 3] = ["size", "print", "dpi"];

    /// These options where others are given later: pixels and paper take each other's place.
    pub fn followed_by(&self, later: &SizeOptions) -> SizeOptions {
        let sized = if later.names_a_size() { later } else { self };
        SizeOptions { size: sized.size, print: sized.print.clone(), dpi: later.dpi.or(self.dpi) }
    }

    /// Whether they say how many pixels there are, not only how dense they are.
    pub fn names_a_size(&self) -> bool {
        self.size.is_some() || self.print.is_some()
    }

    /// Whether pictures are read alike for both.
    pub fn reads_as(&self, other: &SizeOptions) -> bool {
        let dots = |sizes: &SizeOptions| sizes.print.as_ref().map(|_| sizes.dots());
        self.size == other.size && self.print == other.print && dots(self) == dots(other)
    }

    /// The options with their values.
    pub fn words(&self) -> impl Iterator<Item = (&'static str, String)> {
        let words = [
            self.size.map(|size| size.to_string()),
            self.print.as_ref().map(Paper::to_string),
            self.dpi.map(|dpi| dpi.to_string()),
        ];
        SizeOptions::NAMES.into_iter().zip(words).filter_map(|(name, word)| Some((name, word?)))
    }

    /// Pixels per inch, if the file is to say so.
    pub fn density(&self) -> Option<NonZeroU16> {
        self.dpi.or(self.print.as_ref().map(|_| USUAL_DENSITY))
    }

    /// The detail that a picture needs which is painted so large.
    pub fn detail(&self) -> Detail {
        match (self.size, &self.print) {
            (Some(0), _) => Detail::Full,
            (Some(size), _) => detail_for(size),
            (None, Some(paper)) => detail_for(pixels(paper.long(), self.dots())),
            (None, None) => detail_for(Recipe::default().size),
        }
    }

    /// Long side of the result for a photograph of this size.
    pub fn long_side(&self, photograph: Size) -> u32 {
        let own = photograph.long_side();
        match (self.size, &self.print) {
            (Some(0), _) => own,
            (Some(size), _) => size,
            (None, Some(paper)) => pixels(paper.long_side(photograph), self.dots()),
            (None, None) => Recipe::default().size.min(own),
        }
    }

    /// How much of the paper is filled, in words, where paper is named.
    pub fn on_paper(&self, photograph: Size) -> Option<String> {
        let paper = self.print.as_ref()?;
        let (size, dots) = (fit_long_side(photograph, self.long_side(photograph)), self.dots());
        Some(format!("{size} pixels at {dots} dpi make {}", paper.filled_by(size, dots)))
    }

    fn dots(&self) -> NonZeroU16 {
        self.dpi.unwrap_or(USUAL_DENSITY)
    }
}

/// To the nearest, and at least one.
fn pixels(inches: f64, dots: NonZeroU16) -> u32 {
    // More than a u32 holds becomes the largest, which is refused as any other that is too large.
    (inches * f64::from(dots.get())).round().max(1.0) as u32
}

impl Paper {
    /// The longer side, in inches.
    fn long(&self) -> f64 {
        self.unit.inches * self.sides.iter().copied().fold(0.0, f64::max)
    }

    /// The long side, in inches, of the largest picture of this shape on the sheet, which is turned as the picture is.
    fn long_side(&self, shape: Size) -> f64 {
        let (long, short) = (shape.long_side(), shape.short_side());
        let narrow = self.unit.inches * self.sides.iter().copied().fold(f64::INFINITY, f64::min);
        match self.sides.len() {
            1 => self.long(),
            _ => self.long().min(narrow * f64::from(long) / f64::from(short.max(1))),
        }
    }

    /// What pixels measure on the sheet, in words.
    fn filled_by(&self, size: Size, dots: NonZeroU16) -> String {
        let measure = |side: u32| f64::from(side) / f64::from(dots.get()) / self.unit.inches;
        format!("{:.1} x {:.1} {}", measure(size.width), measure(size.height), self.unit.name)
    }
}

impl fmt::Display for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<String> = self.sides.iter().map(f64::to_string).collect();
        write!(f, "{}{}", sides.join("x"), self.unit.name)
    }
}

impl FromStr for Paper {
    type Err = String;

    fn from_str(text: &str) -> Result<Paper, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no size of paper: write width x height, or the long side alone, in cm, mm or in, like 60x40cm"
            )
        };
        let split = UNITS.into_iter().find_map(|unit| Some((text.trim().strip_suffix(unit.name)?, unit)));
        let (numbers, unit) = split.ok_or_else(wrong)?;
        let side = |number: &str| number.trim().parse().ok().filter(|side: &f64| side.is_finite() && *side > 0.0);
        let sides: Option<Vec<f64>> = numbers.split(['x', 'X']).map(side).collect();
        let sides = sides.filter(|sides| sides.len() <= 2).ok_or_else(wrong)?;
        Ok(Paper { sides, unit })
    }
}

impl TryFrom<String> for Paper {
    type Error = String;

    fn try_from(text: String) -> Result<Paper, String> {
        text.parse()
    }
}

impl From<Paper> for String {
    fn from(paper: Paper) -> String {
        paper.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn long_side(print: &str, dpi: u16, width: u32, height: u32) -> u32 {
        let options = SizeOptions { print: Some(print.parse().unwrap()), dpi: NonZeroU16::new(dpi), size: None };
        let long = options.long_side(Size { width, height });
        assert!(matches!(options.detail(), Detail::LongSide(enough) if enough >= long), "{print}");
        long
    }

    #[test]
    fn a_photograph_fills_the_paper_as_far_as_its_shape_allows() {
        // 60 cm are 7086.6 pixels, 40 cm 4724.4.
        assert_eq!(long_side("60x40cm", 300, 3000, 2000), 7087);
        assert_eq!(long_side("40x60cm", 300, 3000, 2000), 7087, "the sheet is turned");
        assert_eq!(long_side("60x40cm", 300, 2000, 3000), 7087);
        assert_eq!(long_side("60x40cm", 300, 4000, 3000), 6299, "the short side is what it has to fit");
        assert_eq!(long_side("60x40cm", 300, 4000, 1000), 7087, "the long side is");
        assert_eq!(long_side("600mm", 300, 4000, 3000), 7087);
        assert_eq!(long_side(" 8.5 x 11 in ", 72, 1700, 2200), 792);
        assert_eq!(long_side("1mm", 1, 3, 2), 1);
        assert_eq!(long_side("1e300in", 300, 3, 2), u32::MAX);
        assert_eq!(long_side("10in", 0, 3, 2), 3000, "300 where nothing else is said");
    }

    #[test]
    fn what_is_no_paper_is_refused_with_an_example() {
        for text in ["", "60x40", "60 40cm", "x40cm", "0cm", "-3cm", "1x2x3cm", "infcm", "nancm", "60x40px", "cm"] {
            let error = text.parse::<Paper>().unwrap_err();
            assert!(error.contains("like 60x40cm") && error.contains(text), "{error}");
        }
        for text in ["60x40cm", "8.5x11in", "594mm"] {
            assert_eq!(text.parse::<Paper>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn pixels_and_paper_take_each_others_place_and_the_density_stays() {
        let of = |size: Option<u32>, print: Option<&str>, dpi: u16| SizeOptions {
            size,
            print: print.map(|print| print.parse().unwrap()),
            dpi: NonZeroU16::new(dpi),
        };
        let before = of(Some(512), None, 0);
        assert_eq!(before.followed_by(&of(None, Some("9in"), 0)), of(None, Some("9in"), 0));
        assert_eq!(of(None, Some("9in"), 72).followed_by(&of(Some(9), None, 0)), of(Some(9), None, 72));
        assert_eq!(before.followed_by(&of(None, None, 99)), of(Some(512), None, 99));
        assert_eq!(of(Some(512), None, 0).density(), None);
        assert_eq!(of(None, Some("9in"), 0).density(), NonZeroU16::new(300));
        let json = serde_json::to_string(&of(None, Some("8.5x11in"), 72)).unwrap();
        assert_eq!(serde_json::from_str::<SizeOptions>(&json).unwrap(), of(None, Some("8.5x11in"), 72));
    }
}
