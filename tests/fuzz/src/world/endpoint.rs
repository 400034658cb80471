//! AWS in this process: the engines of the local process while everything happens, and afterwards the items that they hold,
//! as they are, for ever.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use connectors::{clock::Clock, random::Random};
use local::{
    aws::{self, Engines, dynamodb::Engine, kms::KeyService, sqs::Queues},
    environment::Environment,
    settings::Settings,
    tables,
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::{BASE_URL, provider, shortcut};

/// An item as it travels: attributes with their kinds.
pub(crate) type Item = Map<String, Value>;

/// The tables that there are, by their names in the environment.
const TABLES: [&str; 4] = ["TABLE_REGISTRY", "TABLE_CONNECTIONS", "TABLE_SESSIONS", "TABLE_AUDIT"];

/// Where AWS and the provider are reached.
pub(crate) struct Endpoint {
    address: SocketAddr,
    still: Arc<Still>,
}

/// What the tables hold, once nothing happens any more.
#[derive(Debug, Default)]
pub(super) struct Still(Mutex<Holding>);

#[derive(Debug, Default)]
pub(super) struct Holding {
    stands: bool,
    items: BTreeMap<(String, String, String), Item>,
    /// What is read instead, whatever is asked for; and the table that a request for several looks for it in.
    laid_out: Option<(&'static str, Value)>,
}

impl Endpoint {
    /// Serves AWS and a provider from a thread of its own.
    pub(crate) fn start(clock: &Clock) -> Self {
        let still = Arc::<Still>::default();
        let (served, clock) = (still.clone(), clock.clone());
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, routes(&clock, served)).await.unwrap();
            });
        });
        Self { address: told.recv().unwrap(), still }
    }

    /// The environment of the functions.
    pub(crate) fn environment(&self) -> Environment {
        Environment::new(&Settings::read(|_| None).unwrap(), BASE_URL, self.address, |_| None)
    }

    /// A client of the tables, once they stand still.
    pub(crate) fn shortcut(&self) -> aws_sdk_dynamodb::Client {
        shortcut::client(&tables::client(&self.environment()).unwrap(), &self.still)
    }

    /// From here on the tables hold what they hold now.
    pub(crate) async fn stand_still(&self) {
        let environment = self.environment();
        let client = tables::client(&environment).unwrap();
        for table in TABLES.map(|name| environment.get(name).unwrap()) {
            let scan = client.scan().table_name(table).into_paginator().items().send();
            for item in scan.collect::<Result<Vec<_>, _>>().await.unwrap() {
                let item: Item = item.iter().map(|(name, value)| (name.clone(), wire(value))).collect();
                let key = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
                self.still.lock().items.insert((table.to_owned(), key("pk"), key("sk")), item);
            }
        }
        self.still.lock().stands = true;
    }

    /// The first item, by table and key, that is of a kind.
    pub(crate) fn find(&self, is_of_kind: impl Fn(&str, &Item) -> bool) -> Option<Item> {
        let still = self.still.lock();
        still.items.iter().find(|((table, ..), item)| is_of_kind(table, item)).map(|(_, item)| item.clone())
    }

    /// Names for what stands in the tables: the keys and the place of a connection, something sealed, and a grant that ended.
    pub(crate) fn names(&self) -> Vec<(&'static str, String)> {
        let of_kind = |prefix: &str| {
            let is_of_kind = |_: &str, item: &Item| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(prefix));
            self.find(is_of_kind).expect("an item of this kind")
        };
        let text = |item: &Item, name: &str| item[name]["S"].as_str().unwrap().to_owned();
        let (connection, ended) = (&of_kind("CONN#"), &of_kind("ENDED#con_"));
        let place = json!({
            "workspace": text(connection, "workspace_id"),
            "app": text(connection, "app_id"),
            "issuer": text(connection, "issuer"),
            "subject": text(connection, "subject"),
            "connector": text(connection, "connector_id"),
        });
        vec![
            ("pk", text(connection, "pk")),
            ("sk", text(connection, "sk")),
            ("place", place.to_string()),
            ("sealed", connection["access_token"]["B"].as_str().unwrap().to_owned()),
            ("ended-pk", text(ended, "pk")),
            ("ended-sk", text(ended, "sk")),
        ]
    }

    /// Whatever is read from now on is this, as if it stood in that table.
    pub(crate) fn lay_out(&self, table: &'static str, item: Item) {
        self.still.lock().laid_out = Some((table, item.into()));
    }

    /// What is read is what stands there again.
    pub(crate) fn clear_away(&self) {
        self.still.lock().laid_out = None;
    }
}

