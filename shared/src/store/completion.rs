//! The transaction at the end of a session: the connection stands and the session is spent, or neither.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
    types::{AttributeValue, TransactWriteItem, Update, builders::UpdateBuilder},
};
use jiff::Timestamp;

use super::{
    connection_counts::{Tally, count_one_more},
    connections,
    error::{Conditional, StoreError, failed},
    forgotten_users::not_forgotten_since,
    outbox::told_with,
    row::{Item, LAYOUT, NewItem, name, number, text},
    sessions,
    table::TableNames,
};
use crate::domain::{
    account::Account,
    connection::SealedTokens,
    event::EventKind,
    notice::Notice,
    provider::Values,
    scopes::Scopes,
    session::SessionId,
    user::{ConnectionKey, Owner},
};

/// Ends of sessions.
#[derive(Debug, Clone)]
pub struct Completions {
    client: Client,
    tables: TableNames,
}

/// A session's end: what becomes of the connection.
#[derive(Debug)]
pub struct Completion<'a> {
    /// The session that is spent.
    pub session: &'a SessionId,
    /// When it began. A user who was forgotten since then stays forgotten.
    pub began_at: Timestamp,
    /// Where the connection stands.
    pub place: &'a ConnectionKey,
    /// What the user granted.
    pub grant: NewGrant,
    /// What is told and noted of it, as something that is made; if it renews what there is, that is what is told.
    pub told: &'a Notice,
    /// Whether there was a connection when the session began.
    pub renews: bool,
    /// Where it is counted if there is no connection yet.
    pub tally: Tally,
}

/// What became of a session's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completed {
    /// The connection stands: it was made, or renewed.
    Done(EventKind),
    /// The session was spent before, or the user was forgotten since it began.
    Conflict,
    /// It would be one connection more, and the workspace's plan has no room for it.
    Full,
}

/// Whether a grant makes a connection, or renews one. Nobody has to read which: the write says so, and counts by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    New,
    Renewed,
}

impl Form {
    fn kind(self) -> EventKind {
        match self {
            Self::New => EventKind::ConnectionCreated,
            Self::Renewed => EventKind::ConnectionReconnected,
        }
    }
}

/// What a user granted.
#[derive(Debug)]
pub struct NewGrant {
    /// The client it was granted to.
    pub client_id: String,
    /// The connector's scopes revision that it answers.
    pub scopes_revision: u64,
    /// What it may do.
    pub granted: Scopes,
    /// Whose account it is.
    pub account: Option<Account>,
    /// What the user calls it.
    pub label: Option<String>,
    /// What differs between the accounts of its provider.
    pub details: Values,
    /// Its tokens.
    pub tokens: SealedTokens,
    /// Whether an earlier refresh token stays if there is no new one.
    pub keeps_earlier_refresh_token: bool,
    /// When it is to be refreshed ahead of its end.
    pub due_at: Option<Timestamp>,
    /// When the user granted it.
    pub connected_at: Timestamp,
    /// Which admin, as they are described in the audit trail; none for a user's own.
    pub connected_by: Option<String>,
    /// Where the versions and fences begin if there is no connection yet. Never the same twice at one place: a refresh of
    /// a connection that was removed must not pass for one of the connection that took its place.
    pub first_version: u64,
}

impl Completions {
    /// Ends of sessions in the deployment's tables.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { client: client.clone(), tables: tables.clone() }
    }

    /// Stores the connection and spends the session, together.
    ///
    /// The connection's version and fence go up: a refresh of the grant before this one changes nothing any more.
    /// One that was not there is counted in the same moment; one that was is not.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn store(&self, completion: Completion<'_>) -> Result<Completed, StoreError> {
        let expected = if completion.renews { [Form::Renewed, Form::New] } else { [Form::New, Form::Renewed] };
        for form in expected {
            match self.store_as(&completion, form).await {
                Ok(_) => return Ok(Completed::Done(form.kind())),
                Err(SdkError::ServiceError(service)) if service.err().condition_failed() => {
                    match failing(service.err()) {
                        Some(CONNECTION) => {}
                        Some(COUNT) if form == Form::New => return Ok(Completed::Full),
                        _ => return Ok(Completed::Conflict),
                    }
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        Err(StoreError::Unavailable("a connection comes and goes".to_owned()))
    }

    async fn store_as(
        &self,
        completion: &Completion<'_>,
        form: Form,
    ) -> Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>> {
        let Completion { session, began_at, place, grant, told, tally, .. } = completion;
        let connections = &self.tables.connections;
        let mut parts = vec![self.session(session), self.connection(place, grant, form)];
        if form == Form::New {
            parts.push(count_one_more(connections, &place.workspace, *tally));
        }
        parts.push(told_with(connections, &(*told).clone().turned_out(form.kind())));
        if let Owner::User(user) = &place.owner {
            parts.push(not_forgotten_since(connections, user, *began_at));
        }
        let parts: Result<Vec<_>, _> = parts.into_iter().collect();
        let parts = parts.map_err(SdkError::construction_failure)?;
        self.client.transact_write_items().set_transact_items(Some(parts)).send().await
    }

    fn connection(&self, place: &ConnectionKey, grant: &NewGrant, form: Form) -> Result<TransactWriteItem, StoreError> {
        let (more, condition) = match form {
            Form::New => (NewItem::bare().flag(name::COUNTED, true), "attribute_not_exists(pk)"),
            Form::Renewed => (NewItem::bare(), "attribute_exists(pk)"),
        };
        let update = grant_at(&self.tables.connections, place, grant, more).condition_expression(condition);
        Ok(TransactWriteItem::builder().update(update.build().map_err(|_| incomplete())?).build())
    }

    fn session(&self, session: &SessionId) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(sessions::key_of(session)))
            .update_expression("SET stage = :completed REMOVE verifier")
            .condition_expression("stage = :exchanging")
            .expression_attribute_values(":completed", text(sessions::COMPLETED))
            .expression_attribute_values(":exchanging", text(sessions::EXCHANGING))
            .build();
        Ok(TransactWriteItem::builder().update(update.map_err(|_| incomplete())?).build())
    }
}

