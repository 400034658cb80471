//! The answer of a token endpoint (RFC 6749, sections 5.1 and 5.2), as a provider gives it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{choice::choices, path::Path, request};
use crate::domain::fields::Table;

choices! {
    /// How a moment is written.
    TimeFormat {
        /// As a date and time (ISO 8601); UTC where it says no offset.
        Iso = "iso",
        /// In seconds since 1970.
        EpochSeconds = "epoch_s",
        /// In milliseconds since 1970.
        EpochMilliseconds = "epoch_ms",
    }

    /// What a lifetime of zero means, where it means anything.
    ZeroLife {
        /// The token lives until it is revoked.
        Never = "never",
    }
}

/// How a token answer is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenResponse {
    /// What must hold in a successful answer, for providers that say 200 to everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
    /// How an error is told.
    pub error: ErrorReading,
    /// Where things are.
    pub fields: Fields,
    /// What stands between two granted scopes, beside white space.
    pub scope_separator: String,
    /// How long tokens live.
    pub expiry: Expiry,
    /// What else of the answer is kept with the connection, by the name that it is given out under.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keep: BTreeMap<String, Path>,
}

/// A value that tells success from failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Success {
    /// Where it is.
    pub path: Path,
    /// What it is on success.
    pub equals: Value,
}

/// How an error is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReading {
    /// Where the code is; RFC 6749, section 5.2: `error`. The first path that leads to a text counts.
    pub code: Vec<Path>,
    /// The provider's own words for `invalid_grant`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalid_grant: Vec<String>,
    /// The provider's own words for `invalid_client`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalid_client: Vec<String>,
}

/// Where things are in a successful answer; the first path that leads to something counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fields {
    /// The access token.
    pub access_token: Vec<Path>,
    /// The refresh token.
    pub refresh_token: Vec<Path>,
    /// The life of the access token, in seconds.
    pub expires_in: Vec<Path>,
    /// The granted scopes.
    pub scope: Vec<Path>,
}

/// How long tokens live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expiry {
    /// Where the life of the refresh token is, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_seconds: Option<Path>,
    /// Where the moment is at which the access token ends. It goes before a lifetime in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<EndsAt>,
    /// What a lifetime of zero means. Where nothing is said, it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_means: Option<ZeroLife>,
    /// What an answer without a lifetime means.
    pub assume: Lifetime,
}

/// Where an answer tells the moment at which the access token ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndsAt {
    /// Where it is.
    pub path: Path,
    /// How it is written.
    pub format: TimeFormat,
}

/// The life of an access token whose answer tells none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// It lives until it is revoked.
    Never,
    /// Nobody knows: the API tells by refusing it.
    Unknown,
    /// It lives this many seconds.
    Seconds(u32),
}

impl Serialize for Lifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Never => serializer.serialize_str("never"),
            Self::Unknown => serializer.serialize_str("unknown"),
            Self::Seconds(seconds) => serializer.serialize_u32(*seconds),
        }
    }
}

impl TokenResponse {
    pub(super) fn read(table: Table<'_>) -> Self {
        let response = Self {
            success: Success::read(table.table("success")),
            error: ErrorReading::read(table.table("error")),
            fields: Fields::read(table.table("fields")),
            scope_separator: table.text("scope_separator").unwrap_or_else(|| " ".into()),
            expiry: Expiry::read(table.table("expiry")),
            keep: request::kept(&table, "keep"),
        };
        table.close();
        response
    }
}

impl Success {
    /// Whether an answer says that it succeeded.
    #[must_use]
    pub fn holds(&self, answer: &Value) -> bool {
        self.path.find(answer) == Some(&self.equals)
    }

    /// Whether an answer says that it did not: what is asked for is there, and is something else.
    #[must_use]
    pub fn is_denied(&self, answer: &Value) -> bool {
        self.path.find(answer).is_some_and(|told| *told != self.equals)
    }

    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        if !table.is_given() {
            return None;
        }
        let path = table.path("path");
        let equals = table.read("equals", |value| match value {
            Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
            _ => Err("must be a text, a number, true or false".into()),
        });
        for (name, is_missing) in [("path", path.is_none()), ("equals", equals.is_none())] {
            if is_missing {
                table.require::<()>(name, None);
            }
        }
        table.close();
        Some(Self { path: path?, equals: equals? })
    }
}

impl ErrorReading {
    fn read(table: Table<'_>) -> Self {
        let error = Self {
            code: table.paths("code").unwrap_or_else(|| vec![Path::field("error")]),
            invalid_grant: table.texts("invalid_grant").unwrap_or_default(),
            invalid_client: table.texts("invalid_client").unwrap_or_default(),
        };
        table.close();
        error
    }
}

impl Fields {
    fn read(table: Table<'_>) -> Self {
        let at = |name: &'static str| table.paths(name).unwrap_or_else(|| vec![Path::field(name)]);
        let fields = Self {
            access_token: at("access_token"),
            refresh_token: at("refresh_token"),
            expires_in: at("expires_in"),
            scope: at("scope"),
        };
        table.close();
        fields
    }
}

impl Expiry {
    fn read(table: Table<'_>) -> Self {
        let by_name = |value: &Value| match value.as_str() {
            Some("never") => Some(Lifetime::Never),
            Some("unknown") => Some(Lifetime::Unknown),
            _ => None,
        };
        let assume = table.read("assume", |value| {
            let seconds = value.as_u64().filter(|seconds| *seconds > 0).and_then(|seconds| u32::try_from(seconds).ok());
            by_name(value)
                .or(seconds.map(Lifetime::Seconds))
                .ok_or_else(|| "must be never, unknown or a whole number of seconds".into())
        });
        let expiry = Self {
            refresh_seconds: table.path("refresh_seconds"),
            at: EndsAt::read(table.table("at")),
            zero_means: table.choice("zero_means", ZeroLife::ALL),
            assume: assume.unwrap_or(Lifetime::Unknown),
        };
        table.close();
        expiry
    }
}

impl EndsAt {
    fn read(table: Table<'_>) -> Option<Self> {
        if !table.is_given() {
            return None;
        }
        let (path, format) = (table.path("path"), table.choice("format", TimeFormat::ALL));
        table.require_given("path");
        table.require_given("format");
        table.close();
        Some(Self { path: path?, format: format? })
    }
}
