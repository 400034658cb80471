//! Telling others what happened: everybody by the bus, and each webhook by a delivery of its own. An event is let go of when
//! the bus has it, every delivery stands in the table, and the deed behind it is in the audit trail; a delivery when it
//! arrived, or was tried for three days.
//!
//! All of it may happen twice, when whoever was at it dies in between: a receiver knows what it was told by the event's id.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Request, header};
use jiff::Timestamp;

use super::{audit::Audit, publish::noticed, reminders::Reminders, work_endings::CLAIM};
use crate::{
    bus::{Bus, BusError},
    clock::Clock,
    domain::{
        audit::Actor,
        event::{Event, EventKind},
        ids::EventId,
        webhook::{ANSWERS_WITHIN, EarlierSecrets, LastTry, Webhook, WebhookState, pause, signature},
    },
    metrics::{Metric, Metrics},
    oauth::{ProviderClient, egress::Acknowledged},
    queue::DueMessage,
    random::Random,
    store::{Delivery, ItemKey, Outbox, Outgoing, PendingNotice, StoreError, ToldEvents, Webhooks, Write},
    vault::{Place, Vault, VaultError},
};

/// Over how long deliveries are spread that waited for one receiver together, in milliseconds.
const RESTS_TOGETHER: u64 = 10_000;

/// How long a deed that can't be noted waits for the next try at most.
const LONGEST_UNNOTED: Duration = Duration::from_hours(1);

