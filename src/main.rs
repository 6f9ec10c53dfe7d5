//! The `impasto` command.

mod cli;

fn main() -> std::process::ExitCode {
    keep_driver_quiet();
    cli::main()
}

/// Mesa's device-select layer asks for a display and complains on stderr where there is none. impasto shows nothing on a
/// display and chooses among all devices by itself.
fn keep_driver_quiet() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: nothing else runs yet that could read the environment at the same time.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
