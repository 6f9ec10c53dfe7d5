//! The `impasto` command.

fn main() {}
