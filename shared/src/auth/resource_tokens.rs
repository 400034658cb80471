//! Tokens for a part of the product that has an address of its own: access tokens that whoever has them may show (RFC 6750),
//! and nothing else that an issuer signs.

use serde_json::{Map, Value};

/// Claims that ID tokens and logout tokens have (OpenID Connect Core, sections 2 and 3.3.2.11; OpenID Connect Back-Channel
/// Logout, section 2.4). Some issuers have the first in access tokens too, and say then that they are such.
const OF_OTHER_TOKENS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// Whether these are the claims of an access token for `audience` that proves something by itself. Issuers that leave `typ` out
/// of the header say in the claims what a token is. One that is bound to a key (RFC 7800) proves nothing without that key,
/// which nobody shows here; and what was given to a client of the resource's own name is that client's ID token.
pub(super) fn is_bearer(claims: &Map<String, Value>, audience: &str) -> bool {
    let said = [("token_use", &["access"][..]), ("typ", &["bearer", "jwt", "at+jwt"])];
    let said = said.into_iter().filter_map(|(name, kinds)| Some((claims.get(name)?, kinds)));
    let said: Vec<bool> = said
        .map(|(kind, kinds)| kind.as_str().is_some_and(|kind| kinds.contains(&kind.to_ascii_lowercase().as_str())))
        .collect();
    let is_other = OF_OTHER_TOKENS.iter().any(|name| claims.contains_key(*name));
    let is_given_to_itself = claims.get("azp").is_some_and(|party| party == audience);
    let is_kind = if said.is_empty() { !is_other } else { said.iter().all(|is_kind| *is_kind) };
    is_kind && !is_given_to_itself && !claims.contains_key("cnf") && !claims.contains_key("events")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_access_token_or_bound_to_a_key_proves_nothing() {
        for (claims, expected) in [
            (json!({"scope": "openid", "azp": "assistant"}), true),
            (json!({"token_use": "access", "typ": "Bearer"}), true),
            (json!({"typ": "Bearer", "nonce": "n"}), true),
            (json!({"nonce": "n"}), false),
            (json!({"at_hash": "x"}), false),
            (json!({"token_use": "id"}), false),
            (json!({"token_use": "id", "typ": "Bearer"}), false),
            (json!({"typ": "ID"}), false),
            (json!({"typ": "Refresh"}), false),
            (json!({"typ": 1}), false),
            (json!({"events": {}}), false),
            (json!({"azp": "https://connect.example/mcp/w1"}), false),
            (json!({"cnf": {"jkt": "x"}}), false),
            (json!({"cnf": null}), false),
        ] {
            assert_eq!(is_bearer(claims.as_object().unwrap(), "https://connect.example/mcp/w1"), expected, "{claims}");
        }
    }
}
