//! What people are told about a provider. Nothing here changes what is sent or how it is read.

use serde::Serialize;
use serde_json::Value;

use super::choice::choices;
use crate::domain::fields::{self, Table};

choices! {
    /// How well a fact about a provider is known.
    Knowledge {
        /// The provider's documentation or its own answers say so.
        Confirmed = "confirmed",
        /// Two independent sources say so.
        TwoSources = "two_sources",
        /// One source says so.
        OneSource = "one_source",
        /// It is believed.
        Unconfirmed = "unconfirmed",
    }

    /// Who fixes the scopes' owner at the provider.
    AppScope {
        /// One client serves a workspace.
        Workspace = "workspace",
        /// Every connection brings its own client.
        PerConnection = "per_connection",
    }
}

/// A scope worth suggesting to a person who sets up a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuggestedScope {
    /// The scope.
    pub scope: String,
    /// What it lets an app do, in plain words.
    pub description: String,
}

/// How well the fields of a provider's data are known; each by its JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certainty {
    /// All that is in none of the lists.
    pub default: Knowledge,
    /// What the provider says itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub confirmed: Vec<String>,
    /// What two independent sources say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub two_sources: Vec<String>,
    /// What one source says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_source: Vec<String>,
    /// What is believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<String>,
}

/// That a provider, or this way to connect to it, goes away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deprecated {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// What takes its place: the id of another provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replace_by: Option<String>,
    /// What there is to say about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl SuggestedScope {
    pub(super) fn read(table: Table<'_>) -> Self {
        let scope = Self {
            scope: table.require("scope", table.text("scope")),
            description: table.require("description", table.text("description")),
        };
        table.close();
        scope
    }
}

impl Certainty {
    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        let pointers = |name: &'static str| table.each(name, pointer).unwrap_or_default();
        let certainty = table.is_given().then(|| Self {
            default: table.choice("default", Knowledge::ALL).unwrap_or(Knowledge::Confirmed),
            confirmed: pointers("confirmed"),
            two_sources: pointers("two_sources"),
            one_source: pointers("one_source"),
            unconfirmed: pointers("unconfirmed"),
        });
        table.close();
        certainty
    }

    /// The pointers that lead to nothing in a file's own data: to what was renamed or taken out since.
    pub fn astray<'c>(&'c self, data: &'c Value) -> impl Iterator<Item = &'c str> {
        let lists = [&self.confirmed, &self.two_sources, &self.one_source, &self.unconfirmed];
        lists.into_iter().flatten().map(String::as_str).filter(|pointer| data.pointer(pointer).is_none())
    }
}

impl Deprecated {
    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        let deprecated = table.is_given().then(|| Self {
            on: table.text("on"),
            replace_by: table.text("replace_by"),
            note: table.text("note"),
        });
        table.close();
        deprecated
    }
}

fn pointer(value: &Value) -> Result<String, String> {
    let raw = fields::text(value)?;
    if raw.starts_with('/') { Ok(raw) } else { Err("must be a JSON pointer".into()) }
}
