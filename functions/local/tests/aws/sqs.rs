use aws_sdk_sqs::{
    Client,
    error::ProvideErrorMetadata,
    operation::{
        get_queue_url::GetQueueUrlError, receive_message::builders::ReceiveMessageFluentBuilder,
        send_message::builders::SendMessageFluentBuilder,
    },
    types::{MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry},
};

use crate::endpoint::Endpoint;

async fn queue(endpoint: &Endpoint, name: &str) -> (Client, String) {
    let sqs = Client::new(&endpoint.sdk());
    let url = sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap();
    (sqs, url)
}

async fn refresh_queue(endpoint: &Endpoint) -> (Client, String) {
    queue(endpoint, "refresh").await
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

#[tokio::test]
async fn a_fifo_queue_hands_out_a_group_in_order_and_says_where_each_message_stands() {
    let endpoint = Endpoint::start().await;
    let (sqs, url) = queue(&endpoint, "salvage.fifo").await;
    let send = |body: &str, id: &str| {
        let message = sqs.send_message().queue_url(&url).message_body(body).message_group_id("alice");
        message.message_deduplication_id(id).send()
    };
    let first = send("first", "1").await.unwrap();
    let again = send("not delivered", "1").await.unwrap();
    assert_eq!((&again.message_id, &again.sequence_number), (&first.message_id, &first.sequence_number));
    let second = send("second", "2").await.unwrap();
    assert!(second.sequence_number > first.sequence_number);

    let receive = || sqs.receive_message().queue_url(&url).max_number_of_messages(10);
    let all = receive().message_system_attribute_names(MessageSystemAttributeName::All);
    let taken = all.send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(taken.body.unwrap(), "first");
    let attributes = taken.attributes.unwrap();
    assert_eq!(attributes[&MessageSystemAttributeName::MessageGroupId], "alice");
    assert_eq!(attributes[&MessageSystemAttributeName::MessageDeduplicationId], "1");
    assert_eq!(Some(&attributes[&MessageSystemAttributeName::SequenceNumber]), first.sequence_number.as_ref());

    assert!(bodies(receive()).await.is_empty());
    sqs.delete_message().queue_url(&url).receipt_handle(taken.receipt_handle.unwrap()).send().await.unwrap();
    assert_eq!(bodies(receive()).await, ["second"]);
}

#[tokio::test]
async fn a_fifo_queue_refuses_what_sqs_refuses() {
    let endpoint = Endpoint::start().await;
    let (sqs, url) = queue(&endpoint, "salvage.fifo").await;
    let message = || sqs.send_message().queue_url(&url).message_body("x");
    let refusal = async |message: SendMessageFluentBuilder| {
        message.send().await.unwrap_err().into_service_error().code().unwrap().to_owned()
    };
    let whole = || message().message_group_id("g").message_deduplication_id("d");
    for (message, expected) in [
        (message().message_deduplication_id("d"), "MissingParameter"),
        (message().message_group_id("g"), "InvalidParameterValue"),
        (whole().delay_seconds(1), "InvalidParameterValue"),
        (whole().message_group_id("two words"), "InvalidParameterValue"),
        (whole().message_deduplication_id("x".repeat(129)), "InvalidParameterValue"),
    ] {
        assert_eq!(refusal(message).await, expected);
    }
    whole().delay_seconds(0).send().await.unwrap();

    let late = sqs.receive_message().queue_url(&url).visibility_timeout(30).send().await.unwrap();
    let late = late.messages.unwrap().remove(0).receipt_handle.unwrap();
    endpoint.advance(30);
    let refused = sqs.delete_message().queue_url(&url).receipt_handle(late).send().await.unwrap_err();
    assert_eq!(refused.into_service_error().code(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn a_batch_to_a_fifo_queue_keeps_its_order_and_refuses_by_the_entry() {
    let endpoint = Endpoint::start().await;
    let (sqs, url) = queue(&endpoint, "salvage.fifo").await;
    let entry = |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(id).message_deduplication_id(id);
    let entries = [entry("a").message_group_id("g"), entry("no-group"), entry("b").message_group_id("g")];
    let entries = entries.map(|entry| entry.build().unwrap()).to_vec();
    let sent = sqs.send_message_batch().queue_url(&url).set_entries(Some(entries)).send().await.unwrap();
    assert_eq!(sent.successful.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(sent.successful[0].sequence_number < sent.successful[1].sequence_number);
    assert_eq!((sent.failed[0].id.as_str(), sent.failed[0].code.as_str()), ("no-group", "MissingParameter"));
    assert_eq!(bodies(sqs.receive_message().queue_url(&url).max_number_of_messages(10)).await, ["a"]);
}

#[tokio::test]
async fn a_queue_that_is_not_fifo_takes_a_group_without_an_order_and_no_deduplication_id() {
    let endpoint = Endpoint::start().await;
    let (sqs, url) = refresh_queue(&endpoint).await;
    let message = |body: &str| sqs.send_message().queue_url(&url).message_body(body).message_group_id("g");
    let refused = message("x").message_deduplication_id("d").send().await.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("InvalidParameterValue"));
    for body in ["one", "two"] {
        assert_eq!(message(body).send().await.unwrap().sequence_number, None);
    }
    let group = MessageSystemAttributeName::MessageGroupId;
    let receive = sqs.receive_message().queue_url(&url).max_number_of_messages(10);
    let taken = receive.message_system_attribute_names(group.clone()).send().await.unwrap().messages.unwrap();
    assert_eq!(taken.iter().filter(|message| message.attributes.as_ref().unwrap()[&group] == "g").count(), 2);
}

#[tokio::test]
async fn each_queue_says_when_it_gives_up_and_whether_it_is_fifo() {
    let endpoint = Endpoint::start().await;
    for (name, fifo, gives_up) in [
        ("refresh", None, "refresh-dead-letters\",\"maxReceiveCount\":5}"),
        ("salvage.fifo", Some("true"), "salvage-dead-letters.fifo\",\"maxReceiveCount\":1000}"),
    ] {
        let (sqs, url) = queue(&endpoint, name).await;
        let request = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
        let attributes = request.send().await.unwrap().attributes.unwrap();
        assert_eq!(attributes.get(&QueueAttributeName::FifoQueue).map(String::as_str), fifo, "{name}");
        assert!(attributes[&QueueAttributeName::RedrivePolicy].ends_with(gives_up), "{attributes:?}");
    }
}
