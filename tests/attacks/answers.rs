//! What a provider may answer: too much, too deep, of the wrong kind, or no HTTP at all. Nobody is hurt but itself: no
//! answer of ours is a 500, no connection is lost, and the next one is served.

use serde_json::{Value, json};

use crate::{
    doubles::{Evil, Script, come_back},
    world::{Connector, World, journeys::parameter},
};

/// More than the buffers of both ends of a connection hold, and less than a second brings.
const MOST_POURED: usize = 32 << 20;

struct Against {
    world: World,
    evil: Evil,
    connector: Connector,
}

impl Against {
    async fn new() -> Self {
        let (world, evil) = (World::new().await, Evil::start().await);
        world.admin("POST", "/providers").json(&evil.registration("evil")).send().await.expect(201);
        let connector = world.connector_at(&world.workspace, "evil", "Evil", &["read"]).await;
        Self { world, evil, connector }
    }

    /// How a connection of this user ends, as the browser is told.
    async fn connect(&self, user: &str) -> String {
        let mut begun = self.world.begin(&self.connector, user).await;
        let landed = begun.browser.open(&self.world, &come_back(&begun.redirect_url, "code_1")).await;
        parameter(landed.location(), "status")
    }

    fn behave(&self) {
        self.evil.play("/token", Script::json(&good()));
        self.evil.play("/userinfo", Script::json(&json!({"sub": "7"})));
    }
}

fn good() -> Value {
    json!({"access_token": "at_good", "refresh_token": "rt_good", "token_type": "Bearer", "expires_in": 3600})
}

fn with(member: &str, value: Value) -> Value {
    let mut answer = good();
    answer[member] = value;
    answer
}

fn http(head: &str, body: &[u8]) -> Script {
    Script::Bytes([format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes(), body].concat())
}

/// Answers that hold no token that could be kept, each with a name.
fn hopeless() -> Vec<(&'static str, Script)> {
    let text = |body: String| Script::Answer(200, "application/json", body);
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).into_bytes();
    let chunked = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    vec![
        ("a body of ten megabytes", text(format!("{{\"access_token\":\"{}\"}}", "x".repeat(10 << 20)))),
        ("a body without end", Script::Endless(chunked.clone(), chunk)),
        ("a body of endless spaces", Script::Endless(b"HTTP/1.1 200 X\r\n\r\n".to_vec(), vec![b' '; 4_096])),
        ("headers without end", Script::Endless(b"HTTP/1.1 200 X\r\n".to_vec(), b"x-a: b\r\n".repeat(512))),
        ("one header of a megabyte", http(&format!("200 X\r\nx-a: {}", "b".repeat(1 << 20)), b"{}")),
        ("a body that promises a terabyte", http("200 X\r\ncontent-length: 1099511627776", b"{}")),
        ("two lengths", http("200 X\r\ncontent-length: 2\r\ncontent-length: 3", b"{}x")),
        ("a chunk of a negative length", Script::Bytes([chunked.as_slice(), b"-1\r\n{}\r\n0\r\n\r\n"].concat())),
        ("lists ten thousand deep", text("[".repeat(10_000))),
        ("objects ten thousand deep", text("{\"access_token\":".repeat(10_000))),
        ("a list", text("[]".into())),
        ("a text", text("\"at_1\"".into())),
        (
            "a number of a million digits",
            text(format!("{{\"access_token\":\"x\",\"expires_in\":{}}}", "9".repeat(60_000))),
        ),
        ("nothing", text(String::new())),
        ("a page", Script::Answer(200, "text/html", "<html><form>at_1</form>".into())),
        ("no text", http("200 X", b"\xff\xfe\x00{")),
        ("a compressed body", http("200 X\r\ncontent-encoding: gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00")),
        ("no content", http("204 X", b"")),
        ("no HTTP", Script::Bytes(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())),
        ("HTTP of another age", Script::Bytes(b"HTTP/0.9 200\r\n\r\n".to_vec())),
        ("no byte at all", Script::Bytes(Vec::new())),
        ("a strange status", http("999 X", b"{}")),
        ("not modified", http("304 X", b"")),
        ("a change of protocol", http("101 X\r\nupgrade: websocket", b"")),
        ("an error that is no code", text(json!({"error": {"a": "<script>"}, "error_description": ["x"]}).to_string())),
        ("an empty token", text(with("access_token", json!("")).to_string())),
        ("a token of blanks", text(with("access_token", json!(" \t ")).to_string())),
        ("a token that breaks a header", text(with("access_token", json!("at\r\nx-evil: 1")).to_string())),
        ("a token with NUL", text(with("access_token", json!("at\u{0}")).to_string())),
        ("a token of 17 KiB", text(with("access_token", json!("a".repeat(17 << 10))).to_string())),
        ("a list for a token", text(with("access_token", json!(["at_1"])).to_string())),
        ("an object for a token", text(with("access_token", json!({"a": "at_1"})).to_string())),
        ("null for a token", text(with("access_token", json!(null)).to_string())),
        ("true for a token", text(with("access_token", json!(true)).to_string())),
    ]
}

