//! The token endpoint (RFC 6749, section 3.2) and the revocation endpoint (RFC 7009).

mod issued;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
pub(super) use issued::ACCESS_TOKEN_LIFETIME;
use issued::{Redemption, Tokens};
use serde_json::{Value, json};

use super::{
    DemoProvider,
    client::{Form, authenticate},
    scope,
};

/// Why no token is issued (RFC 6749, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenError {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    UnsupportedGrantType,
    /// The server's own failure.
    Storage,
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let code = match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::Storage => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        let body = ([(header::CACHE_CONTROL, "no-store")], Json(json!({"error": code})));
        match self {
            Self::InvalidClient => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"demo-provider\"")];
                (StatusCode::UNAUTHORIZED, challenge, body).into_response()
            }
            _ => (StatusCode::BAD_REQUEST, body).into_response(),
        }
    }
}

/// `POST /token`
pub(super) async fn issue(
    State(provider): State<Arc<DemoProvider>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, TokenError> {
    let form = form(&headers, &body)?;
    let client = authenticate(&provider.grants, &headers, &form)?;
    let parameter = |name| form.get(name).ok_or(TokenError::InvalidRequest);
    let now = provider.clock.now();
    let tokens = match parameter("grant_type")? {
        "authorization_code" => provider.grants.redeem(
            &Redemption {
                code: parameter("code")?,
                client: &client,
                redirect_uri: parameter("redirect_uri")?,
                code_verifier: parameter("code_verifier")?,
            },
            now,
        ),
        "refresh_token" => {
            let wanted = form.get("scope").map(|raw| scope::parse(raw).ok_or(TokenError::InvalidScope)).transpose()?;
            provider.grants.rotate(parameter("refresh_token")?, &client, wanted, now)
        }
        _ => Err(TokenError::UnsupportedGrantType),
    }?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer(&tokens))).into_response())
}

/// `POST /revoke`: ends the grant that the token belongs to. A token that is unknown, or another client's, is answered like
/// one that is no longer valid (RFC 7009, section 2.2).
pub(super) async fn revoke(
    State(provider): State<Arc<DemoProvider>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, TokenError> {
    let form = form(&headers, &body)?;
    let client = authenticate(&provider.grants, &headers, &form)?;
    provider.grants.revoke(form.get("token").ok_or(TokenError::InvalidRequest)?, &client)?;
    Ok(StatusCode::OK)
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<Form, TokenError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(TokenError::InvalidRequest);
    }
    Form::parse(body).ok_or(TokenError::InvalidRequest)
}

fn answer(tokens: &Tokens) -> Value {
    json!({
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_LIFETIME,
        "scope": scope::join(&tokens.scopes),
    })
}
