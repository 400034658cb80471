//! Every target over its seeds, and over some thousand inputs that chance makes of them: for any machine with a stable
//! compiler. The long runs, which follow the branches that an input takes, are `tests/fuzz/run`.

#![expect(clippy::expect_used, reason = "a test's world: what fails here fails the test that asked for it")]

use std::{
    fmt::Write,
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicBool, Ordering},
};

use connectors_fuzz::{Target, mutation::Mutator};

/// Whether anything has panicked, in whichever thread and whoever caught it.
static PANICKED: AtomicBool = AtomicBool::new(false);

#[test]
fn no_answer_of_a_provider_breaks_its_reader_or_comes_out_in_an_error() {
    shake("answers", 20_000);
}

#[test]
fn nothing_that_a_browser_brings_back_breaks_the_callback_or_is_repeated_by_it() {
    shake("callback", 5_000);
}

#[test]
fn no_call_of_an_app_leads_where_its_api_and_its_rules_do_not() {
    shake("calls", 30_000);
}

#[test]
fn no_url_leads_anywhere_but_to_the_public_internet() {
    shake("egress", 50_000);
}

#[test]
fn no_item_in_a_table_breaks_who_reads_it() {
    shake("items", 4_000);
}

#[test]
fn no_message_in_a_queue_breaks_who_works_it_off() {
    shake("messages", 5_000);
}

#[test]
fn nobody_is_recognised_by_a_token_that_the_issuer_has_not_signed_as_it_is() {
    shake("user_tokens", 6_000);
}

#[test]
fn every_target_has_seeds() {
    for target in connectors_fuzz::TARGETS {
        assert!(!target.seeds().is_empty(), "{}", target.name);
    }
}

/// Shows a target its seeds, and then so many inputs made of them.
fn shake(name: &str, runs: usize) {
    let target = Target::named(name);
    let seeds = target.seeds();
    let earlier = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        PANICKED.store(true, Ordering::SeqCst);
        earlier(panic);
    }));
    for (file, seed) in &seeds {
        show(&target, seed, &format!("the seed {file}"));
    }
    let number = number_of_run();
    let mut mutator = Mutator::new(number, seeds.into_iter().map(|(_, seed)| seed).collect());
    for run in 0..runs * times_of_run() {
        show(&target, &mutator.next_input(), &format!("FUZZ_SEED={number}, input {run}"));
    }
}

fn show(target: &Target, input: &[u8], which: &str) {
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let broke = outcome.is_err() || PANICKED.load(Ordering::SeqCst);
    assert!(!broke, "{} broke at {which}:\n{}\n\n{}", target.name, String::from_utf8_lossy(input), hex(input));
}

fn hex(input: &[u8]) -> String {
    input.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the inputs follow from: `FUZZ_SEED`, or the same number as ever, so that a change is not blamed for another's fault.
#[expect(clippy::disallowed_methods, reason = "a test's own setting, not the product's")]
fn number_of_run() -> u64 {
    std::env::var("FUZZ_SEED").map_or(20_261_122, |number| number.parse().expect("FUZZ_SEED is a number"))
}

/// How many times more than usual: `FUZZ_TIMES`.
#[expect(clippy::disallowed_methods, reason = "a test's own setting, not the product's")]
fn times_of_run() -> usize {
    std::env::var("FUZZ_TIMES").map_or(1, |times| times.parse().expect("FUZZ_TIMES is a number"))
}