/// A code that brought nothing leaves the user unconnected, and the next attempt works.
#[tokio::test]
async fn no_answer_to_a_code_does_more_than_end_that_session() {
    let against = Against::new().await;
    for (what, script) in hopeless() {
        against.evil.play("/token", script);
        assert_eq!(against.connect("alice").await, "failed", "{what}");
        assert_eq!(against.world.token(&against.connector, "alice").await.status, 404, "{what}");
        against.behave();
    }
    assert_eq!(against.connect("alice").await, "completed");
    against.world.access_token(&against.connector, "alice").await;
    let poured = against.evil.poured();
    assert!((1..MOST_POURED).contains(&poured), "{poured} bytes of an answer without end were taken");
}

/// An answer to a refresh that brings nothing is the provider's trouble: the connection is kept, and heals.
#[tokio::test]
async fn no_answer_to_a_refresh_ends_a_connection_that_the_provider_did_not_end() {
    let against = Against::new().await;
    let (world, connector) = (&against.world, &against.connector);
    against.behave();
    assert_eq!(against.connect("alice").await, "completed");
    for (what, script) in hopeless() {
        world.advance(3_700);
        against.evil.play("/token", script);
        let stale = world.token(connector, "alice").await;
        assert!(matches!(stale.status, 502 | 503), "{what}: {stale:?}");
        assert!(stale.text.len() < 1_024, "{what}: {stale:?}");
        let view = world.view(connector, "alice").await;
        assert_ne!(view["status"], "reconnect_required", "{what}: {view}");
        against.behave();
        world.advance(3_700);
        world.token(connector, "alice").await.expect(200);
    }
}

/// What is odd beside a good token costs nobody the token.
#[tokio::test]
async fn what_is_wrong_beside_a_good_token_does_not_lose_it() {
    let against = Against::new().await;
    against.behave();
    for (member, value) in [
        ("expires_in", json!("soon")),
        ("expires_in", json!(-1)),
        ("expires_in", json!(1e308)),
        ("expires_in", json!({})),
        ("expires_in", json!("1e999")),
        ("expires_in", json!(0)),
        ("token_type", json!(7)),
        ("token_type", json!("x\r\nset-cookie: a=b")),
        ("scope", json!({"a": 1})),
        ("scope", json!("a\r\nb \u{0} \"quoted\" \\")),
        ("scope", json!(["read", 7, null, {"a": 1}])),
        ("scope", json!("s ".repeat(20_000))),
        ("refresh_token", json!([])),
        ("refresh_token", json!("rt\r\nx: y")),
        ("id_token", json!("a.b.c")),
        ("id_token", json!(format!("{}.{}.", "a".repeat(9_000), "b".repeat(9_000)))),
        ("id_token", json!(["a"])),
        ("error", json!(null)),
        ("__proto__", json!({"a": 1})),
    ] {
        against.evil.play("/token", Script::json(&with(member, value.clone())));
        assert_eq!(against.connect("alice").await, "completed", "{member}: {value}");
        let token = against.world.token(&against.connector, "alice").await;
        let answer = token.expect(200);
        assert_eq!(answer["access_token"], "at_good", "{member}: {value}");
        assert!(!token.text.contains("set-cookie") && !format!("{:?}", token.headers).contains("set-cookie"));
        let view = against.world.view(&against.connector, "alice").await;
        assert_eq!(view["connection_id"], answer["connection_id"], "{member}: {value}");
    }
}

