//! People of a workspace, by the tokens of its own issuer; and their sign-in at the console.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::world::{Answer, Reply, SigningKey, World, hs256, jwks, serve, text, unsigned};

const CLIENT: &str = "console-client";
const SECRET: &str = "canary-secret-of-the-console-client";
const BASE: &str = "/console/signed-in";

/// The parameters of a token request.
type Form = Vec<(String, String)>;

/// The issuer of a workspace's people: metadata, keys, and a token endpoint that answers what it is told to.
struct Organisation {
    issuer: String,
    signer: SigningKey,
    next: Arc<Mutex<(u16, Value)>>,
    forms: Arc<Mutex<Vec<Form>>>,
}

impl Organisation {
    async fn start() -> Self {
        let signer = SigningKey::p256("organisation");
        let keys = jwks(&[&signer]);
        let next = Arc::new(Mutex::new((400, json!({"error": "invalid_grant"}))));
        let forms = Arc::<Mutex<Vec<_>>>::default();
        let issuer = Arc::<Mutex<String>>::default();
        let (told, seen, named) = (next.clone(), forms.clone(), issuer.clone());
        let address = serve(Arc::new(move |request| {
            let issuer = named.lock().unwrap().clone();
            let reply = match request.path.as_str() {
                "/.well-known/openid-configuration" => Reply::json(
                    200,
                    &json!({
                        "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
                        "authorization_endpoint": format!("{issuer}/authorize"),
                        "token_endpoint": format!("{issuer}/token"),
                        "authorization_response_iss_parameter_supported": true,
                    }),
                ),
                "/keys" => Reply::json(200, &keys),
                "/token" => {
                    seen.lock().unwrap().push(request.form());
                    let (status, body) = told.lock().unwrap().clone();
                    Reply::json(status, &body)
                }
                _ => Reply::json(404, &json!({})),
            };
            Box::pin(async move { reply })
        }))
        .await;
        let url = format!("http://{address}");
        issuer.lock().unwrap().clone_from(&url);
        Self { issuer: url, signer, next, forms }
    }

    fn identity(&self) -> Value {
        json!({
            "issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET,
            "admins": {"claim": "groups", "values": ["connector-admins"]},
            "readers": {"claim": "email", "values": ["reader@x.example"]},
        })
    }

    /// The claims of an admin.
    fn claims(&self, world: &World) -> Value {
        let now = world.clock.now().as_second();
        json!({
            "iss": self.issuer, "aud": CLIENT, "sub": "ada", "name": "Ada Lovelace", "exp": now + 600, "iat": now,
            "groups": ["staff", "connector-admins"],
        })
    }

    fn token(&self, world: &World, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims(world);
        change(&mut claims);
        let token = self.signer.sign(&claims);
        world.keep_secret(&token);
        token
    }

    fn give(&self, status: u16, body: Value) {
        *self.next.lock().unwrap() = (status, body);
    }
}

/// A world whose workspace's people come from there.
async fn settled() -> (World, Organisation) {
    let (world, organisation) = (World::new().await, Organisation::start().await);
    world.keep_secret(SECRET);
    world.admin("PUT", "/identity").json(&organisation.identity()).send().await.expect(200);
    (world, organisation)
}

async fn look(world: &World, token: &str) -> Answer {
    world.call("GET", &world.workspace.path("/connectors")).bearer(token).send().await
}

#[tokio::test]
async fn an_admin_of_the_organisation_does_what_a_key_does_and_the_trail_says_who_it_was() {
    let (world, organisation) = settled().await;
    let token = organisation.token(&world, |_| {});
    let body = json!({"name": "Made by a person"});
    let made = world.call("POST", &world.workspace.path("/apps")).bearer(&token).json(&body).send().await.expect(201);
    let of_app = format!("/api/apps/{}/oauth-redirect-uris", text(&made["id"]));
    world.call("GET", &of_app).bearer(&token).send().await.expect(200);
    let events = world.admin("GET", "/audit").send().await.expect(200)["events"].clone();
    let event = events.as_array().unwrap().iter().find(|event| event["target"] == made["id"]).unwrap();
    assert_eq!((&event["actor"], &event["details"]["person"]), (&json!("person:ada"), &json!("Ada Lovelace")));
    let saved = events.as_array().unwrap().iter().find(|event| event["action"] == "workspace.identity_changed");
    assert_eq!(saved.unwrap()["details"]["issuer"], json!(organisation.issuer));
}

