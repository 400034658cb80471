//! The files of the catalogue, read by rules of this room's own: what the product makes of them is not asked, so that what
//! it misreads shows.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::facts::Facts;

/// One file, with what its family says merged in.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) data: Value,
    /// Whether it answers with a form where others answer with JSON, as some do without saying so.
    pub(crate) as_form: bool,
}

impl Entry {
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts(&self.data)
    }

    /// Whether a connector can be made to it today.
    pub(crate) fn is_available(&self) -> bool {
        self.facts().text("/unavailable").is_none()
    }
}

/// The folder of the catalogue.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/providers")
}

/// Every entry, by id.
pub(crate) fn all() -> Vec<Entry> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "toml"));
    let mut entries: Vec<Entry> = files.map(|file| entry(&file)).collect();
    entries.sort_by(|one, other| one.id.cmp(&other.id));
    assert!(!entries.is_empty());
    entries
}

fn entry(file: &Path) -> Entry {
    let mut data = read(file);
    let family = data.as_object_mut().unwrap().remove("extends");
    if let Some(family) = family {
        let mut base = read(&folder().join(format!("families/{}.toml", family.as_str().unwrap())));
        overlay(&mut base, data);
        data = base;
    }
    Entry { id: file.file_stem().unwrap().to_str().unwrap().to_owned(), data, as_form: false }
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Lays a product's data over its family's: tables merge, everything else is replaced.
fn overlay(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                overlay(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// The same data with every endpoint led to one server, which tells entry and host by the path.
pub(crate) fn moved(data: &Value, to: &str) -> Value {
    match data {
        Value::Object(fields) => {
            let move_field = |(name, value): (&String, &Value)| match (name.as_str(), value) {
                ("url" | "par_url" | "base_url" | "issuer", Value::String(url)) => {
                    (name.clone(), Value::String(moved_url(url, to)))
                }
                _ => (name.clone(), moved(value, to)),
            };
            Value::Object(fields.iter().map(move_field).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| moved(item, to)).collect()),
        other => other.clone(),
    }
}

fn moved_url(url: &str, to: &str) -> String {
    let rest = url.strip_prefix("https://").unwrap_or_else(|| panic!("{url} is not https"));
    format!("{to}/{rest}")
}
