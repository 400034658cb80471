//! A provider that nobody has, with more quirks than any: one file of data, and no line of code.

use connectors::domain::provider::Provider;
use serde_json::Value;

use crate::{
    entries::Entry,
    life::{self, Passed},
    player::Player,
    world::World,
};

/// Renamed parameters, a host of the user's own, a signed callback with a mangled code, an error in a 200, a token in a
/// nest, a swap of tokens, an account to be found, an end told as a date, an identity by POST, an odd revocation.
const ODDITY: &str = r##"
id = "oddity"
name = "Oddity"
setup = "There is nothing to set up."

[names]
client_id = "app_key"
client_secret = "app_secret"

[vars.shop]
from = "input"
label = "Shop"
pattern = "[a-z0-9-]{1,40}"
strip_suffix = ".oddity.example"
example = "blue-door"
[vars.region]
from = "app"
choices = ["eu", "us"]
default = "us"
example = "eu"
[vars.api_host]
from = "map"
key = "region"
map = { eu = "api-eu.oddity.example", us = "api.oddity.example" }
[vars.realm]
from = "callback:realmId"
pattern = "[0-9]{1,20}"
example = "4620816365"
[vars.tenant]
from = "discover:tenant"
pattern = "[a-z0-9-]{1,40}"
example = "tenant-7"

[authorize]
url = "https://{shop}.oddity.example/oauth?flavour=plain"
fragment = "odd_redirect"
params = { owner = "{region}" }
omit = ["response_type"]
pkce = "required"
pkce_challenge = "s256_hex"
login_hint = "who"
[authorize.scope]
param = "permissions"
separator = ";"
always = ["base"]
default = ["read", "write"]

[callback]
code_param = "auth_code"
code_decode = "percent"
code_strip_suffix = "#_"
scope_param = "granted"
must_equal = { shop = "{shop}.oddity.example" }
verify = { kind = "hmac_sha256", encoding = "hex", param = "hmac", without = ["hmac"] }

[token]
url = "https://{shop}.oddity.example/token"
client_auth = "post"
body = "json"
params = { audience = "https://{api_host}" }
query = { request = "token" }
headers = { X-Odd = "yes" }
omit = ["redirect_uri"]
derive = { proof = { fn = "sha256_hex", over = "{code}|{client_secret}" } }
[token.response]
success = { path = "ok", equals = true }
error = { code = ["problem.code"], invalid_grant = ["GRANT_IS_OVER"] }
fields = { access_token = ["data.token.value", "value"], refresh_token = ["data.renewal", "renewal"] }
scope_separator = ";"
keep = { team_name = "team.0.name" }
expiry = { at = { path = "data.ends", format = "epoch_ms" } }

[[exchange]]
url = "https://{api_host}/swap"
method = "GET"
body = "query"
params = { grant_type = "swap", short = "{access_token}", secret = "{client_secret}" }
[exchange.response]
fields = { access_token = "long" }
expiry = { at = { path = "ends", format = "iso" } }

[[discover]]
url = "https://{api_host}/tenants"
list = "items"
choose = "first"
match = { "kind" = "odd" }
into = { tenant = "id", tenant_title = "title" }

[refresh]
url = "https://{shop}.oddity.example/renew"
method = "POST"
body = "form"
client_auth = "basic"
names = { refresh_token = "renewal" }
params = { audience = "https://{tenant}.oddity.example" }
query = { request = "renewal" }
rotation = "always"
send_scope = true

[revoke]
url = "https://{tenant}.oddity.example/grants/{client_id}"
method = "DELETE"
auth = "bearer"
send_token = false
token = "access_token"
success = { path = "ended", equals = "yes" }

[identity]
url = "https://{tenant}.oddity.example/realms/{realm}/graphql"
method = "POST"
body = { query = "{ me { id } }", variables = { realm = "{realm}" } }
id = ["data.realm", "data.me.id"]
email = ["data.me.mail"]
label = ["data.me.title"]
avatar = ["data.me.picture"]

[api]
base_url = "https://{tenant}.oddity.example/v1"
token_in = { header = "X-Odd-Token", scheme = "" }
"##;

/// The token renews itself, everything goes by GET and comes as a form, and an end of zero is none.
const PLAIN: &str = r#"
id = "plainity"
name = "Plainity"

[authorize]
url = "https://plainity.example/dialog"
pkce = "forbidden"
names = { redirect_uri = "redirect_url" }
[authorize.scope]
separator = ","
encode = "raw"

[token]
url = "https://plainity.example/token"
method = "GET"
body = "query"
client_auth = "basic_secret_only"
params = { grant_type = "code" }
[token.response]
scope_separator = ","
expiry = { zero_means = "never" }

[refresh]
grant = "access_token"
url = "https://plainity.example/extend"
method = "GET"
body = "query"
client_auth = "none"
names = { refresh_token = "access_token" }
params = { grant_type = "extend" }
min_age_seconds = 86400
extends = true
ttl_seconds = 5184000

[revoke]
url = "https://plainity.example/permissions/{access_token}"
method = "DELETE"
auth = "none"
token = "access_token"
send_token = false

[identity]
from = "token_answer"
id = ["account.id"]
label = ["account.title"]
email = []
avatar = []
"#;

