//! Tables, key and queues in this process, behind the endpoints that the AWS clients of the product speak to.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use connectors::clock::Clock;
use local::{
    aws::{self, Engines, dynamodb::Engine, eventbridge::Bus, kms::KeyService, sqs::Queues},
    environment::Environment,
    settings::Settings,
    tables,
};
use serde_json::Value;
use tokio::net::TcpListener;

use super::interference::{HeldRequest, Interference};

pub(crate) const BASE_URL: &str = "https://connect.example";

/// What the deployment's plans are. A workspace has none of them unless a test gives it one.
const PLANS: &str = r#"{"three": {"connectors": 3}, "none": {"connectors": 0, "custom_providers": false}, "two": {"connections": 2}, "hundred": {"connections": 100}, "own-only": {"shared": false}, "pro": {}}"#;

/// An item of a table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// How often each operation was asked for.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<HashMap<String, usize>>>);

/// The endpoints, and an environment that names them.
pub(crate) struct Aws {
    pub(crate) environment: Environment,
    pub(crate) queues: Arc<Queues>,
    pub(crate) bus: Arc<Bus>,
    client: Client,
    counter: Counter,
    interference: Interference,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Aws {
    pub(crate) async fn start(clock: &Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let memory = Path::new(":memory:");
        let queues = Arc::new(Queues::open(memory, "eu-west-1", clock.clone()).unwrap());
        let bus = Arc::<Bus>::default();
        let engines = Engines {
            dynamodb: Some(Engine::open(memory).unwrap()),
            kms: Some(Arc::new(KeyService::open(&folder.path().join("kms.key"), "eu-west-1").unwrap())),
            sqs: Some(queues.clone()),
            events: bus.clone(),
        };
        let (counter, interference) = (Counter::default(), Interference::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tapped = (counter.clone(), interference.clone());
        let routes = aws::router(engines).layer(middleware::from_fn_with_state(tapped, tap));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let settings = Settings::read(|_| None).unwrap();
        let set = |name: &str| (name == "PLANS").then(|| PLANS.to_owned());
        let environment = Environment::new(&settings, BASE_URL, address, set);
        let client = tables::client(&environment).unwrap();
        Self { environment, queues, bus, client, counter, interference, address, _folder: folder }
    }

    /// The environment of a deployment that is served under this address.
    pub(crate) fn environment_at(&self, base_url: &str) -> Environment {
        Environment::new(&Settings::read(|_| None).unwrap(), base_url, self.address, |_| None)
    }

    /// How often an operation was asked for, of all services.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.counter.0.lock().unwrap().get(operation).copied().unwrap_or(0)
    }

    /// Every item of every table, as text: names, keys, and bytes both as base64 and as they are.
    pub(crate) async fn dump(&self) -> String {
        let mut dump = String::new();
        for name in ["TABLE_REGISTRY", "TABLE_CONNECTIONS", "TABLE_SESSIONS", "TABLE_AUDIT"] {
            for item in self.all_items(name).await {
                for (name, value) in item {
                    let _ = writeln!(dump, "{name}={}", shown(&value));
                }
            }
        }
        dump
    }

    /// Every item of the table that this name of the environment names, but for what the doctor has noted of connectors,
    /// what others are still to be told, and how many connections there are.
    pub(crate) async fn items(&self, table: &str) -> Vec<Item> {
        let is_aside = |item: &Item| {
            item["sk"].as_s().is_ok_and(|sk| sk == "CHECKUP" || sk.starts_with("OUT#") || sk.starts_with("LANE#"))
        };
        self.all_items(table).await.into_iter().filter(|item| !is_aside(item)).collect()
    }

    /// Those too.
    pub(crate) async fn all_items(&self, table: &str) -> Vec<Item> {
        let scan = self.client.scan().table_name(self.environment.get(table).unwrap()).consistent_read(true);
        scan.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap()
    }
}

impl Aws {
    /// Writes one attribute of one connection over that of another, as whoever got hold of the table might.
    pub(crate) async fn overwrite(&self, attribute: &str, from: &Item, to: &Item) {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), to[name].clone()));
        let request = self.client.update_item().table_name(self.environment.get("TABLE_CONNECTIONS").unwrap());
        let request = request.set_key(Some(key.into())).update_expression(format!("SET {attribute} = :stolen"));
        request.expression_attribute_values(":stolen", from[attribute].clone()).send().await.unwrap();
    }
}

impl Aws {
    /// Holds the next request of this operation whose body has this text, before AWS has seen it.
    pub(crate) fn hold(&self, operation: &'static str, containing: &str) -> HeldRequest {
        self.interference.hold(operation, containing)
    }

    /// Refuses one request of this operation whose body has this text, after so many that pass.
    pub(crate) fn refuse(&self, operation: &'static str, containing: &str, after: usize) {
        self.interference.refuse(operation, containing, after);
    }

    /// Does what one request of this operation whose body has this text asks for, and loses the answer. When it is asked for
    /// once more, it is refused.
    pub(crate) fn lose_answer(&self, operation: &'static str, containing: &str) {
        self.interference.lose(operation, containing);
        self.interference.refuse(operation, containing, 0);
    }

    /// Whatever was still to be refused or held is not.
    pub(crate) fn refuse_nothing(&self) {
        self.interference.forget();
    }

    /// Asks the key service for something that the product never asks for.
    pub(crate) async fn kms(&self, operation: &str, body: &Value) -> Value {
        let request = connectors_tests::http::client().post(format!("http://{}", self.address));
        let request = request.header("x-amz-target", format!("TrentService.{operation}"));
        let answer = request.header("content-type", "application/x-amz-json-1.1").body(body.to_string()).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200, "{operation}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Removes an item, as whoever got hold of the table might.
    pub(crate) async fn remove(&self, table: &str, item: &Item) {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
        let request = self.client.delete_item().table_name(self.environment.get(table).unwrap());
        request.set_key(Some(key.into())).send().await.unwrap();
    }

    /// Stores an item as it is.
    pub(crate) async fn put(&self, table: &str, item: Item) {
        let request = self.client.put_item().table_name(self.environment.get(table).unwrap());
        request.set_item(Some(item)).send().await.unwrap();
    }
}

/// A value as text, its fields in the order of their names.
pub(crate) fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::B(bytes) => {
            format!("{} {}", BASE64_STANDARD.encode(bytes.as_ref()), String::from_utf8_lossy(bytes.as_ref()))
        }
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        AttributeValue::L(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
        AttributeValue::M(values) => {
            let sorted: BTreeMap<_, _> = values.iter().collect();
            sorted.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}

async fn tap(State((counter, interference)): State<(Counter, Interference)>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.split('.').next_back().unwrap_or_default().to_owned();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    *counter.0.lock().unwrap().entry(operation.clone()).or_default() += 1;
    let request = Request::from_parts(parts, Body::from(body.clone()));
    interference.meet(&operation, &body, next.run(request)).await
}
