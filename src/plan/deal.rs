//! How pieces of work are dealt among devices.

use std::ops::Range;

/// Deals pieces of equal work, in their order, among devices of these speeds, so that the last is done as early as can be.
/// Each device gets a range, which may be empty. The same numbers are dealt in the same way.
///
/// Speeds are above zero, in any unit.
pub fn deal(pieces: usize, speeds: &[f64]) -> Vec<Range<usize>> {
    // As many as each gets by its part of the speed, but for the last few, whose order counts.
    let share = pieces.saturating_sub(speeds.len()) as f64 / speeds.iter().sum::<f64>();
    let mut counts: Vec<usize> = speeds.iter().map(|speed| ((share * speed) as usize).saturating_sub(1)).collect();
    for _ in counts.iter().sum()..pieces {
        let end = |device: usize| (counts[device] + 1) as f64 / speeds[device];
        let Some(first) = (0..speeds.len()).min_by(|a, b| end(*a).total_cmp(&end(*b))) else { break };
        counts[first] += 1;
    }
    let ranges = counts.iter().scan(0, |next, count| {
        let start = *next;
        *next += count;
        Some(start..*next)
    });
    ranges.collect()
}

/// How long the device that is done last works, in pieces of a device whose speed is one.
pub fn time_of(pieces: usize, speeds: &[f64]) -> f64 {
    deal(pieces, speeds).iter().zip(speeds).map(|(dealt, speed)| dealt.len() as f64 / speed).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pieces_are_dealt_as_one_after_the_other() {
        for speeds in [vec![1.0], vec![1.0, 0.7, 3.1], vec![0.25, 2.0, 2.0, 0.01]] {
            let mut counts = vec![0_usize; speeds.len()];
            for pieces in 0..3000 {
                let dealt: Vec<usize> = deal(pieces, &speeds).into_iter().map(|range| range.len()).collect();
                assert_eq!(dealt, counts, "{pieces} among {speeds:?}");
                let end = |device: &usize| (counts[*device] + 1) as f64 / speeds[*device];
                let first = (0..speeds.len()).min_by(|a, b| end(a).total_cmp(&end(b))).unwrap();
                counts[first] += 1;
            }
        }
    }

    #[test]
    fn every_piece_is_dealt_once_and_the_last_device_is_done_early() {
        assert_eq!(deal(7, &[1.0, 1.0]), [0..4, 4..7]);
        assert_eq!(deal(7, &[2.0, 1.0, 4.0]), [0..2, 2..3, 3..7]);
        // What takes longer alone than all the rest elsewhere stays elsewhere.
        assert_eq!(deal(3, &[1.0, 0.1]), [0..3, 3..3]);
        assert_eq!(deal(0, &[1.0, 2.0]), [0..0, 0..0]);
        assert_eq!(deal(5, &[0.3]).as_slice(), std::slice::from_ref(&(0..5)));
        for pieces in 0..40 {
            let speeds = [1.0, 0.7, 3.1];
            let dealt = deal(pieces, &speeds);
            assert!(dealt[0].start == 0 && dealt[2].end == pieces);
            assert!(dealt.windows(2).all(|pair| pair[0].end == pair[1].start));
            // No piece would be done earlier elsewhere.
            let time = time_of(pieces, &speeds);
            for (device, speed) in speeds.iter().enumerate() {
                assert!((dealt[device].len() + 1) as f64 / speed >= time, "{pieces}: {dealt:?}");
            }
        }
    }
}
