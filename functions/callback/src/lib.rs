//! `callback`: what a provider, or the browser that comes from it, asks for. The redirect lands here; `GET /api/external-auth/callback/{connector_id}`, without what comes
//! behind it, is the connector's `redirect_uri`, byte for byte. Beside it are the public keys of connectors that have one.

mod texts;

use axum::{
    Json, Router,
    extract::{FromRef, Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use connectors::{
    domain::{client_key::key_set, ids::ConnectorId, secret::Secret, session::SessionId},
    journeys::complete_authorization::{Arrival, ArrivalError, CompleteAuthorization, ProviderError},
    oauth::AuthorizationResponse,
    services::Services,
    store::ClientKeys,
    web::{Problem, Query, cookie, page},
};
use serde_json::Value;

use texts::Texts;

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] =
    &[("GET", "/api/external-auth/callback/{connector_id}"), ("GET", "/api/external-auth/jwks/{connector_id}")];

#[derive(Clone, FromRef)]
struct Function {
    journey: CompleteAuthorization,
    keys: ClientKeys,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function = Function { journey: services.complete_authorization(), keys: services.client_keys() };
    Router::new()
        .route("/api/external-auth/callback/{connector_id}", get(receive))
        .route("/api/external-auth/jwks/{connector_id}", get(public_keys))
        .with_state(function)
}

/// Shows a connector's public keys (RFC 7517, section 5) to its provider. Who fetches them proves nothing, because there is
/// nothing to hide in them; 404 for a connector without any.
async fn public_keys(State(keys): State<ClientKeys>, Path(connector): Path<String>) -> Result<Json<Value>, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::not_found())?;
    let keys = keys.of_connector(&connector).await?;
    if keys.is_empty() { Err(Problem::not_found()) } else { Ok(Json(key_set(&keys))) }
}

/// Takes a browser back from a provider, and leads it on to the app. This exact address is the connector's redirect URI.
/// What can't be taken is answered by a page with one of the codes `state_mismatch`, `session_expired`, `issuer_mismatch`,
/// `session_user_mismatch`, `invalid_request`; a session is used up by the first answer that is its own.
async fn receive(
    State(journey): State<CompleteAuthorization>,
    connector: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    query: Result<Query, Problem>,
) -> Response {
    let connector = connector.ok().and_then(|Path(connector)| ConnectorId::parse(&connector).ok());
    let (Some(connector), Ok(query)) = (connector, query) else {
        return refused(ArrivalError::StateMismatch, Texts::of(&headers));
    };
    let arrival = arrival(&query);
    let session = arrival.state.as_ref().map(SessionId::of_state);
    match Box::pin(journey.receive(&connector, arrival, |session| cookie::shown(&headers, session))).await {
        Ok(home) => {
            let mut response = Redirect::to(&home).into_response();
            if let Some(unbound) = session.as_ref().and_then(cookie::unbind) {
                response.headers_mut().append(header::SET_COOKIE, unbound);
            }
            response
        }
        Err(error) => refused(error, Texts::of(&headers)),
    }
}

fn arrival(query: &Query) -> Arrival {
    Arrival {
        state: query.get("state").map(Secret::new),
        error: query.get("error").map(|error| match error {
            "access_denied" => ProviderError::Denied,
            _ => ProviderError::Other,
        }),
        iss: query.get("iss").map(str::to_owned),
        response: AuthorizationResponse::of(query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned()))),
    }
}

fn refused(error: ArrivalError, texts: &Texts) -> Response {
    let (code, heading) = match error {
        ArrivalError::StateMismatch => ("state_mismatch", texts.state_mismatch),
        ArrivalError::SessionExpired => ("session_expired", texts.session_expired),
        ArrivalError::IssuerMismatch => ("issuer_mismatch", texts.issuer_mismatch),
        ArrivalError::BrowserMismatch => ("session_user_mismatch", texts.session_user_mismatch),
        ArrivalError::NoCode => ("invalid_request", texts.invalid_request),
        ArrivalError::Store(cause) => return unavailable(&cause.into(), texts),
        ArrivalError::Vault(cause) => return unavailable(&cause.into(), texts),
    };
    page(StatusCode::BAD_REQUEST, code, texts, (heading, texts.again))
}

fn unavailable(problem: &Problem, texts: &Texts) -> Response {
    page(problem.status(), problem.code(), texts, (texts.unavailable, texts.later))
}

fn page(
    status: StatusCode,
    code: &'static str,
    texts: &Texts,
    (heading, advice): (&'static str, &'static str),
) -> Response {
    let Texts { language, dir, code: code_is, .. } = *texts;
    page::refusal(status, code, &page::Words { language, dir, heading, advice, code_is })
}
