//! Grants that come from elsewhere: each becomes a connection by one conditional write, so that none takes the place of
//! another unless that is wished, and none comes twice.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
    types::TransactWriteItem,
};
use jiff::{Timestamp, civil::Date};

use super::{
    completion::{Form, NewGrant, failing, grant_at, incomplete},
    connection_counts::{Tally, count_one_more},
    connections::{is_contended, partition, read, sk},
    ended_grants::left_with,
    ended_imports::{self, EndedImport, not_noted},
    endings,
    error::{StoreError, failed},
    forgotten_users::not_forgotten_since,
    outbox::told_with,
    row::{NewItem, bytes, name, number},
    table::{Table, TableNames},
};
use crate::domain::{
    connection::Connection,
    ended::EndedGrant,
    event::{Event, EventKind},
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
    /// The day on which its tokens were last used, if that is known.
    pub last_used_on: Option<Date>,
    /// What is told and noted of it, if it is a new one; of one that takes another's place, the same as of one that is renewed.
    pub told: &'a Notice,
    /// Whether nobody relies on its access token before a refresh has shown that it works.
    pub unproven: bool,
    /// What stands there and makes room for it; `None` if it is to be new.
    pub replaces: Option<Replaced>,
    /// When it comes: later than whatever was seen before it came.
    pub imported_at: Timestamp,
    /// When the import began. A user who was forgotten since then stays forgotten.
    pub began_at: Timestamp,
    /// Where it is counted if nothing stands there yet.
    pub tally: Tally,
}

/// A connection that makes room for a grant.
#[derive(Debug)]
pub struct Replaced {
    /// The version of it that was seen.
    pub version: u64,
    /// What is left to be ended of its grant, if that is not the same one.
    pub ended: Option<EndedGrant>,
}

/// What became of a grant on its way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is a connection.
    Done,
    /// Something stands there that it does not replace, it has ended here before, or the user was forgotten since the import began.
    Conflict,
    /// Somebody else wrote in the same place, or counted, in this moment.
    Contended,
    /// It would be one connection more, and the workspace's plan has no room for it.
    Full,
}

/// What stands at a place already.
#[derive(Debug)]
pub enum Standing {
    /// This very grant, imported before; it may have been refreshed since.
    Imported,
    /// Whatever is there: this very grant came before, and has ended here since.
    Ended,
    /// Another.
    Other(Box<Connection>),
    /// Something that can't be read. It is left as it is.
    Unreadable,
}

impl Imports {
    /// Imports into the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Stores a grant. Its connection's version and fence go up: a refresh of what stood there changes nothing any more.
    /// One that was not there is counted in the same moment; one that was is not.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn store(&self, import: &Import<'_>) -> Result<Arrival, StoreError> {
        let form = if import.replaces.is_some() { Form::Renewed } else { Form::New };
        match self.store_as(import, form).await {
            Ok(_) => Ok(Arrival::Done),
            Err(error) => match failed_at(&error) {
                Some(COUNT) if form == Form::New => Ok(Arrival::Full),
                Some(_) => Ok(Arrival::Conflict),
                None if is_contended(&error) => Ok(Arrival::Contended),
                None => Err(failed(&error)),
            },
        }
    }

    async fn store_as(
        &self,
        import: &Import<'_>,
        form: Form,
    ) -> Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>> {
        let told = match form {
            Form::New => import.told.clone(),
            Form::Renewed => renewed(import.told.clone()),
        };
        let note = not_noted(&self.0.name, &import.digest);
        let mut parts = vec![self.connection(import, form), note, told_with(&self.0.name, &told)];
        if let Owner::User(user) = &import.place.owner {
            parts.push(not_forgotten_since(&self.0.name, user, import.began_at));
        }
        if let Some(ended) = import.replaces.as_ref().and_then(|replaced| replaced.ended.as_ref()) {
            parts.push(left_with(&self.0.name, ended));
        }
        if form == Form::New {
            parts.insert(COUNT, count_one_more(&self.0.name, &import.place.workspace, import.tally));
        }
        let parts: Result<Vec<_>, _> = parts.into_iter().collect();
        let parts = parts.map_err(SdkError::construction_failure)?;
        self.0.client.transact_write_items().set_transact_items(Some(parts)).send().await
    }

    /// Lets go of the note that a grant has ended.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn let_go(&self, ended: &EndedImport) -> Result<(), StoreError> {
        endings::finish(&self.0, &ended.due, ended.due_at).await.map(|_| ())
    }

    fn connection(&self, import: &Import<'_>, form: Form) -> Result<TransactWriteItem, StoreError> {
        let more = NewItem::bare()
            .bytes(name::IMPORTED, &import.digest)
            .time(name::IMPORTED_AT, import.imported_at)
            .maybe(import.last_used_on, |item, day| item.text(name::LAST_USED_ON, &day.to_string()));
        let more = if import.unproven { more.flag(name::UNPROVEN, true) } else { more };
        let more = if form == Form::New { more.flag(name::COUNTED, true) } else { more };
        let update = grant_at(&self.0.name, import.place, &import.grant, more);
        let update = match &import.replaces {
            None => update.condition_expression("attribute_not_exists(pk)"),
            Some(replaced) => update
                .condition_expression(
                    "ver = :seen AND (attribute_not_exists(imported_digest) OR imported_digest <> :same)",
                )
                .expression_attribute_values(":seen", number(replaced.version))
                .expression_attribute_values(":same", bytes(&import.digest)),
        };
        Ok(TransactWriteItem::builder().update(update.build().map_err(|_| incomplete())?).build())
    }

    /// What stands at a place, as seen by who would import this grant there.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn standing(&self, place: &ConnectionKey, digest: &[u8; 32]) -> Result<Option<Standing>, StoreError> {
        let note = ended_imports::place(digest);
        if self.0.find(&note.pk, &note.sk).await?.is_some() {
            return Ok(Some(Standing::Ended));
        }
        let row = match self.0.find(&partition(place), &sk(&place.connector)).await {
            Ok(None) => return Ok(None),
            Ok(Some(row)) => row,
            // Whatever it is, it stands there.
            Err(StoreError::Unreadable(_)) => return Ok(Some(Standing::Unreadable)),
            Err(error) => return Err(error),
        };
        if row.find_bytes(name::IMPORTED).is_ok_and(|known| known == Some(digest.as_slice())) {
            return Ok(Some(Standing::Imported));
        }
        Ok(Some(read(&row).map_or(Standing::Unreadable, |connection| Standing::Other(Box::new(connection)))))
    }
}

/// What is told of a grant that takes another's place. It is noted as an import all the same.
fn renewed(told: Notice) -> Notice {
    let event = told.event.map(|event| Event { kind: EventKind::ConnectionReconnected, ..event });
    Notice { event, ..told }
}

/// Where a new connection is counted in the transaction. The connection itself comes first, and whether it may come again: where that is
/// decided, room does not matter.
const COUNT: usize = 2;

fn failed_at<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<usize> {
    error.as_service_error().and_then(failing)
}
