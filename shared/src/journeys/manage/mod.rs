//! What the people who run a workspace do: connectors, apps, keys, providers.

mod acceptance;
mod apps;
mod client_keys;
mod connector_request;
mod connectors;
mod endpoints;
mod governance;
mod identity;
mod keys;
mod providers;
mod webhook_replay;
mod webhooks;
mod workspaces;

pub(in crate::journeys) use acceptance::needs_new_secret;
pub use apps::{AppChange, AppDraft, AppError, IdentityDraft, KeySource, ManageApps};
pub use connector_request::{client_id, read_change, read_draft};
pub use connectors::{ConnectorChange, ConnectorDraft, ConnectorError, ManageConnectors, Order};
pub use governance::{Govern, GovernError, Governed};
pub use identity::{IdentityError, ManageIdentity, SecretChange, WorkspaceIdentityDraft};
pub use keys::{KeyDraft, KeyError, ManageKeys, NewKey};
pub use providers::{ManageProviders, ProviderError};
pub use webhook_replay::{ReplayWish, Replayed};
pub use webhooks::{ManageWebhooks, Shown, WebhookError, WebhookWish};
pub use workspaces::{FoundError, FoundWorkspace, FoundedWorkspace};
