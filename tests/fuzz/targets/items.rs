//! What stands in a table, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| connectors_fuzz::items::run(input));
