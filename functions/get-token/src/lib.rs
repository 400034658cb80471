//! `get-token`: an access token for the app's backend, always fresh: a user's, or the one that the workspace shares.

mod exchange;

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    http::StatusCode,
    routing::{get, post},
};
use connectors::{
    auth::Service,
    clock::Clock,
    domain::{
        freshness::{LONGEST_MIN_TTL, MinTtl},
        ids::{ConnectorId, Subject},
        provider::ProviderType,
        refused_token::Witness,
        scopes::Scopes,
        user::ConnectionKey,
    },
    journeys::{
        get_token::{GetToken, Issued, Wish},
        shared_connection::SharedConnections,
    },
    services::Services,
    web::{AccountOnWire, Callers, DelegateCaller, Problem, Query, ServiceCaller, list, no_token, seconds},
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/apps/{app}/app-user-auth/connectors/{id}/token"),
    ("GET", "/api/apps/{app}/users/{sub}/connectors/{id}/token"),
    ("POST", "/oauth/token"),
    ("GET", "/api/apps/{app}/external-auth/tokens/{type}"),
    ("GET", "/api/apps/{app}/external-auth/tokens/connectors/{id}"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    journey: GetToken,
    clock: Clock,
    shared: SharedConnections,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function = Function {
        callers: services.callers(),
        journey: services.get_token(),
        shared: services.shared_connections(),
        clock: services.clock().clone(),
    };
    Router::new()
        .route("/api/apps/{app}/app-user-auth/connectors/{id}/token", get(of_present_user))
        .route("/api/apps/{app}/users/{sub}/connectors/{id}/token", get(of_absent_user))
        .route("/oauth/token", post(exchange::exchange))
        .route("/api/apps/{app}/external-auth/tokens/{type}", get(of_shared_type))
        .route("/api/apps/{app}/external-auth/tokens/connectors/{id}", get(of_shared_connector))
        .with_state(function)
}

#[derive(Serialize)]
struct TokenOnWire {
    access_token: String,
    integration_type: String,
    connection_config: Option<BTreeMap<String, String>>,
    token_type: String,
    expires_at: Option<Timestamp>,
    connection_id: String,
    granted_scopes: Vec<String>,
    missing_scopes: Vec<String>,
    reconnect_required: bool,
    account: Option<AccountOnWire>,
}

impl From<Issued> for TokenOnWire {
    fn from(issued: Issued) -> Self {
        let Issued { access_token, connection, connector, standing } = issued;
        // What the admin has set goes before what the connection brought.
        let mut details = connection.details.clone();
        details.extend(connector.connection_config);
        Self {
            access_token: access_token.expose().to_owned(),
            integration_type: connector.provider.to_string(),
            connection_config: Some(details).filter(|details| !details.is_empty()),
            token_type: connection.tokens.token_type.clone(),
            expires_at: connection.tokens.expires_at.map(seconds),
            connection_id: connection.key.id().to_string(),
            granted_scopes: list(&connection.granted),
            missing_scopes: list(&standing.missing),
            reconnect_required: standing.reconnect_required(),
            account: connection.account.as_ref().map(AccountOnWire::from),
        }
    }
}

/// Hands out the token of a user who is there: the app's backend shows their own token beside its key. It is
/// refreshed if it ends within `min_ttl`. An ended grant is 404 `reconnect_required`, because apps match on it.
async fn of_present_user(
    State(journey): State<GetToken>,
    DelegateCaller(service, user): DelegateCaller,
    Path((_, connector)): Path<(String, String)>,
    query: Query,
) -> Result<Json<TokenOnWire>, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    answer(&journey, &service, &user.place(connector), wish(&query)?, StatusCode::NOT_FOUND).await
}

/// Hands out the token of a user who is not there, as in a nightly job. The key itself must be allowed to
/// (`tokens:offline`), and the connector must let it be used so.
async fn of_absent_user(
    State(journey): State<GetToken>,
    ServiceCaller(service): ServiceCaller,
    Path((_, subject, connector)): Path<(String, String, String)>,
    query: Query,
) -> Result<Json<TokenOnWire>, Problem> {
    if !service.may_fetch_offline() {
        return Err(Problem::forbidden("This key needs the permission `tokens:offline` for that."));
    }
    query.confirms("sub", &subject)?;
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    let subject = Subject::parse(&subject).map_err(|_| Problem::no_connection())?;
    let issuer = service.app().identity.as_ref().map(|identity| identity.issuer.clone());
    let user = service.names(issuer.ok_or_else(Problem::no_connection)?, subject);
    let wish = Wish { offline: true, ..wish(&query)? };
    answer(&journey, &service, &user.place(connector), wish, StatusCode::CONFLICT).await
}

