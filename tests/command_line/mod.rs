//! The command line as a process: what users type, what they get, and what they are told.

mod bad_files;
mod bad_options;
mod devices;
mod drivers;
mod dump;
mod explain;
pub(crate) mod folder;
mod full_disk;
mod help;
mod killed;
mod log;
mod options;
mod overwriting;
mod pipelines;
mod preview;
mod print;
mod records;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod resident;
mod resume;
pub(crate) mod running;
mod several;
mod streams;
mod stylist;
mod stylize;
mod terminal;
mod weights;
mod windows;
