//! Whose account it is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    choice::{Method, choices},
    path::Path,
    request,
    response::Success,
};
use crate::domain::fields::Table;

choices! {
    /// How the identity request proves who asks.
    IdentityAuth {
        /// By the access token (RFC 6750, section 2.1).
        Bearer = "bearer",
        /// By the client's credentials in the body, with the access token as the parameter `token` (RFC 7662,
        /// section 2.1).
        Client = "client",
        /// By nothing of its own: what it takes is in the URL, the query or the body.
        None = "none",
    }

    /// What tells whose account it is.
    IdentityFrom {
        /// A request of its own.
        Request = "request",
        /// The token answer.
        TokenAnswer = "token_answer",
    }
}

/// What tells whose account it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Whether there is a request at all.
    pub from: IdentityFrom,
    /// The endpoint; `{access_token}` may stand in it. `None` where the token answer tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The method.
    pub method: Method,
    /// How the request proves who asks.
    pub auth: IdentityAuth,
    /// Headers that are always sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What is always in the query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The scope without which the request would fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_scope: Option<String>,
    /// What must hold in a successful answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
    /// What makes up the account's id: all of these, joined with `:`. A user may be the same in several tenants.
    pub id: Vec<Path>,
    /// Where the email address is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email: Vec<Path>,
    /// Where a name for people is; the first that is there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<Path>,
    /// Where the URL of a picture is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub avatar: Vec<Path>,
}

impl Identity {
    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        if !table.is_given() {
            table.close();
            return None;
        }
        let or_claims = |name: &'static str, claims: &[&'static str]| {
            table.paths(name).unwrap_or_else(|| claims.iter().map(|claim| Path::field(claim)).collect())
        };
        let from = table.choice("from", IdentityFrom::ALL).unwrap_or(IdentityFrom::Request);
        let url = table.url("url");
        if from == IdentityFrom::Request {
            table.require_given("url");
        }
        let identity = Self {
            from,
            url: url.filter(|_| from == IdentityFrom::Request),
            method: request::method(&table, &[Method::Get, Method::Post]).unwrap_or(Method::Get),
            auth: table.choice("auth", IdentityAuth::ALL).unwrap_or(IdentityAuth::Bearer),
            headers: request::headers(&table),
            query: request::texts(&table, "query"),
            body: request::json_body(&table),
            needs_scope: table.text("needs_scope"),
            success: Success::read(table.table("success")),
            id: or_claims("id", &["sub"]),
            email: or_claims("email", &["email"]),
            label: or_claims("label", &["name", "preferred_username", "email"]),
            avatar: or_claims("avatar", &["picture"]),
        };
        if identity.id.is_empty() {
            table.refuse("id", "must not be empty");
        }
        table.close();
        Some(identity)
    }

    /// Whether this is the userinfo endpoint of OpenID Connect in all but name: an ID token says the same.
    #[must_use]
    pub fn is_userinfo(&self) -> bool {
        matches!(self.id.as_slice(), [only] if only.as_str() == "sub")
    }
}
