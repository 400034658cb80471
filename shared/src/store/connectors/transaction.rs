//! What is written of a connector is written as a whole, together with the decision that it comes of.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::Connectors;
use crate::{
    domain::proposal::Verdict,
    store::{error::StoreError, outbox::told_with, proposals::deciding},
};

/// What a transaction could not be written for.
pub(super) enum Obstacle {
    /// The first of its parts that speak of the connector whose condition did not hold.
    Part(usize),
    /// The proposal that it comes of does not wait any more: whatever else is wrong may be what came of it.
    Verdict,
}

impl Connectors {
    /// Writes all of it, and decides the proposal that it comes of in the same moment; or nothing. All connectors of a
    /// workspace meet at its count, so that somebody else may write at that moment.
    pub(super) async fn write(
        &self,
        mut parts: Vec<TransactWriteItem>,
        verdict: Option<&Verdict>,
    ) -> Result<Result<(), Obstacle>, StoreError> {
        let of_connector = parts.len();
        if let Some(verdict) = verdict {
            parts.push(deciding(&self.registry, verdict)?);
            parts.push(told_with(&self.connections, &verdict.told)?);
        }
        let written = Box::pin(self.registry.write_all(parts)).await?;
        Ok(written.map_err(
            |unmet| {
                if unmet.is_from(of_connector) { Obstacle::Verdict } else { Obstacle::Part(unmet.first()) }
            },
        ))
    }
}
