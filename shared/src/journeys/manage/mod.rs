//! What the people who run a workspace do: connectors, apps, keys, providers.

mod apps;
mod client_keys;
mod connectors;
mod endpoints;
mod identity;
mod keys;
mod providers;
mod workspaces;

pub use apps::{AppChange, AppDraft, AppError, IdentityDraft, KeySource, ManageApps};
pub use connectors::{ConnectorChange, ConnectorDraft, ConnectorError, ManageConnectors};
pub use identity::{IdentityError, ManageIdentity, SecretChange, WorkspaceIdentityDraft};
pub use keys::{KeyDraft, KeyError, ManageKeys, NewKey};
pub use providers::{ManageProviders, ProviderError};
pub use workspaces::{FoundError, FoundWorkspace, FoundedWorkspace};
