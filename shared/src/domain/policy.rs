//! What a workspace allows its people to connect, by type of provider. What is switched off stops at once, and goes on
//! where it was when it is switched on again: nothing of a connection is touched.

use std::collections::BTreeMap;

use super::{app::words, connector::ConnectorKind, provider::ProviderType};

/// The two switches of one type of provider. Both are on unless the workspace has said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// Whether connectors whose account all share may be used: what a builder connects once.
    pub builder: bool,
    /// Whether connectors through which each person connects an account of their own may be used.
    pub per_user: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self { builder: true, per_user: true }
    }
}

/// What is left on of a type of which not everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The shared account only.
    Builder,
    /// Accounts of their own only.
    PerUser,
    /// Nothing.
    Nothing,
}

words! {
    Left { Builder = "builder", PerUser = "per_user", Nothing = "nothing" }
}

impl From<Left> for Switches {
    fn from(left: Left) -> Self {
        Self { builder: left == Left::Builder, per_user: left == Left::PerUser }
    }
}

impl Switches {
    /// What is left on, if not everything is.
    #[must_use]
    pub fn left(self) -> Option<Left> {
        match (self.builder, self.per_user) {
            (true, true) => None,
            (true, false) => Some(Left::Builder),
            (false, true) => Some(Left::PerUser),
            (false, false) => Some(Left::Nothing),
        }
    }
}

/// A change of one type's switches; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchChange {
    /// The type.
    pub provider: ProviderType,
    /// [`Switches::builder`] from now on.
    pub builder: Option<bool>,
    /// [`Switches::per_user`] from now on.
    pub per_user: Option<bool>,
}

/// The switches of a workspace. Only those are kept that are not as they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    off: BTreeMap<ProviderType, Left>,
}

impl Policy {
    /// A policy of what was kept of it.
    #[must_use]
    pub fn of(off: BTreeMap<ProviderType, Left>) -> Self {
        Self { off }
    }

    /// Whether connectors of this kind to this type of provider may be used.
    #[must_use]
    pub fn allows(&self, kind: ConnectorKind, provider: &ProviderType) -> bool {
        let switches = self.switches(provider);
        match kind {
            ConnectorKind::PerUser => switches.per_user,
            ConnectorKind::Shared => switches.builder,
        }
    }

    /// The switches of this type.
    #[must_use]
    pub fn switches(&self, provider: &ProviderType) -> Switches {
        self.off.get(provider).copied().map(Switches::from).unwrap_or_default()
    }

    /// The types of which not everything is on, with what is.
    pub fn off(&self) -> impl Iterator<Item = (&ProviderType, Left)> {
        self.off.iter().map(|(provider, left)| (provider, *left))
    }

    /// The policy after a change.
    #[must_use]
    pub fn after(mut self, change: &SwitchChange) -> Self {
        let now = self.switches(&change.provider);
        let switches = Switches {
            builder: change.builder.unwrap_or(now.builder),
            per_user: change.per_user.unwrap_or(now.per_user),
        };
        match switches.left() {
            Some(left) => self.off.insert(change.provider.clone(), left),
            None => self.off.remove(&change.provider),
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(builder: Option<bool>, per_user: Option<bool>) -> SwitchChange {
        SwitchChange { provider: ProviderType::parse("slack").unwrap(), builder, per_user }
    }

    #[test]
    fn everything_is_on_until_somebody_says_otherwise() {
        let (slack, other) = (ProviderType::parse("slack").unwrap(), ProviderType::parse("notion").unwrap());
        let policy = Policy::default();
        assert!(policy.allows(ConnectorKind::PerUser, &slack));
        let policy = policy.after(&change(None, Some(false)));
        assert!(!policy.allows(ConnectorKind::PerUser, &slack));
        assert!(policy.allows(ConnectorKind::Shared, &slack), "the other switch stays");
        assert!(policy.allows(ConnectorKind::PerUser, &other), "and so do those of other types");
    }

    #[test]
    fn what_is_on_again_is_as_if_it_had_never_been_off() {
        let policy = Policy::default().after(&change(Some(false), Some(false)));
        assert_eq!(policy.off().count(), 1);
        assert_eq!(policy.after(&change(Some(true), Some(true))), Policy::default());
    }
}
