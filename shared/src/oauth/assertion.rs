//! A client that proves who it is by signing (RFC 7521, section 4.2; RFC 7523, section 2.2): `private_key_jwt`. And how any
//! client is presented in requests that the crate `oauth2` does not build.

use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::json;

use super::{
    Credentials,
    placeholders::Values,
    signer::{Signer, SigningError},
    wire::{self, Parameters},
};
use crate::domain::{
    provider::{ClientAuth, Provider},
    secret::Secret,
};

/// How long an assertion counts, in seconds: a request takes less, and clocks differ by less.
const LIFE: i64 = 60;

/// RFC 7523, section 2.2.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Presents the client as the provider wants it at its token endpoint.
///
/// # Errors
/// [`SigningError`] if it has to sign, and the connector has no key.
pub(super) fn present(
    headers: &mut HeaderMap,
    parameters: &mut Parameters,
    provider: &Provider,
    credentials: Credentials<'_>,
    now: Timestamp,
) -> Result<(), SigningError> {
    let is_in_header = matches!(provider.token.client_auth, ClientAuth::Basic | ClientAuth::BasicSecretOnly);
    if !is_in_header && !parameters.iter().any(|(name, _)| name == "client_id") {
        parameters.push(("client_id".into(), credentials.client_id.into()));
    }
    let secret = credentials.client_secret.map(Secret::expose);
    match (provider.token.client_auth, secret) {
        (ClientAuth::PrivateKeyJwt, _) => add(parameters, provider, credentials, now)?,
        (ClientAuth::Basic, Some(secret)) => {
            if let Some(value) = wire::basic(credentials.client_id, secret) {
                headers.insert(header::AUTHORIZATION, value);
            }
        }
        (ClientAuth::BasicSecretOnly, Some(secret)) => {
            if let Some(value) = wire::basic_of_secret(secret) {
                headers.insert(header::AUTHORIZATION, value);
            }
        }
        (ClientAuth::Header, Some(_)) => {
            // The request that is pushed names its client itself, whatever the header says.
            let wanted = provider.token.auth_header.as_ref();
            if let Some(value) = wanted.and_then(|wanted| Values::of(credentials).fill(wanted.as_str())) {
                wire::put_header(headers, header::AUTHORIZATION.as_str(), &value);
            }
        }
        (ClientAuth::Post, Some(secret)) => parameters.push(("client_secret".into(), secret.into())),
        (ClientAuth::None, _) | (_, None) => {}
    }
    Ok(())
}

/// Puts the client's proof into a request: a new assertion each time, because servers take none twice.
///
/// # Errors
/// [`SigningError`] if the connector has no key.
pub(super) fn add(
    parameters: &mut Parameters,
    provider: &Provider,
    credentials: Credentials<'_>,
    now: Timestamp,
) -> Result<(), SigningError> {
    let signer = credentials.signer.ok_or(SigningError)?;
    let assertion = assertion(signer, credentials.client_id, audience(provider), now)?;
    parameters.retain(|(name, _)| name != "client_id" && name != "client_secret");
    parameters.extend([
        ("client_id".into(), credentials.client_id.into()),
        ("client_assertion_type".into(), TYPE.into()),
        ("client_assertion".into(), assertion),
    ]);
    Ok(())
}

/// Whom the assertion is for: the issuer, at every endpoint alike. RFC 7523 would also take the address of the token
/// endpoint, but a server that can make a client use another's endpoint gets an assertion then that the other server takes
/// (the reason for `draft-ietf-oauth-rfc7523bis`). Only a provider of which no issuer is known is named by that address.
fn audience(provider: &Provider) -> &str {
    provider.oidc.as_ref().map_or(provider.token.url.as_str(), |oidc| oidc.issuer.as_str())
}

fn assertion(signer: &Signer, client_id: &str, audience: &str, now: Timestamp) -> Result<String, SigningError> {
    let header = json!({"typ": "JWT", "kid": signer.public().thumbprint()});
    let claims = json!({
        "iss": client_id, "sub": client_id, "aud": audience, "jti": signer.token_id(),
        "iat": now.as_second(), "exp": now.as_second() + LIFE,
    });
    signer.sign(header, &claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::signer::tests::{signer, verified};

    fn provider(issuer: Option<&str>) -> Provider {
        let mut data = json!({"id": "p", "name": "P", "authorize": {"url": "https://p.example/a"}, "token": {"url": "https://p.example/t", "client_auth": "private_key_jwt"}});
        if let Some(issuer) = issuer {
            data["oidc"] = json!({"issuer": issuer});
        }
        Provider::parse_custom(data).expect("a provider")
    }

    fn added(provider: &Provider, signer: Option<&Signer>) -> Result<Parameters, SigningError> {
        let credentials = Credentials { client_id: "client", client_secret: None, signer };
        let mut parameters = vec![("client_id".into(), "client".into()), ("code".into(), "c".into())];
        add(&mut parameters, provider, credentials, Timestamp::UNIX_EPOCH).map(|()| parameters)
    }

    #[test]
    fn an_assertion_says_who_for_whom_and_for_how_long() {
        let signer = signer();
        let parameters = added(&provider(Some("https://p.example")), Some(&signer)).expect("signed");
        let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["code", "client_id", "client_assertion_type", "client_assertion"]);
        let (header, claims) = verified(&parameters[3].1, signer.public());
        assert_eq!(header["kid"], signer.public().thumbprint());
        assert_eq!([&claims["iss"], &claims["sub"], &claims["aud"]], ["client", "client", "https://p.example"]);
        assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(0), Some(60)));
    }

    #[test]
    fn no_assertion_is_made_twice() {
        let signer = signer();
        let ids: Vec<_> = (0..2)
            .map(|_| {
                let parameters = added(&provider(None), Some(&signer)).expect("signed");
                verified(&parameters[3].1, signer.public()).1["jti"].to_string()
            })
            .collect();
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn a_provider_without_an_issuer_is_named_by_its_token_endpoint() {
        assert_eq!(audience(&provider(None)), "https://p.example/t");
    }

    #[test]
    fn nothing_is_sent_without_a_key() {
        assert_eq!(added(&provider(None), None), Err(SigningError));
    }
}
