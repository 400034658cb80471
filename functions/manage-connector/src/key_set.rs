//! The keys of an issuer that an admin registers themselves (RFC 7517): taken, and shown as they were taken, so that whoever
//! changes something else of an identity can send them again.

use connectors::domain::app::Identity;
use serde_json::Value;

/// What only who signs has (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const SECRET_PARTS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Takes a set of public keys.
pub(crate) fn read(value: &Value) -> Result<String, String> {
    let keys = value.get("keys").and_then(Value::as_array).filter(|_| value.is_object());
    let keys = keys.ok_or("must be a JWK Set: an object with `keys`")?;
    match keys.iter().position(|key| SECRET_PARTS.iter().any(|part| key.get(part).is_some())) {
        Some(at) => {
            Err(format!("has a secret in key {at}: register the public half of a key pair and nothing else of it"))
        }
        None => Ok(value.to_string()),
    }
}

/// The keys that were registered; none if they are fetched from an address.
pub(crate) fn registered(identity: &Identity) -> Option<Value> {
    let is_registered = identity.jwks_uri.is_empty();
    is_registered.then(|| serde_json::from_str(&identity.jwks_snapshot).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_of_public_keys_is_taken_and_nothing_else() {
        for (set, is_taken) in [
            (json!({"keys": []}), true),
            (json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}), true),
            (json!({"keys": [{"kty": "EC", "x": "x", "y": "y"}, {"kty": "EC", "x": "x", "y": "y", "d": "d"}]}), false),
            (json!({"keys": [{"kty": "oct", "k": "k"}]}), false),
            (json!({"keys": {}}), false),
            (json!({}), false),
            (json!([]), false),
            (json!("{\"keys\":[]}"), false),
        ] {
            assert_eq!(read(&set).is_ok(), is_taken, "{set}");
        }
    }
}
