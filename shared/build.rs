//! Checks the provider catalogue and compiles it in: a mistake in a catalogue file fails the build, with its place.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::ZlibEncoder};
use serde_json::{Map, Value};

#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "a build script needs the rules, not everything that can be done with them"
)]
#[path = "src/domain/provider/mod.rs"]
mod provider;

#[allow(dead_code, unreachable_pub, reason = "as above")]
#[path = "src/domain/fields.rs"]
mod fields;

#[allow(dead_code, unreachable_pub, reason = "as above")]
#[path = "src/domain/gather.rs"]
mod gather;

#[allow(dead_code, unreachable_pub, reason = "as above")]
#[path = "src/domain/scopes.rs"]
mod scopes;

/// The rules name their own crate's modules; this is where they find them here.
mod domain {
    pub(crate) use crate::{fields, gather, scopes};
}

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["build.rs", "providers", "src/domain/provider"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    for watched in ["fields", "gather", "scopes"] {
        println!("cargo::rerun-if-changed=src/domain/{watched}.rs");
    }
    let families = families()?;
    let files = toml_files("providers")?;
    let mut entries = format!("static ENTRIES: [Entry; {}] = [\n", files.len());
    let mut texts = Vec::new();
    let mut mistakes = Vec::new();
    for file in files {
        let (id, mut value) = match checked(&file, &families) {
            Ok(entry) => entry,
            Err(mistake) => {
                mistakes.push(format!("{}: {mistake}", file.display()));
                continue;
            }
        };
        texts.push(for_people(&mut value));
        writeln!(entries, "    Entry::new({id:?}, {:?}),", value.to_string())?;
    }
    if !mistakes.is_empty() {
        return Err(mistakes.join("\n").into());
    }
    let directory = output()?;
    fs::write(directory.join("texts.zlib"), compressed(&Value::Array(texts).to_string())?)?;
    Ok(fs::write(directory.join("catalogue.rs"), format!("{entries}];\n"))?)
}

fn compressed(text: &str) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

/// The files of a folder, by name. A folder that is not there has none.
fn toml_files(folder: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if !Path::new(folder).is_dir() {
        return Ok(Vec::new());
    }
    let files: Result<Vec<PathBuf>, _> = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files = files?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

/// What families of products share, by their names.
fn families() -> Result<BTreeMap<String, Value>, Box<dyn Error>> {
    let mut families = BTreeMap::new();
    for file in toml_files("providers/families")? {
        let named = |mistake: String| format!("{}: {mistake}", file.display());
        let family: Value =
            toml::from_str(&fs::read_to_string(&file)?).map_err(|mistake| named(mistake.to_string()))?;
        if family.get("id").is_some() || family.get("extends").is_some() {
            return Err(named("a family has neither an id nor a family of its own".to_owned()).into());
        }
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        families.insert(name.to_owned(), family);
    }
    Ok(families)
}

/// The provider's id and its data, when the file keeps the rules.
fn checked(file: &Path, families: &BTreeMap<String, Value>) -> Result<(String, Value), Box<dyn Error>> {
    let mut value: Value = toml::from_str(&fs::read_to_string(file)?)?;
    if let Some(family) = value.as_object_mut().and_then(|fields| fields.remove("extends")) {
        let family = family.as_str().and_then(|name| families.get(name)).ok_or("/extends names no family")?;
        value = provider::merged(family.clone(), value);
    }
    let provider = provider::Provider::from_value(&value).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(|error| format!("{} {}", error.pointer, error.detail)).collect();
        errors.join("; ")
    })?;
    if file.file_stem().is_none_or(|stem| stem != provider.id.as_str()) {
        return Err("the file is not named by the id in it".into());
    }
    if let Some((pointer, _)) = provider.endpoints().find(|(_, url)| !url.starts_with("https://")) {
        return Err(format!("{pointer} must be https").into());
    }
    if let Some(pointer) = provider.certainty.iter().find_map(|certainty| certainty.astray(&value).next()) {
        return Err(format!("/certainty names {pointer}, which is not there").into());
    }
    Ok((provider.id.as_str().to_owned(), value))
}

/// Takes out of the data what only people read. Functions that show nobody the catalogue do not carry it.
fn for_people(value: &mut Value) -> Value {
    const TOP: [&str; 8] =
        ["also_known_as", "categories", "certainty", "deprecated", "docs_url", "old_urls", "setup", "suggested_scopes"];
    const REFRESH: [&str; 1] = ["dies_when"];
    const VAR: [&str; 3] = ["description", "example", "label"];
    let mut told = taken(value, &TOP);
    if let Some(refresh) = value.get_mut("refresh") {
        put(&mut told, "refresh", taken(refresh, &REFRESH));
    }
    let mut vars = Map::new();
    for (name, var) in value.get_mut("vars").and_then(Value::as_object_mut).into_iter().flatten() {
        let texts = taken(var, &VAR);
        if !texts.is_empty() {
            vars.insert(name.clone(), Value::Object(texts));
        }
    }
    put(&mut told, "vars", vars);
    Value::Object(told)
}

fn taken(table: &mut Value, names: &[&str]) -> Map<String, Value> {
    let Some(fields) = table.as_object_mut() else { return Map::new() };
    names.iter().filter_map(|name| Some(((*name).to_owned(), fields.remove(*name)?))).collect()
}

fn put(told: &mut Map<String, Value>, name: &str, table: Map<String, Value>) {
    if !table.is_empty() {
        told.insert(name.to_owned(), Value::Object(table));
    }
}

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by its environment where to write")]
fn output() -> Result<PathBuf, Box<dyn Error>> {
    Ok(std::env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR")?.into())
}
