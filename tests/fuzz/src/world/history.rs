//! What has happened before the first input comes.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    http::{Request, Response, header},
};
use connectors::clock::Clock;
use local::{environment::Environment, product::Product};
use serde_json::{Value, json};
use url::Url;

use super::{BASE_URL, RETURN_URL, answered, provider, text};
use crate::user_tokens::Keys;

/// The app, and `aud` of its users' tokens.
pub(crate) const APP: &str = "first-app";

/// `iss` of its users' tokens.
pub(crate) const ISSUER: &str = "https://first-app.example";

struct Story<'a> {
    product: &'a Product,
    clock: &'a Clock,
    workspace: String,
    admin_key: String,
}

/// Lets everything happen once. Answers names for what an input cannot know.
pub(super) async fn happen(
    product: &Product,
    environment: &Environment,
    clock: &Clock,
) -> BTreeMap<&'static str, String> {
    let founded = (product.manage_connector)(json!({"bootstrap": {"workspace_name": "First"}})).await.unwrap();
    let (workspace, admin_key) = (text(&founded["workspace_id"]), text(&founded["admin_key"]));
    let story = Story { product, clock, workspace, admin_key };
    let service_key = story.register_app().await;
    let origin = environment.get("AWS_ENDPOINT_URL_DYNAMODB").unwrap();
    story.admin("POST", "/providers", &provider::registration(origin)).await;
    let connectors = [story.connector("Kept").await, story.connector("Deleted").await];
    story.connect(&connectors[0], "alice").await;
    story.connect(&connectors[1], "alice").await;
    story.end(&connectors).await;
    story.replace_key().await;
    let mut names = story.open_sessions(&connectors[0], &service_key).await;
    names.extend([
        ("workspace", story.workspace),
        ("app", APP.to_owned()),
        ("issuer", ISSUER.to_owned()),
        ("connector", connectors[0].clone()),
        ("other", connectors[1].clone()),
    ]);
    names
}

