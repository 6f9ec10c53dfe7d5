//! The `impasto` command.

mod cli;

fn main() -> std::process::ExitCode {
    keep_driver_quiet();
    keep_lost_devices_quiet();
    impasto::picture::silence_decoder_panics();
    cli::main()
}

/// wgpu panics where a wait finds that the device is lost. A session catches that and says it in a sentence, which would
/// drown in the panic's own words.
fn keep_lost_devices_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>();
        if !text.is_some_and(|text| text.starts_with("Error in Device::poll")) {
            usual(panic);
        }
    }));
}

/// Mesa's device-select layer asks for a display and complains on stderr where there is none. impasto shows nothing on a
/// display and chooses among all devices by itself.
fn keep_driver_quiet() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: nothing else runs yet that could read the environment at the same time.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
