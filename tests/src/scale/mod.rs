//! Many connections whose time has come, a provider that answers at once, and a count of everything that refreshing them
//! asks of AWS. For the bench of scale, and for a small test that holds the same limits.

mod functions;
mod load;
mod provider;
mod tap;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_sdk_dynamodb::Client;
use axum::{Router, middleware};
use connectors::{clock::Clock, config::Config};
use local::{
    aws::{self, Engines, dynamodb::Engine, kms::KeyService, sqs::Queues},
    environment::Environment,
    product::Product,
    settings::Settings,
    tables,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::http;

pub use functions::{Functions, Worked};
pub use provider::FastProvider;
pub use tap::{Counts, Tap};

/// A deployment with nothing in it but one workspace, and what it is measured by.
pub struct Fleet {
    /// Time, as everybody here has it.
    pub clock: Clock,
    /// What is asked of AWS.
    pub tap: Tap,
    /// The provider of every connector.
    pub provider: FastProvider,
    /// All functions, in this process.
    pub product: Product,
    environment: Environment,
    queues: Arc<Queues>,
    client: Client,
    api: String,
    workspace: String,
    admin_key: String,
    _folder: tempfile::TempDir,
}

impl Fleet {
    /// Starts one whose tables lie in memory, with a provider that rotates refresh tokens, or does not.
    pub async fn in_memory(clock: Clock, rotates: bool) -> Self {
        Self::start(clock, rotates, |_| ":memory:".into()).await
    }

    /// The same with tables on disk.
    pub async fn on_disk(clock: Clock, rotates: bool) -> Self {
        Self::start(clock, rotates, |folder| folder.join("tables")).await
    }

    async fn start(clock: Clock, rotates: bool, tables: impl Fn(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = FastProvider::start(rotates).await;
        let tap = Tap::default();
        let queues = Arc::new(Queues::open(Path::new(":memory:"), "eu-west-1", clock.clone()).unwrap());
        let engines = Engines {
            dynamodb: Some(Engine::open(&tables(folder.path())).unwrap()),
            kms: Some(Arc::new(KeyService::open(&folder.path().join("kms.key"), "eu-west-1").unwrap())),
            sqs: Some(queues.clone()),
            events: Arc::default(),
        };
        let counted = aws::router(engines).layer(middleware::from_fn_with_state(tap.clone(), tap::count));
        let environment = environment(serve(counted).await);
        let product = Product::open(&environment, clock.clone()).await.unwrap();
        let api = format!("http://{}", serve(product.routes.clone()).await);
        let founded = (product.manage_connector)(json!({"bootstrap": {"workspace_name": "Large"}})).await.unwrap();
        let text = |name: &str| founded[name].as_str().unwrap().to_owned();
        let (workspace, admin_key) = (text("workspace_id"), text("admin_key"));
        let client = tables::client(&environment).unwrap();
        let fleet = Self {
            clock,
            tap,
            provider,
            product,
            environment,
            queues,
            client,
            api,
            workspace,
            admin_key,
            _folder: folder,
        };
        fleet.administer("/providers", &fleet.provider.registration()).await;
        fleet
    }

    /// The environment of a function that runs in a process of its own.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let file = self.environment.to_file();
        let pairs = file.lines().map(|line| line.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The functions' settings.
    fn config(&self) -> Config {
        Config::read(|name| self.environment.get(name).map(str::to_owned)).unwrap()
    }

    /// The workspace's administrator makes something; the answer.
    async fn administer(&self, path: &str, body: &Value) -> Value {
        let request = http::client().post(format!("{}/api/workspace/{}{path}", self.api, self.workspace));
        let request = request.bearer_auth(&self.admin_key).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }
}

fn environment(aws: SocketAddr) -> Environment {
    Environment::new(&Settings::read(|_| None).unwrap(), "https://connect.example", aws, |_| None)
}

async fn serve(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}
