//! Reading the audit trail, and finding out whether it is whole.

use jiff::Timestamp;

use super::audit::{Audit, NotNoted};
use crate::{
    clock::Clock,
    domain::{
        chain::{Break, Witness},
        ids::WorkspaceId,
    },
    store::{AuditLog, AuditPage, Checked, Cursor, Extent, Sought, StoreError, TrailLines, Workspaces},
    vault::VaultError,
};

/// How many events a page has at most.
const PAGE: usize = 100;

/// How many events one call follows the chains over at most.
const VERIFIED_AT_ONCE: usize = 500;

/// Reads the audit trail.
#[derive(Debug, Clone)]
pub struct ReadAudit {
    pub(crate) log: AuditLog,
    pub(crate) audit: Audit,
    pub(crate) workspaces: Workspaces,
    pub(crate) clock: Clock,
}

/// Why nothing is said of a trail.
#[derive(Debug, thiserror::Error)]
pub enum ReadAuditError {
    /// There is no such workspace.
    #[error("no such workspace")]
    NotFound,
    /// The cursor is of no earlier answer.
    #[error("no such cursor")]
    Cursor,
    /// The storage can't answer.
    #[error(transparent)]
    Store(StoreError),
    /// What the chains are made with can't be opened now.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<StoreError> for ReadAuditError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Unreadable("cursor")) { Self::Cursor } else { Self::Store(error) }
    }
}

impl From<NotNoted> for ReadAuditError {
    fn from(error: NotNoted) -> Self {
        match error {
            NotNoted::Store(error) => error.into(),
            NotNoted::Vault(error) => error.into(),
        }
    }
}

impl ReadAudit {
    /// A page of the events that are sought, the latest first.
    ///
    /// # Errors
    /// [`ReadAuditError`].
    pub async fn page(
        &self,
        workspace: &WorkspaceId,
        sought: &Sought,
        from: Option<&Cursor>,
    ) -> Result<AuditPage, ReadAuditError> {
        let found = self.workspaces.find(workspace).await?.ok_or(ReadAuditError::NotFound)?;
        let page = self.log.page(workspace, sought, from, (found.created_at, self.clock.now()), PAGE).await?;
        if page.unreadable > 0 {
            tracing::error!(workspace.id = %workspace, events = page.unreadable, "events of the audit trail can't be read");
        }
        Ok(page)
    }

    /// The events that are sought, the earliest first, as lines: for whoever keeps or checks the trail elsewhere.
    ///
    /// # Errors
    /// [`ReadAuditError`].
    pub async fn lines(
        &self,
        workspace: &WorkspaceId,
        sought: &Sought,
        from: Option<&Cursor>,
    ) -> Result<TrailLines, ReadAuditError> {
        let found = self.workspaces.find(workspace).await?.ok_or(ReadAuditError::NotFound)?;
        Ok(self.log.lines(workspace, sought, from, (found.created_at, self.clock.now())).await?)
    }

    /// Follows the chains of the trail, a bounded piece at a time; with a witness, an earlier answer that somebody has kept,
    /// not back to before it either.
    ///
    /// # Errors
    /// [`ReadAuditError`].
    pub async fn verify(
        &self,
        workspace: &WorkspaceId,
        since: Option<Timestamp>,
        witness: Option<&Witness>,
        from: Option<&Cursor>,
    ) -> Result<Checked, ReadAuditError> {
        let made_at = self.workspaces.find(workspace).await?.ok_or(ReadAuditError::NotFound)?.created_at;
        let Some(key) = self.audit.key(workspace).await? else {
            let was_never_signed = self.audit.was_never_signed(workspace).await?;
            return Ok(Checked::nowhere(if was_never_signed { Break::NeverSigned } else { Break::KeyGone }));
        };
        let (key, now, limit) = (&key, self.clock.now(), VERIFIED_AT_ONCE);
        let extent = Extent { workspace, made_at, key, from, since, witness, now, limit };
        Ok(self.log.check(&extent).await?)
    }
}
