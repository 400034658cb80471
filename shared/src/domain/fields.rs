//! Reads data from outside field by field and keeps every mistake with its JSON pointer (RFC 6901), so that a person who
//! sent it sees all of them at once.

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::{Map, Value};

use super::provider::Path;
use crate::domain::scopes::{InvalidScopes, Scopes};

/// A field that was not accepted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where the field is (RFC 6901).
    pub pointer: String,
    /// What is wrong with it, in words for the person who wrote it.
    pub detail: String,
}

/// How long a text may be, in characters; the longest real one is a setup guide.
pub const MAX_TEXT: usize = 1024;

/// How long a text may be that an issuer or a provider has made, in characters: some issuers' codes have more than a kilobyte.
pub const MAX_LONG_TEXT: usize = 4096;

/// How long a URL may be, in bytes: what every authorization server in use accepts.
const MAX_URL: usize = 2048;

/// How many entries a list or map may have.
const MAX_ENTRIES: usize = 200;

/// How much of an unknown field's name is repeated in the answer.
const MAX_ECHO: usize = 64;

/// One table of the data. Remembers which fields were asked for, so that [`Table::close`] can refuse the others.
pub struct Table<'a> {
    fields: Option<&'a Map<String, Value>>,
    pointer: String,
    known: RefCell<Vec<&'static str>>,
    errors: &'a RefCell<Vec<FieldError>>,
}

impl<'a> Table<'a> {
    /// The outermost table.
    pub fn root(value: &'a Value, errors: &'a RefCell<Vec<FieldError>>) -> Self {
        Self::at(String::new(), Some(value), errors)
    }

    fn at(pointer: String, value: Option<&'a Value>, errors: &'a RefCell<Vec<FieldError>>) -> Self {
        let table = Self { fields: value.and_then(Value::as_object), pointer, known: RefCell::default(), errors };
        if value.is_some() && table.fields.is_none() {
            table.refuse_whole("must be an object");
        }
        table
    }

    fn get(&self, name: &'static str) -> Option<&'a Value> {
        self.known.borrow_mut().push(name);
        self.fields?.get(name)
    }

    /// Notes a mistake in the table as a whole.
    pub fn refuse_whole(&self, detail: &str) {
        self.errors.borrow_mut().push(FieldError { pointer: self.pointer.clone(), detail: detail.into() });
    }

    /// Notes a mistake in one field.
    pub fn refuse(&self, name: &str, detail: impl Into<String>) {
        let pointer = format!("{}/{}", self.pointer, step(name));
        self.errors.borrow_mut().push(FieldError { pointer, detail: detail.into() });
    }

    /// Whether the table itself was given.
    pub fn is_given(&self) -> bool {
        self.fields.is_some()
    }

    /// Reads a field with `read`, which says what is wrong with it; an absent one is `None`.
    pub fn read<T>(&self, name: &'static str, read: impl Fn(&'a Value) -> Result<T, String>) -> Option<T> {
        read(self.get(name)?).map_err(|detail| self.refuse(name, detail)).ok()
    }

    /// Notes that a field is missing, unless it was given (and perhaps refused).
    pub fn require<T: Default>(&self, name: &'static str, read: Option<T>) -> T {
        if read.is_none() && self.fields.is_none_or(|fields| !fields.contains_key(name)) {
            self.refuse(name, "is required");
        }
        read.unwrap_or_default()
    }

    /// Whether a field was given, right or wrong.
    pub fn has(&self, name: &str) -> bool {
        self.fields.is_some_and(|fields| fields.contains_key(name))
    }

    /// Notes that a field is missing, unless it was given (and perhaps refused).
    pub fn require_given(&self, name: &'static str) {
        self.require::<()>(name, None);
    }

    /// A text, as [`text`] reads it.
    pub fn text(&self, name: &'static str) -> Option<String> {
        self.read(name, text)
    }

    /// An endpoint: an absolute URL without a fragment.
    pub fn url(&self, name: &'static str) -> Option<String> {
        self.read(name, url)
    }

