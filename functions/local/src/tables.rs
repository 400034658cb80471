//! Creates the tables that are not there yet, as the deployment template would.

use aws_sdk_dynamodb::{
    Client, Config,
    config::{Credentials, Region},
    error::SdkError,
    operation::{create_table::CreateTableError, update_time_to_live::UpdateTimeToLiveError},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType, TimeToLiveSpecification,
    },
};
use connectors::{
    network::{self, NetworkError},
    store::schema::{IndexDefinition, PARTITION_KEY, SORT_KEY, TableDefinition},
};

use crate::environment::Environment;

/// A client for the tables' endpoint of this environment, as the functions' own.
///
/// # Errors
/// [`NetworkError`].
pub fn client(environment: &Environment) -> Result<Client, NetworkError> {
    let value = |name| environment.get(name).unwrap_or_default().to_owned();
    let credentials = Credentials::new(value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), None, None, "local");
    let config = Config::builder()
        .behavior_version_latest()
        .region(Region::new(value("AWS_REGION")))
        .credentials_provider(credentials)
        .endpoint_url(value("AWS_ENDPOINT_URL_DYNAMODB"))
        .http_client(network::client()?);
    Ok(Client::from_conf(config.build()))
}

/// A table can't be created.
#[derive(Debug, thiserror::Error)]
#[error("table `{name}` can't be created: {cause}")]
pub struct TableError {
    name: String,
    cause: String,
}

/// Creates each table that is missing. One that is there is left as it is: another process may be using it.
///
/// # Errors
/// [`TableError`] names the table.
pub async fn create_missing(db: &Client, tables: &[TableDefinition]) -> Result<(), TableError> {
    for table in tables {
        let failed = |cause: String| TableError { name: table.name.clone(), cause };
        let was_created = create(db, table).await.map_err(failed)?;
        if let (true, Some(attribute)) = (was_created, table.ttl_attribute) {
            expire_by(db, &table.name, attribute).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// Answers whether the table was missing.
async fn create(db: &Client, table: &TableDefinition) -> Result<bool, String> {
    let (attributes, indexes) = parts(table).map_err(|error| error.to_string())?;
    let indexes = if indexes.is_empty() { None } else { Some(indexes) };
    let request = db
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .deletion_protection_enabled(table.deletion_protection)
        .set_attribute_definitions(Some(attributes))
        .set_key_schema(Some(key(PARTITION_KEY, SORT_KEY).map_err(|error| error.to_string())?))
        .set_global_secondary_indexes(indexes);
    match request.send().await {
        Ok(_) => Ok(true),
        Err(SdkError::ServiceError(error)) if matches!(error.err(), CreateTableError::ResourceInUseException(_)) => {
            Ok(false)
        }
        Err(error) => Err(reason(&error)),
    }
}

async fn expire_by(db: &Client, table: &str, attribute: &str) -> Result<(), String> {
    let ttl = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build();
    let ttl = ttl.map_err(|error| error.to_string())?;
    let request = db.update_time_to_live().table_name(table).time_to_live_specification(ttl);
    request.send().await.map(drop).map_err(|error: SdkError<UpdateTimeToLiveError>| reason(&error))
}

type BuildError = aws_sdk_dynamodb::error::BuildError;

/// The attributes that are part of a key, and the indexes.
fn parts(table: &TableDefinition) -> Result<(Vec<AttributeDefinition>, Vec<GlobalSecondaryIndex>), BuildError> {
    let mut attributes = vec![(PARTITION_KEY, ScalarAttributeType::S), (SORT_KEY, ScalarAttributeType::S)];
    let mut indexes = Vec::new();
    for index in &table.indexes {
        let sort = if index.sort_is_number { ScalarAttributeType::N } else { ScalarAttributeType::S };
        for attribute in [(index.partition, ScalarAttributeType::S), (index.sort, sort)] {
            if !attributes.iter().any(|(known, _)| *known == attribute.0) {
                attributes.push(attribute);
            }
        }
        indexes.push(global_index(index)?);
    }
    let definition = |(name, kind)| AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build();
    Ok((attributes.into_iter().map(definition).collect::<Result<_, _>>()?, indexes))
}

fn global_index(index: &IndexDefinition) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(index.name)
        .set_key_schema(Some(key(index.partition, index.sort)?))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
}

fn key(partition: &str, sort: &str) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    Ok(vec![element(partition, KeyType::Hash)?, element(sort, KeyType::Range)?])
}

/// Why a request failed, in the SDK's words: nothing secret is in a request about tables.
fn reason<E: std::error::Error + 'static, R: std::fmt::Debug + 'static>(error: &SdkError<E, R>) -> String {
    aws_sdk_dynamodb::error::DisplayErrorContext(error).to_string()
}
