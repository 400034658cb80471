//! Which room may use which: read from the sources, so that an arrow the wrong way fails here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A room, and the rooms it may name. Those that are not listed here compose the others and may use all.
const ROOMS: [(&str, &[&str]); 12] = [
    ("domain", &[]),
    ("clock", &[]),
    ("random", &[]),
    ("queue", &[]),
    ("bus", &[]),
    ("metrics", &[]),
    ("network", &[]),
    ("store", &["domain"]),
    ("vault", &["domain", "store", "clock", "random"]),
    ("oauth", &["domain", "random"]),
    ("auth", &["domain", "store", "oauth", "clock"]),
    ("journeys", &["domain", "store", "vault", "oauth", "auth", "queue", "bus", "metrics", "clock", "random"]),
];

#[test]
fn every_arrow_points_downwards() {
    let mut wrong = Vec::new();
    for (room, allowed) in ROOMS {
        for file in sources(room) {
            for used in rooms_named_in(&file) {
                if used != room && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} uses `{used}`", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_arrows_finds_some() {
    let used: BTreeSet<String> = sources("journeys").iter().flat_map(|file| rooms_named_in(file)).collect();
    for room in ["domain", "store", "vault", "oauth", "auth", "queue"] {
        assert!(used.contains(room), "{room} is not among {used:?}");
    }
}

/// The files of a room: `src/room.rs`, or all below `src/room/`.
fn sources(room: &str) -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![source.join(room)];
    files.extend(Some(source.join(format!("{room}.rs"))).filter(|file| file.exists()));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "the room `{room}` has no files");
    files
}

/// Every `crate::room` in a file, those in braces included; comments do not count.
fn rooms_named_in(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => rooms.extend(first_name(rest)),
            Some(braced) => rooms.extend(top_level(braced).iter().filter_map(|part| first_name(part))),
        }
    }
    rooms
}

/// The parts between the commas of the outermost braces.
fn top_level(braced: &str) -> Vec<String> {
    let (mut depth, mut parts) = (0_i32, vec![String::new()]);
    for character in braced.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

fn first_name(path: &str) -> Option<String> {
    let path = path.trim_start_matches([',', ' ', '\n']);
    let name: String = path.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let is_room = !name.is_empty() && name.chars().next().is_some_and(|first| first.is_ascii_lowercase());
    is_room.then_some(name)
}
