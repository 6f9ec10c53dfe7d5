//! No command writes over what it reads, nor twice to one file, nor reads two pictures from standard input.

use super::{CliError, input::at_most_one_from_standard_input};
use same_file::is_same_file;
use std::path::{Path, PathBuf};

/// A file that a command reads, and what it is to the user.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub what: &'static str,
    pub path: PathBuf,
}

impl Input {
    pub fn new(what: &'static str, path: impl Into<PathBuf>) -> Input {
        Input { what, path: path.into() }
    }
}

/// A file that a command writes, and the option that names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output<'a> {
    pub option: &'static str,
    pub path: &'a Path,
}

/// Checks, before anything is read or written, that files are named once: no output is an input or another output, under
/// whatever name, through links or in another spelling, and at most one input is standard input.
pub(crate) fn check_files(inputs: &[Input], outputs: &[Output<'_>]) -> Result<(), CliError> {
    at_most_one_from_standard_input(inputs.iter().map(|input| input.path.as_path()))?;
    for (index, output) in outputs.iter().enumerate() {
        refuse_overwriting_inputs(inputs, *output)?;
        if let Some(other) = outputs[..index].iter().find(|other| is_one_file(other.path, output.path)) {
            return Err(CliError::Usage(format!(
                "{} and {} both name {}: give each a file of its own",
                other.option,
                output.option,
                output.path.display()
            )));
        }
    }
    Ok(())
}

/// Checks that an output is no input.
pub(crate) fn refuse_overwriting_inputs(inputs: &[Input], output: Output<'_>) -> Result<(), CliError> {
    match inputs.iter().find(|input| is_one_file(&input.path, output.path)) {
        None => Ok(()),
        Some(input) => Err(CliError::Usage(format!(
            "{} names {}, which is {} and would be overwritten: name another file",
            output.option,
            output.path.display(),
            input.what
        ))),
    }
}

/// Whether two paths lead to one regular file, or would if it were there. Pipes and devices may be named twice.
fn is_one_file(a: &Path, b: &Path) -> bool {
    match (a.metadata(), b.metadata()) {
        (Ok(a), Ok(b)) if !a.is_file() || !b.is_file() => false,
        (Ok(_), Ok(_)) => is_same_file(a, b).unwrap_or(false),
        (Err(_), Err(_)) => place(a).is_some_and(|place_of_a| Some(place_of_a) == place(b)),
        _ => false,
    }
}

/// Where a file that is not there would be.
fn place(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    Some(absolute.parent()?.canonicalize().ok()?.join(absolute.file_name()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use std::fs;

    #[test]
    fn one_file_is_recognised_in_any_spelling() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("folder")).unwrap();
        for name in ["photo", "other"] {
            fs::write(path(name), name).unwrap();
        }
        fs::hard_link(path("photo"), path("hard")).unwrap();
        let same = |a: &str, b: &str| is_one_file(&path(a), &path(b));
        assert!(same("photo", "photo") && same("photo", "folder/../photo") && same("hard", "photo"));
        assert!(!same("photo", "other") && !same("photo", "none"));
        assert!(same("none", "folder/../none") && !same("none", "folder/none") && !same("none", "nowhere/none"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../photo", path("folder/link")).unwrap();
            assert!(same("folder/link", "photo") && !same("folder/link", "other"));
            assert!(!is_one_file(Path::new("/dev/null"), Path::new("/dev/null")));
        }
    }
}
