#![no_main]

#[path = "../../shared/tests/it/fuzz/checks.rs"]
#[expect(dead_code, reason = "one check of several")]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::body(data));
