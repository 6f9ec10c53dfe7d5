//! Pictures drawn from formulas, scenes and paintings, so that everything can be tried and compared without a file.

mod arcade;
mod brushwork;
mod buildings;
mod canvas;
mod mosaic;
mod mountains;
mod night;
mod noise;
mod page;
mod pencil;
mod plants;
mod portrait;
mod shapes;
mod townscape;
mod watercolour;
mod woodcut;

pub use arcade::arcade;
pub use brushwork::brushwork;
pub use mosaic::mosaic;
pub use mountains::mountains;
pub use night::night;
pub use page::page;
pub use pencil::pencil;
pub use portrait::portrait;
pub use shapes::shapes;
pub use townscape::townscape;
pub use watercolour::watercolour;
pub use woodcut::woodcut;

use crate::{picture::Picture, plan::Size};

/// The size of the two pictures that the demonstration draws.
pub const DRAWN: Size = Size { width: 768, height: 576 };

/// A picture that is drawn, at any size; the same for the same size.
#[derive(Clone, Copy, Debug)]
pub struct Drawing {
    /// The name of its function.
    pub name: &'static str,
    /// Draws it.
    pub draw: fn(Size) -> Picture,
}

const fn drawing(name: &'static str, draw: fn(Size) -> Picture) -> Drawing {
    Drawing { name, draw }
}

/// What a photographer might have taken.
pub const SCENES: [Drawing; 6] = [
    drawing("townscape", townscape),
    drawing("portrait", portrait),
    drawing("night", night),
    drawing("arcade", arcade),
    drawing("mountains", mountains),
    drawing("page", page),
];

/// What a painter might have made: thick oil, a woodcut, a pencil drawing, a mosaic, an abstract painting, a watercolour.
pub const PAINTINGS: [Drawing; 6] = [
    drawing("brushwork", brushwork),
    drawing("woodcut", woodcut),
    drawing("pencil", pencil),
    drawing("mosaic", mosaic),
    drawing("shapes", shapes),
    drawing("watercolour", watercolour),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of few colours.
    const PLAIN: [&str; 4] = ["night", "page", "woodcut", "pencil"];
    /// Pictures whose mean brightness is not in the middle.
    const DARK: &str = "night";
    const BRIGHT: [&str; 3] = ["page", "shapes", "watercolour"];

    fn all() -> impl Iterator<Item = (&'static str, fn(Size) -> Picture)> {
        SCENES.iter().chain(&PAINTINGS).map(|drawing| (drawing.name, drawing.draw))
    }

    fn luminances(picture: &Picture) -> Vec<f32> {
        picture.pixels().chunks_exact(3).map(|p| 0.3 * p[0] + 0.6 * p[1] + 0.1 * p[2]).collect()
    }

    #[test]
    fn every_size_gives_valid_pixels_and_always_the_same() {
        let sizes = [(1, 1), (1, 7), (33, 17)];
        for (name, draw) in all() {
            for (width, height) in sizes {
                let size = Size { width, height };
                let picture = draw(size);
                assert_eq!(picture.size(), size, "{name}");
                assert_eq!(picture.pixels().len(), 3 * size.pixels(), "{name} {size}");
                assert!(picture.pixels().iter().all(|value| (0.0..=1.0).contains(value)), "{name} {size}");
                assert_eq!(picture, draw(size), "{name} {size}");
            }
        }
    }

    #[test]
    fn there_is_contrast_at_every_scale() {
        let size = Size { width: 256, height: 192 };
        for (name, draw) in all() {
            let picture = draw(size);
            for shrink in [1, 4, 16] {
                let size = Size { width: size.width / shrink, height: size.height / shrink };
                let values = luminances(&picture.resize(size));
                let width = size.width as usize;
                let differences =
                    values.chunks_exact(width).flat_map(|row| row.windows(2).map(|w| (w[0] - w[1]).abs()));
                let mean = differences.sum::<f32>() / values.len() as f32;
                assert!(mean > 0.008, "{name} at {size}: neighbours differ by {mean}");
            }
            let values = luminances(&picture);
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt();
            let expected = match name {
                DARK => 0.05..0.3,
                _ if BRIGHT.contains(&name) => 0.5..0.85,
                _ => 0.3..0.7,
            };
            assert!(expected.contains(&mean) && deviation > 0.09, "{name}: {mean} {deviation}");
        }
    }

    #[test]
    fn the_palette_is_rich() {
        for (name, draw) in all().filter(|(name, _)| !PLAIN.contains(name)) {
            let picture = draw(Size { width: 160, height: 120 });
            let mut counts = [0; 125];
            for pixel in picture.pixels().chunks_exact(3) {
                counts[pixel.iter().fold(0, |bin, value| bin * 5 + ((value * 5.0) as usize).min(4))] += 1;
            }
            let colours = counts.iter().filter(|count| **count > 30).count();
            assert!(colours >= 20, "{name}: {colours} colours");
        }
    }

    #[test]
    fn a_small_picture_is_the_large_one_seen_from_afar() {
        for (name, draw) in all() {
            let small = draw(Size { width: 60, height: 45 });
            let large = draw(Size { width: 960, height: 720 }).resize(small.size());
            let difference = small.pixels().iter().zip(large.pixels()).map(|(a, b)| (a - b).abs()).sum::<f32>();
            let mean = difference / small.pixels().len() as f32;
            assert!(mean < 0.03, "{name}: {mean}");
        }
    }
}
