//! How often something is done beside the work that would slow it: as often as is wanted, if that takes little of the time.

use std::time::Duration;
use web_time::Instant;

/// What it may take of the whole time.
const SHARE: f64 = 0.02;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// None is shorter. Zero is for each time, whatever it takes.
    interval: Duration,
    next: Instant,
}

impl Pace {
    /// Due at once for the first time.
    pub fn at_once(now: Instant, interval: Duration) -> Pace {
        Pace { interval, next: now }
    }

    /// Due after an interval for the first time.
    pub fn later(now: Instant, interval: Duration) -> Pace {
        Pace { interval, next: now + interval }
    }

    /// Whether it is time; if so, the next is not due before this one was done.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + self.interval;
        }
        due
    }

    /// It was done, which took from `start` to `end`.
    pub fn took(&mut self, start: Instant, end: Instant) {
        let rest = if self.interval.is_zero() { Duration::ZERO } else { (end - start).div_f64(SHARE) };
        self.next = end + rest.max(self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_takes_a_small_share_of_the_time() {
        let (start, interval) = (Instant::now(), Duration::from_millis(200));
        let mut pace = Pace::at_once(start, interval);
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
    }

    #[test]
    fn what_takes_little_is_done_at_its_interval_and_without_one_always() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut quick = Pace::at_once(start, second);
        assert!(quick.is_due(start) && !quick.is_due(start + second / 2));
        quick.took(start, start + second / 1000);
        assert!(!quick.is_due(start + second) && quick.is_due(start + second + second / 1000));
        let mut later = Pace::later(start, second);
        assert!(!later.is_due(start) && later.is_due(start + second));
        let mut always = Pace::later(start, Duration::ZERO);
        assert!(always.is_due(start));
        always.took(start, start + 10 * second);
        assert!(always.is_due(start + 10 * second));
    }
}
