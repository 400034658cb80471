//! The token request and its answer (RFC 6749, sections 4.1.3 to 6), as a provider wants and gives them.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    choice::{Body, ClientAuth, Method, choices},
    path::Path,
    request::{self, Derive},
};
use crate::domain::fields::{self, Table};

choices! {
    /// What the provider makes of proofs of possession (RFC 9449).
    Dpop {
        /// A token is bound to a key if the request has a proof, which none has.
        Supported = "supported",
        /// A token is bound to a key if the request has a proof, which it has once the provider wants one.
        WhenAsked = "when_asked",
        /// A request without a proof is refused.
        Required = "required",
    }

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

/// The token request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// The token endpoint. Empty only for a provider that is unavailable.
    pub url: String,
    /// The method; RFC 6749, section 3.2: POST. With GET, the parameters are in the query.
    pub method: Method,
    /// How the client proves who it is.
    pub client_auth: ClientAuth,
    /// In what other ways it may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_accepts: Vec<ClientAuth>,
    /// How the parameters are written.
    pub body: Body,
    /// What is always sent, beside the parameters of the RFC.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// What is always in the query, wherever the parameters are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// Headers that are always sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Parameters of the RFC that have another name here: the RFC's name to the provider's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Parameters of the RFC that must not be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub omit: Vec<String>,
    /// Parameters whose values are computed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub derive: BTreeMap<String, Derive>,
    /// How long a code lives, in seconds, where that is short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_ttl_seconds: Option<u32>,
    /// What the provider makes of proofs of possession; nothing where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop: Option<Dpop>,
    /// Whether a request with a code that nobody was given does harm there, as where failed requests lock the client out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub probe_harmful: bool,
    /// How the answer is read.
    pub response: TokenResponse,
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

/// What this product puts into the request itself.
const OURS: [&str; 6] = ["client_id", "client_secret", "code", "code_verifier", "redirect_uri", "refresh_token"];

/// Parameters that may have another name.
pub(super) const NAMED: [&str; 8] =
    ["client_id", "client_secret", "grant_type", "code", "code_verifier", "redirect_uri", "refresh_token", "scope"];

/// Parameters that a provider may not want. What proves who the client is, or binds the code to it, is always sent.
const OMITTED: [&str; 3] = ["grant_type", "redirect_uri", "client_id"];

impl Token {
    pub(super) fn read(table: Table<'_>) -> Self {
        let also_accepts = table.each("also_accepts", |value| {
            let chosen = value.as_str().and_then(|text| ClientAuth::ALL.iter().find(|(known, _)| *known == text));
            chosen.map(|(_, auth)| *auth).ok_or_else(|| "must be a way of client_auth".to_owned())
        });
        let token = Self {
            url: table.require("url", table.url("url")),
            method: request::method(&table, &[Method::Post, Method::Get]).unwrap_or(Method::Post),
            client_auth: table.choice("client_auth", ClientAuth::ALL).unwrap_or(ClientAuth::Post),
            also_accepts: also_accepts.unwrap_or_default(),
            body: table.choice("body", Body::ALL).unwrap_or(Body::Form),
            params: table.map("params", |name, value| {
                fields::unless(OURS.contains(&name), "is set by the token request itself")?;
                fields::text(value)
            }),
            query: request::texts(&table, "query"),
            headers: headers(&table),
            names: request::names(&table, &NAMED),
            omit: request::omitted(&table, &OMITTED).unwrap_or_default(),
            derive: request::derived(&table),
            code_ttl_seconds: table.seconds("code_ttl_seconds"),
            dpop: table.choice("dpop", Dpop::ALL),
            probe_harmful: table.flag("probe_harmful").unwrap_or(false),
            response: TokenResponse::read(table.table("response")),
        };
        table.close();
        token
    }
}

impl Token {
    /// Whether there is none.
    pub(super) fn is_nowhere(&self) -> bool {
        self.url.is_empty()
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

/// Headers that a provider asks for. What frames or authenticates a request is not data.
pub(super) fn headers(table: &Table<'_>) -> BTreeMap<String, String> {
    const RESERVED: [&str; 9] = [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    table.map("headers", |name, value| {
        let is_token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let lower = name.to_ascii_lowercase();
        if !is_token || RESERVED.contains(&lower.as_str()) || lower.starts_with("proxy-") {
            return Err("is not a header that can be set here".into());
        }
        fields::text(value).and_then(|text| if text.is_ascii() { Ok(text) } else { Err("must be ASCII".into()) })
    })
}
