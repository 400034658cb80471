//! A link for one user, opened: who asks for what, and what may be done about it by the browser that came first.
//!
//! Looking at the link's page opens nothing: what scans links in mails looks, too. The page's own request does, and binds
//! the session to its browser. That browser may go on to the provider ([`super::start_authorization`]); its user still has
//! to finish with their own proof.

use aws_lc_rs::constant_time;
use jiff::Timestamp;

use super::profile;
use crate::{
    clock::Clock,
    domain::{
        app::App,
        connection::Connection,
        connector::Connector,
        digest::sha256,
        provider::Provider,
        secret::{BrowserBinding, Secret},
        session::{Binding, FailureReason, Session, SessionId, Stage},
        standing::Standing,
    },
    random::Random,
    store::{Apps, Connections, Connectors, Policies, Sessions, StoreError, Write},
};

/// Opens links.
#[derive(Debug, Clone)]
pub struct OpenLink {
    pub(crate) apps: Apps,
    pub(crate) connectors: Connectors,
    pub(crate) policies: Policies,
    pub(crate) connections: Connections,
    pub(crate) sessions: Sessions,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// A link that was opened: what its page shows.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// The app that asks.
    pub app: App,
    /// The connector that it asks for.
    pub connector: Connector,
    /// What the user will be asked to allow.
    pub permissions: Vec<Permission>,
    /// The user's connection and how it stands, if the app trusts this link with it and there is one.
    pub connection: Option<(Connection, Standing)>,
    /// Whether the app trusts this link with the user's connection.
    pub manages: bool,
    /// What the browser is to remember for this session, if it does not yet.
    pub cookie: Option<Secret<BrowserBinding>>,
}

/// Something that a user is asked to allow.
#[derive(Debug, PartialEq, Eq)]
pub struct Permission {
    /// The provider's name of it.
    pub scope: String,
    /// What it means, in plain words, if the catalogue knows.
    pub description: Option<String>,
}

/// Why a link was not opened.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It is unknown, spent, or too old.
    #[error("the link is over")]
    Over,
    /// Another browser opened it first.
    #[error("the link was opened in another browser")]
    Elsewhere,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenLink {
    /// Opens a link: binds the session to the browser that comes first.
    ///
    /// # Errors
    /// [`LinkError`].
    #[tracing::instrument(skip_all)]
    pub async fn open(&self, id: &SessionId, cookie: Option<Secret<BrowserBinding>>) -> Result<Opened, LinkError> {
        let now = self.clock.now();
        let session = waiting(&self.sessions, id, now).await?;
        let Binding::Link { opened_by, manages, .. } = &session.binding else { return Err(LinkError::Over) };
        let known = opened_by.as_ref().map(|known| is_shown(known, cookie.as_ref()));
        let user = session.key.owner.user().ok_or(LinkError::Over)?;
        let app = self.apps.find(&user.app).await?.ok_or(LinkError::Over)?;
        let connector = self.connectors.find(&session.key.workspace, &session.key.connector).await?;
        let connector = connector.filter(Connector::is_active).ok_or(LinkError::Over)?;
        let provider = profile(&connector).ok_or(LinkError::Over)?;
        let policy = self.policies.find(&connector.workspace).await?.policy;
        let cookie = match known {
            None => Some(self.bind(id, now).await?),
            Some(true) => None,
            Some(false) => return Err(LinkError::Elsewhere),
        };
        let manages = *manages;
        let connection = if manages { self.connections.find(&session.key).await? } else { None };
        let standing = |connection| {
            let standing = Standing::of(&connection, &connector, provider, now).under(&policy, &connector);
            (connection, standing)
        };
        Ok(Opened {
            permissions: permissions(provider, &session),
            connection: connection.map(standing),
            manages,
            cookie,
            app,
            connector,
            session,
        })
    }

    /// The user would rather not: the session comes to nothing, and the app is told why.
    ///
    /// # Errors
    /// [`LinkError`].
    #[tracing::instrument(skip_all)]
    pub async fn decline(&self, id: &SessionId, cookie: Option<Secret<BrowserBinding>>) -> Result<(), LinkError> {
        opened(&self.sessions, id, cookie.as_ref(), self.clock.now()).await?;
        match self.sessions.fail(id, FailureReason::Denied).await? {
            Write::Done => Ok(()),
            Write::Conflict => Err(LinkError::Over),
        }
    }

    async fn bind(&self, id: &SessionId, now: Timestamp) -> Result<Secret<BrowserBinding>, LinkError> {
        let cookie = Secret::<BrowserBinding>::new(self.random.token());
        match self.sessions.open_link(id, &sha256(cookie.expose().as_bytes()), now).await? {
            Write::Done => Ok(cookie),
            Write::Conflict => Err(LinkError::Elsewhere),
        }
    }
}

/// The session of a link that still leads somewhere, for the browser that opened it.
///
/// # Errors
/// [`LinkError`].
pub(super) async fn opened(
    sessions: &Sessions,
    id: &SessionId,
    cookie: Option<&Secret<BrowserBinding>>,
    now: Timestamp,
) -> Result<Session, LinkError> {
    let session = waiting(sessions, id, now).await?;
    match &session.binding {
        Binding::Link { opened_by: Some(known), .. } if is_shown(known, cookie) => Ok(session),
        Binding::Link { .. } => Err(LinkError::Elsewhere),
        Binding::Begun { .. } => Err(LinkError::Over),
    }
}

async fn waiting(sessions: &Sessions, id: &SessionId, now: Timestamp) -> Result<Session, LinkError> {
    let session = sessions.find(id).await?.ok_or(LinkError::Over)?;
    let waits = !session.is_over(now) && matches!(session.stage, Stage::Pending);
    if waits { Ok(session) } else { Err(LinkError::Over) }
}

fn is_shown(known: &[u8; 32], cookie: Option<&Secret<BrowserBinding>>) -> bool {
    cookie
        .is_some_and(|shown| constant_time::verify_slices_are_equal(&sha256(shown.expose().as_bytes()), known).is_ok())
}

fn permissions(provider: &Provider, session: &Session) -> Vec<Permission> {
    let described = |scope: &str| {
        let known = provider.suggested_scopes.iter().find(|known| known.scope == scope);
        Permission { scope: scope.to_owned(), description: known.map(|known| known.description.clone()) }
    };
    session.requested.iter().map(described).collect()
}
