//! What must hold in every state, and what must come about in some.

use stateright::Property;

use crate::{
    causes,
    faults::{Fault, Faults},
    provider::Behaviour,
    row::{Reason, StoredBy},
    rules::Protocol,
    state::{Message, State, Worker},
};

/// No two processes, nor a process and a request that nobody waits for, show one refresh token at the same time.
pub const ONE_USE: &str = "one use at a time";
/// Nobody shows a refresh token whose successor is stored, or about to be.
pub const NO_USED_TOKEN: &str = "no token is shown whose successor is safe";
/// The newest refresh token, once it came to a process that lived, is in the row, in a process, or in the queue.
pub const NONE_THROWN_AWAY: &str = "no working token is thrown away";
/// Only the holder of the newest lease declares a grant over.
pub const ENDED_BY_HOLDER: &str = "only the holder declares a grant over";
/// A grant that is declared over has a refresh token that the provider would refuse.
pub const ENDED_RIGHTLY: &str = "a grant that was declared over is";
/// An access token is stored before anybody is handed it.
pub const STORED_FIRST: &str = "nothing is handed out before it is stored";
/// `refresh_rejected` is said only of a grant that the user took back.
pub const REJECTED_RIGHTLY: &str = "refresh_rejected: the user took it back";
/// `rotation_lost` is said only after an attempt whose outcome nobody learned, at a provider that rotates.
pub const LOST_RIGHTLY: &str = "rotation_lost: an answer may have been lost";
/// When nothing can happen any more, the connection works or says why not, and nothing is left lying about.
pub const SETTLED: &str = "in the end it works or says why not";
/// Every lost connection has one of the causes that cannot be helped.
pub const NAMED: &str = "every loss has a cause that cannot be helped";

/// Faults after which two processes may believe that it is their turn.
const TWO_AT_ONCE: Faults = Faults::of(&[Fault::EarlyEnd, Fault::LateRequest]);

/// Faults after which somebody may have asked, as far as the row tells.
const UNKNOWN_OUTCOME: Faults = Faults::of(&[
    Fault::RequestDropped,
    Fault::HungUp,
    Fault::AnswerLost,
    Fault::Crash,
    Fault::CrashWithTokens,
    Fault::WriteUnheard,
    Fault::TableDown,
    Fault::EarlyEnd,
    Fault::Stalled,
]);

pub(crate) fn of(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut all = vec![
        Property::always(ONE_USE, one_use),
        Property::always(NO_USED_TOKEN, no_used_token),
        Property::always(NONE_THROWN_AWAY, none_thrown_away),
        Property::always(ENDED_BY_HOLDER, |_, state: &State| !state.past.ended_by_another),
        Property::always(ENDED_RIGHTLY, |_, state: &State| {
            state.row.ended.is_none() || !state.row.refresh.is_some_and(|token| state.provider.accepts(token))
        }),
        Property::always(STORED_FIRST, |_, state: &State| state.past.handed_out.is_within(state.past.stored)),
        Property::always(REJECTED_RIGHTLY, |_, state: &State| {
            state.row.ended != Some(Reason::RefreshRejected)
                || state.provider.taken_back
                || state.past.happened.has_any(TWO_AT_ONCE)
        }),
        Property::always(LOST_RIGHTLY, |protocol: &Protocol, state: &State| {
            state.row.ended != Some(Reason::RotationLost)
                || protocol.behaviour.rotates() && state.past.happened.has_any(UNKNOWN_OUTCOME)
        }),
        Property::always(SETTLED, |protocol: &Protocol, state: &State| is_settled(state) || !protocol.is_over(state)),
        Property::always(NAMED, |protocol: &Protocol, state: &State| {
            state.past.happened.has_any(causes::that_lose(protocol.behaviour)) || !causes::is_lost(protocol, state)
        }),
    ];
    all.extend(sights(protocol.behaviour));
    all.extend(causes::properties());
    all
}

