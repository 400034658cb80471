//! Grants that come from elsewhere: each becomes a connection by one conditional write, so that none takes the place of
//! another unless that is wished, and none comes twice.

use aws_sdk_dynamodb::{Client, types::TransactWriteItem};
use jiff::Timestamp;

use super::{
    completion::{NewGrant, grant_at, incomplete},
    connections::{partition, sk},
    error::{StoreError, Write, written},
    forgotten_users::not_forgotten_since,
    outbox::told_with,
    row::{NewItem, bytes, name},
    table::{Table, TableNames},
};
use crate::domain::{
    notice::Notice,
    user::{ConnectionKey, Owner},
};

/// Imports into the table of connections.
#[derive(Debug, Clone)]
pub struct Imports(Table);

/// A grant on its way in.
#[derive(Debug)]
pub struct Import<'a> {
    /// Where it is to stand.
    pub place: &'a ConnectionKey,
    /// The grant.
    pub grant: NewGrant,
    /// What tells it from other grants at that place.
    pub digest: [u8; 32],
    /// What is told of it.
    pub told: &'a Notice,
    /// Whether nobody relies on its access token before a refresh has shown that it works.
    pub unproven: bool,
    /// Whether it takes the place of what stands there.
    pub replaces: bool,
    /// When the import began. A user who was forgotten since then stays forgotten.
    pub began_at: Timestamp,
}

/// What stands at a place already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This very grant, imported before; it may have been refreshed since.
    Imported,
    /// Another.
    Other,
}

impl Imports {
    /// Imports into the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Stores a grant. Its connection's version and fence go up: a refresh of what stood there changes nothing any more.
    /// [`Write::Conflict`] if something stands there that it does not replace, or the user was forgotten since it began.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn store(&self, import: &Import<'_>) -> Result<Write, StoreError> {
        let more = NewItem::bare().bytes(name::IMPORTED, &import.digest);
        let more = if import.unproven { more.flag(name::UNPROVEN, true) } else { more };
        let update = grant_at(&self.0.name, import.place, &import.grant, more);
        let update = if import.replaces {
            let digest = bytes(&import.digest);
            let update =
                update.condition_expression("attribute_not_exists(imported_digest) OR imported_digest <> :same");
            update.expression_attribute_values(":same", digest)
        } else {
            update.condition_expression("attribute_not_exists(ver)")
        };
        let update = update.build().map_err(|_| incomplete())?;
        let request = self.0.client.transact_write_items();
        let request = request.transact_items(TransactWriteItem::builder().update(update).build());
        let request = request.transact_items(told_with(&self.0.name, import.told)?);
        let request = match &import.place.owner {
            Owner::User(user) => request.transact_items(not_forgotten_since(&self.0.name, user, import.began_at)?),
            Owner::Workspace => request,
        };
        written(request.send().await)
    }

    /// What stands at a place, as seen by who would import this grant there.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn standing(&self, place: &ConnectionKey, digest: &[u8; 32]) -> Result<Option<Standing>, StoreError> {
        let row = match self.0.find(&partition(place), &sk(&place.connector)).await {
            Ok(None) => return Ok(None),
            Ok(Some(row)) => row,
            // Whatever it is, it stands there.
            Err(StoreError::Unreadable(_)) => return Ok(Some(Standing::Other)),
            Err(error) => return Err(error),
        };
        let is_same = row.find_bytes(name::IMPORTED)? == Some(digest.as_slice());
        Ok(Some(if is_same { Standing::Imported } else { Standing::Other }))
    }
}
