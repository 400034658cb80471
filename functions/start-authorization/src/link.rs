//! What the page of a link asks: who wants to connect what, and that its user would rather not.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use connectors::{
    domain::{app::Origin, session::SessionId},
    journeys::{
        open_link::{LinkError, OpenLink, Opened, Permission},
        start_authorization::StartAuthorization,
    },
    web::{AccountOnWire, OwnPage, Problem, cookie, list, not_started, seconds},
};
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    session_id: String,
    app: String,
    connector: String,
    permissions: Vec<PermissionOnWire>,
    may_disconnect: bool,
    connection: Option<ConnectionShown>,
    return_url: String,
    origins: Vec<String>,
    expires_at: String,
}

#[derive(Serialize)]
struct PermissionOnWire {
    scope: String,
    description: Option<String>,
}

#[derive(Serialize)]
struct ConnectionShown {
    status: &'static str,
    account: Option<AccountOnWire>,
    missing_scopes: Vec<String>,
    connected_at: String,
    last_used_on: Option<String>,
}

impl From<Permission> for PermissionOnWire {
    fn from(Permission { scope, description }: Permission) -> Self {
        Self { scope, description }
    }
}

impl From<Opened> for Shown {
    fn from(opened: Opened) -> Self {
        let connected = opened.connection.map(|(connection, standing)| ConnectionShown {
            status: standing.status.as_str(),
            account: connection.account.as_ref().map(AccountOnWire::from),
            missing_scopes: list(&standing.missing),
            connected_at: seconds(connection.connected_at).to_string(),
            last_used_on: connection.last_used_on.map(|day| day.to_string()),
        });
        Self {
            session_id: opened.session.id.as_str().to_owned(),
            app: opened.app.name.as_str().to_owned(),
            connector: opened.connector.name.as_str().to_owned(),
            permissions: opened.permissions.into_iter().map(PermissionOnWire::from).collect(),
            may_disconnect: opened.manages && connected.is_some(),
            connection: connected,
            return_url: opened.session.return_url.as_str().to_owned(),
            origins: opened.app.origins.iter().map(Origin::as_str).map(str::to_owned).collect(),
            expires_at: seconds(opened.session.expires_at).to_string(),
        }
    }
}

/// Tells the page of a link who asks for what. The browser that asks first gets the cookie; any other is answered 410.
pub(crate) async fn open(
    State(journey): State<OpenLink>,
    _: OwnPage,
    Path(session): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session = SessionId::parse(&session).map_err(|_| over())?;
    let mut opened = journey.open(&session, cookie::shown(&headers, &session)).await.map_err(problem)?;
    let bound = opened.cookie.take().and_then(|secret| cookie::bind(&session, &secret));
    let mut response = Json(Shown::from(opened)).into_response();
    put_cookie(&mut response, bound);
    Ok(response)
}

#[derive(Serialize)]
pub(crate) struct LedOn {
    redirect_url: String,
}

/// Leads on to the provider, in the browser that opened the link.
pub(crate) async fn lead_on(
    State(journey): State<StartAuthorization>,
    _: OwnPage,
    Path(session): Path<String>,
    headers: HeaderMap,
) -> Result<Json<LedOn>, Problem> {
    let session = SessionId::parse(&session).map_err(|_| over())?;
    let cookie = cookie::shown(&headers, &session);
    let redirect_url = journey.lead_on(&session, cookie.as_ref()).await.map_err(not_started)?;
    Ok(Json(LedOn { redirect_url }))
}

/// Declines what a link asks for, in the browser that opened it.
pub(crate) async fn decline(
    State(journey): State<OpenLink>,
    _: OwnPage,
    Path(session): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session = SessionId::parse(&session).map_err(|_| over())?;
    journey.decline(&session, cookie::shown(&headers, &session)).await.map_err(problem)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    put_cookie(&mut response, cookie::unbind(&session));
    Ok(response)
}

fn put_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn over() -> Problem {
    Problem::link_over()
}

fn problem(error: LinkError) -> Problem {
    match error {
        LinkError::Over => over(),
        LinkError::Elsewhere => Problem::link_elsewhere(),
        LinkError::Store(cause) => cause.into(),
    }
}
