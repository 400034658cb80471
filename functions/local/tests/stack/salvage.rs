//! The salvage queue of a running process.

use std::time::Duration;

use aws_sdk_sqs::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::QueueAttributeName,
};

use crate::machine::Machine;

/// Nothing that this test waits for takes a second; whoever waits this long waits for nothing.
const TOO_LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_is_in_the_salvage_queue_is_worked_off() {
    let machine = Machine::start().await;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(&machine.running.dev.endpoints["sqs"])
        .http_client(connectors::network::client().unwrap());
    let sqs = Client::from_conf(config.build());
    let url = sqs.get_queue_url().queue_name("salvage.fifo").send().await.unwrap().queue_url.unwrap();
    let of_no_connection = r#"{"kind":"due","pk":"USER#none","sk":"CONN#none"}"#;
    for number in ["1", "2"] {
        let message = sqs.send_message().queue_url(&url).message_body(of_no_connection).message_group_id("none");
        message.message_deduplication_id(number).send().await.unwrap();
    }
    let left = async || {
        let request = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
        let attributes = request.send().await.unwrap().attributes.unwrap();
        let waiting = &attributes[&QueueAttributeName::ApproximateNumberOfMessages];
        let in_flight = &attributes[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible];
        (waiting.as_str(), in_flight.as_str()) != ("0", "0")
    };
    let all = async { while left().await {} };
    tokio::time::timeout(TOO_LONG, all).await.unwrap();
}
