//! Prints the description, for whoever wants it without a running process: `cargo run -p openapi --example openapi`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "that is what it is for")]

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let described = openapi::describe(&functions, &functions.join("../shared/src"))?;
    println!("{}", serde_json::to_string_pretty(&described.document)?);
    for open in described.open {
        eprintln!("not known: {open}");
    }
    Ok(())
}