/// Whose account it is may be told in any way; what cannot be shown is not, and the connection stands.
#[tokio::test]
async fn no_answer_about_an_account_costs_the_connection_or_gets_onto_a_page() {
    let against = Against::new().await;
    let long = "<script>alert(1)</script>\u{202e}".repeat(100);
    let mut accounts = hopeless();
    for account in [
        json!({"sub": {"a": 1}}),
        json!({"sub": "a\r\nb"}),
        json!({"sub": "x".repeat(300)}),
        json!({"sub": "7", "name": long, "email": long, "picture": "javascript:alert(1)"}),
        json!({"sub": "7", "name": ["a"], "email": 7, "picture": {"a": 1}}),
        json!({"sub": 1e300}),
    ] {
        accounts.push(("an odd account", Script::json(&account)));
    }
    for (what, script) in accounts {
        against.behave();
        against.evil.play("/userinfo", script);
        assert_eq!(against.connect("bob").await, "completed", "{what}");
        let answer = against.world.token(&against.connector, "bob").await;
        let account = &answer.expect(200)["account"];
        for shown in ["label", "email"] {
            let text = account[shown].as_str().unwrap_or_default();
            assert!(text.chars().count() <= 256 && !text.chars().any(char::is_control), "{what}: {account}");
        }
        assert!(account["avatar_url"].is_null(), "{what}: {account}");
        against.evil.play("/revoke", Script::json(&json!({})));
        against.world.disconnect(&against.connector, "bob").await.expect(200);
    }
}

/// An issuer's keys and metadata may be anything too; good keys that are known are never replaced by them.
#[tokio::test]
async fn no_answer_of_an_issuer_signs_its_users_out_or_makes_an_identity() {
    let Against { world, evil, .. } = Against::new().await;
    let keys = Script::json(&crate::world::jwks(&[&world.app.signer]));
    let identity = json!({"issuer": world.app.issuer, "audience": "first-app", "jwks_uri": evil.url("/keys")});
    let by_discovery = json!({"issuer": evil.url(""), "audience": "first-app"});
    evil.play("/keys", keys.clone());
    world.admin("PUT", "/apps/first-app/identity").json(&identity).send().await.expect(200);
    world.advance(61);
    let odd_keys = [
        json!({"keys": []}),
        json!({"keys": {"a": 1}}),
        json!({"keys": [null, 7, {"kty": "oct", "k": "AA"}, {"kty": "RSA", "n": "", "e": ""}]}),
        json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "first-app-key"}]}),
    ];
    let scripts = hopeless().into_iter().chain(odd_keys.iter().map(|keys| ("odd keys", Script::json(keys))));
    for (what, script) in scripts {
        evil.play("/keys", script.clone());
        // A key that nobody knows makes the issuer be asked.
        let stranger = crate::world::SigningKey::p256("stranger").sign(&world.app.claims(&world, "alice"));
        let read = |token: &str| world.call("GET", &world.app.path("/app-user-auth/connectors")).bearer(token).send();
        assert_eq!(read(&stranger).await.status, 401, "{what}");
        if what != "odd keys" {
            assert_eq!(read(&world.app.user(&world, "alice")).await.status, 200, "{what}");
            evil.play("/.well-known/openid-configuration", script);
            let refused = world.admin("PUT", "/apps/first-app/identity").json(&by_discovery).send().await;
            assert_eq!(refused.status, 422, "{what}: {refused:?}");
        }
        evil.play("/keys", keys.clone());
        world.advance(31);
    }
}
