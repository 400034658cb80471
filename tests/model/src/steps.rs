//! What each step makes of the state. A step that cannot be taken gives nothing.

mod asking;
mod leasing;
mod queue;
mod storing;
mod world;

use crate::{
    action::{Action, Event, Step},
    faults::Fault,
    provider::{Answer, Pair},
    row::Hold,
    rules::{Protocol, Rule},
    state::{Adrift, State, Worker},
};

impl Protocol {
    /// The state after `action`; nothing if it cannot happen.
    pub(crate) fn after(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Worker(index, step) => {
                let worker = next.workers[index];
                next.workers[index] = self.step(&mut next, worker, step)?;
            }
            Action::World(event) => self.event(&mut next, event)?,
        }
        next.put_in_order();
        Some(next)
    }

    /// What may happen, as far as each process for itself can tell.
    pub(crate) fn candidates(&self, state: &State, found: &mut Vec<Action>) {
        for (index, worker) in state.workers.iter().enumerate() {
            // Two processes that are just where the other is do the same next.
            if index > 0 && state.workers[index - 1] == *worker {
                continue;
            }
            let crash = worker.hold().map(|_| &Step::Crash);
            found.extend(Self::steps_of(*worker).iter().chain(crash).map(|step| Action::Worker(index, *step)));
        }
        let adrift = 0..state.adrift.len();
        // Each only when the one before it was deleted.
        let at_head = if self.keeps(Rule::SettleBehindSalvaged) { 1 } else { usize::MAX };
        let queue = 0..state.queue.len().min(at_head);
        let late = 0..state.late.len();
        let world = [
            Event::TableFails,
            Event::TableRecovers,
            Event::LeaseEnds,
            Event::LeaseEndsEarly,
            Event::AccessTokenAges,
            Event::UserRevokes,
            Event::GraceEnds,
        ];
        let world = world
            .into_iter()
            .chain(adrift.flat_map(|index| [Event::AdriftAnswered(index), Event::AdriftDropped(index)]))
            .chain(queue.flat_map(|index| [Event::Deliver(index), Event::DeliverSlowly(index)]))
            .chain(late.map(Event::LateWrite));
        found.extend(world.map(Action::World));
    }

    fn steps_of(worker: Worker) -> &'static [Step] {
        match worker {
            Worker::Idle => &[Step::Read, Step::ReadAhead],
            Worker::Seen { .. } => &[Step::TakeLease, Step::TakeLeaseUnheard],
            Worker::LeaseUnheard(_) => &[Step::TakeLeaseAgain, Step::GiveUpTable],
            Worker::Waiting { .. } => &[Step::StopWaiting],
            Worker::Unsettled { .. } => &[Step::AskToSettle],
            Worker::Leased { .. } => &[Step::Ask, Step::Stall],
            Worker::Late(_) => &[Step::GiveBack, Step::Ask, Step::GiveUpTable],
            Worker::Asking { answer: None, .. } => {
                &[Step::Answered, Step::TurnedAway, Step::RequestDropped, Step::HangUp]
            }
            Worker::Asking { answer: Some(_), .. } => &[Step::Hear, Step::AnswerLost],
            Worker::Unanswered { .. } => &[Step::GoOnWithoutAnswer],
            Worker::TurnedAway(_) => &[Step::GiveBack, Step::GiveUpTable],
            Worker::Storing(..) => &[Step::Commit, Step::CommitUnheard, Step::GiveUpTable],
            Worker::Salvaging(..) => &[Step::Salvage, Step::SalvageUnheard, Step::GiveUpTable],
            Worker::Queueing(..) => &[Step::Enqueue, Step::EnqueueUnheard, Step::TryTableAgain, Step::QueueFails],
            Worker::Refused(_) => &[Step::Reread, Step::GiveUpTable],
            Worker::Ending(_) => &[Step::End, Step::EndUnheard, Step::GiveUpTable],
        }
    }

    /// What the worker is afterwards.
    fn step(&self, next: &mut State, worker: Worker, step: Step) -> Option<Worker> {
        match (worker, step) {
            (worker, Step::Crash) => self.crash(next, worker),
            (
                Worker::LeaseUnheard(_)
                | Worker::Leased { .. }
                | Worker::Late(_)
                | Worker::TurnedAway(_)
                | Worker::Refused(_)
                | Worker::Ending(_),
                Step::GiveUpTable,
            ) => next.table_is_down.then_some(Worker::Idle),
            (Worker::Idle | Worker::Seen { .. } | Worker::Waiting { .. } | Worker::LeaseUnheard(_), step) => {
                self.leasing(next, worker, step)
            }
            (Worker::Leased { .. } | Worker::Late(_) | Worker::TurnedAway(_), Step::GiveBack | Step::Stall) => {
                self.leasing(next, worker, step)
            }
            (Worker::Unsettled { attempt }, Step::AskToSettle) => Some(next.ask_to_settle(attempt)),
            (Worker::Queueing(hold, pair), step) => self.handing_over(next, hold, pair, step),
            (Worker::Storing(..) | Worker::Salvaging(..), step) => self.storing(next, worker, step),
            (Worker::Refused(hold) | Worker::Ending(hold), step) => self.refused(next, hold, step),
            (worker, step) => self.asking(next, worker, step),
        }
    }

    fn crash(&self, next: &mut State, worker: Worker) -> Option<Worker> {
        match worker {
            Worker::Storing(_, pair) | Worker::Salvaging(_, pair) | Worker::Queueing(_, pair) => {
                let is_safe = next.row.access == pair.access || next.pairs_in_queue().any(|(_, queued)| queued == pair);
                next.spend(self, if is_safe { Fault::Crash } else { Fault::CrashWithTokens })?;
                next.died_with(pair);
            }
            Worker::Asking { hold, answer, .. } => {
                next.spend(self, Fault::Crash)?;
                next.leave_request(hold, answer);
            }
            _ => next.spend(self, Fault::Crash)?,
        }
        Some(Worker::Idle)
    }
}

impl State {
    /// Nobody waits for a request any more; its answer is lost if there is one.
    fn leave_request(&mut self, hold: Hold, answer: Option<Answer>) {
        match answer {
            None => self.adrift.push(Adrift { token: hold.token, fence: hold.fence }),
            Some(Answer::Tokens(_)) => self.past.happened.note(Fault::AnswerLost),
            Some(_) => {}
        }
    }

    fn died_with(&mut self, pair: Pair) {
        if let Some(token) = pair.refresh
            && !self.pairs_in_queue().any(|(_, queued)| queued.refresh == pair.refresh)
            && self.row.refresh != pair.refresh
        {
            self.past.in_good_hands.remove(token);
        }
    }

    /// Hands out the row's access token, if it is not too old.
    fn hand_out(&mut self) {
        if !self.row.is_stale && self.row.ended.is_none() {
            self.past.handed_out.insert(self.row.access);
        }
    }
}
