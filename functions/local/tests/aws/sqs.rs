use aws_sdk_sqs::{
    Client,
    operation::{get_queue_url::GetQueueUrlError, receive_message::builders::ReceiveMessageFluentBuilder},
    types::{MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry},
};

use crate::endpoint::Endpoint;

async fn refresh_queue(endpoint: &Endpoint) -> (Client, String) {
    let sqs = Client::new(&endpoint.sdk());
    let url = sqs.get_queue_url().queue_name("refresh").send().await.unwrap().queue_url.unwrap();
    (sqs, url)
}

async fn bodies(receive: ReceiveMessageFluentBuilder) -> Vec<String> {
    let messages = receive.send().await.unwrap().messages.unwrap_or_default();
    messages.into_iter().filter_map(|message| message.body).collect()
}

#[tokio::test]
async fn a_delayed_message_is_not_delivered_early() {
    let endpoint = Endpoint::start().await;
    let (sqs, url) = refresh_queue(&endpoint).await;
    sqs.send_message().queue_url(&url).message_body("later").delay_seconds(32).send().await.unwrap();
    endpoint.advance(31);
    assert!(bodies(sqs.receive_message().queue_url(&url)).await.is_empty());
    endpoint.advance(1);
    assert_eq!(bodies(sqs.receive_message().queue_url(&url)).await, ["later"]);
}

#[tokio::test]
async fn a_received_message_comes_again_unless_it_is_deleted() {
    let endpoint = Endpoint::start().await;
    let (sqs, url) = refresh_queue(&endpoint).await;
    let sent = sqs.send_message().queue_url(&url).message_body("hello").send().await.unwrap();
    assert_eq!(sent.md5_of_message_body.unwrap(), "5d41402abc4b2a76b9719d911017c592");

    let receive = || sqs.receive_message().queue_url(&url).visibility_timeout(30);
    assert_eq!(bodies(receive()).await, ["hello"]);
    assert!(bodies(receive()).await.is_empty());
    endpoint.advance(30);
    let count = MessageSystemAttributeName::ApproximateReceiveCount;
    let again =
        receive().message_system_attribute_names(count.clone()).send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(again.attributes.unwrap()[&count], "2");
    sqs.delete_message().queue_url(&url).receipt_handle(again.receipt_handle.unwrap()).send().await.unwrap();
    endpoint.advance(30);
    assert!(bodies(receive()).await.is_empty());
}

#[tokio::test]
async fn a_message_that_is_given_back_is_there_at_once() {
    let endpoint = Endpoint::start().await;
    let (sqs, url) = refresh_queue(&endpoint).await;
    sqs.send_message().queue_url(&url).message_body("mine").send().await.unwrap();
    let taken = sqs.receive_message().queue_url(&url).send().await.unwrap().messages.unwrap().remove(0);
    let give_back = sqs.change_message_visibility().queue_url(&url).receipt_handle(taken.receipt_handle.unwrap());
    give_back.visibility_timeout(0).send().await.unwrap();
    assert_eq!(bodies(sqs.receive_message().queue_url(&url)).await, ["mine"]);
}

#[tokio::test]
async fn a_batch_is_taken_entry_by_entry() {
    let endpoint = Endpoint::start().await;
    let (sqs, url) = refresh_queue(&endpoint).await;
    let entry = |id: &str, delay| {
        SendMessageBatchRequestEntry::builder().id(id).message_body(id).delay_seconds(delay).build().unwrap()
    };
    let sent = sqs.send_message_batch().queue_url(&url).entries(entry("now", 0)).entries(entry("too-late", 901));
    let sent = sent.entries(entry("soon", 60)).send().await.unwrap();
    assert_eq!(sent.successful.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["now", "soon"]);
    assert_eq!(sent.failed[0].id, "too-late");

    let attributes = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All).send().await;
    let attributes = attributes.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "1");
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessagesDelayed], "1");
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_a_typed_error() {
    let endpoint = Endpoint::start().await;
    let sqs = Client::new(&endpoint.sdk());
    let error = sqs.get_queue_url().queue_name("none").send().await.unwrap_err().into_service_error();
    assert!(matches!(error, GetQueueUrlError::QueueDoesNotExist(_)), "{error:?}");
}
