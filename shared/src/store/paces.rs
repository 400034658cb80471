//! How fast one connector's refreshes go, all processes together: each draws the next free moment from one item. The
//! generic cell rate algorithm, with the theoretical arrival time as the only attribute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;

use super::{
    error::{StoreError, failed},
    healths::pk,
    row::{Item, LAYOUT, Row, name, number, time},
    table::{Table, TableNames, key},
};
use crate::domain::ids::ConnectorId;

pub(super) const PACE: &str = "PACE";

/// How many connectors' last known moments are remembered.
const MOST_REMEMBERED: usize = 1_024;

/// How far two clocks may be apart, with much to spare.
const CLOCK_DRIFT: Duration = Duration::from_mins(1);

/// The paces of connectors.
#[derive(Debug, Clone)]
pub struct Paces {
    table: Table,
    known: Arc<Mutex<HashMap<ConnectorId, Timestamp>>>,
    first: Arc<tokio::sync::Mutex<()>>,
}

/// A limit on how often something happens.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The time between two, in the long run.
    pub interval: Duration,
    /// How much of what was not used before may be made up for.
    pub burst: Duration,
    /// How far ahead a moment may be drawn.
    pub ahead: Duration,
}

impl Pace {
    /// The latest moment that can have been drawn by a clock that is about right. What is later was drawn by one that was
    /// not, and would keep everybody waiting until then.
    fn latest(self, now: Timestamp) -> Timestamp {
        after(now, self.ahead + self.interval + CLOCK_DRIFT)
    }
}

/// What was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// This moment; in the past if there is nothing to wait for.
    At(Timestamp),
    /// Every moment near enough is taken.
    Taken,
}

impl Paces {
    /// Paces in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { table: Table::new(client, &tables.connections), known: Arc::default(), first: Arc::default() }
    }

    /// Draws the next moment of a connector. One write, as long as what this process knows of the others is not outdated;
    /// else two.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn draw(&self, connector: &ConnectorId, pace: Pace, now: Timestamp) -> Result<Slot, StoreError> {
        let begin = before(now, pace.burst);
        let is_busy = || self.known(connector).is_some_and(|next| next >= begin);
        if !is_busy() {
            // The messages of a batch come at once: one finds out where the connector is, the others draw behind it.
            let _turn = self.first.lock().await;
            if !is_busy() {
                return match self.draw_first(connector, pace, now).await? {
                    Drawn::Slot(at) => Ok(Slot::At(at)),
                    Drawn::Refused(_) => Ok(self.draw_behind(connector, pace, now).await?.slot()),
                };
            }
        }
        match self.draw_behind(connector, pace, now).await? {
            Drawn::Slot(at) => Ok(Slot::At(at)),
            Drawn::Refused(Some(next)) if next > after(now, pace.ahead) && next <= pace.latest(now) => Ok(Slot::Taken),
            Drawn::Refused(_) => Ok(self.draw_first(connector, pace, now).await?.slot()),
        }
    }

    /// The first moment after a while without any, or after one that no clock which is right has drawn.
    async fn draw_first(&self, connector: &ConnectorId, pace: Pace, now: Timestamp) -> Result<Drawn, StoreError> {
        let begin = before(now, pace.burst);
        let request = self
            .update(connector)
            .update_expression("SET next_at = :next, v = :layout")
            .condition_expression("attribute_not_exists(next_at) OR next_at < :begin OR next_at > :latest")
            .expression_attribute_values(":latest", time(pace.latest(now)))
            .expression_attribute_values(":next", time(after(begin, pace.interval)))
            .expression_attribute_values(":layout", number(LAYOUT))
            .expression_attribute_values(":begin", time(begin));
        self.drawn(connector, pace, request).await
    }

    /// The moment behind the last one that was drawn.
    async fn draw_behind(&self, connector: &ConnectorId, pace: Pace, now: Timestamp) -> Result<Drawn, StoreError> {
        let interval = u64::try_from(pace.interval.as_millis()).unwrap_or(u64::MAX);
        let request = self
            .update(connector)
            .update_expression("SET next_at = next_at + :interval")
            .condition_expression("next_at >= :begin AND next_at <= :end")
            .expression_attribute_values(":interval", number(interval))
            .expression_attribute_values(":begin", time(before(now, pace.burst)))
            .expression_attribute_values(":end", time(after(now, pace.ahead)));
        self.drawn(connector, pace, request).await
    }

    async fn drawn(
        &self,
        connector: &ConnectorId,
        pace: Pace,
        request: UpdateItemFluentBuilder,
    ) -> Result<Drawn, StoreError> {
        let request = request
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(answer) => {
                let next = self.learn(connector, answer.attributes)?;
                let next = next.ok_or(StoreError::Unreadable(name::NEXT_AT))?;
                Ok(Drawn::Slot(before(next, pace.interval)))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Drawn::Refused(self.learn(connector, refused.item.clone())?))
                }
                _ => Err(failed(&error)),
            },
        }
    }

    fn learn(&self, connector: &ConnectorId, item: Option<Item>) -> Result<Option<Timestamp>, StoreError> {
        let next = item.map(|item| Row::of_index(item).find_time(name::NEXT_AT)).transpose()?.flatten();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.extend(next.map(|next| (connector.clone(), next)));
        Ok(next)
    }

    fn known(&self, connector: &ConnectorId) -> Option<Timestamp> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(connector).copied()
    }

    fn update(&self, connector: &ConnectorId) -> UpdateItemFluentBuilder {
        let request = self.table.client.update_item().table_name(&self.table.name);
        request.set_key(Some(key(&pk(connector), PACE)))
    }
}

enum Drawn {
    Slot(Timestamp),
    Refused(Option<Timestamp>),
}

impl Drawn {
    /// Whoever lost twice comes another time.
    fn slot(self) -> Slot {
        match self {
            Self::Slot(at) => Slot::At(at),
            Self::Refused(_) => Slot::Taken,
        }
    }
}

fn before(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn after(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}
