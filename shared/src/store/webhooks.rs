//! The webhooks of a workspace. What an admin sets and how deliveries go are written apart, each by its own attributes, so
//! that neither undoes the other.

use std::slice;

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, TransactWriteItem},
};
use jiff::Timestamp;

use super::{
    error::{StoreError, Write, written},
    row::{Item, NewItem, Row, bytes, name, number, text, time},
    table::{Table, TableNames, key},
    transaction::updating,
    workspaces::pk,
};
use crate::domain::{
    event::EventKind,
    ids::{WebhookId, WorkspaceId},
    notice::Notice,
    secret::{EarlierWebhookSecret, Kind, Sealed, WebhookSecret},
    webhook::{LastTry, Webhook, WebhookState},
};

const PREFIX: &str = "WEBHOOK#";

/// Where it stands how many were made.
const MADE: &str = "WEBHOOKS";

/// Webhooks in the registry.
#[derive(Debug, Clone)]
pub struct Webhooks {
    registry: Table,
    /// The table where it stands what is to be noted of webhooks.
    connections: String,
}

/// What an admin changes of a webhook; what is `None` stays.
#[derive(Debug, Default)]
pub struct WebhookChange {
    /// The receiver.
    pub url: Option<String>,
    /// What is sent.
    pub events: Option<Vec<EventKind>>,
    /// Whether anything is sent.
    pub state: Option<WebhookState>,
    /// A new secret, and those before it, which sign as well, the last until then.
    pub secret: Option<(Sealed<WebhookSecret>, Sealed<EarlierWebhookSecret>, Timestamp)>,
}

