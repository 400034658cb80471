//! How connectors' providers do: one small item per connector, in the table of connections because whoever refreshes may
//! write there. It exists only where something went wrong.

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue, TransactWriteItem, Update},
};
use jiff::Timestamp;

use super::{
    checkups::CHECKUP,
    error::{StoreError, Write, failed, written},
    outbox::told_with,
    paces::PACE,
    row::{Item, LAYOUT, Row, name, number, text, time},
    table::{Table, TableNames, key},
};
use crate::domain::{
    health::{ClientRefusal, FAILING_TO_OPEN, Health},
    ids::ConnectorId,
    notice::Notice,
    user::ConnectionKey,
};

const HEALTH: &str = "HEALTH";

/// Whether a refusal of the client is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Nobody knew of it since the connector is as it is.
    ForTheFirstTime,
    /// It was noted before.
    Again,
}

/// What everybody knows of connectors' providers.
#[derive(Debug, Clone)]
pub struct Healths(Table);

impl Healths {
    /// Healths in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// What is known of a connector's provider; nothing noted means that all is well.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, connector: &ConnectorId) -> Result<Health, StoreError> {
        let row = self.0.find(&pk(connector), HEALTH).await?;
        row.map_or_else(|| Ok(Health::default()), |row| read(&row))
    }

    /// Lets go of everything that is known of a connector's provider, of its pace, and of what the doctor found.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn forget(&self, connector: &ConnectorId) -> Result<(), StoreError> {
        for sk in [HEALTH, PACE, CHECKUP] {
            self.0.delete(&pk(connector), sk).await?;
        }
        Ok(())
    }

    /// Counts a connection whose refresh failed; one that is counted already counts once.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn count_failure(&self, of: &ConnectionKey) -> Result<Health, StoreError> {
        let request = self
            .update(&of.connector)
            .update_expression("SET v = :layout ADD failing :failing")
            .condition_expression("attribute_not_exists(failing) OR size(failing) < :enough OR contains(failing, :one)")
            .expression_attribute_values(":layout", number(LAYOUT))
            .expression_attribute_values(":failing", AttributeValue::Ss(vec![short(of)]))
            .expression_attribute_values(":one", text(&short(of)))
            .expression_attribute_values(":enough", number(u64::try_from(FAILING_TO_OPEN).unwrap_or(u64::MAX)))
            .return_values(ReturnValue::AllNew);
        match request.send().await {
            Ok(answer) => read(&Row::read(answer.attributes.unwrap_or_default())?),
            Err(error) if is_refused(&error) => self.find(&of.connector).await,
            Err(error) => Err(failed(&error)),
        }
    }

    /// Lets the provider rest until then, unless somebody else has decided about it since it was `seen`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn open(&self, connector: &ConnectorId, seen: &Health, until: Timestamp) -> Result<Write, StoreError> {
        let request = self
            .update(connector)
            .update_expression("SET open_until = :until, openings = :openings, v = :layout")
            .expression_attribute_values(":until", time(until))
            .expression_attribute_values(":openings", number(seen.openings.saturating_add(1)))
            .expression_attribute_values(":layout", number(LAYOUT));
        let request = match seen.open_until {
            None => request.condition_expression("attribute_not_exists(open_until)"),
            Some(seen) => {
                request.condition_expression("open_until = :seen").expression_attribute_values(":seen", time(seen))
            }
        };
        written(request.send().await)
    }

    /// Claims the one try that finds out whether the provider is back, or gives it back: until then nobody else has it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn claim_probe(
        &self,
        connector: &ConnectorId,
        seen: Timestamp,
        until: Timestamp,
    ) -> Result<Write, StoreError> {
        let request = self
            .update(connector)
            .update_expression("SET open_until = :until")
            .condition_expression("open_until = :seen")
            .expression_attribute_values(":until", time(until))
            .expression_attribute_values(":seen", time(seen));
        written(request.send().await)
    }

    /// Notes that the provider does not accept the connector's client; the first time since the connector is as it is, with
    /// what is told of that.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_refusal(
        &self,
        connector: &ConnectorId,
        refusal: &ClientRefusal,
        told: &Notice,
    ) -> Result<Refused, StoreError> {
        let values = Item::from([
            (":refusal".to_owned(), text(&refusal.error)),
            (":status".to_owned(), number(refusal.status)),
            (":at".to_owned(), time(refusal.at)),
            (":revision".to_owned(), number(refusal.revision)),
            (":layout".to_owned(), number(LAYOUT)),
        ]);
        let again = self.update(connector).update_expression(REFUSAL).condition_expression(AGAIN);
        let again = again.set_expression_attribute_values(Some(values.clone()));
        if written(again.send().await)? == Write::Done {
            return Ok(Refused::Again);
        }
        let first = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key(&pk(connector), HEALTH)))
            .update_expression(REFUSAL)
            .condition_expression(format!("NOT ({AGAIN})"))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
        let request = self.0.client.transact_write_items();
        let request = request
            .transact_items(TransactWriteItem::builder().update(first).build())
            .transact_items(told_with(&self.0.name, told)?);
        Ok(match written(request.send().await)? {
            Write::Done => Refused::ForTheFirstTime,
            // Somebody else was told the same in this moment.
            Write::Conflict => Refused::Again,
        })
    }

    /// Notes that the provider gives bound tokens only (RFC 9449), which its metadata did not say.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_bound(&self, connector: &ConnectorId, now: Timestamp) -> Result<(), StoreError> {
        let request = self
            .update(connector)
            .update_expression("SET bound_since = if_not_exists(bound_since, :at), v = :layout")
            .expression_attribute_values(":at", time(now))
            .expression_attribute_values(":layout", number(LAYOUT));
        written(request.send().await).map(|_| ())
    }

    /// Whether the provider is known to give bound tokens only.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn is_bound(&self, connector: &ConnectorId) -> Result<bool, StoreError> {
        let row = self.0.find(&pk(connector), HEALTH).await?;
        Ok(row.map(|row| row.find_time(name::BOUND_SINCE)).transpose()?.flatten().is_some())
    }

    /// All is well again.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn clear(&self, connector: &ConnectorId) -> Result<(), StoreError> {
        let request = self
            .update(connector)
            .update_expression(
                "REMOVE failing, openings, open_until, refusal, refusal_status, refused_at, refused_revision",
            )
            .condition_expression("attribute_exists(pk)");
        written(request.send().await).map(|_| ())
    }

    fn update(&self, connector: &ConnectorId) -> UpdateItemFluentBuilder {
        let request = self.0.client.update_item().table_name(&self.0.name);
        request.set_key(Some(key(&pk(connector), HEALTH)))
    }
}

