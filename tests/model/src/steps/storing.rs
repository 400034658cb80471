//! Storing what the provider gave.

use crate::{
    action::Step,
    faults::Fault,
    provider::Pair,
    row::{Commit, Hold, StoredBy},
    rules::{Protocol, Rule},
    state::{State, Worker},
};

impl Protocol {
    pub(super) fn storing(&self, next: &mut State, worker: Worker, step: Step) -> Option<Worker> {
        let (Worker::Storing(hold, pair) | Worker::Salvaging(hold, pair)) = worker else { return None };
        match (request_of(step), next.table_is_down) {
            (Step::Commit, false) => {
                let commit = next.row.commit(self, hold, pair);
                self.committed(next, hold, pair, commit, step)
            }
            (Step::Salvage, false) => {
                if next.row.salvage(self, hold.version, hold.fence, pair, StoredBy::LateHolder) {
                    next.note_stored(pair);
                }
                if step == Step::SalvageUnheard {
                    next.spend(self, Fault::WriteUnheard)?;
                    return Some(Worker::Salvaging(hold, pair));
                }
                next.hand_out();
                Some(Worker::Idle)
            }
            (Step::GiveUpTable, true) => {
                let is_late = matches!(worker, Worker::Salvaging(..));
                let rule = if is_late { Rule::QueueTakesLateTokens } else { Rule::QueueTakesOver };
                Some(if self.keeps(rule) { Worker::Queueing(hold, pair) } else { Worker::Idle })
            }
            _ => None,
        }
    }

    fn committed(&self, next: &mut State, hold: Hold, pair: Pair, commit: Commit, step: Step) -> Option<Worker> {
        if commit == Commit::Done {
            next.note_stored(pair);
        }
        if step == Step::CommitUnheard {
            next.spend(self, Fault::WriteUnheard)?;
            return (commit == Commit::Done).then_some(Worker::Storing(hold, pair));
        }
        Some(match commit {
            Commit::LeaseLost if self.keeps(Rule::LateTokensStored) => Worker::Salvaging(hold, pair),
            Commit::Done | Commit::LeaseLost | Commit::Overtaken => {
                next.hand_out();
                Worker::Idle
            }
        })
    }
}

/// The request that a step makes, whether or not its answer is heard.
fn request_of(step: Step) -> Step {
    match step {
        Step::CommitUnheard => Step::Commit,
        Step::SalvageUnheard => Step::Salvage,
        step => step,
    }
}

impl State {
    pub(super) fn note_stored(&mut self, pair: Pair) {
        self.past.stored.insert(pair.access);
    }
}
