//! What a provider wants of redirect URIs, beside what RFC 6749, section 3.1.2, does.

use serde::Serialize;

use crate::domain::fields::Table;

/// What a provider registers no redirect URI without, or with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RedirectRules {
    /// It must be https, on this machine too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub https_only: bool,
    /// It must not lead to the person's own machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_localhost: bool,
    /// It must have no query.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_query: bool,
}

impl RedirectRules {
    pub(super) fn read(table: Table<'_>) -> Self {
        let flag = |name| table.flag(name).unwrap_or(false);
        let rules =
            Self { https_only: flag("https_only"), no_localhost: flag("no_localhost"), no_query: flag("no_query") };
        table.close();
        rules
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
