//! What a connector lets apps call: an allow-list that its admin writes.
//!
//! A call passes if its method is among `methods` and one of `paths` fits it; what is not said does not narrow. A path fits
//! in the one normal form in which it is sent, part by part and letter by letter: `/files` lets `/files` and `/files/1`
//! through, and neither `/files-of-others` nor `/Files`. What is judged is the address: an API that has one path do what
//! the body says, such as a batch or GraphQL, does all of it once that path is allowed.

use serde_json::{Value, json};

use super::{CallMethod, CallPath, Target};
use crate::domain::fields::{self, FieldError, Table};

/// How many rules a connector may have.
const MAX_PATHS: usize = 100;

/// What apps may call through a connector. Without a list of one kind, everything of that kind may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallRules {
    /// The methods that may be used.
    pub methods: Option<Vec<CallMethod>>,
    /// The paths that may be called.
    pub paths: Option<Vec<PathRule>>,
}

/// A path that may be called, and all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    /// With this method only, if it says one.
    pub method: Option<CallMethod>,
    /// At this host; without one, or with that of the root, below the root of the API.
    pub host: Option<String>,
    /// What the path begins with, part by part.
    pub prefix: CallPath,
}

impl CallRules {
    /// Reads rules. An empty object is no rule at all.
    #[must_use]
    pub fn read(table: &Table<'_>) -> Self {
        let methods = table.each("methods", method);
        let paths = table.read("paths", |_| Ok(())).map(|()| table.tables("paths"));
        if paths.as_ref().is_some_and(|paths| paths.len() > MAX_PATHS) {
            table.refuse("paths", format!("must have at most {MAX_PATHS} entries"));
        }
        let paths = paths.map(|paths| paths.into_iter().filter_map(PathRule::read).collect());
        Self { methods, paths }
    }

    /// The rules as they were written.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut value = json!({});
        if let Some(methods) = &self.methods {
            value["methods"] = methods.iter().map(|method| method.as_str()).collect();
        }
        if let Some(paths) = &self.paths {
            value["paths"] = paths.iter().map(PathRule::to_value).collect();
        }
        value
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.methods.is_none() && self.paths.is_none()
    }

    /// Whether a call may be made.
    #[must_use]
    pub fn allow(&self, method: CallMethod, target: &Target, path: &CallPath) -> bool {
        let is_method = self.methods.as_ref().is_none_or(|methods| methods.contains(&method));
        let fits = |rule: &PathRule| {
            rule.method.is_none_or(|of| of == method)
                && target.is_at(rule.host.as_deref())
                && path.is_below(&rule.prefix)
        };
        is_method && self.paths.as_ref().is_none_or(|paths| paths.iter().any(fits))
    }
}

impl PathRule {
    fn read(table: Table<'_>) -> Option<Self> {
        let rule = (table.read("method", method), table.read("host", host), table.read("prefix", prefix));
        if !table.has("prefix") {
            table.require_given("prefix");
        }
        table.close();
        let (method, host, prefix) = rule;
        Some(Self { method, host, prefix: prefix? })
    }

    fn to_value(&self) -> Value {
        let mut value = json!({"prefix": self.prefix.as_str()});
        if let Some(method) = self.method {
            value["method"] = method.as_str().into();
        }
        if let Some(host) = &self.host {
            value["host"] = host.as_str().into();
        }
        value
    }
}

fn method(value: &Value) -> Result<CallMethod, String> {
    let method = value.as_str().and_then(CallMethod::parse);
    method.ok_or_else(|| format!("must be one of {}", CallMethod::WORDS.join(", ")))
}

/// A host with its port perhaps, as callers name it; in lower case.
fn host(value: &Value) -> Result<String, String> {
    let host = fields::text(value)?.to_ascii_lowercase();
    let (name, port) = host.split_once(':').unwrap_or((&host, "443"));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_plain);
    let is_port = !port.starts_with('+') && port.parse::<u16>().is_ok();
    if is_port && name.split('.').all(is_label) {
        Ok(host)
    } else {
        Err("must be the name of a host, with a port perhaps, without scheme and path".to_owned())
    }
}

fn prefix(value: &Value) -> Result<CallPath, String> {
    let raw = fields::text(value)?;
    if raw.contains(['?', '#']) {
        return Err("must be a path without a query".to_owned());
    }
    CallPath::without_query(&raw).map_err(|error| error.to_string())
}

