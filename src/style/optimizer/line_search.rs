//! A line search for the strong Wolfe conditions (Nocedal and Wright, "Numerical Optimization", 2006, algorithms 3.5 and
//! 3.6), with cubic interpolation (equation 3.59).

/// Sufficient decrease.
const C1: f64 = 1e-4;
/// Curvature.
const C2: f64 = 0.9;
/// Relative resolution of a loss: the device adds it up in f32.
const RESOLUTION: f64 = 1e-7;
/// Most evaluations in one search.
const MAX_EVALUATIONS: usize = 25;

/// A point on the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// Distance along the direction.
    pub step: f64,
    /// Loss there.
    pub loss: f64,
    /// Derivative of the loss along the direction.
    pub slope: f64,
}

/// Where a search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// The best point; `start` itself if none was better.
    pub point: Point,
    /// Whether it is the point evaluated last; otherwise its gradient is the one kept last.
    pub is_last: bool,
}

/// What a search asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    /// The point at a distance along the line.
    Evaluate {
        /// The distance.
        step: f64,
        /// Whether to keep the gradient of the point evaluated last first, because it is the best so far.
        keep: bool,
    },
    /// Nothing more.
    Found(Found),
}

/// What a search knows.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It walks outward until the minimum lies behind.
    Bracket,
    /// The minimum lies between the lowest point and this one.
    Zoom { high: Point },
}

/// A search that is fed points and says which it wants next. Steps at which the loss is not finite count as too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    start: Point,
    low: Point,
    stage: Stage,
    evaluations: usize,
}

impl Search {
    /// A search from `start` (step 0, slope below zero), whose first trial the caller chooses.
    pub fn new(start: Point) -> Search {
        Search { start, low: start, stage: Stage::Bracket, evaluations: 0 }
    }

    /// Takes the point that was asked for.
    pub fn feed(&mut self, point: Point) -> Next {
        self.evaluations += 1;
        match self.stage {
            Stage::Bracket => self.bracket(point),
            Stage::Zoom { high } => self.zoom(point, high),
        }
    }

    fn bracket(&mut self, point: Point) -> Next {
        let Search { start, low, .. } = *self;
        if too_high(point, start) || (self.evaluations > 1 && point.loss >= low.loss) {
            return self.narrow(point, point, false);
        }
        if is_flat(point, start) {
            return Next::Found(Found { point, is_last: true });
        }
        self.low = point;
        if point.slope >= 0.0 {
            return self.narrow(low, point, true);
        }
        if self.evaluations == MAX_EVALUATIONS {
            return Next::Found(Found { point, is_last: true });
        }
        let guess = minimum_of_cubic(low, point);
        // At short distances losses differ by little more than their rounding, and the guess is worth little.
        let step = guess.clamp(point.step + (point.step - low.step), 10.0 * point.step);
        Next::Evaluate { step, keep: true }
    }

    fn zoom(&mut self, point: Point, high: Point) -> Next {
        let Search { start, low, .. } = *self;
        if too_high(point, start) || point.loss >= low.loss {
            return self.narrow(point, point, false);
        }
        if is_flat(point, start) {
            return Next::Found(Found { point, is_last: true });
        }
        self.low = point;
        let far_end = if point.slope * (high.step - low.step) >= 0.0 { low } else { high };
        self.narrow(far_end, point, true)
    }

    /// The next point between the lowest and `high`, if it is worthwhile. `last` was evaluated last; `keep` says that
    /// it is the lowest.
    fn narrow(&mut self, high: Point, last: Point, keep: bool) -> Next {
        let low = self.low;
        let (near, far) = (low.step.min(high.step), low.step.max(high.step));
        let width = far - near;
        if self.evaluations >= MAX_EVALUATIONS || width * low.slope.abs() <= RESOLUTION * low.loss.abs() {
            return Next::Found(Found { point: low, is_last: last.step == low.step });
        }
        self.stage = Stage::Zoom { high };
        let guess = minimum_of_cubic(low, high);
        // A guess at an end of the bracket would hardly narrow it.
        Next::Evaluate { step: guess.clamp(near + 0.1 * width, far - 0.1 * width), keep }
    }
}

