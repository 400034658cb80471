//! Deleting what is kept of one user: every connection ends here at once and at its provider as soon as that lets us.

use std::time::Duration;

use futures::{StreamExt, stream};

use super::{
    audit::Audit,
    end_connection::{EndConnection, EndError},
    reminders::Reminders,
    sweep_connector::LINGER,
};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        ids::{AppId, Issuer, Subject, WorkspaceId},
        user::{ConnectionKey, Owner, User},
    },
    store::{Apps, Connections, EndedGrants, ForgottenUsers, StoreError},
};

/// How many of a user's connections are ended at a time.
const AT_A_TIME: usize = 8;

/// Forgets users.
#[derive(Debug, Clone)]
pub struct ForgetUser {
    pub(crate) apps: Apps,
    pub(crate) connections: Connections,
    pub(crate) forgotten: ForgottenUsers,
    pub(crate) end: EndConnection,
    pub(crate) reminders: Reminders,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
}

/// Why nobody was forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// There is no such app in the workspace.
    #[error("no such app")]
    NoApp,
    /// The app has no issuer, and none was named.
    #[error("the app has no issuer")]
    NoIssuer,
    /// A connection could not be ended. Asking again goes on.
    #[error(transparent)]
    End(#[from] EndError),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ForgetUser {
    /// Ends every connection of a user and answers how many there were. A session that the user began before cannot
    /// become a connection any more. Goes by the app's issuer if none is named.
    ///
    /// # Errors
    /// [`ForgetError`].
    #[tracing::instrument(skip_all)]
    pub async fn forget(
        &self,
        workspace: &WorkspaceId,
        app: &AppId,
        subject: Subject,
        issuer: Option<Issuer>,
        actor: Actor,
    ) -> Result<usize, ForgetError> {
        let app = self.apps.find(app).await?.filter(|app| app.workspace == *workspace).ok_or(ForgetError::NoApp)?;
        let issuer = issuer.or_else(|| app.identity.map(|identity| identity.issuer)).ok_or(ForgetError::NoIssuer)?;
        let user = User { app: app.id, issuer, subject };
        let now = self.clock.now();
        let who = Actor::User(user.clone()).describe();
        let told = self.audit.to_note(workspace, &actor, "user.deleted", &who, &[]);
        self.forgotten.note(&user, now, now.checked_add(LINGER).unwrap_or(now), &told).await?;
        let connectors = self.connections.connectors_of_user(&user).await?;
        let places = connectors.into_iter().map(|connector| {
            let (workspace, owner) = (workspace.clone(), Owner::User(user.clone()));
            ConnectionKey { workspace, owner, connector }
        });
        let ends: Vec<_> = places.map(|place| self.end(place, &actor)).collect();
        let ends: Vec<_> = stream::iter(ends).buffer_unordered(AT_A_TIME).collect().await;
        // What could not be ended has kept nothing else of theirs.
        let ended = ends.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().filter(|is_ended| *is_ended).count();
        // Whoever dies before it is known how many there were leaves it to be noted without.
        self.audit.note_left(&told.with("connections", &ended.to_string())).await;
        Ok(ended)
    }

    /// Ends one connection, if it is still there.
    async fn end(&self, place: ConnectionKey, actor: &Actor) -> Result<bool, EndError> {
        let Some(ended) = self.end.at(&place, actor, Duration::ZERO).await? else { return Ok(false) };
        self.reminders.leave(EndedGrants::key(&ended.grant), Duration::ZERO).await;
        self.end.note(ended.notice, "pending").await;
        Ok(true)
    }
}
