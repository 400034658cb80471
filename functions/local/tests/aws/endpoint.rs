//! One running listener with all three services over a folder of its own, and who may reach it.

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use connectors::clock::Clock;
use local::aws::{self, Engines, dynamodb::Engine, kms::KeyService, sqs::Queues};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) struct Endpoint {
    folder: tempfile::TempDir,
    clock: Clock,
    address: std::net::SocketAddr,
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::held_at("2026-11-22T10:00:00Z".parse().unwrap());
        let engines = Engines {
            dynamodb: Some(Engine::open(&folder.path().join("dynamodb.sqlite")).unwrap()),
            kms: Some(Arc::new(KeyService::open(&folder.path().join("kms.key"), "eu-west-1").unwrap())),
            sqs: Some(Arc::new(Queues::open(&folder.path().join("sqs.sqlite"), "eu-west-1", clock.clone()).unwrap())),
            events: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, aws::router(engines)).await });
        Self { folder, clock, address }
    }

    pub(crate) fn sdk(&self) -> SdkConfig {
        let credentials = Credentials::new("local", "local", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(format!("http://{}", self.address))
            .http_client(connectors::network::client().unwrap())
            .build()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn key_file(&self) -> std::path::PathBuf {
        self.folder.path().join("kms.key")
    }

    /// Sends a request as it stands and answers its status line.
    async fn status_of(&self, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let body = r#"{"KeyId":"alias/connectors"}"#;
        let request =
            format!("POST / HTTP/1.1\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap().to_owned()
    }
}

const AS_THE_SDK: &str = "content-type: application/x-amz-json-1.1\r\nx-amz-target: TrentService.DescribeKey\r\n";

#[tokio::test]
async fn a_web_page_cannot_use_the_endpoints() {
    let endpoint = Endpoint::start().await;
    for (headers, expected) in [
        (format!("host: localhost\r\n{AS_THE_SDK}"), "HTTP/1.1 200 OK"),
        (format!("host: localhost\r\norigin: http://localhost:3000\r\n{AS_THE_SDK}"), "HTTP/1.1 403 Forbidden"),
        (format!("host: rebound.example\r\n{AS_THE_SDK}"), "HTTP/1.1 403 Forbidden"),
        (
            "host: localhost\r\ncontent-type: text/plain\r\nx-amz-target: TrentService.DescribeKey\r\n".into(),
            "HTTP/1.1 404 Not Found",
        ),
    ] {
        assert_eq!(endpoint.status_of(&headers).await, expected, "{headers}");
    }
}
