//! What cannot be saved, by its name. A connection is lost if, when all is done, the provider does not honour the
//! refresh token that is stored, and the user did not ask for that.

use stateright::Property;

use crate::{
    faults::{Fault, Faults},
    properties::is_settled,
    provider::Behaviour,
    rules::Protocol,
    state::State,
};

/// The faults that can each lose a connection, by what the provider does. All others, in any combination, cannot.
#[must_use]
pub fn that_lose(behaviour: Behaviour) -> Faults {
    match behaviour {
        Behaviour::NoRotation => Faults::of(&[]),
        Behaviour::GraceSamePair => Faults::of(&[Fault::GraceShort]),
        Behaviour::GraceNewPair => Faults::of(&[Fault::GraceShort, Fault::EarlyEnd, Fault::LateRequest]),
        Behaviour::StrictError => Faults::of(&[Fault::AnswerLost, Fault::CrashWithTokens, Fault::QueueDown]),
        Behaviour::StrictFamily => Faults::of(&[
            Fault::AnswerLost,
            Fault::CrashWithTokens,
            Fault::QueueDown,
            Fault::EarlyEnd,
            Fault::LateRequest,
        ]),
    }
}

/// The name of the property that finds a loss by `fault`.
#[must_use]
pub const fn lost_by(fault: Fault) -> &'static str {
    match fault {
        Fault::RequestDropped => "lost: the request was dropped",
        Fault::TurnedAway => "lost: the provider said later",
        Fault::HungUp => "lost: the asker hung up",
        Fault::AnswerLost => "lost: the answer was lost on the wire",
        Fault::Crash => "lost: a process died without tokens",
        Fault::CrashWithTokens => "lost: a process died between answer and storage",
        Fault::WriteUnheard => "lost: an answer of the table or the queue was lost",
        Fault::TableDown => "lost: the table was down",
        Fault::QueueDown => "lost: table and queue were down together",
        Fault::Duplicate => "lost: a message came twice",
        Fault::EarlyEnd => "lost: a lease ended early",
        Fault::Stalled => "lost: a process was held up before it asked",
        Fault::LateRequest => "lost: the provider worked on a request after its lease",
        Fault::GraceShort => "lost: the grace was over before the next try",
        Fault::UserRevoked => "lost: the user took the grant back",
    }
}

pub(crate) fn is_cause(property: &str) -> bool {
    Fault::ALL.into_iter().any(|fault| lost_by(fault) == property)
}

/// For each fault, whether it can lose a connection: no other that can happened before.
pub(crate) fn properties() -> Vec<Property<Protocol>> {
    macro_rules! each {
        ($($fault:ident)*) => {
            vec![$(Property::sometimes(lost_by(Fault::$fault), |protocol: &Protocol, state: &State| {
                is_lost_by(protocol, state, Fault::$fault)
            })),*]
        };
    }
    each! {
        RequestDropped TurnedAway HungUp AnswerLost Crash CrashWithTokens WriteUnheard TableDown QueueDown Duplicate
        EarlyEnd Stalled LateRequest GraceShort UserRevoked
    }
}

/// Whether the connection is lost for good in this last state.
pub(crate) fn is_lost(protocol: &Protocol, state: &State) -> bool {
    let is_honoured = state.row.refresh.is_some_and(|token| state.provider.honours(token));
    !is_honoured && !state.provider.taken_back && is_settled(state) && protocol.is_over(state)
}

fn is_lost_by(protocol: &Protocol, state: &State, fault: Fault) -> bool {
    let happened = state.past.happened;
    let others = that_lose(protocol.behaviour).without(Faults::of(&[fault]));
    happened.has(fault) && !happened.has_any(others) && is_lost(protocol, state)
}
