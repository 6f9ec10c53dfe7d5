//! How often a picture on the way is shown and a checkpoint kept: as often as may be without slowing the work.

use std::time::Duration;
use web_time::Instant;

/// What either may take of the whole time.
const SHARE: f64 = 0.02;

/// More often than this nobody sees pictures.
const PICTURES: Duration = Duration::from_millis(200);

/// What is lost where no checkpoint was kept is no more than this.
const CHECKPOINTS: Duration = Duration::from_secs(20);

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    next: Instant,
    /// The least time between two.
    often: Duration,
}

impl Pace {
    /// Of pictures, the first of which is due at once.
    pub fn of_pictures(now: Instant) -> Pace {
        Pace { next: now, often: PICTURES }
    }

    /// Of checkpoints, for which there is nothing to keep at once.
    pub fn of_checkpoints(now: Instant) -> Pace {
        Pace { next: now + CHECKPOINTS, often: CHECKPOINTS }
    }

    /// Whether it is time for the next; if so, the one after it is not due before this one is done.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + self.often;
        }
        due
    }

    /// One was shown or kept, which took from `start` to `end`.
    pub fn took(&mut self, start: Instant, end: Instant) {
        self.next = end + (end - start).div_f64(SHARE).max(self.often);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn showing_takes_a_small_share_of_the_time() {
        let start = Instant::now();
        let mut pace = Pace::of_pictures(start);
        let (mut now, mut spent) = (start, Duration::ZERO);
        let cost = Duration::from_millis(30);
        while now < start + Duration::from_secs(100) {
            now += Duration::from_millis(5);
            if pace.is_due(now) {
                pace.took(now, now + cost);
                (now, spent) = (now + cost, spent + cost);
            }
        }
        let share = spent.as_secs_f64() / (now - start).as_secs_f64();
        assert!(share < SHARE && share > SHARE / 2.0, "{share}");
        let mut quick = Pace::of_pictures(start);
        assert!(quick.is_due(start) && !quick.is_due(start + PICTURES / 2));
    }

    #[test]
    fn checkpoints_that_take_long_are_rare() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut pace = Pace::of_checkpoints(start);
        assert!(!pace.is_due(start) && pace.is_due(start + CHECKPOINTS));
        pace.took(start, start + second);
        assert!(!pace.is_due(start + 50 * second) && pace.is_due(start + 51 * second));
    }
}
