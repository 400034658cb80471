//! What an assistant's token may be good for (RFC 6749, section 3.3), beside whom it names. Scopes only narrow: what a person
//! may not do, no scope lets their assistant do.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::gather::Gather;

/// One scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentScope {
    /// A builder's assistant looks at connectors and providers.
    ReadConnectors,
    /// A builder's assistant proposes changes.
    ProposeConnectors,
    /// An app's agent looks at what its user has connected, and reads from there.
    ReadConnections,
    /// An app's agent connects, writes and disconnects.
    ChangeConnections,
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedScopes {
    /// Whatever its person may do: its issuer has no scopes of ours, and it names none.
    All,
    /// These, and nothing else.
    Only(BTreeSet<AgentScope>),
}

impl AgentScope {
    /// Every scope.
    pub const ALL: [Self; 4] =
        [Self::ReadConnectors, Self::ProposeConnectors, Self::ReadConnections, Self::ChangeConnections];

    /// As tokens and metadata name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadConnectors => "connectors:read",
            Self::ProposeConnectors => "connectors:propose",
            Self::ReadConnections => "connections:read",
            Self::ChangeConnections => "connections:write",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

impl GrantedScopes {
    /// What a token's claims say: `scope` (RFC 9068, section 2.2.3) or `scp`, as one text or as a list. Where the issuer has
    /// our scopes, a token without any is good for nothing; elsewhere only a token that has some is narrowed, because the
    /// scopes of other things are in tokens of every issuer.
    #[must_use]
    pub fn of_claims(claims: &Map<String, Value>, issuer_has_them: bool) -> Self {
        let given = ["scope", "scp"].into_iter().filter_map(|name| claims.get(name));
        let ours: BTreeSet<AgentScope> = given.flat_map(names).filter_map(AgentScope::parse).gathered();
        if issuer_has_them || !ours.is_empty() { Self::Only(ours) } else { Self::All }
    }

    /// Whether this is among them.
    #[must_use]
    pub fn allow(&self, scope: AgentScope) -> bool {
        match self {
            Self::All => true,
            Self::Only(granted) => granted.contains(&scope),
        }
    }

    /// All that a client has to ask for to do this as well: what it has, and what it lacks.
    #[must_use]
    pub fn with(&self, needed: AgentScope) -> BTreeSet<AgentScope> {
        let mut wanted = match self {
            Self::All => BTreeSet::new(),
            Self::Only(granted) => granted.clone(),
        };
        wanted.insert(needed);
        wanted
    }
}

fn names(claim: &Value) -> Vec<&str> {
    match claim {
        Value::String(names) => names.split(' ').collect(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn granted(claims: &Value, issuer_has_them: bool) -> GrantedScopes {
        GrantedScopes::of_claims(claims.as_object().unwrap(), issuer_has_them)
    }

    #[test]
    fn scopes_narrow_and_those_of_other_things_do_not() {
        let read = AgentScope::ReadConnectors;
        for (claims, expected) in [
            (json!({}), GrantedScopes::All),
            (json!({"scope": "openid profile connectors:admin"}), GrantedScopes::All),
            (json!({"scope": "openid connectors:read"}), GrantedScopes::Only(BTreeSet::from([read]))),
            (json!({"scp": ["connectors:read"]}), GrantedScopes::Only(BTreeSet::from([read]))),
            (json!({"scope": ["connectors:read"], "scp": 7}), GrantedScopes::Only(BTreeSet::from([read]))),
            (json!({"scope": "Connectors:Read"}), GrantedScopes::All),
        ] {
            assert_eq!(granted(&claims, false), expected, "{claims}");
        }
        assert!(!granted(&json!({"scope": "openid"}), true).allow(read));
        assert!(!granted(&json!({}), true).allow(read));
        let propose = AgentScope::ProposeConnectors;
        assert!(!granted(&json!({"scope": "connectors:read"}), false).allow(propose));
        assert_eq!(granted(&json!({"scope": "connectors:read"}), false).with(propose), BTreeSet::from([read, propose]));
    }
}
