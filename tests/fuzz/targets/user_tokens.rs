//! What is shown as a user's token, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| connectors_fuzz::user_tokens::run(input));
