//! Who is let in: by which token, under which name, and what whoever is not is told.

use super::*;

/// PUB-57: nothing but a token for this very address opens it, and whoever has none is told who gives them.
#[tokio::test]
async fn an_endpoint_opens_to_a_token_for_itself_only() {
    let assisted = Assisted::new().await;
    let (world, builder, agent) = (&assisted.world, assisted.builder_path(), assisted.agent_path());
    let own = format!("{BASE}{builder}");
    let sibling = world.register_app(&world.workspace, "sibling-app").await;
    let wrong = [
        String::new(),
        world.app.service_key.clone(),
        world.workspace.admin_key.clone(),
        world.app.user(world, "alice"),
        assisted.person("ada", "console"),
        assisted.person("ada", &format!("{BASE}/mcp/another")),
        assisted.person("ada", &format!("{own}/")),
        assisted.user(&sibling, "alice"),
        sibling.signer.sign(&json!({"iss": ORGANISATION, "aud": own, "sub": "ada", "exp": 4_000_000_000_u64})),
        "nonsense".to_owned(),
    ];
    for (path, right, others) in [
        (&builder, assisted.admin(), assisted.user(&world.app, "alice")),
        (&agent, assisted.user(&world.app, "alice"), assisted.admin()),
    ] {
        for token in wrong.iter().chain([&others]) {
            let cookie = format!("__Host-admin={}", world.workspace.admin_key);
            let answer = assisted.post(path, token, OLD, &[("cookie", &cookie)], &list()).await;
            assert_eq!(answer.refusal(), (401, "unauthorized".to_owned()), "{path} {token}");
            let metadata = format!("resource_metadata=\"{BASE}/.well-known/oauth-protected-resource{path}\"");
            assert!(
                answer.header("www-authenticate").unwrap().starts_with(&format!("Bearer {metadata}")),
                "{answer:?}"
            );
        }
        let listed = assisted.post(path, &right, OLD, &[], &list()).await.expect(200);
        assert!(listed["result"]["tools"].as_array().unwrap().len() >= 5, "{listed}");
    }
}

#[tokio::test]
async fn the_metadata_names_the_issuer_and_what_has_none_is_as_if_it_never_was() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    for (path, issuer) in [(assisted.builder_path(), ORGANISATION), (assisted.agent_path(), &world.app.issuer)] {
        let metadata =
            world.call("GET", &format!("/.well-known/oauth-protected-resource{path}")).send().await.expect(200);
        assert_eq!(metadata["resource"], format!("{BASE}{path}"));
        assert_eq!(metadata["authorization_servers"], json!([issuer]));
        assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
    }
    let unidentified = world.found("Unidentified").await;
    world.admin("POST", "/apps").json(&json!({"id": "bare", "name": "Bare"})).send().await.expect(201);
    let mut answers = Vec::new();
    for path in [&unidentified.id, "ws_01ARZ3NDEKTSV4RRFFQ69G5FAV", "%20", "apps/bare", "apps/never-was"] {
        let answer = world.call("GET", &format!("/.well-known/oauth-protected-resource/mcp/{path}")).send().await;
        answers.push(answer.without_ids());
    }
    assert_eq!(answers[0].0, 404);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

/// PUB-26: nor does a refusal say whether there is such a thing.
#[tokio::test]
async fn without_a_token_what_is_there_and_what_is_not_look_alike() {
    let assisted = Assisted::new().await;
    let (world, mut answers) = (&assisted.world, Vec::new());
    for id in [world.workspace.id.as_str(), "ws_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let (status, headers, body) = assisted.post(&format!("/mcp/{id}"), "x", OLD, &[], &list()).await.without_ids();
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.replace(id, "-"))).collect();
        answers.push((status, headers, body));
    }
    assert_eq!(answers[0], answers[1]);
}

