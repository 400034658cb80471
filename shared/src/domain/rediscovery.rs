//! An issuer's metadata as it is by now, against the profile that was once made of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use url::Url;

use super::{
    digest::{hex, sha256},
    fields::FieldError,
    provider::{ClientAuth, Provider},
};

/// What of a profile may follow the metadata, besides the tables for ending grants and for accounts.
const FOLLOWED: [&str; 9] = [
    "/authorize/url",
    "/authorize/par_url",
    "/authorize/par_required",
    "/authorize/pkce",
    "/authorize/login_hint",
    "/token/url",
    "/token/client_auth",
    "/token/dpop",
    "/oidc/iss_parameter_supported",
];

/// Which hosts endpoints may be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// Those that an endpoint of the profile is on already. An endpoint that is new and elsewhere is left out.
    Known,
    /// All: somebody has vouched for what the metadata says.
    All,
}

/// What the metadata says by now that a profile does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rediscovery {
    /// The profile with all of it.
    pub profile: Provider,
    /// What differs. Nothing, if nothing has changed.
    pub differences: Vec<Difference>,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its JSON pointer.
    pub field: String,
    /// The addresses before and by now, where the field is an endpoint.
    pub endpoint: Option<(Option<Url>, Option<Url>)>,
    /// Whether it is on a host that no endpoint was on before.
    pub leaves: bool,
}

impl Provider {
    /// Whether it was made of its issuer's metadata, and of what a person said beside the issuer.
    #[must_use]
    pub fn is_discovered(&self) -> bool {
        self.registration().is_some()
    }

    fn registration(&self) -> Option<&Value> {
        self.oidc.as_ref().and_then(|oidc| oidc.registration.as_ref())
    }

    /// This profile with what the metadata of its issuer says by now. What a person said goes before it; what is in use and
    /// no longer named stays, and so does what protects a flow. Of a profile whose endpoints a person named, only those
    /// endpoints follow.
    ///
    /// # Errors
    /// What in the metadata makes it unusable.
    pub fn rediscovered(&self, metadata: &Map<String, Value>, hosts: Hosts) -> Result<Rediscovery, Vec<FieldError>> {
        let present = json(self)?;
        let published = match self.registration() {
            Some(registration) => {
                json(&Self::from_metadata(self.keeping_client_auth(registration, metadata), metadata)?)?
            }
            None => with_endpoints(present.clone(), metadata),
        };
        let mut followed = present.clone();
        for pointer in FOLLOWED {
            follow(&mut followed, &published, pointer);
        }
        for table in ["revoke", "identity"] {
            if let Some(value) = published.get(table) {
                followed[table] = value.clone();
            }
        }
        let mut profile = Self::from_value(&followed)?;
        if hosts == Hosts::Known {
            profile.leave_out_new_hosts(self);
        }
        let differences = differences(self, &profile)?;
        Ok(Rediscovery { profile, differences })
    }

    /// What was said beside the issuer, with the way in which the client proves itself: the one in use, unless it is a secret
    /// that is to be presented another way by now. A client that has no such proof could not go on.
    fn keeping_client_auth(&self, registration: &Value, metadata: &Map<String, Value>) -> Value {
        let listed =
            |method: &str| match metadata.get("token_endpoint_auth_methods_supported").and_then(Value::as_array) {
                Some(methods) => methods.iter().any(|known| known == method),
                None => method == "client_secret_basic",
            };
        let presented_otherwise = match self.token.client_auth {
            ClientAuth::Basic => !listed("client_secret_basic") && listed("client_secret_post"),
            ClientAuth::Post => !listed("client_secret_post") && listed("client_secret_basic"),
            ClientAuth::None | ClientAuth::PrivateKeyJwt | ClientAuth::BasicSecretOnly | ClientAuth::Header => false,
        };
        let mut body = registration.clone();
        let token = body.as_object_mut().map(|body| body.entry("token").or_insert_with(|| Value::Object(Map::new())));
        if let Some(token) = token.and_then(Value::as_object_mut).filter(|_| !presented_otherwise) {
            token.entry("client_auth").or_insert_with(|| self.token.client_auth.as_str().into());
        }
        body
    }

    /// Takes out what has come newly and is on a host that `before` has no endpoint on: nothing of it is needed.
    fn leave_out_new_hosts(&mut self, before: &Self) {
        let known = before.origins();
        let is_elsewhere = |url: &str| origin(url).is_none_or(|origin| !known.contains(&origin));
        if before.authorize.par_url.is_none() && self.authorize.par_url.as_deref().is_some_and(is_elsewhere) {
            self.authorize.par_url = None;
            self.authorize.par_required = false;
        }
        if before.revoke.is_none() && self.revoke.as_ref().is_some_and(|revoke| is_elsewhere(&revoke.url)) {
            self.revoke = None;
        }
        let url = self.identity.as_ref().and_then(|identity| identity.url.as_deref());
        if before.identity.is_none() && url.is_some_and(is_elsewhere) {
            self.identity = None;
        }
    }

