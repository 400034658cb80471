//! How it is told that a connector was not registered, changed or deleted, or that this could not even be proposed.

use axum::http::StatusCode;

use crate::{
    domain::proposal::ProposalStatus,
    journeys::{manage::ConnectorError, proposals::ProposalError},
    oauth::DiscoveryError,
    vault::VaultError,
    web::problem::Problem,
};

/// Why nothing was done with a connector.
#[must_use]
pub fn not_managed(error: ConnectorError) -> Problem {
    match error {
        // A workspace without a key is one that was deleted a moment ago.
        ConnectorError::NotFound | ConnectorError::Vault(VaultError::NoKey) => Problem::not_found(),
        ConnectorError::UnknownProvider => Problem::invalid_field(
            "/integration_type",
            "is neither in the catalogue (GET /api/providers) nor defined by the workspace",
        ),
        ConnectorError::Unavailable(reason) => Problem::invalid_field("/integration_type", reason),
        ConnectorError::Config(errors) | ConnectorError::Discovery(DiscoveryError::Unusable(errors)) => {
            Problem::invalid(errors)
        }
        ConnectorError::SecretMissing => Problem::invalid_field("/client_secret", "is required by this provider"),
        ConnectorError::NoKey => Problem::invalid_field("/rotate_key", "this provider asks for no key"),
        ConnectorError::KeyBound => Problem::conflict(
            "The connections of this connector may be bound to its key and could not be refreshed with another. Make a new connector instead.",
        ),
        ConnectorError::KeyTooNew => Problem::conflict(
            "The newest key does not sign yet: `key.signs_from` says from when on it does. Ask for another one then.",
        ),
        ConnectorError::NoIssuer => {
            Problem::invalid_field("/accept_endpoints", "the provider is not one of the workspace's own with an issuer")
        }
        ConnectorError::Discovery(cause) => {
            Problem::invalid_field("/accept_endpoints", format!("can't be read: {cause}"))
        }
        ConnectorError::Signing(cause) => Problem::internal(&cause),
        ConnectorError::BlockedByPolicy => Problem::switched_off(),
        ConnectorError::Plan(required) => Problem::plan_required(&required),
        ConnectorError::NameTaken => Problem::conflict("Another connector of this workspace has this name."),
        ConnectorError::IdTaken => Problem::conflict("This connector id is in use."),
        ConnectorError::Outdated => outdated(),
        ConnectorError::Decided => Problem::conflict("The proposal was decided before: nothing was done now."),
        ConnectorError::Contended => {
            Problem::conflict("Somebody else changed the connector at the same time: try again.")
        }
        ConnectorError::Store(cause) => cause.into(),
        ConnectorError::Vault(cause) => cause.into(),
    }
}

/// Somebody has changed the connector since it was looked at.
fn outdated() -> Problem {
    let detail = "The connector was changed since this was proposed: look at it as it is now, and propose it again.";
    Problem::new(StatusCode::CONFLICT, "outdated", detail)
}

/// Why a proposal was not made, confirmed or declined.
#[must_use]
pub fn not_proposed(error: ProposalError) -> Problem {
    match error {
        ProposalError::NotFound => Problem::not_found(),
        ProposalError::Invalid(errors) => Problem::invalid(errors),
        ProposalError::TooMany => Problem::conflict(
            "Fifty proposals wait for a person already: have some of them confirmed or declined first.",
        ),
        ProposalError::Decided(ProposalStatus::Expired) => {
            Problem::conflict("The proposal is older than a day: it has to be made again.")
        }
        ProposalError::Decided(ProposalStatus::Withdrawn) => Problem::conflict(
            "The key that proposed this was revoked since, and what it asked for went with it: nothing was done. Have it proposed \
             again by somebody you trust.",
        ),
        ProposalError::Decided(status) => {
            Problem::conflict(format!("The proposal was {} before: nothing was done now.", status.as_str()))
        }
        ProposalError::Outdated => outdated(),
        ProposalError::Connector(cause) => not_managed(cause),
        ProposalError::Store(cause) => cause.into(),
    }
}
