#![no_main]

use impasto_fuzz::targets::checkpoint;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    checkpoint(bytes);
});
