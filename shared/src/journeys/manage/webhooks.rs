//! Webhooks: made, changed, tried, deleted. A secret is shown once, when it is made.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        event::{EventKind, trial},
        ids::{EventId, WebhookId, WorkspaceId},
        notice::Notice,
        secret::{EarlierWebhookSecret, Sealed, Secret, WebhookSecret},
        webhook::{EARLIER_SIGNS_FOR, EarlierSecrets, MOST_WEBHOOKS, Webhook, WebhookState, new_secret},
    },
    journeys::{audit::Audit, reminders::Reminders},
    oauth::{ProviderClient, egress::EgressRefusal},
    random::Random,
    store::{Delivery, Outbox, StoreError, ToldEvents, WebhookChange, Webhooks, Write},
    vault::{Place, Vault, VaultError},
};

/// How often a webhook is tried to be stored while others make theirs.
const TRIES: usize = 8;

/// Manages webhooks.
#[derive(Debug, Clone)]
pub struct ManageWebhooks {
    pub(crate) webhooks: Webhooks,
    pub(crate) outbox: Outbox,
    pub(crate) told: ToldEvents,
    pub(crate) reminders: Reminders,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What an admin wishes of a webhook; of one that is there, what is `None` stays.
#[derive(Debug, Default)]
pub struct WebhookWish {
    /// The receiver.
    pub url: Option<String>,
    /// What is sent; an empty list means everything.
    pub events: Option<Vec<EventKind>>,
    /// Whether anything is sent.
    pub enabled: Option<bool>,
    /// Whether a new secret is made. The one before it signs as well for a day, whatever is made meanwhile.
    pub rotate_secret: bool,
}

/// A webhook, and its secret if that was just made: nobody can read it again.
#[derive(Debug)]
pub struct Shown {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secret.
    pub secret: Option<Secret<WebhookSecret>>,
}

/// Why a webhook was not made, changed or tried.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is no such webhook.
    #[error("no such webhook")]
    NotFound,
    /// The receiver's address is not one that is reached from here.
    #[error("the address {0}")]
    Url(EgressRefusal),
    /// There are as many as there may be.
    #[error("too many webhooks")]
    TooMany,
    /// As many earlier secrets sign as may; the next of them until then.
    #[error("too many secrets sign")]
    TooManySecrets(Timestamp),
    /// It is disabled, so nothing is sent.
    #[error("the webhook is disabled")]
    Disabled,
    /// The cursor is of no earlier answer.
    #[error("no such cursor")]
    Cursor,
    /// Somebody else keeps changing it.
    #[error("others keep changing the webhook")]
    Contended,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't seal.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl ManageWebhooks {
    /// The webhooks of a workspace.
    ///
    /// # Errors
    /// [`WebhookError::Store`].
    pub async fn list(&self, workspace: &WorkspaceId) -> Result<Vec<Webhook>, WebhookError> {
        Ok(self.webhooks.of_workspace(workspace).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn find(&self, workspace: &WorkspaceId, id: &WebhookId) -> Result<Webhook, WebhookError> {
        self.webhooks.find(workspace, id).await?.ok_or(WebhookError::NotFound)
    }

    /// Makes a webhook.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn create(
        &self,
        workspace: &WorkspaceId,
        url: String,
        wish: WebhookWish,
        actor: Actor,
    ) -> Result<Shown, WebhookError> {
        self.client.egress().check(&url).map_err(WebhookError::Url)?;
        let now = self.clock.now();
        let id = WebhookId::of_ulid(&self.random.ulid(now));
        let secret = new_secret(self.random.bytes());
        let webhook = Webhook {
            secret: self.vault.seal(&secret, &Place::webhook(workspace, &id)).await?,
            workspace: workspace.clone(),
            url,
            events: wish.events.unwrap_or_default(),
            state: state(wish.enabled.unwrap_or(true)),
            earlier_secret: None,
            created_at: now,
            last: None,
            failing_since: None,
            rests_until: None,
            id,
        };
        let told = self.audit.to_note(workspace, &actor, "webhook.created", webhook.id.as_str(), &[]);
        self.put_new(&webhook, &told).await?;
        self.audit.note_left(&told).await;
        Ok(Shown { webhook, secret: Some(secret) })
    }

    /// Stores a webhook, if there is room for it: whoever is overtaken by another one counts again.
    async fn put_new(&self, webhook: &Webhook, told: &Notice) -> Result<(), WebhookError> {
        for _ in 0..TRIES {
            let made = self.webhooks.made(&webhook.workspace).await?;
            if self.webhooks.of_workspace(&webhook.workspace).await?.len() >= MOST_WEBHOOKS {
                return Err(WebhookError::TooMany);
            }
            if self.webhooks.put_new(webhook, made, told).await? == Write::Done {
                return Ok(());
            }
        }
        Err(WebhookError::Contended)
    }

    /// Changes a webhook. Enabling one that was given up sends what happens from then on; what it missed, [`Self::replay`].
    ///
    /// # Errors
    /// [`WebhookError`]; nothing is changed then.
    pub async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &WebhookId,
        wish: WebhookWish,
        actor: Actor,
    ) -> Result<Shown, WebhookError> {
        if let Some(url) = &wish.url {
            self.client.egress().check(url).map_err(WebhookError::Url)?;
        }
        let webhook = self.find(workspace, id).await?;
        let changed = changed(&wish);
        let mut change =
            WebhookChange { url: wish.url, events: wish.events, state: wish.enabled.map(state), secret: None };
        let mut secret = None;
        if wish.rotate_secret {
            let fresh = new_secret(self.random.bytes());
            change.secret = Some(self.rotated(&webhook, &fresh).await?);
            secret = Some(fresh);
        }
        let told = self.audit.to_note(workspace, &actor, "webhook.changed", id.as_str(), &[("changed", &changed)]);
        if self.webhooks.change(&webhook, &change, &told).await? == Write::Conflict {
            self.find(workspace, id).await?;
            return Err(WebhookError::Contended);
        }
        self.audit.note_left(&told).await;
        Ok(Shown { webhook: self.find(workspace, id).await?, secret })
    }

