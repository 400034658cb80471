//! Where a value sits in a JSON answer.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// How many steps a path may have. Answers that need more are not token or identity answers.
const MAX_STEPS: usize = 8;

/// A dotted path into JSON: `authed_user.access_token`; a number steps into an array (`errors.0.code`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Box<str>);

impl Path {
    /// Parses a path; `None` when it is empty, has an empty step, more than eight steps, or a character outside
    /// `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let is_step = |step: &str| {
            !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        let fits = raw.len() <= 128 && raw.split('.').count() <= MAX_STEPS && raw.split('.').all(is_step);
        fits.then(|| Self(raw.into()))
    }

    /// The field of this name. For names that are written in this code.
    pub(super) fn field(name: &'static str) -> Self {
        Self(name.into())
    }

    /// What is there, unless it is absent or null.
    #[must_use]
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        let found = self.0.split('.').try_fold(value, |value, step| match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => value.get(step),
        })?;
        (!found.is_null()).then_some(found)
    }

    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The first of these paths that leads to something.
#[must_use]
pub fn first<'v>(paths: &[Path], value: &'v Value) -> Option<&'v Value> {
    paths.iter().find_map(|path| path.find(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_through_objects_and_arrays() {
        let answer = json!({"a": {"b": [{"c": 1}], "n": null}});
        for (path, expected) in [
            ("a.b.0.c", Some(json!(1))),
            ("a.b.1.c", None),
            ("a.n", None),
            ("a.b.c", None),
            ("x", None),
            ("a.b.0.c.d", None),
        ] {
            assert_eq!(Path::parse(path).expect("a path").find(&answer).cloned(), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for raw in ["", ".", "a..b", "a.", "a b", "a.b.c.d.e.f.g.h.i", "ü"] {
            assert_eq!(Path::parse(raw), None, "{raw}");
        }
    }
}
