#![no_main]

use impasto_fuzz::targets::weights;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    weights(bytes);
});
