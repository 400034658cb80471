//! Where requests may go. Input: a URL; each further line is an address that its name may lead to.
//!
//! What the guard lets pass must lead to the public internet by https, by a table of addresses that was written down
//! from the registries once more, and by the reading of a second parser.

use std::{
    net::IpAddr,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use axum::http::{Request, Uri};
use connectors::oauth::egress::{DEADLINE, Egress, EgressError, EgressRefusal, Names, is_global};
use tokio::runtime::Runtime;
use url::{Host, Url};

use crate::text::first_line;

/// What nobody on the public internet can be reached at: the special-purpose registries of IANA where "globally reachable"
/// is not "true", multicast, and every form of IPv6 that carries an IPv4 address along.
const NOT_PUBLIC: [&str; 41] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/29",
    "192.0.0.170/31",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/32",
    "2001:2::/48",
    "2001:10::/28",
    "2001:db8::/32",
    "2002::/16",
    "3ffe::/16",
    "3fff::/20",
    "4000::/2",
    "8000::/2",
    "c000::/3",
    "e000::/4",
    "f000::/5",
    "f800::/6",
    "fc00::/7",
    "fe80::/9",
    "ff00::/8",
];

/// Ends of names that lead nowhere, or somewhere else on every network.
const NOT_PUBLIC_NAMES: [&str; 7] =
    ["localhost", "local", "internal", "localdomain", "home.arpa", "invalid", "in-addr.arpa"];

/// Takes an input.
pub fn run(input: &[u8]) {
    let (url, addresses) = first_line(input);
    if let Ok(url) = Egress::new().check(&url) {
        assert_public(&url);
        assert_read_the_same_by_others(&url);
    }
    if let Ok(url) = Egress::allowing_plain_http_to_loopback().check(&url)
        && !is_this_machine(&url)
    {
        assert_public(&url);
    }
    let addresses = String::from_utf8_lossy(addresses);
    let addresses: Vec<IpAddr> = addresses.lines().take(16).filter_map(|line| line.trim().parse().ok()).collect();
    for address in &addresses {
        assert!(!is_global(*address) || is_public(*address), "{address} is let pass");
    }
    assert_not_connected_to(&url, addresses);
}

/// What every name leads to, until somebody has asked.
static ADDRESSES: Mutex<Vec<IpAddr>> = Mutex::new(Vec::new());

/// The product's way out, by names that lead where an input says.
static WAY_OUT: LazyLock<(Egress, Runtime)> = LazyLock::new(|| {
    let look_up = |_: &str| std::mem::take(&mut *led_to());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (Egress::new().resolving_by(Names::told(look_up)), runtime)
});

/// A name of which one address is not public is not connected to, whatever the others are. (A name that may be connected to
/// is not tried: it would be.)
fn assert_not_connected_to(url: &str, addresses: Vec<IpAddr>) {
    let is_harmless = addresses.iter().any(|address| !is_public(*address));
    let Ok(Host::Domain(_)) = Egress::new().check(url).map(|url| url.host().unwrap().to_owned()) else { return };
    let (true, Ok(request)) = (is_harmless, Request::get(url).body(Vec::new())) else { return };
    *led_to() = addresses;
    let (egress, runtime) = &*WAY_OUT;
    let outcome = runtime.block_on(egress.send(request, DEADLINE)).err();
    let was_asked = led_to().is_empty();
    // Of some names no certificate can tell, and nobody asks where they lead.
    let refusal = if was_asked { EgressError::Blocked(EgressRefusal::Host) } else { EgressError::NotSent };
    assert_eq!(outcome, Some(refusal), "{url} is connected to");
}

fn led_to() -> MutexGuard<'static, Vec<IpAddr>> {
    ADDRESSES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a URL leads to the public internet, by https, as who it is and with nothing hidden in it.
pub(crate) fn assert_public(url: &Url) {
    assert_eq!(url.scheme(), "https", "{url}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    match url.host() {
        Some(Host::Ipv4(address)) => assert!(is_public(address.into()), "{url}"),
        Some(Host::Ipv6(address)) => assert!(is_public(address.into()), "{url}"),
        Some(Host::Domain(name)) => assert_public_name(name),
        None => panic!("{url} has no host"),
    }
}

/// A resolver of the operating system takes a name whose last label is a number for an address.
fn assert_public_name(name: &str) {
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels: Vec<&str> = name.split('.').collect();
    assert!(labels.len() > 1 && labels.iter().all(|label| !label.is_empty()), "`{name}` is let pass");
    assert!(name.is_ascii() && !name.bytes().any(|byte| byte <= b' ' || byte == b'%'), "`{name}` is let pass");
    let last = labels.last().copied().unwrap_or_default();
    assert!(!last.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) || last.parse::<u64>().is_err(), "{name}");
    for end in NOT_PUBLIC_NAMES {
        let inside = name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        assert!(!inside, "`{name}` is let pass");
    }
}

/// Requests are built with another parser of URLs. What was checked and where a request goes must be the same.
fn assert_read_the_same_by_others(url: &Url) {
    let again = Egress::new().check(url.as_str()).expect("a URL that passed passes again");
    assert_eq!(&again, url);
    let Ok(uri) = url.as_str().parse::<Uri>() else { return };
    let there = Egress::new().check(&uri.to_string()).expect("a URL that passed passes in its other form");
    assert_eq!((there.host_str(), there.port_or_known_default()), (url.host_str(), url.port_or_known_default()));
    assert_eq!(uri.host(), url.host_str(), "two parsers read two hosts in {url}");
    assert_eq!(uri.port_u16().unwrap_or(443), url.port_or_known_default().unwrap_or(443), "{url}");
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.octets()[0] == 127,
        Some(Host::Ipv6(address)) => u128::from(address) == 1,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_public(address: IpAddr) -> bool {
    !NOT_PUBLIC.iter().any(|block| is_in(address, block))
}

fn is_in(address: IpAddr, block: &str) -> bool {
    let (network, length) = block.split_once('/').unwrap();
    let (length, network): (u32, IpAddr) = (length.parse().unwrap(), network.parse().unwrap());
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            u32::from(address).checked_shr(32 - length) == u32::from(network).checked_shr(32 - length)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            u128::from(address).checked_shr(128 - length) == u128::from(network).checked_shr(128 - length)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_table_knows_what_is_public() {
        for (address, expected) in [
            ("8.8.8.8", true),
            ("2606:4700::1111", true),
            ("2a00:1450:4001:830::200e", true),
            ("127.0.0.1", false),
            ("100.127.255.255", false),
            ("::ffff:8.8.8.8", false),
            ("2002:808:808::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("5f00::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}
