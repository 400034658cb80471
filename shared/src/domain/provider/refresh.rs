//! What happens to a grant after it was given: refreshing it (RFC 6749, section 6) and ending it (RFC 7009).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    auth_header::AuthHeader,
    choice::{Body, ClientAuth, Method, choices},
    request,
    response::Success,
    token::NAMED,
};
use crate::domain::fields::{self, Table};

choices! {
    /// Whether an access token can be had without the user.
    RefreshGrant {
        /// By the refresh token.
        RefreshToken = "refresh_token",
        /// By the access token itself, while it lives: it is presented and answered with a new one, or lives on.
        AccessToken = "access_token",
        /// It cannot: the user must authorize again.
        None = "none",
    }

    /// Whether a refresh gives a new refresh token and ends the old one.
    Rotation {
        /// Each time.
        Always = "always",
        /// Depending on the app or the moment.
        Sometimes = "sometimes",
        /// Never: the first one stays.
        Never = "never",
        /// Nobody knows, so the strictest is assumed.
        Unknown = "unknown",
    }

    /// What a second use of a refresh token gives within the grace time.
    GraceKind {
        /// The pair that the first use gave.
        SamePair = "same_pair",
        /// Another new pair.
        NewPair = "new_pair",
    }

    /// How a revocation request proves who asks.
    RevocationAuth {
        /// As at the token endpoint, by HTTP Basic.
        Basic = "basic",
        /// As at the token endpoint, in the body.
        Post = "post",
        /// Only the client id, in the body.
        None = "none",
        /// By the token itself (RFC 6750, section 2.1).
        Bearer = "bearer",
        /// By a signed assertion, as at the token endpoint (RFC 7523, section 2.2).
        PrivateKeyJwt = "private_key_jwt",
        /// In the `Authorization` header, in a scheme of the provider's own: what `auth_header` says.
        Header = "header",
    }

    /// Which token is revoked.
    RevokedToken {
        /// The refresh token, then the access token, as RFC 7009 leaves open whether one ends the other.
        Both = "both",
        /// The refresh token (the access token where there is none): it takes everything with it.
        RefreshToken = "refresh_token",
        /// The access token: it takes everything with it.
        AccessToken = "access_token",
    }
}

/// How a grant is refreshed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refresh {
    /// Whether an access token can be had without the user.
    pub grant: RefreshGrant,
    /// The endpoint, where it is not the token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The method, where it is not that of the token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// How the parameters are written, where that is not as in the token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// How the client proves who it is, where that is not as in the token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// What the `Authorization` header says, where that is not as in the token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_header: Option<AuthHeader>,
    /// What is sent beside the parameters of the token request, or instead of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// What is in the query beside that of the token request, or instead of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// Headers beside those of the token request, or instead of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Names of parameters beside those of the token request, or instead of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Parameters of the RFC that must not be sent, where they are not those of the token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omit: Option<Vec<String>>,
    /// Whether the refresh token changes.
    pub rotation: Rotation,
    /// How long after its first use a rotated refresh token still answers, in seconds.
    pub grace_seconds: u32,
    /// What it answers then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_kind: Option<GraceKind>,
    /// Whether a refresh ends the access token before it.
    pub old_access_token_dies: bool,
    /// How often a grant must be used for the provider not to end it, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive_seconds: Option<u32>,
    /// How many refreshes ahead of time one client may ask for in a second; the usual limit where nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    /// The scope without which no refresh token is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_scope: Option<String>,
    /// The parameters of the authorization request without which no refresh token is given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub needs_params: BTreeMap<String, String>,
    /// How old an access token must be for a refresh to be accepted, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_age_seconds: Option<u32>,
    /// Whether a refresh lets the same access token live longer: an answer need not have one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub extends: bool,
    /// How long the access token lives after a refresh whose answer does not tell, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// Whether the granted scopes are sent (RFC 6749, section 6).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub send_scope: bool,
    /// What ends a grant, in words for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dies_when: Vec<String>,
    /// After how many days the grants of an app end that the provider has not reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub testing_days: Option<u32>,
}

/// How a grant is ended at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revoke {
    /// The endpoint; `{client_id}`, `{access_token}` and `{refresh_token}` may stand in it.
    pub url: String,
    /// The method; RFC 7009: POST. With GET, the parameters are in the query.
    pub method: Method,
    /// How the request proves who asks.
    pub auth: RevocationAuth,
    /// What the `Authorization` header says, where that is not as in the token request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_header: Option<AuthHeader>,
    /// How the parameters are written.
    pub body: Body,
    /// What is always sent beside the token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// What is always in the query.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// Headers that are always sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Parameters of the RFC that have another name here: the RFC's name to the provider's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Which token is revoked.
    pub token: RevokedToken,
    /// The parameter that takes the token; RFC 7009: `token`.
    pub token_param: String,
    /// Whether the token is a parameter at all; it is not where it already authenticates the request.
    pub send_token: bool,
    /// What must hold in a successful answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
    /// Error codes that mean: there is nothing left to revoke.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// Whether it ends more than this one grant: every grant of the account to the client.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub wider_than_token: bool,
}

