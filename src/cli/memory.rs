//! Whether what will be painted fits into the memory that there is.

use super::{CliError, console::Console};
use impasto::{
    Engine,
    style::{Method, Outline, Recipe, arithmetic, memories, shortage},
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

/// The arithmetic of what a recipe paints, if that fits into the memory that there is.
pub(crate) fn work(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Option<f64> {
    match shortage(engine, outline, recipe) {
        Ok(None) => arithmetic(engine, outline, recipe).ok(),
        _ => None,
    }
}

/// The optimiser that paints where L-BFGS is the usual one: Adam, which keeps less, where only Adam fits, or where L-BFGS has to
/// work in such small windows that all its iterations take longer than the more numerous ones of Adam.
pub(crate) fn affordable(usual: Method, work: impl Fn(Method) -> Option<f64>) -> Method {
    if usual != Method::Lbfgs {
        return usual;
    }
    match [Method::Lbfgs, Method::Adam].map(work) {
        [None, Some(_)] => Method::Adam,
        [Some(of_lbfgs), Some(of_adam)] if of_adam < of_lbfgs => Method::Adam,
        _ => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adam_paints_where_only_adam_fits_or_is_done_first() {
        use Method::{Adam, Lbfgs};
        let cases = [
            (Lbfgs, [Some(1.0), Some(3.0)], Lbfgs),
            (Lbfgs, [Some(9.0), Some(3.0)], Adam),
            (Lbfgs, [Some(2.0), Some(2.0)], Lbfgs),
            (Lbfgs, [None, Some(3.0)], Adam),
            (Lbfgs, [Some(9.0), None], Lbfgs),
            // Nothing fits: what is refused is what was meant.
            (Lbfgs, [None, None], Lbfgs),
            (Adam, [Some(1.0), Some(3.0)], Adam),
            (Adam, [None, None], Adam),
        ];
        for (usual, [of_lbfgs, of_adam], expected) in cases {
            let work = |method| if method == Lbfgs { of_lbfgs } else { of_adam };
            assert_eq!(affordable(usual, work), expected, "{usual:?} {of_lbfgs:?} {of_adam:?}");
        }
        assert_eq!(affordable(Adam, |_| panic!("Adam was meant")), Adam);
    }
}