#[tokio::test]
async fn a_reader_of_the_organisation_looks_and_changes_nothing() {
    let (world, organisation) = settled().await;
    let reader = organisation.token(&world, |claims| {
        claims["groups"] = json!(["staff"]);
        claims["email"] = json!("Reader@x.example");
        claims["email_verified"] = json!(true);
    });
    assert_eq!(look(&world, &reader).await.status, 200);
    for (method, path) in [("POST", "/apps"), ("PUT", "/identity"), ("DELETE", "/identity"), ("POST", "/keys")] {
        let call = world.call(method, &world.workspace.path(path)).bearer(&reader);
        let refused = if method == "DELETE" { call } else { call.json(&organisation.identity()) }.send().await;
        assert_eq!(refused.refusal(), (403, "forbidden".to_owned()), "{method} {path}");
    }
}

#[tokio::test]
async fn somebody_of_the_organisation_whom_no_claim_lets_in_is_told_which_claims_count() {
    let (world, organisation) = settled().await;
    for (verified, groups) in [(json!(false), json!(["staff"])), (json!("true"), json!([])), (json!(null), json!(null))]
    {
        let token = organisation.token(&world, |claims| {
            claims["groups"] = groups;
            claims["email"] = json!("reader@x.example");
            claims["email_verified"] = verified;
        });
        let refused = look(&world, &token).await;
        assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
        let detail = text(&refused.json()["detail"]);
        assert!(detail.contains("`groups` and `email`") && !detail.contains("connector-admins"), "{detail}");
    }
}

/// As PUB-17 to PUB-20 for users: whatever is wrong, the answer is the one that everybody gets.
#[tokio::test]
async fn a_token_that_is_not_of_the_issuer_for_the_client_proves_nothing() {
    let (world, organisation) = settled().await;
    let now = world.clock.now().as_second();
    let mut refused = Vec::new();
    for (claim, value) in [
        ("aud", json!("another-client")),
        ("aud", json!(null)),
        ("iss", json!("https://evil.example")),
        ("exp", json!(now - 31)),
        ("exp", json!(null)),
        ("sub", json!(null)),
        ("azp", json!("another-client")),
        ("azp", json!(7)),
        ("nbf", json!(now + 31)),
    ] {
        let token = organisation.token(&world, |claims| claims[claim] = value.clone());
        refused.push((format!("{claim}: {value}"), look(&world, &token).await));
    }
    let claims = organisation.claims(&world);
    let none = unsigned(&json!({"alg": "none", "typ": "JWT"}), &claims);
    let public = organisation.signer.jwk().to_string();
    for token in [
        format!("{none}."),
        hs256(public.as_bytes(), &organisation.signer.id, &claims),
        SigningKey::p256("organisation").sign(&claims),
        world.app.user(&world, "alice"),
    ] {
        refused.push(("another signature".to_owned(), look(&world, &token).await));
    }
    let stranger = look(&world, "uck_admin_nothing").await.without_ids();
    for (what, answer) in refused {
        assert_eq!(answer.without_ids(), stranger, "{what}");
    }
    let both = organisation.token(&world, |claims| {
        claims["aud"] = json!([CLIENT, "another"]);
        claims["azp"] = json!(CLIENT);
    });
    assert_eq!(look(&world, &both).await.status, 200);
}

#[tokio::test]
async fn nobody_of_one_organisation_is_anybody_in_another_workspace() {
    let (world, organisation) = settled().await;
    let other = world.found("Second").await;
    let token = organisation.token(&world, |_| {});
    let call = || world.call("GET", &other.path("/connectors")).bearer(&token);
    assert_eq!(call().send().await.refusal(), (401, "unauthorized".to_owned()));
    // Even where its people come from the same issuer: there it is another client's.
    let mut identity = organisation.identity();
    identity["client_id"] = json!("client-of-the-second");
    other.admin(&world, "PUT", "/identity").json(&identity).send().await.expect(200);
    assert_eq!(call().send().await.refusal(), (401, "unauthorized".to_owned()));
    let app = format!("/api/apps/{}/oauth-redirect-uris", world.app.id);
    world.call("GET", &app).bearer(&token).send().await.expect(200);
    let theirs = organisation.token(&world, |claims| claims["aud"] = json!("client-of-the-second"));
    assert_eq!(world.call("GET", &app).bearer(&theirs).send().await.status, 401);
}

