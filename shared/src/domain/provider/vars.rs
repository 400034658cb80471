//! Variables: values that differ between connectors or connections and stand in a provider's URLs, headers and
//! parameters as `{name}`. Each says where it comes from and what it may be, so that no answer and no user decides where
//! a secret is sent.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{path::Path, pattern::Pattern, template::is_of_host};
use crate::domain::fields::{self, Table};

/// How long a value may be, in bytes.
const MAX_VALUE: usize = 512;

/// What a request itself puts in; a variable of this name would never be seen.
const REQUEST: [&str; 8] =
    ["client_id", "client_secret", "code", "access_token", "refresh_token", "redirect_uri", "scopes", "state"];

/// Where the value of a variable comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The admin sets it on the connector.
    App,
    /// The admin sets it, or leaves it to each user.
    Input,
    /// This parameter of the authorization response.
    Callback(String),
    /// This place in the token answer.
    Token(Path),
    /// This field of what is found out after connecting.
    Discover(String),
    /// Another variable, by its value.
    Map,
}

/// When in a connection's life a value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    /// Before the user is sent to the provider.
    AtStart,
    /// When the user is back.
    AtCallback,
    /// When there is a token.
    WithToken,
    /// When the connection stands.
    WhenConnected,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Var {
    /// Where its value comes from.
    pub from: Source,
    /// What it is called in a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is, for the person who fills in the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A value that fits, for the same person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// What the whole value must fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// What must not be found in the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject: Option<Pattern>,
    /// The only values there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The value where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What people write behind the value and does not belong to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strip_suffix: Option<String>,
    /// The value is a whole host name: one of these, or one below them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_suffixes: Vec<String>,
    /// The other variable, for one that is mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The other variable's values to this one's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::App => serializer.serialize_str("app"),
            Self::Input => serializer.serialize_str("input"),
            Self::Callback(param) => serializer.collect_str(&format_args!("callback:{param}")),
            Self::Token(path) => serializer.collect_str(&format_args!("token:{path}")),
            Self::Discover(field) => serializer.collect_str(&format_args!("discover:{field}")),
            Self::Map => serializer.serialize_str("map"),
        }
    }
}

impl Source {
    fn read(value: &Value) -> Result<Self, String> {
        const FORMS: &str = "must be app, input, callback:PARAMETER, token:PATH, discover:FIELD or map";
        let raw = value.as_str().ok_or(FORMS)?;
        let named = |name: &str| Some(name.to_owned()).filter(|name| (1..=64).contains(&name.len()));
        match (raw, raw.split_once(':')) {
            ("app", _) => Some(Self::App),
            ("input", _) => Some(Self::Input),
            ("map", _) => Some(Self::Map),
            (_, Some(("callback", param))) if param != "state" && param != "code" => named(param).map(Self::Callback),
            (_, Some(("token", path))) => Path::parse(path).map(Self::Token),
            (_, Some(("discover", field))) => named(field).map(Self::Discover),
            _ => None,
        }
        .ok_or_else(|| FORMS.to_owned())
    }

    /// Whether the admin sets it on the connector, at least if they like.
    #[must_use]
    pub fn is_of_connector(&self) -> bool {
        matches!(self, Self::App | Self::Input)
    }
}

impl Var {
    fn read(table: Table<'_>) -> Self {
        let from = table.read("from", Source::read);
        if from.is_none() {
            table.require_given("from");
        }
        let pattern = |name, compile: fn(&str) -> Option<Pattern>| {
            table.read(name, |value| {
                let raw = value.as_str().ok_or("must be a text")?;
                compile(raw).ok_or_else(|| "is no regular expression that is understood here".to_owned())
            })
        };
        let var = Self {
            from: from.unwrap_or(Source::App),
            label: table.text("label"),
            description: table.text("description"),
            example: table.text("example"),
            pattern: pattern("pattern", Pattern::whole),
            reject: pattern("reject", Pattern::within),
            choices: table.texts("choices").unwrap_or_default(),
            default: table.text("default"),
            strip_suffix: table.text("strip_suffix"),
            host_suffixes: table.each("host_suffixes", host_suffix).unwrap_or_default(),
            key: table.text("key"),
            map: table.map("map", |_, value| fields::text(value)),
        };
        var.check(&table);
        table.close();
        var
    }

    /// What does not go together.
    fn check(&self, table: &Table<'_>) {
        if (self.from == Source::Map) != (self.key.is_some() && !self.map.is_empty()) {
            table.refuse("from", "`map`, `key` and a map go together");
        }
        for (name, value) in [("default", &self.default), ("example", &self.example)] {
            if let Some(Err(detail)) = value.as_ref().map(|value| self.accept(value)) {
                table.refuse(name, detail);
            }
        }
    }

