//! How many sessions were begun, counted by the minute: by one user, and in one app by all of them together. A session
//! costs a key, two writes and ten minutes of space, and a backend can begin them for anybody.

use std::time::Duration;

use aws_sdk_dynamodb::{Client, error::ProvideErrorMetadata};
use jiff::Timestamp;

use super::{
    error::{StoreError, failed},
    row::number,
    table::{Table, TableNames, key},
};
use crate::domain::{
    ids::{AppId, WorkspaceId},
    user::{ConnectionKey, Owner, User},
};

/// How many sessions one user may begin in a minute: with every connector of an app, and again because a tab was closed.
pub const MOST_BY_USER: u64 = 60;

/// How many may be begun in an app in a minute, by all of its users.
pub const MOST_IN_APP: u64 = 1_200;

/// What is counted together.
const WINDOW: i64 = 60;

const COUNT: &str = "COUNT";

/// The sessions that were begun lately.
#[derive(Debug, Clone)]
pub struct Starts(Table);

/// Whether one more may be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It may, and is counted.
    Counted,
    /// Not before this time has passed.
    TooMany(Duration),
}

impl Starts {
    /// What is counted in the deployment's table of sessions.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.sessions))
    }

    /// Counts one more session on the way to this place. One write each for the user and for the app; who was refused as a
    /// user does not count for the app. The admins of a workspace together may begin as many as one user.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn count(&self, place: &ConnectionKey, now: Timestamp) -> Result<Start, StoreError> {
        let minute = now.as_second().div_euclid(WINDOW);
        let counted = match &place.owner {
            Owner::User(user) => {
                self.add(&of_user(user), minute, MOST_BY_USER).await?
                    && self.add(&of_app(&user.app), minute, MOST_IN_APP).await?
            }
            Owner::Workspace => self.add(&of_workspace(&place.workspace), minute, MOST_BY_USER).await?,
        };
        if counted {
            return Ok(Start::Counted);
        }
        let left = (minute + 1) * WINDOW - now.as_second();
        Ok(Start::TooMany(Duration::from_secs(u64::try_from(left).unwrap_or(1))))
    }

    async fn add(&self, counted: &str, minute: i64, at_most: u64) -> Result<bool, StoreError> {
        let request = self.0.client.update_item().table_name(&self.0.name);
        let request = request
            .set_key(Some(key(&format!("{counted}#{minute}"), COUNT)))
            .update_expression("SET #ttl = :ends ADD begun :one")
            .condition_expression("attribute_not_exists(begun) OR begun < :most")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ends", number((minute + 2) * WINDOW))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(at_most));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn of_user(user: &User) -> String {
    format!("STARTS#{}#{}", user.app, user.digest())
}

fn of_workspace(workspace: &WorkspaceId) -> String {
    format!("STARTS#SHARED#{workspace}")
}

fn of_app(app: &AppId) -> String {
    format!("STARTS#{app}")
}
