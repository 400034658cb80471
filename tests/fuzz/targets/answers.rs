//! What providers answer, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| connectors_fuzz::answers::run(input));
