//! Token exchange (RFC 8693), as an OAuth library asks for it.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::world::{Answer, App, Call, Connector, World};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

type Field<'a> = (&'a str, &'a str);

fn form(fields: &[Field<'_>]) -> Vec<u8> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish().into_bytes()
}

fn send(world: &World, fields: &[Field<'_>]) -> Call {
    world.call("POST", "/oauth/token").raw("application/x-www-form-urlencoded", form(fields))
}

fn basic(app: &str, key: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{app}:{key}")))
}

/// A user who is connected, and a request of their app's backend that is right.
struct Scene {
    world: World,
    connector: Connector,
    user: String,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let connector = world.connector("Calendar").await;
        world.connect(&connector, "alice").await;
        let user = world.app.user(&world, "alice");
        Self { world, connector, user }
    }

    fn right(&self) -> Vec<Field<'_>> {
        vec![
            ("grant_type", GRANT),
            ("subject_token", &self.user),
            ("subject_token_type", JWT),
            ("audience", &self.connector.id),
        ]
    }

    /// The right request with some fields changed, or left out (empty).
    fn with<'a>(&'a self, changes: &[Field<'a>]) -> Vec<Field<'a>> {
        let mut fields = self.right();
        fields.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        fields
    }

    async fn ask(&self, fields: &[Field<'_>]) -> Answer {
        self.by(&self.world.app, fields).await
    }

    async fn by(&self, app: &App, fields: &[Field<'_>]) -> Answer {
        send(&self.world, fields).header("authorization", &basic(&app.id, &app.service_key)).send().await
    }
}

fn assert_refused(answer: &Answer, status: u16, error: &str, what: &str) {
    let body = answer.expect(status);
    assert_eq!(body["error"], error, "{what}: {answer:?}");
    // Section 5.2 has printable ASCII, without the quotation mark and the backslash.
    let description = body["error_description"].as_str().unwrap_or_default();
    let is_allowed = |char: char| matches!(char, ' '..='~') && char != '"' && char != '\\';
    assert!(!description.is_empty() && description.chars().all(is_allowed), "{what}: {answer:?}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{what}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    assert!(is_kept_from_caches(answer), "{what}");
}

/// RFC 6749, section 5.1.
fn is_kept_from_caches(answer: &Answer) -> bool {
    (answer.header("cache-control"), answer.header("pragma")) == (Some("no-store"), Some("no-cache"))
}

#[tokio::test]
async fn a_users_token_is_exchanged_for_the_one_that_the_token_route_hands_out() {
    let scene = Scene::new().await;
    let same = scene.world.token(&scene.connector, "alice").await.expect(200);
    let answer = scene.ask(&scene.with(&[("requested_token_type", ACCESS_TOKEN), ("scope", "read")])).await;
    let body = answer.expect(200);
    assert_eq!(body["access_token"], same["access_token"]);
    assert_eq!((&body["token_type"], &body["issued_token_type"]), (&json!("Bearer"), &json!(ACCESS_TOKEN)));
    assert_eq!(body["scope"], "read write");
    assert!(body["expires_in"].as_u64().unwrap() > 0, "{body}");
    assert_eq!(body.as_object().unwrap().len(), 5, "{body}");
    assert!(is_kept_from_caches(&answer));
    let app = &scene.world.app;
    let post = scene.with(&[("client_id", &app.id), ("client_secret", &app.service_key)]);
    assert_eq!(send(&scene.world, &post).send().await.expect(200)["access_token"], same["access_token"]);
    for kind in [ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:id_token"] {
        scene.ask(&scene.with(&[("subject_token_type", kind)])).await.expect(200);
    }
}

#[tokio::test]
async fn a_client_that_does_not_prove_itself_learns_nothing_else() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let sibling = world.register_app(&world.workspace, "sibling-app").await;
    let (id, key) = (world.app.id.as_str(), world.app.service_key.as_str());
    let headers = [
        basic(id, "wrong"),
        basic(id, &sibling.service_key),
        basic(&sibling.id, key),
        basic("nobody", key),
        basic(id, &world.workspace.admin_key),
        basic(id, &scene.user),
        format!("Bearer {key}"),
        "Basic".to_owned(),
        "Basic !".to_owned(),
    ];
    let mut answers = vec![send(world, &scene.right()).send().await];
    for header in &headers {
        answers.push(send(world, &scene.right()).header("authorization", header).send().await);
        // Whatever else is wrong is not looked at.
        answers.push(send(world, &[]).header("authorization", header).send().await);
    }
    answers.push(send(world, &scene.with(&[("client_id", id)])).send().await);
    for answer in &answers {
        assert_refused(answer, 401, "invalid_client", "the client");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "), "{answer:?}");
        assert_eq!(answer.without_ids(), answers[0].without_ids());
    }
    let both = scene.with(&[("client_id", id), ("client_secret", key)]);
    assert_refused(&scene.ask(&both).await, 400, "invalid_request", "both ways at once");
    let asserted = scene.with(&[("client_assertion", "x"), ("client_assertion_type", "urn:x")]);
    assert_refused(&scene.ask(&asserted).await, 400, "invalid_request", "a secret and an assertion");
    let headers = send(world, &scene.right()).header("authorization", &basic(id, "wrong"));
    let headers = headers.header("authorization", &basic(id, key)).send().await;
    assert_refused(&headers, 400, "invalid_request", "two headers");
    let address = format!("/oauth/token?client_id={id}&client_secret={key}");
    let in_address = world.call("POST", &address).raw("application/x-www-form-urlencoded", form(&scene.right()));
    assert_refused(
        &in_address.send().await,
        401,
        "invalid_client",
        "a secret in the address (RFC 6749, section 2.3.1)",
    );
    let asserted = scene.with(&[("client_id", id), ("client_assertion", "x"), ("client_assertion_type", "urn:x")]);
    assert_refused(&send(world, &asserted).send().await, 401, "invalid_client", "an assertion alone");
    let other = scene.with(&[("client_id", sibling.id.as_str())]);
    assert_refused(&scene.ask(&other).await, 400, "invalid_request", "two ids");
}

#[tokio::test]
async fn what_the_standard_does_not_have_or_this_does_not_do_is_refused_by_its_name() {
    let scene = Scene::new().await;
    let forged = scene.world.register_app(&scene.world.workspace, "sibling-app").await.user(&scene.world, "alice");
    for (changes, error) in [
        ([("grant_type", "")], "invalid_request"),
        ([("grant_type", "client_credentials")], "unsupported_grant_type"),
        ([("subject_token", "")], "invalid_request"),
        ([("subject_token", "nonsense")], "invalid_request"),
        ([("subject_token", &forged)], "invalid_request"),
        ([("subject_token", &scene.world.app.service_key)], "invalid_request"),
        ([("subject_token_type", "")], "invalid_request"),
        ([("subject_token_type", "urn:ietf:params:oauth:token-type:saml2")], "invalid_request"),
        ([("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")], "invalid_request"),
        ([("actor_token", "x")], "invalid_request"),
        ([("audience", "")], "invalid_request"),
        ([("audience", "no such thing")], "invalid_target"),
        ([("audience", "con_00000000000000000000000000")], "invalid_target"),
        ([("resource", "https://calendar.example")], "invalid_target"),
        ([("scope", "\"")], "invalid_scope"),
        ([("scope", "admin")], "invalid_scope"),
    ] {
        let answer = scene.ask(&scene.with(&changes)).await;
        assert_refused(&answer, 400, error, &format!("{changes:?}"));
    }
    let twice = |field| [scene.right(), vec![field]].concat();
    for (field, error) in [
        (("grant_type", GRANT), "invalid_request"),
        (("subject_token_type", JWT), "invalid_request"),
        (("audience", scene.connector.id.as_str()), "invalid_target"),
    ] {
        assert_refused(&scene.ask(&twice(field)).await, 400, error, field.0);
    }
    scene.ask(&twice(("unknown", "x"))).await.expect(200);
    scene.ask(&twice(("scope", "read"))).await.expect(200);
    assert_refused(&scene.ask(&twice(("audience", "con_2"))).await, 400, "invalid_target", "two connectors");
    assert_refused(&scene.ask(&twice(("subject_token", "x"))).await, 400, "invalid_request", "two users");
    let json = scene.world.call("POST", "/oauth/token").json(&json!({"grant_type": GRANT}));
    assert_refused(&json.send().await, 400, "invalid_request", "JSON");
    let large = scene.with(&[("subject_token", "x")]).into_iter().chain([("more", "")]).collect::<Vec<_>>();
    let large = [form(&large), b"&more=".to_vec(), vec![b'a'; 200 * 1024]].concat();
    let large = scene.world.call("POST", "/oauth/token").raw("application/x-www-form-urlencoded", large);
    assert_refused(&large.send().await, 400, "invalid_request", "more than is read");
    for garbage in [&b"%ff%fe=%00"[..], b"&&&===", b"\xff\xfe", b"grant_type"] {
        let garbage =
            scene.world.call("POST", "/oauth/token").raw("application/x-www-form-urlencoded", garbage.to_vec());
        assert_refused(&garbage.send().await, 401, "invalid_client", "garbage");
    }
    let away = scene.world.call("GET", "/oauth/token").send().await;
    assert_eq!(away.status, 405);
}

#[tokio::test]
async fn a_client_may_encode_what_it_shows_as_the_standard_says() {
    let scene = Scene::new().await;
    let app = &scene.world.app;
    let every = app.service_key.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    for header in [
        basic(&app.id, &every),
        basic(&app.id.replace('-', "%2D"), &app.service_key),
        basic(&app.id, &app.service_key).replace("Basic ", "bAsIc "),
    ] {
        let answer = send(&scene.world, &scene.right()).header("authorization", &header).send().await;
        assert_eq!(answer.expect(200)["token_type"], "Bearer", "{header}");
    }
}

/// RFC 6749, section 3.3: a scope is never empty. Where nothing is known of it, nothing is said.
#[tokio::test]
async fn a_token_whose_scope_nobody_told_is_told_without_one() {
    let world = World::new().await;
    let mut registration = world.provider.registration("plain");
    registration["authorize"]["scope"] = json!({"send": false});
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "plain", "Plain", &[]).await;
    world.connect(&connector, "alice").await;
    let user = world.app.user(&world, "alice");
    let scene = Scene { world, connector, user };
    let granted = scene.world.token(&scene.connector, "alice").await.expect(200)["granted_scopes"].clone();
    let body = scene.ask(&scene.right()).await.expect(200);
    assert_eq!((granted, body.get("scope")), (json!([]), None), "{body}");
}

/// The user's token is good, so it is no `invalid_grant`: there is no token for the target. A header tells why.
#[tokio::test]
async fn a_user_who_is_not_connected_or_not_any_more_is_told_by_the_target() {
    let scene = Scene::new().await;
    let bob = scene.world.app.user(&scene.world, "bob");
    let never = scene.ask(&scene.with(&[("subject_token", &bob)])).await;
    assert_refused(&never, 400, "invalid_target", "never connected");
    assert_eq!(never.header("x-base44-connector-error"), Some("NOT_FOUND"));
    scene.world.advance(3_600);
    scene.world.provider.take_back("alice@provider");
    let user = scene.world.app.user(&scene.world, "alice");
    let ended = scene.ask(&scene.with(&[("subject_token", &user)])).await;
    assert_refused(&ended, 400, "invalid_target", "ended");
    assert_eq!(ended.header("x-base44-connector-error"), Some("reconnect_required"));
}

/// A connector may be kept from use without its user: with their session there it goes on as before.
#[tokio::test]
async fn a_connector_that_is_not_for_absent_users_answers_to_present_ones_only() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let (key, _) = world.service_key(&world.workspace, &world.app.id, &["tokens:offline"]).await;
    let path = world.app.path(&format!("/users/alice/connectors/{}/token", scene.connector.id));
    let away = || world.call("GET", &path).bearer(&key).send();
    away().await.expect(200);
    assert_eq!(world.change(&scene.connector, &json!({"offline_use": false})).await["offline_use"], false);
    let refused = away().await;
    assert_eq!(refused.refusal(), (403, "blocked_by_policy".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("`offline_use`"), "it says which switch it is");
    world.token(&scene.connector, "alice").await.expect(200);
    scene.ask(&scene.right()).await.expect(200);
    assert_eq!(world.change(&scene.connector, &json!({"name": "Other"})).await["offline_use"], false);
    world.change(&scene.connector, &json!({"offline_use": true})).await;
    away().await.expect(200);
}

/// RFC 6749, sections 2.3.1, 3.2 and 5.2, and RFC 8693, section 2.1, where two readers may differ.
#[tokio::test]
async fn a_request_is_read_in_one_way_whatever_it_is_dressed_as() {
    let scene = Scene::new().await;
    let app = &scene.world.app;
    let shown = basic(&app.id, &app.service_key);
    let same = scene.world.access_token(&scene.connector, "alice").await;
    let post = |kind: &str, body: Vec<u8>| {
        let call = scene.world.call("POST", "/oauth/token").header("authorization", &shown);
        call.raw(kind, body).send()
    };
    let right = form(&scene.right());
    for kind in
        ["application/x-www-form-urlencoded;charset=UTF-8", "Application/X-WWW-Form-URLEncoded ; charset=iso-8859-1"]
    {
        assert_eq!(post(kind, right.clone()).await.expect(200)["access_token"], json!(same), "{kind}");
    }
    for kind in ["text/plain", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded-not", ""] {
        assert_refused(&post(kind, right.clone()).await, 400, "invalid_request", kind);
    }
    let usual = "application/x-www-form-urlencoded";
    // Fields without a value count as left out (section 3.2), wherever they stand.
    let emptied =
        [b"actor_token=&resource=&scope=&audience=&".to_vec(), right.clone(), b"&grant_type=".to_vec()].concat();
    post(usual, emptied).await.expect(200);
    let connector = scene.connector.id.as_str();
    let in_lists = format!("{connector} {connector}");
    for (change, error) in [
        (("audience", in_lists.as_str()), "invalid_target"),
        (("audience", "https://calendar.example"), "invalid_target"),
        (("audience", app.id.as_str()), "invalid_target"),
        (("actor_token_type", JWT), "invalid_request"),
        (("requested_token_type", JWT), "invalid_request"),
        (("subject_token_type", "jwt"), "invalid_request"),
        (("grant_type", "token-exchange"), "unsupported_grant_type"),
        (("subject_token", "a\0b"), "invalid_request"),
        (("subject_token", "\u{202e}é"), "invalid_request"),
        (("scope", "read\u{e9}"), "invalid_scope"),
        (("scope", "read a\"b"), "invalid_scope"),
        (("scope", "read never-granted"), "invalid_scope"),
    ] {
        assert_refused(&scene.ask(&scene.with(&[change])).await, 400, error, &format!("{change:?}"));
    }
    for resource in ["https://calendar.example", "urn:x", "not a uri"] {
        let both = [scene.right(), vec![("resource", resource), ("resource", "https://other.example")]].concat();
        assert_refused(&scene.ask(&both).await, 400, "invalid_target", resource);
    }
    // Nothing of a request is read from its address (section 3.2: it is no place for credentials).
    let in_address = format!("/oauth/token?{}", String::from_utf8(right).unwrap());
    let bare =
        scene.world.call("POST", &in_address).header("authorization", &shown).raw(usual, Vec::new()).send().await;
    assert_refused(&bare, 400, "invalid_request", "everything in the address");
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        let answer = scene.world.call(method, "/oauth/token").header("authorization", &shown).send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
    assert_eq!(scene.world.access_token(&scene.connector, "alice").await, same);
    assert!(scene.world.provider.refreshes().is_empty());
}

/// Whatever keeps a token away, the standard has a word and a status for it.
#[tokio::test]
async fn a_provider_that_fails_is_told_apart_from_a_request_that_is_wrong() {
    let scene = Scene::new().await;
    let world = &scene.world;
    world.advance(3_600);
    let user = world.app.user(world, "alice");
    let request = scene.with(&[("subject_token", user.as_str())]);
    world.provider.fail_with(503, &[], "");
    let later = scene.ask(&request).await;
    assert_refused(&later, 503, "temporarily_unavailable", "a provider that is down");
    assert!(later.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    let governance = json!({"integration_type": "fake", "per_user_connection_enabled": false});
    world.admin("PUT", "/connector-governance").json(&governance).send().await.expect(200);
    let off = scene.ask(&request).await;
    assert_refused(&off, 400, "invalid_target", "switched off");
    assert_eq!(off.header("x-base44-connector-error"), Some("blocked_by_policy"));
}