/// Where the connection, and its count, stand in the transaction. The session stands first: if that is spent, nothing else
/// counts, because the connection may be there since an earlier try whose answer was lost.
const CONNECTION: usize = 1;
const COUNT: usize = 2;

/// The first part of a transaction whose condition did not hold.
pub(super) fn failing(error: &TransactWriteItemsError) -> Option<usize> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return None };
    cancelled.cancellation_reasons().iter().position(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

/// The update that puts a grant, and `more` beside it, where none is yet, or where an earlier one stood.
pub(super) fn grant_at(table: &str, place: &ConnectionKey, grant: &NewGrant, more: NewItem) -> UpdateBuilder {
    let mut set = attributes(place, grant);
    set.extend(more.into_item());
    let mut expression =
        "SET ver = if_not_exists(ver, :first) + :one, fence = if_not_exists(fence, :first) + :one".to_owned();
    let first = (":first".to_owned(), number(grant.first_version));
    let mut values = Item::from([first, (":one".to_owned(), number(1))]);
    for (name, value) in &set {
        expression = format!("{expression}, {name} = :{name}");
        values.insert(format!(":{name}"), value.clone());
    }
    let keeps_refresh_token = grant.tokens.refresh.is_none() && grant.keeps_earlier_refresh_token;
    let stale: Vec<&str> = REPLACED
        .iter()
        .copied()
        .filter(|name| !set.contains_key(*name))
        .filter(|name| !keeps_refresh_token || !KEPT_WITH_REFRESH_TOKEN.contains(name))
        .collect();
    Update::builder()
        .table_name(table)
        .set_key(Some(connections::key_of(place)))
        .update_expression(format!("{expression} REMOVE {}", stale.join(", ")))
        .set_expression_attribute_values(Some(values))
}

/// What stays with a refresh token that stays: who is showing it to the provider, and whether it may be used up.
const KEPT_WITH_REFRESH_TOKEN: [&str; 4] = [name::REFRESH_TOKEN, name::LEASED_UNTIL, name::INTENT, name::IN_DOUBT];

/// What a new grant replaces, or ends. Which grant came here from elsewhere stays known: it does not come again over a newer one.
const REPLACED: [&str; 21] = [
    name::REFRESH_TOKEN,
    name::EXPIRES_AT,
    name::REFRESH_EXPIRES_AT,
    name::ACCOUNT,
    name::CONNECTION_LABEL,
    name::CONNECTION_DETAILS,
    name::DUE_SHARD,
    name::DUE_AT,
    name::GRANT_ENDED,
    name::LEASED_UNTIL,
    name::INTENT,
    name::IN_DOUBT,
    name::UNPROVEN,
    name::QUARANTINED,
    name::EXPIRY_TOLD,
    name::LAST_COMMIT,
    name::REFUSED_IN_ROW,
    name::FAILURES,
    name::REFUSALS,
    name::RETRY_AT,
    name::IMPORTED_AT,
];

fn attributes(place: &ConnectionKey, grant: &NewGrant) -> Item {
    let tokens = &grant.tokens;
    connections::placed(NewItem::bare(), place)
        .number(name::LAYOUT, LAYOUT)
        .text(name::CONNECTOR_SHARD, &connections::connector_shard(place))
        .text(name::CLIENT_ID, &grant.client_id)
        .number(name::SCOPES_REVISION, grant.scopes_revision)
        .texts(name::GRANTED, grant.granted.iter())
        .maybe(grant.account.as_ref(), |item, account| item.map(name::ACCOUNT, &details(account)))
        .maybe(grant.label.as_deref(), |item, label| item.text(name::CONNECTION_LABEL, label))
        .filled_map(name::CONNECTION_DETAILS, &grant.details)
        .time(name::CONNECTED_AT, grant.connected_at)
        .maybe(grant.connected_by.as_deref(), |item, admin| item.text(name::CONNECTED_BY, admin))
        .bytes(name::ACCESS_TOKEN, tokens.access.as_bytes())
        .maybe(tokens.refresh.as_ref(), |item, sealed| item.bytes(name::REFRESH_TOKEN, sealed.as_bytes()))
        .text(name::TOKEN_TYPE, &tokens.token_type)
        .time(name::ISSUED_AT, tokens.issued_at)
        .maybe(tokens.expires_at, |item, at| item.time(name::EXPIRES_AT, at))
        .maybe(tokens.refresh_expires_at, |item, at| item.time(name::REFRESH_EXPIRES_AT, at))
        .maybe(grant.due_at, |item, at| {
            item.time(name::DUE_AT, at).text(name::DUE_SHARD, &connections::due_shard(place))
        })
        .into_item()
}

fn details(account: &Account) -> std::collections::BTreeMap<String, String> {
    let optional = [("label", &account.label), ("email", &account.email), ("avatar_url", &account.avatar_url)];
    let known = optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
    known.chain([("id".to_owned(), account.id.clone())]).collect()
}

/// Scopes as a list of texts.
pub(super) fn list(scopes: &Scopes) -> AttributeValue {
    AttributeValue::L(scopes.iter().map(text).collect())
}

pub(super) fn incomplete() -> StoreError {
    StoreError::Refused("incomplete request".to_owned())
}
