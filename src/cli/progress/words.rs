//! Times in words.

use std::time::Duration;

/// Hours, minutes and seconds as a clock shows them.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A time in words, no more exactly than a prediction deserves.
pub(crate) fn about(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        0..2 => format!("about {} s", seconds.ceil()),
        2..60 => format!("about {minutes} min"),
        _ => {
            let tens = (seconds / 600.0).round() as u64;
            format!("about {} h {:02} min", tens / 6, tens % 6 * 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_are_rounded() {
        let times = [0.2, 70.0, 100.0, 3500.0, 3600.0, 12_100.0].map(|time| about(Duration::from_secs_f64(time)));
        assert_eq!(
            times,
            ["about 1 s", "about 70 s", "about 2 min", "about 58 min", "about 1 h 00 min", "about 3 h 20 min"]
        );
    }

    #[test]
    fn times_are_shown_as_on_a_clock() {
        let times = [0.4, 59.6, 61.0, 3599.0, 3600.0, 360_061.0].map(|time| clock(Duration::from_secs_f64(time)));
        assert_eq!(times, ["0:00", "1:00", "1:01", "59:59", "1:00:00", "100:01:01"]);
    }
}
