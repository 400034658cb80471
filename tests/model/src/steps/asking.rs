//! The call, and what comes of it.

use crate::{
    action::Step,
    faults::Fault,
    provider::{Answer, Token},
    row::{Follows, Hold, Reason},
    rules::{Protocol, Rule},
    state::{State, Worker},
};

impl Protocol {
    pub(super) fn asking(&self, next: &mut State, worker: Worker, step: Step) -> Option<Worker> {
        match (worker, step) {
            (Worker::Leased { hold, is_again }, Step::Ask) => Some(Worker::Asking { hold, is_again, answer: None }),
            (Worker::Late(hold), Step::Ask) if !self.keeps(Rule::Deadline) => {
                Some(Worker::Asking { hold, is_again: false, answer: None })
            }
            (Worker::Asking { hold, is_again, answer: None }, step) => self.on_the_way(next, hold, is_again, step),
            (Worker::Asking { hold, is_again, answer: Some(answer) }, Step::AnswerLost) => {
                next.spend(self, Fault::AnswerLost)?;
                if !matches!(answer, Answer::Tokens(_)) {
                    return None;
                }
                Some(Worker::Unanswered { hold, is_again })
            }
            (Worker::Asking { hold, is_again: true, answer: Some(Answer::Refused | Answer::Later) }, Step::Hear)
                if self.keeps(Rule::OwnSilenceRemembered) =>
            {
                Some(Worker::Unanswered { hold, is_again: true })
            }
            (Worker::Asking { hold, answer: Some(answer), .. }, Step::Hear) => Some(self.hear(next, hold, answer)),
            (Worker::Unanswered { hold, is_again }, Step::GoOnWithoutAnswer) => self.unanswered(next, hold, is_again),
            _ => None,
        }
    }

    fn on_the_way(&self, next: &mut State, hold: Hold, is_again: bool, step: Step) -> Option<Worker> {
        match step {
            Step::Answered => {
                let answer = Some(next.ask_provider(self, hold.token));
                Some(Worker::Asking { hold, is_again, answer })
            }
            Step::TurnedAway => {
                next.spend(self, Fault::TurnedAway)?;
                Some(Worker::Asking { hold, is_again, answer: Some(Answer::Later) })
            }
            Step::RequestDropped => {
                next.spend(self, Fault::RequestDropped)?;
                Some(Worker::Unanswered { hold, is_again })
            }
            Step::HangUp => {
                next.spend(self, Fault::HungUp)?;
                next.leave_request(hold, None);
                Some(Worker::Unanswered { hold, is_again })
            }
            _ => None,
        }
    }

    fn hear(&self, next: &mut State, hold: Hold, answer: Answer) -> Worker {
        match answer {
            Answer::Refused => Worker::Refused(hold),
            Answer::Later => Worker::TurnedAway(hold),
            Answer::Tokens(pair) => {
                if let Some(token) = pair.refresh {
                    next.past.in_good_hands.insert(token);
                }
                if !self.keeps(Rule::StoredFirst) {
                    next.past.handed_out.insert(pair.access);
                }
                Worker::Storing(hold, pair)
            }
        }
    }

    /// A provider with a grace time is asked once more. At one that rotates without, the lease runs on to its end: until
    /// then the request may still be worked on.
    fn unanswered(&self, next: &mut State, hold: Hold, is_again: bool) -> Option<Worker> {
        let runs_on = self.behaviour.is_strict() && self.keeps(Rule::LeaseOutlivesSilence);
        if self.behaviour.has_grace() && next.is_adrift(hold.fence) {
            next.spend(self, Fault::LateRequest)?;
        }
        if self.behaviour.has_grace() && !is_again {
            return Some(Worker::Leased { hold, is_again: true });
        }
        if !next.table_is_down {
            let in_doubt = self.behaviour.rotates() && self.keeps(Rule::DoubtKept);
            next.row.give_back(self, hold, in_doubt, runs_on);
        }
        Some(Worker::Idle)
    }

    pub(super) fn refused(&self, next: &mut State, hold: Hold, step: Step) -> Option<Worker> {
        if next.table_is_down {
            return None;
        }
        match step {
            Step::Reread if next.row.version != hold.version && self.keeps(Rule::RereadBeforeEnd) => {
                next.hand_out();
                Some(Worker::Idle)
            }
            Step::Reread => Some(Worker::Ending(hold)),
            Step::End | Step::EndUnheard => {
                let lost = hold.follows != Follows::NothingUnsettled && self.behaviour.rotates();
                let reason = if lost { Reason::RotationLost } else { Reason::RefreshRejected };
                if next.row.end(self, hold, reason) {
                    next.past.ended_by_another |= next.row.fence != hold.fence;
                } else {
                    next.hand_out();
                }
                if step == Step::EndUnheard {
                    next.spend(self, Fault::WriteUnheard)?;
                }
                Some(Worker::Idle)
            }
            _ => None,
        }
    }
}

impl State {
    pub(super) fn ask_provider(&mut self, protocol: &Protocol, token: Token) -> Answer {
        let is_grace_used_up = token != self.provider.current && token >= self.provider.oldest;
        let answer = self.provider.answer(protocol.behaviour, token);
        if is_grace_used_up && self.provider.stands && answer == Answer::Refused {
            self.past.happened.note(Fault::GraceShort);
        }
        answer
    }
}
