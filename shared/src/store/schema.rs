//! The tables as they must be: read by whatever creates them on a developer's machine, and compared with the template.

use super::{row::name, table::TableNames};

/// How many shards the index of due connections has: enough that no minute's work meets a partition's limit.
pub const DUE_SHARDS: u16 = 64;

/// How many shards one connector's connections have in their index.
pub const CONNECTOR_SHARDS: u16 = 16;

/// The index that finds connections whose time to be refreshed has come.
pub const DUE_INDEX: &str = "due";

/// The index that finds the connections of a connector.
pub const BY_CONNECTOR_INDEX: &str = "by_connector";

/// A table as it must be. Both key attributes are texts, `pk` and `sk`.
#[derive(Debug, Clone)]
pub struct TableDefinition {
    /// Its name in this deployment.
    pub name: String,
    /// The attribute by which items expire (seconds since 1970), if they do.
    pub ttl_attribute: Option<&'static str>,
    /// Whether it is kept restorable to any second of the last weeks.
    pub point_in_time_recovery: bool,
    /// Whether it cannot be deleted by mistake.
    pub deletion_protection: bool,
    /// Its indexes, which hold keys only: no token is ever in an index.
    pub indexes: Vec<IndexDefinition>,
}

/// An index of a table.
#[derive(Debug, Clone)]
pub struct IndexDefinition {
    /// Its name.
    pub name: &'static str,
    /// The attribute it is partitioned by: a text.
    pub partition: &'static str,
    /// The attribute it is sorted by.
    pub sort: &'static str,
    /// Whether that attribute is a number.
    pub sort_is_number: bool,
}

/// The partition key of every table.
pub const PARTITION_KEY: &str = name::PK;

/// The sort key of every table.
pub const SORT_KEY: &str = name::SK;

/// The four tables.
#[must_use]
pub fn tables(names: &TableNames) -> Vec<TableDefinition> {
    let table = |name: &str| TableDefinition {
        name: name.to_owned(),
        ttl_attribute: None,
        point_in_time_recovery: false,
        deletion_protection: false,
        indexes: Vec::new(),
    };
    vec![
        TableDefinition { point_in_time_recovery: true, ..table(&names.registry) },
        TableDefinition {
            point_in_time_recovery: true,
            deletion_protection: true,
            indexes: vec![
                IndexDefinition {
                    name: DUE_INDEX,
                    partition: name::DUE_SHARD,
                    sort: name::DUE_AT,
                    sort_is_number: true,
                },
                IndexDefinition {
                    name: BY_CONNECTOR_INDEX,
                    partition: name::CONNECTOR_SHARD,
                    sort: name::PK,
                    sort_is_number: false,
                },
            ],
            ..table(&names.connections)
        },
        TableDefinition { ttl_attribute: Some(name::TTL), ..table(&names.sessions) },
        TableDefinition { ttl_attribute: Some(name::TTL), ..table(&names.audit) },
    ]
}
