//! Lambda, as a bootstrap sees it: the Runtime API on loopback, one process per instance, events in, answers out.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path as Segments, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    time::{Instant, timeout},
};

mod answer;
mod process;

pub use answer::{Answer, HttpAnswer, Outcome};
use process::Log;

/// How long a test waits for an answer before it calls the function stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a function is told about how long it still has, counted from each event.
const DEADLINE: Duration = Duration::from_secs(25);

/// One running instance of a function.
pub struct Instance {
    process: Child,
    events: mpsc::UnboundedSender<Value>,
    answers: mpsc::UnboundedReceiver<(Outcome, Instant)>,
    started: Instant,
    log: Log,
}

/// What the Runtime API's routes share.
struct Api {
    function: String,
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<(Outcome, Instant)>,
}

impl Instance {
    /// Starts a bootstrap with this environment and nothing else of the test's own, as Lambda does. `first` is waiting
    /// when it comes up, so that its answer measures a cold start.
    pub async fn start(bootstrap: &Path, environment: &[(String, String)], first: Value) -> Self {
        let function = bootstrap.file_name().unwrap().to_string_lossy().into_owned();
        let (events, waiting) = mpsc::unbounded_channel();
        let (given, answers) = mpsc::unbounded_channel();
        events.send(first).unwrap();
        let api = Api { function: function.clone(), events: Mutex::new(waiting), answers: given };
        let address = serve(api).await;

        let mut command = Command::new(bootstrap);
        command.env_clear().envs(lambda_environment(&function, address)).envs(environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", bootstrap.display()));
        let log = Log::of(&mut process);
        Self { process, events, answers, started, log }
    }

    /// The answer to the event that waits longest.
    pub async fn answer(&mut self) -> Answer {
        match timeout(PATIENCE, self.answers.recv()).await {
            Ok(Some((outcome, at))) => Answer { outcome, after: at - self.started },
            _ => panic!("no answer; the function wrote:\n{}", self.log()),
        }
    }

    /// Hands in an event and waits for its answer.
    pub async fn invoke(&mut self, event: Value) -> Answer {
        self.events.send(event).unwrap();
        self.answer().await
    }

    /// Ends the process where it is, without a word (SIGKILL), as a crash or a lost machine does.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// All that the function has written so far, to either stream.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Whether the function writes this. Its answer may arrive before what it has written by then was read.
    pub async fn writes(&self, text: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// The most memory that it has had at once, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        process::peak_memory(self.process.id())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What Lambda sets for every function.
fn lambda_environment(function: &str, api: SocketAddr) -> Vec<(String, String)> {
    let set = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let fixed = [
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_SESSION_TOKEN", "test"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("_HANDLER", "bootstrap"),
        ("TZ", ":UTC"),
    ];
    let mut environment: Vec<_> = fixed.into_iter().map(set).collect();
    environment.push(set(("AWS_LAMBDA_RUNTIME_API", &api.to_string())));
    environment.push(set(("AWS_LAMBDA_FUNCTION_NAME", function)));
    environment.push(set(("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{function}"))));
    environment
}

async fn serve(api: Api) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let invocation = "/2018-06-01/runtime/invocation";
    let router = Router::new()
        .route(&format!("{invocation}/next"), get(next))
        .route(&format!("{invocation}/{{id}}/response"), post(response))
        .route(&format!("{invocation}/{{id}}/error"), post(failure))
        .route("/2018-06-01/runtime/init/error", post(init_failure))
        .with_state(Arc::new(api));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let Some(event) = api.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let function = format!("arn:aws:lambda:eu-west-1:123456789012:function:{}", api.function);
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline_ms().to_string()),
        ("lambda-runtime-invoked-function-arn", function),
        ("lambda-runtime-trace-id", "Root=1-6922f3b0-0123456789abcdef01234567;Sampled=0".to_owned()),
    ];
    (headers, axum::Json(event)).into_response()
}

#[expect(clippy::disallowed_methods, reason = "Lambda's clock, not the product's")]
fn deadline_ms() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (now + DEADLINE).as_millis()
}

async fn response(State(api): State<Arc<Api>>, Segments(_): Segments<String>, body: Bytes) -> StatusCode {
    api.take(Outcome::Response(answer::json(&body)))
}

async fn failure(State(api): State<Arc<Api>>, Segments(_): Segments<String>, body: Bytes) -> StatusCode {
    api.take(Outcome::Error(answer::json(&body)))
}

async fn init_failure(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    api.take(Outcome::Error(answer::json(&body)))
}

impl Api {
    fn take(&self, outcome: Outcome) -> StatusCode {
        let _ = self.answers.send((outcome, Instant::now()));
        StatusCode::ACCEPTED
    }
}