impl Story<'_> {
    async fn register_app(&self) -> String {
        let app = json!({"id": APP, "name": APP, "origins": ["https://app.example"], "return_urls": [RETURN_URL]});
        self.admin("POST", "/apps", &app).await;
        let identity = json!({"issuer": ISSUER, "audience": APP, "jwks": Keys::get().jwks()});
        self.admin("PUT", &format!("/apps/{APP}/identity"), &identity).await;
        let key = json!({"name": "backend", "permissions": ["tokens:offline"]});
        text(&self.admin("POST", &format!("/apps/{APP}/keys"), &key).await["key"])
    }

    async fn connector(&self, name: &str) -> String {
        let body = json!({
            "integration_type": "given", "name": name, "client_id": format!("client-{name}"), "client_secret": "not-one",
            "scopes": ["read", "write"],
        });
        text(&self.admin("POST", "/connectors", &body).await["id"])
    }

    async fn connect(&self, connector: &str, user: &str) {
        let (state, cookie) = self.begin(connector, user).await;
        let arrival = format!("/api/external-auth/callback/{connector}?code=given&state={state}");
        let answer = self.send(request("GET", &arrival).header(header::COOKIE, cookie), &Value::Null).await;
        assert!(answer.headers()[header::LOCATION].to_str().unwrap().contains("status=completed"), "{answer:?}");
    }

    /// Begins a session. Answers its state and the cookie of its browser.
    async fn begin(&self, connector: &str, user: &str) -> (String, String) {
        let path = format!("/api/apps/{APP}/app-user-auth/connectors/{connector}/initiate");
        let answer = self.send(self.as_user("POST", &path, user), &json!({})).await;
        let begun: Value = serde_json::from_str(answer.body()).unwrap();
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        (parameter(&text(&begun["redirect_url"]), "state"), cookie)
    }

    /// Whatever can end does: a connection, a connector, a user's data, a workspace.
    async fn end(&self, connectors: &[String; 2]) {
        self.connect(&connectors[0], "bob").await;
        let path = format!("/api/apps/{APP}/app-user-auth/connectors/{}", connectors[0]);
        self.send(self.as_user("DELETE", &path, "bob"), &Value::Null).await;
        self.admin("DELETE", &format!("/connectors/{}", connectors[1]), &Value::Null).await;
        self.admin("DELETE", &format!("/apps/{APP}/users/carol"), &Value::Null).await;
        let founded =
            (self.product.manage_connector)(json!({"bootstrap": {"workspace_name": "Second"}})).await.unwrap();
        let (id, key) = (text(&founded["workspace_id"]), text(&founded["admin_key"]));
        let path = format!("/api/workspace/{id}?confirm={id}");
        let deleted = request("DELETE", &path).header(header::AUTHORIZATION, format!("Bearer {key}"));
        self.send(deleted, &Value::Null).await;
    }

    /// What was sealed until now was sealed by an older key, and everybody has noticed.
    async fn replace_key(&self) {
        self.admin("POST", "/encryption-keys", &json!({})).await;
        self.clock.advance(Duration::from_mins(9));
    }

    /// Sessions at every stage.
    async fn open_sessions(&self, connector: &str, service_key: &str) -> BTreeMap<&'static str, String> {
        let (state, cookie) = self.begin(connector, "alice").await;
        let (parked, _) = self.begin(connector, "alice").await;
        let arrival = format!("/api/external-auth/callback/{connector}?code=given&state={parked}");
        self.send(request("GET", &arrival), &Value::Null).await;
        let (refused, _) = self.begin(connector, "alice").await;
        let arrival = format!("/api/external-auth/callback/{connector}?error=access_denied&state={refused}");
        self.send(request("GET", &arrival), &Value::Null).await;
        let body = json!({"user": {"issuer": ISSUER, "sub": "alice"}, "connector_id": connector});
        let path = format!("/api/apps/{APP}/connect-sessions");
        let linking = request("POST", &path).header(header::AUTHORIZATION, format!("Bearer {service_key}"));
        let linked = self.send(linking, &body).await;
        let linked: Value = serde_json::from_str(linked.body()).unwrap();
        let link = text(&linked["connect_url"]);
        let open = format!("{}/open", link.strip_prefix(BASE_URL).unwrap());
        let opened = self.send(request("POST", &open).header("x-own-page", "1"), &Value::Null).await;
        let link_cookie = opened.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let go_on = request("POST", &open.replace("/open", "/continue")).header("x-own-page", "1");
        let led = self.send(go_on.header(header::COOKIE, &link_cookie), &Value::Null).await;
        let led: Value = serde_json::from_str(led.body()).unwrap();
        let link_state = parameter(&text(&led["redirect_url"]), "state");
        BTreeMap::from([
            ("state", state),
            ("cookie", cookie),
            ("parked", parked),
            ("refused", refused),
            ("link", link_state),
            ("link-cookie", link_cookie),
        ])
    }

    async fn admin(&self, method: &str, rest: &str, body: &Value) -> Value {
        let request = request(method, &format!("/api/workspace/{}{rest}", self.workspace));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.admin_key));
        serde_json::from_str(self.send(request, body).await.body()).unwrap_or_default()
    }

    fn as_user(&self, method: &str, path: &str, user: &str) -> axum::http::request::Builder {
        let now = self.clock.now().as_second();
        let claims = json!({"iss": ISSUER, "aud": APP, "sub": user, "exp": now + 3_600});
        let token = Keys::get().token(&claims);
        request(method, path).header(header::AUTHORIZATION, format!("Bearer {token}"))
    }

    /// What the product answers; it must not refuse.
    async fn send(&self, request: axum::http::request::Builder, body: &Value) -> Response<String> {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = answered(self.product, request.body(body).unwrap()).await;
        assert!(answer.status().is_success() || answer.status().is_redirection(), "{answer:?}");
        answer
    }
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json")
}

fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}
