//! Leases on connections: one holder at a time, and no holder that came back late changes anything.
//!
//! A lease names the version it refreshes and raises the fence; whatever its holder writes names both. The intent that a
//! lease writes down stays until its holder says what became of it, or until it is certain that its holder never will: as
//! long as tokens may be on their way that it was given, nobody else gets the lease.

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use jiff::Timestamp;

use super::{
    connections::{due_shard, key_of, partition, read, sk},
    error::{StoreError, Write, written},
    outbox::told_with,
    renewals::{Claim, standing_item},
    row::{Row, number, text, time},
    table::{Table, TableNames},
};
use crate::domain::{
    connection::{Connection, DRIFT, EndReason},
    ids::AttemptId,
    notice::Notice,
    user::ConnectionKey,
};

/// Leases on connections.
#[derive(Debug, Clone)]
pub struct Leases(Table);

/// The right to refresh one version of one connection, until it ends.
#[derive(Debug)]
pub struct Lease {
    /// The connection as it was when the lease was taken.
    pub connection: Connection,
    /// The attempt that holds it.
    pub attempt: AttemptId,
    /// Until when.
    pub until: Timestamp,
    /// What is known of the attempts before it.
    pub follows: Follows,
    pub(super) fence: u64,
}

/// What is known of the attempts since the last tokens were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// None of them can have changed anything at the provider.
    NothingUnsettled,
    /// One of them may have been carried out there, and its answer is lost.
    Doubt,
}

/// What is asked for when a lease is.
#[derive(Debug)]
pub struct Bid {
    /// The attempt that is to hold it.
    pub attempt: AttemptId,
    /// The present.
    pub now: Timestamp,
    /// Until when it is to be held.
    pub until: Timestamp,
    /// Puts a connection that the schedule would not bring up on its own into it: if this holder dies, somebody looks.
    pub look_at: Option<Timestamp>,
    /// Whether an attempt that never came back stands in the way.
    pub respects_intent: bool,
}

/// What came of asking for a lease.
#[derive(Debug)]
pub enum LeaseOutcome {
    /// It is held now.
    Taken(Box<Lease>),
    /// Somebody else holds it, has done the work or never came back, or there is nothing left to refresh.
    Lost,
}

/// How a lease is given back after an attempt that brought no tokens.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    /// How many attempts in a row have failed for a passing reason.
    pub failures: u32,
    /// How many were refused with an error that is neither passing nor final.
    pub refusals: u32,
    /// Before when the provider is not asked again, if it must be left alone.
    pub retry_at: Option<Timestamp>,
    /// When the schedule brings it up again, if it does.
    pub due_at: Option<Timestamp>,
    /// Whether this attempt may have been carried out at the provider.
    pub in_doubt: bool,
    /// Whether the lease runs on to its end: the provider may still be at work on the request.
    pub runs_on: bool,
}

impl Lease {
    /// What the tokens of this attempt are for.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim {
            place: self.connection.key.clone(),
            version: self.connection.version,
            fence: self.fence,
            attempt: self.attempt.clone(),
        }
    }
}