/// What comes about in some run: a model in which nothing happens keeps every promise.
fn sights(behaviour: Behaviour) -> Vec<Property<Protocol>> {
    let mut all = vec![
        Property::sometimes("it works after every fault there may be", |_, state: &State| {
            state.faults_left == 0 && state.row.version > 1 && !state.row.is_stale && !state.provider.taken_back
        }),
        Property::sometimes("somebody comes second, and waits", |_, state: &State| {
            state.workers.iter().any(|worker| matches!(worker, Worker::Waiting { .. }))
        }),
        Property::sometimes("a message brings tokens that the table did not take", |_, state: &State| {
            state.row.stored_by == StoredBy::Queue
        }),
        Property::sometimes("refresh_rejected is said", |_, state: &State| {
            state.row.ended == Some(Reason::RefreshRejected)
        }),
    ];
    if behaviour.rotates() {
        all.extend([
            Property::sometimes("a holder that comes back late stores its tokens", |_, state: &State| {
                state.row.stored_by == StoredBy::LateHolder
            }),
            Property::sometimes("a settle waits behind tokens", |_, state: &State| {
                matches!(state.queue[..], [Message::Salvage { .. }, Message::Settle { .. }])
            }),
            Property::sometimes("one is late with a write, and the queue has gone on", |_, state: &State| {
                state.late.iter().any(|late| !state.queue.contains(&late.message))
            }),
            Property::sometimes("rotation_lost is said", |_, state: &State| {
                state.row.ended == Some(Reason::RotationLost)
            }),
        ]);
    }
    all
}

fn one_use(protocol: &Protocol, state: &State) -> bool {
    if !protocol.behaviour.is_strict() || state.past.happened.has_any(TWO_AT_ONCE) {
        return true;
    }
    let asking = state.workers.iter().filter_map(|worker| match worker {
        Worker::Asking { hold, answer: None, .. } => Some(hold.token),
        _ => None,
    });
    let mut shown: Vec<_> = asking.chain(state.adrift.iter().map(|request| request.token)).collect();
    shown.sort_unstable();
    shown.windows(2).all(|pair| pair[0] != pair[1])
}

fn no_used_token(_: &Protocol, state: &State) -> bool {
    if state.past.happened.has_any(TWO_AT_ONCE) {
        return true;
    }
    let queued = state.pairs_in_queue().filter(|(version, _)| *version == state.row.version);
    let newer = state
        .pairs_in_hand()
        .chain(queued.map(|(_, pair)| pair))
        .filter_map(|pair| pair.refresh)
        .chain(state.row.refresh)
        .max();
    state.workers.iter().all(|worker| match worker {
        Worker::Asking { hold, answer: None, .. } => newer.is_none_or(|newer| newer <= hold.token),
        _ => true,
    })
}

fn none_thrown_away(protocol: &Protocol, state: &State) -> bool {
    let newest = state.provider.current;
    let happened = state.past.happened;
    // Which of two pairs is the newer one cannot be seen from outside, when two were asked for at once.
    let is_ambiguous = protocol.behaviour == Behaviour::GraceNewPair && happened.has_any(TWO_AT_ONCE);
    !state.provider.stands
        || is_ambiguous
        || !state.past.in_good_hands.has(newest)
        || state.row.refresh == Some(newest)
        || state.pairs_in_hand().any(|pair| pair.refresh == Some(newest))
        || state.pairs_in_queue().any(|(_, pair)| pair.refresh == Some(newest))
}

/// Whether nothing is left lying about, and the connection works or says why not.
pub(crate) fn is_settled(state: &State) -> bool {
    state.workers.iter().all(|worker| *worker == Worker::Idle)
        && state.queue.is_empty()
        && state.late.is_empty()
        && state.adrift.is_empty()
        && !state.table_is_down
        && !state.row.is_leased
        && (state.row.ended.is_some() || !state.row.is_stale)
}
