//! What happens right after the code was exchanged: one token swapped for another, and what the provider tells by a call.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    auth_header::AuthHeader,
    choice::{Body, ClientAuth, Method, choices},
    path::Path,
    request,
    response::TokenResponse,
    token::NAMED,
};
use crate::domain::fields::Table;

/// How many steps there may be: every one takes time while a user waits.
const MAX_STEPS: usize = 4;

choices! {
    /// Which entry of a list counts.
    Choose {
        /// The only one: of several, none is taken.
        Only = "only",
        /// The first one.
        First = "first",
    }
}

/// One token swapped for another, such as a short-lived one for one that lives long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExchangeStep {
    /// The endpoint.
    pub url: String,
    /// The method.
    pub method: Method,
    /// How the parameters are written.
    pub body: Body,
    /// How the client proves who it is; `None` where the parameters say all there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// What the `Authorization` header says, where that is how the client proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_header: Option<AuthHeader>,
    /// The parameters, with placeholders.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// What is always in the query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// Headers that are always sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The provider's names for the parameters that prove who the client is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// How the answer is read.
    pub response: TokenResponse,
}

/// A call after connecting that tells something about the account, such as which host its API is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiscoverStep {
    /// The endpoint.
    pub url: String,
    /// The method.
    pub method: Method,
    /// Headers that are always sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What is always in the query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Where the list is of which one entry counts; `None` where it is the answer itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<Path>,
    /// Which entry counts, of those that match.
    pub choose: Choose,
    /// What an entry must have to match.
    #[serde(rename = "match", skip_serializing_if = "BTreeMap::is_empty")]
    pub matching: BTreeMap<Path, Value>,
    /// Where in the entry the fields are, by the names that they are kept under.
    pub into: BTreeMap<String, Path>,
}

impl ExchangeStep {
    pub(super) fn read_all(tables: Vec<Table<'_>>) -> Vec<Self> {
        limited(tables).into_iter().map(Self::read).collect()
    }

    fn read(table: Table<'_>) -> Self {
        let step = Self {
            url: table.require("url", table.url("url")),
            method: request::method(&table, &[Method::Post, Method::Get]).unwrap_or(Method::Post),
            body: table.choice("body", Body::ALL).unwrap_or(Body::Form),
            client_auth: table.choice("client_auth", ClientAuth::ALL),
            auth_header: AuthHeader::read(&table),
            params: request::texts(&table, "params"),
            query: request::texts(&table, "query"),
            headers: request::headers(&table),
            names: request::names(&table, &NAMED),
            response: TokenResponse::read(table.table("response")),
        };
        table.close();
        step
    }
}

impl DiscoverStep {
    pub(super) fn read_all(tables: Vec<Table<'_>>) -> Vec<Self> {
        limited(tables).into_iter().map(Self::read).collect()
    }

    fn read(table: Table<'_>) -> Self {
        let matching = table.map("match", |path, value| {
            let path = Path::parse(path).ok_or("must have a dotted path for a name")?;
            match value {
                Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok((path, value.clone())),
                _ => Err("must be a text, a number, true or false".to_owned()),
            }
        });
        let step = Self {
            url: table.require("url", table.url("url")),
            method: request::method(&table, &[Method::Get, Method::Post]).unwrap_or(Method::Get),
            headers: request::headers(&table),
            query: request::texts(&table, "query"),
            body: request::json_body(&table),
            list: table.path("list"),
            choose: table.choice("choose", Choose::ALL).unwrap_or(Choose::First),
            matching: matching.into_values().collect(),
            into: request::kept(&table, "into"),
        };
        table.require_given("into");
        table.close();
        step
    }
}

/// The steps, with a mistake noted at the first one too many.
fn limited(tables: Vec<Table<'_>>) -> Vec<Table<'_>> {
    if let Some(excess) = tables.get(MAX_STEPS) {
        excess.refuse_whole("is one step too many");
    }
    tables
}
