//! Storing what a refresh brought: under its lease, or, if that was lost, as long as nobody has stored anything newer.

use aws_sdk_dynamodb::{
    Client,
    config::retry::RetryConfig,
    error::SdkError,
    operation::{transact_write_items::TransactWriteItemsError, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use jiff::Timestamp;

use super::{
    connections::{due_shard, key_of, read},
    error::{StoreError, Write, failed, written},
    outbox::told_with,
    row::{Item, Row, bytes, map, name, number, text, time},
    table::{Table, TableNames},
};
use crate::domain::{
    connection::Connection,
    ids::AttemptId,
    notice::Notice,
    provider::Values,
    scopes::Scopes,
    secret::{AccessToken, RefreshToken, Sealed},
    user::ConnectionKey,
};

/// Renewals of connections.
#[derive(Debug, Clone)]
pub struct Renewals(Table);

/// What a renewal is for: one version of one connection.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Where the connection stands.
    pub place: ConnectionKey,
    /// The version that was refreshed.
    pub version: u64,
    /// The fence of the lease that it was refreshed under.
    pub fence: u64,
    /// The attempt that refreshed it.
    pub attempt: AttemptId,
}

/// What a refresh brought, sealed.
#[derive(Debug)]
pub struct Renewal {
    /// The new access token. Some providers have given a refresh token without one, which is kept all the same: the one
    /// before it may be used up.
    pub access: Option<FreshAccess>,
    /// The new refresh token; `None` keeps the one there is.
    pub refresh: Option<Sealed<RefreshToken>>,
    /// When the refresh token ends, if the provider said so this time.
    pub refresh_expires_at: Option<Timestamp>,
    /// What the grant may do now, if the provider said so this time.
    pub granted: Option<Scopes>,
    /// Whether that is something else than before, which others are told.
    pub scopes_changed: bool,
    /// What is known of the connection now, if the provider told something else this time.
    pub details: Option<Values>,
    /// When it is to be refreshed without anybody asking.
    pub due_at: Option<Timestamp>,
    /// Before when the provider is not asked again; only where there is no access token.
    pub retry_at: Option<Timestamp>,
}

/// A new access token, sealed.
#[derive(Debug)]
pub struct FreshAccess {
    /// The token.
    pub token: Sealed<AccessToken>,
    /// Its type.
    pub token_type: String,
    /// When it was obtained.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// How many times in a row it was renewed because an API had refused it, this time included; 0 if that was not why.
    pub refused_in_row: u32,
}

/// What became of a commit.
#[derive(Debug)]
pub enum Commit {
    /// The renewal is stored.
    Done,
    /// It is not, and this is what is there instead; nothing if the connection is gone.
    Refused(Option<Box<Connection>>),
}

impl Renewals {
    /// Renewals in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Stores what the provider gave, as long as nobody has had a lease after the one it was asked for under.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer. It may be stored then: asking again is safe.
    pub async fn commit(&self, claim: &Claim, renewal: &Renewal, told: Option<&Notice>) -> Result<Commit, StoreError> {
        let mut values = Item::from([(":fence".to_owned(), number(claim.fence))]);
        let change = Change::of(claim, renewal);
        change.values(claim, &mut values);
        self.write(claim, &change.expression(), "ver = :ver AND fence = :fence", (values, told)).await
    }

    /// Stores what the provider gave although another had a lease since, as long as nobody has stored anything newer:
    /// after a rotation these are the only tokens that work. The other one may have shown the token before them, and the
    /// provider may have ended them for it: they are unproven, and due at `verify_at`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn salvage(
        &self,
        claim: &Claim,
        renewal: &Renewal,
        verify_at: Timestamp,
        told: Option<&Notice>,
    ) -> Result<Commit, StoreError> {
        let mut values = Item::new();
        let change = Change::of(claim, renewal).due_for_proof(claim, verify_at);
        change.values(claim, &mut values);
        self.write(claim, &change.expression(), "ver = :ver", (values, told)).await
    }

    /// Notes that an API took the access token of this version, which was renewed because it had refused the one before.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_taken(&self, connection: &Connection) -> Result<Write, StoreError> {
        let request = self.0.client.update_item().table_name(&self.0.name).set_key(Some(key_of(&connection.key)));
        let request = request
            .update_expression("REMOVE refused_in_row")
            .condition_expression("ver = :ver AND attribute_exists(refused_in_row)")
            .expression_attribute_values(":ver", number(connection.version));
        written(request.send().await)
    }

    /// Asks once. Whoever stores tokens asks again themselves, every few hundred milliseconds: the SDK's own pauses between
    /// tries are of seconds, in which a table that is back is not asked. It is one plain write, unless there is something to
    /// tell: then that stands beside it, or neither does.
    async fn write(
        &self,
        claim: &Claim,
        expression: &str,
        condition: &str,
        (values, told): (Item, Option<&Notice>),
    ) -> Result<Commit, StoreError> {
        let once = aws_sdk_dynamodb::config::Builder::new().retry_config(RetryConfig::disabled());
        let (old, at) = (ReturnValuesOnConditionCheckFailure::AllOld, Some(key_of(&claim.place)));
        let Some(told) = told else {
            let request = self.0.client.update_item().table_name(&self.0.name).set_key(at);
            let request = request.update_expression(expression).condition_expression(condition);
            let request = request.set_expression_attribute_values(Some(values));
            let request = request.return_values_on_condition_check_failure(old);
            return match request.customize().config_override(once).send().await {
                Ok(_) => Ok(Commit::Done),
                Err(error) => Ok(Commit::Refused(standing_item(&error)?.map(Box::new))),
            };
        };
        let update = Update::builder().table_name(&self.0.name).set_key(at);
        let update = update.update_expression(expression).condition_expression(condition);
        let update = update.set_expression_attribute_values(Some(values)).return_values_on_condition_check_failure(old);
        let update = update.build().map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
        let request = self.0.client.transact_write_items();
        let request = request
            .transact_items(TransactWriteItem::builder().update(update).build())
            .transact_items(told_with(&self.0.name, told)?);
        match request.customize().config_override(once).send().await {
            Ok(_) => Ok(Commit::Done),
            Err(error) => Ok(Commit::Refused(item_that_stands(&error)?.map(Box::new))),
        }
    }
}

