//! `impasto completions`.

use super::CliError;
use clap::Args;
use clap_complete::Shell;
use std::io::Write;

/// Print what makes a shell complete impasto's commands and options
///
/// For bash: impasto completions bash > ~/.local/share/bash-completion/completions/impasto
#[derive(Args)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, answer: &mut dyn Write) -> Result<(), CliError> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::command(), "impasto", &mut script);
    Ok(answer.write_all(&script)?)
}
