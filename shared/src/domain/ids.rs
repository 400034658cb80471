//! Identifiers, parsed at the edge. None of them is a secret.

use std::fmt;

/// A text from outside that is not an identifier of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct InvalidId(pub &'static str);

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident: $rule:expr, $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses an identifier that came from outside.
            ///
            /// # Errors
            /// [`InvalidId`] says what it must look like.
            pub fn parse(raw: &str) -> Result<Self, InvalidId> {
                let rule: fn(&str) -> bool = $rule;
                if rule(raw) { Ok(Self(raw.into())) } else { Err(InvalidId($expected)) }
            }

            /// The identifier as it is stored and shown.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

identifiers! {
    /// A workspace: the tenant that owns apps and connectors.
    WorkspaceId: is_name, "1 to 64 letters, digits, `-` or `_`";
    /// An app of a workspace. May be chosen by the workspace, so that an app keeps the id it already has.
    AppId: is_name, "1 to 64 letters, digits, `-` or `_`";
    /// A connector. May be chosen by the workspace, so that the redirect URI is known before the connector exists.
    ConnectorId: |raw| raw.strip_prefix("con_").is_some_and(is_ulid), "`con_` followed by a ULID (26 upper-case characters)";
    /// A connection: one user's grant through one connector.
    ConnectionId: |raw| raw.strip_prefix("cnn_").is_some_and(is_base32), "`cnn_` followed by 26 characters";
    /// A proposal to change something.
    ProposalId: |raw| raw.strip_prefix("prp_").is_some_and(is_ulid), "`prp_` followed by a ULID (26 upper-case characters)";
    /// An API key's public part.
    KeyId: |raw| is_ulid(raw), "a ULID";
    /// One attempt to refresh a connection.
    AttemptId: |raw| is_ulid(raw), "a ULID";
    /// One ended grant among those of its place.
    EndedId: |raw| is_ulid(raw), "a ULID";
    /// One revocation of many connections at once.
    RevocationId: |raw| raw.strip_prefix("rev_").is_some_and(is_ulid), "`rev_` followed by a ULID (26 upper-case characters)";
    /// Something that happened, as it is told.
    EventId: |raw| raw.strip_prefix("evt_").is_some_and(is_ulid), "`evt_` followed by a ULID (26 upper-case characters)";
    /// A webhook.
    WebhookId: |raw| raw.strip_prefix("wh_").is_some_and(is_ulid), "`wh_` followed by a ULID (26 upper-case characters)";
    /// The issuer of a user's token (`iss`).
    Issuer: |raw| is_claim(raw, 512), "1 to 512 characters without control characters";
    /// Who the user is to that issuer (`sub`).
    Subject: |raw| is_claim(raw, 255), "1 to 255 characters without control characters";
}

impl ConnectorId {
    /// A connector's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(format!("con_{ulid}").into())
    }
}

impl ProposalId {
    /// A proposal's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(format!("prp_{ulid}").into())
    }
}

impl WorkspaceId {
    /// A workspace's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(format!("ws_{ulid}").into())
    }
}

impl AppId {
    /// An app's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(format!("app_{ulid}").into())
    }
}

impl ConnectionId {
    /// The id of the connection that stands at a place. The same place has the same id for ever: a person who
    /// reconnects keeps it, and no two sessions can race over who gets to choose one.
    #[must_use]
    pub(crate) fn of_place(digest: &[u8; 32]) -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let text: String = digest.iter().take(26).map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
        Self(format!("cnn_{text}").into())
    }
}

impl AttemptId {
    /// An attempt's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(ulid.into())
    }
}

impl EndedId {
    /// An ended grant's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(ulid.into())
    }
}

impl RevocationId {
    /// A revocation's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(format!("rev_{ulid}").into())
    }
}

impl EventId {
    /// An event's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(format!("evt_{ulid}").into())
    }
}

impl WebhookId {
    /// A webhook's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(format!("wh_{ulid}").into())
    }
}

impl KeyId {
    /// A key's id made from a fresh ULID.
    #[must_use]
    pub fn of_ulid(ulid: &str) -> Self {
        Self(ulid.into())
    }
}

fn is_name(raw: &str) -> bool {
    (1..=64).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// A ULID in its canonical form: Crockford's base 32 in capitals, and not more than 128 bits.
fn is_ulid(raw: &str) -> bool {
    is_base32(raw) && raw.as_bytes()[0] <= b'7'
}

fn is_base32(raw: &str) -> bool {
    raw.len() == 26
        && raw.bytes().all(
            |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'H' | b'J' | b'K' | b'M' | b'N' | b'P'..=b'T' | b'V'..=b'Z'),
        )
}

fn is_claim(raw: &str, longest: usize) -> bool {
    let length = raw.chars().count();
    (1..=longest).contains(&length) && !raw.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_id_is_its_prefix_and_a_ulid() {
        for (raw, valid) in [
            ("con_01ARZ3NDEKTSV4RRFFQ69G5FAV", true),
            ("con_01arz3ndektsv4rrffq69g5fav", false),
            ("con_81ARZ3NDEKTSV4RRFFQ69G5FAV", false),
            ("con_01ARZ3NDEKTSV4RRFFQ69G5FAI", false),
            ("con_01ARZ3NDEKTSV4RRFFQ69G5FA", false),
            ("app_01ARZ3NDEKTSV4RRFFQ69G5FAV", false),
            ("con_", false),
            ("", false),
        ] {
            assert_eq!(ConnectorId::parse(raw).is_ok(), valid, "{raw}");
        }
    }

    #[test]
    fn names_cannot_leave_their_place_in_a_key() {
        for raw in ["", "a#b", "a/b", "..", "a b", "ü", &"a".repeat(65)] {
            assert!(WorkspaceId::parse(raw).is_err(), "{raw}");
        }
        assert!(AppId::parse("67f0a1_b2-C3").is_ok());
    }

    #[test]
    fn a_subject_may_be_any_printable_text_up_to_its_length() {
        for (raw, valid) in [("auth0|12 3", true), ("ユーザー", true), ("", false), ("a\0b", false)] {
            assert_eq!(Subject::parse(raw).is_ok(), valid, "{raw:?}");
        }
        assert!(Subject::parse(&"é".repeat(255)).is_ok());
        assert!(Subject::parse(&"é".repeat(256)).is_err());
    }
}
