//! The workspace with its app and connector, and users who connect: registered and done as from outside.

use ::local::product::Product;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
};
use connectors::{clock::Clock, random::Random};
use connectors_tests::idp::{SigningKey, jwks};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::BASE_URL;
use crate::provider::FakeProvider;

pub(crate) const APP: &str = "planner";
pub(crate) const ISSUER: &str = "https://login.example";

/// Where the app sends its users back to.
const RETURN_URL: &str = "https://app.example/done";

/// The workspace's ids and keys.
pub(super) struct Tenant {
    pub(super) connector: String,
    /// The key of the app's backend, which may fetch tokens while the user is away.
    pub(super) service_key: String,
    signer: SigningKey,
}

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Tenant {
    pub(super) async fn register(product: &Product, provider: &FakeProvider) -> Self {
        let founded = (product.manage_connector)(json!({"bootstrap": {"workspace_name": "First"}})).await.unwrap();
        let workspace = format!("/api/workspace/{}", founded["workspace_id"].as_str().unwrap());
        let admin = founded["admin_key"].as_str().unwrap();
        let routes = &product.routes;
        let ask = |method, path: &str, body: Value| {
            let request = request(method, &format!("{workspace}{path}"), admin, &body);
            async move { send(routes, request).await }
        };
        let signer = SigningKey::p256("issuer-key");
        let app = json!({"id": APP, "name": APP, "origins": ["https://app.example"], "return_urls": [RETURN_URL]});
        ask("POST", "/apps", app).await.expect(201);
        let identity = json!({"issuer": ISSUER, "audience": APP, "jwks": jwks(&[&signer])});
        ask("PUT", &format!("/apps/{APP}/identity"), identity).await.expect(200);
        let key = json!({"name": "backend", "permissions": ["tokens:offline"]});
        let key = ask("POST", &format!("/apps/{APP}/keys"), key).await.expect(201);
        ask("POST", "/providers", provider.registration("fake")).await.expect(201);
        let (id, secret) = ("client", Random::default().token());
        provider.register_client(id, &secret);
        let connector = json!({
            "integration_type": "fake", "name": "Calendar", "client_id": id, "client_secret": secret, "scopes": ["read"],
        });
        let connector = ask("POST", "/connectors", connector).await.expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { connector: text(&connector["id"]), service_key: text(&key["key"]), signer }
    }

    /// A user connects in one browser.
    pub(super) async fn connect(&self, product: &Product, provider: &FakeProvider, clock: &Clock, user: &str) {
        let path = format!("/api/apps/{APP}/app-user-auth/connectors/{}/initiate", self.connector);
        let begun = send(&product.routes, request("POST", &path, &self.token_of(user, clock), &json!({}))).await;
        let cookie = begun.header(header::SET_COOKIE.as_str()).unwrap().split(';').next().unwrap().to_owned();
        let begun = begun.expect(200);
        let callback = provider.approve(begun["redirect_url"].as_str().unwrap(), user);
        let request = Request::get(callback.strip_prefix(BASE_URL).unwrap()).header(header::COOKIE, cookie);
        let home = send(&product.routes, request.body(Body::empty()).unwrap()).await;
        let location = home.header(header::LOCATION.as_str()).unwrap_or_default();
        assert!(location.contains("status=completed"), "{user}: {} {location}", home.status);
    }

    /// What the user's sign-in gave them.
    pub(super) fn token_of(&self, user: &str, clock: &Clock) -> String {
        let now = clock.now().as_second();
        self.signer.sign(&json!({"iss": ISSUER, "aud": APP, "sub": user, "iat": now, "exp": now + 3_600}))
    }
}

pub(super) fn request(method: &str, path: &str, bearer: &str, body: &Value) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    request.header(header::CONTENT_TYPE, "application/json").body(body).unwrap()
}

pub(super) async fn send(routes: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = routes.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}
