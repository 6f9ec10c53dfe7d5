//! `impasto man`.

use super::CliError;
use clap::Args;
use std::io::Write;

/// Print the manual page of impasto or of one of its commands
///
/// To read one: impasto man stylize | man -l -
#[derive(Args)]
pub(crate) struct Arguments {
    /// The command, such as stylize or weights fetch
    command: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, answer: &mut dyn Write) -> Result<(), CliError> {
    let mut command = super::command();
    command.build();
    for name in &arguments.command {
        let inner = command.find_subcommand(name).cloned();
        command = inner.ok_or_else(|| {
            let names: Vec<&str> =
                command.get_subcommands().map(clap::Command::get_name).filter(|&name| name != "help").collect();
            CliError::Usage(match names.as_slice() {
                [] => format!("{} has no commands, and so no \"{name}\": leave it out", command.get_name()),
                names => format!("there is no command \"{name}\": there are {}", names.join(", ")),
            })
        })?;
    }
    // The name with those of the commands around it, as `build` made it.
    let name = command.get_display_name().unwrap_or("impasto").to_owned();
    Ok(clap_mangen::Man::new(command).title(name).render(answer)?)
}
