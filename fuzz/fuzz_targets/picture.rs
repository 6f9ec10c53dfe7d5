#![no_main]

use impasto_fuzz::targets::picture;
use std::sync::Once;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // A panic that a decoder is kept from spreading is no crash.
    static QUIET: Once = Once::new();
    QUIET.call_once(impasto::picture::silence_decoder_panics);
    picture(bytes);
});
