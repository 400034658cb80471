//! A deployment in which everything has happened that leaves an item behind, and which then stands still: every input
//! meets the same tables, and what it writes is taken and forgotten.

mod endpoint;
mod history;
mod provider;
mod shortcut;

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    http::{Request, Response},
};
use connectors::{clock::Clock, store::TableNames};
use http_body_util::BodyExt;
use local::{environment::Environment, product::Product};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use self::endpoint::Endpoint;
pub(crate) use self::history::{APP, ISSUER};

/// Where the product says that it is.
pub(crate) const BASE_URL: &str = "https://connect.example";

/// Where the app sends its users back to.
pub(crate) const RETURN_URL: &str = "https://app.example/done";

static WORLD: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(World::found()));

/// The deployment.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) product: Product,
    pub(crate) endpoint: Endpoint,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) tables: TableNames,
    /// Names that an input may use in braces for what they stand for here.
    pub(crate) names: BTreeMap<&'static str, String>,
    runtime: Runtime,
}

impl World {
    /// The one of this process, for one input at a time.
    pub(crate) fn get() -> MutexGuard<'static, Self> {
        WORLD.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clock = Clock::held_at("2026-11-22T10:00:00Z".parse().unwrap());
        let endpoint = Endpoint::start(&clock);
        let environment = endpoint.environment();
        let (product, names) = runtime.block_on(async {
            let product = Product::open(&environment, clock.clone()).await.unwrap();
            let names = history::happen(&product, &environment, &clock).await;
            endpoint.stand_still().await;
            // Another instance: it has read nothing yet.
            (Product::open(&environment, clock.clone()).await.unwrap(), names)
        });
        let names = names.into_iter().chain(endpoint.names()).collect();
        let (dynamodb, tables) = (endpoint.shortcut(), table_names(&environment));
        Self { clock, product, endpoint, dynamodb, tables, names, runtime }
    }

    /// Runs something to its end.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// An input with every `{name}` replaced by what it stands for.
    pub(crate) fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// What the product answers.
    pub(crate) fn ask(&self, request: Request<Body>) -> Response<String> {
        self.run(answered(&self.product, request))
    }
}

fn table_names(environment: &Environment) -> TableNames {
    let name = |name| environment.get(name).unwrap().to_owned();
    TableNames {
        registry: name("TABLE_REGISTRY"),
        connections: name("TABLE_CONNECTIONS"),
        sessions: name("TABLE_SESSIONS"),
        audit: name("TABLE_AUDIT"),
    }
}

/// One request to the product, and its whole answer.
async fn answered(product: &Product, request: Request<Body>) -> Response<String> {
    let (parts, body) = product.routes.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
