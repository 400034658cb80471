//! Which URLs may be spoken to, as far as the URL itself tells.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::{is_global, is_loopback};
use crate::domain::authority::Authority;

/// How far requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The public internet, by https.
    Public,
    /// That, and this machine, by http too.
    PublicAndLoopback,
}

/// Why a URL may not be spoken to. Says what is wrong with it and never which address it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressRefusal {
    /// It is no absolute URL with a host.
    #[error("is not an absolute URL")]
    NotAUrl,
    /// Its scheme is not https.
    #[error("must be an https URL")]
    Scheme,
    /// It carries a user name or password.
    #[error("must not carry a user name or password")]
    Userinfo,
    /// It has a fragment (RFC 6749, sections 3.1 and 3.2).
    #[error("must not have a fragment")]
    Fragment,
    /// Its host is, or leads to, an address that is not on the public internet.
    #[error("must name a host on the public internet")]
    Host,
}

/// Names that mean something else on every network, or nothing on the public one (RFC 6761, RFC 6762, RFC 8375, and
/// `internal`, which is reserved for private use).
const PRIVATE_SUFFIXES: [&str; 7] =
    ["localhost", "local", "internal", "localdomain", "home.arpa", "invalid", "in-addr.arpa"];

/// Checks a URL without asking anybody.
///
/// # Errors
/// [`EgressRefusal`], the first rule that it breaks.
pub(super) fn check(raw: &str, reach: Reach) -> Result<Url, EgressRefusal> {
    let url = Url::parse(raw).map_err(|_| EgressRefusal::NotAUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EgressRefusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EgressRefusal::Userinfo);
    }
    if url.fragment().is_some() {
        return Err(EgressRefusal::Fragment);
    }
    // What this parser forgives in an address, a resolver or another parser on the way may read in another way.
    if Authority::of(raw).is_none() {
        return Err(EgressRefusal::Host);
    }
    if raw.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'\\') {
        return Err(EgressRefusal::NotAUrl);
    }
    let host = url.host().ok_or(EgressRefusal::NotAUrl)?;
    let is_near = reach == Reach::PublicAndLoopback && is_this_machine(&host);
    match (url.scheme(), is_near) {
        (_, true) => Ok(url),
        ("https", false) if is_public(&host) => Ok(url),
        ("https", false) => Err(EgressRefusal::Host),
        _ => Err(EgressRefusal::Scheme),
    }
}

/// Whether the address that a connection leads to fits the host that was asked for.
pub(super) fn fits(url: &Url, peer: IpAddr, reach: Reach) -> bool {
    let is_near = reach == Reach::PublicAndLoopback && url.host().is_some_and(|host| is_this_machine(&host));
    if is_near { is_loopback(peer) } else { is_global(peer) }
}

/// Whether an answer of the resolver may be connected to.
pub(super) fn resolves_well(name: &str, address: IpAddr, reach: Reach) -> bool {
    if reach == Reach::PublicAndLoopback && is_localhost(name) { is_loopback(address) } else { is_global(address) }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => is_localhost(name),
    }
}

fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_global(IpAddr::V4(*address)),
        Host::Ipv6(address) => is_global(IpAddr::V6(*address)),
        Host::Domain(name) => is_public_name(name),
    }
}

