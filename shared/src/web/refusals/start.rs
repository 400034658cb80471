//! How it is told that nobody was led to a provider, by every function that begins sessions.

use std::time::Duration;

use axum::http::StatusCode;

use crate::{
    journeys::{open_link::LinkError, start_authorization::StartError},
    oauth::TokenError,
    web::problem::{Problem, Upstream},
};

/// How long to wait for a provider that does not say.
const SOON: Duration = Duration::from_secs(2);

/// There is no such connector.
#[must_use]
pub fn no_connector() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "No such connector.")
}

/// Why no session began.
#[must_use]
pub fn not_started(error: StartError) -> Problem {
    match error {
        StartError::UnknownConnector => no_connector(),
        StartError::BlockedByPolicy => Problem::blocked_by_policy(),
        StartError::MovingOut => Problem::moving_out(),
        StartError::Plan(_) => Problem::no_room_for_connection(),
        StartError::UnknownConnection => Problem::no_connection(),
        StartError::ScopesNotAllowed(foreign) => {
            Problem::invalid_field("/scopes", format!("must be among the connector's scopes; these are not: {foreign}"))
        }
        StartError::ReturnUrlNotRegistered => {
            Problem::invalid_field("/return_to", "must be one of the app's registered return URLs, exactly")
        }
        StartError::Unavailable(reason) => {
            Problem::conflict(format!("Nobody can connect to this provider today: {reason}"))
        }
        StartError::Config(errors) => Problem::invalid(errors),
        StartError::Unfilled(cause) => {
            Problem::invalid_field("/connection_config", format!("lacks a value: {}", cause.var))
        }
        StartError::NoReturnUrl => {
            Problem::invalid_field("/return_to", "the app has no return URL yet: register one first")
        }
        StartError::TooMany { retry_after } => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "So many connections were begun within a minute that this one has to wait. Try again after the time in `Retry-After`.",
        )
        .retry_after(retry_after),
        StartError::NotPushed(cause) => not_pushed(&cause),
        StartError::Link(LinkError::Over) => Problem::link_over(),
        StartError::Link(LinkError::Elsewhere) => Problem::link_elsewhere(),
        StartError::Link(LinkError::Store(cause)) | StartError::Store(cause) => cause.into(),
        StartError::Vault(cause) => cause.into(),
    }
}

/// Why a provider did not take the request that was pushed to it, by whose turn it is now.
fn not_pushed(cause: &TokenError) -> Problem {
    let problem = match cause {
        TokenError::ClientRejected { .. } => Problem::new(
            StatusCode::BAD_GATEWAY,
            "connector_misconfigured",
            "The provider does not accept the connector's client id, secret or key: an admin has to correct it.",
        ),
        TokenError::Passing { retry_after, .. } => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "provider_unavailable",
            "The provider can't be asked right now. Nothing was lost; try again shortly.",
        )
        .retry_after(retry_after.unwrap_or(SOON)),
        TokenError::Rejected { .. } | TokenError::Refused { .. } | TokenError::Blocked(_) => Problem::new(
            StatusCode::BAD_GATEWAY,
            "provider_refused",
            "The provider does not accept the request for authorization: an admin has to look at the connector's scopes and redirect URI.",
        ),
    };
    problem.upstream(Upstream::of(cause))
}
