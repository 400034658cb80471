//! The limit of connections that a workspace's plan may have, as it stands when somebody sets out to make one.

use crate::{
    domain::{
        ids::WorkspaceId,
        plan::{ConnectionCount, Limit, PlanName, PlanRequired, Plans, Room},
    },
    store::{ConnectionCounts, StoreError, Workspaces},
};

/// Knows how many connections a workspace may still make.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionQuotas {
    pub(crate) workspaces: Workspaces,
    pub(crate) counts: ConnectionCounts,
    pub(crate) plans: Plans,
}

/// A limit of connections, and how much of it is used.
#[derive(Debug)]
pub(super) struct Quota {
    plan: PlanName,
    most: u32,
    count: ConnectionCount,
}

impl ConnectionQuotas {
    /// The limit of a workspace, if its plan has one.
    pub(super) async fn of(&self, id: &WorkspaceId) -> Result<Option<Quota>, StoreError> {
        if !self.plans.limit_connections() {
            return Ok(None);
        }
        let Some(plan) = self.workspaces.find(id).await?.and_then(|workspace| workspace.plan) else { return Ok(None) };
        let Some(most) = self.plans.find(&plan).and_then(|plan| plan.connections) else { return Ok(None) };
        Ok(Some(Quota { plan, most, count: self.counts.of(id).await? }))
    }
}

impl Quota {
    /// What the end of the session goes by.
    pub(super) fn room(&self) -> Room {
        self.count.room(self.most)
    }

    /// Passes if there is room for one more at this moment.
    pub(super) fn has_room(&self) -> Result<(), PlanRequired> {
        self.has_room_beside(0)
    }

    /// Passes if there is room for one more, once so many others have come.
    pub(super) fn has_room_beside(&self, coming: u64) -> Result<(), PlanRequired> {
        let (most, used) = (self.most, self.count.total().saturating_add(coming));
        if used < u64::from(most) {
            return Ok(());
        }
        Err(PlanRequired { plan: self.plan.clone(), limit: Limit::Connections { most, used } })
    }
}
