//! Where a provider's API is, how a token is shown to it, and who issues what it issues.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    request,
    response::Success,
    template::{self, Piece},
};
use crate::domain::fields::{self, Table};

/// What is known about the provider as an OpenID provider, or about its issuer identifier (RFC 8414, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Oidc {
    /// The issuer identifier.
    pub issuer: String,
    /// Whether it differs between connections: then `{name}` in it stands for a variable.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub issuer_template: bool,
    /// Whether every authorization response carries `iss` (RFC 9207).
    pub iss_parameter_supported: bool,
    /// What a person said beside the issuer, where all else was discovered: with it, the metadata can be read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Value>,
}

/// The provider's API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Api {
    /// What every path of it begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Other hosts that tokens may be sent to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Headers that it asks for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Headers that apps may set themselves in calls that are made for them, beside those that every API knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<String>,
    /// Where it takes the token; RFC 6750, section 2.1, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_in: Option<TokenIn>,
    /// Whether the last part of a path names what is to be done, and any method does it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub acts_by_name: bool,
    /// Answers that mean: the token has expired.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expired: Vec<Expired>,
}

/// Where an API takes the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TokenIn {
    /// In a header.
    Header {
        /// The header.
        header: String,
        /// What stands before the token; nothing if it is empty.
        scheme: String,
    },
    /// In the query.
    Query {
        /// The parameter.
        query: String,
    },
}

/// An answer that means that the token has expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// Its HTTP status.
    pub status: u16,
    /// What its body says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Success>,
}

impl Oidc {
    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        let is_given = table.is_given();
        let oidc = is_given.then(|| Self {
            issuer: table.require("issuer", table.url("issuer")),
            issuer_template: table.flag("issuer_template").unwrap_or(false),
            iss_parameter_supported: table.flag("iss_parameter_supported").unwrap_or(false),
            registration: table.read("registration", |value| Ok(value.clone())),
        });
        table.close();
        oidc
    }
}

impl Api {
    pub(super) fn read(table: Table<'_>) -> Self {
        let api = Self {
            base_url: table.url("base_url"),
            hosts: table.each("hosts", host).unwrap_or_default(),
            headers: request::headers(&table),
            request_headers: table.each("request_headers", header_name).unwrap_or_default(),
            token_in: TokenIn::read(table.table("token_in")),
            acts_by_name: table.flag("acts_by_name").unwrap_or(false),
            expired: table.tables("expired").into_iter().map(Expired::read).collect(),
        };
        table.close();
        api
    }
}

impl TokenIn {
    fn read(table: Table<'_>) -> Option<Self> {
        if !table.is_given() {
            table.close();
            return None;
        }
        let (header, query) = (table.read("header", header_name), table.text("query"));
        let scheme = table.read("scheme", |value| {
            let raw = value.as_str().filter(|raw| raw.len() <= 64 && raw.bytes().all(|byte| byte.is_ascii_graphic()));
            raw.map(str::to_owned).ok_or_else(|| "must be a word of visible ASCII, or empty".into())
        });
        let token_in = match (header, query) {
            (Some(header), None) => {
                let is_standard = header.eq_ignore_ascii_case("authorization");
                let usual = if is_standard { "Bearer" } else { "" };
                Some(Self::Header { scheme: scheme.unwrap_or_else(|| usual.to_owned()), header })
            }
            (None, Some(query)) if scheme.is_none() => Some(Self::Query { query }),
            _ => {
                table.refuse("header", "either a header, with a scheme perhaps, or a query parameter");
                None
            }
        };
        table.close();
        token_in
    }
}

impl Expired {
    fn read(table: Table<'_>) -> Self {
        let status = table.read("status", |value| {
            let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
            status.filter(|status| (200..600).contains(status)).ok_or_else(|| "must be an HTTP status".into())
        });
        let expired = Self { status: table.require("status", status), body: Success::read(table.table("body")) };
        table.close();
        expired
    }
}

/// A host name, with a port perhaps; placeholders and a `*.` in front may stand in it.
fn host(value: &Value) -> Result<String, String> {
    let raw = fields::text(value)?;
    let rest = raw.strip_prefix("*.").unwrap_or(&raw);
    let fits = |piece: Piece<'_>| match piece {
        Piece::Placeholder(_) => true,
        Piece::Text(text) => {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'))
        }
    };
    if template::pieces(rest).into_iter().all(fits) { Ok(raw) } else { Err("must be a host name".into()) }
}

fn header_name(value: &Value) -> Result<String, String> {
    let name = fields::text(value)?;
    let is_token = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_token { Ok(name) } else { Err("must be the name of a header".into()) }
}
