//! Registration of clients (RFC 7591), so that whoever tries the product out can make a connector of their own to the demo
//! calendar, or have an assistant propose one. Only the product on this machine may be returned to.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use connectors::random::Random;
use serde_json::{Value, json};

use super::{DemoProvider, client::Client};

/// How long a client's name may be, in characters.
const LONGEST_NAME: usize = 80;

/// `POST /demo-provider/register`
pub(super) async fn register(State(provider): State<Arc<DemoProvider>>, Json(wanted): Json<Value>) -> Response {
    let uris = wanted["redirect_uris"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(redirect_uri) =
        uris.first().and_then(Value::as_str).filter(|uri| uris.len() == 1 && is_ours(&provider, uri))
    else {
        let detail = "name one redirect URI of this product, as a connector tells it";
        return refused("invalid_redirect_uri", detail);
    };
    let name = wanted["client_name"].as_str().unwrap_or("An app");
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return refused("invalid_client_metadata", "a name has 1 to 80 characters");
    }
    let (id, secret) = (format!("client-{}", Random::default().token()), Random::default().token());
    let client = Client { id, name: name.to_owned(), redirect_uri: redirect_uri.to_owned() };
    if provider.register(&client, &secret).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let answer = json!({
        "client_id": client.id,
        "client_secret": secret,
        "client_secret_expires_at": 0,
        "client_name": client.name,
        "redirect_uris": [client.redirect_uri],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// The issuer stands at the product's own address.
fn is_ours(provider: &DemoProvider, uri: &str) -> bool {
    let base = provider.issuer.trim_end_matches("/demo-provider");
    uri.strip_prefix(base).is_some_and(|rest| rest.starts_with("/api/external-auth/callback/"))
}

fn refused(error: &str, description: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error, "error_description": description}))).into_response()
}
