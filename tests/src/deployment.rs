//! A deployment on this machine: real tables, key and queues behind AWS's wire formats, a workspace with an app and a
//! connector, and an authorization server. Functions run in processes of their own, and what they ask of AWS is written
//! down on its way.

use std::{collections::BTreeMap, path::Path};

use connectors::{
    clock::Clock,
    domain::{
        ids::{AppId, Issuer, Subject},
        user::User,
    },
    store::TableNames,
};
use jiff::Timestamp;
use local::{
    seed::DevFile,
    settings::Settings,
    stack::{self, Running},
};
use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    browser,
    events::{self, example},
    grants::is_granted,
    http,
    recorder::{self, Asked, Recorder},
    runtime_api::Instance,
};

/// The user that the events speak of.
const ALICE: &str = "alice";

/// Everything, running. Dropping it ends it and deletes its data.
pub struct Deployment {
    running: Running,
    recorder: Recorder,
    environment: Vec<(String, String)>,
    endpoint: String,
    client: Client,
    replacements: BTreeMap<&'static str, String>,
    _folder: tempfile::TempDir,
}

/// An authorization session that was begun, and the cookie that binds it to the browser.
pub struct Begun {
    /// Its id.
    pub session_id: String,
    /// Where the user is to be sent.
    pub redirect_url: String,
    /// `name=value`.
    pub cookie: String,
}

impl Deployment {
    /// Starts one in a folder of its own.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_string_lossy().into_owned();
        let variable = |name: &str| match name {
            "PORT" | "AWS_PORT" => Some("0".to_owned()),
            "DATA_DIR" => Some(data.clone()),
            _ => None,
        };
        let settings = Settings::read(variable).unwrap();
        let running =
            stack::start(&settings, Clock::system(), variable).await.unwrap_or_else(|error| panic!("{error}"));
        let client = http::client();
        let recorder = Recorder::new(tables(&running.dev));
        let endpoint = recorder::stand_before(&running.dev.endpoints["dynamodb"], recorder.clone()).await;
        let environment = environment(folder.path());
        let token = sign_in(&client, &running.dev.base_url).await;
        let replacements = replacements(&running.dev, token);
        Self { running, recorder, environment, endpoint, client, replacements, _folder: folder }
    }

    /// Ids, keys and addresses.
    #[must_use]
    pub fn dev(&self) -> &DevFile {
        &self.running.dev
    }

    /// An event of `events/`, with this deployment's ids and keys.
    #[must_use]
    pub fn event(&self, name: &str) -> Value {
        events::event(name, &self.replacements)
    }

    /// Alice's signed-in token.
    #[must_use]
    pub fn user_token(&self) -> &str {
        &self.replacements[example::USER_TOKEN]
    }

    /// Leaves tables, key and queues to the functions in processes of their own: nobody here answers requests, delivers
    /// messages or fires the schedule any more.
    pub async fn step_back(&mut self) {
        self.running.stop_all_but_endpoints().await;
    }

    /// Starts a function in a process of its own, with this event waiting for it.
    pub async fn launch(&self, bootstrap: &str, first: Value) -> Instance {
        drop(self.recorder.take());
        let through_the_recorder = |(name, value): &(String, String)| {
            let value = if name.starts_with("AWS_ENDPOINT") { &self.endpoint } else { value };
            (name.clone(), value.clone())
        };
        let environment: Vec<_> = self.environment.iter().map(through_the_recorder).collect();
        Instance::start(Path::new(bootstrap), &environment, first).await
    }

    /// The environment of a function that asks AWS's endpoints directly: for measuring.
    #[must_use]
    pub fn direct_environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// What functions have asked of AWS since the last time.
    ///
    /// # Panics
    /// If the role of `function` does not grant one of it.
    #[expect(clippy::must_use_candidate, reason = "that all of it is granted is asserted in any case")]
    pub fn asked_by(&self, function: &str) -> Vec<Asked> {
        let asked: Vec<Asked> = self.recorder.take().into_iter().collect();
        for (target, action) in &asked {
            assert!(is_granted(function, *target, action), "{function} is not granted {action} on {target:?}");
        }
        asked
    }

    /// Alice begins to connect, in her browser.
    pub async fn begin(&self) -> Begun {
        let dev = self.dev();
        let path = format!("/api/apps/{}/app-user-auth/connectors/{}/initiate", dev.app_id, dev.connector_id);
        let answer = self.request(Method::POST, &path, self.user_token()).body("{}").send().await.unwrap();
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let begun: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let text = |name: &str| begun[name].as_str().unwrap().to_owned();
        Begun { session_id: text("session_id"), redirect_url: text("redirect_url"), cookie }
    }

    /// Alice allows it at the provider: where she is sent back to.
    pub async fn allow(&self, begun: &Begun) -> String {
        browser::allow(&self.client, &begun.redirect_url).await
    }

    /// Alice connects, from begin to end.
    pub async fn connect(&self) {
        let begun = self.begin().await;
        let callback = self.allow(&begun).await;
        let answer = self.client.get(callback).header(header::COOKIE, &begun.cookie).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let home = answer.headers()[header::LOCATION].to_str().unwrap();
        assert!(home.contains("status=completed"), "{home}");
    }

    /// Sends the browser to the callback without the cookie that binds the session to it: the one-time handle.
    pub async fn park(&self, begun: &Begun) -> String {
        let callback = self.allow(begun).await;
        let answer = self.client.get(callback).send().await.unwrap();
        let home = answer.headers()[header::LOCATION].to_str().unwrap();
        let handle = home.split("handle=").nth(1).unwrap_or_else(|| panic!("no handle in {home}"));
        handle.split('&').next().unwrap().to_owned()
    }

    /// The workspace's administrator sends a request.
    pub async fn administer(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let path = format!("/api/workspace/{}{path}", self.dev().workspace_id);
        let answer = self.request(method, &path, &self.dev().admin_key).body(body.to_string()).send().await.unwrap();
        let status = answer.status();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(json!(null)))
    }

    /// The administrator registers a connector to the demo calendar that all apps share. Answers its id.
    pub async fn share(&self) -> String {
        let body = json!({
            "integration_type": "demo", "name": "Office", "client_id": "office", "client_secret": "office",
            "scopes": ["profile"], "kind": "shared",
        });
        let (status, made) = self.administer(Method::POST, "/connectors", body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Puts a date on a key of the workspace: time cannot be moved in other processes.
    pub async fn date_key(&self, generation: u32, at: Timestamp) {
        let dev = self.dev();
        let text = |value: String| json!({ "S": value });
        let update = json!({
            "TableName": dev.tables["registry"],
            "Key": { "pk": text(format!("WS#{}", dev.workspace_id)), "sk": text(format!("KEY#{generation:010}")) },
            "UpdateExpression": "SET created_at = :at",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": { ":at": { "N": at.as_millisecond().to_string() } },
        });
        let request = self.client.post(&dev.endpoints["dynamodb"]);
        let request = request.header("x-amz-target", "DynamoDB_20120810.UpdateItem").body(update.to_string());
        let answer = request.header(header::CONTENT_TYPE, "application/x-amz-json-1.0").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    fn request(&self, method: Method, path: &str, bearer: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.dev().base_url));
        request.bearer_auth(bearer).header(header::CONTENT_TYPE, "application/json")
    }
}