/// Tells others what happened.
#[derive(Debug, Clone)]
pub struct DeliverEvents {
    pub(crate) outbox: Outbox,
    pub(crate) told: ToldEvents,
    pub(crate) webhooks: Webhooks,
    pub(crate) bus: Bus,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) reminders: Reminders,
    pub(crate) audit: Audit,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// A message that must come again. What it names is due again in a minute, too, with or without it.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// It cannot be read; in the end it lands where somebody looks at it.
    #[error("the message can't be read")]
    Unreadable,
    /// The bus can't take events.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't open for now.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl DeliverEvents {
    /// Carries out one message.
    ///
    /// # Errors
    /// [`Undelivered`] if it must come again.
    pub async fn work(&self, body: &str) -> Result<(), Undelivered> {
        let message: DueMessage = serde_json::from_str(body).map_err(|_| Undelivered::Unreadable)?;
        let item = ItemKey { pk: message.pk, sk: message.sk };
        let now = self.clock.now();
        match self.outbox.claim(&item, now, after(now, CLAIM)).await? {
            None => Ok(()),
            Some(Outgoing::Notice(notice)) => self.pass_on(notice).await,
            Some(Outgoing::Delivery(delivery)) => Box::pin(self.deliver(delivery)).await,
        }
    }

    /// Tells others of a change, and notes it, if whoever made it has had the time to.
    async fn pass_on(&self, notice: PendingNotice) -> Result<(), Undelivered> {
        if let Some((kind, text)) = &notice.event {
            self.tell(&notice, *kind, text).await?;
        }
        let Some(deed) = &notice.deed else { return Ok(self.outbox.finish(&notice).await?) };
        let now = self.clock.now();
        if now < notice.overdue_at() {
            return Ok(self.outbox.leave_unnoted(&notice, notice.overdue_at()).await?);
        }
        match self.audit.append(&notice.workspace, notice.at, deed, Some(&notice.id)).await {
            Ok(()) => Ok(self.outbox.finish(&notice).await?),
            Err(error) => {
                // However long that takes: the trail is to have it.
                self.metrics.record(Metric::AuditBehind, 1);
                tracing::error!(%error, workspace.id = %notice.workspace, "an event is not in the audit trail yet");
                let wait = LONGEST_UNNOTED.min(CLAIM * (1 << notice.tries.min(16)));
                Ok(self.outbox.leave_unnoted(&notice, after(now, wait)).await?)
            }
        }
    }

    /// Puts an event on the bus, and leaves a delivery for each webhook that wants it.
    async fn tell(&self, notice: &PendingNotice, kind: EventKind, text: &str) -> Result<(), Undelivered> {
        self.bus.put(kind.as_str(), text).await?;
        // Before the webhooks are read: one that is not enabled at this moment may ask for it later.
        self.told.keep(notice, kind, text).await?;
        let webhooks = self.webhooks.of_workspace(&notice.workspace).await?;
        for webhook in webhooks.iter().filter(|webhook| webhook.wants(kind)) {
            let delivery = Delivery {
                webhook: webhook.id.clone(),
                workspace: notice.workspace.clone(),
                event: notice.id.clone(),
                text: text.to_owned(),
                tries: 0,
                due_at: self.clock.now(),
            };
            self.outbox.put_delivery(&delivery).await?;
            self.reminders.leave(delivery.key(), Duration::ZERO).await;
        }
        Ok(())
    }

    /// Sends an event to a webhook. One that was deleted or disabled by now gets nothing more.
    #[tracing::instrument(skip_all, fields(webhook.id = %delivery.webhook, tries = delivery.tries))]
    async fn deliver(&self, delivery: Delivery) -> Result<(), Undelivered> {
        let webhook = self.webhooks.find(&delivery.workspace, &delivery.webhook).await?;
        let Some(webhook) = webhook.filter(|webhook| webhook.state == WebhookState::Enabled) else {
            return Ok(self.outbox.finish_delivery(&delivery).await?);
        };
        if let Some(wait) = webhook.rests(delivery.tries, self.clock.now()) {
            return Ok(self.put_off(&delivery, wait).await?);
        }
        let at = self.clock.now();
        let said = self.send(&webhook, &delivery).await?;
        let last = LastTry { at, status: said.map(|said| said.status.as_u16()) };
        if last.arrived() {
            self.outbox.finish_delivery(&delivery).await?;
            self.webhooks.note_try(&webhook, last, None).await?;
            tracing::info!(outcome = "delivered", "a webhook took an event");
            return Ok(());
        }
        tracing::warn!(status = last.status, "a webhook did not take an event");
        let asked = said.and_then(|said| said.retry_after);
        self.webhooks.note_try(&webhook, last, last.rests_until(asked)).await?;
        self.try_later(&delivery, asked).await?;
        self.give_up_if_nothing_arrives(&webhook, last).await
    }

    /// What the receiver answered, if it did. What it says besides is read by nobody.
    async fn send(&self, webhook: &Webhook, delivery: &Delivery) -> Result<Option<Acknowledged>, Undelivered> {
        let headers = match self.signed(webhook, delivery).await {
            Ok(headers) => headers,
            // As good as a receiver that does not answer: an admin has to make a new secret.
            Err(error @ (VaultError::DoesNotOpen | VaultError::NoKey)) => {
                tracing::error!(%error, "a webhook's secret can't be opened");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let Ok(mut request) = Request::post(webhook.url.as_str()).body(delivery.text.clone().into_bytes()) else {
            return Ok(None);
        };
        *request.headers_mut() = headers;
        match self.client.egress().notify(request, ANSWERS_WITHIN, self.clock.now()).await {
            Ok(said) => Ok(Some(said)),
            Err(error) => {
                tracing::info!(%error, "a webhook's receiver did not answer");
                Ok(None)
            }
        }
    }

    /// The headers of a delivery, signed anew for each try: a receiver refuses a time that is long past.
    async fn signed(&self, webhook: &Webhook, delivery: &Delivery) -> Result<HeaderMap, VaultError> {
        let (now, place) = (self.clock.now(), Place::webhook(&webhook.workspace, &webhook.id));
        let secret = self.vault.open(&webhook.secret, &place).await?;
        let mut signatures: Vec<String> =
            signature(&secret, &delivery.event, now, &delivery.text).into_iter().collect();
        if let Some((earlier, until)) = &webhook.earlier_secret
            && *until > now
        {
            let earlier = EarlierSecrets::read(&self.vault.open(earlier, &place).await?, *until, now);
            signatures
                .extend(earlier.iter().filter_map(|secret| signature(secret, &delivery.event, now, &delivery.text)));
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("webhook-id", delivery.event.to_string()),
            ("webhook-timestamp", now.as_second().to_string()),
            ("webhook-signature", signatures.join(" ")),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        Ok(headers)
    }

    /// Leaves a delivery for when its receiver is asked again: that was no try.
    async fn put_off(&self, delivery: &Delivery, wait: Duration) -> Result<(), StoreError> {
        let wait = wait + Duration::from_millis(self.random.below(RESTS_TOGETHER));
        let untried = Delivery { tries: delivery.tries.saturating_sub(1), ..delivery.clone() };
        if self.outbox.put_off(&untried, after(self.clock.now(), wait)).await? == Write::Done {
            self.reminders.leave(delivery.key(), wait).await;
        }
        Ok(())
    }

    /// Leaves a delivery for its next try: not before the receiver wishes it.
    async fn try_later(&self, delivery: &Delivery, asked: Option<Duration>) -> Result<(), StoreError> {
        let spread = u32::try_from(self.random.below(1_001)).unwrap_or(0);
        let Some(wait) = pause(delivery.tries, spread) else {
            self.metrics.record(Metric::DeliveriesGivenUp, 1);
            tracing::error!(event.id = %delivery.event, "gave up telling a webhook of an event");
            return self.outbox.finish_delivery(delivery).await;
        };
        let wait = wait.max(asked.unwrap_or_default());
        if self.outbox.put_off(delivery, after(self.clock.now(), wait)).await? == Write::Done {
            self.reminders.leave(delivery.key(), wait).await;
        }
        Ok(())
    }

    async fn give_up_if_nothing_arrives(&self, webhook: &Webhook, last: LastTry) -> Result<(), Undelivered> {
        if !last.is_gone() && !webhook.is_given_up(last.at) {
            return Ok(());
        }
        // Who has enabled it meanwhile, or has it sent elsewhere, means to begin anew.
        let present = self.webhooks.find(&webhook.workspace, &webhook.id).await?;
        let is_same = |present: &Webhook| {
            present.url == webhook.url && (last.is_gone() || present.failing_since == webhook.failing_since)
        };
        if !present.as_ref().is_some_and(is_same) {
            return Ok(());
        }
        let (reason, now) = (if last.is_gone() { "gone" } else { "failing" }, self.clock.now());
        let id = EventId::of_ulid(&self.random.ulid(now));
        let event = Event::webhook_given_up(id, (&webhook.workspace, &webhook.id), reason, now);
        let told = noticed(event, &Actor::System, webhook.id.as_str(), &[("reason", reason)]);
        if self.webhooks.give_up(webhook, &told).await? == Write::Done {
            self.audit.note_left(&told).await;
            self.reminders.leave(Outbox::key(&told.id), Duration::ZERO).await;
        }
        Ok(())
    }
}

fn after(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}
