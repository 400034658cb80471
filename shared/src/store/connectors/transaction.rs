//! What is written of a connector is written as a whole, together with the decision that it comes of.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem},
};

use super::Connectors;
use crate::{
    domain::proposal::Verdict,
    store::{
        error::{Conditional, StoreError, failed},
        proposals::deciding,
        table::Rounds,
    },
};

const CONDITION: &str = "ConditionalCheckFailed";

/// What a transaction could not be written for.
pub(super) enum Obstacle {
    /// The first of its parts that speak of the connector whose condition did not hold.
    Part(usize),
    /// The proposal that it comes of does not wait any more: whatever else is wrong may be what came of it.
    Verdict,
}

impl Connectors {
    /// Writes all of it, and decides the proposal that it comes of in the same moment; or nothing. All connectors of a
    /// workspace meet at its count: if nothing is wrong but that somebody else wrote at that moment, it is tried again.
    pub(super) async fn write(
        &self,
        mut parts: Vec<TransactWriteItem>,
        verdict: Option<&Verdict>,
    ) -> Result<Result<(), Obstacle>, StoreError> {
        let of_connector = parts.len();
        parts.extend(verdict.map(|verdict| deciding(&self.registry, verdict)).transpose()?);
        let mut rounds = Rounds::default();
        loop {
            match self.registry.client.transact_write_items().set_transact_items(Some(parts.clone())).send().await {
                Ok(_) => return Ok(Ok(())),
                Err(SdkError::ServiceError(service)) if service.err().condition_failed() => {
                    return Ok(Err(obstacle(service.err(), of_connector)));
                }
                Err(SdkError::ServiceError(service)) if is_crossed(service.err()) => rounds.pause().await?,
                Err(error) => return Err(failed(&error)),
            }
        }
    }
}

fn obstacle(error: &TransactWriteItemsError, of_connector: usize) -> Obstacle {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        return Obstacle::Part(usize::MAX);
    };
    let reasons = cancelled.cancellation_reasons();
    let is_failing = |reason: &CancellationReason| reason.code() == Some(CONDITION);
    if reasons.iter().skip(of_connector).any(is_failing) {
        return Obstacle::Verdict;
    }
    Obstacle::Part(reasons.iter().position(is_failing).unwrap_or(usize::MAX))
}

/// Whether nothing was wrong but that somebody else wrote at the same moment.
fn is_crossed(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return false };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("TransactionConflict"))
}
