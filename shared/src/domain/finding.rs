//! What the doctor finds about a connector: what is wrong, why it matters and what to do, in our own words. No text of a
//! provider and no secret is ever in one.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{digest::sha256, ids::ConnectorId};

/// How long after one examination of a connector the next may begin: each presents the client at its provider.
pub const BETWEEN_EXAMINATIONS: Duration = Duration::from_mins(1);

/// The part of the night (UTC) over which all connectors are spread, in seconds from midnight.
const NIGHT: u32 = 6 * 3_600;

/// What was found this shortly before its time is not looked for again that night.
const RECENT: Duration = Duration::from_hours(6);

/// One thing that a person should know about a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What programs go by.
    pub code: FindingCode,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do about it.
    pub what_to_do: String,
    /// Where it lies: a JSON pointer (RFC 6901) into the connector, or into the data of its provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nobody can connect, or tokens can't be refreshed.
    Error,
    /// Something does not work for all, or will soon not work.
    Warning,
    /// Something to know.
    Info,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// Nobody has connected yet: this is what must be registered.
    RegisterRedirectUri,
    /// The provider registers no such redirect URI.
    RedirectUriForbidden,
    /// The provider says that the redirect URI is not registered.
    RedirectUriNotRegistered,
    /// The guard of outgoing requests does not let an endpoint pass.
    EndpointBlocked,
    /// An endpoint's host has no address.
    EndpointUnknownHost,
    /// An endpoint's TLS is not sound.
    EndpointTls,
    /// Nothing answers where an endpoint should be.
    EndpointUnreachable,
    /// An endpoint's host does not answer in time.
    EndpointTimeout,
    /// The issuer has no metadata that can be read.
    MetadataMissing,
    /// The metadata is another issuer's.
    MetadataOfAnotherIssuer,
    /// The metadata names another endpoint than the one in use.
    EndpointMoved,
    /// Nothing that is asked for makes the provider give a refresh token.
    NoRefreshToken,
    /// The metadata and the data disagree about PKCE.
    PkceMismatch,
    /// The provider has no such scope.
    UnknownScope,
    /// The provider does not accept the client.
    ClientRejected,
    /// Grants end after a few days: the provider takes the app for one that is being tested.
    GrantsEndEarly,
    /// The client secret ends soon.
    ClientSecretExpires,
    /// The client secret has ended.
    ClientSecretExpired,
}

/// One examination of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkup {
    /// When it was examined.
    pub checked_at: Timestamp,
    /// The connector's revision that was examined.
    pub revision: u64,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// What the issuer's metadata names that the connector does not follow, by a digest: it is told once.
    pub offered: Option<String>,
}

impl Finding {
    /// A finding: `what` was found, `why` it matters and `what_to_do`.
    #[must_use]
    pub fn new(
        severity: Severity,
        code: FindingCode,
        what: impl Into<String>,
        why: impl Into<String>,
        what_to_do: impl Into<String>,
    ) -> Self {
        Self { code, severity, what: what.into(), why: why.into(), what_to_do: what_to_do.into(), field: None }
    }

    /// With where it lies: a JSON pointer.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }
}

/// When a connector is to be examined next, if nobody asks before: at its own moment of the night.
#[must_use]
pub fn next_examination(connector: &ConnectorId, now: Timestamp) -> Timestamp {
    let [a, b, c, d, ..] = sha256(connector.as_str().as_bytes());
    let moment = Duration::from_secs(u64::from(u32::from_be_bytes([a, b, c, d]) % NIGHT));
    let midnight = |at: Timestamp| at.to_zoned(TimeZone::UTC).start_of_day().map_or(at, |day| day.timestamp());
    let not_before = now.checked_add(RECENT).unwrap_or(Timestamp::MAX);
    let tonight = midnight(not_before).checked_add(moment).unwrap_or(Timestamp::MAX);
    let tomorrow = || tonight.checked_add(Duration::from_hours(24)).unwrap_or(Timestamp::MAX);
    if tonight >= not_before { tonight } else { tomorrow() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connector_is_examined_once_a_night_at_a_moment_of_its_own() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let id = |number: u32| ConnectorId::of_ulid(&format!("01ARZ3NDEKTSV4RRFF{number:08}"));
        let moments: Vec<Timestamp> = (0..100).map(|number| next_examination(&id(number), now)).collect();
        let (first, last) = (moments.iter().min().unwrap(), moments.iter().max().unwrap());
        assert!(*first >= "2026-11-23T00:00:00Z".parse().unwrap() && *last < "2026-11-23T06:00:00Z".parse().unwrap());
        assert!(last.duration_since(*first).as_hours() >= 5, "they are spread");
        for (number, moment) in (0..).zip(&moments) {
            let again = next_examination(&id(number), *moment);
            assert_eq!(again.duration_since(*moment).as_hours(), 24, "the next night comes after this one");
        }
    }

    #[test]
    fn findings_are_read_as_they_were_written() {
        let finding = Finding::new(Severity::Error, FindingCode::EndpointTls, "a", "b", "c").at("/token/url");
        let written = serde_json::to_value(&finding).unwrap();
        assert_eq!((written["code"].as_str(), written["severity"].as_str()), (Some("endpoint_tls"), Some("error")));
        assert_eq!(serde_json::from_value::<Finding>(written).unwrap(), finding);
    }
}
