//! An event of the trail as a line of JSON: what is digested of it, and what leaves, so that others can do the same.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Content, Link};
use crate::domain::digest::hex;

/// The form of events whose digest is that of the line itself.
const FORMAT: &str = "connectors.audit.v3";

/// The form before: the digest can be made with the key only.
pub(super) const EARLIER_FORMAT: &str = "connectors.audit.v2";

/// An event and its place. The fields stand in the order of their names, numbers are whole, and what is not there is left
/// out: that makes it canonical JSON (RFC 8785).
#[derive(Serialize)]
struct Line<'a> {
    action: &'a str,
    actor: &'a str,
    at: String,
    details: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    target: &'a str,
    workspace: &'a str,
}

impl<'a> Line<'a> {
    fn of(content: Content<'a>, link: Option<&Link>, format: Option<&'static str>) -> Self {
        let deed = content.deed;
        Self {
            action: &deed.action,
            actor: &deed.actor,
            at: stored(content.at),
            details: &deed.details,
            format,
            hash: None,
            id: content.id,
            issuer: deed.issuer.as_deref(),
            lane: link.map(|link| link.lane),
            origin: deed.origin.as_deref(),
            previous: link.map(|link| hex(&link.previous)),
            previous_at: link.and_then(|link| link.previous_at).map(stored),
            seq: link.map(|link| link.seq),
            signature: None,
            target: &deed.target,
            workspace: content.workspace.as_str(),
        }
    }

    fn written(&self) -> String {
        // Texts and whole numbers: nothing in it can't be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What is digested of an event: all of it but the digest and its signature.
pub(super) fn digested(content: Content<'_>, link: &Link) -> String {
    Line::of(content, Some(link), Some(FORMAT)).written()
}

/// An event as it leaves: as it is stored, with its digest and its signature. Without those, and as canonical JSON, it is
/// what was digested.
#[must_use]
pub fn line(content: Content<'_>, link: Option<&Link>) -> String {
    let format = link.map(|link| if link.is_plain(content) { FORMAT } else { EARLIER_FORMAT });
    let hash = link.map(|link| hex(&link.hash));
    let signature = link.and_then(|link| link.signature).map(|signature| hex(&signature));
    Line { hash, signature, ..Line::of(content, link, format) }.written()
}

/// What stands for an event that can't be read.
#[must_use]
pub fn unreadable_line(id: &str) -> String {
    serde_json::json!({ "id": id, "unreadable": true }).to_string()
}

impl Link {
    /// Whether the digest is one that everybody can make. Of one that says so and is not, everybody sees it.
    fn is_plain(&self, content: Content<'_>) -> bool {
        self.signature.is_some() || self.digest(content) == self.hash
    }
}

/// Times are stored in milliseconds.
fn stored(at: Timestamp) -> String {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        audit::{Actor, Deed},
        chain::{ChainKey, Head, Tip},
        ids::WorkspaceId,
    };

    #[test]
    fn what_is_digested_is_the_line_without_digest_and_signature_in_the_order_of_names() {
        let key = ChainKey::of(&ChainKey::made_of([1; 32])).unwrap();
        let deed = Deed::new(&Actor::System, "app.changed", "app", &[("z", "\u{1f}\"é\u{2028}"), ("a", "1")], None);
        let workspace = WorkspaceId::parse("ws").unwrap();
        let at = Timestamp::new(7, 123_456_789).unwrap();
        let content = Content { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", at, workspace: &workspace, deed: &deed };
        let head = Head { seq: 4, hash: [7; 32], at: Timestamp::UNIX_EPOCH };
        let link = Link::behind(Some(&key), &Tip::Sound(head), 3, content);
        let mut told: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&line(content, Some(&link))).unwrap();
        assert_eq!((&told["format"], &told["at"]), (&"connectors.audit.v3".into(), &"1970-01-01T00:00:07.123Z".into()));
        assert_eq!(told.remove("hash").unwrap(), hex(&link.hash));
        assert_eq!(told.remove("signature").unwrap(), hex(&link.signature.unwrap()));
        let sorted: BTreeMap<_, _> = told.into_iter().collect();
        assert_eq!(serde_json::to_string(&sorted).unwrap(), digested(content, &link));
        assert_eq!(crate::domain::digest::sha256(digested(content, &link).as_bytes()), link.hash);
    }
}
