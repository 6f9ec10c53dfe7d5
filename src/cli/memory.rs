//! Whether what will be painted fits into the memory that there is.

use super::{CliError, console::Console};
use impasto::{
    Engine,
    style::{Method, Outline, Recipe, ScalePlans, memories, shortage},
};

/// What is done where a picture takes more memory than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// It is refused.
    Refused,
    /// It is tried all the same, and said.
    Tried,
}

/// Says what painting takes, and refuses what takes more than there is, unless it is to be tried all the same.
pub(crate) fn check_memory(
    engine: &Engine,
    outline: &Outline,
    recipe: &Recipe,
    lacking: Lacking,
    console: &Console,
) -> Result<(), CliError> {
    // If the layers do not suit, the work itself reports it.
    let Ok(needed) = memories(engine, outline, recipe) else { return Ok(()) };
    for (needed, device) in needed.iter().zip(engine.devices()) {
        let of = if engine.is_of_several() { format!(" of {}", device.name()) } else { String::new() };
        console.detail(&format!("{} MiB of memory{of} will be taken at most", needed.on(&device).div_ceil(1 << 20)));
    }
    match (shortage(engine, outline, recipe), lacking) {
        (Ok(Some(shortage)), Lacking::Refused) => return Err(CliError::Shortage(shortage)),
        (Ok(Some(shortage)), Lacking::Tried) => console.say(&shortage.to_string()),
        _ => {}
    }
    Ok(())
}

/// How what is painted fits into the memory that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// Not at all.
    Not,
    /// Window by window.
    Windows,
    /// As a whole.
    Whole,
}

/// How what a recipe paints fits; if that cannot be told, it does not.
pub(crate) fn fit(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Fit {
    match (shortage(engine, outline, recipe), ScalePlans::last(engine, outline, recipe)) {
        (Ok(None), Ok(plans)) if plans.iteration.windows().is_some() => Fit::Windows,
        (Ok(None), Ok(_)) => Fit::Whole,
        _ => Fit::Not,
    }
}

/// The optimiser that paints where L-BFGS is the usual one: Adam where it fits better, because it has no history.
pub(crate) fn affordable(usual: Method, fit: impl Fn(Method) -> Fit) -> Method {
    match usual {
        Method::Lbfgs if fit(Method::Lbfgs) < Fit::Whole && fit(Method::Adam) > fit(Method::Lbfgs) => Method::Adam,
        usual => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adam_paints_where_only_adam_fits() {
        use Fit::{Not, Whole, Windows};
        use Method::{Adam, Lbfgs};
        let cases = [
            (Lbfgs, [Whole, Whole], Lbfgs),
            (Lbfgs, [Not, Whole], Adam),
            (Lbfgs, [Windows, Whole], Adam),
            (Lbfgs, [Windows, Windows], Lbfgs),
            (Lbfgs, [Not, Windows], Adam),
            (Lbfgs, [Whole, Not], Lbfgs),
            // Nothing fits: what is refused is what was meant.
            (Lbfgs, [Not, Not], Lbfgs),
            (Adam, [Whole, Whole], Adam),
            (Adam, [Not, Not], Adam),
        ];
        for (usual, [of_lbfgs, of_adam], expected) in cases {
            let fit = |method| if method == Lbfgs { of_lbfgs } else { of_adam };
            assert_eq!(affordable(usual, fit), expected, "{usual:?} {of_lbfgs:?} {of_adam:?}");
        }
        assert_eq!(affordable(Adam, |_| panic!("Adam has no history")), Adam);
    }
}
