//! What a browser brings back, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| connectors_fuzz::callback::run(input));
