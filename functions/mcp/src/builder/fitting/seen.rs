//! A connector of the workspace, held against what is wanted of it.

use connectors::{
    domain::{
        connector::{Connector, ConnectorKind},
        provider::Provider,
        scopes::Scopes,
    },
    web::{Problem, list as texts_of},
};
use serde_json::{Value, json};

use super::{
    super::{Builder, obstacles::Limits},
    Choice, Wish, not_listed,
};
use crate::answer::capped;

/// A connector, and how far it is what is wanted.
pub(super) struct Seen<'a> {
    pub(super) connector: &'a Connector,
    /// Whether it is for the purpose, and not for another product of the same brand.
    suits: bool,
    /// What is needed and it does not ask for.
    missing: Scopes,
    /// Whether the workspace's policy allows it.
    pub(super) is_allowed: bool,
    /// Of a shared one, whether its account can be used.
    connected: Option<bool>,
    /// Whether the provider accepts its client, as far as anybody has found out and it was looked at.
    is_accepted: bool,
    /// The kind that is wanted, if that is known.
    wanted: Option<ConnectorKind>,
}

impl<'a> Seen<'a> {
    pub(super) async fn of(
        tools: &Builder,
        connector: &'a Connector,
        wish: &Wish,
        choice: &Choice,
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let provider = choice.all.iter().find(|provider| provider.id == connector.provider);
        let switches = limits.switches(connector.provider.as_str());
        let (is_allowed, connected) = match connector.kind {
            ConnectorKind::PerUser => (switches.per_user, None),
            ConnectorKind::Shared => {
                let connection = tools.shared.of_connector(connector).await?;
                (switches.builder, Some(connection.is_some_and(|(_, standing)| !standing.reconnect_required())))
            }
        };
        Ok(Self {
            connector,
            suits: choice.suits(connector, wish),
            missing: missing(&wish.scopes, connector, provider),
            is_allowed,
            connected,
            is_accepted: true,
            wanted: wish.wanted_kind(),
        })
    }

    /// Finds out whether the provider accepts its client.
    pub(super) async fn look_closer(&mut self, tools: &Builder) -> Result<(), Problem> {
        let health = tools.connectors.health(self.connector).await.map_err(not_listed)?;
        self.is_accepted = health.refusal_of(self.connector.revision).is_none();
        Ok(())
    }

    /// Whether it can be used as it is, whatever its kind.
    pub(super) fn is_usable(&self) -> bool {
        self.suits && self.is_allowed && self.is_connected() && self.is_accepted && !self.lacks_scopes()
    }

    /// Whether it can be used as it is, and whose account it is for is not against what is wanted.
    pub(super) fn fits(&self) -> bool {
        self.is_usable() && self.is_of_kind()
    }

    /// Whether it is of the kind that is wanted, as far as that is known.
    pub(super) fn is_of_kind(&self) -> bool {
        self.wanted.is_none_or(|kind| kind == self.connector.kind)
    }

    pub(super) fn suits(&self) -> bool {
        self.suits
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected != Some(false)
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.is_accepted
    }

    pub(super) fn lacks_scopes(&self) -> bool {
        !self.missing.is_empty()
    }

    /// The less of these the better: what fits comes first, then what is nearest to it. Of several that fit, the one that asks
    /// for least.
    pub(super) fn distance(&self) -> (bool, bool, bool, bool, bool, usize) {
        let stands = self.is_allowed && self.is_connected() && self.is_accepted;
        (
            !self.fits(),
            !self.is_of_kind(),
            !self.suits,
            !stands,
            self.lacks_scopes(),
            self.connector.scopes.iter().count(),
        )
    }

    pub(super) fn told(&self) -> Value {
        json!({
            "connector_id": self.connector.id.as_str(),
            "integration_type": self.connector.provider.as_str(),
            "name": capped(self.connector.name.as_str()),
            "kind": self.connector.kind.as_str(),
            "scopes": texts_of(&self.connector.scopes),
            "missing_scopes": texts_of(&self.missing),
            "connected": self.connected,
            "allowed": self.is_allowed,
            "accepted": self.is_accepted,
            "fits": self.fits(),
        })
    }
}

/// What of the wanted scopes a connector does not ask for, neither by name nor by a scope that stands for it.
fn missing(wanted: &Scopes, connector: &Connector, provider: Option<&Provider>) -> Scopes {
    let Some(provider) = provider else { return wanted.missing_from(&connector.scopes) };
    let full = wanted.iter().map(|scope| in_full(scope, &connector.scopes, provider));
    let wanted = Scopes::parse(full).unwrap_or_else(|_| wanted.clone());
    provider.missing(&wanted, &connector.scopes)
}

/// A scope as the provider writes it, where only its last part was said and one scope ends so.
fn in_full<'a>(said: &'a str, of_connector: &'a Scopes, provider: &'a Provider) -> &'a str {
    let aliases = &provider.authorize.scope.aliases;
    let known = of_connector
        .iter()
        .chain(provider.suggested_scopes.iter().map(|suggested| suggested.scope.as_str()))
        .chain(aliases.keys().map(String::as_str))
        .chain(aliases.values().flatten().map(String::as_str));
    let mut meant: Option<&str> = None;
    for scope in known {
        if scope == said {
            return said;
        }
        let ends_so = scope.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(said));
        match meant {
            Some(other) if ends_so && other != scope => return said,
            None if ends_so => meant = Some(scope),
            _ => {}
        }
    }
    meant.unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use connectors::{domain::provider::ProviderType, oauth::catalogue::find_described};

    use super::*;

    #[test]
    fn the_last_part_of_a_scope_is_enough_where_one_scope_ends_so() {
        let provider = find_described(&ProviderType::parse("googlecalendar").unwrap()).unwrap();
        let nothing = Scopes::default();
        let read = "https://www.googleapis.com/auth/calendar.readonly";
        assert_eq!(in_full("calendar.readonly", &nothing, &provider), read);
        assert_eq!(in_full(read, &nothing, &provider), read);
        assert_eq!(in_full("something.else", &nothing, &provider), "something.else");
        let other = Scopes::parse(["https://example.com/calendar.readonly"]).unwrap();
        assert_eq!(in_full("calendar.readonly", &other, &provider), "calendar.readonly");
    }
}