    /// True or false.
    pub fn flag(&self, name: &'static str) -> Option<bool> {
        self.read(name, |value| value.as_bool().ok_or_else(|| "must be true or false".into()))
    }

    /// A whole number of seconds, at most ten years.
    pub fn seconds(&self, name: &'static str) -> Option<u32> {
        const TEN_YEARS: u64 = 315_360_000;
        self.read(name, |value| {
            let seconds = value.as_u64().filter(|seconds| *seconds <= TEN_YEARS);
            seconds
                .and_then(|seconds| u32::try_from(seconds).ok())
                .ok_or_else(|| "must be a whole number of seconds, at most ten years".into())
        })
    }

    /// One of a closed list of words.
    pub fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        self.read(name, |value| {
            let chosen = value.as_str().and_then(|text| choices.iter().find(|(known, _)| *known == text));
            chosen.map(|(_, choice)| *choice).ok_or_else(|| {
                let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
                format!("must be one of {}", known.join(", "))
            })
        })
    }

    /// A list of texts.
    pub fn texts(&self, name: &'static str) -> Option<Vec<String>> {
        self.each(name, text)
    }

    /// A list whose entries are read with `read`; a mistake is noted at its entry.
    pub fn each<T>(&self, name: &'static str, read: impl Fn(&'a Value) -> Result<T, String>) -> Option<Vec<T>> {
        let entries = self.read(name, entries)?;
        let place = Self::at(format!("{}/{name}", self.pointer), None, self.errors);
        let read = |(index, entry): (usize, &'a Value)| {
            read(entry).map_err(|detail| place.refuse(&index.to_string(), detail)).ok()
        };
        let read: Vec<Option<T>> = entries.iter().enumerate().map(read).collect();
        read.into_iter().collect()
    }

    /// One path, or a list of them.
    pub fn paths(&self, name: &'static str) -> Option<Vec<Path>> {
        self.read(name, |value| match value {
            Value::String(_) => Ok(vec![path(value)?]),
            _ => list(value, path),
        })
    }

    /// A dotted path.
    pub fn path(&self, name: &'static str) -> Option<Path> {
        self.read(name, path)
    }

    /// A list of scopes (RFC 6749, section 3.3).
    pub fn scopes(&self, name: &'static str) -> Option<Scopes> {
        let raw = self.each(name, |value| value.as_str().ok_or_else(|| "must be a text".to_owned()))?;
        Scopes::parse(raw)
            .map_err(|error| match error {
                InvalidScopes::Token(index) => {
                    let place = Self::at(format!("{}/{name}", self.pointer), None, self.errors);
                    place.refuse(
                        &index.to_string(),
                        "must be a scope: 1 to 256 visible ASCII characters, no quotes or backslashes",
                    );
                }
                InvalidScopes::TooMany => self.refuse(name, error.to_string()),
            })
            .ok()
    }

    /// A map whose values are read with `read`.
    pub fn map<T>(
        &self,
        name: &'static str,
        read: impl Fn(&str, &'a Value) -> Result<T, String>,
    ) -> BTreeMap<String, T> {
        let table = self.table(name);
        let fields = table.fields.into_iter().flatten();
        if table.fields.is_some_and(|fields| fields.len() > MAX_ENTRIES) {
            table.refuse_whole("has too many entries");
            return BTreeMap::new();
        }
        fields
            .filter_map(|(key, value)| {
                read(key, value).map(|read| (key.clone(), read)).map_err(|detail| table.refuse(key, detail)).ok()
            })
            .collect()
    }

    /// The table below this name; an absent one has no fields.
    #[must_use]
    pub fn table(&self, name: &'static str) -> Self {
        Self::at(format!("{}/{name}", self.pointer), self.get(name), self.errors)
    }

    /// The list of tables below this name.
    pub fn tables(&self, name: &'static str) -> Vec<Self> {
        let items = match self.get(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) if items.len() <= MAX_ENTRIES => items,
            Some(_) => {
                self.refuse(name, "must be a list of at most 200 objects");
                return Vec::new();
            }
        };
        let at = |(index, item)| Self::at(format!("{}/{name}/{index}", self.pointer), Some(item), self.errors);
        items.iter().enumerate().map(at).collect()
    }

    /// The tables in this one, whatever they are called. None of them is unknown then.
    pub fn each_table(&self) -> Vec<(&'a str, Self)> {
        let fields = self.fields.into_iter().flatten();
        let at = |(name, value): (&'a String, &'a Value)| {
            (name.as_str(), Self::at(format!("{}/{}", self.pointer, step(name)), Some(value), self.errors))
        };
        if self.fields.is_some_and(|fields| fields.len() > MAX_ENTRIES) {
            self.refuse_whole("has too many entries");
            return Vec::new();
        }
        fields.map(at).collect()
    }

    /// Notes a mistake that was found later, at its place below this table.
    pub fn refuse_at(&self, pointer: &str, detail: impl Into<String>) {
        let pointer = format!("{}{pointer}", self.pointer);
        self.errors.borrow_mut().push(FieldError { pointer, detail: detail.into() });
    }

    /// Refuses every field that nothing asked for.
    pub fn close(self) {
        let known = self.known.borrow();
        for name in self.fields.into_iter().flat_map(Map::keys).filter(|name| !known.contains(&name.as_str())) {
            self.refuse(&name.chars().take(MAX_ECHO).collect::<String>(), "is not a known field");
        }
    }
}

