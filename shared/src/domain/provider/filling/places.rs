//! Where placeholders may stand in a provider's data, and what they stand in.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

use super::super::{Provider, request::Derive, template, vars::Known};
use crate::domain::fields;

/// A part of a connection's life that sends requests, and so must have the values in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Sending the user to the provider.
    Authorize,
    /// Checking what the user came back with.
    Callback,
    /// Exchanging the code, and what follows it at once.
    Token,
    /// Asking about the account, by this of its calls.
    Discover(usize),
    /// Refreshing.
    Refresh,
    /// Ending the grant at the provider.
    Revoke,
    /// Asking whose account it is.
    Identity,
    /// Nothing that is sent: what the app is told of the API.
    Api,
}

/// What a text is, which decides how a value is put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Url,
    Host,
    Header,
    Parameter,
}

/// A text that may have placeholders.
pub(super) struct Spot {
    pub(super) pointer: String,
    pub(super) step: Step,
    pub(super) kind: Kind,
}

impl Step {
    /// What is known by then.
    pub(super) fn known(self) -> Known {
        match self {
            Self::Authorize => Known::AtStart,
            Self::Callback | Self::Token => Known::AtCallback,
            Self::Discover(_) => Known::WithToken,
            Self::Refresh | Self::Revoke | Self::Identity | Self::Api => Known::WhenConnected,
        }
    }

    /// What its requests put in themselves.
    pub(super) fn of_request(self) -> &'static [&'static str] {
        match self {
            Self::Authorize => &["client_id", "scopes"],
            Self::Callback => &[],
            Self::Api => &["client_id"],
            Self::Token => &["client_id", "client_secret", "code", "redirect_uri", "scopes", "access_token"],
            Self::Refresh => &["client_id", "client_secret", "redirect_uri", "scopes", "access_token", "refresh_token"],
            Self::Revoke => &["client_id", "client_secret", "access_token", "refresh_token"],
            Self::Discover(_) | Self::Identity => &["client_id", "access_token"],
        }
    }

    /// Whether requests of this step also use the texts of the other.
    pub(super) fn uses(self, other: Self) -> bool {
        self == other || (self == Self::Refresh && other == Self::Token)
    }
}

/// From where to where a text is a host.
pub(super) fn host_of(kind: Kind, text: &str) -> (usize, usize) {
    match kind {
        Kind::Url => template::authority(text),
        Kind::Host => (0, text.len()),
        Kind::Header | Kind::Parameter => (0, 0),
    }
}

/// Shows every text that may have placeholders.
pub(super) fn visit(provider: &mut Provider, see: &mut dyn FnMut(Spot, &mut String)) {
    let authorize = &mut provider.authorize;
    let mut at = Visit { step: Step::Authorize, table: "/authorize".into(), see };
    at.text("/url", Kind::Url, Some(&mut authorize.url));
    at.text("/par_url", Kind::Url, authorize.par_url.as_mut());
    at.text("/fragment", Kind::Parameter, authorize.fragment.as_mut());
    at.map("params", Kind::Parameter, &mut authorize.params);
    at.go(Step::Callback, "/callback").map("must_equal", Kind::Parameter, &mut provider.callback.must_equal);
    let token = &mut provider.token;
    at.go(Step::Token, "/token");
    at.text("/url", Kind::Url, Some(&mut token.url));
    at.maps(&mut token.params, &mut token.query, &mut token.headers);
    at.derived(&mut token.derive);
    for (index, step) in provider.exchange.iter_mut().enumerate() {
        at.go(Step::Token, format!("/exchange/{index}"));
        at.text("/url", Kind::Url, Some(&mut step.url));
        at.maps(&mut step.params, &mut step.query, &mut step.headers);
    }
    for (index, step) in provider.discover.iter_mut().enumerate() {
        at.go(Step::Discover(index), format!("/discover/{index}"));
        at.text("/url", Kind::Url, Some(&mut step.url));
        at.maps(&mut BTreeMap::new(), &mut step.query, &mut step.headers);
        if let Some(body) = &mut step.body {
            at.json("/body", body);
        }
    }
    let refresh = &mut provider.refresh;
    at.go(Step::Refresh, "/refresh");
    at.text("/url", Kind::Url, refresh.url.as_mut());
    at.maps(&mut refresh.params, &mut refresh.query, &mut refresh.headers);
    if let Some(revoke) = &mut provider.revoke {
        at.go(Step::Revoke, "/revoke");
        at.text("/url", Kind::Url, Some(&mut revoke.url));
        at.maps(&mut revoke.params, &mut revoke.query, &mut revoke.headers);
    }
    if let Some(identity) = &mut provider.identity {
        at.go(Step::Identity, "/identity");
        at.text("/url", Kind::Url, identity.url.as_mut());
        at.maps(&mut BTreeMap::new(), &mut identity.query, &mut identity.headers);
        if let Some(body) = &mut identity.body {
            at.json("/body", body);
        }
    }
    at.go(Step::Callback, "/oidc");
    at.text(
        "/issuer",
        Kind::Url,
        provider.oidc.as_mut().filter(|oidc| oidc.issuer_template).map(|oidc| &mut oidc.issuer),
    );
    let api = &mut provider.api;
    at.go(Step::Api, "/api");
    at.text("/base_url", Kind::Url, api.base_url.as_mut());
    at.map("headers", Kind::Header, &mut api.headers);
    for (index, host) in api.hosts.iter_mut().enumerate() {
        at.text(&format!("/hosts/{index}"), Kind::Host, Some(host));
    }
}

/// A walk over the tables of a provider.
struct Visit<'v> {
    step: Step,
    table: Cow<'static, str>,
    see: &'v mut dyn FnMut(Spot, &mut String),
}

impl Visit<'_> {
    fn go(&mut self, step: Step, table: impl Into<Cow<'static, str>>) -> &mut Self {
        (self.step, self.table) = (step, table.into());
        self
    }

    fn text(&mut self, place: &str, kind: Kind, text: Option<&mut String>) {
        if let Some(text) = text {
            (self.see)(Spot { pointer: format!("{}{place}", self.table), step: self.step, kind }, text);
        }
    }

    fn map(&mut self, table: &str, kind: Kind, texts: &mut BTreeMap<String, String>) {
        for (name, text) in texts {
            self.text(&format!("/{table}/{}", fields::step(name)), kind, Some(text));
        }
    }

    fn maps(
        &mut self,
        params: &mut BTreeMap<String, String>,
        query: &mut BTreeMap<String, String>,
        headers: &mut BTreeMap<String, String>,
    ) {
        self.map("params", Kind::Parameter, params);
        self.map("query", Kind::Parameter, query);
        self.map("headers", Kind::Header, headers);
    }

    fn derived(&mut self, derived: &mut BTreeMap<String, Derive>) {
        for (name, derive) in derived {
            let place = format!("/derive/{}/over", fields::step(name));
            self.text(&place, Kind::Parameter, derive.over.as_mut());
        }
    }

    fn json(&mut self, place: &str, value: &mut Value) {
        match value {
            Value::String(text) => self.text(place, Kind::Parameter, Some(text)),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.json(&format!("{place}/{index}"), item);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.json(&format!("{place}/{}", fields::step(name)), field);
                }
            }
            _ => {}
        }
    }
}
