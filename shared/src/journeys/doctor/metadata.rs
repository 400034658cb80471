//! What an issuer publishes about itself, against what is in use here.

use serde_json::{Map, Value};

use super::scopes;
use crate::{
    domain::{
        connector::Connector,
        finding::{Finding, FindingCode, Severity},
        provider::{Pkce, Provider},
    },
    oauth::DiscoveryError,
};

/// The scope by which an OpenID provider gives a refresh token (OpenID Connect Core, section 11).
const OFFLINE_ACCESS: &str = "offline_access";

/// What is to be said of the issuer's metadata.
pub(super) fn findings(
    connector: &Connector,
    provider: &Provider,
    metadata: &Result<Map<String, Value>, DiscoveryError>,
) -> Vec<Finding> {
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(error) => return unread(error).into_iter().collect(),
    };
    let is_own = connector.pinned_profile.is_some();
    let mut findings: Vec<Finding> = moved(provider, metadata, is_own);
    findings.extend(pkce(provider, metadata));
    // The catalogue knows its providers better than their metadata, which often lists a few scopes of many.
    if is_own {
        findings.extend(of_scopes(connector, provider, metadata));
    }
    findings
}

/// An issuer that does not answer is told of with its host, if it goes on.
fn unread(error: &DiscoveryError) -> Option<Finding> {
    let (code, what) = match error {
        DiscoveryError::NotFound => (FindingCode::MetadataMissing, "The issuer has no metadata that can be read."),
        DiscoveryError::IssuerMismatch => {
            (FindingCode::MetadataOfAnotherIssuer, "The metadata at the issuer's address names another issuer.")
        }
        DiscoveryError::Blocked(_) | DiscoveryError::Passing | DiscoveryError::Unusable(_) => return None,
    };
    let why = "Whether its endpoints are still the right ones can't be found out, and ID tokens may not be accepted.";
    let what_to_do = "Check the issuer byte for byte, with or without a slash at its end. If it is another one, register the \
                      provider again and make a new connector for it.";
    Some(Finding::new(Severity::Warning, code, what, why, what_to_do).at("/oidc/issuer"))
}

/// The endpoints that the metadata has elsewhere. Where a catalogue entry ends grants and asks for accounts is its own
/// choice, and often not what the metadata names.
fn moved(provider: &Provider, metadata: &Map<String, Value>, is_own: bool) -> Vec<Finding> {
    let (revoke, identity) = (provider.revoke.as_ref(), provider.identity.as_ref());
    let par_url = provider.authorize.par_url.as_ref();
    let pinned = [
        ("/authorize/url", "authorization_endpoint", Some(&provider.authorize.url)),
        ("/authorize/par_url", "pushed_authorization_request_endpoint", par_url.filter(|_| is_own)),
        ("/token/url", "token_endpoint", Some(&provider.token.url)),
        ("/revoke/url", "revocation_endpoint", revoke.filter(|_| is_own).map(|revoke| &revoke.url)),
        ("/identity/url", "userinfo_endpoint", identity.filter(|_| is_own).and_then(|identity| identity.url.as_ref())),
    ];
    let differs = |(pointer, name, pinned): (&str, &str, Option<&String>)| {
        let published = metadata.get(name).and_then(Value::as_str)?;
        let pinned = pinned.filter(|url| !url.contains('{') && *url != published)?;
        Some(moved_to(pointer, name, pinned, is_own))
    };
    pinned.into_iter().filter_map(differs).collect()
}

fn moved_to(pointer: &str, name: &str, pinned: &str, is_own: bool) -> Finding {
    let what_to_do = if is_own {
        "Ask the provider whether it has moved; the audit trail (`connector.endpoints_moved`) may say where to. If so, \
         accept what its metadata says by now: `PUT` the connector with `{\"accept_endpoints\": true}`. Until then it keeps \
         its endpoints, so that no secret ever goes to an address it was not made for."
    } else {
        "If connecting works, nothing: the catalogue's endpoint is still served. If it does not, update this deployment."
    };
    let is_vital = is_own && ["/authorize/url", "/authorize/par_url", "/token/url"].contains(&pointer);
    Finding::new(
        if is_vital { Severity::Warning } else { Severity::Info },
        FindingCode::EndpointMoved,
        format!("The issuer's metadata no longer names {pinned} as its `{name}`."),
        "The old endpoint may be switched off.",
        what_to_do,
    )
    .at(pointer)
}

fn pkce(provider: &Provider, metadata: &Map<String, Value>) -> Option<Finding> {
    let has_s256 = lists(metadata.get("code_challenge_methods_supported"), "S256")?;
    let (what, why) = match (provider.authorize.pkce, has_s256) {
        (Pkce::Forbidden, true) => (
            "The issuer supports PKCE with S256, and the provider's data here says that it must not be sent.",
            "Codes are less protected than they could be.",
        ),
        (Pkce::Required | Pkce::Supported, false) => (
            "The provider's data here says that PKCE is used, and the issuer does not list the method S256.",
            "The issuer may ignore the challenge, or refuse the request.",
        ),
        _ => return None,
    };
    let what_to_do = "Register the provider again with the `authorize.pkce` that its documentation names, and make a new \
                      connector for it.";
    Some(Finding::new(Severity::Warning, FindingCode::PkceMismatch, what, why, what_to_do).at("/authorize/pkce"))
}

fn of_scopes(connector: &Connector, provider: &Provider, metadata: &Map<String, Value>) -> Vec<Finding> {
    let published = metadata.get("scopes_supported");
    let asked = provider.scopes_to_request(&connector.scopes);
    let is_missing = |scope: &&str| provider.authorize.scope.send && lists(published, scope) == Some(false);
    let list = "The issuer's metadata, which need not name every scope, has no";
    let mut findings: Vec<Finding> =
        asked.iter().filter(is_missing).map(|scope| scopes::unknown(Severity::Warning, scope, list)).collect();
    let says_how = provider.refresh.needs_scope.is_some() || !provider.refresh.needs_params.is_empty();
    let offers = lists(published, OFFLINE_ACCESS) == Some(true);
    if offers && !says_how && provider.refreshes() && !asked.contains(OFFLINE_ACCESS) {
        findings.push(scopes::without_scope(OFFLINE_ACCESS));
    }
    findings
}

/// Whether a list of the metadata has this; nothing is known where there is no list.
fn lists(list: Option<&Value>, wanted: &str) -> Option<bool> {
    let list = list?.as_array()?;
    Some(list.iter().any(|item| item.as_str() == Some(wanted)))
}
