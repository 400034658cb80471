//! Compiles `texts/` in: what a refusal says, a file for each language. What lacks a text, or has one too many, fails the
//! build.

use std::{collections::BTreeMap, error::Error, fmt::Write as _, fs, path::PathBuf};

const FOLDER: &str = "texts";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut files =
        fs::read_dir(FOLDER)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>, Box<dyn Error>>>()?;
    files.sort();
    let mut table = format!("static ALL: [Texts; {}] = [\n", files.len());
    for path in files {
        let language = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a language has no name")?;
        let texts: BTreeMap<String, String> = serde_json::from_str(&fs::read_to_string(&path)?)?;
        if texts.values().any(|text| text.contains(['<', '&'])) {
            return Err(format!("{language}: a text is text, not HTML").into());
        }
        writeln!(table, "    Texts {{")?;
        writeln!(table, "        language: {language:?},")?;
        for (name, text) in texts {
            writeln!(table, "        {name}: {text:?},")?;
        }
        writeln!(table, "    }},")?;
    }
    table.push_str("];\n");
    Ok(fs::write(output()?.join("texts.rs"), table)?)
}

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by its environment where to write")]
fn output() -> Result<PathBuf, Box<dyn Error>> {
    Ok(PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR")?))
}
