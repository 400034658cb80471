//! The events under `events/`, as a test needs them: their example ids and keys replaced by those of a running product.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::Value;

/// What stands in the events for something that each deployment has its own of.
pub mod example {
    /// The workspace.
    pub const WORKSPACE: &str = "ws_01KAMXJ5E0W0RKSPACE0000000";
    /// The app.
    pub const APP: &str = "app_01KAMXJ5E0APP0000000000000";
    /// The connector.
    pub const CONNECTOR: &str = "con_01KAMXJ5E0C0NNECT0R0000000";
    /// The session, which is that of the callback's state.
    pub const SESSION: &str = "ses_jinPk28DhTuuCEuqau-FGmONMn4KEyF473OYw00dJ_g";
    /// The callback's state.
    pub const STATE: &str = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE";
    /// The administrator's key.
    pub const ADMIN_KEY: &str =
        "uck_admin_01KAMXJ5E0ADM1NKEY000000000000000000000000000000000000000000000000000000000000000000000000fe705d62";
    /// The key of the app's backend.
    pub const SERVICE_KEY: &str =
        "uck_app_01KAMXJ5E0SERV1CEKEY00000000000000000000000000000000000000000000000000000000000000000000008ddd8fdb";
    /// The user's signed-in token.
    pub const USER_TOKEN: &str = concat!(
        "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImV4YW1wbGUifQ.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wb",
        "GUuY29tIiwiYXVkIjoiYXBwXzAxS0FNWEo1RTBBUFAwMDAwMDAwMDAwMDAwIiwic3ViIjoiYXV0aDB8YWxpY2UiLCJpYXQiO",
        "jE3OTUzNDUyMDAsImV4cCI6MTc5NTM0ODgwMH0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    /// Who vouches for the user.
    pub const ISSUER: &str = "https://login.example.com";
    /// The user's name there.
    pub const SUBJECT: &str = "auth0|alice";
    /// What stands for both in a key of the table.
    pub const USER_DIGEST: &str = "c9d1b1f2a71749f5f2bff22a45b29d0c0f7f348e69384fca1f6ffb7ccc3241ba";
    /// Where the user is sent back to.
    pub const RETURN_URL: &str = "https://app.example.com/settings";
    /// The app's own origin.
    pub const ORIGIN: &str = "https://app.example.com";
}

/// Reads an event, `get-token.of-user` for instance, and replaces each example text by what the test has instead.
#[must_use]
pub fn event(name: &str, replacements: &BTreeMap<&str, String>) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    replace(&mut event, replacements);
    event
}

/// The event with another body.
#[must_use]
pub fn with_body(mut event: Value, body: &Value) -> Value {
    event["body"] = body.to_string().into();
    event
}

/// The event with another query.
#[must_use]
pub fn with_query(mut event: Value, query: &str) -> Value {
    event["rawQueryString"] = query.into();
    event
}

/// In a message's body the ids stand inside a text that is JSON itself: replacing texts within texts covers that.
fn replace(value: &mut Value, replacements: &BTreeMap<&str, String>) {
    match value {
        Value::String(text) => {
            // Backwards: of two examples that begin alike the longer one comes first.
            for (example, real) in replacements.iter().rev() {
                *text = text.replace(example, real);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, replacements)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, replacements)),
        _ => {}
    }
}
