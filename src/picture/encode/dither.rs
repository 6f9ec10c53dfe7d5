//! From values to whole levels.

/// The levels of 8 bits: a value between two of them becomes the upper one at as many places as it is near it.
///
/// Rounding to the nearest level turns a smooth sky into bands. Here a value is rounded up where its part above the lower
/// level exceeds a threshold, which goes through [0, 1] evenly from pixel to pixel and without a large structure. A
/// uniform threshold (and not a triangular one, whose noise does not depend on the value but spans two levels) moves a
/// value by less than a level and leaves whole levels as they are: what was read from 8 bits and not painted over is
/// written as it was. All channels of a pixel share a threshold, so that grey stays grey. A place alone decides, so that
/// neither the order of pixels nor the number of threads matters.
pub(super) fn level(value: f32, x: u32, y: u32) -> u8 {
    // Clamping in this order takes NaN to zero, of which there is none.
    (value.clamp(0.0, 1.0) * 255.0 + threshold(x, y)).floor() as u8
}

/// The value of a whole level may be this far from it, in levels, after some arithmetic.
const SLACK: f32 = 1.0 / 64.0;

/// Martin Roberts' sequence R2 (2018), read as an image: multiples of the powers of the plastic number's inverse, whose
/// first values fill the unit interval evenly over any small neighbourhood.
fn threshold(x: u32, y: u32) -> f32 {
    /// Those powers, times 2^32.
    const ACROSS: u32 = 3_242_174_889;
    const DOWN: u32 = 2_447_445_414;
    let place = x.wrapping_mul(ACROSS).wrapping_add(y.wrapping_mul(DOWN));
    SLACK + (place >> 8) as f32 / (1 << 24) as f32 * (1.0 - 2.0 * SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_levels_stay_even_after_some_arithmetic() {
        for whole in 0..=255u8 {
            let value = f32::from(whole) / 255.0;
            for (x, y) in (0..64).flat_map(|x| (0..64).map(move |y| (x, y))).chain([(u32::MAX, u32::MAX)]) {
                for value in [value, value + 4e-5, value - 4e-5] {
                    assert_eq!(level(value, x, y), whole, "{value} at {x}, {y}");
                }
            }
        }
        assert_eq!([-1.0, 2.0, f32::MAX].map(|value| level(value, 5, 5)), [0, 255, 255]);
    }

    #[test]
    fn every_neighbourhood_has_the_mean_of_its_values() {
        for (left, top) in [(0, 0), (1000, 77), (4_000_000_000, 3)] {
            for step in 0..=64 {
                let wanted = 100.0 + step as f32 / 64.0;
                let places = (0..8).flat_map(|x| (0..8).map(move |y| (left + x, top + y)));
                let sum: u32 = places.map(|(x, y)| u32::from(level(wanted / 255.0, x, y))).sum();
                assert!((sum as f32 / 64.0 - wanted).abs() < 0.06, "{wanted} became {}", sum as f32 / 64.0);
            }
        }
    }
}
