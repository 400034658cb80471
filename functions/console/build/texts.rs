//! What scripts say, in every language: `'@texts:PART@'` in a script stands for that part of all files of `texts/`, by
//! language, and `keys` that name each by its place. A script with texts in it goes to browsers without its comments and indents, so that it stays small.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use serde_json::Value;

const FOLDER: &str = "texts";
const BEGIN: &str = "'@texts:";
const END: &str = "@'";

/// The script with its texts. Every language has the same ones: what lacks one fails the build.
pub(super) fn filled(web: &Path, script: &str) -> Result<String, Box<dyn Error>> {
    let Some((before, rest)) = script.split_once(BEGIN) else { return Ok(script.to_owned()) };
    let (part, after) = rest.split_once(END).ok_or("a place for texts has no end")?;
    let texts = serde_json::to_string(&lists(of_part(&web.join(FOLDER), part)?))?;
    Ok(compact(&format!("{before}{texts}{after}")))
}

fn of_part(folder: &Path, part: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>, Box<dyn Error>> {
    let mut languages = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let language = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a language has no name")?.to_owned();
        let texts: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let texts: BTreeMap<String, String> = serde_json::from_value(texts[part].clone())?;
        languages.insert(language, texts);
    }
    let english = languages.get("en").ok_or("there is no English")?.keys().collect::<Vec<_>>();
    match languages.iter().find(|(_, texts)| texts.keys().collect::<Vec<_>>() != english) {
        Some((language, _)) => Err(format!("{language} has other texts of {part} than English").into()),
        None => Ok(languages),
    }
}

/// Each key once, instead of once a language.
fn lists(languages: BTreeMap<String, BTreeMap<String, String>>) -> BTreeMap<String, Vec<String>> {
    let keys = languages.values().next().map(|texts| texts.keys().cloned().collect()).unwrap_or_default();
    let texts = languages.into_iter().map(|(language, texts)| (language, texts.into_values().collect()));
    texts.chain([("keys".to_owned(), keys)]).collect()
}

/// Without comments at the end of lines or of their own, without indents, and without needless spaces and line ends. No text
/// of a script may begin a line, or have an operator with spaces around it.
fn compact(script: &str) -> String {
    let mut compacted = String::with_capacity(script.len());
    let (mut is_comment, mut is_style) = (false, false);
    for line in script.lines().map(|line| line.split(" // ").next().unwrap_or_default().trim()) {
        is_comment |= line.starts_with("/**");
        if !is_comment && !line.is_empty() && !line.starts_with("//") {
            compacted.push_str(&if is_style { tight(line) } else { close(line) });
            if !line.ends_with(['{', '}', '(', ',', ';']) {
                compacted.push('\n');
            }
            is_style = line.ends_with("STYLE = `") || (is_style && !line.ends_with("`;"));
        }
        is_comment &= !line.ends_with("*/");
    }
    compacted
}

/// A line of a style, without spaces around what separates.
fn tight(line: &str) -> String {
    let mut tightened = line.to_owned();
    for mark in ["{", "}", ":", ";", ","] {
        tightened = tightened.replace(&format!(" {mark}"), mark).replace(&format!("{mark} "), mark);
    }
    tightened
}

/// A line of code, without spaces around operators.
fn close(line: &str) -> String {
    let operators = [" => ", " === ", " !== ", " && ", " || ", " ?? ", " = "];
    operators.iter().fold(line.to_owned(), |line, operator| line.replace(operator, operator.trim()))
}
