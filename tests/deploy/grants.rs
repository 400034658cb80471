//! Prints the permission table as JSON, for whoever tries it out against roles that were deployed.

use std::io::{Write, stdout};

use connectors_tests::grants::GRANTS;
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let rows = GRANTS.iter().map(|grant| {
        json!({ "function": grant.function, "target": format!("{:?}", grant.target), "actions": grant.actions })
    });
    writeln!(stdout(), "{}", Value::Array(rows.collect()))
}
