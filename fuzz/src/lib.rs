//! What the tests' short run and the attack use too, for a fuzzer that sees which branches its inputs take.

#[path = "../../tests/pictures/avif_files.rs"]
mod avif_files;
#[path = "../../tests/mutations/mutate.rs"]
pub mod mutate;
#[path = "../../tests/mutations/seeds.rs"]
pub mod seeds;
#[path = "../../tests/mutations/targets.rs"]
pub mod targets;
