//! The CPU back end against the reference.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use impasto::{cpu, validate};
use std::num::NonZeroUsize;

#[test]
fn every_case_agrees_with_the_reference() {
    let mut failures = Vec::new();
    for case in validate::cases() {
        let outcome = validate::run(&case, &mut |plan, filters| {
            Ok(Box::new(cpu::Session::new(plan, filters, NonZeroUsize::new(2))?))
        })
        .unwrap();
        println!("{outcome}");
        if !outcome.passed() {
            failures.push(outcome.to_string());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
