//! Where variables stand in a provider's data, whether each may stand there, and the same data with their values.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::{
    Provider,
    request::Derive,
    template::{self, Piece},
    vars::{Known, Source, Var},
};
use crate::domain::fields::{self, Table};

/// Values of variables, by their names.
pub type Values = BTreeMap<String, String>;

/// A part of a connection's life that sends requests, and so must have the values in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Sending the user to the provider.
    Authorize,
    /// Checking what the user came back with.
    Callback,
    /// Exchanging the code, and what follows it at once.
    Token,
    /// Asking about the account.
    Discover,
    /// Refreshing.
    Refresh,
    /// Ending the grant at the provider.
    Revoke,
    /// Asking whose account it is.
    Identity,
    /// Nothing that is sent: what the app is told of the API.
    Api,
}

/// A text cannot be filled: a value is missing, or may not stand there. Names the variable, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{var}` has no value that fits into {pointer}")]
pub struct Unfilled {
    /// The text, by its JSON pointer in the provider's data.
    pub pointer: String,
    /// The variable.
    pub var: String,
}

/// What a text is, which decides how a value is put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Url,
    Host,
    Header,
    Parameter,
}

/// A text that may have placeholders.
struct Spot {
    pointer: String,
    step: Step,
    kind: Kind,
}

impl Step {
    /// What is known by then.
    fn known(self) -> Known {
        match self {
            Self::Authorize => Known::AtStart,
            Self::Callback | Self::Token => Known::AtCallback,
            Self::Discover => Known::WithToken,
            Self::Refresh | Self::Revoke | Self::Identity | Self::Api => Known::WhenConnected,
        }
    }

    /// What its requests put in themselves.
    fn of_request(self) -> &'static [&'static str] {
        match self {
            Self::Authorize => &["client_id", "scopes"],
            Self::Callback => &[],
            Self::Api => &["client_id"],
            Self::Token => &["client_id", "client_secret", "code", "redirect_uri", "scopes", "access_token"],
            Self::Refresh => &["client_id", "client_secret", "redirect_uri", "scopes", "access_token", "refresh_token"],
            Self::Revoke => &["client_id", "client_secret", "access_token", "refresh_token"],
            Self::Discover | Self::Identity => &["client_id", "access_token"],
        }
    }

    /// Whether requests of this step also use the texts of the other.
    fn uses(self, other: Self) -> bool {
        self == other || (self == Self::Refresh && other == Self::Token)
    }
}

