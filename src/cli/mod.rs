//! The command line: one file per subcommand.

mod bench;
mod creatable;
mod demo;
mod devices;
mod dump;
mod error;
mod explain;
mod interrupt;
mod options;
mod paint;
mod progress;
mod resume;
mod stylize;
mod validate;
mod weights;
mod weights_options;

use clap::{Parser, Subcommand};
use error::CliError;
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
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Stylize(Box<stylize::Arguments>),
    Resume(resume::Arguments),
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
}

/// Parses the command line and runs it; exit code 2 for wrong use, 1 for failures.
pub(crate) fn main() -> ExitCode {
    let command = Cli::parse().command;
    let answer = &mut std::io::stdout().lock();
    let done = match command {
        Command::Demo(arguments) => demo::run(&arguments, answer),
        Command::Stylize(arguments) => stylize::run(*arguments, answer),
        Command::Resume(arguments) => resume::run(arguments),
        Command::Devices(_) => devices::run(answer),
        Command::Validate(arguments) => validate::run(arguments, answer),
        Command::Bench(arguments) => bench::run(arguments, answer),
        Command::Dump(arguments) => dump::run(*arguments),
        Command::Weights(command) => weights::run(&command, answer),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the answer, such as `head`, has seen enough.
        Err(CliError::Answer(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("impasto: {}", error.sentence());
            ExitCode::from(error.exit_code())
        }
    }
}
