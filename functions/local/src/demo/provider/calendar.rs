//! What the demo authorization server protects: two accounts, each with a calendar.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{DemoProvider, scope::Scope};

/// Somebody with a calendar here.
pub(super) struct Account {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
}

/// Who may sign in on the consent page.
pub(super) const ACCOUNTS: [Account; 2] = [
    Account { id: "1001", name: "Robin Okafor", email: "robin@calendar.example" },
    Account { id: "1002", name: "Sam Lindqvist", email: "sam@calendar.example" },
];

/// The account of this id.
pub(super) fn account(id: &str) -> Option<&'static Account> {
    ACCOUNTS.iter().find(|account| account.id == id)
}

/// Why the API answers nothing (RFC 6750, section 3.1).
pub(super) enum ApiError {
    InvalidToken,
    InsufficientScope(Scope),
    Storage,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, challenge) = match self {
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, "invalid_token", "Bearer error=\"invalid_token\"".into()),
            Self::InsufficientScope(scope) => {
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.name());
                (StatusCode::FORBIDDEN, "insufficient_scope", challenge)
            }
            Self::Storage => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        (status, [(header::WWW_AUTHENTICATE, challenge)], Json(json!({"error": code}))).into_response()
    }
}

/// `GET /userinfo`
pub(super) async fn userinfo(
    State(provider): State<Arc<DemoProvider>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let account = authorized(&provider, &headers, Scope::Profile)?;
    Ok(Json(json!({"sub": account.id, "name": account.name, "email": account.email})))
}

/// `GET /api/events`: the next few events.
pub(super) async fn events(
    State(provider): State<Arc<DemoProvider>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let account = authorized(&provider, &headers, Scope::EventsRead)?;
    Ok(Json(json!({"calendar": account.email, "events": events_of(account, provider.clock.now())})))
}

fn authorized(provider: &DemoProvider, headers: &HeaderMap, needed: Scope) -> Result<&'static Account, ApiError> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|header| header.strip_prefix("Bearer ")).ok_or(ApiError::InvalidToken)?;
    let holder = provider.grants.holder(token, provider.clock.now()).map_err(|_| ApiError::Storage)?;
    let (account_id, scopes) = holder.ok_or(ApiError::InvalidToken)?;
    if !scopes.contains(&needed) {
        return Err(ApiError::InsufficientScope(needed));
    }
    account(&account_id).ok_or(ApiError::InvalidToken)
}

/// Events of the next days: `(days from today, hour of the day in UTC, minutes long, title, place)`.
fn events_of(account: &Account, now: Timestamp) -> Vec<Value> {
    let events: [(i64, i64, i64, &str, &str); 4] = match account.id {
        "1001" => [
            (1, 9, 15, "Stand-up", "Video call"),
            (1, 12, 60, "Lunch with Priya", "Café Nord"),
            (2, 15, 45, "Dentist", "12 Harbour Street"),
            (3, 10, 90, "Quarterly planning", "Room Juniper"),
        ],
        _ => [
            (1, 10, 30, "Interview: backend engineer", "Room Aspen"),
            (1, 16, 60, "Climbing with Noor", "Boulder Hall"),
            (2, 13, 25, "1:1 with Robin", "Video call"),
            (3, 8, 120, "Train to Gothenburg", "Platform 9"),
        ],
    };
    let today = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(86_400)).unwrap_or(now);
    let event = |(days, hour, minutes, title, place): (i64, i64, i64, &str, &str)| {
        let starts_at = today.saturating_add(SignedDuration::from_hours(days * 24 + hour)).unwrap_or(today);
        let ends_at = starts_at.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(starts_at);
        json!({
            "title": title, "place": place, "starts_at": starts_at.to_string(), "ends_at": ends_at.to_string(),
        })
    };
    events.into_iter().map(event).collect()
}
