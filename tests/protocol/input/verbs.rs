//! Every verb that takes a body: how it is called, and what its fields take.

use serde_json::{Value, json};

use crate::world::{App, Call, Connector, PROVIDER, World, jwks};

/// What a text must not be; the others below for lists and maps.
fn no_texts() -> Vec<Value> {
    vec![json!(null), json!(7), json!(""), json!([]), json!({}), json!(true), json!("a\u{0}b")]
}

fn no_lists() -> Vec<Value> {
    vec![json!(null), json!(7), json!(""), json!({}), json!([7]), json!([null]), json!([""])]
}

fn no_maps() -> Vec<Value> {
    vec![json!(null), json!(7), json!(""), json!([]), json!({"a": 7}), json!({"a": null})]
}

/// A verb with a body that is right.
pub(super) struct Verb {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
    /// Its fields, each with what it must not take.
    pub(super) fields: Vec<(&'static str, Vec<Value>)>,
    /// The fields that it cannot do without.
    pub(super) required: &'static [&'static str],
    bearer: String,
}

impl Verb {
    fn admin(world: &World, method: &'static str, rest: &str, body: Value) -> Self {
        let (path, bearer) = (world.workspace.path(rest), world.workspace.admin_key.clone());
        Self { method, path, body, fields: Vec::new(), required: &[], bearer }
    }

    fn app(app: &App, rest: &str, bearer: &str, body: Value) -> Self {
        let (path, bearer) = (app.path(rest), bearer.to_owned());
        Self { method: "POST", path, body, fields: Vec::new(), required: &[], bearer }
    }

    fn texts(self, names: &[&'static str]) -> Self {
        self.with(names, &no_texts())
    }

    fn lists(self, names: &[&'static str]) -> Self {
        self.with(names, &no_lists())
    }

    fn maps(self, names: &[&'static str]) -> Self {
        self.with(names, &no_maps())
    }

    fn with(mut self, names: &[&'static str], wrong: &[Value]) -> Self {
        self.fields.extend(names.iter().map(|name| (*name, wrong.to_vec())));
        self
    }

    fn requires(self, required: &'static [&'static str]) -> Self {
        Self { required, ..self }
    }

    pub(super) fn call(&self, world: &World) -> Call {
        world.call(self.method, &self.path).bearer(&self.bearer)
    }

    /// Expects a refusal that names the field, or an entry of it.
    pub(super) async fn refuses(&self, world: &World, body: &Value, field: &str) {
        let problem = self.call(world).json(body).send().await.expect(422);
        let (pointer, below) = (format!("/{field}"), format!("/{field}/"));
        let named = problem["errors"].as_array().unwrap().iter().any(|error| {
            let at = error["pointer"].as_str().unwrap();
            at == pointer || at.starts_with(&below)
        });
        assert!(named && problem["detail"].is_string(), "{} {} {body}: {problem}", self.method, self.path);
    }
}

/// All of them, on the first workspace and its app.
pub(super) async fn verbs(world: &World) -> Vec<Verb> {
    let connector = world.connector("Calendar").await;
    let session = world.begin(&connector, "alice").await.session;
    let shared = world.shared_connector("Office").await;
    let mut verbs = of_connectors(world, &connector);
    let wishes = json!({"return_to": "https://app.example/done"});
    verbs.push(Verb::admin(world, "POST", &format!("/connectors/{}/connect", shared.id), wishes).texts(&["return_to"]));
    verbs.extend(of_apps(world));
    verbs.extend(of_users(world, &connector, &session));
    verbs
}

fn of_connectors(world: &World, connector: &Connector) -> Vec<Verb> {
    let body = json!({
        "integration_type": PROVIDER, "id": "con_01ARZ3NDEKTSV4RRFFQ69G5FAV", "name": "Another", "client_id": "id",
        "client_secret": "s", "scopes": ["read"], "connection_config": {"region": "eu"}, "kind": "per_user",
    });
    let change = without(&body, &["integration_type", "id", "kind"]);
    let client = |verb: Verb| {
        verb.texts(&["name", "client_id", "client_secret"]).lists(&["scopes"]).maps(&["connection_config"])
    };
    let provider = without(&world.provider.registration("another"), &["oidc"]);
    vec![
        client(Verb::admin(world, "POST", "/connectors", body)).texts(&["integration_type", "id", "kind"]).requires(&[
            "integration_type",
            "name",
            "client_id",
            "client_secret",
        ]),
        client(Verb::admin(world, "PUT", &format!("/connectors/{}", connector.id), change)),
        Verb::admin(world, "POST", "/providers", provider)
            .texts(&["id", "name", "authorize", "token"])
            .requires(&["id", "name"]),
    ]
}

fn of_apps(world: &World) -> Vec<Verb> {
    let body = json!({
        "name": "App", "origins": ["https://a.example"], "return_urls": ["https://a.example/"],
        "session_binding": "strict", "handle_delivery": "fragment",
    });
    let settings =
        |verb: Verb| verb.texts(&["name", "session_binding", "handle_delivery"]).lists(&["origins", "return_urls"]);
    let identity = json!({"issuer": "https://a.example", "audience": "a", "jwks": jwks(&[&world.app.signer])});
    vec![
        settings(Verb::admin(world, "POST", "/apps", body.clone())).requires(&["name"]),
        settings(Verb::admin(world, "PUT", "/apps/first-app", body)),
        Verb::admin(world, "PUT", "/apps/first-app/identity", identity)
            .texts(&["issuer", "audience", "jwks"])
            .requires(&["issuer", "audience"]),
        Verb::admin(world, "POST", "/apps/first-app/keys", json!({"name": "k", "permissions": []}))
            .texts(&["name"])
            .lists(&["permissions"]),
        Verb::admin(world, "POST", "/keys", json!({"name": "k", "role": "read"})).texts(&["name", "role"]),
        Verb::admin(world, "PUT", "/encryption-keys", json!({"kms_key_arn": null}))
            .with(&["kms_key_arn"], &no_texts()[1..])
            .requires(&["kms_key_arn"]),
    ]
}

fn of_users(world: &World, connector: &Connector, session: &str) -> Vec<Verb> {
    let (app, alice) = (&world.app, world.app.user(world, "alice"));
    let wishes = json!({"return_to": "https://app.example/done", "scopes": ["read"], "login_hint": "a", "label": "b"});
    let link = json!({"user": {"issuer": app.issuer, "sub": "a"}, "connector_id": connector.id});
    vec![
        Verb::app(app, &format!("/app-user-auth/connectors/{}/initiate", connector.id), &alice, wishes)
            .texts(&["return_to", "login_hint", "label", "connection_id"])
            .lists(&["scopes"]),
        Verb::app(app, "/connect-sessions", &app.service_key, link)
            .texts(&["user", "connector_id", "return_to"])
            .requires(&["user", "connector_id"]),
        Verb::app(app, &format!("/app-user-auth/sessions/{session}/finish"), &alice, json!({"handle": "h"}))
            .texts(&["handle"])
            .requires(&["handle"]),
    ]
}

/// The body without these members.
pub(super) fn without(body: &Value, names: &[&str]) -> Value {
    let mut body = body.clone();
    for name in names {
        body.as_object_mut().unwrap().remove(*name);
    }
    body
}
