//! No provider is known to the code: what is peculiar to one is in its file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::entries;

/// Ids that are words of every day, and mean nothing peculiar where they stand in code.
const WORDS: [&str; 6] = ["box", "front", "linear", "square", "wave", "x"];

#[test]
fn no_code_of_the_product_names_a_provider() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    collect(&root.join("shared/src"), &mut files);
    for function in fs::read_dir(root.join("functions")).unwrap() {
        collect(&function.unwrap().path().join("src"), &mut files);
    }
    assert!(files.len() > 100);
    let entries = entries::all();
    let names: Vec<String> =
        entries.iter().filter(|one| !WORDS.contains(&one.id.as_str())).map(|one| format!("\"{}\"", one.id)).collect();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Tests of a file stand at its end, and may take a provider for an example.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let hits = names.iter().filter(|name| code.contains(name.as_str()));
        found.extend(hits.map(|name| format!("{}: {name}", file.strip_prefix(&root).unwrap().display())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for item in fs::read_dir(folder).into_iter().flatten() {
        let path = item.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            into.push(path);
        }
    }
}
