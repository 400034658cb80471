//! How grants came to their end: some providers end those of an app after a few days, until they have reviewed it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    connection::{Connection, EndReason, Grant},
    finding::{Finding, FindingCode, Severity},
    provider::Provider,
};

/// How many must have ended so: one or two people may have taken theirs back.
const SEVERAL: usize = 3;

/// How much earlier than told a grant may end: the provider counts from another moment.
const EARLIER: SignedDuration = SignedDuration::from_hours(12);

/// How much later the end may be noticed: at the next refresh, or the next use.
const LATER: SignedDuration = SignedDuration::from_hours(36);

/// What is to be said of how a connector's grants ended, where the provider's data knows of such an end.
pub(super) fn findings(provider: &Provider, connections: &[Connection]) -> Option<Finding> {
    let days = provider.refresh.testing_days?;
    let life = SignedDuration::try_from(Duration::from_hours(u64::from(days) * 24)).ok()?;
    let ended = connections.iter().filter(|connection| has_ended_at(connection, life)).count();
    // One that was refreshed after so long shows that grants of this app live on.
    let outlived = |connection: &Connection| age(connection, connection.tokens.issued_at) > life + LATER;
    (ended >= SEVERAL && !connections.iter().any(outlived)).then(|| finding(days, ended))
}

fn has_ended_at(connection: &Connection, life: SignedDuration) -> bool {
    let Grant::Ended { reason: EndReason::RefreshRejected, at: Some(at) } = connection.grant else { return false };
    let age = age(connection, at);
    age >= life - EARLIER && age <= life + LATER
}

fn age(connection: &Connection, at: Timestamp) -> SignedDuration {
    at.duration_since(connection.connected_at)
}

fn finding(days: u32, ended: usize) -> Finding {
    Finding::new(
        Severity::Error,
        FindingCode::GrantsEndEarly,
        format!("{ended} connections were ended by the provider about {days} days after people had connected."),
        format!(
            "The provider ends every grant of an app after {days} days for as long as it takes the app for one that is \
             being tested. People have to connect again each time."
        ),
        "Publish the app at the provider, and have it verified there if its scopes ask for that. Then have these people \
         connect once more.",
    )
}
