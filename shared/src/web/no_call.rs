//! How it is told that an API was not called, by every function that calls one.

use axum::http::StatusCode;

use super::{no_token, problem::Problem};
use crate::{
    domain::{
        call::{CallRefusal, NoTarget},
        fields::step,
    },
    journeys::call_provider::CallError,
};

/// Why nothing was called. An ended grant is a conflict: only of the routes that hand a token out do apps expect 404.
#[must_use]
pub fn no_call(error: CallError) -> Problem {
    match error {
        CallError::Token(error) => no_token(error, StatusCode::CONFLICT),
        CallError::Ambiguous => Problem::conflict(
            "The user is connected through several connectors of this type: call one of them by its id, at \
             /api/apps/{app}/app-user-auth/connectors/{id}/call.",
        ),
        CallError::Unaddressable => Problem::new(
            StatusCode::BAD_GATEWAY,
            "connector_misconfigured",
            "The connection lacks something that the address of the provider's API is made of: an admin has to look at \
             the connector, or the user to connect again.",
        ),
        CallError::Refused(refusal) => refused(refusal),
    }
}

fn refused(refusal: CallRefusal) -> Problem {
    match refusal {
        CallRefusal::Target(error @ (NoTarget::NoRoot | NoTarget::UnknownHost)) => {
            Problem::invalid_field("/host", error)
        }
        CallRefusal::Target(error @ NoTarget::Unusable) => Problem::invalid_field("/path", error),
        CallRefusal::NotAllowed => Problem::new(
            StatusCode::FORBIDDEN,
            "blocked_by_policy",
            "The connector's `call_rules` do not allow this call: an admin can change them.",
        ),
        CallRefusal::Header(error) => Problem::invalid_field(&format!("/headers/{}", step(error.name())), error),
        CallRefusal::Body(error) => Problem::invalid_field("/body", error),
        CallRefusal::TokenInQuery => Problem::invalid_field(
            "/query",
            "has the parameter by which this provider takes the token, which is set here",
        ),
    }
}