fn entry(text: &str, as_form: bool) -> Entry {
    let data: Value = toml::from_str(text).unwrap();
    if let Err(errors) = Provider::from_value(&data) {
        panic!("{errors:?}");
    }
    Entry { id: data["id"].as_str().unwrap().to_owned(), data, as_form }
}

async fn lived(entry: Entry) -> Passed {
    let world = World::new().await;
    let player = Player::start(&world.clock).await;
    life::live(&world, &player, &entry).await.unwrap_or_else(|why| panic!("{why}"))
}

#[tokio::test]
async fn a_provider_with_every_quirk_that_can_be_said_lives_by_one_file_of_data() {
    assert_eq!(lived(entry(ODDITY, false)).await, Passed { refresh: true, revoke: true, identity: true });
}

#[tokio::test]
async fn a_token_that_renews_itself_and_comes_as_a_form_lives_by_one_file_of_data() {
    assert_eq!(lived(entry(PLAIN, true)).await, Passed { refresh: true, revoke: true, identity: true });
}

/// What the double is worth: whoever says something else of the provider than it is comes to grief with it.
#[tokio::test]
async fn nobody_lives_by_data_that_is_wrong_in_one_place() {
    let world = World::new().await;
    let player = Player::start(&world.clock).await;
    for (number, (pointer, wrong)) in WRONG.into_iter().enumerate() {
        let mut oddity = entry(ODDITY, false);
        oddity.id = format!("oddity-{number}");
        let mut said = oddity.data.clone();
        *said.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not there")) =
            serde_json::from_str(wrong).unwrap();
        let outcome = life::live_as(&world, &player, &oddity, &said).await;
        assert!(outcome.is_err(), "{pointer} may as well be {wrong}");
    }
}

/// Places of the oddity's data, and something else to say there.
const WRONG: [(&str, &str); 61] = [
    ("/names/client_id", r#""client_id""#),
    ("/names/client_secret", r#""client_secret""#),
    ("/vars/shop/strip_suffix", r#"".example""#),
    ("/vars/api_host/map/eu", r#""api.oddity.example""#),
    ("/vars/realm/from", r#""callback:realm""#),
    ("/vars/tenant/from", r#""discover:tenant_title""#),
    ("/authorize/url", r#""https://{shop}.oddity.example/oauth""#),
    ("/authorize/fragment", r#""odd""#),
    ("/authorize/params/owner", r#""user""#),
    ("/authorize/omit", r#"[]"#),
    ("/authorize/pkce", r#""forbidden""#),
    ("/authorize/pkce_challenge", r#""s256""#),
    ("/authorize/login_hint", r#""login_hint""#),
    ("/authorize/scope/param", r#""scope""#),
    ("/authorize/scope/separator", r#"" ""#),
    ("/authorize/scope/always", r#"[]"#),
    ("/callback/code_param", r#""code""#),
    ("/callback/code_strip_suffix", r##""#_=_""##),
    ("/callback/scope_param", r#""scope""#),
    ("/callback/must_equal/shop", r#""{shop}.example""#),
    ("/callback/verify/param", r#""signature""#),
    ("/callback/verify/encoding", r#""base64""#),
    ("/token/url", r#""https://{shop}.oddity.example/tokens""#),
    ("/token/client_auth", r#""basic""#),
    ("/token/body", r#""form""#),
    ("/token/params/audience", r#""https://api""#),
    ("/token/query/request", r#""code""#),
    ("/token/headers/X-Odd", r#""no""#),
    ("/token/omit", r#"[]"#),
    ("/token/derive/proof/over", r#""{code}""#),
    ("/token/derive/proof/fn", r#""hmac_sha256_hex""#),
    ("/token/response/success/equals", r#"false"#),
    ("/token/response/fields/access_token", r#"["value"]"#),
    ("/token/response/fields/refresh_token", r#"["renewal"]"#),
    ("/token/response/keep/team_name", r#""team.name""#),
    ("/token/response/error/invalid_grant", r#"["OVER"]"#),
    ("/token/response/expiry/at/format", r#""epoch_s""#),
    ("/exchange/0/method", r#""POST""#),
    ("/exchange/0/params/short", r#""{code}""#),
    ("/exchange/0/response/fields/access_token", r#""short""#),
    ("/discover/0/list", r#""entries""#),
    ("/discover/0/match/kind", r#""other""#),
    ("/discover/0/into/tenant", r#""title""#),
    ("/refresh/url", r#""https://{shop}.oddity.example/token""#),
    ("/refresh/client_auth", r#""post""#),
    ("/refresh/names/refresh_token", r#""refresh_token""#),
    ("/refresh/params/audience", r#""https://{shop}.oddity.example""#),
    ("/refresh/query/request", r#""token""#),
    ("/refresh/send_scope", r#"false"#),
    ("/refresh/body", r#""json""#),
    ("/revoke/url", r#""https://{tenant}.oddity.example/grants""#),
    ("/revoke/method", r#""POST""#),
    ("/revoke/auth", r#""basic""#),
    ("/revoke/send_token", r#"true"#),
    ("/revoke/token", r#""refresh_token""#),
    ("/revoke/success/equals", r#""no""#),
    ("/identity/method", r#""GET""#),
    ("/identity/body/variables/realm", r#""{tenant}""#),
    ("/identity/id", r#"["data.me.id"]"#),
    ("/identity/email", r#"["data.mail"]"#),
    ("/api/token_in/header", r#""X-Token""#),
];