fn tables(dev: &DevFile) -> TableNames {
    let name = |table: &str| dev.tables[table].clone();
    TableNames {
        registry: name("registry"),
        connections: name("connections"),
        sessions: name("sessions"),
        audit: name("audit"),
    }
}

/// The environment that the deployment writes for single functions.
fn environment(folder: &Path) -> Vec<(String, String)> {
    let file = std::fs::read_to_string(folder.join("lambda.env")).unwrap();
    let pairs = file.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn sign_in(client: &Client, base_url: &str) -> String {
    let answer = client.post(format!("{base_url}/demo/users/{ALICE}/token")).send().await.unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

fn replacements(dev: &DevFile, user_token: String) -> BTreeMap<&'static str, String> {
    let alice = User {
        app: AppId::parse(&dev.app_id).unwrap(),
        issuer: Issuer::parse(&dev.issuer).unwrap(),
        subject: Subject::parse(ALICE).unwrap(),
    };
    BTreeMap::from([
        (example::WORKSPACE, dev.workspace_id.clone()),
        (example::APP, dev.app_id.clone()),
        (example::CONNECTOR, dev.connector_id.clone()),
        (example::ADMIN_KEY, dev.admin_key.clone()),
        (example::SERVICE_KEY, dev.service_key.clone()),
        (example::USER_TOKEN, user_token),
        (example::ISSUER, dev.issuer.clone()),
        (example::SUBJECT, ALICE.to_owned()),
        (example::USER_DIGEST, alice.digest()),
        (example::RETURN_URL, format!("{}/", dev.base_url)),
        (example::ORIGIN, dev.base_url.clone()),
    ])
}
