//! Workspaces: the tenants.

use jiff::Timestamp;

use super::{ids::WorkspaceId, plan::PlanName};

/// A tenant. It owns apps, connectors and the keys that seal their secrets.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What people call it.
    pub name: DisplayName,
    /// Its plan, if it has one.
    pub plan: Option<PlanName>,
    /// How many connectors it has; unknown of a workspace that was made before they were counted.
    pub connectors: Option<u64>,
    /// Whether every connection of it is counted; not so of a workspace that has some from before they were.
    pub connections_counted: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted, if it was; what is left of it is being purged.
    pub deleted_at: Option<Timestamp>,
}

/// A name that people read: 1 to 100 characters, none of them a control character, not only white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(Box<str>);

/// A text that cannot be a display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 100 characters, without control characters")]
pub struct InvalidName;

impl DisplayName {
    /// Parses a name that came from outside. White space around it is dropped.
    ///
    /// # Errors
    /// [`InvalidName`] if nothing is left, it is longer than 100 characters, or has a control character.
    pub fn parse(raw: &str) -> Result<Self, InvalidName> {
        if raw.chars().any(char::is_control) {
            return Err(InvalidName);
        }
        let name = raw.trim();
        if (1..=100).contains(&name.chars().count()) { Ok(Self(name.into())) } else { Err(InvalidName) }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two names must not share inside one workspace: letters in one case, white space as one space.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters_not_bytes() {
        assert!(DisplayName::parse(&"🦀".repeat(100)).is_ok());
        assert!(DisplayName::parse(&"🦀".repeat(101)).is_err());
    }

    #[test]
    fn control_characters_and_emptiness_are_refused() {
        for raw in ["", "   ", "a\0b", "a\nb", "\u{7f}"] {
            assert_eq!(DisplayName::parse(raw), Err(InvalidName), "{raw:?}");
        }
        assert!(DisplayName::parse("مرحبا \u{202e} 👋").is_ok());
    }

    #[test]
    fn names_that_look_alike_fold_to_one() {
        let folded = |raw| DisplayName::parse(raw).unwrap().folded();
        assert_eq!(folded("Google  Calendar "), folded("google calendar"));
        assert_ne!(folded("Calendar 1"), folded("Calendar 2"));
    }
}
