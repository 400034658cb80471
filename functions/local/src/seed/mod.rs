//! What is there when the demo begins: a workspace, an app with its issuer and service key, and a connector to the demo
//! calendar. Made once, through the public API, as a person would make them; the workspace itself by the event that makes
//! the first workspace of a deployment.

mod api;
mod dev_file;

use api::Api;
use axum::http::{Method, StatusCode};
use connectors::{random::Random, web::EventError};
pub use dev_file::DevFile;
use serde_json::{Value, json};

use crate::{
    demo::provider::{Client, DemoProvider, Scope},
    product::Product,
};

/// What the connector is called.
const CONNECTOR_NAME: &str = "Demo Calendar";

/// The id of the demo authorization server in the workspace's catalogue.
const PROVIDER_ID: &str = "demo";

/// The client that the connector is at the demo authorization server.
const CLIENT_ID: &str = "demo-calendar-client";

/// Why the demo can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The workspace can't be made.
    #[error("the demo workspace can't be made: {0}")]
    Bootstrap(#[from] EventError),
    /// A request was refused.
    #[error("{path} answered {status}: {detail}")]
    Refused {
        /// Which.
        path: String,
        /// The status of the answer.
        status: u16,
        /// What the answer said.
        detail: String,
    },
    /// An answer lacks what is needed.
    #[error("the answer of {path} can't be read")]
    Unreadable {
        /// Which.
        path: String,
    },
    /// The demo authorization server can't register the client.
    #[error(transparent)]
    Provider(#[from] crate::demo::provider::StorageError),
}

/// What the demo is made with.
pub struct Seed<'a> {
    /// The product.
    pub product: &'a Product,
    /// The demo authorization server.
    pub provider: &'a DemoProvider,
    /// The issuer of the demo users.
    pub issuer: &'a str,
    /// Where everything is served.
    pub base_url: &'a str,
}

/// The parts of the demo that have an id or a key.
#[derive(Clone)]
pub struct Seeded {
    /// The workspace.
    pub workspace_id: String,
    /// Its administrator's key.
    pub admin_key: String,
    /// The app.
    pub app_id: String,
    /// The key of its backend.
    pub service_key: String,
    /// The connector.
    pub connector_id: String,
}

