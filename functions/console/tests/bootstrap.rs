//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use base64::{Engine, prelude::BASE64_STANDARD};
use connectors_tests::{
    deployment::Deployment,
    runtime_api::{HttpAnswer, Instance},
};
use serde_json::Value;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_console");

/// Answers an event of a browser that takes nothing compressed.
async fn plain(function: &mut Instance, mut event: Value) -> HttpAnswer {
    event["headers"]["accept-encoding"] = "identity".into();
    function.invoke(event).await.http()
}

fn text(answer: &HttpAnswer) -> &str {
    answer.body.as_str().unwrap_or_default()
}

/// PUB-52.
#[tokio::test]
async fn a_page_runs_only_files_of_its_own_origin_and_nothing_of_aws_is_asked_for() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("console.page")).await;
    let page = function.answer().await.http();
    assert_eq!(page.status, 200);
    let header = |name: &str| page.headers[name].as_str();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("cache-control"), "no-cache");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("strict-transport-security").starts_with("max-age="));
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    for inline in ["<style", " style=", "javascript:", " onload=", "<script>"] {
        assert!(!text(&page).contains(inline), "{inline}");
    }
    assert!(text(&page).contains(&format!("content=\"{}\"", deployment.dev().base_url)), "where redirect URIs begin");
    assert!(deployment.asked_by("console").is_empty());
}

#[tokio::test]
async fn every_view_of_the_console_is_the_same_page_and_its_files_are_kept_for_ever() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("console.page")).await;
    drop(function.answer().await.http());
    let page = plain(&mut function, deployment.event("console.page")).await;
    let view = plain(&mut function, deployment.event("console.view")).await;
    assert_eq!((view.status, &view.body), (200, &page.body));

    let names = text(&page).split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap());
    let names: Vec<&str> = names.collect();
    assert!(names.len() >= 3, "a script, a style and an icon: {names:?}");
    for name in names {
        let mut event = deployment.event("console.asset");
        event["rawPath"] = format!("/assets/{name}").into();
        event["pathParameters"]["name"] = name.into();
        let compressed = function.invoke(event.clone()).await.http();
        assert_eq!((compressed.status, compressed.headers["content-encoding"].as_str()), (200, "gzip"), "{name}");
        assert!(BASE64_STANDARD.decode(text(&compressed)).unwrap().starts_with(&[0x1f, 0x8b]));
        let file = plain(&mut function, event).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(file.headers["cache-control"], "public, max-age=31536000, immutable", "{name}");
        assert_eq!(file.headers["x-content-type-options"], "nosniff", "{name}");
    }
    let unknown = plain(&mut function, deployment.event("console.asset")).await;
    assert_eq!((unknown.status, unknown.headers["cache-control"].as_str()), (404, "no-store"));
}

/// Its address has a code in it.
#[tokio::test]
async fn the_page_that_an_issuer_sends_people_back_to_is_kept_by_nobody_and_names_no_code() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("console.page")).await;
    drop(function.answer().await.http());
    let mut event = deployment.event("console.view");
    event["rawPath"] = "/console/signed-in".into();
    event["rawQueryString"] = "code=canary-code&state=s".into();
    event["pathParameters"]["path"] = "signed-in".into();
    let page = plain(&mut function, event).await;
    assert_eq!(page.status, 200);
    let header = |name: &str| page.headers[name].as_str();
    assert_eq!((header("cache-control"), header("referrer-policy")), ("no-store", "no-referrer"));
    assert_eq!(header("cross-origin-opener-policy"), "same-origin");
    assert!(header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
    assert!(!text(&page).contains("canary-code"));
    assert!(deployment.asked_by("console").is_empty());
}
