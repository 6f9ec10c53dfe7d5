#![no_main]

use impasto_fuzz::targets::picture;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    picture(bytes);
});