fn too_high(point: Point, start: Point) -> bool {
    !point.loss.is_finite() || !point.slope.is_finite() || point.loss > start.loss + C1 * point.step * start.slope
}

fn is_flat(point: Point, start: Point) -> bool {
    point.slope.abs() <= -C2 * start.slope
}

/// Where the cubic through two points with their slopes is lowest; the midpoint if it has no minimum.
fn minimum_of_cubic(a: Point, b: Point) -> f64 {
    let middle = (a.step + b.step) / 2.0;
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.step - b.step);
    let square = d1 * d1 - a.slope * b.slope;
    if square.is_nan() || square < 0.0 {
        return middle;
    }
    let d2 = (b.step - a.step).signum() * square.sqrt();
    let minimum = b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    if minimum.is_finite() { minimum } else { middle }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a search over a function; returns also where it evaluated and where it last kept the gradient.
    fn search(function: impl Fn(f64) -> (f64, f64), start: Point, first: f64) -> (Found, Vec<f64>, Option<f64>) {
        let (mut search, mut step) = (Search::new(start), first);
        let (mut evaluated, mut kept) = (Vec::new(), None);
        loop {
            evaluated.push(step);
            let (loss, slope) = function(step);
            match search.feed(Point { step, loss, slope }) {
                Next::Found(found) => return (found, evaluated, kept),
                Next::Evaluate { step: next, keep } => {
                    kept = if keep { Some(step) } else { kept };
                    step = next;
                }
            }
        }
    }

    /// Searches and checks both Wolfe conditions and that the right gradient is at hand.
    fn check(function: impl Fn(f64) -> (f64, f64), first_step: f64) -> usize {
        let (loss, slope) = function(0.0);
        let start = Point { step: 0.0, loss, slope };
        let (found, evaluated, kept) = search(function, start, first_step);
        let point = found.point;
        assert!(point.loss <= start.loss + C1 * point.step * start.slope, "{point:?}");
        assert!(point.slope.abs() <= C2 * start.slope.abs(), "{point:?}");
        let at_hand = if found.is_last { evaluated.last().copied() } else { kept };
        assert_eq!(at_hand, Some(point.step));
        evaluated.len()
    }

    #[test]
    fn finds_wolfe_points_from_steps_too_short_and_too_long() {
        let parabola = |x: f64| ((x - 3.0).powi(2), 2.0 * (x - 3.0));
        for first in [1e-4, 0.1, 1.0, 3.0, 5.9, 50.0, 1e4] {
            let evaluations = check(parabola, first);
            assert!(evaluations <= 12, "{first}: {evaluations}");
        }
        check(|x: f64| (-x / (x * x + 2.0), (x * x - 2.0) / (x * x + 2.0).powi(2)), 100.0);
        check(|x: f64| (x.exp() - 3.0 * x, x.exp() - 3.0), 20.0);
    }

    #[test]
    fn steps_into_overflow_are_taken_back() {
        let function = |x: f64| if x > 2.0 { (f64::INFINITY, f64::NAN) } else { ((x - 1.5).powi(2), 2.0 * (x - 1.5)) };
        check(function, 40.0);
    }

    #[test]
    fn losses_of_any_scale_give_the_same_steps() {
        for scale in [1e-20, 1e20] {
            let function = |x: f64| (scale * (x.exp() - 3.0 * x), scale * (x.exp() - 3.0));
            let plain = |x: f64| (x.exp() - 3.0 * x, x.exp() - 3.0);
            let at = |(loss, slope)| Point { step: 0.0, loss, slope };
            let (scaled, _, _) = search(function, at(function(0.0)), 20.0);
            let (found, _, _) = search(plain, at(plain(0.0)), 20.0);
            assert!((scaled.point.step / found.point.step - 1.0).abs() < 1e-9, "{scaled:?} for {found:?}");
        }
    }

    #[test]
    fn an_ascent_ends_at_the_start() {
        let start = Point { step: 0.0, loss: 0.0, slope: -1.0 };
        let (found, evaluated, _) = search(|x| (x, 1.0), start, 1.0);
        assert_eq!((found.point, found.is_last), (start, false));
        assert_eq!(evaluated.len(), MAX_EVALUATIONS);
    }
}
