//! How often a picture on the way is shown: as often as it may be without slowing the work.

use std::time::Duration;
use web_time::Instant;

/// What showing may take of the whole time.
const SHARE: f64 = 0.02;

/// More often than this nobody sees.
const OFTEN: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    next: Instant,
}

impl Pace {
    pub fn new(now: Instant) -> Pace {
        Pace { next: now }
    }

    /// Whether it is time for the next picture; if so, the one after it is not due before this one was shown.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + OFTEN;
        }
        due
    }

    /// A picture was shown, which took from `start` to `end`.
    pub fn took(&mut self, start: Instant, end: Instant) {
        self.next = end + (end - start).div_f64(SHARE).max(OFTEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn showing_takes_a_small_share_of_the_time() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
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
        let mut quick = Pace::new(start);
        assert!(quick.is_due(start) && !quick.is_due(start + OFTEN / 2));
    }
}
