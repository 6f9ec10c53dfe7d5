//! `impasto-web-bindgen MODULE.wasm DIRECTORY`: writes the module and its JavaScript for a page into a directory. It is
//! what the command wasm-bindgen does, as a part of this repository with a lock file, which is built in a fraction of the time.

use std::{env, path::Path, process::ExitCode};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let [module, directory] = &words[..] else {
        eprintln!("impasto-web-bindgen MODULE.wasm DIRECTORY");
        return ExitCode::from(2);
    };
    let made = Bindgen::new()
        .input_path(module)
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .web(true)
        .map(|bindgen| bindgen.typescript(false))
        .and_then(|bindgen| bindgen.generate(Path::new(directory)));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("impasto-web-bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}
