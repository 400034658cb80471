//! Plans: what the deployment lets a workspace add. Whoever runs the deployment writes them down and says which workspace has
//! which; a workspace without one may add what it likes. A plan stands in the way of something new, and ends nothing.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// How many connectors it has at most.
    pub connectors: Option<u32>,
    /// Whether it defines providers of its own.
    pub custom_providers: bool,
    /// Whether it has connectors whose account all share.
    pub shared: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { connectors: None, custom_providers: true, shared: true }
    }
}

/// The plans of a deployment, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plans(BTreeMap<PlanName, Plan>);

/// The text does not say what the plans are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the plans can't be read")]
pub struct InvalidPlans;

impl Plans {
    /// Reads plans: a JSON object of them by name.
    ///
    /// # Errors
    /// [`InvalidPlans`] if it is none, or has a name or a limit that is not known.
    pub fn parse(raw: &str) -> Result<Self, InvalidPlans> {
        let plans: BTreeMap<String, Plan> = serde_json::from_str(raw).map_err(|_| InvalidPlans)?;
        let named = |(name, plan): (String, Plan)| Ok((PlanName::parse(&name).map_err(|_| InvalidPlans)?, plan));
        plans.into_iter().map(named).collect::<Result<_, _>>().map(Self)
    }

    /// The plan of this name, if there is one.
    #[must_use]
    pub fn find(&self, name: &PlanName) -> Option<&Plan> {
        self.0.get(name)
    }
}

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
    fn what_a_plan_does_not_speak_of_is_allowed() {
        let plans = Plans::parse(r#"{"free": {"connectors": 3, "shared": false}, "pro": {}}"#).unwrap();
        let free = plans.find(&PlanName::parse("free").unwrap()).unwrap();
        assert_eq!(free, &Plan { connectors: Some(3), custom_providers: true, shared: false });
        assert_eq!(plans.find(&PlanName::parse("pro").unwrap()), Some(&Plan::default()));
        assert_eq!(Plans::parse("{}"), Ok(Plans::default()));
    }

    #[test]
    fn a_limit_that_nobody_keeps_is_refused_when_the_deployment_starts() {
        for raw in ["", "[]", r#"{"free": {"conectors": 3}}"#, r#"{"Free": {}}"#, r#"{"free": {"connectors": -1}}"#] {
            assert_eq!(Plans::parse(raw), Err(InvalidPlans), "{raw}");
        }
    }
}
