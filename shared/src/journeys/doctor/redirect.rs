//! Where the provider sends people back to.

use url::{Host, Url};

use crate::domain::{
    finding::{Finding, FindingCode, Severity},
    provider::RedirectRules,
};

/// What is to be said of a redirect URI. Once somebody has connected, it is registered.
pub(super) fn findings(redirect_uri: &str, rules: RedirectRules, is_proven: bool) -> Vec<Finding> {
    if let Some(broken) = broken_rule(redirect_uri, rules) {
        return vec![forbidden(redirect_uri, broken)];
    }
    if is_proven { Vec::new() } else { vec![to_register(redirect_uri)] }
}

/// What the provider's data forbids of this address.
fn broken_rule(redirect_uri: &str, rules: RedirectRules) -> Option<&'static str> {
    let url = Url::parse(redirect_uri).ok()?;
    let is_near = match url.host()? {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    if rules.https_only && url.scheme() != "https" {
        Some("registers https addresses only")
    } else if rules.no_localhost && is_near {
        Some("registers no address of a person's own machine")
    } else if rules.no_query && url.query().is_some() {
        Some("registers no address with a query")
    } else {
        None
    }
}

fn to_register(redirect_uri: &str) -> Finding {
    Finding::new(
        Severity::Info,
        FindingCode::RegisterRedirectUri,
        format!("Nobody has connected yet. The redirect URI is {redirect_uri}"),
        "The provider sends people back to registered addresses only, and compares them byte for byte.",
        "Register exactly this redirect URI for the client at the provider, then connect once.",
    )
    .at("/redirect_uri")
}

fn forbidden(redirect_uri: &str, broken: &str) -> Finding {
    Finding::new(
        Severity::Error,
        FindingCode::RedirectUriForbidden,
        format!("The provider {broken}; the redirect URI is {redirect_uri}"),
        "It can't be registered there, so nobody can connect.",
        "Serve this deployment under a public https address: set its public base URL, then register the new redirect URI.",
    )
    .at("/redirect_uri")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(redirect_uri: &str, rules: RedirectRules, is_proven: bool) -> Vec<FindingCode> {
        findings(redirect_uri, rules, is_proven).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn what_the_provider_forbids_is_an_error_even_if_somebody_connected_once() {
        let none = RedirectRules::default();
        let https = RedirectRules { https_only: true, ..none };
        let public = RedirectRules { no_localhost: true, ..none };
        let bare = RedirectRules { no_query: true, ..none };
        let forbidden = vec![FindingCode::RedirectUriForbidden];
        for (uri, rules) in [
            ("http://connect.example/cb", https),
            ("http://localhost:8787/cb", https),
            ("https://localhost/cb", public),
            ("http://127.0.0.1:8787/cb", public),
            ("http://[::1]/cb", public),
            ("https://connect.example/cb?a=b", bare),
        ] {
            assert_eq!(codes(uri, rules, true), forbidden, "{uri}");
            assert_eq!(codes(uri, none, true), vec![], "{uri}");
        }
        let all = RedirectRules { https_only: true, no_localhost: true, no_query: true };
        assert_eq!(codes("https://connect.example/cb", all, true), vec![]);
        assert_eq!(codes("https://connect.example/cb", all, false), vec![FindingCode::RegisterRedirectUri]);
    }
}