/// Whether a name could be a public one: it has several labels, none of them empty, and does not end in a private suffix.
/// One dot at the end is the root's.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_private =
        |suffix: &&str| name.strip_suffix(*suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let is_complete = name.contains('.') && name.split('.').all(|label| !label.is_empty());
    is_complete && !PRIVATE_SUFFIXES.iter().any(is_private)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_https_urls_pass() {
        for raw in [
            "https://provider.example/token",
            "https://a.b.example:8443/x?y=z",
            "https://8.8.8.8/",
            "https://xn--bcher-kva.example/",
        ] {
            assert!(check(raw, Reach::Public).is_ok(), "{raw}");
        }
    }

    #[test]
    fn what_does_not_lead_to_the_public_internet_is_refused() {
        use EgressRefusal::{Fragment, Host, NotAUrl, Scheme, Userinfo};
        for (raw, refusal) in [
            ("http://provider.example/token", Scheme),
            ("http://127.0.0.1:9001/", Scheme),
            ("file:///etc/passwd", Scheme),
            ("gopher://provider.example/", Scheme),
            ("data:text/plain,x", Scheme),
            ("https://user:pw@provider.example/", Userinfo),
            ("https://user@provider.example/", Userinfo),
            ("https://:pw@provider.example/", Userinfo),
            ("https://provider.example/#x", Fragment),
            ("/token", NotAUrl),
            ("https://", NotAUrl),
            ("", NotAUrl),
            ("https://169.254.169.254/", Host),
            ("https://10.0.0.5/", Host),
            ("https://2130706433/", Host),
            ("https://0x7f.1/", Host),
            ("https://0177.0.0.1/", Host),
            ("https://127.1/", Host),
            ("https://0/", Host),
            ("https://１２７.0.0.1/", Host),
            ("https://[::1]/", Host),
            ("https://[::ffff:169.254.169.254]/", Host),
            ("https://[::ffff:a9fe:a9fe]/", Host),
            ("https://[64:ff9b::a00:5]/", Host),
            ("https://[fd00:ec2::254]/", Host),
            ("https://localhost/", Host),
            ("https://LOCALHOST./", Host),
            ("https://a.localhost/", Host),
            ("https://printer.local/", Host),
            ("https://metadata.google.internal/", Host),
            ("https://metadata.google.internal./", Host),
            ("https://router/", Host),
            ("https://router./", Host),
            ("https://x.home.arpa/", Host),
            ("https://localhost../", Host),
            ("https://metadata.google.internal../", Host),
            ("https://provider..example/", Host),
            ("https://provider.example*/", Host),
            ("https://prov\tider.example/", Host),
            (" https://provider.example/", Host),
            ("https:\\\\provider.example/", Host),
            ("https://provider.example\\x", Host),
            ("https://provider.example/a\\x", NotAUrl),
            ("https://provider.example/a b", NotAUrl),
            ("https://provider.example/ü", NotAUrl),
            ("https:provider.example/", Host),
            ("https://@provider.example/", Host),
            ("https://provider.example./", Host),
        ] {
            assert_eq!(check(raw, Reach::Public), Err(refusal), "{raw}");
        }
    }

    #[test]
    fn this_machine_is_reached_only_where_that_is_allowed() {
        for raw in [
            "http://127.0.0.1:9001/token",
            "http://localhost:8787/x",
            "http://[::1]:1/",
            "https://localhost/",
            "http://127.8.9.1/",
        ] {
            assert!(check(raw, Reach::PublicAndLoopback).is_ok(), "{raw}");
            assert!(check(raw, Reach::Public).is_err(), "{raw}");
        }
    }

    #[test]
    fn allowing_this_machine_allows_nothing_else() {
        for raw in [
            "http://provider.example/",
            "http://10.0.0.5/",
            "https://10.0.0.5/",
            "http://[::ffff:127.0.0.1]/",
            "http://a.localhost/",
            "http://0.0.0.0/",
        ] {
            assert!(check(raw, Reach::PublicAndLoopback).is_err(), "{raw}");
        }
    }

    #[test]
    fn a_connection_that_led_elsewhere_does_not_fit() {
        let url = |raw: &str| Url::parse(raw).expect("a URL");
        for (host, peer, reach, expected) in [
            ("https://p.example/", "8.8.8.8", Reach::Public, true),
            ("https://p.example/", "10.0.0.5", Reach::Public, false),
            ("https://p.example/", "127.0.0.1", Reach::PublicAndLoopback, false),
            ("http://localhost/", "127.0.0.1", Reach::PublicAndLoopback, true),
            ("http://localhost/", "8.8.8.8", Reach::PublicAndLoopback, false),
            ("http://localhost/", "127.0.0.1", Reach::Public, false),
        ] {
            let peer = peer.parse().expect("an address");
            assert_eq!(fits(&url(host), peer, reach), expected, "{host} {peer} {reach:?}");
        }
    }

    #[test]
    fn a_public_name_may_not_lead_to_this_machine() {
        let here: IpAddr = "127.0.0.1".parse().expect("an address");
        assert!(!resolves_well("provider.example", here, Reach::PublicAndLoopback));
        assert!(resolves_well("localhost", here, Reach::PublicAndLoopback));
        assert!(!resolves_well("localhost", here, Reach::Public));
    }
}
