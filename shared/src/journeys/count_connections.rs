//! The connections of a workspace that were there before connections were counted: counted once, as soon as a plan limits
//! them. What comes or goes meanwhile is counted by whoever makes or ends it, so the count is exact when this is through, and
//! only ever too small before.

use std::time::Duration;

use jiff::Timestamp;

use super::{audit::Audit, reminders::Reminders, walk};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor, connector::Connector, ids::WorkspaceId, plan::Plans, user::ConnectionKey, workspace::Workspace,
    },
    store::{Connections, Connectors, Cursor, Recount, Recounts, StoreError, Taken, Workspaces, Write},
};

/// How many connections are counted together.
const GROUP: usize = 50;

/// How many are looked at in a turn.
const LOOKS_IN_TURN: usize = 1_000;

/// How long a turn is.
const TURN: Duration = Duration::from_secs(1);

/// How much earlier it is due than somebody is reminded of it: the drift of two clocks must not let a reminder find nothing
/// due.
const SLACK: Duration = Duration::from_millis(500);

/// Counts connections that nobody has counted.
#[derive(Debug, Clone)]
pub(crate) struct CountConnections {
    pub(crate) workspaces: Workspaces,
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) recounts: Recounts,
    pub(crate) reminders: Reminders,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
}

/// Notices where that is needed.
#[derive(Debug, Clone)]
pub(crate) struct BeginRecount {
    pub(crate) workspaces: Workspaces,
    pub(crate) recounts: Recounts,
    pub(crate) reminders: Reminders,
    pub(crate) plans: Plans,
    pub(crate) clock: Clock,
}

impl BeginRecount {
    /// Looks whether the connections of a workspace have to be counted.
    pub(super) async fn look_after(&self, id: &WorkspaceId) -> Result<(), StoreError> {
        if !self.plans.limit_connections() {
            return Ok(());
        }
        match self.workspaces.find(id).await? {
            Some(workspace) => self.where_needed(&workspace).await,
            None => Ok(()),
        }
    }

    /// Has the connections of a workspace counted, if its plan limits them and some may not be.
    pub(super) async fn where_needed(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let plan = workspace.plan.as_ref().and_then(|name| self.plans.find(name));
        let is_limited = plan.is_some_and(|plan| plan.connections.is_some());
        if !is_limited || workspace.connections_counted || workspace.deleted_at.is_some() {
            return Ok(());
        }
        let recount = Recount { workspace: workspace.id.clone(), from: None, due_at: self.clock.now() };
        if self.recounts.begin(&recount).await? == Write::Done {
            self.reminders.leave(recount.key(), Duration::ZERO).await;
        }
        Ok(())
    }
}

impl CountConnections {
    /// Takes one turn of counting that was claimed for it.
    #[tracing::instrument(skip_all)]
    pub(super) async fn turn(&self, recount: Recount) -> Result<(), StoreError> {
        let mut connectors = self.connectors.of_workspace(&recount.workspace).await?;
        // What a deleted one has left is about to end, and takes no room.
        connectors.retain(Connector::is_active);
        connectors.sort_by(|one, other| one.id.cmp(&other.id));
        let (mut from, mut looks) = (recount.from.clone(), 0);
        loop {
            let stretch = walk::stretch(&self.connections, &connectors, None, from.as_ref(), GROUP).await?;
            if stretch.unreadable > 0 {
                tracing::error!(connections = stretch.unreadable, "connections can't be read and are not counted");
            }
            let uncounted = stretch.connections.iter().filter(|connection| !connection.counted);
            self.take_in(&recount.workspace, &uncounted.map(|connection| &connection.key).collect::<Vec<_>>()).await?;
            from = stretch.next;
            looks += GROUP;
            if from.is_none() {
                return self.finish(&recount).await;
            }
            if looks >= LOOKS_IN_TURN {
                return self.leave_rest(&recount, from.as_ref()).await;
            }
        }
    }

    /// Counts a group; one by one, if somebody ended or counted one of them in between.
    async fn take_in(&self, workspace: &WorkspaceId, uncounted: &[&ConnectionKey]) -> Result<(), StoreError> {
        if uncounted.is_empty() || self.recounts.take_in(workspace, uncounted).await? == Taken::All {
            return Ok(());
        }
        for place in uncounted {
            self.recounts.take_in(workspace, &[*place]).await?;
        }
        Ok(())
    }

    /// The workspace is told first: a count that is begun anew finds nothing.
    async fn finish(&self, recount: &Recount) -> Result<(), StoreError> {
        let (id, action) = (&recount.workspace, "workspace.connections_counted");
        let told = self.audit.to_note(id, &Actor::System, action, id.as_str(), &[]);
        if self.workspaces.note_connections_counted(id, &told).await? == Write::Done {
            self.audit.note_left(&told).await;
        }
        self.recounts.finish(recount).await
    }

    async fn leave_rest(&self, recount: &Recount, from: Option<&Cursor>) -> Result<(), StoreError> {
        let due_at = self.clock.now().checked_add(TURN.saturating_sub(SLACK)).unwrap_or(Timestamp::MAX);
        if self.recounts.put_off(recount, from, due_at).await? == Write::Done {
            self.reminders.leave(recount.key(), TURN).await;
        }
        Ok(())
    }
}
