use aws_sdk_dynamodb::{
    Client,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, ScalarAttributeType,
        TransactWriteItem,
    },
};

use crate::endpoint::Endpoint;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn table(endpoint: &Endpoint) -> Client {
    let db = Client::new(&endpoint.sdk());
    let mut create = db.create_table().table_name("registry").billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        create = create.attribute_definitions(attribute.build().unwrap());
        create = create.key_schema(KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap());
    }
    create.send().await.unwrap();
    db
}

fn put(name: &str, value: &str) -> Put {
    let put = Put::builder().table_name("registry").item("pk", text("WS#1")).item("sk", text(name));
    put.item("label", text(value)).condition_expression("attribute_not_exists(pk)").build().unwrap()
}

async fn label(db: &Client, name: &str) -> Option<String> {
    let get = db.get_item().table_name("registry").key("pk", text("WS#1")).key("sk", text(name));
    let item = get.consistent_read(true).send().await.unwrap().item?;
    item["label"].as_s().ok().cloned()
}

#[tokio::test]
async fn a_condition_that_fails_leaves_the_item_as_it_was() {
    let endpoint = Endpoint::start().await;
    let db = table(&endpoint).await;
    let put = |value: &str| {
        let put = db.put_item().table_name("registry").item("pk", text("WS#1")).item("sk", text("A"));
        put.item("label", text(value)).condition_expression("attribute_not_exists(pk)").send()
    };
    put("first").await.unwrap();
    let error = put("second").await.unwrap_err().into_service_error();
    assert!(matches!(error, PutItemError::ConditionalCheckFailedException(_)), "{error:?}");
    assert_eq!(label(&db, "A").await.as_deref(), Some("first"));
}

#[tokio::test]
async fn a_transaction_writes_all_or_nothing_and_says_which_condition_failed() {
    let endpoint = Endpoint::start().await;
    let db = table(&endpoint).await;
    let write = |puts: Vec<Put>| {
        let items = puts.into_iter().map(|put| TransactWriteItem::builder().put(put).build()).collect();
        db.transact_write_items().set_transact_items(Some(items)).send()
    };
    write(vec![put("A", "first"), put("B", "first")]).await.unwrap();
    let error = write(vec![put("C", "second"), put("A", "second")]).await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { panic!("{error:?}") };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!((label(&db, "A").await.as_deref(), label(&db, "C").await), (Some("first"), None));
}

#[tokio::test]
async fn an_unknown_table_and_an_unknown_operation_are_refused() {
    let endpoint = Endpoint::start().await;
    let db = table(&endpoint).await;
    let error = db.describe_table().table_name("none").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
    let error = db.describe_limits().send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("UnknownOperationException"));
}
