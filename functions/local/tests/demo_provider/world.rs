//! A running demo authorization server, a browser without script, and a client that knows its secret.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use connectors::clock::Clock;
use http_body_util::BodyExt;
use local::demo::provider::{Client, DemoProvider, router};
use serde_json::Value;
use tower::ServiceExt;
use url::{Url, form_urlencoded};

pub(crate) const REDIRECT_URI: &str = "http://localhost:8787/api/external-auth/callback/con_1";

/// The verifier and challenge of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct World {
    folder: tempfile::TempDir,
    clock: Clock,
    router: Router,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::held_at("2026-11-22T10:00:00Z".parse().unwrap());
        let provider = open(&folder, &clock);
        for id in ["client-1", "client-2"] {
            let client = Client { id: id.into(), name: "Demo <app>".into(), redirect_uri: REDIRECT_URI.into() };
            provider.register(&client, &format!("secret of {id}")).unwrap();
        }
        Self { router: router(Arc::new(provider)), folder, clock }
    }

    /// The same server after a restart.
    pub(crate) fn restarted(self) -> Self {
        Self { router: router(Arc::new(open(&self.folder, &self.clock))), ..self }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Opens the authorization endpoint with the usual request, changed by `changes` (an empty value takes one away).
    pub(crate) async fn authorize(&self, changes: &[(&str, &str)]) -> Response<Body> {
        let usual = [
            ("response_type", "code"),
            ("client_id", "client-1"),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "profile events.read"),
            ("state", "the-state"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let is_changed = |name: &str| changes.iter().any(|(known, _)| *known == name);
        let kept = usual.into_iter().filter(|(name, _)| !is_changed(name));
        let pairs: Vec<_> = kept.chain(changes.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
        let query = form(&pairs);
        self.send(Request::get(format!("/demo-provider/authorize?{query}")).body(Body::empty()).unwrap()).await
    }

    /// Answers the consent page with these fields and returns where the browser is sent.
    pub(crate) async fn decide(&self, page: Page, fields: &[(&str, &str)]) -> Response<Body> {
        let fields: Vec<_> = fields.iter().copied().chain([("request", page.request.as_str())]).collect();
        let request = Request::post("/demo-provider/authorize/decision").header(header::COOKIE, page.cookie);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form(&fields))).unwrap()).await
    }

    /// The code of a user who allows everything.
    pub(crate) async fn code(&self) -> String {
        let page = Page::of(self.authorize(&[]).await).await;
        let allowed =
            [("account", "1001"), ("allow.profile", "on"), ("allow.events.read", "on"), ("decision", "allow")];
        parameter(&location(&self.decide(page, &allowed).await), "code").unwrap()
    }

    /// Sends a form as `client-1`, which proves itself within the form.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let proof = [("client_id", "client-1"), ("client_secret", "secret of client-1")];
        self.post_as(path, &[&proof, fields].concat(), None).await
    }

    pub(crate) async fn post_as(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> (StatusCode, Value) {
        let mut request = Request::post(format!("/demo-provider{path}"));
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.send(request.body(Body::from(form(fields))).unwrap()).await;
        let status = answer.status();
        (status, serde_json::from_str(&text(answer).await).unwrap_or_default())
    }

    pub(crate) async fn redeem(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)];
        self.post("/token", &[&fields[..], &[("code_verifier", verifier)]].concat()).await
    }

    pub(crate) async fn refresh(&self, token: &Value) -> (StatusCode, Value) {
        self.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())]).await
    }

    pub(crate) async fn get(&self, path: &str, access_token: &Value) -> StatusCode {
        let request = Request::get(format!("/demo-provider{path}"));
        let authorization = format!("Bearer {}", access_token.as_str().unwrap());
        self.send(request.header(header::AUTHORIZATION, authorization).body(Body::empty()).unwrap()).await.status()
    }
}

fn open(folder: &tempfile::TempDir, clock: &Clock) -> DemoProvider {
    DemoProvider::open(&folder.path().join("demo.sqlite"), "http://localhost:8787", clock.clone()).unwrap()
}

/// What a browser has after it has loaded the consent page.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) html: String,
    pub(crate) cookie: String,
    pub(crate) request: String,
}

impl Page {
    pub(crate) async fn of(answer: Response<Body>) -> Self {
        assert_eq!(answer.status(), StatusCode::OK);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let html = text(answer).await;
        let request = html.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        Self { html, cookie, request }
    }
}

pub(crate) async fn text(answer: Response<Body>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

pub(crate) fn location(answer: &Response<Body>) -> Url {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    Url::parse(answer.headers()[header::LOCATION].to_str().unwrap()).unwrap()
}

pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
