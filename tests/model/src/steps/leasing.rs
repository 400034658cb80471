//! From reading the row to having the lease, and giving it back.

use crate::{
    action::Step,
    faults::Fault,
    row::Hold,
    rules::{Protocol, Rule},
    state::{State, Worker},
};

impl Protocol {
    pub(super) fn leasing(&self, next: &mut State, worker: Worker, step: Step) -> Option<Worker> {
        if next.table_is_down && step != Step::Stall {
            return None;
        }
        match (worker, step) {
            // Who comes while a lease lasts waits, and changes nothing: it may as well come afterwards.
            (Worker::Idle, Step::Read) if !next.row.is_leased => self.read(next),
            (Worker::Idle, Step::ReadAhead) if next.row.is_leased => {
                if self.keeps(Rule::SettleAfterDrift) {
                    next.spend(self, Fault::EarlyEnd)?;
                }
                unsettled(next, next.row.unaccounted(self)?)
            }
            (Worker::Seen { version, token }, Step::TakeLease) => Some(match self.lease(next, version, token) {
                Some(hold) => leased(hold),
                None => Worker::Waiting { version },
            }),
            (Worker::Seen { version, token }, Step::TakeLeaseUnheard) => {
                let hold = self.lease(next, version, token)?;
                next.spend(self, Fault::WriteUnheard)?;
                Some(Worker::LeaseUnheard(hold))
            }
            (Worker::LeaseUnheard(hold), Step::TakeLeaseAgain) => {
                let is_held = next.row.intent == Some(hold.fence) && next.row.is_leased;
                Some(if is_held { leased(hold) } else { Worker::Idle })
            }
            (Worker::Waiting { version }, Step::StopWaiting) => {
                let goes_on = next.row.version == version && next.row.ended.is_none() && next.row.is_leased;
                (!goes_on).then(|| {
                    next.hand_out();
                    Worker::Idle
                })
            }
            (Worker::Leased { hold, is_again }, Step::Stall) => {
                let is_held = next.row.is_leased && next.row.fence == hold.fence;
                is_held.then_some(())?;
                next.spend(self, Fault::Stalled)?;
                next.row.is_leased = false;
                Some(if is_again { Worker::Unanswered { hold, is_again } } else { Worker::Late(hold) })
            }
            (Worker::Late(hold) | Worker::TurnedAway(hold), Step::GiveBack) => {
                next.row.give_back(self, hold, false, false);
                Some(Worker::Idle)
            }
            _ => None,
        }
    }

    fn read(&self, next: &State) -> Option<Worker> {
        next.row.needs_work().then_some(())?;
        match next.row.unaccounted(self) {
            Some(attempt) => unsettled(next, attempt),
            None => Some(Worker::Seen { version: next.row.version, token: next.row.refresh? }),
        }
    }

    fn lease(&self, next: &mut State, version: u8, token: u8) -> Option<Hold> {
        if self.keeps(Rule::Lease) {
            return next.row.take_lease(self, version, token);
        }
        let is_same = next.row.version == version && next.row.ended.is_none();
        is_same.then_some(Hold { version, token, fence: next.row.fence, follows: next.row.follows() })
    }
}

/// Who comes while a settle waits changes nothing: it may as well come afterwards.
fn unsettled(next: &State, attempt: u8) -> Option<Worker> {
    (!next.is_to_be_settled(attempt)).then_some(Worker::Unsettled { attempt })
}

fn leased(hold: Hold) -> Worker {
    Worker::Leased { hold, is_again: false }
}
