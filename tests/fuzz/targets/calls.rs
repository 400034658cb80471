//! Where a call of an app leads, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| connectors_fuzz::calls::run(input));
