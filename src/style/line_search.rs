//! A line search for the strong Wolfe conditions (Nocedal and Wright, "Numerical Optimization", 2006, algorithms 3.5 and
//! 3.6), with cubic interpolation (equation 3.59).

/// Sufficient decrease.
const C1: f64 = 1e-4;
/// Curvature.
const C2: f64 = 0.9;
/// Relative resolution of a loss: the device adds it up in f32.
const RESOLUTION: f64 = 1e-7;
/// Evaluations of one search at most.
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

/// The function along a line.
pub(super) trait Line {
    /// Why a point could not be evaluated.
    type Error;

    /// Moves to a distance and evaluates there.
    fn evaluate(&mut self, step: f64) -> Result<Point, Self::Error>;

    /// Remembers the gradient of the point evaluated last: it is the best so far.
    fn keep(&mut self) -> Result<(), Self::Error>;
}

/// Where a search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// The best point; `start` itself if none was better.
    pub point: Point,
    /// Whether it is the point evaluated last; otherwise its gradient is the one kept last.
    pub is_last: bool,
}

/// Searches from `start` (step 0, slope below zero) with the first trial at `first_step`.
///
/// Steps at which the loss is not finite count as too long.
pub(super) fn search<L: Line>(line: &mut L, start: Point, first_step: f64) -> Result<Found, L::Error> {
    let mut evaluations = 0;
    let mut low = start;
    let mut step = first_step;
    // Bracket: walk outward until the minimum lies behind.
    let mut high = loop {
        let point = line.evaluate(step)?;
        evaluations += 1;
        if too_high(point, start) || (evaluations > 1 && point.loss >= low.loss) {
            break point;
        }
        if is_flat(point, start) {
            return Ok(Found { point, is_last: true });
        }
        line.keep()?;
        if point.slope >= 0.0 {
            let high = low;
            low = point;
            break high;
        }
        if evaluations == MAX_EVALUATIONS {
            return Ok(Found { point, is_last: true });
        }
        let previous = low;
        low = point;
        let guess = minimum_of_cubic(previous, point);
        // At short distances losses differ by little more than their rounding, and the guess is worth little.
        step = guess.clamp(point.step + (point.step - previous.step), 10.0 * point.step);
    };
    // Zoom: the minimum lies between low and high.
    let mut last = Point { step: f64::NAN, ..low };
    while evaluations < MAX_EVALUATIONS {
        let (near, far) = (low.step.min(high.step), low.step.max(high.step));
        let width = far - near;
        if width * low.slope.abs() <= RESOLUTION * low.loss.abs() {
            break;
        }
        let guess = minimum_of_cubic(low, high);
        // A guess at an end of the bracket would hardly narrow it.
        let step = guess.clamp(near + 0.1 * width, far - 0.1 * width);
        last = line.evaluate(step)?;
        evaluations += 1;
        if too_high(last, start) || last.loss >= low.loss {
            high = last;
            continue;
        }
        if is_flat(last, start) {
            return Ok(Found { point: last, is_last: true });
        }
        line.keep()?;
        if last.slope * (high.step - low.step) >= 0.0 {
            high = low;
        }
        low = last;
    }
    Ok(Found { point: low, is_last: last.step == low.step })
}

fn too_high(point: Point, start: Point) -> bool {
    !point.loss.is_finite() || !point.slope.is_finite() || point.loss > start.loss + C1 * point.step * start.slope
}

fn is_flat(point: Point, start: Point) -> bool {
    point.slope.abs() <= -C2 * start.slope
}

/// Where the cubic through two points with their slopes is lowest; their middle if it has no minimum.
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

    struct Function<F: Fn(f64) -> (f64, f64)> {
        function: F,
        evaluated: Vec<f64>,
        kept: Option<f64>,
    }

    impl<F: Fn(f64) -> (f64, f64)> Line for Function<F> {
        type Error = ();

        fn evaluate(&mut self, step: f64) -> Result<Point, ()> {
            self.evaluated.push(step);
            let (loss, slope) = (self.function)(step);
            Ok(Point { step, loss, slope })
        }

        fn keep(&mut self) -> Result<(), ()> {
            self.kept = self.evaluated.last().copied();
            Ok(())
        }
    }

    /// Searches and checks both Wolfe conditions and that the right gradient is at hand.
    fn check(function: impl Fn(f64) -> (f64, f64), first_step: f64) -> (f64, usize) {
        let (loss, slope) = function(0.0);
        let start = Point { step: 0.0, loss, slope };
        let mut line = Function { function, evaluated: Vec::new(), kept: None };
        let found = search(&mut line, start, first_step).unwrap();
        let point = found.point;
        assert!(point.loss <= start.loss + C1 * point.step * start.slope, "{point:?}");
        assert!(point.slope.abs() <= C2 * start.slope.abs(), "{point:?}");
        let at_hand = if found.is_last { line.evaluated.last().copied() } else { line.kept };
        assert_eq!(at_hand, Some(point.step));
        (point.step, line.evaluated.len())
    }

    #[test]
    fn finds_wolfe_points_from_steps_too_short_and_too_long() {
        let parabola = |x: f64| ((x - 3.0).powi(2), 2.0 * (x - 3.0));
        for first in [1e-4, 0.1, 1.0, 3.0, 5.9, 50.0, 1e4] {
            let (_, evaluations) = check(parabola, first);
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
    fn an_ascent_ends_at_the_start() {
        let start = Point { step: 0.0, loss: 0.0, slope: -1.0 };
        let mut line = Function { function: |x: f64| (x, 1.0), evaluated: Vec::new(), kept: None };
        let found = search(&mut line, start, 1.0).unwrap();
        assert_eq!((found.point, found.is_last), (start, false));
        assert_eq!(line.evaluated.len(), MAX_EVALUATIONS);
    }
}