/// Parameters that a refresh need not have. Where it presents the access token, that may be named in `params` instead.
const OMITTED: [&str; 6] = ["grant_type", "redirect_uri", "client_id", "client_secret", "refresh_token", "scope"];

/// Parameters of a revocation that may have another name.
const NAMED_IN_REVOCATION: [&str; 4] = ["client_id", "client_secret", "token", "token_type_hint"];

impl Refresh {
    pub(super) fn read(table: Table<'_>) -> Self {
        let refresh = Self {
            grant: table.choice("grant", RefreshGrant::ALL).unwrap_or(RefreshGrant::RefreshToken),
            url: table.url("url"),
            method: request::method(&table, &[Method::Post, Method::Get]),
            body: table.choice("body", Body::ALL),
            client_auth: table.choice("client_auth", ClientAuth::ALL),
            auth_header: AuthHeader::read(&table),
            params: request::texts(&table, "params"),
            query: request::texts(&table, "query"),
            headers: request::headers(&table),
            names: request::names(&table, &NAMED),
            omit: request::omitted(&table, &OMITTED),
            rotation: table.choice("rotation", Rotation::ALL).unwrap_or(Rotation::Unknown),
            grace_seconds: table.seconds("grace_seconds").unwrap_or(0),
            grace_kind: table.choice("grace_kind", GraceKind::ALL),
            old_access_token_dies: table.flag("old_access_token_dies").unwrap_or(true),
            keepalive_seconds: table.seconds("keepalive_seconds").filter(|seconds| *seconds > 0),
            per_second: table.seconds("per_second").filter(|rate| *rate > 0),
            needs_scope: table.text("needs_scope"),
            needs_params: table.map("needs_params", |_, value| fields::text(value)),
            min_age_seconds: table.seconds("min_age_seconds").filter(|seconds| *seconds > 0),
            extends: table.flag("extends").unwrap_or(false),
            ttl_seconds: table.seconds("ttl_seconds").filter(|seconds| *seconds > 0),
            send_scope: table.flag("send_scope").unwrap_or(false),
            dies_when: table.texts("dies_when").unwrap_or_default(),
            testing_days: table.seconds("testing_days").filter(|days| *days > 0),
        };
        if refresh.extends && refresh.grant != RefreshGrant::AccessToken {
            table.refuse("extends", "is for grant access_token: only a token that is presented lives on");
        }
        table.close();
        refresh
    }
}

impl RevocationAuth {
    /// Whether the client's own credentials are part of the proof.
    #[must_use]
    pub fn proves_client(self) -> bool {
        matches!(self, Self::Basic | Self::Post | Self::PrivateKeyJwt | Self::Header)
    }
}

impl Revoke {
    /// Reads the table; `none = true` says the same as its absence, but on purpose.
    pub(super) fn read(table: Table<'_>, of_client: ClientAuth) -> Option<Self> {
        if !table.is_given() || table.flag("none") == Some(true) {
            table.close();
            return None;
        }
        let as_client = match of_client {
            ClientAuth::Basic | ClientAuth::BasicSecretOnly => RevocationAuth::Basic,
            ClientAuth::Post => RevocationAuth::Post,
            ClientAuth::None => RevocationAuth::None,
            ClientAuth::PrivateKeyJwt => RevocationAuth::PrivateKeyJwt,
            ClientAuth::Header => RevocationAuth::Header,
        };
        let revoke = Self {
            url: table.require("url", table.url("url")),
            method: table.choice("method", Method::ALL).unwrap_or(Method::Post),
            auth: table.choice("auth", RevocationAuth::ALL).unwrap_or(as_client),
            auth_header: AuthHeader::read(&table),
            body: table.choice("body", Body::ALL).unwrap_or(Body::Form),
            params: request::texts(&table, "params"),
            query: request::texts(&table, "query"),
            headers: request::headers(&table),
            names: request::names(&table, &NAMED_IN_REVOCATION),
            token: table.choice("token", RevokedToken::ALL).unwrap_or(RevokedToken::Both),
            token_param: table.text("token_param").unwrap_or_else(|| "token".into()),
            send_token: table.flag("send_token").unwrap_or(true),
            success: Success::read(table.table("success")),
            gone: table.texts("gone").unwrap_or_default(),
            wider_than_token: table.flag("wider_than_token").unwrap_or(false),
        };
        table.close();
        Some(revoke)
    }
}
