//! What a browser is told about every answer: pages run nothing, stand in no frame, and pass nothing on.

use axum::http::HeaderMap;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::{
    doubles::{ROUTES, example_of},
    world::{Answer, Browser, World, journeys::parameter},
};

const PAYLOAD: &str = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%3Cimg%20src=x%20onerror=alert(1)%3E";

fn is(headers: &HeaderMap, name: &str, expected: &str) {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(values, [expected], "{name}");
}

/// What holds for any answer, a page or not.
fn assert_guarded(answer: &Answer) {
    is(&answer.headers, "strict-transport-security", "max-age=63072000; includeSubDomains");
    is(&answer.headers, "x-content-type-options", "nosniff");
    is(&answer.headers, "referrer-policy", "no-referrer");
    is(&answer.headers, "cache-control", "no-store");
    let policies: Vec<_> = answer.headers.get_all("content-security-policy").iter().collect();
    let [policy] = policies.as_slice() else { panic!("{policies:?}") };
    let policy = policy.to_str().unwrap();
    for needed in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(policy.split("; ").any(|directive| directive == needed), "{needed}: {policy}");
    }
    for never in ["unsafe-inline", "unsafe-eval", "*", "http"] {
        assert!(!policy.contains(never), "{never}: {policy}");
    }
    let scripts = policy.split("; ").find(|directive| directive.starts_with("script-src"));
    assert!(scripts.is_none_or(|scripts| scripts == "script-src 'self'"), "{policy}");
    for never in ["server", "x-powered-by", "via"] {
        assert_eq!(answer.header(never), None, "{never}");
    }
}

/// PUB-52: every route, with and without a proof, right and wrong, and what is no route.
#[tokio::test]
async fn every_answer_of_every_route_is_guarded() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    assert_guarded(&world.token(&connector, "alice").await);
    let session = world.begin(&connector, "alice").await.session;
    let parameters = [
        ("ws", world.workspace.id.as_str()),
        ("app", "first-app"),
        ("id", &connector.id),
        ("connector_id", &connector.id),
        ("session", &session),
        ("connection", "cnn_00000000000000000000000000"),
        ("revocation", "rev_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("proposal", "prp_00000000000000000000000000"),
        ("key_id", "x"),
        ("webhook", "wh_00000000000000000000000000"),
        ("type", "fake"),
        ("sub", "alice"),
    ];
    let user = world.app.user(&world, "alice");
    for (method, route) in ROUTES.iter().flat_map(|routes| routes.iter()) {
        let path = example_of(route, &parameters);
        for bearer in ["", &world.workspace.admin_key, &world.app.service_key, &user] {
            // What ends the workspace itself is asked for without the word that confirms it.
            let call = world.call(method, &path).bearer(bearer).on_behalf_of(&user).json(&json!({}));
            let answer = call.send().await;
            assert!(answer.status < 500, "{method} {path}: {answer:?}");
            assert_guarded(&answer);
        }
        for other in ["OPTIONS", "HEAD", "TRACE", "PATCH"] {
            assert_guarded(&world.call(other, &path).send().await);
        }
    }
    for nowhere in ["/", "/nowhere", "/favicon.ico", "/.env", "/.git/config", "//evil.example/", "/connect/"] {
        let answer = world.call("GET", nowhere).send().await;
        assert_eq!(answer.status, 404, "{nowhere}");
        assert_guarded(&answer);
    }
}

/// A page is allowed its own style and nothing else.
fn assert_harmless_page(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{answer:?}");
    assert_guarded(answer);
    let policy = answer.header("content-security-policy").unwrap();
    let style = answer.text.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
    assert!(policy.contains(&format!("style-src 'sha256-{}'", BASE64_STANDARD.encode(digest))), "{policy}");
    assert!(policy.contains("base-uri 'none'"), "{policy}");
    let page = answer.text.to_lowercase();
    for never in
        ["<script", "javascript:", "<form", "<iframe", "<img", "<link", "onerror", "onload", " style=", "alert("]
    {
        assert!(!page.contains(never), "{never}: {page}");
    }
}