/// Stored rules that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rules of calls that can't be read")]
pub struct UnreadableRules;

impl CallRules {
    /// Reads rules that were stored.
    ///
    /// # Errors
    /// [`UnreadableRules`]: then nothing may be called, because nobody knows what may not be.
    pub fn from_text(text: &str) -> Result<Self, UnreadableRules> {
        let value: Value = serde_json::from_str(text).map_err(|_| UnreadableRules)?;
        let errors = std::cell::RefCell::<Vec<FieldError>>::default();
        let table = Table::root(&value, &errors);
        let rules = Self::read(&table);
        table.close();
        if errors.into_inner().is_empty() { Ok(rules) } else { Err(UnreadableRules) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{call::Query, provider::Api};

    fn rules(value: &Value) -> Result<CallRules, UnreadableRules> {
        CallRules::from_text(&value.to_string())
    }

    fn allows(rules: &CallRules, method: CallMethod, host: Option<&str>, raw: &str) -> bool {
        let api = Api {
            base_url: Some("https://api.example/v1".to_owned()),
            hosts: vec!["upload.example".to_owned()],
            ..Api::default()
        };
        let path = CallPath::without_query(raw).expect("a path");
        let target = Target::of(&api, host, &path, &Query::default()).expect("a target");
        rules.allow(method, &target, &path)
    }

    #[test]
    fn without_rules_everything_may_be_called_and_with_them_nothing_else() {
        use CallMethod::{Delete, Get, Post};
        assert!(allows(&CallRules::default(), Delete, None, "/anything"));
        let none = rules(&json!({"paths": []})).expect("rules");
        assert!(!allows(&none, Get, None, "/"));
        let some = json!({
            "methods": ["GET", "POST"],
            "paths": [
                {"prefix": "/files"}, {"method": "POST", "prefix": "/notes"}, {"prefix": "/parts", "host": "upload.example"},
                {"prefix": "/own", "host": "API.example"}, {"prefix": "/other", "host": "elsewhere.example:8443"},
            ],
        });
        let some = rules(&some).expect("rules");
        for (method, host, path, allowed) in [
            (Get, None, "/files/1", true),
            (Post, None, "/files/1", true),
            (Delete, None, "/files/1", false),
            (Get, None, "/files-of-others", false),
            (Get, None, "/notes", false),
            (Post, None, "/notes/1", true),
            (Get, None, "/parts", false),
            (Get, Some("upload.example"), "/parts/1", true),
            (Get, Some("api.example"), "/files", true),
            (Get, Some("upload.example"), "/files", false),
            (Get, None, "/own/1", true),
            (Get, Some("api.example"), "/own", true),
            (Get, Some("upload.example"), "/own", false),
            (Get, None, "/other", false),
        ] {
            assert_eq!(allows(&some, method, host, path), allowed, "{method:?} {host:?} {path}");
        }
        assert_eq!(rules(&some.to_value()), Ok(some));
    }

    #[test]
    fn rules_that_say_something_else_are_refused() {
        for value in [
            json!({"method": ["GET"]}),
            json!({"methods": "GET"}),
            json!({"methods": ["get"]}),
            json!({"methods": ["CONNECT"]}),
            json!({"paths": [{}]}),
            json!({"paths": [{"prefix": "files"}]}),
            json!({"paths": [{"prefix": "/a/../b"}]}),
            json!({"paths": [{"prefix": "/a?b"}]}),
            json!({"paths": [{"prefix": "/a", "hosts": "x"}]}),
            json!({"paths": [{"prefix": "/a", "host": ""}]}),
            json!({"paths": [{"prefix": "/a", "host": "https://upload.example"}]}),
            json!({"paths": [{"prefix": "/a", "host": "upload.example/parts"}]}),
            json!({"paths": [{"prefix": "/a", "host": "u@upload.example"}]}),
            json!({"paths": [{"prefix": "/a", "host": "*.example"}]}),
            json!({"paths": [{"prefix": "/a", "host": "upload..example"}]}),
            json!({"paths": [{"prefix": "/a", "host": "upload.example:+80"}]}),
            json!({"paths": [{"prefix": "/a", "host": "upload.example:99999"}]}),
            json!({"paths": [{"prefix": "/a", "host": "upload.example."}]}),
            json!({"paths": [{"prefix": "/a", "host": "uploäd.example"}]}),
            json!([]),
        ] {
            assert_eq!(rules(&value), Err(UnreadableRules), "{value}");
        }
    }
}