impl Seed<'_> {
    /// The demo of an earlier start as far as it still stands, and what it lacks.
    ///
    /// # Errors
    /// [`SeedError`].
    pub async fn find_or_make(&self, earlier: Option<DevFile>) -> Result<Seeded, SeedError> {
        let Some(earlier) = earlier else { return self.make().await };
        let api = Api { routes: &self.product.routes, admin_key: &earlier.admin_key };
        let path = format!("/api/workspace/{}/connectors/{}", earlier.workspace_id, earlier.connector_id);
        let (status, connector) = api.send(Method::GET, &path, None).await?;
        match status {
            StatusCode::OK => self.repair(&api, &earlier, Some(connector)).await,
            StatusCode::NOT_FOUND => self.repair(&api, &earlier, None).await,
            // The tables were deleted, or are other ones: the keys of the earlier start mean nothing in them.
            StatusCode::UNAUTHORIZED => self.make().await,
            other => Err(refused(path, other, &connector)),
        }
    }

    async fn make(&self) -> Result<Seeded, SeedError> {
        let event = json!({"bootstrap": {"workspace_name": "Demo workspace"}});
        let made = (self.product.manage_connector)(event).await?;
        let (workspace_id, admin_key) = (text(&made, "workspace_id")?, text(&made, "admin_key")?);
        let api = Api { routes: &self.product.routes, admin_key: &admin_key };
        let workspace = format!("/api/workspace/{workspace_id}");
        let app = api.call(Method::POST, &format!("{workspace}/apps"), self.app()).await?;
        let app_id = text(&app, "id")?;
        let app = format!("{workspace}/apps/{app_id}");
        api.call(Method::PUT, &format!("{app}/identity"), self.identity(&app_id)).await?;
        let key = json!({"name": "Demo backend", "permissions": ["tokens:offline"]});
        let key = api.call(Method::POST, &format!("{app}/keys"), key).await?;
        let connector_id = self.connect(&api, &workspace).await?;
        Ok(Seeded { app_id, service_key: text(&key, "key")?, connector_id, workspace_id, admin_key })
    }

    /// Brings what depends on the base URL, or on files that may have been deleted, up to date.
    async fn repair(&self, api: &Api<'_>, earlier: &DevFile, connector: Option<Value>) -> Result<Seeded, SeedError> {
        let workspace = format!("/api/workspace/{}", earlier.workspace_id);
        let app = format!("{workspace}/apps/{}", earlier.app_id);
        let has_moved = earlier.base_url != self.base_url;
        if has_moved {
            api.call(Method::PUT, &app, self.app()).await?;
            api.call(Method::PUT, &format!("{app}/identity"), self.identity(&earlier.app_id)).await?;
        }
        let redirect_uri = connector.as_ref().and_then(|connector| connector["redirect_uri"].as_str());
        let is_known = redirect_uri.is_some_and(|uri| self.provider.knows(CLIENT_ID, uri).unwrap_or(false));
        let connector_id = if is_known && !has_moved {
            earlier.connector_id.clone()
        } else {
            if connector.is_some() {
                // Without revoking: the grants were made at the old address, where nobody answers any more.
                let path = format!("{workspace}/connectors/{}?revoke=false", earlier.connector_id);
                api.call(Method::DELETE, &path, Value::Null).await?;
            }
            self.connect(api, &workspace).await?
        };
        let DevFile { workspace_id, admin_key, app_id, service_key, .. } = earlier.clone();
        Ok(Seeded { workspace_id, admin_key, app_id, service_key, connector_id })
    }

    /// Defines the provider and makes a connector to it; registers the connector as a client there. A definition from an
    /// earlier address is replaced.
    async fn connect(&self, api: &Api<'_>, workspace: &str) -> Result<String, SeedError> {
        let providers = format!("{workspace}/providers");
        api.send(Method::DELETE, &format!("{providers}/{PROVIDER_ID}"), None).await?;
        api.call(Method::POST, &providers, self.provider_definition()).await?;
        let secret = Random::default().token();
        let body = json!({
            "integration_type": PROVIDER_ID, "name": CONNECTOR_NAME, "client_id": CLIENT_ID, "client_secret": secret,
            "scopes": ["profile", "events.read", "events.write"], "connection_config": {}, "kind": "per_user",
        });
        let connector = api.call(Method::POST, &format!("{workspace}/connectors"), body).await?;
        let redirect_uri = text(&connector, "redirect_uri")?;
        let client = Client { id: CLIENT_ID.to_owned(), name: "Planner".to_owned(), redirect_uri };
        self.provider.register(&client, &secret)?;
        text(&connector, "id")
    }

    fn app(&self) -> Value {
        json!({"name": "Planner", "origins": [self.base_url], "return_urls": [format!("{}/", self.base_url)]})
    }

    fn identity(&self, app_id: &str) -> Value {
        json!({"issuer": self.issuer, "audience": app_id})
    }

    /// The demo authorization server as a provider of the workspace.
    fn provider_definition(&self) -> Value {
        let issuer = self.provider.issuer();
        json!({
            "id": PROVIDER_ID,
            "name": CONNECTOR_NAME,
            "categories": ["calendar"],
            "setup": format!(
                "POST {{\"redirect_uris\": [\"…\"]}} with the redirect URI shown here to {issuer}/register; the answer has the client \
                 id and secret."
            ),
            "suggested_scopes": Scope::ALL
                .map(|scope| json!({"scope": scope.name(), "description": scope.meaning()})),
            "authorize": {"url": format!("{issuer}/authorize"), "pkce": "required"},
            "token": {"url": format!("{issuer}/token"), "client_auth": "basic"},
            "refresh": {"rotation": "always"},
            "revoke": {"url": format!("{issuer}/revoke")},
            "identity": {"url": format!("{issuer}/userinfo"), "id": "sub", "email": "email", "label": "email"},
            "oidc": {"issuer": issuer, "iss_parameter_supported": true},
            "api": {"base_url": format!("{issuer}/api")},
        })
    }
}

fn text(answer: &Value, field: &str) -> Result<String, SeedError> {
    answer[field].as_str().map(str::to_owned).ok_or_else(|| SeedError::Unreadable { path: format!("field {field}") })
}

fn refused(path: String, status: StatusCode, answer: &Value) -> SeedError {
    SeedError::Refused {
        path,
        status: status.as_u16(),
        detail: answer["detail"].as_str().unwrap_or_default().to_owned(),
    }
}
