//! A provider that nobody has, with more quirks than any: one file of data, and no line of code.

use connectors::domain::provider::Provider;
use serde_json::{Value, json};

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

fn entry(text: &str, played: &Value) -> Entry {
    let mut data: Value = toml::from_str(text).unwrap();
    if let Err(errors) = Provider::from_value(&data) {
        panic!("{errors:?}");
    }
    data["played"] = played.clone();
    Entry { id: data["id"].as_str().unwrap().to_owned(), data }
}

async fn lived(entry: Entry) -> Passed {
    let world = World::new().await;
    let player = Player::start(&world.clock).await;
    life::live(&world, &player, &entry).await.unwrap_or_else(|why| panic!("{why}"))
}

#[tokio::test]
async fn a_provider_with_every_quirk_that_can_be_said_lives_by_one_file_of_data() {
    assert_eq!(lived(entry(ODDITY, &json!({}))).await, Passed { refresh: true, revoke: true, identity: true });
}

#[tokio::test]
async fn a_token_that_renews_itself_and_comes_as_a_form_lives_by_one_file_of_data() {
    let passed = lived(entry(PLAIN, &json!({"as_form": true}))).await;
    assert_eq!(passed, Passed { refresh: true, revoke: true, identity: true });
}
