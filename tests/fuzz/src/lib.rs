//! Whatever comes from outside, in every shape. Each target takes any bytes, reads them as the product would, and checks
//! what came of it against rules that are written down here once more. It breaks down when one of them is broken.
//!
//! The bytes are a text whose first line says what the rest is, so that a seed can be read and written by hand.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "test support: what fails here is what was looked for"
)]

pub mod answers;
pub mod callback;
pub mod calls;
pub mod egress;
pub mod items;
pub mod messages;
pub mod mutation;
mod text;
pub mod user_tokens;
mod world;

use std::{fs, path::Path};

/// Something that takes bytes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of the folder with its seeds.
    pub name: &'static str,
    /// Takes an input. Panics if the product did, or if a rule is broken.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 7] = [
    Target { name: "answers", run: answers::run },
    Target { name: "callback", run: callback::run },
    Target { name: "calls", run: calls::run },
    Target { name: "egress", run: egress::run },
    Target { name: "items", run: items::run },
    Target { name: "messages", run: messages::run },
    Target { name: "user_tokens", run: user_tokens::run },
];

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        TARGETS.into_iter().find(|target| target.name == name).expect("a target")
    }

    /// Its seeds, by their files' names.
    #[must_use]
    pub fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name);
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut seeds: Vec<_> = files
            .map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap()))
            .collect();
        seeds.sort();
        seeds
    }
}
