//! What a function asks of AWS, written down at the endpoint as IAM would name it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use connectors::store::{
    TableNames,
    schema::{BY_CONNECTOR_INDEX, DUE_INDEX},
};
use reqwest::Client;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{grants::Target, http};

/// One thing asked for: an IAM action, and on what.
pub type Asked = (Target, String);

/// Everything asked for so far.
#[derive(Clone)]
pub struct Recorder {
    tables: TableNames,
    asked: Arc<Mutex<BTreeSet<Asked>>>,
}

impl Recorder {
    /// A recorder for endpoints that serve these tables.
    #[must_use]
    pub fn new(tables: TableNames) -> Self {
        Self { tables, asked: Arc::default() }
    }

    /// What was asked for since the last time.
    #[must_use]
    pub fn take(&self) -> BTreeSet<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn note(&self, operation: &str, body: &Value) {
        let (service, operation) = operation.split_once('.').expect("an AWS request names service and operation");
        let asked: Vec<Asked> = match service {
            "DynamoDB_20120810" => self.on_tables(operation, body),
            "TrentService" => vec![(Target::Key, format!("kms:{operation}"))],
            "AmazonSQS" => vec![(queue(body), format!("sqs:{}", operation.trim_end_matches("Batch")))],
            "AWSEvents" => vec![(Target::EventBus, format!("events:{operation}"))],
            other => panic!("no function uses {other}"),
        };
        self.asked.lock().unwrap().extend(asked);
    }

    /// A batch or a transaction needs the permission of each of its parts.
    fn on_tables(&self, operation: &str, body: &Value) -> Vec<Asked> {
        let entry = |table: &str, operation: &str| (self.table(table), format!("dynamodb:{operation}"));
        match operation {
            "BatchGetItem" => {
                let tables = body["RequestItems"].as_object().expect("tables");
                tables.keys().map(|table| entry(table, operation)).collect()
            }
            "TransactWriteItems" => {
                let items = body["TransactItems"].as_array().expect("items").iter();
                let parts = items.flat_map(|item| item.as_object().expect("one operation"));
                let part = |(part, request): (&String, &Value)| match action_of(part) {
                    action @ ("PutItem" | "UpdateItem" | "DeleteItem") if self.is_on_its_way(request) => {
                        (Target::Outbox, format!("dynamodb:{action}"))
                    }
                    action @ "PutItem" if self.is_proposal(request) => {
                        (Target::Proposals, format!("dynamodb:{action}"))
                    }
                    action => entry(text(&request["TableName"]), action),
                };
                parts.map(part).collect()
            }
            "Query" => match body["IndexName"].as_str() {
                Some(index) => vec![(index_target(index), "dynamodb:Query".to_owned())],
                None => vec![entry(text(&body["TableName"]), operation)],
            },
            "UpdateItem" if is_use_of_a_key(body) => vec![(Target::KeyUse, "dynamodb:UpdateItem".to_owned())],
            "UpdateItem" if is_news_of_a_webhook(body) => vec![(Target::Deliveries, "dynamodb:UpdateItem".to_owned())],
            "PutItem" | "UpdateItem" | "DeleteItem" if self.is_on_its_way(body) => {
                vec![(Target::Outbox, format!("dynamodb:{operation}"))]
            }
            "PutItem" | "DeleteItem" if self.is_proposal(body) => {
                vec![(Target::Proposals, format!("dynamodb:{operation}"))]
            }
            _ => vec![entry(text(&body["TableName"]), operation)],
        }
    }

    /// Whether this is about a proposal.
    fn is_proposal(&self, body: &Value) -> bool {
        pk_of(body).starts_with("PROPOSALS#") && self.table(text(&body["TableName"])) == Target::Registry
    }

    /// Whether this is about an event or a delivery that is on its way out.
    fn is_on_its_way(&self, body: &Value) -> bool {
        let pk = pk_of(body);
        let is_outgoing = pk.starts_with("EVENT#") || pk.starts_with("WEBHOOK#");
        is_outgoing && self.table(text(&body["TableName"])) == Target::Connections
    }

    fn table(&self, name: &str) -> Target {
        let TableNames { registry, connections, sessions, audit } = &self.tables;
        let known = [
            (registry, Target::Registry),
            (connections, Target::Connections),
            (sessions, Target::Sessions),
            (audit, Target::Audit),
        ];
        let found = known.into_iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no table of the product: {name}")).1
    }
}

fn pk_of(body: &Value) -> &str {
    body["Item"]["pk"]["S"].as_str().or(body["Key"]["pk"]["S"].as_str()).expect("an item")
}

/// Whether nothing but the day of a key's use is written.
fn is_use_of_a_key(body: &Value) -> bool {
    text(&body["Key"]["pk"]["S"]).starts_with("APIKEY#") && text(&body["UpdateExpression"]) == "SET last_used_on = :day"
}

/// Whether nothing is written but how deliveries to a webhook go.
fn is_news_of_a_webhook(body: &Value) -> bool {
    let expression = text(&body["UpdateExpression"]);
    let is_news = expression.starts_with("SET tried_at = :at") || expression == "SET webhook_state = :given_up";
    is_news && text(&body["Key"]["pk"]["S"]).starts_with("WS#")
}

fn index_target(index: &str) -> Target {
    match index {
        DUE_INDEX => Target::DueIndex,
        BY_CONNECTOR_INDEX => Target::ByConnectorIndex,
        other => panic!("no index of the product: {other}"),
    }
}

fn action_of(part: &str) -> &'static str {
    match part {
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        "Delete" => "DeleteItem",
        "ConditionCheck" => "ConditionCheckItem",
        other => panic!("no part of a transaction: {other}"),
    }
}

fn queue(body: &Value) -> Target {
    let url = text(&body["QueueUrl"]).to_lowercase();
    let queues =
        [("revocation", Target::RevocationQueue), ("salvage", Target::SalvageQueue), ("/events", Target::EventQueue)];
    let named = queues.into_iter().find(|(name, _)| url.contains(name));
    named.map_or(Target::RefreshQueue, |(_, queue)| queue)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Stands before AWS endpoints: a listener on loopback that notes each request and hands it on unchanged. Its address.
pub async fn stand_before(endpoint: &str, recorder: Recorder) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let behind = Behind { endpoint: endpoint.to_owned(), client: http::client(), recorder };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(hand_on).with_state(behind)).await });
    address
}

/// What is behind the recorder.
#[derive(Clone)]
struct Behind {
    endpoint: String,
    client: Client,
    recorder: Recorder,
}

async fn hand_on(State(behind): State<Behind>, mut headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).expect("X-Amz-Target");
    behind.recorder.note(operation, &serde_json::from_slice(&body).expect("JSON"));
    headers.remove(header::HOST);
    let answer = behind.client.post(&behind.endpoint).headers(headers).body(body).send().await.expect("an answer");
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.expect("a whole answer")).into_response()
}
