//! DynamoDB: one file per kind of item. A method is one request, with its condition spelled out and a lost race as a
//! value. Every item begins its key with what owns it, and carries the version of its layout.

mod api_keys;
mod apps;
mod audit_log;
mod completion;
mod connections;
mod connectors;
mod error;
mod healths;
pub(crate) mod keys;
mod leases;
mod paces;
mod providers;
mod reads;
mod renewals;
mod row;
mod schedule;
pub mod schema;
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
pub use error::{StoreError, Write};
pub use healths::Healths;
pub use leases::{Follows, Lease, LeaseOutcome, Leases, Release};
pub use paces::{Pace, Paces, Slot};
pub use providers::CustomProviders;
pub use reads::TokenReads;
pub use renewals::{Claim, Commit, FreshAccess, Renewal, Renewals};
pub use schedule::{Due, DueCursor, Schedule};
pub use sessions::Sessions;
pub use table::{Cursor, TableNames};
pub use workspace_keys::{WorkspaceKeys, WrappedKey};
pub use workspaces::Workspaces;
