//! What each rule is good for: without it, something that must never happen does.

use refresh_model::{
    causes,
    check::{counterexample, every_state},
    properties::{
        ENDED_BY_HOLDER, ENDED_RIGHTLY, NAMED, NO_USED_TOKEN, NONE_THROWN_AWAY, ONE_USE, REJECTED_RIGHTLY, SETTLED,
        STORED_FIRST,
    },
    provider::Behaviour::{self, GraceNewPair, GraceSamePair, NoRotation, StrictError, StrictFamily},
    rules::{Protocol, Rule},
};

/// The rule that is switched off, where, and what happens then.
const WITHOUT: [(Rule, Behaviour, &str); 32] = [
    (Rule::Lease, StrictFamily, ONE_USE),
    (Rule::Lease, StrictFamily, NAMED),
    (Rule::Deadline, StrictError, ONE_USE),
    (Rule::LeaseOutlivesSilence, StrictError, ONE_USE),
    (Rule::LeaseOutlivesSilence, StrictFamily, NAMED),
    (Rule::DoubtKept, StrictError, REJECTED_RIGHTLY),
    (Rule::OwnSilenceRemembered, GraceSamePair, REJECTED_RIGHTLY),
    (Rule::IntentBars, StrictError, NO_USED_TOKEN),
    (Rule::IntentBars, StrictFamily, NAMED),
    (Rule::IntentBarsGraceToo, GraceNewPair, NAMED),
    (Rule::SettleBehindSalvaged, StrictError, NO_USED_TOKEN),
    (Rule::SettleBehindSalvaged, StrictFamily, NAMED),
    (Rule::FailedStaysAtHead, StrictError, NO_USED_TOKEN),
    (Rule::FailedStaysAtHead, StrictFamily, NAMED),
    (Rule::AttemptInSettle, StrictError, NO_USED_TOKEN),
    (Rule::SettleAfterDrift, StrictError, NO_USED_TOKEN),
    (Rule::SettleAfterDrift, StrictFamily, NAMED),
    (Rule::SettledStaysInDoubt, StrictError, REJECTED_RIGHTLY),
    (Rule::HandOverUnderLease, StrictError, NO_USED_TOKEN),
    (Rule::HandOverUnderLease, GraceNewPair, NAMED),
    (Rule::StoredFirst, StrictError, STORED_FIRST),
    (Rule::MissingTokenKeepsOld, NoRotation, NONE_THROWN_AWAY),
    (Rule::MissingTokenKeepsOld, NoRotation, SETTLED),
    (Rule::VersionInCommit, StrictError, NONE_THROWN_AWAY),
    (Rule::VersionInCommit, StrictError, NAMED),
    (Rule::LateTokensStored, StrictError, NONE_THROWN_AWAY),
    (Rule::QueueTakesOver, StrictError, NONE_THROWN_AWAY),
    (Rule::QueueTakesOver, StrictError, NAMED),
    (Rule::QueueTakesLateTokens, StrictError, NONE_THROWN_AWAY),
    (Rule::FenceInGivingBack, StrictError, ONE_USE),
    (Rule::FenceInEnd, StrictError, ENDED_BY_HOLDER),
    (Rule::VersionInEnd, StrictError, ENDED_RIGHTLY),
];

/// Rules whose absence another one makes good. A commit that lost its lease is refused by the fence and stored as a late
/// one by the version alone, so the fence only tells the two apart. Whatever raises the version takes the intent away, so
/// a settle need not name it beside the attempt; and nobody asks for one before the lease has ended, so it need not look.
/// A grant that was renewed is not declared over, because that names the version too, so reading the row again only spares
/// a vain write.
const SECOND_LINES: [Rule; 5] =
    [Rule::FenceInCommit, Rule::VersionInSettle, Rule::LeaseInSettle, Rule::EarlySettleDropped, Rule::RereadBeforeEnd];

#[test]
fn without_any_one_rule_something_happens_that_must_not() {
    for (rule, behaviour, property) in WITHOUT {
        let found = counterexample(&Protocol::new(behaviour, 2, 3).without(rule), property);
        let Some((faults, steps)) = found else {
            panic!("nothing breaks `{property}` without {rule:?} at {behaviour:?}")
        };
        println!("without {rule:?} at {behaviour:?}, {faults} faults break `{property}`: {steps:?}");
    }
}

#[test]
fn without_a_second_line_nothing_happens_that_must_not() {
    for rule in SECOND_LINES {
        for behaviour in Behaviour::ALL {
            let found = every_state(Protocol::new(behaviour, 2, 2).without(rule), 1);
            assert!(found.broken.is_empty(), "without {rule:?} at {behaviour:?}: {:#?}", found.broken);
            assert_eq!(found.losing, causes::that_lose(behaviour), "without {rule:?} at {behaviour:?}");
        }
    }
}

#[test]
fn every_rule_is_switched_off_once() {
    for rule in Rule::ALL {
        let is_listed = WITHOUT.iter().any(|(listed, ..)| *listed == rule) || SECOND_LINES.contains(&rule);
        assert!(is_listed, "{rule:?}");
    }
}
