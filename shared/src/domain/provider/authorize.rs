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
}

/// The authorization request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Authorize {
    /// The authorization endpoint.
    pub url: String,
    /// Where authorization requests are pushed to (RFC 9126).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub par_url: Option<String>,
    /// Whether requests that were not pushed are refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub par_required: bool,
    /// What is always sent, beside the parameters of the RFC.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Parameters of the RFC that have another name here: the RFC's name to the provider's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// The parameter that takes a hint about the user (OpenID Connect Core, section 3.1.2.1: `login_hint`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// What the provider makes of PKCE.
    pub pkce: Pkce,
    /// How scopes are asked for.
    pub scope: ScopeRequest,
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
    /// Asked for when nothing else is.
    #[serde(serialize_with = "as_list", skip_serializing_if = "Scopes::is_empty")]
    pub default: Scopes,
    /// Asked for each time.
    #[serde(serialize_with = "as_list", skip_serializing_if = "Scopes::is_empty")]
    pub always: Scopes,
    /// By scope, the other scopes whose grant covers it: another spelling of the same, or a wider one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, Vec<String>>,
}

/// What this product puts into the request itself; data that set these could undo its guarantees.
const OURS: [&str; 7] =
    ["client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method"];

impl Authorize {
    pub(super) fn read(table: Table<'_>) -> Self {
        let authorize = Self {
            url: table.require("url", table.url("url")),
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
            login_hint: table.read("login_hint", |value| parameter(value, "login_hint")),
            pkce: table.choice("pkce", Pkce::ALL).unwrap_or(Pkce::Ignored),
            scope: ScopeRequest::read(table.table("scope")),
        };
        if authorize.par_required && !table.has("par_url") {
            table.refuse("par_url", "is required where requests have to be pushed");
        }
        table.close();
        authorize
    }
}

impl ScopeRequest {
    fn read(table: Table<'_>) -> Self {
        let scope = Self {
            send: table.flag("send").unwrap_or(true),
            param: table.read("param", |value| parameter(value, "scope")).unwrap_or_else(|| "scope".into()),
            separator: table.text("separator").unwrap_or_else(|| " ".into()),
            default: table.scopes("default").unwrap_or_default(),
            always: table.scopes("always").unwrap_or_default(),
            aliases: table.map("aliases", |_, value| {
                let others = value.as_array().ok_or("must be a list of scopes")?;
                others.iter().map(fields::text).collect()
            }),
        };
        table.close();
        scope
    }
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
