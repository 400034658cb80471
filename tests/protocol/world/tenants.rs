//! Workspaces with their apps and connectors, registered as an admin registers them.

use connectors::random::Random;
use serde_json::{Value, json};

use super::{Call, PROVIDER, SigningKey, World, jwks, text};

/// Where every app sends its users back to.
pub(crate) const RETURN_URL: &str = "https://app.example/done";

/// A workspace and its first key.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) admin_key: String,
}

/// An app with its service key, and the issuer of its users.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) service_key: String,
    pub(crate) service_key_id: String,
    pub(crate) issuer: String,
    pub(crate) signer: SigningKey,
}

/// A connector, and the client that is registered for it.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) id: String,
    pub(crate) redirect_uri: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

impl Workspace {
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/workspace/{}{rest}", self.id)
    }

    pub(crate) fn admin(&self, world: &World, method: &str, rest: &str) -> Call {
        world.call(method, &self.path(rest)).bearer(&self.admin_key)
    }
}

impl App {
    pub(super) fn nobodys() -> Self {
        Self {
            id: String::new(),
            service_key: String::new(),
            service_key_id: String::new(),
            issuer: String::new(),
            signer: SigningKey::p256("nobody"),
        }
    }

    /// The claims of a user of this app, good for an hour.
    pub(crate) fn claims(&self, world: &World, user: &str) -> Value {
        let now = world.clock.now().as_second();
        json!({"iss": self.issuer, "aud": self.id, "sub": user, "iat": now, "exp": now + 3_600})
    }

    /// A user of this app, signed in.
    pub(crate) fn user(&self, world: &World, user: &str) -> String {
        let token = self.signer.sign(&self.claims(world, user));
        world.keep_secret(&token);
        token
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/apps/{}{rest}", self.id)
    }
}

impl World {
    /// Registers an app whose issuer's keys are registered with it.
    pub(crate) async fn register_app(&self, workspace: &Workspace, id: &str) -> App {
        let signer = SigningKey::p256(&format!("{id}-key"));
        let issuer = format!("https://{id}.example");
        let app = json!({"id": id, "name": id, "origins": ["https://app.example"], "return_urls": [RETURN_URL]});
        workspace.admin(self, "POST", "/apps").json(&app).send().await.expect(201);
        let identity = json!({"issuer": issuer, "audience": id, "jwks": jwks(&[&signer])});
        workspace.admin(self, "PUT", &format!("/apps/{id}/identity")).json(&identity).send().await.expect(200);
        let (service_key, service_key_id) = self.service_key(workspace, id, &[]).await;
        App { id: id.to_owned(), service_key, service_key_id, issuer, signer }
    }

    /// A new key for an app's backend, and its id.
    pub(crate) async fn service_key(&self, workspace: &Workspace, app: &str, permissions: &[&str]) -> (String, String) {
        let body = json!({"name": "backend", "permissions": permissions});
        let key = workspace.admin(self, "POST", &format!("/apps/{app}/keys")).json(&body).send().await.expect(201);
        self.keep_secret(&text(&key["key"]));
        (text(&key["key"]), text(&key["key_id"]))
    }

    pub(crate) async fn define_provider(&self, workspace: &Workspace, id: &str) {
        let registration = self.provider.registration(id);
        workspace.admin(self, "POST", "/providers").json(&registration).send().await.expect(201);
    }

    /// A connector of the first workspace, with a client of its own, that asks for `read` and `write`.
    pub(crate) async fn connector(&self, name: &str) -> Connector {
        self.connector_of(&self.workspace, name, &["read", "write"]).await
    }

    pub(crate) async fn connector_of(&self, workspace: &Workspace, name: &str, scopes: &[&str]) -> Connector {
        self.connector_at(workspace, PROVIDER, name, scopes).await
    }

    /// A connector of the first workspace to the provider, of whose refreshes its data says this.
    pub(crate) async fn connector_that_refreshes(&self, id: &str, refresh: &Value) -> Connector {
        let mut registration = self.provider.registration(id);
        registration["refresh"] = refresh.clone();
        self.admin("POST", "/providers").json(&registration).send().await.expect(201);
        self.connector_at(&self.workspace, id, id, &["read", "write"]).await
    }

    pub(crate) async fn connector_at(
        &self,
        workspace: &Workspace,
        provider: &str,
        name: &str,
        scopes: &[&str],
    ) -> Connector {
        self.connector_of_kind(workspace, provider, name, scopes, "per_user").await
    }

    pub(crate) async fn connector_of_kind(
        &self,
        workspace: &Workspace,
        provider: &str,
        name: &str,
        scopes: &[&str],
        kind: &str,
    ) -> Connector {
        let client_id = format!("client-{}", Random::default().token());
        let client_secret = format!("secret-{}", Random::default().token());
        self.provider.register_client(&client_id, &client_secret);
        self.keep_secret(&client_secret);
        let body = json!({
            "integration_type": provider, "name": name, "client_id": client_id, "client_secret": client_secret,
            "scopes": scopes, "kind": kind,
        });
        let created = workspace.admin(self, "POST", "/connectors").json(&body).send().await.expect(201);
        Connector { id: text(&created["id"]), redirect_uri: text(&created["redirect_uri"]), client_id, client_secret }
    }

    /// Changes a connector of the first workspace.
    pub(crate) async fn change(&self, connector: &Connector, change: &Value) -> Value {
        self.admin("PUT", &format!("/connectors/{}", connector.id)).json(change).send().await.expect(200)
    }
}