#[tokio::test]
async fn a_removed_identity_opens_nothing_after_a_minute_and_keys_open_as_before() {
    let (world, organisation) = settled().await;
    let token = organisation.token(&world, |_| {});
    assert_eq!(look(&world, &token).await.status, 200);
    assert_eq!(world.admin("DELETE", "/identity").send().await.status, 204);
    world.advance(60);
    assert_eq!(look(&world, &token).await.refusal(), (401, "unauthorized".to_owned()));
    assert_eq!(world.admin("GET", "/identity").send().await.status, 404);
    assert_eq!(world.admin("DELETE", "/identity").send().await.status, 404);
    assert_eq!(look(&world, &world.workspace.admin_key).await.status, 200);
}

#[tokio::test]
async fn an_identity_is_shown_without_its_secret_and_one_that_lets_nobody_in_is_refused() {
    let (world, organisation) = settled().await;
    let shown = world.admin("GET", "/identity").send().await.expect(200);
    assert_eq!((&shown["has_client_secret"], &shown["console_sign_in"]), (&json!(true), &json!(true)));
    assert!(text(&shown["redirect_uri"]).ends_with(BASE));
    assert!(!shown.to_string().contains(SECRET));
    for (field, value, pointer) in [
        ("admins", json!({"claim": "groups", "values": []}), "/admins/values"),
        ("admins", json!({"claim": "", "values": ["a"]}), "/admins/claim"),
        ("admins", json!({"values": ["a"]}), "/admins/claim"),
        ("admins", json!(null), "/admins"),
        ("readers", json!({"claim": "groups", "values": [""]}), "/readers/values/0"),
        ("client_id", json!(""), "/client_id"),
        ("issuer", json!(format!("{}/nowhere", organisation.issuer)), "/issuer"),
        ("unknown", json!(1), "/unknown"),
    ] {
        let mut identity = organisation.identity();
        identity[field] = value.clone();
        let refused = world.admin("PUT", "/identity").json(&identity).send().await;
        assert_eq!(refused.status, 422, "{field}: {value}");
        assert_eq!(refused.json()["errors"][0]["pointer"], json!(pointer), "{field}: {value}");
    }
}

#[tokio::test]
async fn a_secret_stays_with_its_client_and_goes_to_no_other() {
    let (world, organisation) = settled().await;
    let mut identity = organisation.identity();
    identity.as_object_mut().unwrap().remove("client_secret");
    let kept = world.admin("PUT", "/identity").json(&identity).send().await.expect(200);
    assert_eq!(kept["has_client_secret"], json!(true));
    let elsewhere = Organisation::start().await;
    identity["issuer"] = json!(elsewhere.issuer);
    let moved = world.admin("PUT", "/identity").json(&identity).send().await.expect(200);
    assert_eq!(moved["has_client_secret"], json!(false));
}

/// The answer to a code that came back.
async fn exchange(world: &World, nonce: &str, issuer: Option<&str>) -> Answer {
    let mut body = json!({"code": "canary-code", "code_verifier": "canary-verifier", "nonce": nonce});
    if let Some(issuer) = issuer {
        body["iss"] = json!(issuer);
    }
    world.call("POST", &world.workspace.path("/sign-in/token")).json(&body).send().await
}

