//! Who an absolute web address leads to, as it is written (RFC 3986, section 3.2).

use std::net::{Ipv4Addr, Ipv6Addr};

/// The host and the port that stand in an absolute `http` or `https` address.
///
/// Only what every reader takes for the same: parsers of browsers also read `https:\\host`, `0x7f.1`, digits in full width,
/// tabs between letters or a name of signs that no resolver knows, and others read those differently, or not at all. Letters
/// of other alphabets are written as DNS has them (`xn--…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority<'a> {
    /// Whose address it is.
    pub host: Host<'a>,
    /// The port, if one is written.
    pub port: Option<u16>,
}

/// A host as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name of DNS, without a dot at its end.
    Name(&'a str),
    /// An address in four decimal parts.
    V4(Ipv4Addr),
    /// An address in brackets, in its one canonical form (RFC 5952).
    V6(Ipv6Addr),
}

impl<'a> Authority<'a> {
    /// Reads it in an address; `None` if there is none, or a user name, or if it is written in another way.
    #[must_use]
    pub fn of(address: &'a str) -> Option<Self> {
        let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
        let written = rest.split(['/', '?', '#']).next()?;
        let (host, port) = if let Some(bracketed) = written.strip_prefix('[') {
            let (host, port) = bracketed.split_once(']')?;
            (Host::V6(host.parse().ok().filter(|address: &Ipv6Addr| address.to_string() == host)?), port)
        } else {
            let (host, port) = written.split_at(written.find(':').unwrap_or(written.len()));
            (Host::of(host)?, port)
        };
        let port = if port.is_empty() { None } else { Some(port_of(port.strip_prefix(':')?)?) };
        Some(Self { host, port })
    }
}

impl<'a> Host<'a> {
    fn of(written: &'a str) -> Option<Self> {
        if let Ok(address) = written.parse() {
            return Some(Self::V4(address));
        }
        let is_top = |label: &str| label.starts_with(|first: char| first.is_ascii_alphabetic());
        let is_name = written.split('.').all(is_label) && written.rsplit('.').next().is_some_and(is_top);
        is_name.then_some(Self::Name(written))
    }
}

/// A part of a name (RFC 1123, section 2.1). Underscores are in names of hosts too, though the letter of it has none.
fn is_label(label: &str) -> bool {
    let is_at_ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = label.as_bytes();
    bytes.len() <= 63
        && is_at_ends(bytes.first())
        && is_at_ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// A port without a sign and without zeros before it.
fn port_of(digits: &str) -> Option<u16> {
    digits.parse().ok().filter(|port: &u16| *port > 0 && port.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read_as_they_are_written() {
        for (address, host, port) in [
            ("https://app.example", Host::Name("app.example"), None),
            ("https://My_app.example:8443/x:1@y", Host::Name("My_app.example"), Some(8443)),
            ("http://localhost:5173?a", Host::Name("localhost"), Some(5173)),
            ("https://xn--bcher-kva.example#x", Host::Name("xn--bcher-kva.example"), None),
            ("http://127.0.0.1:80/", Host::V4(Ipv4Addr::LOCALHOST), Some(80)),
            ("http://[::1]:65535/", Host::V6(Ipv6Addr::LOCALHOST), Some(65_535)),
        ] {
            assert_eq!(Authority::of(address), Some(Authority { host, port }), "{address}");
        }
    }

    #[test]
    fn what_readers_disagree_about_is_no_authority() {
        for address in [
            "",
            "/x",
            "//app.example",
            "https:app.example",
            "https:/app.example",
            "https:\\\\app.example",
            " https://app.example",
            "HTTPS://app.example",
            "ftp://app.example",
            "https://",
            "https://app.example*",
            "https://app.exam ple",
            "https://app.exam\tple",
            "https://bücher.example",
            "https://１２７.0.0.1",
            "https://0x7f.1",
            "https://127.1",
            "https://127.0.0.01",
            "https://2130706433",
            "https://app.example.",
            "https://app..example",
            "https://-app.example",
            "https://app-.example",
            "https://user@app.example",
            "https://app.example@evil.example",
            "https://@app.example",
            "https://app.example:",
            "https://app.example:0",
            "https://app.example:+80",
            "https://app.example:080",
            "https://app.example:65536",
            "https://app.example\\x",
            "https://[::1",
            "https://[::1]x",
            "https://[::1%25eth0]",
            "https://[0::1]",
            "https://[localhost]",
        ] {
            assert_eq!(Authority::of(address), None, "{address}");
        }
        assert_eq!(Authority::of(&format!("https://{}.example", "a".repeat(64))), None);
    }
}
