//! `.github/SECURITY.md` names for every attack the test that tries it: they are there.

use std::{collections::BTreeSet, fs, path::Path};

/// The names of all tests under a folder: what follows `#[tokio::test]` or `#[test]`.
fn collect(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let after_mark = text.split("test]").skip(1).filter_map(|after| after.split_once("fn ")?.1.split_once('('));
            tests.extend(after_mark.map(|(name, _)| name.to_owned()));
        }
    }
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut tests = BTreeSet::new();
    for folder in ["tests", "shared", "functions"] {
        collect(&root.join(folder), &mut tests);
    }
    let page = fs::read_to_string(root.join(".github/SECURITY.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert!(rows.len() > 20, "the page has its table");
    for row in rows {
        let last = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test is named: {row}");
        for name in named {
            assert!(tests.contains(name), "there is no test `{name}`");
        }
    }
}
