//! The one read behind every token: connection, connector and the workspace's policy together, across two tables, as they
//! are now.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::KeysAndAttributes};

use super::{
    connections, connectors,
    error::{StoreError, failed},
    policies,
    row::{Item, Row, name, text},
    table::{Rounds, TableNames, key},
    workspaces,
};
use crate::domain::{connection::Connection, connector::Connector, policy::Policy, user::ConnectionKey};

/// What a token depends on, as it is now.
#[derive(Debug)]
pub struct TokenRead {
    /// The connection, if there is one.
    pub connection: Option<Connection>,
    /// Its connector, if there is one.
    pub connector: Option<Connector>,
    /// What the workspace allows.
    pub policy: Policy,
}

/// Reads a connection together with its connector and what the workspace allows.
#[derive(Debug, Clone)]
pub struct TokenReads {
    client: Client,
    tables: TableNames,
}

impl TokenReads {
    /// Reads in the deployment's tables.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { client: client.clone(), tables: tables.clone() }
    }

    /// The connection at this place, its connector and the workspace's policy: one strongly consistent `BatchGetItem`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn find(&self, place: &ConnectionKey) -> Result<TokenRead, StoreError> {
        let owned_by = workspaces::pk(&place.workspace);
        let connection = connections::key_of(place);
        let connector = key(&owned_by, &connectors::sk(&place.connector));
        let policy = key(&owned_by, policies::SK);
        let mut wanted = HashMap::from([
            (self.tables.connections.clone(), asked([connection])?),
            (self.tables.registry.clone(), asked([connector, policy])?),
        ]);
        let mut items: HashMap<String, Vec<Item>> = HashMap::new();
        let mut rounds = Rounds::default();
        while !wanted.is_empty() {
            let request = self.client.batch_get_item().set_request_items(Some(wanted));
            let answer = request.send().await.map_err(|error| failed(&error))?;
            for (table, found) in answer.responses.unwrap_or_default() {
                items.entry(table).or_default().extend(found);
            }
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if !wanted.is_empty() {
                rounds.pause().await?;
            }
        }
        let mut found = |table: &str| items.remove(table).unwrap_or_default();
        let connection = found(&self.tables.connections).pop().map(Row::read).transpose()?;
        let of_policy = text(policies::SK);
        let (policy, connector): (Vec<Item>, Vec<Item>) =
            found(&self.tables.registry).into_iter().partition(|item| item.get(name::SK) == Some(&of_policy));
        let only = |items: Vec<Item>| items.into_iter().next().map(Row::read).transpose();
        Ok(TokenRead {
            connection: connection.map(|row| connections::read(&row)).transpose()?,
            connector: only(connector)?.map(|row| connectors::read(&row)).transpose()?,
            policy: only(policy)?.map(|row| policies::read(&row)).transpose()?.unwrap_or_default(),
        })
    }
}

fn asked(keys: impl IntoIterator<Item = Item>) -> Result<KeysAndAttributes, StoreError> {
    let asked = KeysAndAttributes::builder().set_keys(Some(keys.into_iter().collect())).consistent_read(true).build();
    asked.map_err(|_| StoreError::Refused("incomplete request".to_owned()))
}
