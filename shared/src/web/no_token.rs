//! How it is told that there is no token, by every function that needs one.

use std::time::Duration;

use axum::http::StatusCode;

use super::problem::{Problem, Upstream};
use crate::journeys::get_token::GetTokenError;

/// How long a move may take.
const MOVED_SOON: Duration = Duration::from_mins(1);

/// Why there is no token. `ended` is how an ended grant is told: the SDK's routes say 404, because apps match on it.
#[must_use]
pub fn no_token(error: GetTokenError, ended: StatusCode) -> Problem {
    match error {
        GetTokenError::NotConnected => Problem::no_connection(),
        GetTokenError::BlockedByPolicy => Problem::blocked_by_policy(),
        GetTokenError::NotWithoutUser => {
            let detail = "This connector is kept from use while its user is away. Ask with the user's token beside the key, or have an admin set the connector's `offline_use`.";
            Problem::new(StatusCode::FORBIDDEN, "blocked_by_policy", detail)
        }
        GetTokenError::ReconnectRequired => {
            let detail =
                "The connection has ended: its user has to connect again, or an admin, if the workspace shares it.";
            Problem::new(ended, "reconnect_required", detail)
        }
        GetTokenError::MissingScopes(missing) => Problem::new(
            StatusCode::CONFLICT,
            "missing_scopes",
            format!(
                "These scopes were not granted: {missing}. Whoever connected has to connect again, and allow them."
            ),
        ),
        GetTokenError::Misconfigured(cause) => Problem::new(
            StatusCode::BAD_GATEWAY,
            "connector_misconfigured",
            "The provider does not accept the connector's client id or secret: an admin has to correct it.",
        )
        .upstream(Upstream::of(&cause)),
        GetTokenError::SecretUnreadable => Problem::new(
            StatusCode::BAD_GATEWAY,
            "connector_misconfigured",
            "The connector's client secret can't be read: an admin has to set it again.",
        ),
        GetTokenError::Unavailable { retry_after, cause } => {
            let problem = Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "refresh_unavailable",
                "The token has expired and can't be refreshed right now. The connection is kept; try again shortly.",
            )
            .retry_after(retry_after);
            match &cause {
                Some(cause) => problem.upstream(Upstream::of(cause)),
                None => problem,
            }
        }
        GetTokenError::MovingOut => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "refresh_unavailable",
            "The connections of this connector are on their way to another deployment, which refreshes them from now on: ask \
             there. If they stay here after all, an admin says so (`moving_out`).",
        )
        .retry_after(MOVED_SOON),
        GetTokenError::RenewedInVain { retry_after } => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "refresh_unavailable",
            "The token was renewed a moment ago because the provider refused it. If it refuses the new one too, renewing it \
             again does not help: see what the provider says; the grant may lack a scope, or be of another account.",
        )
        .retry_after(retry_after),
        GetTokenError::Store(cause) => cause.into(),
        GetTokenError::Vault(cause) => cause.into(),
    }
}