    /// Takes a value that came from outside, in the form in which it is used.
    ///
    /// # Errors
    /// What is wrong with it, in words for the person who wrote it.
    pub fn accept(&self, raw: &str) -> Result<String, String> {
        let mut value = raw.trim();
        if !self.host_suffixes.is_empty() {
            value = value.strip_prefix("https://").unwrap_or(value);
            value = value.strip_suffix('/').unwrap_or(value);
        }
        if let Some(suffix) = &self.strip_suffix {
            value = value.strip_suffix(suffix.as_str()).unwrap_or(value);
        }
        if value.is_empty() || value.len() > MAX_VALUE || value.chars().any(char::is_control) {
            return Err(format!("must have 1 to {MAX_VALUE} bytes and no control characters"));
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            return Err(format!("must be one of {}", self.choices.join(", ")));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.fits(value)) {
            return Err(format!("must fit {}", pattern.as_str()));
        }
        if self.reject.as_ref().is_some_and(|reject| reject.fits(value)) {
            return Err("is not a value that is accepted here".to_owned());
        }
        if !self.host_suffixes.is_empty() && !self.is_below_a_suffix(value) {
            return Err(format!("must be a host name that ends in {}", self.host_suffixes.join(" or ")));
        }
        Ok(value.to_owned())
    }

    fn is_below_a_suffix(&self, value: &str) -> bool {
        let value = value.to_ascii_lowercase();
        let is_below = |suffix: &String| {
            value.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        is_of_host(&value) && self.host_suffixes.iter().any(is_below)
    }

    /// What is wrong with this variable in a host, if it is followed by a fixed domain there or not. What a closed list
    /// holds is as fixed as the URL itself.
    pub(super) fn unfit_for_host(&self, before_domain: bool) -> Option<&'static str> {
        if !self.host_suffixes.is_empty() {
            return None;
        }
        let listed = self.choices.iter().chain(self.map.values());
        if !self.choices.is_empty() || self.from == Source::Map {
            let all_fit = listed.map(String::as_str).all(is_of_host);
            return (!all_fit).then_some("has a value that cannot stand in a host");
        }
        let is_admins = self.from == Source::App;
        let Some(pattern) = &self.pattern else {
            return Some("stands in a host and needs a pattern, choices, a map or host_suffixes");
        };
        let is_of_label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (is_admins && c == '.');
        if !pattern.lets_only(is_of_label) {
            return Some("stands in a host, and its pattern lets more through than a label of a host name has");
        }
        if !is_admins && !before_domain {
            return Some("stands in a host without a fixed domain behind it and needs host_suffixes");
        }
        None
    }

    /// Values to try its URLs with: every one of a closed list, or one that fits as well as any.
    pub(super) fn samples(&self) -> Vec<String> {
        if !self.choices.is_empty() {
            return self.choices.clone();
        }
        let below = |suffix: &String| format!("x.{suffix}");
        let sample = self.default.clone().or_else(|| self.example.clone());
        vec![sample.or_else(|| self.host_suffixes.first().map(below)).unwrap_or_else(|| "x".to_owned())]
    }
}

/// Reads the variables.
pub(super) fn read(table: &Table<'_>) -> BTreeMap<String, Var> {
    let mut vars = BTreeMap::new();
    let tables = table.table("vars");
    for (name, var) in tables.each_table() {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let fits = name.len() <= 64
            && name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
            && name.bytes().all(is_plain);
        if !fits || REQUEST.contains(&name) {
            tables.refuse(name, "is no name for a variable, or one that requests use themselves");
        }
        vars.insert(name.to_owned(), Var::read(var));
    }
    for (name, var) in &vars {
        let Some(key) = &var.key else { continue };
        match vars.get(key) {
            Some(other) if other.from == Source::Map => tables.refuse(name, "its key must not be mapped itself"),
            None => tables.refuse(name, "its key is no variable"),
            Some(other) => {
                if let Some(choice) = other.choices.iter().find(|choice| !var.map.contains_key(*choice)) {
                    tables.refuse(name, format!("its map has nothing for {choice}"));
                }
            }
        }
    }
    vars
}

/// A domain, without the dot that may stand before it.
fn host_suffix(value: &Value) -> Result<String, String> {
    let raw = value.as_str().ok_or("must be a text")?;
    let domain = raw.strip_prefix('.').unwrap_or(raw);
    let fits = is_of_host(domain) && domain.contains('.') && domain.bytes().all(|byte| !byte.is_ascii_uppercase());
    if fits { Ok(domain.to_owned()) } else { Err("must be a domain of two labels at least, in small letters".into()) }
}

#[cfg(test)]
mod tests;
