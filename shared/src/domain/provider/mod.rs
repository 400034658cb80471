//! What a provider is: its endpoints, and in what it differs from the RFCs. Pure data; a catalogue file and a provider
//! that a workspace registers itself have the same shape and are read by the same rules.

mod about;
mod api;
mod auth_header;
mod authorize;
mod behaviour;
mod callback;
mod choice;
mod exchange;
mod filling;
mod identity;
mod merge;
mod metadata;
mod path;
mod pattern;
mod refresh;
mod request;
mod response;
mod settings;
mod template;
mod token;
mod vars;

use std::{cell::RefCell, collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

pub use self::{
    about::{AppScope, Certainty, Deprecated, Knowledge, SuggestedScope},
    api::{Api, Expired, Oidc, TokenIn},
    auth_header::AuthHeader,
    authorize::{Authorize, Pkce, PkceChallenge, RedirectRules, ScopeEncoding, ScopeRequest},
    callback::{Callback, CodeDecoding, Signature, SignatureEncoding, Verify},
    choice::{Body, ClientAuth, Method},
    exchange::{Choose, DiscoverStep, ExchangeStep},
    filling::{Step, Unfilled, Values},
    identity::{Identity, IdentityAuth, IdentityFrom},
    merge::merged,
    metadata::Registration,
    path::{Path, first},
    pattern::Pattern,
    refresh::{GraceKind, Refresh, RefreshGrant, RevocationAuth, Revoke, RevokedToken, Rotation},
    request::{Derive, Function},
    response::{EndsAt, ErrorReading, Expiry, Fields, Lifetime, Success, TimeFormat, TokenResponse, ZeroLife},
    token::{Dpop, Token},
    vars::{Source, Var},
};
use crate::domain::fields::{FieldError, Table};

/// The name of a provider, such as `googlecalendar`; the `integration_type` of the API.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderType(Box<str>);

/// The text is no name of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 64 characters of a-z, 0-9, `_` and `-`, and begin with a letter or digit")]
pub struct InvalidProviderType;

impl ProviderType {
    /// Parses a name that came from outside.
    ///
    /// # Errors
    /// [`InvalidProviderType`] if it does not match `[a-z0-9][a-z0-9_-]{0,63}`.
    pub fn parse(raw: &str) -> Result<Self, InvalidProviderType> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = raw.len() <= 64
            && raw.bytes().next().is_some_and(is_plain)
            && raw.bytes().all(|byte| is_plain(byte) || matches!(byte, b'_' | b'-'));
        if fits { Ok(Self(raw.into())) } else { Err(InvalidProviderType) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for ProviderType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProviderType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Its name in the API.
    pub id: ProviderType,
    /// Its name for people.
    pub name: String,
    /// What else people call it: small letters and digits, without anything between them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_known_as: Vec<String>,
    /// What kinds of product it is, for a list that people browse.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Where its own documentation is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docs_url: Option<String>,
    /// How to get a client there, in a few sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    /// Scopes worth suggesting.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggested_scopes: Vec<SuggestedScope>,
    /// Why no new connector can be made for it today; then it needs no endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// Whose client it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_scope: Option<AppScope>,
    /// Where its endpoints were before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub old_urls: Vec<String>,
    /// That it goes away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Deprecated>,
    /// How well all this is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certainty: Option<Certainty>,
    /// Parameters that have another name in every request: the RFC's name to the provider's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Values that differ between connectors or connections.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, Var>,
    /// The authorization request.
    #[serde(skip_serializing_if = "Authorize::is_nowhere")]
    pub authorize: Authorize,
    /// The authorization response.
    #[serde(skip_serializing_if = "Callback::is_usual")]
    pub callback: Callback,
    /// The token request and its answer.
    #[serde(skip_serializing_if = "Token::is_nowhere")]
    pub token: Token,
    /// For what the token is swapped right after the code was exchanged, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchange: Vec<ExchangeStep>,
    /// What is asked about the account after that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discover: Vec<DiscoverStep>,
    /// How a grant is refreshed.
    pub refresh: Refresh,
    /// How a grant is ended there; `None` where it cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke: Option<Revoke>,
    /// Whose account it is; `None` where nothing tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The issuer, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<Oidc>,
    /// The API.
    pub api: Api,
}

impl Provider {
    /// Reads a provider from its data, by the rules of the catalogue.
    ///
    /// # Errors
    /// Every field that is missing, unknown or wrong, with its JSON pointer.
    pub fn from_value(value: &Value) -> Result<Self, Vec<FieldError>> {
        let errors = RefCell::default();
        let provider = Self::read(Table::root(value, &errors));
        match errors.into_inner() {
            errors if errors.is_empty() => Ok(provider),
            errors => Err(errors),
        }
    }

    fn read(table: Table<'_>) -> Self {
        let id = table.read("id", |value| {
            let raw = value.as_str().ok_or("must be a text")?;
            ProviderType::parse(raw).map_err(|error| error.to_string())
        });
        if id.is_none() {
            table.require::<()>("id", None);
        }
        let unavailable = table.text("unavailable");
        let (nothing, unread) = (Value::Object(serde_json::Map::new()), RefCell::default());
        // Who cannot be connected to needs no endpoints.
        let endpoints = |name: &'static str| match table.table(name) {
            absent if unavailable.is_some() && !absent.is_given() => Table::root(&nothing, &unread),
            given => given,
        };
        let token = Token::read(endpoints("token"));
        let provider = Self {
            name: table.require("name", table.text("name").filter(|name| is_short(&table, name))),
            also_known_as: table.texts("also_known_as").unwrap_or_default(),
            categories: table.texts("categories").unwrap_or_default(),
            docs_url: table.url("docs_url"),
            setup: table.text("setup"),
            suggested_scopes: table.tables("suggested_scopes").into_iter().map(SuggestedScope::read).collect(),
            authorize: Authorize::read(endpoints("authorize")),
            app_scope: table.choice("app_scope", AppScope::ALL),
            old_urls: table.texts("old_urls").unwrap_or_default(),
            deprecated: Deprecated::read(table.table("deprecated")),
            certainty: Certainty::read(table.table("certainty")),
            names: request::names(&table, &NAMED),
            vars: vars::read(&table),
            callback: Callback::read(table.table("callback")),
            exchange: ExchangeStep::read_all(table.tables("exchange")),
            discover: DiscoverStep::read_all(table.tables("discover")),
            refresh: Refresh::read(table.table("refresh")),
            revoke: Revoke::read(table.table("revoke"), token.client_auth),
            identity: Identity::read(table.table("identity")),
            oidc: Oidc::read(table.table("oidc")),
            api: Api::read(table.table("api")),
            token,
            unavailable,
            // Without an id a mistake has been noted, and nobody gets to see this one.
            id: id.unwrap_or_else(|| ProviderType(Box::default())),
        };
        provider.check_placeholders(&table);
        provider.check_auth_headers(&table);
        table.close();
        provider
    }
}

/// Parameters that may have another name in every request.
const NAMED: [&str; 12] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "state",
    "scope",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "refresh_token",
];

impl<'de> Deserialize<'de> for Provider {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(&value).map_err(|errors| {
            let errors: Vec<String> =
                errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
            D::Error::custom(errors.join("; "))
        })
    }
}

/// Whether a name for people is one that a page can show.
fn is_short(table: &Table<'_>, name: &str) -> bool {
    let is_short = name.chars().count() <= 100;
    if !is_short {
        table.refuse("name", "must have at most 100 characters");
    }
    is_short
}

#[cfg(test)]
mod tests;