/// A field's name as a step of a JSON pointer (RFC 6901, section 3).
#[must_use]
pub fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Passes unless something is wrong.
pub(super) fn unless(is_wrong: bool, detail: &str) -> Result<(), String> {
    if is_wrong { Err(detail.to_owned()) } else { Ok(()) }
}

/// A text that is not empty, of at most [`MAX_TEXT`] characters, without control characters.
///
/// # Errors
/// What is wrong with it, in words for the person who wrote it.
pub fn text(value: &Value) -> Result<String, String> {
    bounded(value, MAX_TEXT)
}

/// The same, of at most [`MAX_LONG_TEXT`] characters: what others have made, such as a code, and nobody can shorten.
///
/// # Errors
/// What is wrong with it, in words for the person who wrote it.
pub fn long_text(value: &Value) -> Result<String, String> {
    bounded(value, MAX_LONG_TEXT)
}

fn bounded(value: &Value, most: usize) -> Result<String, String> {
    let text = value.as_str().ok_or("must be a text")?;
    if !(1..=most).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        return Err(format!("must have 1 to {most} characters and no control characters"));
    }
    Ok(text.to_owned())
}

/// The form of an endpoint (RFC 6749, sections 3.1 and 3.2: no fragment). Whether its host may be reached is for the
/// guard of outgoing requests to say.
fn url(value: &Value) -> Result<String, String> {
    let url = value.as_str().ok_or("must be a text")?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', ':']));
    if !has_host || url.len() > MAX_URL || url.contains('#') || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be an absolute https URL without a fragment".into());
    }
    Ok(url.to_owned())
}

/// A dotted path.
pub(super) fn path(value: &Value) -> Result<Path, String> {
    value.as_str().and_then(Path::parse).ok_or_else(|| "must be a dotted path such as `user.email`".into())
}

/// A list of at most 200 entries, each read with `read`.
pub(super) fn list<'a, T>(value: &'a Value, read: impl Fn(&'a Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    entries(value)?
        .iter()
        .enumerate()
        .map(|(index, item)| read(item).map_err(|detail| format!("entry {index} {detail}")))
        .collect()
}

fn entries(value: &Value) -> Result<&Vec<Value>, String> {
    let entries = value.as_array().filter(|entries| entries.len() <= MAX_ENTRIES);
    entries.ok_or_else(|| "must be a list of at most 200 entries".to_owned())
}