/// PUB-57: a name of somebody else's that leads here, or a page of another origin, is refused with the right token too.
#[tokio::test]
async fn another_host_or_a_foreign_page_is_refused_with_the_right_token_too() {
    let assisted = Assisted::new().await;
    let (path, token) = (assisted.builder_path(), assisted.admin());
    for (host, origin, expected) in [
        ("connect.example", None, 200),
        ("connect.example", Some("https://connect.example"), 200),
        ("evil.example", None, 403),
        ("connect.example", Some("https://evil.example"), 403),
        ("connect.example", Some("http://connect.example"), 403),
        ("connect.example", Some("null"), 403),
    ] {
        let call = assisted.world.call("POST", &path).header("host", host).bearer(&token);
        let call = call.header("accept", "application/json, text/event-stream");
        let call = if let Some(origin) = origin { call.header("origin", origin) } else { call };
        assert_eq!(call.json(&list()).send().await.status, expected, "{host} {origin:?}");
    }
    let get = assisted.world.call("GET", &path).bearer(&token).send().await;
    assert_eq!(get.refusal(), (405, "method_not_allowed".to_owned()));
}

/// RFC 8725, RFC 9068: what an issuer signs that is no access token for this address, or not any more, opens nothing.
#[tokio::test]
async fn only_an_access_token_that_proves_something_by_itself_opens_it() {
    let assisted = Assisted::new().await;
    let (world, key) = (&assisted.world, &assisted.people);
    let own = format!("{BASE}{}", assisted.builder_path());
    let now = world.clock.now().as_second();
    let claims = |more: Value| {
        let mut claims = json!({"iss": ORGANISATION, "aud": own, "sub": "ada", "exp": now + 600});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let header = |typ: &str| json!({"alg": "ES256", "typ": typ, "kid": key.id});
    for right in [
        key.sign(&claims(json!({"aud": [own, "https://other.example"]}))),
        key.sign(&claims(json!({"typ": "Bearer", "nonce": "n", "azp": "assistant", "scope": "openid profile"}))),
        key.sign_with(&header("at+jwt"), &claims(json!({}))),
        key.sign_with(&header("application/at+jwt"), &claims(json!({"nbf": now}))),
    ] {
        assisted.post(&assisted.builder_path(), &right, OLD, &[], &list()).await.expect(200);
    }
    let unsigned_claims = claims(json!({}));
    let stranger = SigningKey::p256("people");
    let wrong = [
        key.sign(&claims(json!({"nonce": "n"}))),
        key.sign(&claims(json!({"at_hash": "h"}))),
        key.sign(&claims(json!({"typ": "ID"}))),
        key.sign(&claims(json!({"token_use": "id"}))),
        key.sign(&claims(json!({"azp": own}))),
        key.sign(&claims(json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}))),
        key.sign(&claims(json!({"cnf": {"jkt": "of somebody's key"}}))),
        key.sign(&claims(json!({"exp": now - 60}))),
        key.sign(&claims(json!({"nbf": now + 600}))),
        key.sign(&claims(json!({"aud": [own.to_uppercase()]}))),
        key.sign(&claims(json!({"aud": [format!("{own}#fragment"), "console"]}))),
        key.sign(&claims(json!({"aud": {"url": own}}))),
        key.sign(&claims(json!({"iss": [ORGANISATION]}))),
        key.sign_with(&header("dpop+jwt"), &claims(json!({}))),
        key.sign_with(&header("logout+jwt"), &claims(json!({}))),
        key.sign_with(&json!({"alg": "ES256", "kid": "another"}), &claims(json!({}))),
        key.sign_with(&json!({"alg": "ES256", "kid": "../../people"}), &claims(json!({}))),
        key.sign_with(&json!({"alg": "ES256", "kid": key.id, "jwk": stranger.jwk()}), &claims(json!({}))) + "x",
        stranger.sign(&claims(json!({}))),
        stranger.sign_with(&json!({"alg": "ES256", "kid": "people", "jwk": stranger.jwk()}), &claims(json!({}))),
        format!("{}.", unsigned(&json!({"alg": "none", "typ": "JWT"}), &unsigned_claims)),
        hs256(&key.public_bytes()[0], "people", &unsigned_claims),
    ];
    for token in wrong {
        let answer = assisted.post(&assisted.builder_path(), &token, OLD, &[], &list()).await;
        assert_eq!(answer.refusal(), (401, "unauthorized".to_owned()), "{token}");
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{answer:?}");
    }
}