/// PUB-52, PUB-58: whatever an address holds, the page that answers it holds nothing of it.
#[tokio::test]
async fn pages_repeat_nothing_of_their_address_and_run_nothing() {
    let world = World::new().await;
    let connector = world.connector("<img src=x onerror=alert(1)>").await;
    let mut begun = world.begin(&connector, "alice").await;
    let state = parameter(&begun.redirect_url, "state");
    let callback = connector.redirect_uri.strip_prefix("https://connect.example").unwrap().to_owned();
    for address in [
        format!("{callback}?state={PAYLOAD}&code={PAYLOAD}"),
        format!("{callback}?state={state}"),
        format!("{callback}?state={state}&state={PAYLOAD}"),
        format!("{callback}?{PAYLOAD}={PAYLOAD}&state=x"),
        format!("{callback}?error={PAYLOAD}&error_description={PAYLOAD}&error_uri={PAYLOAD}"),
        format!("/api/external-auth/callback/{PAYLOAD}?state={state}&code=x"),
    ] {
        let answer = world.call("GET", &address).send().await;
        assert_eq!(answer.status, 400, "{address}: {answer:?}");
        assert_harmless_page(&answer);
        assert!(!answer.header("content-security-policy").unwrap().contains("script-src"), "{address}");
        assert!(!answer.text.contains(&state), "{address}");
    }
    let page = world.call("GET", &format!("/connect/{}", begun.session)).send().await;
    for address in [format!("/connect/{PAYLOAD}"), format!("/connect/ses_{}", "A".repeat(43))] {
        let same = world.call("GET", &address).send().await;
        assert_eq!((same.status, &same.text, same.header("cache-control")), (200, &page.text, Some("no-store")));
        assert_guarded(&same);
    }
    let refused = world.provider.refuse(&begun.redirect_url, "<script>alert(1)</script>", "<script>alert(1)</script>");
    let landed = begun.browser.open(&world, &refused).await;
    assert_eq!((parameter(landed.location(), "status"), landed.text.as_str()), ("failed".to_owned(), ""));
    assert_guarded(&landed);
}

/// PUB-58: what a tenant is called is data wherever it is shown.
#[tokio::test]
async fn a_name_with_markup_in_it_is_shown_as_data_and_never_as_a_page() {
    let world = World::new().await;
    let name = "<img src=x onerror=alert(1)>";
    let connector = world.connector(name).await;
    let shown = [
        world.admin("GET", "/connectors").send().await,
        world.admin("GET", &format!("/connectors/{}", connector.id)).send().await,
        world.as_user("alice", "GET", "/app-user-auth/connectors").send().await,
        world.call("GET", &world.app.path("/oauth-redirect-uris")).bearer(&world.app.service_key).send().await,
    ];
    for answer in shown {
        assert!(answer.text.contains(name));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_guarded(&answer);
    }
}

/// PUB-52: addresses with a `state`, a handle or a code in them are passed on to nobody, and the cookie ends with its use.
#[tokio::test]
async fn what_sends_a_browser_on_leaks_nothing_and_takes_the_cookie_back() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let (_, link) = world.link(&connector, "alice").await;
    let mut browser = Browser::default();
    let opened = browser.on_page(&world, &link, "open").await;
    assert_guarded(&opened);
    let callback = world.provider.approve(&browser.open_link(&world, &link).await, "alice@provider");
    let landed = browser.open(&world, &callback).await;
    assert_guarded(&landed);
    for (answer, life) in [(&opened, "600"), (&landed, "0")] {
        let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
        let parts: Vec<&str> = cookie.to_str().unwrap().split("; ").collect();
        assert!(parts[0].starts_with("__Host-connect-"), "{parts:?}");
        for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", &format!("Max-Age={life}")] {
            assert!(parts.contains(&attribute), "{attribute}: {parts:?}");
        }
        assert!(!parts.iter().any(|part| part.to_lowercase().starts_with("domain")), "{parts:?}");
    }
    for secret in [parameter(&callback, "code"), parameter(&callback, "state")] {
        assert!(!landed.location().contains(&secret) && !landed.text.contains(&secret));
    }
}
