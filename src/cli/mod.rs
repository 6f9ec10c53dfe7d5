//! The command line: one file per subcommand.

mod bench;
mod demo;
mod devices;
mod dump;
mod error;
mod filters;
mod options;
mod progress;
mod stylize;
mod validate;
mod weights;

use clap::{Parser, Subcommand};
use error::CliError;
use std::process::ExitCode;

/// Paint a photograph in the style of a painting, on any GPU.
///
/// impasto moves the pixels of a picture until a network (VGG19) sees in it the content of your photograph and the brush
/// strokes of your painting. It needs no CUDA, no Python and no account: any Vulkan, Metal or DX12 GPU will do, and where
/// there is none the processor does the work.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Stylize(Box<stylize::Arguments>),
    Devices(devices::Arguments),
    Validate(validate::Arguments),
    Bench(bench::Arguments),
    Dump(Box<dump::Arguments>),
    /// Fetch, learn and look into the network's filters
    #[command(subcommand)]
    Weights(weights::WeightsCommand),
}

/// Parses the command line and runs it; exit code 2 for wrong use, 1 for failures.
pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Stylize(arguments) => stylize::run(*arguments),
        Command::Devices(arguments) => devices::run(arguments),
        Command::Validate(arguments) => validate::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Dump(arguments) => dump::run(*arguments),
        Command::Weights(command) => weights::run(&command, &mut std::io::stdout().lock()).map_err(CliError::from),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("impasto: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
