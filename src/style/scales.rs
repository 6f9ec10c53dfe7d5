//! The sizes through which a picture grows.

/// Long sides from the smallest scale to `end`, growing by the square root of two: `round(end / 2^(i/2))` down to
/// `smallest`. Always ends with `end`.
pub fn scales(end: u32, smallest: u32) -> Vec<u32> {
    let mut scales: Vec<u32> = (0..64)
        .map(|i| (f64::from(end) / 2f64.powf(f64::from(i) / 2.0)).round() as u32)
        .take_while(|&scale| scale >= smallest && scale > 0)
        .collect();
    if scales.is_empty() {
        scales.push(end);
    }
    scales.dedup();
    scales.reverse();
    scales
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_grow_by_the_square_root_of_two() {
        assert_eq!(scales(512, 128), [128, 181, 256, 362, 512]);
        assert_eq!(scales(300, 128), [150, 212, 300]);
        assert_eq!(scales(100, 128), [100]);
        assert_eq!(scales(3, 1), [1, 2, 3]);
    }
}
