//! What happens to a grant after it was given: refreshing it (RFC 6749, section 6) and ending it (RFC 7009).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    choice::{Body, ClientAuth, Method, choices},
    token::{Success, headers},
};
use crate::domain::fields::Table;

choices! {
    /// Whether an access token can be had without the user.
    RefreshGrant {
        /// By the refresh token.
        RefreshToken = "refresh_token",
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
        /// As at the token endpoint, by an assertion that the connector's own key signs.
        PrivateKeyJwt = "private_key_jwt",
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
}

/// How a grant is ended at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revoke {
    /// The endpoint; `{client_id}` in it stands for the client id.
    pub url: String,
    /// The method; RFC 7009: POST.
    pub method: Method,
    /// How the request proves who asks.
    pub auth: RevocationAuth,
    /// How the parameters are written.
    pub body: Body,
    /// Headers that are always sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
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
}

impl Refresh {
    pub(super) fn read(table: Table<'_>) -> Self {
        let refresh = Self {
            grant: table.choice("grant", RefreshGrant::ALL).unwrap_or(RefreshGrant::RefreshToken),
            url: table.url("url"),
            rotation: table.choice("rotation", Rotation::ALL).unwrap_or(Rotation::Unknown),
            grace_seconds: table.seconds("grace_seconds").unwrap_or(0),
            grace_kind: table.choice("grace_kind", GraceKind::ALL),
            old_access_token_dies: table.flag("old_access_token_dies").unwrap_or(true),
            keepalive_seconds: table.seconds("keepalive_seconds").filter(|seconds| *seconds > 0),
            per_second: table.seconds("per_second").filter(|rate| *rate > 0),
        };
        table.close();
        refresh
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
            ClientAuth::Basic => RevocationAuth::Basic,
            ClientAuth::Post => RevocationAuth::Post,
            ClientAuth::None => RevocationAuth::None,
            ClientAuth::PrivateKeyJwt => RevocationAuth::PrivateKeyJwt,
        };
        let revoke = Self {
            url: table.require("url", table.url("url")),
            method: table.choice("method", Method::ALL).unwrap_or(Method::Post),
            auth: table.choice("auth", RevocationAuth::ALL).unwrap_or(as_client),
            body: table.choice("body", Body::ALL).unwrap_or(Body::Form),
            headers: headers(&table),
            token: table.choice("token", RevokedToken::ALL).unwrap_or(RevokedToken::Both),
            token_param: table.text("token_param").unwrap_or_else(|| "token".into()),
            send_token: table.flag("send_token").unwrap_or(true),
            success: Success::read(table.table("success")),
            gone: table.texts("gone").unwrap_or_default(),
        };
        if revoke.method == Method::Get {
            table.refuse("method", "must be POST or DELETE");
        }
        table.close();
        Some(revoke)
    }
}
