//! The page beside the catalogue: what is in it, how far each entry was seen to work, and how sure its data is.

use std::fmt::Write;

use crate::{
    entries::{self, Entry},
    facts::Facts,
    life::Passed,
};

/// What stands above the table is written by people.
const BEGINNING: &str = "<!-- Everything below is written by a test: `CATALOGUE_TABLE=write cargo nextest run -p connectors-tests --test catalogue` -->\n";

/// Checks that the page says what was seen, or writes it.
pub(crate) fn check(entries: &[Entry], lived: &[(String, Result<Passed, String>)]) {
    let page = entries::folder().join("README.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (head, table) = text.split_once(BEGINNING).expect("the page says where the table begins");
    let expected = written(entries, lived);
    if is_to_be_written() {
        std::fs::write(&page, format!("{head}{BEGINNING}{expected}")).unwrap();
    } else {
        assert!(table == expected, "shared/providers/README.md is not what was seen: set CATALOGUE_TABLE=write");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own setting, not the product's")]
fn is_to_be_written() -> bool {
    std::env::var("CATALOGUE_TABLE").is_ok_and(|value| value == "write")
}

fn written(entries: &[Entry], lived: &[(String, Result<Passed, String>)]) -> String {
    let passed = lived.iter().filter(|(_, passed)| passed.is_ok()).count();
    let unavailable = entries.iter().filter(|entry| !entry.is_available()).count();
    let mut page = format!(
        "\n{} entries: {passed} of {} lived their whole life against a double that keeps to their data, {unavailable} can't be connected to today.\n\n",
        entries.len(),
        lived.len(),
    );
    page.push_str("| id | provider | whole life | certainty of its data |\n|---|---|---|---|\n");
    for entry in entries {
        let outcome = lived.iter().find(|(id, _)| *id == entry.id).map(|(_, outcome)| outcome);
        let name = entry.facts().text("/name").unwrap_or_default().replace('|', "\\|");
        let _ = writeln!(
            page,
            "| `{}` | {name} | {} | {} |",
            entry.id,
            life(entry.facts(), outcome),
            certainty(entry.facts())
        );
    }
    page
}

/// Whether it lived, and what the provider does not have.
fn life(entry: Facts<'_>, outcome: Option<&Result<Passed, String>>) -> String {
    let passed = match outcome {
        None => return "unavailable".into(),
        Some(Err(_)) => return "no".into(),
        Some(Ok(passed)) => passed,
    };
    let revocation = if entry.flag("/revoke/none") == Some(true) { "no revocation" } else { "revocation unknown" };
    let lacks = [(passed.refresh, "no refresh"), (passed.revoke, revocation), (passed.identity, "no identity")];
    let lacks: Vec<&str> = lacks.iter().filter(|(has, _)| !has).map(|(_, lack)| *lack).collect();
    if lacks.is_empty() { "yes".into() } else { format!("yes; {}", lacks.join(", ")) }
}

fn certainty(entry: Facts<'_>) -> String {
    let of = entry.table("/certainty");
    let plain = |word: &str| word.replace('_', " ");
    let mut told = plain(of.text("/default").unwrap_or("confirmed"));
    for kind in ["confirmed", "two_sources", "one_source", "unconfirmed"] {
        let count = of.texts(&format!("/{kind}")).len();
        if count > 0 {
            let _ = write!(told, "; {count} {}", plain(kind));
        }
    }
    told
}
