//! Compiles the files of `web/` in: each under a name that holds a digest of its content, compressed ahead, with every
//! reference to another file replaced by that file's name. A reference that leads nowhere fails the build.

#[path = "build/texts.rs"]
mod texts;

use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The folder of the files, beside this one.
const FOLDER: &str = "web";

/// The code of all functions, and of what they share, which the API is described by.
const FUNCTIONS: &str = "..";
const SHARED: &str = "../../shared/src";

/// The form of a provider, which answers are described by too.
const PROVIDER: &str = "../../shared/providers/schema.json";

/// The page that shows the description.
const REFERENCE: &str = "reference/index.html";

/// How many hexadecimal digits of a digest are in a name: two contents of one file never meet in so many.
const DIGITS: usize = 12;

/// How a file is named to browsers, by the end of its name. Other files are not for them: texts are for the code, and types
/// for developers.
const KINDS: [(&str, &str); 4] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
];

/// A file, ready to be served.
struct Built {
    name: String,
    content_type: &'static str,
    content: Vec<u8>,
}

/// All files, and those that are ready.
struct Build {
    sources: BTreeMap<String, PathBuf>,
    built: BTreeMap<String, Built>,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={FOLDER}");
    for code in [FUNCTIONS, SHARED, PROVIDER] {
        println!("cargo::rerun-if-changed={code}");
    }
    let mut sources = BTreeMap::new();
    find(Path::new(FOLDER), &mut sources)?;
    let mut build = Build { sources, built: BTreeMap::new() };
    for source in build.sources.keys().cloned().collect::<Vec<_>>() {
        build.take(&source, &mut Vec::new())?;
    }
    describe(&mut build)?;
    write(&build.built, &output()?)
}

/// The API: as a file for programs, and in the place of its mark on the page for people.
fn describe(build: &mut Build) -> Result<(), Box<dyn Error>> {
    let described = openapi::describe(Path::new(FUNCTIONS), Path::new(SHARED))?;
    for open in described.open {
        println!("cargo::warning=not described: {open}");
    }
    let page = build.built.get_mut(REFERENCE).ok_or("there is no page for the description")?;
    let text = String::from_utf8(std::mem::take(&mut page.content))?;
    page.content = text.replace("{operations}", &openapi::reference(&described.document)).into_bytes();
    let content = serde_json::to_vec(&described.document)?;
    let name = format!("openapi-{}.json", digest(&content));
    build.built.insert("openapi.json".to_owned(), Built { name, content_type: "application/json", content });
    Ok(())
}

fn find(folder: &Path, sources: &mut BTreeMap<String, PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, sources)?;
        } else if kind(&path).is_some() && !path.to_string_lossy().ends_with(".test.js") {
            let source = path.strip_prefix(FOLDER)?.to_str().ok_or("a name that is no text")?.to_owned();
            sources.insert(source, path);
        }
    }
    Ok(())
}

fn kind(path: &Path) -> Option<&'static str> {
    let end = path.extension()?.to_str()?;
    KINDS.iter().find(|(known, _)| *known == end).map(|(_, content_type)| *content_type)
}

impl Build {
    /// Makes a file ready, after the files that it names; answers its name.
    fn take(&mut self, source: &str, within: &mut Vec<String>) -> Result<String, Box<dyn Error>> {
        if let Some(built) = self.built.get(source) {
            return Ok(built.name.clone());
        }
        if within.iter().any(|outer| outer == source) {
            return Err(format!("{source} names itself, by way of {}", within.join(", ")).into());
        }
        let path = self.sources.get(source).cloned().ok_or_else(|| format!("there is no {source}"))?;
        within.push(source.to_owned());
        let content = self
            .resolved(source, &texts::filled(Path::new(FOLDER), &fs::read_to_string(&path)?)?, within)?
            .into_bytes();
        within.pop();
        let (stem, end) = source.rsplit_once('.').ok_or("a name without an end")?;
        let name = format!("{}-{}.{end}", stem.replace('/', "-"), digest(&content));
        let content_type = kind(&path).ok_or("a file of an unknown kind")?;
        self.built.insert(source.to_owned(), Built { name: name.clone(), content_type, content });
        Ok(name)
    }

    /// The text with every quoted reference (`"./…"`, `'../…'`) to a file in its place.
    fn resolved(&mut self, source: &str, text: &str, within: &mut Vec<String>) -> Result<String, Box<dyn Error>> {
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("./") {
            let (before, after) = rest.split_at(at);
            let (before, reference) = match before.strip_suffix('.') {
                Some(before) if before.ends_with(['"', '\'']) => (before, &rest[at - 1..]),
                _ => (before, after),
            };
            resolved.push_str(before);
            let quote = before.chars().next_back().filter(|last| ['"', '\''].contains(last));
            match quote.and_then(|quote| reference.split_once(quote)) {
                Some((reference, behind)) if is_reference(reference) => {
                    let target = joined(source, reference).ok_or_else(|| format!("{source}: {reference}"))?;
                    let name = self.take(&target, within).map_err(|mistake| format!("{source}: {mistake}"))?;
                    resolved.push_str("/assets/");
                    resolved.push_str(&name);
                    rest = &rest[rest.len() - behind.len() - 1..];
                }
                _ => {
                    let end = rest.len() - after.len() + 2;
                    resolved.push_str(&rest[before.len()..end]);
                    rest = &rest[end..];
                }
            }
        }
        resolved.push_str(rest);
        Ok(resolved)
    }
}

fn is_reference(text: &str) -> bool {
    text.len() < 100
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./_-".contains(&byte))
        && kind(Path::new(text)).is_some()
}

/// Where a reference within a file leads; `None` if out of the folder.
fn joined(source: &str, reference: &str) -> Option<String> {
    let mut segments: Vec<&str> = source.split('/').collect();
    segments.pop();
    for segment in reference.split('/') {
        match segment {
            "." => {}
            ".." => {
                segments.pop()?;
            }
            segment => segments.push(segment),
        }
    }
    Some(segments.join("/"))
}

fn digest(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    let mut digits = digest.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    digits.truncate(DIGITS);
    digits
}

/// Writes what is ready, plain and compressed, and the table of it.
fn write(files: &BTreeMap<String, Built>, output: &Path) -> Result<(), Box<dyn Error>> {
    let mut table = format!("static ASSETS: [Asset; {}] = [\n", files.len());
    for (source, Built { name, content_type, content }) in files {
        let (plain, compressed) = (output.join(name), output.join(format!("{name}.gz")));
        fs::write(&plain, content)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content)?;
        fs::write(&compressed, encoder.finish()?)?;
        let (plain, compressed) = (literal(&plain)?, literal(&compressed)?);
        writeln!(
            table,
            "    Asset {{ source: {source:?}, name: {name:?}, content_type: {content_type:?}, \
             plain: include_bytes!({plain}), gzip: include_bytes!({compressed}) }},"
        )?;
    }
    table.push_str("];\n");
    Ok(fs::write(output.join("assets.rs"), table)?)
}

/// A path, as a text of the language.
fn literal(path: &Path) -> Result<String, Box<dyn Error>> {
    Ok(format!("{:?}", path.to_str().ok_or("a path that is no text")?))
}

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by its environment where to write")]
fn output() -> Result<PathBuf, Box<dyn Error>> {
    Ok(PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR")?))
}