impl Provider {
    /// The provider with these values in all its texts, for the requests of one step. Texts of other steps may keep a
    /// placeholder whose value is not known yet; those of this one do not. Each value is checked again on its way into a
    /// text, and encoded where it stands in a path or query.
    ///
    /// # Errors
    /// [`Unfilled`] if a text of this step lacks a value, or one is not what the variable allows.
    pub fn filled(&self, values: &Values, step: Step) -> Result<Cow<'_, Self>, Unfilled> {
        let (filled, missing) = self.fill(values);
        match missing.into_iter().find(|(of, _)| step.uses(*of)) {
            None => Ok(filled),
            Some((_, unfilled)) => Err(unfilled),
        }
    }

    /// The provider with these values wherever they fit. What no value is known for keeps its placeholder: for
    /// comparisons and checks, not for requests.
    #[must_use]
    pub fn with_known(&self, values: &Values) -> Cow<'_, Self> {
        self.fill(values).0
    }

    fn fill(&self, values: &Values) -> (Cow<'_, Self>, Vec<(Step, Unfilled)>) {
        let mut missing = Vec::new();
        if self.vars.is_empty() {
            return (Cow::Borrowed(self), missing);
        }
        let known = self.known(values);
        let mut filled = self.clone();
        visit(&mut filled, &mut |spot, text| match fill(text, spot.kind, &self.vars, &known) {
            Ok(now) => *text = now,
            Err((now, var)) => {
                *text = now;
                missing.push((spot.step, Unfilled { pointer: spot.pointer, var }));
            }
        });
        (Cow::Owned(filled), missing)
    }

    /// What each variable stands for, as far as these values tell: read from where it comes from, in the form in which it
    /// is used. A value that is not allowed is none.
    #[must_use]
    pub fn known(&self, values: &Values) -> Values {
        let given = |name: &str, var: &Var| {
            let given = match &var.from {
                Source::Discover(field) => values.get(field),
                _ => values.get(name),
            };
            match given {
                Some(value) => var.accept(value).ok(),
                None => var.default.as_ref().and_then(|default| var.accept(default).ok()),
            }
        };
        let is_mapped = |var: &Var| var.from == Source::Map;
        let direct = self.vars.iter().filter(|(_, var)| !is_mapped(var));
        let mut known: Values = direct.filter_map(|(name, var)| Some((name.clone(), given(name, var)?))).collect();
        for (name, var) in self.vars.iter().filter(|(_, var)| is_mapped(var)) {
            let value = var.key.as_ref().and_then(|key| var.map.get(known.get(key)?)).cloned();
            known.extend(value.map(|value| (name.clone(), value)));
        }
        known
    }

    /// The variables without which some request or address cannot be made.
    #[must_use]
    pub fn needed_vars(&self) -> BTreeSet<&str> {
        let mut named = BTreeSet::new();
        visit(&mut self.clone(), &mut |_, text| {
            named.extend(template::placeholders(text).map(str::to_owned));
        });
        let keys: Vec<String> = named.iter().filter_map(|name| self.vars.get(name)?.key.clone()).collect();
        named.extend(keys);
        self.vars.keys().map(String::as_str).filter(|name| named.contains(*name)).collect()
    }

    /// This provider with samples in its texts: every value of a closed list is in one of them. For checks of its
    /// endpoints before any value is known.
    #[must_use]
    pub fn samples(&self) -> Vec<Cow<'_, Self>> {
        let samples: BTreeMap<&String, Vec<String>> =
            self.vars.iter().map(|(name, var)| (name, var.samples())).collect();
        let most = samples.values().map(Vec::len).max().unwrap_or(1);
        let nth = |n: usize| -> Values {
            let chosen = samples.iter().filter_map(|(name, values)| {
                let field = match &self.vars.get(*name)?.from {
                    Source::Discover(field) => field.clone(),
                    _ => (*name).clone(),
                };
                Some((field, values.get(n % values.len())?.clone()))
            });
            chosen.collect()
        };
        (0..most).map(|n| self.with_samples(&nth(n))).collect()
    }

    /// What does not fit keeps nobody from looking at the rest: a label takes its place.
    fn with_samples(&self, values: &Values) -> Cow<'_, Self> {
        if self.vars.is_empty() {
            return Cow::Borrowed(self);
        }
        let known = self.known(values);
        let mut filled = self.clone();
        visit(&mut filled, &mut |_, text| {
            *text = template::filled(text, |name| {
                self.vars.contains_key(name).then(|| known.get(name).cloned().unwrap_or_else(|| "x".to_owned()))
            });
        });
        Cow::Owned(filled)
    }

    /// Notes every placeholder that is no variable, or one that may not stand where it does.
    pub(super) fn check_placeholders(&self, table: &Table<'_>) {
        visit(&mut self.clone(), &mut |spot, text| {
            for name in template::placeholders(text) {
                if let Some(detail) = self.wrong(&spot, text, name) {
                    table.refuse_at(&spot.pointer, format!("{{{name}}} {detail}"));
                }
            }
            if spot.kind == Kind::Url && has_stray_brace(text) {
                table.refuse_at(&spot.pointer, "has a brace that belongs to no placeholder");
            }
        });
    }

    fn wrong(&self, spot: &Spot, text: &str, name: &str) -> Option<String> {
        let Some(var) = self.vars.get(name) else {
            let is_of_request = spot.step.of_request().contains(&name) && !in_host(spot.kind, text, name);
            return (!is_of_request).then(|| "is no declared variable".to_owned());
        };
        if self.known_by(var) > spot.step.known() {
            return Some("is not known yet when this is sent".to_owned());
        }
        if !in_host(spot.kind, text, name) {
            return None;
        }
        var.unfit_for_host(ends_in_domain(spot.kind, text)).map(str::to_owned)
    }

    fn known_by(&self, var: &Var) -> Known {
        match &var.from {
            Source::App | Source::Input => Known::AtStart,
            Source::Callback(_) => Known::AtCallback,
            Source::Token(_) => Known::WithToken,
            Source::Discover(_) => Known::WhenConnected,
            Source::Map => match var.key.as_ref().and_then(|key| self.vars.get(key)) {
                Some(key) if key.from != Source::Map => self.known_by(key),
                _ => Known::AtStart,
            },
        }
    }
}

