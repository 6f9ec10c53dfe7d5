//! What takes the place of options that were given before, where a painting goes on or is painted once more.

use super::memory_options::MemoryLimit;
use clap::Args;
use impasto::options::SizeOptions;
use std::path::PathBuf;

/// See the module.
#[derive(Args)]
pub(crate) struct InsteadOptions {
    /// Where the result goes [default: of resume, where it was to go; of again, a new file in the current directory, named
    /// after photograph and painting, whose name is printed]
    #[arg(long, short, value_name = "PICTURE")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub sizes: SizeOptions,

    /// Where the photograph is now; to paint again, also another one
    #[arg(long, value_name = "PICTURE")]
    pub content: Option<PathBuf>,

    /// Where the paintings of --style are now, all of them; to paint again, also others
    #[arg(long, short, value_name = "PICTURE")]
    pub style: Vec<PathBuf>,

    /// Where the filters are now; to paint again, also others
    #[arg(long, value_name = "auto|learned|FILE")]
    pub weights: Option<String>,

    /// Another device: auto, cpu, or a GPU by its index or part of its name; or several, like 0,1,cpu, or all
    #[arg(long, value_name = "auto|all|cpu|INDEX|NAME,..")]
    pub device: Option<String>,

    /// Another limit of the memory that painting may take, like 6GiB, or auto
    #[arg(long, value_name = "auto|SIZE")]
    pub memory: Option<MemoryLimit>,
}
