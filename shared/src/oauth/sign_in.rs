//! Signing people of a workspace in at its issuer (OpenID Connect Core, section 3.1): where to send them, and the ID token
//! for their code.

use http::{Request, Response, StatusCode, header};
use serde_json::{Map, Value};

use super::{
    ProviderClient,
    egress::{DEADLINE, EgressError},
    error::is_passing,
    wire::{self, Parameters},
};
use crate::domain::{
    person::SignInEndpoints,
    provider::Body,
    secret::{AuthorizationCode, ClientSecret, CodeVerifier, Secret, UserToken},
};

/// How long an ID token may be, in bytes.
const MAX_ID_TOKEN: usize = 8 * 1024;

/// A person's code, with everything that has to match their authorization request.
#[derive(Debug, Clone, Copy)]
pub struct SignInCode<'a> {
    /// The client that the workspace is at its issuer.
    pub client_id: &'a str,
    /// Its secret; a public client has none.
    pub client_secret: Option<&'a Secret<ClientSecret>>,
    /// The authorization code.
    pub code: &'a Secret<AuthorizationCode>,
    /// The PKCE verifier.
    pub verifier: &'a Secret<CodeVerifier>,
    /// The redirect URI, byte for byte as in the authorization request.
    pub redirect_uri: &'a str,
}

/// Why there is no ID token for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// It may go better later.
    #[error("the issuer did not answer")]
    Passing,
    /// The issuer does not know the client, or not by this secret.
    #[error("the issuer does not accept the client")]
    Client,
    /// The issuer does not take the code: it is spent, too old, or of another sign-in.
    #[error("the issuer does not take the code")]
    Code,
    /// The answer has no ID token.
    #[error("the issuer's answer has no ID token")]
    NoToken,
}

impl ProviderClient {
    /// Where people sign in at an issuer, by its metadata; `None` if that names no endpoint that may be spoken to.
    #[must_use]
    pub fn sign_in_endpoints(&self, metadata: &Map<String, Value>) -> Option<SignInEndpoints> {
        let endpoint = |name: &str| {
            let url = metadata.get(name).and_then(Value::as_str)?;
            self.egress.check(url).ok().map(|_| url.to_owned())
        };
        let methods = metadata.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let takes = |method: &str| methods.is_some_and(|methods| methods.iter().any(|known| known == method));
        Some(SignInEndpoints {
            authorization: endpoint("authorization_endpoint")?,
            token: endpoint("token_endpoint")?,
            secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
            sends_issuer: metadata.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        })
    }

    /// Exchanges a person's code for their ID token, which is not looked into here.
    ///
    /// # Errors
    /// [`SignInError`], by what can be done about it.
    #[tracing::instrument(skip_all)]
    pub async fn id_token(
        &self,
        endpoints: &SignInEndpoints,
        grant: SignInCode<'_>,
    ) -> Result<Secret<UserToken>, SignInError> {
        let url = self.egress.check(&endpoints.token).map_err(|_| SignInError::Passing)?;
        let mut request = Request::post(url.as_str())
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| SignInError::Passing)?;
        let mut parameters: Parameters = vec![
            ("grant_type".into(), "authorization_code".into()),
            ("code".into(), grant.code.expose().into()),
            ("code_verifier".into(), grant.verifier.expose().into()),
            ("redirect_uri".into(), grant.redirect_uri.into()),
        ];
        match grant.client_secret.map(Secret::expose) {
            Some(secret) if !endpoints.secret_in_body => {
                let value = wire::basic(grant.client_id, secret).ok_or(SignInError::Client)?;
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
            secret => {
                parameters.push(("client_id".into(), grant.client_id.into()));
                parameters.extend(secret.map(|secret| ("client_secret".into(), secret.into())));
            }
        }
        wire::put_parameters(&mut request, parameters, Body::Form);
        let answer = self.egress.send(request, DEADLINE).await?;
        id_token_of(&answer)
    }
}

fn id_token_of(answer: &Response<Vec<u8>>) -> Result<Secret<UserToken>, SignInError> {
    if is_passing(answer.status()) {
        return Err(SignInError::Passing);
    }
    let body = wire::object(answer.body());
    let text = |name: &str| body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
    if !answer.status().is_success() {
        let is_client = answer.status() == StatusCode::UNAUTHORIZED
            || matches!(text("error"), Some("invalid_client" | "unauthorized_client"));
        return Err(if is_client { SignInError::Client } else { SignInError::Code });
    }
    text("id_token").filter(|token| token.len() <= MAX_ID_TOKEN).map(Secret::new).ok_or(SignInError::NoToken)
}

impl From<EgressError> for SignInError {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Cut(_) => Self::NoToken,
            EgressError::Blocked(_) | EgressError::NotSent | EgressError::Unanswered => Self::Passing,
        }
    }
}
