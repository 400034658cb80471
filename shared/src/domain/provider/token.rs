//! The token request (RFC 6749, sections 4.1.3 to 6), as a provider wants it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    auth_header::AuthHeader,
    choice::{Body, ClientAuth, Method, choices},
    request::{self, Derive},
    response::TokenResponse,
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
    /// What the `Authorization` header says, where that is how the client proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_header: Option<AuthHeader>,
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
            // A header of the provider's own says nothing without its text.
            let chosen = chosen.map(|(_, auth)| *auth).filter(|auth| *auth != ClientAuth::Header);
            chosen.ok_or_else(|| "must be a way of client_auth".to_owned())
        });
        let token = Self {
            url: table.require("url", table.url("url")),
            method: request::method(&table, &[Method::Post, Method::Get]).unwrap_or(Method::Post),
            client_auth: table.choice("client_auth", ClientAuth::ALL).unwrap_or(ClientAuth::Post),
            auth_header: AuthHeader::read(&table),
            also_accepts: also_accepts.unwrap_or_default(),
            body: table.choice("body", Body::ALL).unwrap_or(Body::Form),
            params: table.map("params", |name, value| {
                fields::unless(OURS.contains(&name), "is set by the token request itself")?;
                fields::text(value)
            }),
            query: request::texts(&table, "query"),
            headers: request::headers(&table),
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
