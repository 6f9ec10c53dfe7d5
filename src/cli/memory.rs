//! Whether what will be painted fits into the memory that there is.

use super::{CliError, console::Console};
use impasto::{
    Engine,
    style::{Method, Outline, Recipe, memory, shortage},
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
    let Ok(needed) = memory(engine, outline, recipe) else { return Ok(()) };
    console.detail(&format!("{} MiB of memory will be taken at most", needed.on(engine).div_ceil(1 << 20)));
    match (shortage(engine, outline, recipe), lacking) {
        (Ok(Some(shortage)), Lacking::Refused) => return Err(CliError::Shortage(shortage)),
        (Ok(Some(shortage)), Lacking::Tried) => console.say(&shortage.to_string()),
        _ => {}
    }
    Ok(())
}

/// Whether what a recipe paints fits; if that is not known, it does.
pub(crate) fn fits(engine: &Engine, outline: &Outline, recipe: &Recipe) -> bool {
    matches!(shortage(engine, outline, recipe), Ok(None))
}

/// The optimiser that paints where L-BFGS is the usual one: Adam where the history of L-BFGS is what does not fit.
pub(crate) fn affordable(usual: Method, fits: impl Fn(Method) -> bool) -> Method {
    match usual {
        Method::Lbfgs if !fits(Method::Lbfgs) && fits(Method::Adam) => Method::Adam,
        usual => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adam_paints_where_only_adam_fits() {
        use Method::{Adam, Lbfgs};
        let cases = [
            (Lbfgs, &[Lbfgs, Adam][..], Lbfgs),
            (Lbfgs, &[Adam], Adam),
            (Lbfgs, &[Lbfgs], Lbfgs),
            // Nothing fits: what is refused is what was meant.
            (Lbfgs, &[], Lbfgs),
            (Adam, &[Lbfgs, Adam], Adam),
            (Adam, &[], Adam),
        ];
        for (usual, fitting, expected) in cases {
            assert_eq!(affordable(usual, |method| fitting.contains(&method)), expected, "{usual:?} {fitting:?}");
        }
        assert_eq!(affordable(Adam, |_| panic!("Adam has no history")), Adam);
    }
}
