//! What is connected: for a user, for an app's backend, for an admin.

use super::profile;
use crate::{
    auth::AppUser,
    clock::Clock,
    domain::{
        connection::Connection,
        connector::{Connector, ConnectorKind},
        ids::{AppId, ConnectorId, Issuer, Subject, WorkspaceId},
        policy::Policy,
        scopes::Scopes,
        standing::{Standing, Status},
        user::{Owner, User},
    },
    store::{Apps, Connections, Connectors, Cursor, Policies, StoreError},
};

/// Lists connections.
#[derive(Debug, Clone)]
pub struct ListConnections {
    pub(crate) apps: Apps,
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) policies: Policies,
    pub(crate) clock: Clock,
}

/// A connector as one user sees it.
#[derive(Debug)]
pub struct UserConnector {
    /// The connector.
    pub connector: Connector,
    /// The user's connection, if there is one.
    pub connection: Option<Connection>,
    /// How it stands.
    pub standing: Standing,
}

/// One page of connections, each with how it stands.
#[derive(Debug)]
pub struct StandingPage {
    /// The connections.
    pub connections: Vec<(Connection, Standing)>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

/// Everything that one user of an app has connected.
#[derive(Debug)]
pub struct UserConnections {
    /// Who that is.
    pub user: User,
    /// Their connections, in the order in which the connectors were made.
    pub connections: Vec<(Connection, Standing)>,
    /// How many more cannot be read.
    pub unreadable: usize,
}

/// Why nobody's connections are listed.
#[derive(Debug, thiserror::Error)]
pub enum UserConnectionsError {
    /// There is no such app in the workspace.
    #[error("no such app")]
    NoApp,
    /// The app has no issuer, and none was named.
    #[error("the app has no issuer")]
    NoIssuer,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many connections a page has at most.
const PAGE: usize = 100;

impl ListConnections {
    /// Every connector of the app's workspace through which users connect, with how it stands for this user.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn of_user(&self, user: &AppUser) -> Result<Vec<UserConnector>, StoreError> {
        let connectors = self.connectors.of_workspace(&user.app().workspace).await?;
        let mut connections = self.connections.of_user(user.user()).await?;
        let owner = Owner::User(user.user().clone());
        let policy = self.policies.find(&user.app().workspace).await?.policy;
        let mut listed = Vec::with_capacity(connectors.len());
        for connector in connectors.into_iter().filter(|found| found.is_open_to(&owner)) {
            let own = connections.iter().position(|connection| connection.key.connector == connector.id);
            listed.extend(self.view(connector, own.map(|index| connections.swap_remove(index)), &policy));
        }
        Ok(listed)
    }

    /// One connector of the app's workspace, with how it stands for this user.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn one_of_user(&self, user: &AppUser, id: ConnectorId) -> Result<Option<UserConnector>, StoreError> {
        let place = user.place(id);
        let connector = self.connectors.find(&place.workspace, &place.connector).await?;
        let Some(connector) = connector.filter(|found| found.is_open_to(&place.owner)) else { return Ok(None) };
        let connection = self.connections.find(&place).await?;
        let policy = self.policies.find(&place.workspace).await?.policy;
        Ok(self.view(connector, connection, &policy))
    }

    /// Everything that a user of an app has connected, through whichever connector, for whoever administers the workspace.
    /// Goes by the app's issuer if none is named. Nobody knows which users an app has: one who never connected anything has
    /// nothing here.
    ///
    /// # Errors
    /// [`UserConnectionsError`].
    pub async fn of_named(
        &self,
        workspace: &WorkspaceId,
        app: &AppId,
        subject: Subject,
        issuer: Option<Issuer>,
    ) -> Result<UserConnections, UserConnectionsError> {
        let app = self.apps.find(app).await?.filter(|app| app.workspace == *workspace);
        let app = app.ok_or(UserConnectionsError::NoApp)?;
        let issuer = issuer.or_else(|| app.identity.map(|identity| identity.issuer));
        let user = User { app: app.id, issuer: issuer.ok_or(UserConnectionsError::NoIssuer)?, subject };
        let (mut found, unreadable) = self.connections.readable_of_user(&user).await?;
        let policy = self.policies.find(workspace).await?.policy;
        let owner = Owner::User(user.clone());
        let mut connections = Vec::with_capacity(found.len());
        for connector in self.connectors.of_workspace(workspace).await?.iter().filter(|known| known.is_open_to(&owner))
        {
            let own = found.iter().position(|connection| connection.key.connector == connector.id);
            let own = own.map(|index| found.swap_remove(index));
            connections.extend(own.and_then(|connection| self.standing(connection, connector, &policy)));
        }
        Ok(UserConnections { user, connections, unreadable })
    }

