//! Founding a workspace: the first thing that happens in a deployment.

use std::sync::Arc;

use super::keys::{KeyDraft, KeyError, ManageKeys, NewKey};
use crate::{
    clock::Clock,
    domain::{
        api_key::{Holder, WorkspaceRole},
        audit::Actor,
        encryption_key::KmsKeyArn,
        ids::WorkspaceId,
        plan::{PlanName, Plans},
        workspace::{DisplayName, Workspace},
    },
    journeys::audit::{Audit, NotNoted},
    random::Random,
    store::{StoreError, Workspaces},
    vault::{NewKeyError, Vault},
};

/// Founds workspaces.
#[derive(Debug, Clone)]
pub struct FoundWorkspace {
    pub(crate) workspaces: Workspaces,
    pub(crate) keys: ManageKeys,
    pub(crate) plans: Plans,
    pub(crate) vault: Arc<Vault>,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// A new workspace and its first admin key.
#[derive(Debug)]
pub struct FoundedWorkspace {
    /// The workspace.
    pub workspace: Workspace,
    /// The key, shown this once.
    pub key: NewKey,
}

/// Why no workspace was founded.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// The deployment has no such plan.
    #[error("no such plan")]
    UnknownPlan,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no key to seal its secrets with.
    #[error(transparent)]
    Seal(#[from] NewKeyError),
    /// Its audit trail was not begun.
    #[error(transparent)]
    Trail(#[from] NotNoted),
    /// Its first key was not made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl FoundWorkspace {
    /// Makes a workspace, the key that seals its secrets (wrapped by this KMS key, or the deployment's), and its first admin
    /// key.
    ///
    /// # Errors
    /// [`FoundError`]; nothing that was made by then can be used by anybody.
    #[tracing::instrument(skip_all)]
    pub async fn found(
        &self,
        name: DisplayName,
        kms_key: Option<&KmsKeyArn>,
        plan: Option<PlanName>,
    ) -> Result<FoundedWorkspace, FoundError> {
        if plan.as_ref().is_some_and(|name| self.plans.find(name).is_none()) {
            return Err(FoundError::UnknownPlan);
        }
        let now = self.clock.now();
        let id = WorkspaceId::of_ulid(&self.random.ulid(now));
        let (connectors, connections_counted) = (Some(0), true);
        let workspace =
            Workspace { id, name, plan, connectors, connections_counted, created_at: now, deleted_at: None };
        self.vault.found(&workspace.id, kms_key).await?;
        self.audit.begin(&workspace.id).await?;
        let told = self.audit.to_note(&workspace.id, &Actor::System, "workspace.created", workspace.id.as_str(), &[]);
        self.workspaces.put_new(&workspace, &told).await?;
        self.audit.note_left(&told).await;
        let holder = Holder::Workspace { workspace: workspace.id.clone(), role: WorkspaceRole::Admin };
        let key = self.keys.create(KeyDraft { name: "First admin key".to_owned(), holder }, Actor::System).await?;
        Ok(FoundedWorkspace { workspace, key })
    }
}
