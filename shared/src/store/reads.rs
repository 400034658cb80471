//! The one read behind every token: connection and connector together, across two tables, as they are now.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::KeysAndAttributes};

use super::{
    connections, connectors,
    error::{StoreError, failed},
    row::{Item, Row},
    table::{Rounds, TableNames, key},
    workspaces,
};
use crate::domain::{connection::Connection, connector::Connector, user::ConnectionKey};

/// Reads a connection together with its connector.
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

    /// The connection at this place and its connector: one strongly consistent `BatchGetItem`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn find(&self, place: &ConnectionKey) -> Result<(Option<Connection>, Option<Connector>), StoreError> {
        let connection = connections::key_of(place);
        let connector = key(&workspaces::pk(&place.workspace), &connectors::sk(&place.connector));
        let mut wanted = HashMap::from([
            (self.tables.connections.clone(), asked(connection)?),
            (self.tables.registry.clone(), asked(connector)?),
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
        let mut only = |table: &str| items.remove(table).and_then(|mut found| found.pop()).map(Row::read).transpose();
        let connection = only(&self.tables.connections)?.map(|row| connections::read(&row)).transpose()?;
        let connector = only(&self.tables.registry)?.map(|row| connectors::read(&row)).transpose()?;
        Ok((connection, connector))
    }
}

fn asked(key: Item) -> Result<KeysAndAttributes, StoreError> {
    let asked = KeysAndAttributes::builder().keys(key).consistent_read(true).build();
    asked.map_err(|_| StoreError::Refused("incomplete request".to_owned()))
}
