//! What happens without any process doing it.

use crate::{action::Event, faults::Fault, provider::Answer, rules::Protocol, state::State};

impl Protocol {
    pub(super) fn event(&self, next: &mut State, event: Event) -> Option<()> {
        match event {
            Event::TableFails if !next.table_is_down => {
                next.spend(self, Fault::TableDown)?;
                next.table_is_down = true;
            }
            Event::TableRecovers if next.table_is_down => next.table_is_down = false,
            Event::LeaseEnds => self.end_lease(next)?,
            Event::LeaseEndsEarly if next.row.is_leased && next.holder_is_at_work() => {
                next.spend(self, Fault::EarlyEnd)?;
                next.row.is_leased = false;
            }
            Event::AdriftAnswered(index) => {
                let request = next.adrift.remove(index);
                if let Answer::Tokens(_) = next.ask_provider(self, request.token) {
                    next.past.happened.note(Fault::AnswerLost);
                }
            }
            Event::AdriftDropped(index) => {
                next.adrift.remove(index);
            }
            Event::Deliver(index) => self.deliver(next, index)?,
            Event::DeliverSlowly(index) => self.deliver_slowly(next, index)?,
            Event::LateWrite(index) => self.late_write(next, index)?,
            Event::AccessTokenAges => self.age(next)?,
            Event::UserRevokes if next.provider.stands => {
                next.spend(self, Fault::UserRevoked)?;
                (next.provider.stands, next.provider.taken_back) = (false, true);
            }
            Event::GraceEnds if next.provider.oldest != next.provider.current => {
                next.spend(self, Fault::GraceShort)?;
                next.provider.end_grace();
            }
            _ => return None,
        }
        Some(())
    }

    /// A lease outlives the call that is made under it, also at the provider, unless that is much too slow.
    fn end_lease(&self, next: &mut State) -> Option<()> {
        if !next.row.is_leased || next.holder_is_at_work() {
            return None;
        }
        if next.is_adrift(next.row.fence) {
            next.spend(self, Fault::LateRequest)?;
        }
        next.row.is_leased = false;
        Some(())
    }

    /// The access token becomes too old. Every grace time is long over by then.
    fn age(&self, next: &mut State) -> Option<()> {
        if next.rounds_left == 0 || next.row.is_stale || next.row.ended.is_some() {
            return None;
        }
        next.rounds_left -= 1;
        next.row.is_stale = true;
        next.provider.end_grace();
        next.provider.grace_uses = self.grace_uses;
        Some(())
    }
}
