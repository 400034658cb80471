//! What is asked for, against what the provider's data says.

use crate::domain::{
    connector::Connector,
    finding::{Finding, FindingCode, Severity},
    provider::Provider,
    scopes::Scopes,
};

/// What is to be said of the scopes that a connector asks for.
pub(super) fn findings(connector: &Connector, provider: &Provider) -> Vec<Finding> {
    let asked = provider.scopes_to_request(&connector.scopes);
    let known = &provider.authorize.scope.known;
    let unknown = if known.is_empty() { Scopes::default() } else { asked.missing_from(known) };
    let unknown = unknown.iter().filter(|_| provider.authorize.scope.send).map(unknown_to_the_catalogue);
    unknown.chain(no_refresh_token(&asked, provider)).collect()
}

/// What is missing for the provider to give a refresh token, by its data.
fn no_refresh_token(asked: &Scopes, provider: &Provider) -> Option<Finding> {
    let refresh = &provider.refresh;
    if !provider.refreshes() {
        return None;
    }
    if let Some(scope) = refresh.needs_scope.as_deref().filter(|scope| !asked.contains(scope)) {
        return Some(without_scope(scope));
    }
    let sent = &provider.authorize.params;
    let missing = refresh.needs_params.iter().find(|(name, value)| sent.get(*name) != Some(*value));
    missing.map(|(name, value)| {
        no_token(
            format!("The authorization request lacks `{name}={value}`, and without it the provider gives no refresh token."),
            "Register the provider again with this parameter under `authorize.params`, and make a new connector for it.",
        )
        .at("/authorize/params")
    })
}

/// The finding that a scope is missing without which there is no refresh token.
pub(super) fn without_scope(scope: &str) -> Finding {
    no_token(
        format!("The connector does not ask for the scope `{scope}`, by which the provider gives a refresh token."),
        &format!(
            "Add `{scope}` to the connector's scopes. People who are connected already are asked to connect again."
        ),
    )
    .at("/scopes")
}

fn no_token(what: String, what_to_do: &str) -> Finding {
    let why = "When the access token ends, a person has to connect again: nobody can refresh it for them.";
    Finding::new(Severity::Warning, FindingCode::NoRefreshToken, what, why, what_to_do)
}

fn unknown_to_the_catalogue(scope: &str) -> Finding {
    unknown(Severity::Error, scope, "The provider's list of scopes has no")
}

/// The finding that a list of scopes lacks one.
pub(super) fn unknown(severity: Severity, scope: &str, list: &str) -> Finding {
    Finding::new(
        severity,
        FindingCode::UnknownScope,
        format!("{list} `{scope}`."),
        "A provider refuses the whole request for one scope that it does not know, or leaves the scope out silently.",
        "Look for a typing mistake in the connector's scopes, and whether the client may ask for it at the provider.",
    )
    .at("/scopes")
}