    /// The fresh secret sealed, and the present one among those before it that sign still.
    async fn rotated(
        &self,
        webhook: &Webhook,
        fresh: &Secret<WebhookSecret>,
    ) -> Result<(Sealed<WebhookSecret>, Sealed<EarlierWebhookSecret>, Timestamp), WebhookError> {
        let place = Place::webhook(&webhook.workspace, &webhook.id);
        let now = self.clock.now();
        let earlier = match &webhook.earlier_secret {
            Some((earlier, until)) if *until > now => {
                EarlierSecrets::read(&self.vault.open(earlier, &place).await?, *until, now)
            }
            _ => EarlierSecrets::default(),
        };
        if let Some(until) = earlier.full_until() {
            return Err(WebhookError::TooManySecrets(until));
        }
        let until = now.checked_add(EARLIER_SIGNS_FOR).unwrap_or(Timestamp::MAX);
        let earlier = earlier.and(&self.vault.open(&webhook.secret, &place).await?, until).text();
        Ok((self.vault.seal(fresh, &place).await?, self.vault.seal(&earlier, &place).await?, until))
    }

    /// Deletes a webhook. What was still to be sent there is not.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn delete(&self, workspace: &WorkspaceId, id: &WebhookId, actor: Actor) -> Result<(), WebhookError> {
        let told = self.audit.to_note(workspace, &actor, "webhook.deleted", id.as_str(), &[]);
        if self.webhooks.delete(workspace, id, &told).await? == Write::Conflict {
            return Err(WebhookError::NotFound);
        }
        self.audit.note_left(&told).await;
        Ok(())
    }

    /// Has something sent there that says it is a test, and answers its id.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn test(&self, workspace: &WorkspaceId, id: &WebhookId) -> Result<EventId, WebhookError> {
        let webhook = self.find(workspace, id).await?;
        if webhook.state != WebhookState::Enabled {
            return Err(WebhookError::Disabled);
        }
        let now = self.clock.now();
        let event = EventId::of_ulid(&self.random.ulid(now));
        let delivery = Delivery {
            webhook: webhook.id,
            workspace: workspace.clone(),
            text: trial(&event, workspace, now),
            event: event.clone(),
            tries: 0,
            due_at: now,
        };
        self.outbox.put_delivery(&delivery).await?;
        self.reminders.leave(delivery.key(), Duration::ZERO).await;
        Ok(event)
    }
}

fn state(enabled: bool) -> WebhookState {
    if enabled { WebhookState::Enabled } else { WebhookState::Disabled }
}

/// The names of what is to be changed, for the audit trail.
fn changed(wish: &WebhookWish) -> String {
    let fields = [
        ("url", wish.url.is_some()),
        ("events", wish.events.is_some()),
        ("enabled", wish.enabled.is_some()),
        ("secret", wish.rotate_secret),
    ];
    fields.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}
