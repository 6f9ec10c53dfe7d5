//! How much of the whole work is done, and how long the rest takes.

use impasto::{plan::Size, style::Recipe};
use std::time::Duration;

/// One size of the picture and its iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    pub size: Size,
    pub iterations: u32,
}

impl Stage {
    /// An iteration's work grows with the pixels.
    fn pixels(self) -> f64 {
        f64::from(self.size.width) * f64::from(self.size.height)
    }

    fn work(self) -> f64 {
        self.pixels() * f64::from(self.iterations)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Estimate {
    stages: Vec<Stage>,
    /// The present stage and its iterations done.
    position: (usize, u32),
    /// Seconds that an iteration takes for each pixel, as last measured.
    pace: Option<f64>,
}

fn stages(recipe: &Recipe, sizes: &[Size]) -> Vec<Stage> {
    let stage = |(index, &size)| Stage { size, iterations: recipe.iterations_of(index) };
    sizes.iter().enumerate().map(stage).collect()
}

impl Estimate {
    /// For a painting that grows through these sizes.
    pub fn of(recipe: &Recipe, sizes: &[Size]) -> Estimate {
        Estimate::new(stages(recipe, sizes))
    }

    /// The painting has other iterations or sizes from now on.
    #[cfg(feature = "studio")]
    pub fn follow(&mut self, recipe: &Recipe, sizes: &[Size]) {
        self.stages = stages(recipe, sizes);
    }

    pub fn new(stages: Vec<Stage>) -> Estimate {
        Estimate { stages, position: (0, 0), pace: None }
    }

    /// A stage begins.
    pub fn begin(&mut self, stage: usize) {
        self.position = (stage, 0);
    }

    /// So many iterations of the present stage took this long.
    pub fn advance(&mut self, iterations: u32, seconds: f64) {
        self.position.1 = iterations;
        if let Some(stage) = self.present().filter(|_| iterations > 0) {
            self.pace = Some(seconds / (f64::from(iterations) * stage.pixels()));
        }
    }

    pub fn present(&self) -> Option<Stage> {
        self.stages.get(self.position.0).copied()
    }

    /// Which stage this is, from 1, and how many there are.
    pub fn number(&self) -> (usize, usize) {
        (self.position.0 + 1, self.stages.len())
    }

    pub fn iteration(&self) -> u32 {
        self.position.1
    }

    /// The part of the whole work that is done, from 0 to 1.
    pub fn part(&self) -> f64 {
        let whole: f64 = self.stages.iter().map(|stage| stage.work()).sum();
        if whole > 0.0 { 1.0 - self.work_left() / whole } else { 1.0 }
    }

    /// Time for all that is left; none before the first iteration.
    pub fn left(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.pace? * self.work_left()).ok()
    }

    fn work_left(&self) -> f64 {
        let (stage, iterations) = self.position;
        let later: f64 = self.stages.iter().skip(stage + 1).map(|stage| stage.work()).sum();
        let present =
            self.present().map_or(0.0, |stage| stage.pixels() * f64::from(stage.iterations.saturating_sub(iterations)));
        present + later
    }
}

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
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn stage(width: u32, height: u32, iterations: u32) -> Stage {
        Stage { size: Size { width, height }, iterations }
    }

    #[test]
    fn the_rest_of_all_sizes_counts_by_pixels() {
        let mut estimate = Estimate::new(vec![stage(10, 10, 30), stage(20, 10, 10), stage(20, 20, 10)]);
        assert_eq!((estimate.part(), estimate.left()), (0.0, None));
        estimate.begin(0);
        estimate.advance(15, 3.0);
        // 1500 pixels took 3 s; 1500 + 2000 + 4000 are left.
        assert_eq!(estimate.left(), Some(Duration::from_secs(15)));
        assert!((estimate.part() - 1.0 / 6.0).abs() < 1e-12);
        estimate.begin(1);
        assert_eq!((estimate.left(), estimate.number()), (Some(Duration::from_secs(12)), (2, 3)));
        estimate.advance(5, 1.0);
        // 1000 pixels took 1 s; 1000 + 4000 are left.
        assert_eq!(estimate.left(), Some(Duration::from_secs(5)));
        estimate.begin(2);
        estimate.advance(10, 1.0);
        assert_eq!((estimate.part(), estimate.left()), (1.0, Some(Duration::ZERO)));
    }

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
