//! Deleting what is kept of one user: every connection ends here at once and at its provider as soon as that lets us.

use std::time::Duration;

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
        user::User,
    },
    store::{Apps, Connections, EndedGrants, ForgottenUsers, StoreError},
};

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
        self.forgotten.note(&user, now, now.checked_add(LINGER).unwrap_or(now)).await?;
        let mut ended = 0;
        for connection in self.connections.of_user(&user).await? {
            let place = connection.key.clone();
            let Some(grant) = self.end.end(connection, Duration::ZERO).await? else { continue };
            self.reminders.leave(EndedGrants::key(&grant), Duration::ZERO).await;
            let details = [("connector", place.connector.as_str()), ("revocation", "pending")];
            self.audit.note(workspace, actor.clone(), "connection.deleted", place.id().as_str(), &details).await;
            ended += 1;
        }
        let (who, count) = (Actor::User(user).describe(), ended.to_string());
        self.audit.note(workspace, actor, "user.deleted", &who, &[("connections", &count)]).await;
        Ok(ended)
    }
}
