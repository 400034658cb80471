//! The authorization request (RFC 6749, section 4.1.1), as a provider wants it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::choice::choices;
use crate::domain::fields::{self, Table};
use crate::domain::scopes::Scopes;

choices! {
    /// What a provider makes of PKCE (RFC 7636). A challenge is sent unless it is forbidden.
    Pkce {
        /// A request without a challenge is refused.
        Required = "required",
        /// A challenge is checked.
        Supported = "supported",
        /// A challenge makes the request fail.
        Forbidden = "forbidden",
        /// A challenge is accepted and not checked, or nothing is known.
        Ignored = "ignored",
    }

    /// How a PKCE challenge is made of its verifier.
    PkceChallenge {
        /// RFC 7636, section 4.2: the digest in base 64.
        S256 = "s256",
        /// The digest in hexadecimal digits.
        S256Hex = "s256_hex",
    }

    /// How scopes are written into the address.
    ScopeEncoding {
        /// As every parameter.
        Form = "form",
        /// As they are: the separator stays what it is.
        Raw = "raw",
    }
}

/// The authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Authorize {
    /// The authorization endpoint. Empty only for a provider that is unavailable.
    pub url: String,
    /// What stands behind `#` in the address that the browser is sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragment: Option<String>,
    /// Where the request is pushed to (RFC 9126).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub par_url: Option<String>,
    /// Whether a request that was not pushed is refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub par_required: bool,
    /// What is always sent, beside the parameters of the RFC.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Parameters of the RFC that have another name here: the RFC's name to the provider's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Parameters of the RFC that must not be sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub omit: Vec<String>,
    /// The parameter that takes a hint about the user (OpenID Connect Core, section 3.1.2.1: `login_hint`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// What the provider makes of PKCE.
    pub pkce: Pkce,
    /// How the challenge is made.
    pub pkce_challenge: PkceChallenge,
    /// How long `state` must be at least, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_min: Option<u32>,
    /// How scopes are asked for.
    pub scope: ScopeRequest,
    /// What redirect URIs the provider accepts.
    #[serde(skip_serializing_if = "RedirectRules::are_none")]
    pub redirect_uri: RedirectRules,
}

/// What redirect URIs a provider accepts, beyond those that are registered there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RedirectRules {
    /// Only https ones.
    pub https_only: bool,
    /// None that leads to the user's own machine.
    pub no_localhost: bool,
    /// None with a query.
    pub no_query: bool,
}

/// How scopes are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeRequest {
    /// Whether they are: some providers fix them on the app.
    pub send: bool,
    /// The parameter's name.
    pub param: String,
    /// What stands between two scopes.
    pub separator: String,
    /// How they are written into the address.
    pub encode: ScopeEncoding,
    /// Asked for when nothing else is.
    #[serde(serialize_with = "as_list", skip_serializing_if = "Scopes::is_empty")]
    pub default: Scopes,
    /// Asked for each time.
    #[serde(serialize_with = "as_list", skip_serializing_if = "Scopes::is_empty")]
    pub always: Scopes,
    /// Every scope that the provider has. Where this is empty, nobody claims to know all of them.
    #[serde(serialize_with = "as_list", skip_serializing_if = "Scopes::is_empty")]
    pub known: Scopes,
    /// By scope, the other scopes whose grant covers it: another spelling of the same, or a wider one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, Vec<String>>,
}

/// What this product puts into the request itself; data that set these could undo its guarantees.
const OURS: [&str; 7] =
    ["client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method"];

/// How long a `state` may be demanded to be, in characters.
const MAX_STATE: u64 = 128;

impl Authorize {
    pub(super) fn read(table: Table<'_>) -> Self {
        let authorize = Self {
            url: table.require("url", table.url("url")),
            fragment: table.text("fragment"),
            par_url: table.url("par_url"),
            par_required: table.flag("par_required").unwrap_or(false),
            params: table.map("params", |name, value| {
                fields::unless(OURS.contains(&name), "is set by the connect flow itself")?;
                fields::text(value)
            }),
            names: table.map("names", |name, value| {
                fields::unless(!OURS.contains(&name), "is not a parameter that is sent here")?;
                fields::text(value)
            }),
            omit: table.each("omit", omitted).unwrap_or_default(),
            login_hint: table.read("login_hint", |value| parameter(value, "login_hint")),
            pkce: table.choice("pkce", Pkce::ALL).unwrap_or(Pkce::Ignored),
            pkce_challenge: table.choice("pkce_challenge", PkceChallenge::ALL).unwrap_or(PkceChallenge::S256),
            state_min: table.read("state_min", |value| {
                let length = value.as_u64().filter(|length| (1..=MAX_STATE).contains(length));
                length.and_then(|length| u32::try_from(length).ok()).ok_or_else(|| "must be 1 to 128".into())
            }),
            scope: ScopeRequest::read(table.table("scope")),
            redirect_uri: RedirectRules::read(table.table("redirect_uri")),
        };
        if authorize.par_required && authorize.par_url.is_none() {
            table.refuse("par_required", "needs a par_url");
        }
        table.close();
        authorize
    }

    /// Whether there is none.
    pub(super) fn is_nowhere(&self) -> bool {
        self.url.is_empty()
    }
}

impl ScopeRequest {
    fn read(table: Table<'_>) -> Self {
        let scope = Self {
            send: table.flag("send").unwrap_or(true),
            param: table.read("param", |value| parameter(value, "scope")).unwrap_or_else(|| "scope".into()),
            separator: table.text("separator").unwrap_or_else(|| " ".into()),
            encode: table.choice("encode", ScopeEncoding::ALL).unwrap_or(ScopeEncoding::Form),
            default: table.scopes("default").unwrap_or_default(),
            always: table.scopes("always").unwrap_or_default(),
            known: table.scopes("known").unwrap_or_default(),
            aliases: table.map("aliases", |_, value| {
                let others = value.as_array().ok_or("must be a list of scopes")?;
                others.iter().map(fields::text).collect()
            }),
        };
        table.close();
        scope
    }
}

impl RedirectRules {
    fn read(table: Table<'_>) -> Self {
        let flag = |name| table.flag(name).unwrap_or(false);
        let rules =
            Self { https_only: flag("https_only"), no_localhost: flag("no_localhost"), no_query: flag("no_query") };
        table.close();
        rules
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A parameter that a provider does not want. `state`, and what binds the code, is always sent.
fn omitted(value: &Value) -> Result<String, String> {
    let name = fields::text(value)?;
    fields::unless(!matches!(name.as_str(), "response_type" | "scope"), "may be response_type or scope")?;
    Ok(name)
}

/// The name of a parameter; of those that are set here, only the standard one for this purpose.
fn parameter(value: &Value, standard: &str) -> Result<String, String> {
    let name = fields::text(value)?;
    fields::unless(name != standard && OURS.contains(&name.as_str()), "is set by the connect flow itself")?;
    Ok(name)
}

fn as_list<S: Serializer>(scopes: &Scopes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scopes.iter())
}
