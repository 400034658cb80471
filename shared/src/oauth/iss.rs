//! From which authorization server a response came (RFC 9207).

use crate::domain::provider::Provider;

/// The response came from another authorization server than the one that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the response is not from the authorization server that was asked")]
pub struct IssuerMismatch;

/// Checks the `iss` of an authorization response (RFC 9207, section 2.4): against mix-up of authorization servers.
///
/// # Errors
/// [`IssuerMismatch`] if it differs from the provider's issuer, or is absent where the provider always sends it.
pub fn check_iss(provider: &Provider, presented: Option<&str>) -> Result<(), IssuerMismatch> {
    match (&provider.oidc, presented) {
        (Some(oidc), Some(presented)) if oidc.issuer != presented => Err(IssuerMismatch),
        (Some(oidc), None) if oidc.iss_parameter_supported => Err(IssuerMismatch),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn custom(oidc: Value) -> Provider {
        let mut value = json!({
            "id": "p", "name": "P", "authorize": {"url": "https://p.example/authorize"}, "token": {"url": "https://p.example/token"},
        });
        if !oidc.is_null() {
            value["oidc"] = oidc;
        }
        Provider::parse_custom(value).expect("a provider")
    }

    #[test]
    fn iss_must_fit_where_it_is_known_and_be_there_where_it_is_promised() {
        let unknown = custom(json!(null));
        let known = custom(json!({"issuer": "https://p.example"}));
        let promised = custom(json!({"issuer": "https://p.example", "iss_parameter_supported": true}));
        for (provider, presented, accepted) in [
            (&unknown, None, true),
            (&unknown, Some("https://evil.example"), true),
            (&known, None, true),
            (&known, Some("https://p.example"), true),
            (&known, Some("https://p.example/"), false),
            (&known, Some("https://evil.example"), false),
            (&promised, None, false),
            (&promised, Some(""), false),
            (&promised, Some("https://evil.example"), false),
            (&promised, Some("https://p.example"), true),
        ] {
            assert_eq!(check_iss(provider, presented).is_ok(), accepted, "{:?} {presented:?}", provider.oidc);
        }
    }
}
