//! A revocation of many connections is stopped before it is done.

use super::{RevokeMatching, turn::KEPT};
use crate::{
    domain::{
        audit::Actor,
        ids::{RevocationId, WorkspaceId},
        mass_revocation::MassRevocation,
    },
    store::{StoreError, Write},
};

impl RevokeMatching {
    /// Stops a revocation, and tells how far it has come; nothing if there is none. What has ended does not come back, and what a
    /// turn is at in this moment is still ended: ten connections at most. One that is done stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    #[tracing::instrument(skip_all, fields(revocation.id = %id))]
    pub async fn stop(
        &self,
        workspace: &WorkspaceId,
        id: &RevocationId,
        actor: Actor,
    ) -> Result<Option<MassRevocation>, StoreError> {
        let Some(found) = self.revocations.find(workspace, id).await? else { return Ok(None) };
        if found.finished_at.is_some() {
            return Ok(Some(found));
        }
        let now = self.clock.now();
        let stopped = MassRevocation {
            finished_at: Some(now),
            stopped_by: Some(actor.describe()),
            due_at: now.checked_add(KEPT).unwrap_or(found.due_at),
            ..found
        };
        let ended = stopped.progress.ended.to_string();
        let (action, details) = ("connections.revocation_stopped", [("ended", ended.as_str())]);
        let told = self.audit.to_note(workspace, &actor, action, id.as_str(), &details);
        if self.revocations.stop(&stopped, &told).await? == Write::Done {
            self.audit.note_left(&told).await;
        }
        self.revocations.find(workspace, id).await
    }
}