/// What a renewal changes in a connection's item, by attribute.
struct Change {
    set: Vec<(&'static str, AttributeValue)>,
    remove: Vec<&'static str>,
}

impl Change {
    fn of(claim: &Claim, renewal: &Renewal) -> Self {
        let mut change = Self {
            set: vec![("last_commit", text(claim.attempt.as_str()))],
            remove: vec!["leased_until", "intent", "in_doubt", "unproven", "refusals", "grant_ended", "quarantined"],
        };
        if let Some(access) = &renewal.access {
            change.set.extend([
                ("access_token", bytes(access.token.as_bytes())),
                ("token_type", text(&access.token_type)),
                ("issued_at", time(access.issued_at)),
            ]);
            change.replace("expires_at", access.expires_at.map(time));
            let refused = Some(access.refused_in_row).filter(|times| *times > 0);
            change.replace(name::REFUSED_IN_ROW, refused.map(number));
            change.remove.push("failures");
        }
        change.keep("refresh_token", renewal.refresh.as_ref().map(|sealed| bytes(sealed.as_bytes())));
        change.keep("refresh_expires_at", renewal.refresh_expires_at.map(time));
        change.keep("granted", renewal.granted.as_ref().map(super::completion::list));
        change.keep(name::CONNECTION_DETAILS, renewal.details.as_ref().map(map));
        change.replace("retry_at", renewal.retry_at.map(time));
        change.replace("due_at", renewal.due_at.map(time));
        change.replace("due_shard", renewal.due_at.map(|_| text(&due_shard(&claim.place))));
        change
    }

    /// As it is, but nobody relies on it before a refresh has shown that it works.
    fn due_for_proof(mut self, claim: &Claim, at: Timestamp) -> Self {
        let changed = ["in_doubt", "unproven", "due_at", "due_shard"];
        self.set.retain(|(name, _)| !changed.contains(name));
        self.remove.retain(|name| !changed.contains(name));
        self.set.extend([
            ("in_doubt", AttributeValue::Bool(true)),
            ("unproven", AttributeValue::Bool(true)),
            ("due_at", time(at)),
            ("due_shard", text(&due_shard(&claim.place))),
        ]);
        self
    }

    /// Sets an attribute, or leaves it as it is.
    fn keep(&mut self, name: &'static str, value: Option<AttributeValue>) {
        self.set.extend(value.map(|value| (name, value)));
    }

    /// Sets an attribute, or removes it.
    fn replace(&mut self, name: &'static str, value: Option<AttributeValue>) {
        match value {
            Some(value) => self.set.push((name, value)),
            None => self.remove.push(name),
        }
    }

    /// The values of its expression, and of its condition.
    fn values(&self, claim: &Claim, values: &mut Item) {
        values.extend([(":one".to_owned(), number(1)), (":ver".to_owned(), number(claim.version))]);
        values.extend(self.set.iter().map(|(name, value)| (format!(":{name}"), value.clone())));
    }

    fn expression(&self) -> String {
        let set: Vec<String> = self.set.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
        format!("SET ver = ver + :one, {} REMOVE {}", set.join(", "), self.remove.join(", "))
    }
}

/// The item that a condition did not hold for; an error if it was anything else that failed.
pub(super) fn standing_item<R>(error: &SdkError<UpdateItemError, R>) -> Result<Option<Connection>, StoreError> {
    if let SdkError::ServiceError(service) = error
        && let UpdateItemError::ConditionalCheckFailedException(refused) = service.err()
    {
        return refused.item().map(|item| read(&Row::read(item.clone())?)).transpose();
    }
    Err(failed(error))
}

/// The same, of a transaction in which the connection stands first.
fn item_that_stands<R>(error: &SdkError<TransactWriteItemsError, R>) -> Result<Option<Connection>, StoreError> {
    if let SdkError::ServiceError(service) = error
        && let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err()
        && let Some(refused) = cancelled.cancellation_reasons().first()
        && refused.code() == Some("ConditionalCheckFailed")
    {
        return refused.item().map(|item| read(&Row::read(item.clone())?)).transpose();
    }
    Err(failed(error))
}
