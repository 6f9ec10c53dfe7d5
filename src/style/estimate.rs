//! How much of the whole work is done, and how long the rest takes.

use super::Recipe;
use crate::plan::Size;
use std::time::Duration;

/// One size of the picture and its iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// In pixels.
    pub size: Size,
    /// How many are done at this size.
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
pub struct Estimate {
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
    pub fn follow(&mut self, recipe: &Recipe, sizes: &[Size]) {
        self.stages = stages(recipe, sizes);
    }

    /// For these stages, of which none has begun.
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

    /// The stage that was begun last; none if there is none.
    pub fn present(&self) -> Option<Stage> {
        self.stages.get(self.position.0).copied()
    }

    /// Which stage this is, from 1, and how many there are.
    pub fn number(&self) -> (usize, usize) {
        (self.position.0 + 1, self.stages.len())
    }

    /// Iterations of the present stage that are done.
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
}
