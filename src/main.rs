//! The `impasto` command.

mod cli;

fn main() -> std::process::ExitCode {
    give_memory_back();
    keep_driver_quiet();
    keep_lost_devices_quiet();
    impasto::picture::silence_decoder_panics();
    cli::main()
}

/// Once an array of up to 32 MiB has been dropped, glibc cuts the next ones from memory that it does not give back. One size
/// after another then takes what it needs in addition to what the last one left.
fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: this only sets numbers of the allocator, and no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 512 << 10);
        // What is small and needed again and again is not given back.
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 << 20);
    }
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
