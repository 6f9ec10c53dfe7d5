//! The README's program that paints a picture through the JSON interface runs as it is written.

use crate::command_line::folder::Folder;
use std::process::Command;

#[test]
fn the_example_of_the_readme_paints_a_picture() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("no curl");
        return;
    }
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let script = blocks.into_iter().find(|block| block.contains("api/works")).expect("the README has an example");
    let folder = Folder::empty();
    for (name, seed) in [("photo.jpg", 1), ("painting.jpg", 2)] {
        folder.picture(name, 64, 48, seed);
    }
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_impasto")).parent().unwrap();
    let path = std::env::join_paths(
        [programs.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    // A small picture takes as long as a large one needs to be an example.
    let script = script.replace("\\\"256\\\"", "\\\"48\\\"").replace("--port 0", "--port 0 --device cpu");
    let output = folder.program("sh").env("PATH", path.unwrap()).args(["-euc", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(folder.size("result.png"), (48, 36));
}
