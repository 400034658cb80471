//! Reads a provider's data by JSON pointers, without knowing more of its shape than is asked for.

use std::collections::BTreeMap;

use serde_json::Value;

/// The data of a provider, or a table of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a>(pub(crate) &'a Value);

/// Values by the names of placeholders.
pub(crate) type Values = BTreeMap<String, String>;

impl<'a> Facts<'a> {
    pub(crate) fn at(self, pointer: &str) -> Option<&'a Value> {
        self.0.pointer(pointer)
    }

    pub(crate) fn has(self, pointer: &str) -> bool {
        self.at(pointer).is_some()
    }

    pub(crate) fn table(self, pointer: &str) -> Self {
        Self(self.at(pointer).unwrap_or(&Value::Null))
    }

    pub(crate) fn tables(self, pointer: &str) -> Vec<Self> {
        self.at(pointer).and_then(Value::as_array).into_iter().flatten().map(Self).collect()
    }

    pub(crate) fn text(self, pointer: &str) -> Option<&'a str> {
        self.at(pointer)?.as_str()
    }

    pub(crate) fn flag(self, pointer: &str) -> Option<bool> {
        self.at(pointer)?.as_bool()
    }

    pub(crate) fn number(self, pointer: &str) -> Option<u64> {
        self.at(pointer)?.as_u64()
    }

    /// A list of texts; a text stands for a list of one.
    pub(crate) fn texts(self, pointer: &str) -> Vec<String> {
        match self.at(pointer) {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// Where something is, if the data says so, or else by the standard's name for it.
    pub(crate) fn paths(self, pointer: &str, standard: &[&str]) -> Vec<String> {
        if self.has(pointer) { self.texts(pointer) } else { standard.iter().map(|&name| name.to_owned()).collect() }
    }

    /// A table of texts.
    pub(crate) fn map(self, pointer: &str) -> Values {
        let fields = self.at(pointer).and_then(Value::as_object).into_iter().flatten();
        fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }
}

/// A text with its placeholders filled. One without a value stays, and will match nothing.
pub(crate) fn filled(template: &str, values: &Values) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// The same with all texts of a JSON value.
pub(crate) fn filled_json(template: &Value, values: &Values) -> Value {
    match template {
        Value::String(text) => Value::String(filled(text, values)),
        Value::Array(items) => items.iter().map(|item| filled_json(item, values)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled_json(value, values))).collect()
        }
        other => other.clone(),
    }
}

/// What is at a dotted path; numbers lead into lists.
pub(crate) fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    })
}

/// Puts a value at a dotted path, and makes the way there. What is in the way already stays: answers whether it was put.
pub(crate) fn put(into: &mut Value, path: &str, value: Value) -> bool {
    let Some((step, rest)) = path.split_once('.').map_or(Some((path, None)), |(step, rest)| Some((step, Some(rest))))
    else {
        return false;
    };
    let place = match (step.parse::<usize>(), &mut *into) {
        (Ok(index), Value::Null | Value::Array(_)) => {
            if into.is_null() {
                *into = Value::Array(Vec::new());
            }
            let Value::Array(items) = into else { return false };
            if items.len() <= index {
                items.resize(index + 1, Value::Null);
            }
            &mut items[index]
        }
        (_, Value::Null) => {
            *into = Value::Object(serde_json::Map::new());
            let Value::Object(fields) = into else { return false };
            fields.entry(step).or_insert(Value::Null)
        }
        (_, Value::Object(fields)) => fields.entry(step).or_insert(Value::Null),
        _ => return false,
    };
    match rest {
        Some(rest) => put(place, rest, value),
        None if place.is_null() => {
            *place = value;
            true
        }
        None => false,
    }
}
