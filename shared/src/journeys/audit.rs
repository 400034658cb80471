//! Writing the audit trail.

use std::{collections::BTreeMap, future::Future, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::Clock,
    domain::{
        audit::{Actor, AuditEvent, Origin},
        chain::{Head, LANES},
        ids::WorkspaceId,
    },
    metrics::{Metric, Metrics},
    random::Random,
    store::{AuditLog, StoreError, Write},
};

/// How often an event is tried to be written while others write to the same lanes: with eight lanes fifty that come in the
/// same moment need seven rounds.
const TRIES: usize = 24;

/// How long whoever was overtaken waits at most before the next try, in milliseconds.
const LONGEST_PAUSE: u64 = 30;

/// The least time between two events of a lane, so that their order is that of their times.
const STEP: SignedDuration = SignedDuration::from_millis(1);

tokio::task_local! {
    /// Where the request came from that everything in this task is done for.
    static ORIGIN: Option<Origin>;
}

/// Writes the audit trail.
#[derive(Debug, Clone)]
pub struct Audit {
    pub(crate) log: AuditLog,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What happened, before it has a place in the trail.
struct Deed<'a> {
    workspace: &'a WorkspaceId,
    actor: Actor,
    action: &'a str,
    target: &'a str,
    details: &'a [(&'a str, &'a str)],
}

/// Does something for a request that came from there: what is noted of it says so.
pub async fn caused_from<T>(origin: Option<Origin>, work: impl Future<Output = T>) -> T {
    ORIGIN.scope(origin, work).await
}

/// Where the request came from that is being answered, if it is one.
pub(super) fn origin() -> Option<Origin> {
    ORIGIN.try_with(Clone::clone).ok().flatten()
}

impl Audit {
    /// Notes what was done. It has been done by then: a trail that cannot be written is an error in the log and a figure,
    /// not for the person who did it.
    pub async fn note(
        &self,
        workspace: &WorkspaceId,
        actor: Actor,
        action: &str,
        target: &str,
        details: &[(&str, &str)],
    ) {
        let deed = Deed { workspace, actor, action, target, details };
        if let Err(error) = self.append(&deed).await {
            self.metrics.record(Metric::AuditMissed, 1);
            tracing::error!(%error, workspace.id = %workspace, action, "an event is missing from the audit trail");
        }
    }

    /// Writes an event behind the last one of a lane; another lane's, if somebody else got there first.
    async fn append(&self, deed: &Deed<'_>) -> Result<(), StoreError> {
        let now = self.clock.now();
        for _ in 0..TRIES {
            let lane = u8::try_from(self.random.below(u64::from(LANES))).unwrap_or(0);
            let head = self.log.head(deed.workspace, lane).await?;
            let event = self.event(deed, head.as_ref(), now);
            if self.log.append(&event, lane, head.as_ref()).await? == Write::Done {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(self.random.below(LONGEST_PAUSE))).await;
        }
        Err(StoreError::Unavailable("others keep writing".to_owned()))
    }

    /// The event, later than the last of its lane whatever the clocks of two machines say: the trail is read in this order.
    fn event(&self, deed: &Deed<'_>, head: Option<&Head>, now: Timestamp) -> AuditEvent {
        let after = head.and_then(|head| head.at.checked_add(STEP).ok());
        let at = after.map_or(now, |after| after.max(now));
        AuditEvent {
            id: self.random.ulid(at),
            at,
            workspace: deed.workspace.clone(),
            actor: deed.actor.clone(),
            action: deed.action.to_owned(),
            target: deed.target.to_owned(),
            details: named(deed),
            origin: origin(),
        }
    }
}

/// The details, and what a person is called beside who they are: the one may change, the other stands in the actor.
fn named(deed: &Deed<'_>) -> BTreeMap<String, String> {
    let person = match &deed.actor {
        Actor::Person(person) => person.name.as_deref().map(|name| ("person", name)),
        _ => None,
    };
    deed.details.iter().copied().chain(person).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
