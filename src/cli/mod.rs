//! The command line: one file per subcommand.

mod again;
mod bench;
mod completions;
mod console;
mod creatable;
mod demo;
mod devices;
mod dump;
mod error;
mod explain;
mod finish;
mod info;
mod input;
mod instead;
mod interrupt;
mod machine_options;
mod man;
mod memory;
mod memory_options;
mod output;
mod overwrite;
mod paint;
mod painting_options;
mod progress;
mod record;
mod resume;
#[cfg(feature = "studio")]
mod studio;
mod stylize;
mod texture;
mod validate;
mod weights;
mod weights_options;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use console::{Console, ConsoleOptions};
use error::CliError;
use impasto::printable::{is_printable, printable};
use std::{io::ErrorKind, process::ExitCode};

const EXAMPLES: &str = "\
Examples:
  impasto demo
  impasto stylize photo.jpg --style painting.jpg --output result.png";

/// Paint a photograph in the style of a painting, on any GPU
///
/// impasto moves the pixels of a picture until a network (VGG19) sees in it the content of your photograph and the brush
/// strokes of your painting. It needs no CUDA, no Python and no account: any Vulkan, Metal or DX12 GPU will do, and where
/// there is none the processor does the work.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    console: ConsoleOptions,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Stylize(Box<stylize::Arguments>),
    Resume(resume::Arguments),
    Texture(Box<texture::Arguments>),
    #[cfg(feature = "studio")]
    Studio(studio::Arguments),
    Info(info::Arguments),
    Again(again::Arguments),
    Devices(devices::Arguments),
    Validate(validate::Arguments),
    Bench(bench::Arguments),
    Dump(Box<dump::Arguments>),
    /// Fetch, learn and look into the network's filters
    ///
    /// Fetched filters are kept in the user's cache directory, or in the one that IMPASTO_CACHE names. HF_ENDPOINT names
    /// a mirror of the Hugging Face hub; HTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed.
    #[command(subcommand)]
    Weights(weights::WeightsCommand),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// The command line. Where an option is given twice the later counts, so that an alias can be overridden.
fn command() -> clap::Command {
    fn later_counts(command: clap::Command) -> clap::Command {
        command.args_override_self(true).mut_subcommands(later_counts)
    }
    later_counts(Cli::command())
}

/// Parses the command line and runs it; exit code 2 for wrong use, 1 for failures.
pub(crate) fn main() -> ExitCode {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let Cli { console, command } = match parsed {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let console = &Console::new(console);
    let answer = &mut std::io::stdout().lock();
    let done = match command {
        Command::Demo(arguments) => demo::run(&arguments, console, answer),
        Command::Stylize(arguments) => stylize::run(*arguments, stylize::Call::of_this_process(), console, answer),
        Command::Resume(arguments) => resume::run(arguments, console),
        Command::Texture(arguments) => texture::run(&arguments, console, answer),
        #[cfg(feature = "studio")]
        Command::Studio(arguments) => studio::run(&arguments, console, answer),
        Command::Info(arguments) => info::run(&arguments, answer),
        Command::Again(arguments) => again::run(arguments, console, answer),
        Command::Devices(_) => devices::run(answer),
        Command::Validate(arguments) => validate::run(arguments, console, answer),
        Command::Bench(arguments) => bench::run(arguments, console, answer),
        Command::Dump(arguments) => dump::run(*arguments, console),
        Command::Weights(command) => weights::run(&command, console, answer),
        Command::Completions(arguments) => completions::run(&arguments, answer),
        Command::Man(arguments) => man::run(&arguments, answer),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the answer, such as `head`, has seen enough.
        Err(CliError::Answer(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("impasto: {}", printable(&error.sentence()));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Prints what is wrong with the command line, or the help or version that it asks for.
fn refuse(error: &clap::Error) -> ExitCode {
    if std::env::args_os().all(|argument| is_printable(&argument.to_string_lossy())) {
        // The reader of the help may have seen enough.
        let _ = error.print();
    } else {
        // The message quotes arguments.
        for line in error.render().to_string().lines() {
            eprintln!("{}", printable(line));
        }
    }
    ExitCode::from(error.exit_code() as u8)
}
