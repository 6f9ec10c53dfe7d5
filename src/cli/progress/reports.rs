//! When a line is due where there is no bar: seldom, so that a log stays readable.

use std::time::Duration;

/// The first line, so that a short work says nothing.
const FIRST: Duration = Duration::from_secs(10);
/// Between two others.
const BETWEEN: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug)]
pub(super) struct Reports {
    next: Duration,
}

impl Default for Reports {
    fn default() -> Self {
        Reports { next: FIRST }
    }
}

impl Reports {
    /// Whether a line is due so long after the start.
    pub fn is_due(&mut self, elapsed: Duration) -> bool {
        let due = elapsed >= self.next;
        if due {
            self.next = elapsed + BETWEEN;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_comes_soon_and_the_others_seldom() {
        let mut reports = Reports::default();
        let due: Vec<u64> = (0..100).filter(|&second| reports.is_due(Duration::from_secs(second))).collect();
        assert_eq!(due, [10, 40, 70]);
    }
}
