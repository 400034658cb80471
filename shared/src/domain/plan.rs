//! Plans: what the deployment lets a workspace add. Whoever runs the deployment writes them down and says which workspace has
//! which; a workspace without one may add what it likes. A plan stands in the way of something new, and ends nothing.

mod reading;

use std::{collections::BTreeMap, fmt};

pub use reading::InvalidPlans;

/// The name of a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanName(Box<str>);

/// The text is no name of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 32 characters of a-z, 0-9, `_` and `-`")]
pub struct InvalidPlanName;

impl PlanName {
    /// Parses a name that came from outside.
    ///
    /// # Errors
    /// [`InvalidPlanName`].
    pub fn parse(raw: &str) -> Result<Self, InvalidPlanName> {
        let fits = (1..=32).contains(&raw.len())
            && raw.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if fits { Ok(Self(raw.into())) } else { Err(InvalidPlanName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a plan lets a workspace add. What it does not speak of is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many connectors it has at most.
    pub connectors: Option<u32>,
    /// How many connections it has at most, of all users and its own.
    pub connections: Option<u32>,
    /// Whether it defines providers of its own.
    pub custom_providers: bool,
    /// Whether it has connectors whose account all share.
    pub shared: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { connectors: None, connections: None, custom_providers: true, shared: true }
    }
}

/// The plans of a deployment, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plans(BTreeMap<PlanName, Plan>);

impl Plans {
    /// The plan of this name, if there is one.
    #[must_use]
    pub fn find(&self, name: &PlanName) -> Option<&Plan> {
        self.0.get(name)
    }

    /// Whether any of them limits connections: if none does, nobody has to ask which plan a workspace has before it connects.
    #[must_use]
    pub fn limit_connections(&self) -> bool {
        self.0.values().any(|plan| plan.connections.is_some())
    }
}

/// How many connections a workspace has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionCount {
    /// Those that were made while a plan limited them, ended ones included.
    pub guarded: i64,
    /// All others, less those that ended.
    pub open: i64,
}

impl ConnectionCount {
    /// How many there are.
    #[must_use]
    pub fn total(self) -> u64 {
        u64::try_from(self.guarded.saturating_add(self.open)).unwrap_or(0)
    }

    /// What room there is where there may be `most`.
    #[must_use]
    pub fn room(self, most: u32) -> Room {
        Room(i64::from(most).saturating_sub(self.open))
    }
}

/// Up to where a new connection may still be counted among those that a plan limits. It is fixed when a session begins, and
/// stays safe: what ends in the meantime only makes more room than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room(pub i64);

/// What a plan does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRequired {
    /// The plan that the workspace has.
    pub plan: PlanName,
    /// What stands in the way.
    pub limit: Limit,
}

/// A limit of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// There are as many connectors as it allows, or more.
    Connectors {
        /// How many it allows.
        most: u32,
        /// How many there are.
        used: u64,
    },
    /// There are as many connections as it allows, or more.
    Connections {
        /// How many it allows.
        most: u32,
        /// How many there are.
        used: u64,
    },
    /// It has no providers of a workspace's own.
    CustomProviders,
    /// It has no shared connectors.
    Shared,
}

impl Limit {
    /// The limit's name, as the plan has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connectors { .. } => "connectors",
            Self::Connections { .. } => "connections",
            Self::CustomProviders => "custom_providers",
            Self::Shared => "shared",
        }
    }
}

impl fmt::Display for PlanRequired {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        match self.limit {
            Limit::Connectors { most: 0, .. } => write!(formatter, "The plan `{plan}` has no connectors."),
            Limit::Connectors { most, used } => {
                write!(formatter, "The plan `{plan}` has {most} connectors at most, and the workspace has {used}.")
            }
            Limit::Connections { most, used } => {
                write!(formatter, "The plan `{plan}` has {most} connections at most, and the workspace has {used}.")
            }
            Limit::CustomProviders => write!(formatter, "The plan `{plan}` has no providers of a workspace's own."),
            Limit::Shared => write!(formatter, "The plan `{plan}` has no shared connectors."),
        }?;
        formatter.write_str(" What there is goes on working; another plan lets you add more.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_asked_about_only_where_a_plan_limits_them() {
        assert!(!Plans::parse(r#"{"free": {"connectors": 3}}"#).unwrap().limit_connections());
        assert!(Plans::parse(r#"{"free": {"connections": 0}, "pro": {}}"#).unwrap().limit_connections());
    }

    #[test]
    fn room_is_what_the_others_leave_and_more_once_some_of_them_end() {
        let count = ConnectionCount { guarded: 2, open: 3 };
        assert_eq!((count.total(), count.room(5)), (5, Room(2)));
        let later = ConnectionCount { open: 2, ..count };
        assert_eq!((later.total(), later.room(5)), (4, Room(3)));
        let lesser = ConnectionCount { guarded: 0, open: 7 };
        assert_eq!(lesser.room(5), Room(-2));
    }
}