/// Hands out the token of the account that the workspace shares with all its apps, by the type of its provider.
async fn of_shared_type(
    State(journey): State<GetToken>,
    State(shared): State<SharedConnections>,
    ServiceCaller(service): ServiceCaller,
    Path((_, provider)): Path<(String, String)>,
    query: Query,
) -> Result<Json<TokenOnWire>, Problem> {
    let provider = ProviderType::parse(&provider).map_err(|_| Problem::no_connection())?;
    let place = shared.of_type(&service.app().workspace, &provider).await?.ok_or_else(Problem::no_connection)?;
    answer(&journey, &service, &place, wish(&query)?, StatusCode::NOT_FOUND).await
}

/// Hands out the token of the account that the workspace shares, by its connector.
async fn of_shared_connector(
    State(journey): State<GetToken>,
    ServiceCaller(service): ServiceCaller,
    Path((_, connector)): Path<(String, String)>,
    query: Query,
) -> Result<Json<TokenOnWire>, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    answer(&journey, &service, &service.shared_place(connector), wish(&query)?, StatusCode::NOT_FOUND).await
}

/// `ended` is how an ended grant is told: the SDK's routes say 404, because apps match on it.
///
/// Who read how much is counted in the log, a line for each token that is handed out: a count in the table would be a write
/// for each read, and one in memory is lost with its instance.
async fn answer(
    journey: &GetToken,
    service: &Service,
    place: &ConnectionKey,
    wish: Wish,
    ended: StatusCode,
) -> Result<Json<TokenOnWire>, Problem> {
    let issued = journey.get(place, &wish).await.map_err(|error| no_token(error, ended))?;
    tracing::info!(key.id = %service.key(), connector.id = %place.connector, outcome = "read", "handed out a token");
    Ok(Json(issued.into()))
}

fn wish(query: &Query) -> Result<Wish, Problem> {
    let seconds = |raw: &str| {
        let seconds = Duration::from_secs(raw.parse().ok()?);
        (seconds <= LONGEST_MIN_TTL).then_some(seconds)
    };
    let min_ttl = query.read("min_ttl", "must be a whole number of seconds, at most 3600", seconds)?;
    let scopes = |raw: &str| Scopes::parse(raw.split_ascii_whitespace()).ok();
    let required_scopes = query.read("required_scopes", "must be scopes, with a space between them", scopes)?;
    let rejected = query.read("rejected_token_sha256", "must be 64 hexadecimal digits", digest)?;
    Ok(Wish {
        min_ttl: min_ttl.map(MinTtl::Asked).unwrap_or_default(),
        required_scopes: required_scopes.unwrap_or_default(),
        rejected: rejected.map(|digest| (digest, Witness::Caller)),
        offline: false,
    })
}

fn digest(raw: &str) -> Option<[u8; 32]> {
    if raw.len() != 64 || !raw.is_ascii() {
        return None;
    }
    let mut digest = [0; 32];
    for (index, byte) in digest.iter_mut().enumerate() {
        let pair = raw.get(index * 2..index * 2 + 2).filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        assert_eq!(digest(&"0f".repeat(32)), Some([15; 32]));
        for raw in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"é".repeat(32), &"+1".repeat(32)] {
            assert_eq!(digest(raw), None, "{raw}");
        }
    }

    #[test]
    fn wishes_out_of_bounds_are_refused() {
        for raw in ["min_ttl=-1", "min_ttl=3601", "min_ttl=1.5", "required_scopes=%22", "rejected_token_sha256=00"] {
            assert!(wish(&Query::parse(raw).unwrap()).is_err(), "{raw}");
        }
        assert_eq!(wish(&Query::parse("").unwrap()).unwrap().min_ttl, MinTtl::Usual);
    }
}