    /// Connections of a workspace: of one app, of one connector, or of both. Nothing if there is no such connector.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the cursor is not one of ours.
    pub async fn page(
        &self,
        workspace: &WorkspaceId,
        app: Option<&AppId>,
        connector: Option<&ConnectorId>,
        from: Option<&Cursor>,
    ) -> Result<Option<StandingPage>, StoreError> {
        match connector {
            Some(id) => match self.connectors.find(workspace, id).await?.filter(Connector::is_active) {
                // An app's users have nothing of what the workspace shares.
                Some(connector) if app.is_some() && connector.kind == ConnectorKind::Shared => Ok(None),
                Some(connector) => {
                    let policy = self.policies.find(workspace).await?.policy;
                    self.page_of(&connector, app, from, &policy).await.map(Some)
                }
                None => Ok(None),
            },
            None => self.page_of_all(workspace, app, from).await.map(Some),
        }
    }

    /// One connector after the other, in the order they were made.
    async fn page_of_all(
        &self,
        workspace: &WorkspaceId,
        app: Option<&AppId>,
        from: Option<&Cursor>,
    ) -> Result<StandingPage, StoreError> {
        let (first, mut within) = match from {
            None => (None, None),
            Some(cursor) => {
                let (id, inner) = cursor.split_first().ok_or(StoreError::Unreadable("cursor"))?;
                (Some(id), inner)
            }
        };
        let policy = self.policies.find(workspace).await?.policy;
        let connectors = self.connectors.of_workspace(workspace).await?;
        let mut connectors = connectors
            .into_iter()
            .filter(Connector::is_active)
            .skip_while(|connector| first.as_deref().is_some_and(|first| connector.id.as_str() < first))
            .peekable();
        let mut page = StandingPage { connections: Vec::new(), next: None };
        while let Some(connector) = connectors.next() {
            let found = self.page_of(&connector, app, within.take().as_ref(), &policy).await?;
            page.connections.extend(found.connections);
            if let Some(inner) = found.next {
                page.next = Some(inner.behind(connector.id.as_str()));
                break;
            }
            if page.connections.len() >= PAGE {
                page.next = connectors.peek().map(|next| Cursor::start_of(next.id.as_str()));
                break;
            }
        }
        Ok(page)
    }

    async fn page_of(
        &self,
        connector: &Connector,
        app: Option<&AppId>,
        from: Option<&Cursor>,
        policy: &Policy,
    ) -> Result<StandingPage, StoreError> {
        let page = self.connections.of_connector(&connector.id, app, from, PAGE).await?;
        if page.unreadable > 0 {
            tracing::error!(connections = page.unreadable, "connections can't be read and are not listed");
        }
        let standing = |connection| self.standing(connection, connector, policy);
        Ok(StandingPage { connections: page.connections.into_iter().filter_map(standing).collect(), next: page.next })
    }

    fn standing(
        &self,
        connection: Connection,
        connector: &Connector,
        policy: &Policy,
    ) -> Option<(Connection, Standing)> {
        let provider = profile(connector)?;
        let standing = Standing::of(&connection, connector, provider, self.clock.now()).under(policy, connector);
        Some((connection, standing))
    }

    fn view(&self, connector: Connector, connection: Option<Connection>, policy: &Policy) -> Option<UserConnector> {
        let provider = profile(&connector)?;
        let standing = match &connection {
            Some(connection) => Standing::of(connection, &connector, provider, self.clock.now()),
            None => Standing { status: Status::Disconnected, reason: None, missing: Scopes::default() },
        };
        let standing = standing.under(policy, &connector);
        Some(UserConnector { connector, connection, standing })
    }
}
