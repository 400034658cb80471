//! The console's sign-in at the workspace's own issuer. Open to everybody: whoever comes here has proven nothing yet. A
//! workspace without an issuer, and one that never was, look the same.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use connectors::{
    auth::{PersonFlaw, TokenFlaw},
    domain::{
        api_key::WorkspaceRole,
        fields::{Table, long_text, text},
        ids::WorkspaceId,
        secret::Secret,
    },
    journeys::sign_in::{Returned, SIGN_IN_SCOPES, SignIn, SignInError},
    oauth::SignInError as ExchangeError,
    web::{JsonBody, Problem, checked},
};
use serde::Serialize;

use crate::Function;

/// How long to wait where somebody is asked to.
const LATER: Duration = Duration::from_mins(1);

/// How long to wait for an issuer that does not answer.
const SOON: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/sign-in", get(way_in))
        .route("/api/workspace/{ws}/sign-in/token", post(finish))
}

#[derive(Serialize)]
struct WayInOnWire {
    authorization_endpoint: String,
    client_id: String,
    redirect_uri: String,
    scopes: &'static str,
}

#[derive(Serialize)]
struct SignedInOnWire {
    id_token: String,
    expires_at: i64,
    name: Option<String>,
    role: &'static str,
}

/// Tells the console where the workspace's people sign in. A workspace without an issuer, and one that never was, look the
/// same.
async fn way_in(State(journey): State<SignIn>, Path(workspace): Path<String>) -> Result<Json<WayInOnWire>, Problem> {
    let way_in = journey.way_in(&parse(&workspace)?).await.map_err(problem)?;
    Ok(Json(WayInOnWire {
        authorization_endpoint: way_in.authorization_endpoint,
        client_id: way_in.client_id,
        redirect_uri: journey.redirect_uri(),
        scopes: SIGN_IN_SCOPES,
    }))
}

/// Turns the code that a person came back with into their ID token. So many a minute for one workspace, and no more.
async fn finish(
    State(journey): State<SignIn>,
    Path(workspace): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let returned = checked(&body, returned)?.ok_or_else(|| Problem::invalid(Vec::new()))?;
    let signed_in = journey.finish(&parse(&workspace)?, returned).await.map_err(problem)?;
    let answer = SignedInOnWire {
        id_token: signed_in.token.expose().to_owned(),
        expires_at: signed_in.person.expires_at,
        name: signed_in.person.person.name,
        role: match signed_in.person.role {
            WorkspaceRole::Admin => "admin",
            WorkspaceRole::Reader => "read",
            WorkspaceRole::Builder => "builder",
        },
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

fn returned(body: &Table<'_>) -> Option<Returned> {
    let mut given = ["code", "code_verifier", "nonce"].map(|name| {
        let value = body.read(name, long_text);
        if value.is_none() {
            body.require_given(name);
        }
        value
    });
    let issuer = body.read("iss", text);
    let [code, verifier, nonce] = &mut given;
    Some(Returned {
        code: Secret::new(code.take()?),
        verifier: Secret::new(verifier.take()?),
        nonce: nonce.take()?,
        issuer,
    })
}

fn parse(workspace: &str) -> Result<WorkspaceId, Problem> {
    WorkspaceId::parse(workspace).map_err(|_| Problem::not_found())
}

fn problem(error: SignInError) -> Problem {
    let failed = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, "sign_in_failed", detail);
    match error {
        SignInError::Nowhere => Problem::not_found(),
        SignInError::TooMany => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "So many people of this workspace signed in within a minute that this one has to wait. Try again in a minute.",
        )
        .retry_after(LATER),
        SignInError::Mixed => failed("The answer is not of the workspace's issuer. Begin the sign-in again."),
        SignInError::Exchange(ExchangeError::Passing) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "issuer_unavailable",
            "Your organisation's sign-in does not answer right now. Try again shortly.",
        )
        .retry_after(SOON),
        SignInError::Exchange(ExchangeError::Client) => Problem::new(
            StatusCode::BAD_GATEWAY,
            "sign_in_misconfigured",
            "Your organisation's sign-in does not accept the workspace's client: an admin has to correct its client ID or \
             secret under Sign-in.",
        ),
        SignInError::Exchange(ExchangeError::Code) => {
            failed("Your organisation's sign-in does not take the code: it is too old, or was used. Begin again.")
        }
        SignInError::Exchange(ExchangeError::NoToken) => Problem::new(
            StatusCode::BAD_GATEWAY,
            "sign_in_misconfigured",
            "Your organisation's sign-in gave no ID token. Its client must be one for OpenID Connect.",
        ),
        SignInError::Person(PersonFlaw::NotAMember(claims)) => Problem::not_a_member(&claims),
        SignInError::Person(PersonFlaw::Token(TokenFlaw::Algorithm | TokenFlaw::UnknownKey)) => Problem::new(
            StatusCode::BAD_GATEWAY,
            "sign_in_misconfigured",
            "The ID token is signed by a key or an algorithm that is not taken. It must be RS256, ES256 or EdDSA, by one of \
             the issuer's published keys.",
        ),
        SignInError::Person(PersonFlaw::Token(_) | PersonFlaw::Elsewhere) => {
            failed("The ID token is not one for this workspace and this sign-in. Begin again.")
        }
        SignInError::Store(cause) => cause.into(),
        SignInError::Vault(cause) => cause.into(),
    }
}
