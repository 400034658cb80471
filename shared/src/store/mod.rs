//! DynamoDB: one file per kind of item. A method is one request, with its condition spelled out and a lost race as a
//! value. Every item begins its key with what owns it, and carries the version of its layout.

mod api_keys;
mod apps;
mod audit_log;
mod completion;
mod connections;
mod connectors;
mod due;
mod ended_grants;
mod endings;
mod error;
mod forgotten_users;
pub(crate) mod keys;
mod leases;
mod providers;
mod purges;
mod reads;
mod row;
pub mod schema;
mod sessions;
mod sweeps;
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
pub use ended_grants::EndedGrants;
pub use endings::{ENDED_PREFIX, Ending, Endings};
pub use error::{StoreError, Write};
pub use forgotten_users::{Forgotten, ForgottenUsers};
pub use leases::{Claim, Commit, FreshTokens, Lease, LeaseOutcome, Leases};
pub use providers::CustomProviders;
pub use purges::{Purge, Purges};
pub use reads::TokenReads;
pub use sessions::Sessions;
pub use sweeps::{Sweep, Sweeps};
pub use table::{Cursor, TableNames};
pub use workspace_keys::{WorkspaceKeys, WrappedKey};
pub use workspaces::Workspaces;
