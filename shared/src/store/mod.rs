//! DynamoDB: one file per kind of item. A method is one request, with its condition spelled out and a lost race as a
//! value. Every item begins its key with what owns it, and carries the version of its layout.

mod api_keys;
mod apps;
mod audit_log;
mod completion;
mod connections;
mod connectors;
mod due;
mod error;
pub(crate) mod keys;
mod leases;
mod providers;
mod reads;
mod row;
pub mod schema;
mod sealed_rows;
mod sessions;
mod table;
mod workspace_keys;
mod workspaces;

pub use api_keys::ApiKeys;
pub use apps::Apps;
pub use audit_log::{AuditLog, AuditPage, StoredEvent};
pub use completion::{Completion, Completions, NewGrant};
pub use connections::{ConnectionPage, Connections};
pub use connectors::{ConnectorWrite, Connectors};
pub use due::{Due, DueIndex};
pub use error::{StoreError, Write};
pub use leases::{Claim, Commit, FreshTokens, Lease, LeaseOutcome, Leases};
pub use providers::CustomProviders;
pub use reads::TokenReads;
pub use sealed_rows::{ResealedTokens, SealedPage, SealedRows, SealedSecretRow, SealedTokensRow};
pub use sessions::Sessions;
pub use table::{Cursor, TableNames};
pub use workspace_keys::{WorkspaceKeys, WrappedKey};
pub use workspaces::Workspaces;
