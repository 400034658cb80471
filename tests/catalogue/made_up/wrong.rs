//! Something else than what the made-up providers are, one place at a time.

use serde_json::{Value, json};

/// Places of the oddity's data, and what to say there instead.
pub(super) fn wrong_places() -> Vec<(&'static str, Value)> {
    vec![
        ("/names/client_id", json!("client_id")),
        ("/names/client_secret", json!("client_secret")),
        ("/vars/shop/strip_suffix", json!(".example")),
        ("/vars/api_host/map/eu", json!("api.oddity.example")),
        ("/vars/realm/from", json!("callback:realm")),
        ("/vars/tenant/from", json!("discover:tenant_title")),
        ("/authorize/url", json!("https://{shop}.oddity.example/oauth")),
        ("/authorize/fragment", json!("odd")),
        ("/authorize/params/owner", json!("user")),
        ("/authorize/omit", json!([])),
        ("/authorize/pkce", json!("forbidden")),
        ("/authorize/pkce_challenge", json!("s256")),
        ("/authorize/login_hint", json!("login_hint")),
        ("/authorize/scope/param", json!("scope")),
        ("/authorize/scope/separator", json!(" ")),
        ("/authorize/scope/always", json!([])),
        ("/callback/code_param", json!("code")),
        ("/callback/code_strip_suffix", json!("#_=_")),
        ("/callback/scope_param", json!("scope")),
        ("/callback/must_equal/shop", json!("{shop}.example")),
        ("/callback/verify/param", json!("signature")),
        ("/callback/verify/encoding", json!("base64")),
        ("/token/url", json!("https://{shop}.oddity.example/tokens")),
        ("/token/client_auth", json!("basic")),
        ("/token/body", json!("form")),
        ("/token/params/audience", json!("https://api")),
        ("/token/query/request", json!("code")),
        ("/token/headers/X-Odd", json!("no")),
        ("/token/omit", json!([])),
        ("/token/derive/proof/over", json!("{code}")),
        ("/token/derive/proof/fn", json!("hmac_sha256_hex")),
        ("/token/response/error/code", json!(["error"])),
        ("/token/response/fields/access_token", json!(["value"])),
        ("/token/response/fields/refresh_token", json!(["renewal"])),
        ("/token/response/keep/team_name", json!("team.name")),
        ("/token/response/error/invalid_grant", json!(["OVER"])),
        ("/token/response/expiry/at/format", json!("epoch_s")),
        ("/exchange/0/method", json!("POST")),
        ("/exchange/0/params/short", json!("{code}")),
        ("/exchange/0/response/fields/access_token", json!("short")),
        ("/discover/0/list", json!("entries")),
        ("/discover/0/match/kind", json!("other")),
        ("/discover/0/into/tenant", json!("title")),
        ("/refresh/url", json!("https://{shop}.oddity.example/token")),
        ("/refresh/client_auth", json!("post")),
        ("/refresh/names/refresh_token", json!("refresh_token")),
        ("/refresh/params/audience", json!("https://{shop}.oddity.example")),
        ("/refresh/query/request", json!("token")),
        ("/refresh/send_scope", json!(false)),
        ("/refresh/body", json!("json")),
        ("/revoke/url", json!("https://{tenant}.oddity.example/grants")),
        ("/revoke/method", json!("POST")),
        ("/revoke/auth", json!("basic")),
        ("/revoke/send_token", json!(true)),
        ("/revoke/token", json!("refresh_token")),
        ("/revoke/success/equals", json!("no")),
        ("/identity/method", json!("GET")),
        ("/identity/body/variables/realm", json!("{tenant}")),
        ("/identity/id", json!(["data.me.id"])),
        ("/identity/email", json!(["data.mail"])),
        ("/api/token_in/header", json!("X-Token")),
    ]
}

/// The same of the one whose client is presented in schemes of its own.
pub(super) fn wrong_formalities() -> Vec<(&'static str, Value)> {
    vec![
        ("/token/auth_header", json!("Application {client_secret}")),
        ("/refresh/auth_header", json!("Key {client_id}:{client_secret}")),
        ("/revoke/auth_header", json!("Key {client_id}:{client_secret}")),
    ]
}
