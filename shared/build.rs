//! Checks the provider catalogue and compiles it in: a mistake in a catalogue file fails the build, with its place.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

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
#[path = "src/domain/scopes.rs"]
mod scopes;

/// The rules name their own crate's modules; this is where they find them here.
mod domain {
    pub(crate) use crate::{fields, scopes};
}

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["build.rs", "providers", "src/domain/provider", "src/domain/fields.rs", "src/domain/scopes.rs"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let files = catalogue_files()?;
    let mut entries = format!("static ENTRIES: [Entry; {}] = [\n", files.len());
    for file in files {
        let (id, json) = checked(&file).map_err(|mistake| format!("{}: {mistake}", file.display()))?;
        writeln!(entries, "    Entry::new({id:?}, {json:?}),")?;
    }
    entries.push_str("];\n");
    Ok(fs::write(output()?, entries)?)
}

fn catalogue_files() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let files: Result<Vec<PathBuf>, _> =
        fs::read_dir("providers")?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files = files?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

/// The provider's id and its data as JSON, when the file keeps the rules.
fn checked(file: &Path) -> Result<(String, String), Box<dyn Error>> {
    let value: serde_json::Value = toml::from_str(&fs::read_to_string(file)?)?;
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
    Ok((provider.id.as_str().to_owned(), value.to_string()))
}

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by its environment where to write")]
fn output() -> Result<PathBuf, Box<dyn Error>> {
    let directory = std::env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR")?;
    Ok(PathBuf::from(directory).join("catalogue.rs"))
}