/// How a refusal is written down.
const REFUSAL: &str = "SET refusal = :refusal, refusal_status = :status, refused_at = :at, \
                       refused_revision = :revision, v = :layout";

/// What is there if the same was refused before.
const AGAIN: &str = "attribute_exists(refused_revision) AND refused_revision = :revision";

/// The partition of what belongs to a connector as a whole.
pub(super) fn pk(connector: &ConnectorId) -> String {
    format!("CONNECTOR#{connector}")
}

/// Enough of a connection's id to tell it from the few others that are counted.
fn short(of: &ConnectionKey) -> String {
    of.id().as_str().chars().rev().take(12).collect()
}

fn is_refused<R>(
    error: &aws_sdk_dynamodb::error::SdkError<aws_sdk_dynamodb::operation::update_item::UpdateItemError, R>,
) -> bool {
    error
        .as_service_error()
        .is_some_and(aws_sdk_dynamodb::operation::update_item::UpdateItemError::is_conditional_check_failed_exception)
}

fn read(row: &Row) -> Result<Health, StoreError> {
    let refusal = match row.find_text(name::REFUSAL)? {
        None => None,
        Some(error) => Some(ClientRefusal {
            error: error.to_owned(),
            status: row.number(name::REFUSAL_STATUS)?,
            at: row.time(name::REFUSED_AT)?,
            revision: row.number(name::REFUSED_REVISION)?,
        }),
    };
    Ok(Health {
        failing: row.count(name::FAILING)?,
        openings: row.find_number(name::OPENINGS)?.unwrap_or(0),
        open_until: row.find_time(name::OPEN_UNTIL)?,
        refusal,
    })
}
