//! The tables as the store's schema has them: keys, indexes, expiry, backups.

use connectors::store::{
    TableNames,
    schema::{IndexDefinition, PARTITION_KEY, SORT_KEY, TableDefinition, tables},
};
use serde_json::{Value, json};

use crate::document::Template;

/// The schema, its tables named by their logical ids in the template.
fn schema() -> Vec<TableDefinition> {
    tables(&TableNames {
        registry: "RegistryTable".to_owned(),
        connections: "ConnectionsTable".to_owned(),
        sessions: "SessionsTable".to_owned(),
        audit: "AuditTable".to_owned(),
    })
}

fn keys(partition: &str, sort: &str) -> Value {
    json!([{ "AttributeName": partition, "KeyType": "HASH" }, { "AttributeName": sort, "KeyType": "RANGE" }])
}

fn index(definition: &IndexDefinition) -> Value {
    json!({
        "IndexName": definition.name,
        "KeySchema": keys(definition.partition, definition.sort),
        "Projection": { "ProjectionType": "KEYS_ONLY" },
    })
}

#[test]
fn there_are_the_tables_of_the_schema_and_no_others() {
    let template = Template::read();
    let mut named: Vec<String> = schema().into_iter().map(|table| table.name).collect();
    named.sort();
    assert_eq!(template.resources("AWS::DynamoDB::Table").into_keys().collect::<Vec<_>>(), named);
}

#[test]
fn keys_and_indexes_are_those_of_the_schema() {
    let template = Template::read();
    for table in schema() {
        let properties = &template.at("/Resources")[&table.name]["Properties"];
        assert_eq!(properties["KeySchema"], keys(PARTITION_KEY, SORT_KEY), "{}", table.name);
        let indexes: Vec<Value> = table.indexes.iter().map(index).collect();
        let stated = properties["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
        assert_eq!(stated, indexes, "{}", table.name);
        assert_eq!(attributes(properties), expected_attributes(&table), "{}", table.name);
    }
}

/// Attribute types by name, as the template states them.
fn attributes(properties: &Value) -> Value {
    let definitions = properties["AttributeDefinitions"].as_array().unwrap().iter();
    definitions.map(|one| (one["AttributeName"].as_str().unwrap().to_owned(), one["AttributeType"].clone())).collect()
}

/// Keys are texts; what an index sorts by may be a number.
fn expected_attributes(table: &TableDefinition) -> Value {
    let mut expected = json!({ PARTITION_KEY: "S", SORT_KEY: "S" });
    for index in &table.indexes {
        expected[index.partition] = "S".into();
        expected[index.sort] = if index.sort_is_number { "N" } else { "S" }.into();
    }
    expected
}

#[test]
fn what_must_not_be_lost_is_restorable_and_hard_to_delete() {
    let template = Template::read();
    for table in schema() {
        let resource = &template.at("/Resources")[&table.name];
        let properties = &resource["Properties"];
        let recovery = properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == true;
        assert_eq!(recovery, table.point_in_time_recovery, "{}", table.name);
        assert!(!table.deletion_protection || properties["DeletionProtectionEnabled"] == true, "{}", table.name);
        assert_eq!(resource["DeletionPolicy"], "Retain", "{}", table.name);
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{}", table.name);
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST", "{}", table.name);
        assert_eq!(properties["SSESpecification"]["SSEEnabled"], true, "{}", table.name);
    }
    assert_eq!(template.at("/Resources/Key/DeletionPolicy"), "Retain", "without the key nothing opens");
    assert_eq!(template.at("/Resources/Key/Properties/EnableKeyRotation"), true);
}

#[test]
fn what_must_be_forgotten_expires() {
    let template = Template::read();
    for table in schema() {
        let expiry = &template.at("/Resources")[&table.name]["Properties"]["TimeToLiveSpecification"];
        let expected =
            table.ttl_attribute.map_or(Value::Null, |name| json!({ "AttributeName": name, "Enabled": true }));
        assert_eq!(expiry, &expected, "{}", table.name);
    }
}