/// RFC 6750, section 2: the header is the only way, and there is one of it.
#[tokio::test]
async fn a_token_comes_in_one_header_and_nowhere_else() {
    let assisted = Assisted::new().await;
    let (path, token) = (assisted.builder_path(), assisted.admin());
    let status =
        async |path: &str, headers: &[(&str, &str)]| assisted.post(path, "", OLD, headers, &list()).await.status;
    let bearer = format!("Bearer {token}");
    for (headers, expected) in [
        (vec![("authorization", bearer.as_str())], 200),
        (vec![("authorization", &format!("bearer {token}"))], 200),
        (vec![("authorization", &format!("DPoP {token}"))], 401),
        (vec![("authorization", &format!("Basic {token}"))], 401),
        (vec![("authorization", &token)], 401),
        (vec![("authorization", &bearer), ("authorization", &bearer)], 401),
        (vec![("authorization", &format!("{bearer}, {bearer}"))], 401),
        (vec![("authorization", "Bearer x"), ("authorization", &bearer)], 401),
        (vec![("cookie", &format!("access_token={token}"))], 401),
        (vec![("x-authorization", &bearer)], 401),
    ] {
        assert_eq!(status(&path, &headers).await, expected, "{headers:?}");
    }
    assert_eq!(status(&format!("{path}?access_token={token}"), &[]).await, 401);
    let form = assisted.world.call("POST", &path).header("host", "connect.example");
    let form = form.raw("application/x-www-form-urlencoded", format!("access_token={token}").into_bytes());
    assert_eq!(form.send().await.status, 401);
}

/// An agent in a page of the app's own is let in as its other calls are; a page of anywhere else is not, and the builders'
/// address has no pages but its own.
#[tokio::test]
async fn a_page_of_the_app_may_be_its_agent_and_no_other_page() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let (agent, builder) = (assisted.agent_path(), assisted.builder_path());
    let registered = world.admin("GET", &format!("/apps/{}", world.app.id)).send().await.expect(200);
    let own = text(&registered["origins"][0]);
    for (path, token, origin, expected) in [
        (&agent, assisted.user(&world.app, "alice"), own.as_str(), 200),
        (&agent, assisted.user(&world.app, "alice"), "https://evil.example", 403),
        (&agent, assisted.user(&world.app, "alice"), "null", 403),
        (&builder, assisted.admin(), own.as_str(), 403),
    ] {
        let answer = assisted.post(path, &token, OLD, &[("origin", origin)], &list()).await;
        assert_eq!(answer.status, expected, "{path} {origin}");
        let allowed = answer.header("access-control-allow-origin").map(str::to_owned);
        assert_eq!(allowed.as_deref(), (path == &agent && origin == own).then_some(origin), "{path} {origin}");
    }
    let metadata = format!("/.well-known/oauth-protected-resource{agent}");
    for path in [&agent, &metadata] {
        let asking = world.call("OPTIONS", path).header("origin", &own).header("access-control-request-method", "POST");
        let allowed = asking.send().await;
        assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, Some(own.as_str())));
        for header in ["authorization", "mcp-protocol-version", "mcp-session-id"] {
            assert!(allowed.header("access-control-allow-headers").unwrap().contains(header), "{header}");
        }
    }
    let told = world.call("GET", &metadata).header("origin", &own).send().await;
    assert_eq!((told.status, told.header("access-control-allow-origin")), (200, Some(own.as_str())));
    let refused = assisted.post(&agent, "", OLD, &[("origin", &own)], &list()).await;
    assert!(refused.header("access-control-expose-headers").unwrap().contains("www-authenticate"), "{refused:?}");
    // By which name somebody else says it was called decides nothing.
    let forwarded = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
    assisted.post(&agent, &assisted.user(&world.app, "alice"), OLD, &forwarded, &list()).await.expect(200);
    let hidden =
        world.call("POST", &agent).header("host", "evil.example").header("x-forwarded-host", "connect.example");
    let hidden =
        hidden.bearer(&assisted.user(&world.app, "alice")).header("accept", "application/json, text/event-stream");
    assert_eq!(hidden.json(&list()).send().await.status, 403);
}