    /// Where its authorization server is: the origins of all endpoints but the API's.
    fn origins(&self) -> BTreeSet<String> {
        self.endpoints().filter(|(pointer, _)| pointer != "/api/base_url").filter_map(|(_, url)| origin(url)).collect()
    }
}

impl Rediscovery {
    /// Whether every endpoint that changed is on a host that was known before.
    #[must_use]
    pub fn stays_on_known_hosts(&self) -> bool {
        !self.differences.iter().any(|difference| difference.leaves)
    }

    /// What of it can be told: the fields that differ, and the hosts of their endpoints before and by now.
    #[must_use]
    pub fn told(&self) -> [(&'static str, String); 3] {
        let endpoints = || self.differences.iter().filter_map(|difference| difference.endpoint.as_ref());
        let fields: Vec<String> =
            self.differences.iter().map(|difference| difference.field[1..].replace('/', ".")).collect();
        let before: BTreeSet<String> = endpoints().filter_map(|(before, _)| host(before.as_ref()?)).collect();
        let now: BTreeSet<String> = endpoints().filter_map(|(_, now)| host(now.as_ref()?)).collect();
        let listed = |hosts: BTreeSet<String>| hosts.into_iter().collect::<Vec<_>>().join(" ");
        [("fields", fields.join(" ")), ("hosts_before", listed(before)), ("hosts", listed(now))]
    }

    /// Tells it apart from other changes.
    #[must_use]
    pub fn digest(&self) -> String {
        let of = |difference: &Difference| {
            let now = difference.endpoint.as_ref().and_then(|(_, now)| now.as_ref()).map_or("", Url::as_str);
            format!("{} {now}\n", difference.field)
        };
        hex(&sha256(self.differences.iter().map(of).collect::<String>().as_bytes()))
    }
}

fn json(provider: &Provider) -> Result<Value, Vec<FieldError>> {
    let unwritten = |_| vec![FieldError { pointer: String::new(), detail: "can't be written".into() }];
    serde_json::to_value(provider).map_err(unwritten)
}

/// The endpoints of a profile whose endpoints a person named, as the metadata has them.
fn with_endpoints(mut profile: Value, metadata: &Map<String, Value>) -> Value {
    const NAMED: [(&str, &str); 5] = [
        ("authorization_endpoint", "/authorize/url"),
        ("pushed_authorization_request_endpoint", "/authorize/par_url"),
        ("token_endpoint", "/token/url"),
        ("revocation_endpoint", "/revoke/url"),
        ("userinfo_endpoint", "/identity/url"),
    ];
    for (name, pointer) in NAMED {
        let published = metadata.get(name).filter(|published| published.is_string());
        let present = profile.pointer_mut(pointer).filter(|url| url.as_str().is_some_and(|url| !url.contains('{')));
        if let (Some(published), Some(present)) = (published, present) {
            *present = published.clone();
        }
    }
    profile
}

/// Lets one field follow. Where the metadata has none, what is in use stays, but for requests that can't be pushed any more;
/// a protection is never given up.
fn follow(profile: &mut Value, published: &Value, pointer: &str) {
    let Some((table, field)) = pointer[1..].split_once('/') else { return };
    let Some(fields) = profile.get_mut(table).and_then(Value::as_object_mut) else { return };
    match published.pointer(pointer) {
        Some(value) if pointer == "/authorize/pkce" && value == "forbidden" => {}
        Some(value) => {
            fields.insert(field.to_owned(), value.clone());
        }
        None if field.starts_with("par_") => {
            fields.remove(field);
        }
        None => {}
    }
}

fn differences(before: &Provider, now: &Provider) -> Result<Vec<Difference>, Vec<FieldError>> {
    let known = before.origins();
    let of = |provider: &Provider, pointer: &str| {
        let mut endpoints = provider.endpoints();
        endpoints.find(|(known, _)| known == pointer).map(|(_, url)| url.to_owned())
    };
    let pointers: BTreeSet<String> =
        before.endpoints().chain(now.endpoints()).map(|(pointer, _)| pointer.into_owned()).collect();
    let mut differences = Vec::new();
    for field in pointers {
        let (earlier, later) = (of(before, &field), of(now, &field));
        if earlier != later {
            let leaves = later.as_deref().is_some_and(|url| origin(url).is_none_or(|origin| !known.contains(&origin)));
            let parsed = |url: Option<String>| url.and_then(|url| Url::parse(&url).ok());
            differences.push(Difference { field, endpoint: Some((parsed(earlier), parsed(later))), leaves });
        }
    }
    let (before, now) = (json(before)?, json(now)?);
    let capabilities = FOLLOWED.iter().filter(|pointer| !pointer.ends_with("url"));
    for pointer in capabilities.filter(|pointer| before.pointer(pointer) != now.pointer(pointer)) {
        differences.push(Difference { field: (*pointer).to_owned(), endpoint: None, leaves: false });
    }
    Ok(differences)
}

fn origin(url: &str) -> Option<String> {
    Url::parse(url).ok().map(|url| url.origin().ascii_serialization())
}

fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests;
