//! The conditional writes of a refresh: one holder at a time, and no holder that came back late changes anything.
//!
//! A lease names the version it refreshes and raises the fence; a commit names both. The intent that a lease writes down
//! stays until a commit or a known outcome removes it, so that a later refusal can tell a grant that was taken back from
//! one whose rotated token was lost on the way.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;

use super::{
    connections::{due_shard, pk, read, sk},
    error::{StoreError, Write, failed, written},
    row::{Row, bytes, number, text, time},
    table::{Table, TableNames, key},
};
use crate::domain::{
    connection::{Connection, EndReason},
    ids::AttemptId,
    scopes::Scopes,
    secret::{AccessToken, RefreshToken, Sealed},
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
    /// Whether an earlier attempt may have reached the provider and never committed.
    pub follows_lost_attempt: bool,
    fence: u64,
}

/// What the tokens of an attempt are for: one version of one connection.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Where the connection stands.
    pub place: ConnectionKey,
    /// The version that was refreshed.
    pub version: u64,
    /// The attempt that refreshed it.
    pub attempt: AttemptId,
}

impl Lease {
    /// What the tokens of this attempt are for.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim { place: self.connection.key.clone(), version: self.connection.version, attempt: self.attempt.clone() }
    }
}

/// What came of asking for a lease.
#[derive(Debug)]
pub enum LeaseOutcome {
    /// It is held now.
    Taken(Box<Lease>),
    /// Somebody else holds it, has done the work, or there is nothing left to refresh.
    Lost,
}

/// Tokens that a refresh brought, sealed.
#[derive(Debug)]
pub struct FreshTokens {
    /// The new access token.
    pub access: Sealed<AccessToken>,
    /// The new refresh token; `None` keeps the one there is.
    pub refresh: Option<Sealed<RefreshToken>>,
    /// The access token's type.
    pub token_type: String,
    /// When the access token was obtained.
    pub issued_at: Timestamp,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends, if the provider said so this time.
    pub refresh_expires_at: Option<Timestamp>,
    /// What the grant may do now, if the provider said so this time.
    pub granted: Option<Scopes>,
    /// When it is to be refreshed ahead of its end.
    pub due_at: Option<Timestamp>,
}

