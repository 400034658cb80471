//! Deleting a workspace. Its wrapped keys go first: from then on nothing that was sealed for it can be opened. The rest
//! is removed in the background. Grants at providers are not ended by it, because nobody can open their tokens: whoever
//! wants them ended deletes the connectors first.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{
    audit::Audit, end_connection::LOOK_AFTER, publish::Publisher, reminders::Reminders, sweep_connector::LINGER,
};
use crate::{
    clock::Clock,
    domain::{audit::Actor, connector::Connector, event::EventKind, ids::WorkspaceId, notice::Notice},
    store::{
        ApiKeys, Apps, ConnectionCounts, Connections, ConnectorWrite, Connectors, Healths, ItemKey, Proposals, Purge,
        Purges, StoreError, WorkspaceIdentities, WorkspaceKeys, Workspaces, Write,
    },
};

/// How many items of a connector one turn of a purge removes.
const PER_TURN: usize = 500;

/// How many of them at a time.
const AT_A_TIME: usize = 20;

/// How often connectors are marked that somebody changes at the same time.
const MARKS: usize = 3;

/// Deletes workspaces.
#[derive(Debug, Clone)]
pub struct DeleteWorkspace {
    pub(crate) workspaces: Workspaces,
    pub(crate) wrapped_keys: WorkspaceKeys,
    pub(crate) api_keys: ApiKeys,
    pub(crate) identities: WorkspaceIdentities,
    pub(crate) apps: Apps,
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) counts: ConnectionCounts,
    pub(crate) healths: Healths,
    pub(crate) proposals: Proposals,
    pub(crate) purges: Purges,
    pub(crate) reminders: Reminders,
    pub(crate) audit: Audit,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Clock,
}

impl DeleteWorkspace {
    /// Deletes a workspace: its connectors are unusable and its secrets unreadable when this returns, and its API keys
    /// are refused everywhere within a minute. Asking again is safe.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer. Once the workspace is marked, the schedule goes on with it.
    #[tracing::instrument(skip_all)]
    pub async fn delete(&self, workspace: &WorkspaceId, actor: Actor) -> Result<(), StoreError> {
        let now = self.clock.now();
        // Written before the mark, so that no mark is left without its purge; due when whoever marks is done or dead,
        // because a purge that finds no mark is over.
        let later = now.checked_add(LOOK_AFTER).unwrap_or(Timestamp::MAX);
        let purge = Purge { workspace: workspace.clone(), began_at: now, due_at: later };
        self.purges.begin(&purge).await?;
        let told = self.audit.to_note(workspace, &actor, "workspace.deleted", workspace.as_str(), &[]);
        if self.workspaces.mark_deleted(workspace, &told).await? == Write::Done {
            self.audit.note_left(&told).await;
        }
        self.close(workspace).await?;
        let purge = Purge { due_at: now, ..purge };
        self.purges.begin(&purge).await?;
        self.reminders.leave(purge.key(), Duration::ZERO).await;
        Ok(())
    }

    /// Takes one turn of a purge that was claimed for it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer. The turn comes again then, and finds what is left.
    #[tracing::instrument(skip_all)]
    pub(super) async fn purge(&self, purge: Purge) -> Result<(), StoreError> {
        let workspace = self.workspaces.find(&purge.workspace).await?;
        if workspace.is_some_and(|workspace| workspace.deleted_at.is_none()) {
            return self.purges.finish(&purge).await;
        }
        self.close(&purge.workspace).await?;
        let connectors = self.connectors.of_workspace(&purge.workspace).await?;
        for connector in &connectors {
            let entries = self.connections.entries_of_connector(&connector.id, PER_TURN).await?;
            if !entries.is_empty() {
                self.remove(entries).await?;
                return self.leave_rest(&purge, Duration::from_secs(1)).await;
            }
        }
        // A session that was about to end in a connection may have done so a moment ago.
        let settled_at = purge.began_at.checked_add(LINGER).unwrap_or(Timestamp::MAX);
        let left = Duration::try_from(settled_at.duration_since(self.clock.now())).unwrap_or_default();
        if !left.is_zero() {
            return self.leave_rest(&purge, left).await;
        }
        for connector in &connectors {
            self.connectors.destroy(&connector.workspace, &connector.id).await?;
            self.healths.forget(&connector.id).await?;
        }
        self.counts.forget(&purge.workspace).await?;
        self.proposals.remove_all(&purge.workspace).await?;
        self.workspaces.remove_all(&purge.workspace).await?;
        let id = &purge.workspace;
        let told = self.audit.to_note(id, &Actor::System, "workspace.purged", id.as_str(), &[]);
        self.audit.note_first(&told).await?;
        self.audit.let_end(&purge.workspace).await?;
        self.purges.finish(&purge).await
    }

    /// Lets nobody use anything of the workspace any more. Doing it again is harmless, and covers what was made while it
    /// was done.
    async fn close(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        let marked = self.mark_connectors(workspace).await;
        // Whatever became of the marks: without its keys nothing of it can be opened.
        self.wrapped_keys.delete_all(workspace).await?;
        marked?;
        self.identities.remove(workspace, None).await?;
        self.api_keys.remove_all(workspace).await?;
        for id in self.apps.of_workspace(workspace).await? {
            if let Some(app) = self.apps.find(&id).await?.filter(|app| app.workspace == *workspace) {
                self.apps.delete(&app, None).await?;
            }
        }
        Ok(())
    }

    /// Marks every connector as deleted; again if somebody changed one in that moment.
    async fn mark_connectors(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        for _ in 0..MARKS {
            let connectors = self.connectors.of_workspace(workspace).await?;
            let active = connectors.iter().filter(|connector| connector.is_active());
            let marks: Vec<_> = active.map(|connector| self.mark_connector(connector)).collect();
            let marks: Vec<ConnectorWrite> = stream::iter(marks).buffer_unordered(AT_A_TIME).try_collect().await?;
            if marks.iter().all(|mark| *mark == ConnectorWrite::Done) {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("others keep changing a connector".to_owned()))
    }

    async fn mark_connector(&self, connector: &Connector) -> Result<ConnectorWrite, StoreError> {
        let told = Notice::told(self.publisher.of_connector(EventKind::ConnectorDeleted, connector));
        let write = self.connectors.mark_deleted(connector, &told, None).await?;
        if write == ConnectorWrite::Done {
            self.publisher.remind(&told).await;
        }
        Ok(write)
    }

    async fn remove(&self, entries: Vec<ItemKey>) -> Result<(), StoreError> {
        let removals: Vec<_> = entries.iter().map(|entry| self.connections.remove_entry(entry)).collect();
        stream::iter(removals).buffer_unordered(AT_A_TIME).try_collect().await
    }

    async fn leave_rest(&self, purge: &Purge, wait: Duration) -> Result<(), StoreError> {
        let due_at = self.clock.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        if self.purges.put_off(purge, due_at).await? == Write::Done {
            self.reminders.leave(purge.key(), wait).await;
        }
        Ok(())
    }
}
