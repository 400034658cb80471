//! The audit trail: who did what to what, and when. Never a secret, never a token.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{gather::Gather, ids::WorkspaceId, person::Person, user::User};

/// One thing that somebody did, in its place in the trail.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// A ULID; later events sort behind earlier ones.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The workspace that it happened in.
    pub workspace: WorkspaceId,
    /// What.
    pub deed: Deed,
}

/// What somebody did, as it is written down: in the trail, or beside what it changed until it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Who, see [`Actor::describe`].
    pub actor: String,
    /// Who vouches for them, if they are a user or a person of the workspace's.
    pub issuer: Option<String>,
    /// What, in the form `noun.verb`.
    pub action: String,
    /// To what: the id of a connector, app, key or connection.
    pub target: String,
    /// More, for people: names of changed fields, counts, outcomes.
    pub details: BTreeMap<String, String>,
    /// From where, if a request was its cause, see [`Origin`].
    pub origin: Option<String>,
}

impl Deed {
    /// What this actor did. What a person is called stands beside who they are: the one may change, the other does not.
    #[must_use]
    pub fn new(actor: &Actor, action: &str, target: &str, details: &[(&str, &str)], origin: Option<&Origin>) -> Self {
        let person = match actor {
            Actor::Person(person) => person.name.as_deref().map(|name| ("person", name)),
            _ => None,
        };
        let details = details.iter().copied().chain(person);
        Self {
            actor: actor.describe(),
            issuer: actor.issuer().map(str::to_owned),
            action: action.to_owned(),
            target: target.to_owned(),
            details: details.map(|(name, value)| (name.to_owned(), value.to_owned())).gathered(),
            origin: origin.map(|origin| origin.as_str().to_owned()),
        }
    }

    /// The same, with one detail more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.details.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// The network that a request came from: enough to tell an office from another country, and not a person's address. Of an
/// IPv4 address the first 24 bits, of an IPv6 address the first 48.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The network of this address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{}/24", Ipv4Addr::new(a, b, c, 0))
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
        })
    }

    /// The network as it is stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The holder of an API key, by the key's public part.
    Key(String),
    /// Somebody of the workspace's organisation.
    Person(Box<Person>),
    /// A user of an app.
    User(User),
    /// Who began, some time ago, what ends now: as they were described then.
    Recorded(String),
    /// Somebody of another workspace. Who that is stays theirs.
    Stranger,
    /// A function on its own: a schedule, a queue, a deployment's first event.
    System,
}

impl Actor {
    /// The actor as it is stored and shown: `key:…`, `person:{sub}`, `user:{app}:{sub}`, `stranger` or `system`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Key(id) => format!("key:{id}"),
            Self::Person(person) => format!("person:{}", person.subject),
            Self::User(user) => format!("user:{}:{}", user.app, user.subject),
            Self::Recorded(description) => description.clone(),
            Self::Stranger => "stranger".to_owned(),
            Self::System => "system".to_owned(),
        }
    }

    /// Who vouches for them, if somebody does.
    fn issuer(&self) -> Option<&str> {
        match self {
            Self::Person(person) => Some(person.issuer.as_str()),
            Self::User(user) => Some(user.issuer.as_str()),
            Self::Key(_) | Self::Recorded(_) | Self::Stranger | Self::System => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_where_somebody_is_only_the_network_is_kept() {
        for (address, network) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ] {
            assert_eq!(Origin::of(address.parse().unwrap()).as_str(), network);
        }
    }
}