/// The text with its values; with an error comes what could be filled, and the first variable that has no value that fits.
fn fill(text: &str, kind: Kind, vars: &BTreeMap<String, Var>, known: &Values) -> Result<String, (String, String)> {
    let host = host_of(kind, text);
    let mut wrong = None;
    let mut at = 0;
    let mut filled = String::with_capacity(text.len());
    for piece in template::pieces(text) {
        let name = match piece {
            Piece::Text(plain) => {
                at += plain.len();
                filled.push_str(plain);
                continue;
            }
            Piece::Placeholder(name) => name,
        };
        let in_host = (host.0..host.1).contains(&at);
        at += name.len() + 2;
        match known.get(name).filter(|value| fits(value, kind, in_host)) {
            Some(value) if kind == Kind::Url && !in_host => filled.push_str(&template::encoded(value)),
            Some(value) => filled.push_str(value),
            None => {
                wrong = wrong.or_else(|| vars.contains_key(name).then(|| name.to_owned()));
                filled.extend(["{", name, "}"]);
            }
        }
    }
    match wrong {
        None => Ok(filled),
        Some(var) => Err((filled, var)),
    }
}

/// Whether a value may stand there: in a host nothing but a host; in a path nothing that leads out of it.
fn fits(value: &str, kind: Kind, in_host: bool) -> bool {
    match kind {
        _ if in_host => template::is_of_host(value),
        Kind::Url => value != "." && value != "..",
        Kind::Header => value.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
        Kind::Host | Kind::Parameter => true,
    }
}

/// From where to where a text is a host.
fn host_of(kind: Kind, text: &str) -> (usize, usize) {
    match kind {
        Kind::Url => template::authority(text),
        Kind::Host => (0, text.len()),
        Kind::Header | Kind::Parameter => (0, 0),
    }
}

fn in_host(kind: Kind, text: &str, name: &str) -> bool {
    let (begins, ends) = host_of(kind, text);
    template::placeholders(&text[begins..ends]).any(|placeholder| placeholder == name)
}

/// Whether the host ends in a domain of at least two labels that stands there as it is.
fn ends_in_domain(kind: Kind, text: &str) -> bool {
    let (begins, ends) = host_of(kind, text);
    let Some(Piece::Text(tail)) = template::pieces(&text[begins..ends]).last().copied() else { return false };
    let tail = tail.split(':').next().unwrap_or_default();
    let domain = tail.split_once('.').map(|(_, domain)| domain);
    domain.is_some_and(|domain| domain.contains('.') && template::is_of_host(domain))
}

fn has_stray_brace(url: &str) -> bool {
    template::pieces(url).into_iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(['{', '}'])))
}

/// Shows every text that may have placeholders.
fn visit(provider: &mut Provider, see: &mut dyn FnMut(Spot, &mut String)) {
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
        at.go(Step::Discover, format!("/discover/{index}"));
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

#[cfg(test)]
mod tests;
