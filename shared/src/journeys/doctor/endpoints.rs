//! Whether the provider's endpoints can be reached.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use futures::future::join_all;

use crate::{
    domain::{
        finding::{Finding, FindingCode, Severity},
        provider::Provider,
    },
    oauth::{ProviderClient, egress::Unreachable},
};

/// How long a host may take to answer anything.
const PATIENCE: Duration = Duration::from_secs(5);

/// What stands in the way to each host of the provider. A host is asked once, however many endpoints it has.
pub(super) async fn findings(client: &ProviderClient, provider: &Provider) -> Vec<Finding> {
    let reached = origins(provider).into_values().map(|(pointer, url)| async move {
        let obstacle = client.egress().reach(url, PATIENCE).await.err()?;
        Some(finding(&pointer, url, obstacle))
    });
    join_all(reached).await.into_iter().flatten().collect()
}

/// Whether something in a URL is only known with a connection.
pub(super) fn is_filled_later(url: &str) -> bool {
    url.contains('{')
}

/// The first endpoint at each origin, with its JSON pointer.
fn origins(provider: &Provider) -> BTreeMap<&str, (Cow<'static, str>, &str)> {
    let issuer = provider.oidc.as_ref().map(|oidc| (Cow::Borrowed("/oidc/issuer"), oidc.issuer.as_str()));
    let mut origins = BTreeMap::new();
    for (pointer, url) in provider.endpoints().chain(issuer) {
        let origin = origin(url);
        if !is_filled_later(origin) {
            origins.entry(origin).or_insert((pointer, origin));
        }
    }
    origins
}

/// Scheme and host of a URL, as they are written.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    &url[..end]
}

fn finding(pointer: &str, origin: &str, obstacle: Unreachable) -> Finding {
    let (code, what, what_to_do) = match obstacle {
        Unreachable::Blocked(refusal) => (
            FindingCode::EndpointBlocked,
            format!("{origin} may not be spoken to: it {refusal}."),
            "Register the provider with public https endpoints, and make a new connector for it.",
        ),
        Unreachable::NoAddress => (
            FindingCode::EndpointUnknownHost,
            format!("The name of {origin} has no address."),
            "Look for a typing mistake in the host. If it is right, wait until its name servers answer again.",
        ),
        Unreachable::Tls => (
            FindingCode::EndpointTls,
            format!("{origin} can't be spoken to securely: its certificate is not valid for it, or it speaks no TLS."),
            "Have its certificate renewed, issued by a public authority for this very host, with the intermediate ones.",
        ),
        Unreachable::NoConnection => (
            FindingCode::EndpointUnreachable,
            format!("{origin} accepts no connections, or closes them without an answer."),
            "Check that the server runs, and that its firewall lets this deployment in.",
        ),
        Unreachable::Silent => (
            FindingCode::EndpointTimeout,
            format!("{origin} did not answer within {} seconds.", PATIENCE.as_secs()),
            "Look at the provider's status page. If it goes on, check that its firewall lets this deployment in.",
        ),
    };
    // One slow moment is no reason for alarm.
    let severity = if obstacle == Unreachable::Silent { Severity::Warning } else { Severity::Error };
    Finding::new(severity, code, what, "What is asked of it fails, as long as this is so.", what_to_do).at(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_ends_where_its_host_does() {
        for (url, expected) in [
            ("https://p.example/token?x=/y", "https://p.example"),
            ("https://p.example:8443?x", "https://p.example:8443"),
            ("https://p.example", "https://p.example"),
            ("https://{shop}.p.example/{a}", "https://{shop}.p.example"),
        ] {
            assert_eq!(origin(url), expected);
        }
        assert!(
            is_filled_later(origin("https://{shop}.p.example/")) && !is_filled_later(origin("https://p.example/{a}"))
        );
    }
}
