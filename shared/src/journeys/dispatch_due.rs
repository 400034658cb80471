//! Finding what is due, connections to refresh, connectors to examine, grants to end and events to tell: every minute the schedule looks into the index and leaves
//! a message for each, spread so that no provider is asked faster than it likes. Doing it twice, or not at all for a while, is harmless.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::refresh_connection::USUAL_PER_SECOND;
use crate::{
    clock::Clock,
    metrics::{Metric, Metrics},
    queue::{DueMessage, Queue, QueueError},
    store::{Due, DueCursor, Schedule, StoreError, schema::DUE_SHARDS},
};

/// How many index entries one request asks for.
const PER_PAGE: i32 = 200;

/// How many shards are asked at a time.
const AT_A_TIME: usize = 8;

/// How many messages may wait in the queue: what would have to wait for longer than until the next round stays in the
/// index, and is not left there twice.
const MOST_WAITING: usize = 60_000;

/// How many connectors a round has examined at most: who waits for the next round loses nothing.
const MOST_CHECKUPS: usize = 200;

/// How long a round's messages are spread over: less than the time to the next round.
const SPREAD: Duration = Duration::from_secs(55);

/// Finds what is due.
#[derive(Debug, Clone)]
pub struct DispatchDue {
    pub(crate) schedule: Schedule,
    pub(crate) refresh_queue: Queue,
    pub(crate) revocation_queue: Queue,
    pub(crate) event_queue: Queue,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
}

/// Why not everything that is due was found.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue takes no messages.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// One round of the schedule.
struct Round {
    now: Timestamp,
    refreshes: Mutex<Plan>,
    endings: Mutex<Plan>,
    outgoing: Mutex<Plan>,
    checkups: Mutex<Plan>,
}

/// What a round has left messages for in one queue so far.
struct Plan {
    room: usize,
    sent: usize,
    oldest: Option<Timestamp>,
    of_connector: HashMap<String, u32>,
}

impl DispatchDue {
    /// Leaves a message for every connection that is due, and says how many there were. Doing it twice is harmless:
    /// whoever takes the second message finds the work done.
    ///
    /// # Errors
    /// [`DispatchError`]; what was not found stays due.
    #[tracing::instrument(skip_all)]
    pub async fn dispatch(&self) -> Result<usize, DispatchError> {
        let room = MOST_WAITING.saturating_sub(self.refresh_queue.depth().await?);
        let round = Round::new(self.clock.now(), room);
        let shards = stream::iter(0..DUE_SHARDS).map(|shard| self.dispatch_shard(shard, &round));
        // A shard that can't be worked off does not keep the others waiting.
        let shards: Vec<Result<(), DispatchError>> = shards.buffer_unordered(AT_A_TIME).collect().await;
        let (sent, oldest) = round.end();
        self.metrics.record(Metric::DueDispatched, u64::try_from(sent).unwrap_or(u64::MAX));
        // How old the oldest is knows only who has seen all: an alarm stands on this figure's absence too.
        shards.into_iter().collect::<Result<(), _>>()?;
        self.metrics.record(Metric::OldestDueAge, oldest.as_secs());
        tracing::info!(due.count = sent, due.oldest_s = oldest.as_secs(), "looked for connections that are due");
        Ok(sent)
    }

    async fn dispatch_shard(&self, shard: u16, round: &Round) -> Result<(), DispatchError> {
        let mut after: Option<DueCursor> = None;
        loop {
            let page = self.schedule.of_shard(shard, round.now, after, PER_PAGE).await?;
            let (ended, due): (Vec<Due>, Vec<Due>) = page.due.into_iter().partition(Due::is_ended_grant);
            let (checkups, due): (Vec<Due>, Vec<Due>) = due.into_iter().partition(Due::is_checkup);
            let (outgoing, due): (Vec<Due>, Vec<Due>) = due.into_iter().partition(Due::is_outgoing);
            let outgoing = planned(&round.outgoing, outgoing);
            let ended = planned(&round.endings, ended);
            let mut due = planned(&round.refreshes, due);
            due.extend(planned(&round.checkups, checkups));
            let left = [
                self.revocation_queue.send_all(&ended).await,
                self.refresh_queue.send_all(&due).await,
                self.event_queue.send_all(&outgoing).await,
            ];
            left.into_iter().collect::<Result<(), _>>()?;
            match page.next {
                Some(next) if !round.is_full() => after = Some(next),
                _ => return Ok(()),
            }
        }
    }
}

