//! Every state that can be reached, for each thing that a provider may do: all properties hold, and a connection is lost
//! to the named causes, to each of them and to nothing else.

use std::time::Instant;

use refresh_model::{
    causes,
    check::{every_run_ends, every_state},
    faults::Fault,
    provider::Behaviour,
    rules::Protocol,
};

/// Any three faults among two processes; any two among three.
const BOUNDS: [(usize, u8); 2] = [(2, 3), (3, 2)];

#[expect(clippy::disallowed_methods, reason = "how long the checking takes, not what is checked")]
#[expect(clippy::print_stdout, reason = "the figures are a result too")]
fn holds_for(behaviour: Behaviour) {
    for (workers, faults) in BOUNDS {
        let began = Instant::now();
        let found = every_state(Protocol::new(behaviour, workers, faults), 1);
        println!(
            "{behaviour:?}: {workers} processes, {faults} faults: {} states, {} steps, depth {}, {} properties, {:.1} s",
            found.states,
            found.steps,
            found.depth,
            found.kept,
            began.elapsed().as_secs_f32(),
        );
        println!("  lost to {:?}", found.losing);
        assert!(found.broken.is_empty(), "{:#?}", found.broken);
        assert!(found.unseen.is_empty(), "nothing shows that {:?}", found.unseen);
        assert_eq!(found.losing, causes::that_lose(behaviour));
    }
}

#[test]
fn no_connection_is_lost_where_refresh_tokens_stay() {
    holds_for(Behaviour::NoRotation);
}

#[test]
fn no_connection_is_lost_within_the_grace_of_a_provider_that_gives_the_same_pair_again() {
    holds_for(Behaviour::GraceSamePair);
}

#[test]
fn a_provider_that_gives_another_pair_loses_one_only_to_two_askers_at_once_or_after_its_grace() {
    holds_for(Behaviour::GraceNewPair);
}

#[test]
fn a_provider_that_refuses_used_tokens_loses_only_what_nobody_could_store() {
    holds_for(Behaviour::StrictError);
}

#[test]
fn a_provider_that_ends_the_family_loses_only_what_nobody_could_store_and_to_two_askers_at_once() {
    holds_for(Behaviour::StrictFamily);
}

/// So what the properties say of last states comes about in every run.
#[test]
fn every_run_comes_to_an_end() {
    for behaviour in Behaviour::ALL {
        assert!(every_run_ends(&Protocol::new(behaviour, 2, 2)), "{behaviour:?} can go on for ever");
    }
}

/// After two lost answers, the third try is the second use of a token that was replaced.
#[test]
fn a_grace_time_helps_as_often_as_the_provider_lets_it() {
    let behaviour = Behaviour::GraceSamePair;
    for (grace_uses, is_lost) in [(2, false), (1, true)] {
        let protocol = Protocol { grace_uses, ..Protocol::new(behaviour, 2, 2) };
        let protocol = protocol.where_only(&[Fault::AnswerLost]);
        let found = every_state(protocol, 1);
        assert_eq!(found.losing == causes::that_lose(behaviour), is_lost, "{grace_uses} uses: {:?}", found.losing);
    }
}