#[tokio::test]
async fn a_person_signs_in_at_the_console_by_a_code_of_their_issuer() {
    let (world, organisation) = settled().await;
    let way = world.call("GET", &world.workspace.path("/sign-in")).send().await.expect(200);
    assert_eq!(way["authorization_endpoint"], json!(format!("{}/authorize", organisation.issuer)));
    assert_eq!((&way["client_id"], &way["scopes"]), (&json!(CLIENT), &json!("openid profile email")));
    let token = organisation.token(&world, |claims| claims["nonce"] = json!("n-1"));
    organisation.give(200, json!({"id_token": token, "access_token": "a", "token_type": "Bearer"}));
    let signed_in = exchange(&world, "n-1", Some(&organisation.issuer)).await;
    assert_eq!(signed_in.header("cache-control"), Some("no-store"));
    let signed_in = signed_in.expect(200);
    assert_eq!((&signed_in["role"], &signed_in["name"]), (&json!("admin"), &json!("Ada Lovelace")));
    assert_eq!(signed_in["expires_at"], json!(world.clock.now().as_second() + 600));
    assert_eq!(look(&world, &text(&signed_in["id_token"])).await.status, 200);
    let form = organisation.forms.lock().unwrap().last().unwrap().clone();
    for (name, value) in [("code", "canary-code"), ("code_verifier", "canary-verifier")] {
        assert!(form.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
    assert!(form.iter().any(|(name, value)| name == "redirect_uri" && *value == text(&way["redirect_uri"])));
    assert!(form.iter().all(|(_, value)| value != SECRET), "the secret goes in the header");
}

#[tokio::test]
async fn a_code_that_is_not_of_this_sign_in_signs_nobody_in() {
    let (world, organisation) = settled().await;
    let own = Some(organisation.issuer.as_str());
    let failed = (400, "sign_in_failed".to_owned());
    let give = |change: fn(&mut Value)| {
        let token = organisation.token(&world, change);
        organisation.give(200, json!({"id_token": token}));
    };
    give(|claims| claims["nonce"] = json!("n-1"));
    assert_eq!(exchange(&world, "n-2", own).await.refusal(), failed, "another nonce");
    // RFC 9207: the issuer says that it names itself.
    assert_eq!(exchange(&world, "n-1", None).await.refusal(), failed, "without the issuer's name");
    assert_eq!(exchange(&world, "n-1", Some("https://evil.example")).await.refusal(), failed, "another issuer");
    assert_eq!(organisation.forms.lock().unwrap().len(), 1, "no code goes to an issuer that did not give it");
    give(|_| {});
    assert_eq!(exchange(&world, "n-1", own).await.refusal(), failed, "no nonce");
    give(|claims| (claims["nonce"], claims["azp"]) = (json!("n-1"), json!("another-client")));
    assert_eq!(exchange(&world, "n-1", own).await.refusal(), failed, "another client's token");
    give(|claims| (claims["nonce"], claims["groups"]) = (json!("n-1"), json!(["staff"])));
    assert_eq!(exchange(&world, "n-1", own).await.refusal(), (403, "forbidden".to_owned()), "no member");
    for (status, body, expected) in [
        (400, json!({"error": "invalid_grant"}), (400, "sign_in_failed")),
        (401, json!({"error": "invalid_client"}), (502, "sign_in_misconfigured")),
        (200, json!({"access_token": "a"}), (502, "sign_in_misconfigured")),
        (503, json!({}), (503, "issuer_unavailable")),
    ] {
        organisation.give(status, body.clone());
        let refused = exchange(&world, "n-1", own).await.refusal();
        assert_eq!((refused.0, refused.1.as_str()), expected, "{status} {body}");
    }
}

#[tokio::test]
async fn where_nobody_can_sign_in_looks_the_same_for_every_workspace_and_many_codes_wait() {
    let (world, organisation) = settled().await;
    let other = world.found("Second").await;
    let way = |path: String| world.call("GET", &path).send();
    let without = way(other.path("/sign-in")).await;
    assert_eq!(without.refusal(), (404, "NOT_FOUND".to_owned()));
    for path in ["/api/workspace/ws_00000000000000000000000000/sign-in", "/api/workspace/%00/sign-in"] {
        assert_eq!(way(path.to_owned()).await.without_ids(), without.without_ids(), "{path}");
    }
    for _ in 0..30 {
        assert_eq!(exchange(&world, "n", Some(&organisation.issuer)).await.status, 400);
    }
    let waits = exchange(&world, "n", Some(&organisation.issuer)).await;
    assert_eq!((waits.refusal(), waits.header("retry-after")), ((429, "rate_limited".to_owned()), Some("60")));
    assert_eq!(organisation.forms.lock().unwrap().len(), 30);
    world.advance(60);
    assert_eq!(exchange(&world, "n", Some(&organisation.issuer)).await.status, 400);
}
