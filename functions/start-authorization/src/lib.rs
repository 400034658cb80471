//! `start-authorization`: from "Connect" to the provider's consent page.

mod link;
mod shared;

use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use connectors::{
    auth::{AppUser, Service},
    domain::{
        fields::{Table, text},
        ids::{ConnectionId, ConnectorId, Issuer, Subject},
        provider::Values,
    },
    journeys::{
        open_link::OpenLink,
        start_authorization::{StartAuthorization, Wanted},
    },
    services::Services,
    web::{Callers, JsonBody, Problem, ServiceCaller, UserCaller, checked, cookie, no_connector, not_started, seconds},
};
use serde::Serialize;
use serde_json::Value;

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("POST", "/api/apps/{app}/app-user-auth/connectors/{id}/initiate"),
    ("POST", "/api/apps/{app}/connect-sessions"),
    ("POST", "/api/workspace/{ws}/connectors/{id}/connect"),
    ("POST", "/connect/{session}/open"),
    ("POST", "/connect/{session}/continue"),
    ("POST", "/connect/{session}/decline"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    journey: StartAuthorization,
    links: OpenLink,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function =
        Function { callers: services.callers(), journey: services.start_authorization(), links: services.open_link() };
    Router::new()
        .route("/api/apps/{app}/app-user-auth/connectors/{id}/initiate", post(initiate))
        .route("/api/apps/{app}/connect-sessions", post(link))
        .route("/api/workspace/{ws}/connectors/{id}/connect", post(shared::connect))
        .route("/connect/{session}/open", post(link::open))
        .route("/connect/{session}/continue", post(link::lead_on))
        .route("/connect/{session}/decline", post(link::decline))
        .with_state(function)
}

#[derive(Serialize)]
struct Initiated {
    redirect_url: String,
    connection_id: String,
    session_id: String,
    already_authorized: bool,
}

/// Begins to connect the user: answers the address at the provider to send their browser to. The session lives ten minutes.
/// 422 for a return URL that is not registered, or scopes that the connector has not.
async fn initiate(
    State(journey): State<StartAuthorization>,
    UserCaller(user): UserCaller,
    Path((_, connector)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| no_connector())?;
    let wanted = checked(&body, wanted)?;
    let begun = journey.begin(&user, connector, wanted).await.map_err(not_started)?;
    let bound = cookie::bind(&begun.session_id, &begun.cookie);
    let answer = Json(Initiated {
        redirect_url: begun.redirect_url,
        connection_id: begun.connection_id.to_string(),
        session_id: begun.session_id.as_str().to_owned(),
        already_authorized: begun.already_authorized,
    });
    let mut response = answer.into_response();
    if let Some(bound) = bound {
        response.headers_mut().append(header::SET_COOKIE, bound);
    }
    Ok(response)
}

fn wanted(body: &Table<'_>) -> Wanted {
    Wanted {
        return_to: body.read("return_to", text),
        scopes: body.scopes("scopes"),
        login_hint: body.read("login_hint", text),
        connection_id: body.read("connection_id", connection_id),
        label: body.read("label", text),
        manages: false,
        connection_config: connection_config(body),
    }
}

/// Values that the connector leaves to its users; the provider's data says which there are.
fn connection_config(body: &Table<'_>) -> Values {
    body.map("connection_config", |_, value| text(value))
}

fn connection_id(value: &Value) -> Result<ConnectionId, String> {
    ConnectionId::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string())
}

#[derive(Serialize)]
struct Link {
    session_id: String,
    connect_url: String,
    expires_at: String,
}

/// Makes a link by which a user connects without any page of the app. `user` must be one of the app's issuer. The link lives
/// ten minutes.
async fn link(
    State(journey): State<StartAuthorization>,
    ServiceCaller(service): ServiceCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Link>), Problem> {
    let (user, connector, wanted) = checked(&body, |body| link_request(body, &service))?;
    let (Some(user), Some(connector)) = (user, connector) else { return Err(Problem::invalid(Vec::new())) };
    let linked = journey.link(&user, connector, wanted).await.map_err(not_started)?;
    let answer = Link {
        session_id: linked.session_id.as_str().to_owned(),
        connect_url: linked.connect_url,
        expires_at: seconds(linked.expires_at).to_string(),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

type LinkRequest = (Option<AppUser>, Option<ConnectorId>, Wanted);

fn link_request(body: &Table<'_>, service: &Service) -> LinkRequest {
    let own = service.app().identity.as_ref().map(|identity| &identity.issuer);
    let user = body.table("user");
    let issuer = user.read("issuer", |value| match Issuer::parse(value.as_str().unwrap_or_default()) {
        Ok(issuer) if Some(&issuer) == own => Ok(issuer),
        _ => Err("must be the issuer that is registered for the app".to_owned()),
    });
    let subject =
        user.read("sub", |value| Subject::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string()));
    if !user.is_given() {
        body.refuse("user", "is required: an object with `issuer` and `sub`");
    } else if subject.is_none() {
        user.require_given("sub");
    }
    if own.is_none() {
        body.refuse("user", "the app has no identity yet: register its issuer first");
    }
    user.close();
    let connector = body.read("connector_id", |value| {
        ConnectorId::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string())
    });
    if connector.is_none() {
        body.require_given("connector_id");
    }
    let issuer = issuer.or_else(|| own.cloned());
    let user = issuer.zip(subject).map(|(issuer, subject)| service.names(issuer, subject));
    let wanted = Wanted {
        return_to: body.read("return_to", text),
        connection_config: connection_config(body),
        manages: body.flag("manage").unwrap_or(false),
        ..Wanted::default()
    };
    (user, connector, wanted)
}
