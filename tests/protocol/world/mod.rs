//! A deployment in one process, with everything around it: AWS, a provider, the issuers of its apps' users, browsers. Time
//! stands still until a test moves it.

mod api;
mod api_double;
mod aws;
mod browser;
pub(crate) mod described;
pub(crate) mod encryption;
mod interference;
pub(crate) mod journeys;
mod log;
pub(crate) mod moving;
mod provider;
mod queues;
mod shared;
mod tenants;
pub(crate) mod wire;

use std::{sync::Mutex, time::Duration};

use connectors::clock::Clock;
use local::product::Product;
use serde_json::{Value, json};

pub(crate) use api::{Answer, Call};
#[allow(unused_imports, reason = "only one of the rooms that share this world calls an API")]
pub(crate) use api_double::{ApiDouble, Seen};
#[allow(unused_imports, reason = "not every room that shares this world looks at values")]
pub(crate) use aws::{Item, shown};
pub(crate) use browser::Browser;
pub(crate) use connectors_tests::idp::{SigningKey, hs256, jwks, unsigned};
pub(crate) use provider::{Entry, FakeProvider, Hold, Revocation, Rotate, Step};
pub(crate) use tenants::{App, Connector, RETURN_URL, Workspace};
pub(crate) use wire::{Reply, serve};

use api::Answers;
use aws::Aws;
use log::LogTap;

/// The name under which the fake provider is registered.
pub(crate) const PROVIDER: &str = "fake";

/// Everything.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) aws: Aws,
    pub(crate) provider: FakeProvider,
    pub(crate) log: LogTap,
    pub(crate) workspace: Workspace,
    pub(crate) app: App,
    product: Product,
    handed_out: Mutex<Vec<String>>,
    pub(crate) answers: Answers,
}

impl World {
    /// A workspace with an app, and a provider that answers without `iss`.
    pub(crate) async fn new() -> Self {
        Self::with_provider(FakeProvider::start(false).await).await
    }

    pub(crate) async fn with_provider(provider: FakeProvider) -> Self {
        let log = LogTap::open();
        let clock = Clock::held_at("2026-11-22T10:00:00Z".parse().unwrap());
        let aws = Aws::start(&clock).await;
        let product = Product::open(&aws.environment, clock.clone()).await.unwrap();
        let (workspace, app) = (Workspace::default(), App::nobodys());
        let mut world = Self {
            clock,
            aws,
            provider,
            log,
            workspace,
            app,
            product,
            handed_out: Mutex::default(),
            answers: Answers::default(),
        };
        world.workspace = world.found("First").await;
        world.app = world.register_app(&world.workspace, "first-app").await;
        world.define_provider(&world.workspace, PROVIDER).await;
        world
    }

    /// The same deployment through another instance of every function: other caches, the same tables.
    pub(crate) async fn another_instance(&self) -> Product {
        Product::open(&self.aws.environment, self.clock.clone()).await.unwrap()
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.product.routes.clone(), method, path).noted_in(&self.answers)
    }

    /// A request of the first workspace's admin.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Call {
        self.workspace.admin(self, method, path)
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Founds a workspace as whoever may invoke the function does.
    pub(crate) async fn found(&self, name: &str) -> Workspace {
        self.found_with(&json!({"workspace_name": name})).await.unwrap()
    }

    /// Founds a workspace with this event's content, or says why not.
    pub(crate) async fn found_with(&self, bootstrap: &Value) -> Result<Workspace, String> {
        let founded = (self.product.manage_connector)(json!({"bootstrap": bootstrap})).await;
        let founded = founded.map_err(|error| error.to_string())?;
        let workspace = Workspace { id: text(&founded["workspace_id"]), admin_key: text(&founded["admin_key"]) };
        self.keep_secret(&workspace.admin_key);
        Ok(workspace)
    }

    /// Gives a workspace a plan as whoever may invoke the function does, or says why not.
    pub(crate) async fn give_plan(&self, workspace: &Workspace, plan: &Value) -> Result<Value, String> {
        let change = json!({"set_plan": {"workspace": workspace.id, "plan": plan}});
        (self.product.manage_connector)(change).await.map_err(|error| error.to_string())
    }

    /// Remembers a secret that a test was handed.
    pub(crate) fn keep_secret(&self, secret: &str) {
        self.handed_out.lock().unwrap().push(secret.to_owned());
    }

    /// Everything that must never be seen but where it belongs.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = self.handed_out.lock().unwrap().clone();
        secrets.extend(self.provider.secrets());
        secrets.sort();
        secrets.dedup();
        secrets
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
