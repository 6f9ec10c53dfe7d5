//! Writes every picture that `impasto::demo` draws, as PNG.

use impasto::{
    demo::{PAINTINGS, SCENES},
    picture::PictureError,
    plan::Size,
};
use std::{path::PathBuf, process::ExitCode};

const SIZE: Size = Size { width: 768, height: 576 };

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        eprintln!("usage: drawings FOLDER");
        return ExitCode::from(2);
    };
    let write = || -> Result<(), PictureError> {
        SCENES
            .iter()
            .chain(&PAINTINGS)
            .try_for_each(|drawing| (drawing.draw)(SIZE).save(folder.join(format!("{}.png", drawing.name))))
    };
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("drawings: {error}");
            ExitCode::FAILURE
        }
    }
}
