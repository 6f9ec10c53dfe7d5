//! `impasto studio`.

mod calls;
mod hub;
mod intake;
mod options;
mod painter;
mod server;
mod store;

pub(crate) use store::StoreError;

use super::{
    CliError,
    console::Console,
    interrupt::Interrupts,
    memory_options::{MemoryLimit, MemoryOptions},
};
use clap::Args;
use hub::Hub;
use impasto::{hexadecimal::hexadecimal, options::positive};
use intake::draw_demonstration;
use server::{App, Guard, StaticFiles};
use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::Store;
use tokio::net::TcpListener;

/// Between two looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(100);

/// Paint in the browser, and watch
///
/// Serves a page on this machine and opens it. Pictures, masks, a queue and a gallery are kept in a directory; the studio
/// can be ended at any moment and goes on where it was. What the page does, other programs can: /openapi.json says how.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of pictures and works [default: the user's data directory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Show a folder of files instead: the page that paints in the browser itself, which tools/build-web makes
    #[arg(long = "static", value_name = "DIR", conflicts_with_all = ["data", "device", "threads", "memory", "weights"])]
    folder: Option<PathBuf>,

    /// Do not open the browser; the address is printed either way
    #[arg(long)]
    no_open: bool,

    /// The port; 0 for any that is free
    #[arg(long, value_name = "N", default_value_t = 7410)]
    port: u16,

    /// An address of this machine at which others in the network may reach the studio, if they know the token
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,

    /// What computes: auto, cpu, or a GPU by its index or part of its name (see `impasto devices`); several, like 0,1,cpu,
    /// or all paint one picture together, in overlapping windows
    #[arg(long, value_name = "auto|all|cpu|INDEX|NAME,..", default_value = "auto")]
    device: String,

    /// Threads on the processor [default: one per core]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    threads: Option<NonZeroUsize>,

    #[command(flatten)]
    memory: MemoryOptions,

    /// Filters, where a work does not say otherwise: auto, learned, or a safetensors file
    #[arg(long, value_name = "auto|learned|FILE", default_value = "auto")]
    weights: PathBuf,
}

impl Arguments {
    /// The options of `stylize` that say where and with what to compute.
    fn machine(&self) -> Result<Vec<String>, CliError> {
        let mut options = Vec::new();
        if self.device != "auto" {
            options.push(format!("--device={}", self.device));
        }
        options.extend(self.threads.map(|threads| format!("--threads={threads}")));
        if self.memory.memory != MemoryLimit::Auto {
            options.push(format!("--memory={}", self.memory.memory));
        }
        let weights = match self.weights.to_str() {
            Some("auto") => return Ok(options),
            Some("learned") => "learned".to_owned(),
            _ => {
                let path = std::path::absolute(&self.weights).ok().filter(|path| path.is_file());
                let path = path.and_then(|path| path.to_str().map(str::to_owned));
                path.ok_or_else(|| {
                    CliError::Usage(format!(
                        "--weights names {}, which is no file that can be read",
                        self.weights.display()
                    ))
                })?
            }
        };
        options.push(format!("--weights={weights}"));
        Ok(options)
    }
}

pub(crate) fn run(arguments: &Arguments, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    if let Some(folder) = &arguments.folder {
        return show(folder, arguments, console, answer);
    }
    let store = Store::open(arguments.data.as_deref())?;
    let hub = Arc::new(Hub::open(store, arguments.machine()?)?);
    draw_demonstration(&hub).map_err(failed)?;
    let Listening { runtime, listener, address, shown } = listen(arguments)?;
    let token = new_token()?;
    let url = format!("http://{shown}/?token={token}");
    let interrupts = Interrupts::watch()?;
    let painter = painter::spawn(hub.clone()).map_err(failed)?;
    writeln!(answer, "{url}")?;
    answer.flush()?;
    if !address.ip().is_loopback() {
        console.say(&format!(
            "others in the network can reach the studio at {address}, unencrypted, and whoever has the token can paint, look \
             and delete"
        ));
    }
    open_browser(arguments, &url, console);
    let router = server::studio(App::new(hub.clone(), Guard { address, token }));
    let served = runtime.block_on(server::serve(listener, router, interrupted(&interrupts)));
    hub.close();
    // What is being painted is kept first.
    let painted = painter.join();
    runtime.shutdown_background();
    served.map_err(failed)?;
    painted.map_err(|_| CliError::Failed("the painter broke down".to_owned()))?;
    match interrupts.last() {
        Some(interrupt) => Err(CliError::Stopped {
            interrupt,
            sentence: format!(
                "stopped by {}; everything is kept in {}, and `impasto studio` goes on",
                interrupt.name(),
                hub.store.directory().display()
            ),
        }),
        None => Ok(()),
    }
}

/// An address that is listened at.
struct Listening {
    runtime: tokio::runtime::Runtime,
    listener: TcpListener,
    address: SocketAddr,
    /// The address by which this machine reaches it.
    shown: SocketAddr,
}

fn listen(arguments: &Arguments) -> Result<Listening, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
    let asked = SocketAddr::new(arguments.listen, arguments.port);
    let listener = runtime.block_on(TcpListener::bind(asked)).map_err(|error| {
        CliError::Failed(format!("cannot listen on {asked}: {error}; name another port with --port, 0 for any"))
    })?;
    let address = listener.local_addr().map_err(failed)?;
    let shown = if address.ip().is_unspecified() {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port())
    } else {
        address
    };
    Ok(Listening { runtime, listener, address, shown })
}

fn open_browser(arguments: &Arguments, url: &str, console: &Console) {
    if !arguments.no_open
        && let Err(error) = open::that_detached(url)
    {
        console.say(&format!("no browser was opened ({error}): open the address above"));
    }
}

async fn interrupted(interrupts: &Interrupts) {
    while interrupts.last().is_none() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Shows a folder until it is interrupted.
fn show(folder: &Path, arguments: &Arguments, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    let files = StaticFiles::open(folder).map_err(|error| {
        CliError::Failed(format!(
            "cannot show {}: {error}; tools/build-web makes such a folder, target/web",
            folder.display()
        ))
    })?;
    let Listening { runtime, listener, shown, .. } = listen(arguments)?;
    let interrupts = Interrupts::watch()?;
    let url = format!("http://{shown}/");
    writeln!(answer, "{url}")?;
    answer.flush()?;
    open_browser(arguments, &url, console);
    runtime.block_on(server::serve(listener, files.router(), interrupted(&interrupts))).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// 128 random bits, in hexadecimal digits.
fn new_token() -> Result<String, CliError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(hexadecimal(&bytes))
}
