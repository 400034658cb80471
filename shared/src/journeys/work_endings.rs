//! The queue of what is left to be done after something ended, worked off. A message is a reminder: what it names is
//! claimed in the table first, so that a message that comes twice finds nothing due.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    count_connections::CountConnections, delete_workspace::DeleteWorkspace, end_connection::EndError,
    revoke_grant::RevokeGrant, revoke_matching::RevokeMatching, sweep_connector::SweepConnector,
};
use crate::{
    clock::Clock,
    queue::DueMessage,
    store::{Ending, Endings, ForgottenUsers, Imports, ItemKey, StoreError},
};

/// How long a claim holds: longer than any function runs, so that nobody else is at the same thing. Whoever dies in the
/// middle is followed when it is over.
pub const CLAIM: Duration = Duration::from_mins(1);

/// Works off the queue of what is left to be done.
#[derive(Debug, Clone)]
pub struct WorkEndings {
    pub(crate) endings: Endings,
    pub(crate) revoke: RevokeGrant,
    pub(crate) sweep: SweepConnector,
    pub(crate) matching: RevokeMatching,
    pub(crate) count: CountConnections,
    pub(crate) forgotten: ForgottenUsers,
    pub(crate) imports: Imports,
    pub(crate) workspaces: DeleteWorkspace,
    pub(crate) clock: Clock,
}

/// A message that must come again. What it names is due again in a minute, too, with or without it.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// It cannot be read; in the end it lands where somebody looks at it.
    #[error("the message can't be read")]
    Unreadable,
    /// Something could not be ended.
    #[error(transparent)]
    End(#[from] EndError),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WorkEndings {
    /// Carries out one message.
    ///
    /// # Errors
    /// [`Unfinished`] if it must come again.
    pub async fn work(&self, body: &str) -> Result<(), Unfinished> {
        let message: DueMessage = serde_json::from_str(body).map_err(|_| Unfinished::Unreadable)?;
        let item = ItemKey { pk: message.pk, sk: message.sk };
        let now = self.clock.now();
        let until = now.checked_add(CLAIM).unwrap_or(Timestamp::MAX);
        match self.endings.claim(&item, now, until).await? {
            None => Ok(()),
            Some(Ending::Grant(ended)) => Ok(self.revoke.again(*ended).await?),
            Some(Ending::Sweep(sweep)) => Ok(self.sweep.turn(sweep).await?),
            Some(Ending::Mass(held)) => Ok(self.matching.turn(*held).await?),
            Some(Ending::Recount(recount)) => Ok(self.count.turn(recount).await?),
            Some(Ending::Forgotten(forgotten)) => Ok(self.forgotten.let_go(&forgotten).await?),
            Some(Ending::Import(ended)) => Ok(self.imports.let_go(&ended).await?),
            Some(Ending::Purge(purge)) => Ok(self.workspaces.purge(purge).await?),
        }
    }
}