/// What became of a commit.
#[derive(Debug)]
pub enum Commit {
    /// The new tokens are stored.
    Done,
    /// They are not, and this is what is there instead; nothing if the connection is gone.
    Refused(Option<Box<Connection>>),
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
    pub async fn take(
        &self,
        connection: &Connection,
        attempt: AttemptId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<LeaseOutcome, StoreError> {
        let request = self
            .update(&connection.key)
            .update_expression("SET leased_until = :until, intent = :attempt, fence = fence + :one")
            .condition_expression(
                "ver = :ver AND attribute_not_exists(grant_ended) \
                 AND (attribute_not_exists(leased_until) OR leased_until <= :now) \
                 AND (attribute_not_exists(retry_at) OR retry_at <= :now)",
            )
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
                let (fence, lost) = (earlier.refresh.fence + 1, earlier.refresh.intent.is_some());
                Ok(taken(earlier, attempt, until, fence, lost))
            }
            Err(error) => match standing_item(&error)? {
                // The answer to our own first request was lost, and the SDK asked again.
                Some(item) if item.refresh.intent.as_ref() == Some(&attempt) => {
                    let fence = item.refresh.fence;
                    Ok(taken(item, attempt, until, fence, false))
                }
                _ => Ok(LeaseOutcome::Lost),
            },
        }
    }

    /// Stores what the provider gave, under the lease it was asked for with.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer. The tokens may be stored then: asking again is safe.
    pub async fn commit(&self, lease: &Lease, fresh: &FreshTokens) -> Result<Commit, StoreError> {
        self.write_tokens(&lease.claim(), Some(lease.fence), fresh).await
    }

    /// Stores what the provider gave although the lease was lost, as long as nobody else has stored anything newer:
    /// after a rotation these are the only tokens that work.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn salvage(&self, claim: &Claim, fresh: &FreshTokens) -> Result<Commit, StoreError> {
        self.write_tokens(claim, None, fresh).await
    }

    /// Stores a refresh token that came without an access token: the one before it may be used up.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn keep(
        &self,
        lease: &Lease,
        refresh: &Sealed<RefreshToken>,
        retry_at: Timestamp,
    ) -> Result<Write, StoreError> {
        let request = self
            .held(lease)
            .update_expression(
                "SET refresh_token = :refresh, ver = ver + :one, retry_at = :retry REMOVE leased_until, intent",
            )
            .expression_attribute_values(":refresh", bytes(refresh.as_bytes()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":retry", time(retry_at));
        written(request.send().await)
    }

    async fn write_tokens(&self, claim: &Claim, fence: Option<u64>, fresh: &FreshTokens) -> Result<Commit, StoreError> {
        let place = &claim.place;
        let mut set = "SET access_token = :access, token_type = :type, issued_at = :issued, ver = ver + :one, \
                       last_commit = :attempt"
            .to_owned();
        let mut remove = "REMOVE leased_until, intent, failures, refusals, retry_at, grant_ended".to_owned();
        let mut request = self.update(place);
        let optional = [
            ("refresh_token", ":refresh", fresh.refresh.as_ref().map(|sealed| bytes(sealed.as_bytes()))),
            ("refresh_expires_at", ":refresh_expires", fresh.refresh_expires_at.map(time)),
            ("granted", ":granted", fresh.granted.as_ref().map(super::completion::list)),
        ];
        for (name, placeholder, value) in optional {
            if let Some(value) = value {
                set = format!("{set}, {name} = {placeholder}");
                request = request.expression_attribute_values(placeholder, value);
            }
        }
        for (name, placeholder, value) in
            [("expires_at", ":expires", fresh.expires_at), ("due_at", ":due", fresh.due_at)]
        {
            match value {
                Some(value) => {
                    set = format!("{set}, {name} = {placeholder}");
                    request = request.expression_attribute_values(placeholder, time(value));
                }
                None => remove = format!("{remove}, {name}"),
            }
        }
        if fresh.due_at.is_some() {
            set = format!("{set}, due_shard = :shard");
            request = request.expression_attribute_values(":shard", text(&due_shard(place)));
        } else {
            remove = format!("{remove}, due_shard");
        }
        let request = match fence {
            None => request.condition_expression("ver = :ver"),
            Some(fence) => request
                .condition_expression("ver = :ver AND fence = :fence")
                .expression_attribute_values(":fence", number(fence)),
        };
        let request = request
            .update_expression(format!("{set} {remove}"))
            .expression_attribute_values(":access", bytes(fresh.access.as_bytes()))
            .expression_attribute_values(":type", text(&fresh.token_type))
            .expression_attribute_values(":issued", time(fresh.issued_at))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":attempt", text(claim.attempt.as_str()))
            .expression_attribute_values(":ver", number(claim.version))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(Commit::Done),
            Err(error) => Ok(Commit::Refused(standing_item(&error)?.map(Box::new))),
        }
    }

    /// Gives the lease back after a failure, and says before when the provider is not to be asked again.
    ///
    /// `outcome_known`: the provider certainly did not spend the refresh token, so the intent is taken back too.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer. The lease ends by itself.
    pub async fn release(
        &self,
        lease: &Lease,
        failures: u32,
        refusals: u32,
        retry_at: Timestamp,
        outcome_known: bool,
    ) -> Result<Write, StoreError> {
        let remove = if outcome_known && !lease.follows_lost_attempt {
            "REMOVE leased_until, intent"
        } else {
            "REMOVE leased_until"
        };
        let mut set = "SET failures = :failures, refusals = :refusals, retry_at = :retry".to_owned();
        if lease.connection.tokens.due_at(0).is_some() {
            set.push_str(", due_at = :retry");
        }
        let request = self
            .held(lease)
            .update_expression(format!("{set} {remove}"))
            .expression_attribute_values(":failures", number(failures))
            .expression_attribute_values(":refusals", number(refusals))
            .expression_attribute_values(":retry", time(retry_at));
        written(request.send().await)
    }

    /// Declares the grant over. Only the holder of the lease may, and only for the version it held it on.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn end(&self, lease: &Lease, reason: EndReason) -> Result<Write, StoreError> {
        let request = self
            .held(lease)
            .update_expression(
                "SET grant_ended = :reason REMOVE leased_until, intent, failures, refusals, retry_at, due_shard, due_at",
            )
            .expression_attribute_values(":reason", text(reason.as_str()));
        written(request.send().await)
    }

    fn held(&self, lease: &Lease) -> UpdateItemFluentBuilder {
        self.update(&lease.connection.key)
            .condition_expression("ver = :ver AND fence = :fence")
            .expression_attribute_values(":ver", number(lease.connection.version))
            .expression_attribute_values(":fence", number(lease.fence))
    }

    fn update(&self, place: &ConnectionKey) -> UpdateItemFluentBuilder {
        let request = self.0.client.update_item().table_name(&self.0.name);
        request.set_key(Some(key(&pk(&place.user), &sk(&place.connector))))
    }
}

fn taken(connection: Connection, attempt: AttemptId, until: Timestamp, fence: u64, lost: bool) -> LeaseOutcome {
    LeaseOutcome::Taken(Box::new(Lease { connection, attempt, until, follows_lost_attempt: lost, fence }))
}

/// The item that a condition did not hold for; an error if it was anything else that failed.
fn standing_item<R>(error: &SdkError<UpdateItemError, R>) -> Result<Option<Connection>, StoreError> {
    if let SdkError::ServiceError(service) = error
        && let UpdateItemError::ConditionalCheckFailedException(refused) = service.err()
    {
        return refused.item().map(|item| read(&Row::read(item.clone())?)).transpose();
    }
    Err(failed(error))
}
