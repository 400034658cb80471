//! The functions' own programs, as they were built.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use ::local::environment::Environment;

/// A program of this workspace, beside this test's own.
///
/// Cargo builds it with the package it is of, not with this test; so it must be there already, and not be older than
/// what it is made of: a fault that is found in yesterday's program is no fault.
pub(crate) fn bootstrap(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join(name);
    let is_current = changed(&program).is_some_and(|built| {
        sources(&program).iter().all(|source| changed(source).is_some_and(|changed| changed <= built))
    });
    assert!(is_current, "{} is missing or old: run `cargo build --workspace --bins` first", program.display());
    program
}

/// The files that a program was made of, as Cargo wrote them down beside it.
fn sources(program: &Path) -> Vec<PathBuf> {
    let written = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let sources = written.split_once(": ").map_or("", |(_, sources)| sources);
    sources.split_ascii_whitespace().map(PathBuf::from).collect()
}

fn changed(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|file| file.modified()).ok()
}

/// An environment as pairs of name and value.
pub(crate) fn pairs(environment: &Environment) -> Vec<(String, String)> {
    let file = environment.to_file();
    let pairs = file.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
