//! Sending a webhook once more what was told before: for a receiver that was away, or lost what it had.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::webhooks::{ManageWebhooks, WebhookError};
use crate::{
    domain::{
        audit::Actor,
        ids::{WebhookId, WorkspaceId},
        webhook::{Webhook, WebhookState},
    },
    store::{Cursor, Delivery, StoreError, TOLD_KEPT, ToldEvent},
};

/// How many events one call looks at to send them once more.
const REPLAYED_AT_ONCE: usize = 200;

/// How many of them are sent in a second: a receiver that was down is not to fall over what it missed.
const REPLAYED_PER_SECOND: u64 = 20;

/// How many of them are left to be sent at a time.
const AT_A_TIME: usize = 20;

/// What is to be sent once more.
#[derive(Debug)]
pub struct ReplayWish {
    /// What happened then or later, as far back as events are kept.
    pub since: Timestamp,
    /// What happened then or before; up to now, if nothing is said.
    pub until: Option<Timestamp>,
    /// Where an earlier call ended.
    pub from: Option<Cursor>,
}

/// What is sent once more.
#[derive(Debug)]
pub struct Replayed {
    /// How many events.
    pub events: u64,
    /// Where the next call goes on, if there is more.
    pub next: Option<Cursor>,
}

impl ManageWebhooks {
    /// Has sent there once more what was told to everybody between two moments, as far as it is of the kinds that are sent
    /// there: also what it was disabled or given up for. An event that is still on its way there stays as it is. Answers how
    /// many are sent, and where the next call goes on.
    ///
    /// # Errors
    /// [`WebhookError`]. What was left to be sent by then is sent.
    pub async fn replay(
        &self,
        workspace: &WorkspaceId,
        id: &WebhookId,
        wish: &ReplayWish,
        actor: Actor,
    ) -> Result<Replayed, WebhookError> {
        let webhook = self.find(workspace, id).await?;
        if webhook.state != WebhookState::Enabled {
            return Err(WebhookError::Disabled);
        }
        let now = self.clock.now();
        let oldest = now.checked_sub(TOLD_KEPT).unwrap_or(Timestamp::MIN);
        let between = (wish.since.max(oldest), wish.until.map_or(now, |until| until.min(now)));
        let page = self.told.page(workspace, between, wish.from.as_ref(), REPLAYED_AT_ONCE).await;
        let page = page.map_err(|error| match error {
            StoreError::Unreadable("cursor") => WebhookError::Cursor,
            error => error.into(),
        })?;
        let meant = page.events.into_iter().filter(|event| webhook.wants(event.kind));
        let left: Vec<_> = (0..).zip(meant).map(|(number, event)| self.leave_again(&webhook, event, number)).collect();
        let events = u64::try_from(left.len()).unwrap_or(u64::MAX);
        let (since, until, count) = (between.0.to_string(), between.1.to_string(), events.to_string());
        let details = [("since", since.as_str()), ("until", &until), ("events", &count)];
        let told = self.audit.to_note(workspace, &actor, "webhook.replayed", id.as_str(), &details);
        self.audit.note_first(&told).await?;
        stream::iter(left).buffer_unordered(AT_A_TIME).try_collect::<()>().await?;
        Ok(Replayed { events, next: page.next })
    }

    /// Leaves an event to be sent once more, one of many.
    async fn leave_again(&self, webhook: &Webhook, event: ToldEvent, number: u64) -> Result<(), StoreError> {
        let (now, wait) = (self.clock.now(), Duration::from_secs(number / REPLAYED_PER_SECOND));
        let delivery = Delivery {
            webhook: webhook.id.clone(),
            workspace: webhook.workspace.clone(),
            event: event.id,
            text: event.text,
            tries: 0,
            due_at: now.checked_add(wait).unwrap_or(now),
        };
        self.outbox.put_delivery(&delivery).await?;
        self.reminders.leave(delivery.key(), wait).await;
        Ok(())
    }
}
