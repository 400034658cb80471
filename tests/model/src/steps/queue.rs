//! The queue: one group of messages in their order, and what they ask for.

use crate::{
    action::Step,
    faults::Fault,
    provider::Pair,
    row::{Hold, StoredBy},
    rules::{Protocol, Rule},
    state::{LateWriter, Message, State, Worker},
};

impl Protocol {
    pub(super) fn handing_over(&self, next: &mut State, hold: Hold, pair: Pair, step: Step) -> Option<Worker> {
        match step {
            Step::Enqueue => {
                next.leave(Message::Salvage { version: hold.version, fence: hold.fence, pair });
                Some(Worker::Idle)
            }
            Step::EnqueueUnheard => {
                next.spend(self, Fault::WriteUnheard)?;
                next.leave(Message::Salvage { version: hold.version, fence: hold.fence, pair });
                Some(Worker::Queueing(hold, pair))
            }
            Step::TryTableAgain => (!next.table_is_down).then_some(Worker::Storing(hold, pair)),
            Step::QueueFails => {
                next.spend(self, Fault::QueueDown)?;
                if next.row.is_leased && next.row.fence == hold.fence && !self.keeps(Rule::HandOverUnderLease) {
                    next.row.is_leased = false;
                    return Some(Worker::Queueing(hold, pair));
                }
                next.died_with(pair);
                Some(Worker::Idle)
            }
            _ => None,
        }
    }

    /// A message is worked and deleted. One that cannot be worked now stays where it is, and the group with it.
    pub(super) fn deliver(&self, next: &mut State, index: usize) -> Option<()> {
        let message = next.queue[index];
        let is_early = matches!(message, Message::Settle { .. }) && next.row.is_leased;
        if next.table_is_down {
            let is_sent_anew = matches!(message, Message::Salvage { .. }) && !self.keeps(Rule::FailedStaysAtHead);
            (is_sent_anew && next.queue.len() > 1).then_some(())?;
            next.queue.remove(index);
            next.queue.push(message);
        } else if !is_early || self.keeps(Rule::EarlySettleDropped) {
            self.work(next, message, next.row.version);
            next.queue.remove(index);
        } else {
            return None;
        }
        Some(())
    }

    /// Somebody begins to work a message and takes so long that it is delivered again: it stays at the head until that
    /// one is done. Who dies before the message is deleted makes their write right away. Where a write would change nothing
    /// now or ever, it may as well come in time.
    pub(super) fn deliver_slowly(&self, next: &mut State, index: usize) -> Option<()> {
        let (message, version) = (next.queue[index], next.row.version);
        let may_change_something = match message {
            Message::Salvage { version, .. } => next.row.version == version || !self.keeps(Rule::VersionInCommit),
            // Its worker reads the row first.
            Message::Settle { .. } if next.table_is_down => false,
            Message::Settle { attempt } => next.row.intent == Some(attempt) || !self.keeps(Rule::AttemptInSettle),
        };
        may_change_something.then_some(())?;
        next.spend(self, Fault::Duplicate)?;
        next.late.push(LateWriter { message, version });
        Some(())
    }

    pub(super) fn late_write(&self, next: &mut State, index: usize) -> Option<()> {
        (!next.table_is_down).then_some(())?;
        let LateWriter { message, version } = next.late.remove(index);
        self.work(next, message, version);
        Some(())
    }

    /// Makes the write that a message asks for, by one who read the row at this version.
    fn work(&self, next: &mut State, message: Message, read: u8) {
        match message {
            Message::Salvage { version, fence, pair } => {
                if next.row.salvage(self, version, fence, pair, StoredBy::Queue) {
                    next.note_stored(pair);
                }
            }
            Message::Settle { attempt } => next.row.settle(self, read, attempt),
        }
    }
}

impl State {
    /// Leaves a message behind the others. What is there already is not left twice: it would change nothing.
    fn leave(&mut self, message: Message) {
        if !self.queue.contains(&message) {
            self.queue.push(message);
        }
    }

    /// Whether a message waits that settles this attempt.
    pub(super) fn is_to_be_settled(&self, attempt: u8) -> bool {
        self.queue.contains(&Message::Settle { attempt })
    }

    /// Somebody who found an attempt unaccounted for says so, however much later. If the queue does not take it, it is as
    /// if nobody had come.
    pub(super) fn ask_to_settle(&mut self, attempt: u8) -> Worker {
        self.leave(Message::Settle { attempt });
        Worker::Idle
    }
}