impl Webhooks {
    /// Webhooks in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// How many webhooks a workspace has ever made.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn made(&self, workspace: &WorkspaceId) -> Result<u64, StoreError> {
        self.registry.made(&pk(workspace), MADE).await
    }

    /// Stores a new webhook; [`Write::Conflict`] if another one was made since `made` were.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, webhook: &Webhook, made: u64, told: &Notice) -> Result<Write, StoreError> {
        let item = NewItem::at(&pk(&webhook.workspace), &sk(&webhook.id))
            .text(name::WEBHOOK, webhook.id.as_str())
            .text(name::WORKSPACE, webhook.workspace.as_str())
            .text(name::WEBHOOK_URL, &webhook.url)
            .texts(name::WEBHOOK_EVENTS, webhook.events.iter().map(|kind| kind.as_str()))
            .text(name::WEBHOOK_STATE, webhook.state.as_str())
            .bytes(name::WEBHOOK_SECRET, webhook.secret.as_bytes())
            .time(name::CREATED_AT, webhook.created_at);
        let counted = self.registry.making_one_more(&pk(&webhook.workspace), MADE, made)?;
        self.write(vec![self.registry.putting_new(item)?, counted], told).await
    }

    /// One webhook of a workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.registry.find(&pk(workspace), &sk(id)).await?.map(|row| read(&row)).transpose()
    }

    /// The webhooks of a workspace, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<Webhook>, StoreError> {
        self.registry.query_all(&pk(workspace), PREFIX).await?.iter().map(read).collect()
    }

    /// Changes a webhook, if it is there and its secret is the one that was read. One that is enabled, or has another receiver,
    /// begins anew: of what failed before nothing is held against it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn change(&self, webhook: &Webhook, change: &WebhookChange, told: &Notice) -> Result<Write, StoreError> {
        let mut set: Vec<(&str, AttributeValue)> = vec![(name::WEBHOOK, text(webhook.id.as_str()))];
        set.extend(change.url.as_deref().map(|url| (name::WEBHOOK_URL, text(url))));
        set.extend(change.events.as_ref().map(|events| {
            (name::WEBHOOK_EVENTS, AttributeValue::L(events.iter().map(|kind| text(kind.as_str())).collect()))
        }));
        set.extend(change.state.map(|state| (name::WEBHOOK_STATE, text(state.as_str()))));
        if let Some((secret, earlier, until)) = &change.secret {
            set.push((name::WEBHOOK_SECRET, bytes(secret.as_bytes())));
            set.push((name::EARLIER_WEBHOOK_SECRET, bytes(earlier.as_bytes())));
            set.push((name::EARLIER_SIGNS_UNTIL, time(*until)));
        }
        let begins_anew = change.state == Some(WebhookState::Enabled) || change.url.is_some();
        let remove = if begins_anew { " REMOVE failing_since, rests_until" } else { "" };
        let assignments: Vec<String> = set.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
        let mut update = self
            .registry
            .update(&pk(&webhook.workspace), &sk(&webhook.id))
            .update_expression(format!("SET {}{remove}", assignments.join(", ")))
            .condition_expression("webhook_secret = :present")
            .expression_attribute_values(":present", bytes(webhook.secret.as_bytes()));
        for (name, value) in set {
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        self.write(vec![updating(update)?], told).await
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn delete(&self, workspace: &WorkspaceId, id: &WebhookId, told: &Notice) -> Result<Write, StoreError> {
        self.write(vec![self.registry.deleting(&pk(workspace), &sk(id))?], told).await
    }

    /// Notes how a delivery went, and until when the receiver rests.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_try(
        &self,
        webhook: &Webhook,
        last: LastTry,
        rests_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let mut set = vec!["tried_at = :at"];
        let mut remove = Vec::new();
        let mut request =
            self.update(&webhook.workspace, &webhook.id).expression_attribute_values(":at", time(last.at));
        match last.status {
            Some(status) => {
                set.push("tried_status = :status");
                request = request.expression_attribute_values(":status", number(status));
            }
            None => remove.push("tried_status"),
        }
        match rests_until {
            Some(until) => {
                set.push("rests_until = :rests");
                request = request.expression_attribute_values(":rests", time(until));
            }
            None => remove.push("rests_until"),
        }
        if last.arrived() {
            remove.push("failing_since");
        } else {
            set.push("failing_since = if_not_exists(failing_since, :at)");
        }
        let removal = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        let request = request.update_expression(format!("SET {}{removal}", set.join(", ")));
        written(request.condition_expression("attribute_exists(pk)").send().await).map(|_| ())
    }

    /// Disables a webhook that is enabled, because nothing arrives there.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn give_up(&self, webhook: &Webhook, told: &Notice) -> Result<Write, StoreError> {
        let update = self
            .registry
            .update(&pk(&webhook.workspace), &sk(&webhook.id))
            .update_expression("SET webhook_state = :given_up")
            .condition_expression("webhook_state = :enabled")
            .expression_attribute_values(":given_up", text(WebhookState::GivenUp.as_str()))
            .expression_attribute_values(":enabled", text(WebhookState::Enabled.as_str()));
        self.write(vec![updating(update)?], told).await
    }

    /// Puts a secret that was sealed anew in the place of `earlier`, if that still stands.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace_secret<K: Kind>(
        &self,
        webhook: &Webhook,
        earlier: &Sealed<K>,
        resealed: &Sealed<K>,
    ) -> Result<Write, StoreError> {
        let request = self
            .update(&webhook.workspace, &webhook.id)
            .update_expression(format!("SET {} = :new", K::FIELD))
            .condition_expression(format!("{} = :old", K::FIELD))
            .expression_attribute_values(":new", bytes(resealed.as_bytes()))
            .expression_attribute_values(":old", bytes(earlier.as_bytes()));
        written(request.send().await)
    }

    async fn write(&self, parts: Vec<TransactWriteItem>, told: &Notice) -> Result<Write, StoreError> {
        self.registry.write_told(parts, &self.connections, slice::from_ref(told)).await
    }

    fn update(&self, workspace: &WorkspaceId, id: &WebhookId) -> UpdateItemFluentBuilder {
        let place: Item = key(&pk(workspace), &sk(id));
        self.registry.client.update_item().table_name(&self.registry.name).set_key(Some(place))
    }
}

/// The sort key of a webhook among what its workspace owns.
pub(super) fn sk(id: &WebhookId) -> String {
    format!("{PREFIX}{id}")
}

fn read(row: &Row) -> Result<Webhook, StoreError> {
    let events = row.texts(name::WEBHOOK_EVENTS)?.into_iter().map(EventKind::parse).collect::<Option<_>>();
    let earlier = row.find_sealed(name::EARLIER_WEBHOOK_SECRET)?;
    let last = match row.find_time(name::TRIED_AT)? {
        None => None,
        Some(at) => Some(LastTry { at, status: row.find_number(name::TRIED_STATUS)? }),
    };
    Ok(Webhook {
        id: row.parsed(name::WEBHOOK, WebhookId::parse)?,
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        url: row.text(name::WEBHOOK_URL)?.to_owned(),
        events: events.ok_or(StoreError::Unreadable(name::WEBHOOK_EVENTS))?,
        state: row.word(name::WEBHOOK_STATE, WebhookState::parse)?,
        secret: row.sealed(name::WEBHOOK_SECRET)?,
        earlier_secret: earlier.zip(row.find_time(name::EARLIER_SIGNS_UNTIL)?),
        created_at: row.time(name::CREATED_AT)?,
        last,
        failing_since: row.find_time(name::FAILING_SINCE)?,
        rests_until: row.find_time(name::RESTS_UNTIL)?,
    })
}