impl Still {
    pub(super) fn lock(&self) -> MutexGuard<'_, Holding> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holding {
    /// The answer to an operation on items; nothing for what the engines are still to answer.
    pub(super) fn answer(&self, operation: &str, request: &Value) -> Option<Value> {
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        let laid_out = || self.laid_out.as_ref().map(|(_, item)| item.clone());
        let found = |key: &Value| laid_out().or_else(|| self.find(text("TableName"), key));
        Some(match operation {
            "GetItem" => found(&request["Key"]).map_or_else(|| json!({}), |item| json!({"Item": item})),
            "UpdateItem" => found(&request["Key"]).map_or_else(|| json!({}), |item| json!({"Attributes": item})),
            "PutItem" | "DeleteItem" | "TransactWriteItems" => json!({}),
            "Query" => json!({"Items": self.query(text("TableName"), &request["ExpressionAttributeValues"])}),
            "BatchGetItem" => json!({"Responses": self.batch(&request["RequestItems"]), "UnprocessedKeys": {}}),
            "SendMessage" => json!({"MessageId": Random::default().token(), "MD5OfMessageBody": ""}),
            "SendMessageBatch" => json!({"Successful": [], "Failed": []}),
            _ => return None,
        })
    }

    fn find(&self, table: &str, key: &Value) -> Option<Value> {
        let part = |name: &str| key[name]["S"].as_str().unwrap_or_default().to_owned();
        self.items.get(&(table.to_owned(), part("pk"), part("sk"))).cloned().map(Value::Object)
    }

    /// Items of one owner, or of one shard of an index.
    fn query(&self, table: &str, values: &Value) -> Vec<Value> {
        if let Some((_, item)) = &self.laid_out {
            return vec![item.clone()];
        }
        let value = |name: &str| values[name]["S"].as_str();
        let is_asked_for = |pk: &str, sk: &str, item: &Item| match (value(":pk"), value(":shard")) {
            (Some(owner), _) => pk == owner && sk.starts_with(value(":prefix").unwrap_or_default()),
            (None, Some(shard)) => item.values().any(|value| value["S"] == shard),
            _ => false,
        };
        let of_table = self.items.iter().filter(|((of, pk, sk), item)| of == table && is_asked_for(pk, sk, item));
        of_table.map(|(_, item)| Value::Object(item.clone())).collect()
    }

    fn batch(&self, wanted: &Value) -> Map<String, Value> {
        let wanted = wanted.as_object().into_iter().flatten();
        let found = |table: &String, keys: &Value| -> Vec<Value> {
            match &self.laid_out {
                Some((of, item)) if table.ends_with(of) => vec![item.clone()],
                _ => keys["Keys"].as_array().into_iter().flatten().filter_map(|key| self.find(table, key)).collect(),
            }
        };
        wanted.map(|(table, keys)| (table.clone(), found(table, keys).into())).collect()
    }
}

fn routes(clock: &Clock, still: Arc<Still>) -> Router {
    let memory = Path::new(":memory:");
    let folder = tempfile::tempdir().unwrap();
    let engines = Engines {
        dynamodb: Some(Engine::open(memory).unwrap()),
        kms: Some(Arc::new(KeyService::open(&folder.path().join("kms.key"), "eu-west-1").unwrap())),
        sqs: Some(Arc::new(Queues::open(memory, "eu-west-1", clock.clone()).unwrap())),
        events: Arc::default(),
    };
    aws::router(engines).layer(middleware::from_fn_with_state(still, answer)).merge(provider::routes())
}

async fn answer(State(still): State<Arc<Still>>, request: Request, next: Next) -> Response {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.split('.').next_back().unwrap_or_default().to_owned();
    if !still.lock().stands {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let asked = serde_json::from_slice(&body).unwrap_or_default();
    let answered = still.lock().answer(&operation, &asked);
    match answered {
        Some(answer) => ([("content-type", "application/x-amz-json-1.0")], answer.to_string()).into_response(),
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    }
}

/// An attribute as it travels.
fn wire(value: &aws_sdk_dynamodb::types::AttributeValue) -> Value {
    use aws_sdk_dynamodb::types::AttributeValue as Attribute;
    use base64::{Engine, prelude::BASE64_STANDARD};
    let all = |values: &HashMap<String, Attribute>| -> Item {
        values.iter().map(|(name, value)| (name.clone(), wire(value))).collect()
    };
    match value {
        Attribute::S(text) => json!({"S": text}),
        Attribute::N(digits) => json!({"N": digits}),
        Attribute::B(bytes) => json!({"B": BASE64_STANDARD.encode(bytes.as_ref())}),
        Attribute::Bool(flag) => json!({"BOOL": flag}),
        Attribute::L(values) => json!({"L": values.iter().map(wire).collect::<Vec<_>>()}),
        Attribute::M(values) => json!({"M": all(values)}),
        Attribute::Ss(texts) => json!({"SS": texts}),
        other => panic!("an attribute of a kind that nothing is stored as: {other:?}"),
    }
}
