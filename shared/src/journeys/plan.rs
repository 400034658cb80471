//! The plan of a workspace: which it is, what it leaves to be added, and given by whoever runs the deployment.

use crate::{
    domain::{
        audit::Actor,
        connector::{Connector, ConnectorKind},
        ids::WorkspaceId,
        plan::{Limit, Plan, PlanName, PlanRequired, Plans},
        workspace::Workspace,
    },
    journeys::{audit::Audit, count_connections::BeginRecount},
    store::{ConnectionCounts, Connectors, StoreError, Workspaces, Write},
};

/// Keeps workspaces to their plans.
#[derive(Debug, Clone)]
pub struct KeepPlan {
    pub(crate) workspaces: Workspaces,
    pub(crate) connectors: Connectors,
    pub(crate) counts: ConnectionCounts,
    pub(crate) recount: BeginRecount,
    pub(crate) plans: Plans,
    pub(crate) audit: Audit,
}

/// A workspace, its plan, and how much of it is used.
#[derive(Debug)]
pub struct Planned {
    /// The workspace.
    pub workspace: Workspace,
    /// Its plan, if it has one that the deployment still knows.
    pub plan: Option<(PlanName, Plan)>,
    /// How many connectors it has.
    pub connectors: u64,
}

/// Why a workspace was given no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The deployment has no such plan.
    #[error("no such plan")]
    UnknownPlan,
    /// There is no such workspace.
    #[error("no such workspace")]
    UnknownWorkspace,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Planned {
    /// How many connectors there may be.
    #[must_use]
    pub fn most_connectors(&self) -> Option<u32> {
        self.plan.as_ref().and_then(|(_, plan)| plan.connectors)
    }

    /// Passes if the plan has room for a connector of this kind, as far as can be said before it is stored.
    ///
    /// # Errors
    /// [`PlanRequired`].
    pub fn has_room_for(&self, kind: ConnectorKind) -> Result<(), PlanRequired> {
        let Some((name, plan)) = &self.plan else { return Ok(()) };
        let limit = match (kind, plan.connectors) {
            (_, Some(most)) if self.connectors >= u64::from(most) => Limit::Connectors { most, used: self.connectors },
            (ConnectorKind::Shared, _) if !plan.shared => Limit::Shared,
            (ConnectorKind::PerUser | ConnectorKind::Shared, _) => return Ok(()),
        };
        Err(PlanRequired { plan: name.clone(), limit })
    }

    /// Passes if the plan has providers of a workspace's own.
    ///
    /// # Errors
    /// [`PlanRequired`].
    pub fn has_custom_providers(&self) -> Result<(), PlanRequired> {
        match &self.plan {
            Some((name, plan)) if !plan.custom_providers => {
                Err(PlanRequired { plan: name.clone(), limit: Limit::CustomProviders })
            }
            _ => Ok(()),
        }
    }
}

impl KeepPlan {
    /// The workspace with its plan; `None` if there is none. Connectors of a workspace that is older than their count are
    /// counted here, once; its connections are from now on, where its plan limits them.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn of(&self, id: &WorkspaceId) -> Result<Option<Planned>, StoreError> {
        let Some(workspace) = self.workspaces.find(id).await?.filter(|found| found.deleted_at.is_none()) else {
            return Ok(None);
        };
        self.recount.where_needed(&workspace).await?;
        let connectors = match workspace.connectors {
            Some(connectors) => connectors,
            None => self.counted(id).await?,
        };
        let plan = workspace.plan.as_ref().and_then(|name| Some((name.clone(), self.plans.find(name)?.clone())));
        if plan.is_none() && workspace.plan.is_some() {
            tracing::warn!(workspace.id = %id, "the workspace's plan is none of the deployment's, so nothing limits it");
        }
        Ok(Some(Planned { workspace, plan, connectors }))
    }

    /// How many connections a workspace has.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn connections(&self, id: &WorkspaceId) -> Result<u64, StoreError> {
        Ok(self.counts.of(id).await?.total())
    }

    /// Whoever adds or deletes one does so only where they are counted: nothing is added between the count and its writing
    /// that would be missing in it.
    async fn counted(&self, id: &WorkspaceId) -> Result<u64, StoreError> {
        let connectors = self.connectors.of_workspace(id).await?;
        let count = connectors.iter().filter(|connector| Connector::is_active(connector)).count() as u64;
        match self.workspaces.count_connectors(id, count).await? {
            Write::Done => Ok(count),
            Write::Conflict => Ok(self.workspaces.find(id).await?.and_then(|found| found.connectors).unwrap_or(count)),
        }
    }

    /// Gives a workspace a plan, or takes it away.
    ///
    /// # Errors
    /// [`PlanError`]; nothing is changed then.
    #[tracing::instrument(skip_all)]
    pub async fn give(&self, id: &WorkspaceId, plan: Option<&PlanName>) -> Result<(), PlanError> {
        if plan.is_some_and(|name| self.plans.find(name).is_none()) {
            return Err(PlanError::UnknownPlan);
        }
        let details = [("plan", plan.map_or("none", PlanName::as_str))];
        let told = self.audit.to_note(id, &Actor::System, "workspace.plan_changed", id.as_str(), &details);
        if self.workspaces.give_plan(id, plan, &told).await? == Write::Conflict {
            return Err(PlanError::UnknownWorkspace);
        }
        self.audit.note_left(&told).await;
        Ok(self.recount.look_after(id).await?)
    }
}
