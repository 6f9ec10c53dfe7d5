#![no_main]

use impasto_fuzz::targets::json;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    json(bytes);
});