impl Round {
    fn new(now: Timestamp, room: usize) -> Self {
        // However many refreshes wait, what has ended is ended: that is another queue.
        let plan = |room| Mutex::new(Plan::new(room));
        let (endings, outgoing) = (plan(MOST_WAITING), plan(MOST_WAITING));
        Self { now, refreshes: plan(room), endings, outgoing, checkups: plan(MOST_CHECKUPS.min(room)) }
    }

    /// Whether there is no room for anything more, whosever it is.
    fn is_full(&self) -> bool {
        [&self.refreshes, &self.endings].iter().all(|plan| {
            let plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
            plan.sent >= plan.room
        })
    }

    /// How many messages were left, and how long the longest due has been so. A connector that waits to be examined, or
    /// an event that waits to be told, is nobody's token, and no reason for alarm.
    fn end(self) -> (usize, Duration) {
        let plans =
            [self.refreshes, self.endings].map(|plan| plan.into_inner().unwrap_or_else(PoisonError::into_inner));
        let oldest = plans.iter().filter_map(|plan| plan.oldest).min();
        let age = oldest.and_then(|since| Duration::try_from(self.now.duration_since(since)).ok());
        (plans.iter().map(|plan| plan.sent).sum(), age.unwrap_or_default())
    }
}

/// A message for each, with its delay, as far as there is room in its queue. What there is no room for of one connector does
/// not hold up what is due behind it.
fn planned(plan: &Mutex<Plan>, due: Vec<Due>) -> Vec<(DueMessage, Duration)> {
    let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
    plan.oldest = due.iter().map(|due| due.since).chain(plan.oldest).min();
    due.into_iter().filter_map(|due| Some((plan.delay(&due)?, due))).map(|(delay, due)| (due.into(), delay)).collect()
}

impl Plan {
    fn new(room: usize) -> Self {
        Self { room, sent: 0, oldest: None, of_connector: HashMap::new() }
    }

    fn delay(&mut self, due: &Due) -> Option<Duration> {
        if self.sent >= self.room {
            return None;
        }
        let before = self.of_connector.entry(due.connector().to_owned()).or_default();
        let delay = Duration::from_secs(u64::from(*before / USUAL_PER_SECOND));
        if delay > SPREAD {
            return None;
        }
        *before += 1;
        self.sent += 1;
        Some(delay)
    }
}

impl From<Due> for DueMessage {
    fn from(due: Due) -> Self {
        Self::new(due.pk, due.sk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(connector: &str, number: usize) -> Due {
        let since = Timestamp::from_second(1_000 + i64::try_from(number).unwrap()).unwrap();
        Due { pk: format!("USER#a#{number}"), sk: format!("CONN#{connector}"), since }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn connections_of_one_connector_are_spread_and_do_not_hold_up_those_of_another() {
        let round = Round::new(at(2_000), 10_000);
        let many: Vec<Due> = (0..120).map(|number| due("slow", number)).chain([due("other", 500)]).collect();
        let delays: Vec<u64> = planned(&round.refreshes, many).into_iter().map(|(_, delay)| delay.as_secs()).collect();
        assert_eq!([delays[0], delays[49], delays[50], delays[119], delays[120]], [0, 0, 1, 2, 0]);
    }

    #[test]
    fn what_a_round_has_no_room_for_stays_in_the_index() {
        let round = Round::new(at(2_000), 3);
        assert_eq!(planned(&round.refreshes, (0..5).map(|number| due("a", number)).collect()).len(), 3);
        assert_eq!(planned(&round.refreshes, (5..9).map(|number| due("b", number)).collect()).len(), 0);
        assert_eq!(round.end(), (3, Duration::from_secs(1_000)));
    }

    #[test]
    fn what_has_ended_is_reminded_of_however_many_refreshes_wait() {
        let round = Round::new(at(2_000), 0);
        assert_eq!(planned(&round.refreshes, vec![due("a", 0)]).len(), 0);
        assert_eq!(planned(&round.endings, vec![due("a", 1)]).len(), 1);
        assert!(!round.is_full());
    }

    #[test]
    fn a_round_takes_no_more_of_a_connector_than_its_provider_likes_until_the_next() {
        let round = Round::new(at(2_000), 10_000);
        let most = usize::try_from(USUAL_PER_SECOND).unwrap() * 56;
        assert_eq!(planned(&round.refreshes, (0..most + 100).map(|number| due("a", number)).collect()).len(), most);
    }
}
