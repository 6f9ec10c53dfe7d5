//! How fast a device is, learned from what it completes.

use crate::plan::Cost;
use std::time::Duration;
use web_time::Instant;

/// Drivers stop a device that spends seconds on one submission (Windows: 2 s).
const SUBMISSION: Duration = Duration::from_millis(200);
/// Work of one submission that keeps no device busy for long: 40 ms at 100 GFLOP/s. Submissions grow once the speed is
/// known.
const FIRST_SUBMISSION_WORK: f64 = 4e9;
/// Less work than this tells nothing of a device's speed.
const LEAST_MEASURED: f64 = 1e9;

/// Time as arithmetic: an operation counts one, a byte moved eight, about the balance of current GPUs.
pub(super) fn work(cost: Cost) -> f64 {
    cost.flops as f64 + 8.0 * cost.bytes as f64
}

/// What is known of a device's speed.
///
/// Completions are seen late, whenever somebody polls, and submissions queue up. Whatever was completed since the
/// device was last idle took at most the time since then, so the speed is never overestimated.
#[derive(Debug, Default)]
pub(super) struct Speed {
    /// Work per second.
    rate: Option<f64>,
    in_flight: usize,
    busy: Option<Busy>,
}

/// A time in which the device had something to do.
#[derive(Debug)]
struct Busy {
    since: Instant,
    completed: f64,
}

impl Speed {
    /// Notes a submission.
    pub fn submitted(&mut self, now: Instant) {
        if self.in_flight == 0 {
            self.busy = Some(Busy { since: now, completed: 0.0 });
        }
        self.in_flight += 1;
    }

    /// Notes that the oldest submission, of this much work, was seen to be completed.
    pub fn completed(&mut self, work: f64, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(busy) = &mut self.busy else { return };
        busy.completed += work;
        let seconds = now.duration_since(busy.since).as_secs_f64();
        if busy.completed >= LEAST_MEASURED && seconds > 0.0 {
            let measured = busy.completed / seconds;
            self.rate = Some(self.rate.map_or(measured, |known| known.max(measured)));
        }
    }

    /// The work of one submission at most.
    pub fn submission_work(&self) -> f64 {
        self.rate.map_or(FIRST_SUBMISSION_WORK, |rate| rate * SUBMISSION.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: f64) -> Instant {
        start + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn submissions_grow_with_the_devices_speed() {
        let start = Instant::now();
        let mut speed = Speed::default();
        assert_eq!(speed.submission_work(), FIRST_SUBMISSION_WORK);
        speed.submitted(start);
        speed.completed(4e9, after(start, 0.5));
        // 8e9 a second.
        assert!((speed.submission_work() - 1.6e9).abs() < 1.0);
        speed.submitted(after(start, 10.0));
        speed.completed(1.6e9, after(start, 10.1));
        assert!((speed.submission_work() - 3.2e9).abs() < 1.0);
        // A slow one, perhaps because of something else that ran, does not count.
        speed.submitted(after(start, 20.0));
        speed.completed(3.2e9, after(start, 25.0));
        assert!((speed.submission_work() - 3.2e9).abs() < 1.0);
    }

    #[test]
    fn completions_that_are_seen_together_do_not_make_a_device_fast() {
        let start = Instant::now();
        let mut speed = Speed::default();
        // Three submissions, each of 1 s, of which the last two are seen at once.
        for submission in 0..3 {
            speed.submitted(after(start, 0.01 * f64::from(submission)));
        }
        speed.completed(2e9, after(start, 1.5));
        speed.completed(2e9, after(start, 3.0));
        speed.completed(2e9, after(start, 3.0));
        assert!((speed.submission_work() - 0.4e9).abs() < 1.0);
    }

    #[test]
    fn short_work_tells_nothing() {
        let start = Instant::now();
        let mut speed = Speed::default();
        speed.submitted(start);
        speed.completed(1e6, after(start, 0.1));
        assert_eq!(speed.submission_work(), FIRST_SUBMISSION_WORK);
    }
}