impl Leases {
    /// Leases in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Asks for the lease on `connection` as it was read.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer. The lease may be held then, and ends by itself.
    pub async fn take(&self, connection: &Connection, bid: Bid) -> Result<LeaseOutcome, StoreError> {
        let Bid { attempt, now, until, look_at, respects_intent } = bid;
        let mut set = "SET leased_until = :until, intent = :attempt, fence = fence + :one".to_owned();
        let mut condition = "ver = :ver AND attribute_not_exists(grant_ended) \
                             AND (attribute_not_exists(leased_until) OR leased_until <= :now) \
                             AND (attribute_not_exists(retry_at) OR retry_at <= :now)"
            .to_owned();
        if respects_intent {
            condition.push_str(" AND attribute_not_exists(intent)");
        }
        let mut request = self.update(&connection.key);
        if let Some(look_at) = look_at {
            set.push_str(", due_at = :look, due_shard = :shard");
            request = request
                .expression_attribute_values(":look", time(look_at))
                .expression_attribute_values(":shard", text(&due_shard(&connection.key)));
        }
        let request = request
            .update_expression(set)
            .condition_expression(condition)
            .expression_attribute_values(":until", time(until))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":ver", number(connection.version))
            .expression_attribute_values(":now", time(now))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(answer) => {
                let earlier = answer.attributes.ok_or(StoreError::Unreadable("no attributes returned"))?;
                let earlier = read(&Row::read(earlier)?)?;
                let fence = earlier.refresh.fence.saturating_add(1);
                Ok(taken(earlier, attempt, until, fence))
            }
            Err(error) => Ok(match standing_item(&error)? {
                // The answer to our own first request was lost, and the SDK asked again.
                Some(item) => held_by(item, attempt, until),
                None => LeaseOutcome::Lost,
            }),
        }
    }

    /// Whether a lease is held of which no answer told: the item says so itself.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn find(
        &self,
        place: &ConnectionKey,
        attempt: AttemptId,
        until: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        let row = self.0.find(&partition(place), &sk(&place.connector)).await?;
        let item = row.map(|row| read(&row)).transpose()?;
        Ok(item.map_or(LeaseOutcome::Lost, |item| held_by(item, attempt, until)))
    }

    /// Gives the lease back after an attempt that brought no tokens.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer. The lease ends by itself.
    pub async fn release(&self, lease: &Lease, release: Release) -> Result<Write, StoreError> {
        let (mut set, mut remove) = ("SET failures = :failures, refusals = :refusals".to_owned(), "intent".to_owned());
        let mut request = self
            .held(lease)
            .expression_attribute_values(":failures", number(release.failures))
            .expression_attribute_values(":refusals", number(release.refusals));
        if !release.runs_on {
            remove.push_str(", leased_until");
        }
        if release.in_doubt || lease.follows != Follows::NothingUnsettled {
            set.push_str(", in_doubt = :doubt");
            request = request.expression_attribute_values(":doubt", AttributeValue::Bool(true));
        }
        match release.retry_at {
            Some(at) => {
                set.push_str(", retry_at = :retry");
                request = request.expression_attribute_values(":retry", time(at));
            }
            None => remove.push_str(", retry_at"),
        }
        match release.due_at {
            Some(at) => {
                set.push_str(", due_at = :due, due_shard = :shard");
                request = request
                    .expression_attribute_values(":due", time(at))
                    .expression_attribute_values(":shard", text(&due_shard(&lease.connection.key)));
            }
            None => remove.push_str(", due_at, due_shard"),
        }
        written(request.update_expression(format!("{set} REMOVE {remove}")).send().await)
    }

    /// Notes that these tokens, which a refresh brought, may have ended with an older one that was shown after them: another
    /// refresh finds it out, at once.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn doubt(&self, connection: &Connection, now: Timestamp) -> Result<Write, StoreError> {
        let request = self
            .update(&connection.key)
            .update_expression("SET in_doubt = :doubt, unproven = :doubt, due_at = :now, due_shard = :shard")
            .condition_expression("ver = :ver AND attribute_not_exists(grant_ended) AND attribute_exists(last_commit)")
            .expression_attribute_values(":doubt", AttributeValue::Bool(true))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":shard", text(&due_shard(&connection.key)))
            .expression_attribute_values(":ver", number(connection.version));
        written(request.send().await)
    }

    /// Declares the grant over, and leaves what is told and noted of that. Only the holder of the lease may, and only for the
    /// version it held it on. Asked again because an answer was lost, with the same `told`, the table does it once.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn end(&self, lease: &Lease, reason: EndReason, told: &Notice) -> Result<Write, StoreError> {
        let end = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key_of(&lease.connection.key)))
            .update_expression(
                "SET grant_ended = :reason, ended_at = :now \
                 REMOVE leased_until, intent, in_doubt, failures, refusals, retry_at, due_shard, due_at",
            )
            .condition_expression("ver = :ver AND fence = :fence")
            .expression_attribute_values(":ver", number(lease.connection.version))
            .expression_attribute_values(":fence", number(lease.fence))
            .expression_attribute_values(":reason", text(reason.as_str()))
            .expression_attribute_values(":now", time(told.at))
            .build()
            .map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
        let request = self.0.client.transact_write_items().client_request_token(lease.attempt.as_str());
        let request = request
            .transact_items(TransactWriteItem::builder().update(end).build())
            .transact_items(told_with(&self.0.name, told)?);
        written(request.send().await)
    }

    /// Writes down that what this attempt was given will never come, if it was given anything: the next one may be made, at
    /// once. `asked_at` is when it was asked whether anything waits; if the lease was not over by then, its holder may have
    /// left something since. Answers the connection, or nothing if that is so, or the attempt came back or was settled before.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn settle(
        &self,
        place: &ConnectionKey,
        attempt: &AttemptId,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Connection>, StoreError> {
        let Ok(over_by) = asked_at.checked_sub(DRIFT) else { return Ok(None) };
        let request = self
            .update(place)
            .update_expression("SET in_doubt = :doubt, due_at = :now, due_shard = :shard REMOVE intent, leased_until")
            .condition_expression("intent = :attempt AND leased_until <= :over")
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .expression_attribute_values(":over", time(over_by))
            .expression_attribute_values(":doubt", AttributeValue::Bool(true))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":shard", text(&due_shard(place)))
            .return_values(ReturnValue::AllNew);
        match request.send().await {
            Ok(answer) => {
                let settled = answer.attributes.ok_or(StoreError::Unreadable("no attributes returned"))?;
                read(&Row::read(settled)?).map(Some)
            }
            Err(error) => standing_item(&error).map(|_| None),
        }
    }

    fn held(&self, lease: &Lease) -> UpdateItemFluentBuilder {
        self.update(&lease.connection.key)
            .condition_expression("ver = :ver AND fence = :fence")
            .expression_attribute_values(":ver", number(lease.connection.version))
            .expression_attribute_values(":fence", number(lease.fence))
    }

    fn update(&self, place: &ConnectionKey) -> UpdateItemFluentBuilder {
        let request = self.0.client.update_item().table_name(&self.0.name);
        request.set_key(Some(key_of(place)))
    }
}

/// The lease, if the item names this attempt as its holder.
fn held_by(item: Connection, attempt: AttemptId, until: Timestamp) -> LeaseOutcome {
    if item.refresh.intent.as_ref() != Some(&attempt) {
        return LeaseOutcome::Lost;
    }
    let fence = item.refresh.fence;
    taken(item, attempt, until, fence)
}

fn taken(connection: Connection, attempt: AttemptId, until: Timestamp, fence: u64) -> LeaseOutcome {
    let follows = if connection.refresh.in_doubt { Follows::Doubt } else { Follows::NothingUnsettled };
    LeaseOutcome::Taken(Box::new(Lease { connection, attempt, until, follows, fence }))
}
