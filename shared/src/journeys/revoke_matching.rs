//! Ending many connections at once: all of a connector, of an app, of a user, of a time. First it is only looked how many
//! that would be; who repeats what they saw begins, and what was made since then stays.
//!
//! It goes on in turns, like the sweep of a deleted connector: one small group of a connector's connections in a second,
//! and how far it went in the table. Whoever dies in the middle is followed by somebody who goes on.

mod stop;
mod turn;

use std::time::Duration;

use jiff::Timestamp;

use super::{
    audit::Audit,
    end_connection::EndConnection,
    reminders::Reminders,
    revoke_grant::RevokeGrant,
    walk::{self, Stretch},
};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        connector::Connector,
        ids::{AppId, ConnectorId, Issuer, RevocationId, Subject, WorkspaceId},
        mass_revocation::{Confirmation, Criteria, MassRevocation, Progress},
        user::User,
    },
    random::Random,
    store::{Apps, Connections, Connectors, Cursor, MassRevocations, StoreError, Sweeps},
};

/// How many connections are read at a time, and at most ended in a turn of one second: what a sweep of a connector ends.
const GROUP: usize = 10;

/// How much earlier it is due than somebody is reminded of it: the drift of two clocks must not let a reminder find nothing
/// due.
const SLACK: Duration = Duration::from_millis(500);

/// How many connections a look at what would be ended counts.
const COUNTED: u64 = 5_000;

/// How long after the look it begins: the index that finds connections may be a moment behind.
const SETTLED: Duration = Duration::from_secs(2);

/// How many revocations a list of them has at most.
const RECENT: usize = 50;

/// Ends the connections that fit what is said of them.
#[derive(Debug, Clone)]
pub struct RevokeMatching {
    pub(crate) apps: Apps,
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) revocations: MassRevocations,
    pub(crate) sweeps: Sweeps,
    pub(crate) end: EndConnection,
    pub(crate) revoke: RevokeGrant,
    pub(crate) reminders: Reminders,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What is said of the connections, as somebody writes it.
#[derive(Debug, Default)]
pub struct Said {
    /// Of this connector.
    pub connector: Option<ConnectorId>,
    /// Of this app's users.
    pub app: Option<AppId>,
    /// Of this user of an app; of the app's own issuer, if none is named.
    pub user: Option<(AppId, Option<Issuer>, Subject)>,
    /// Made before this moment.
    pub connected_before: Option<Timestamp>,
    /// Made at this moment or after it.
    pub connected_after: Option<Timestamp>,
}

/// What would be ended.
#[derive(Debug)]
pub struct Look {
    /// How many connections were looked at.
    pub looked_at: u64,
    /// How many of them are meant.
    pub matches: u64,
    /// Whether there are more that were not looked at.
    pub has_more: bool,
    /// What has to be repeated to end them.
    pub confirm: String,
    /// Until when that holds for what is made.
    pub connected_before: Timestamp,
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum RevokeMatchingError {
    /// Nothing is said of the connections.
    #[error("nothing is said of the connections")]
    Everything,
    /// There is no such connector in the workspace.
    #[error("no such connector")]
    NoConnector,
    /// There is no such app in the workspace.
    #[error("no such app")]
    NoApp,
    /// There is no such app as the user's in the workspace.
    #[error("no such app of a user")]
    NoAppOfUser,
    /// The app has no issuer, and none was named.
    #[error("the app has no issuer")]
    NoIssuer,
    /// The user is one of another app than the one that is named.
    #[error("the user is another app's")]
    AnotherApp,
    /// The range of time ends before it begins.
    #[error("no moment is in the range")]
    NoTime,
    /// What was confirmed is something else, or was looked at too long ago.
    #[error("what was confirmed is not this")]
    NotConfirmed,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RevokeMatching {
    /// Looks what would be ended, and ends nothing.
    ///
    /// # Errors
    /// [`RevokeMatchingError`].
    #[tracing::instrument(skip_all)]
    pub async fn look(&self, workspace: &WorkspaceId, said: Said) -> Result<Look, RevokeMatchingError> {
        let criteria = self.criteria(workspace, said).await?;
        // In whole milliseconds, as the confirmation has it and connections do: what is counted is what is ended.
        let now = self.clock.now();
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let until = criteria.clone().until(now);
        let connectors = self.connectors_of(workspace, &criteria).await?;
        let mut look = Look {
            looked_at: 0,
            matches: 0,
            has_more: false,
            confirm: String::new(),
            connected_before: until.connected_before.unwrap_or(now),
        };
        let mut from = None;
        loop {
            let group = self.group(&connectors, &until, from.as_ref(), 10 * GROUP).await?;
            look.looked_at += count(group.connections.len());
            look.matches += count(group.connections.iter().filter(|connection| until.mean(connection)).count());
            from = group.next;
            look.has_more = from.is_some();
            if !look.has_more || look.looked_at >= COUNTED {
                break;
            }
        }
        look.confirm = Confirmation { looked_at: now, matches: look.matches }.to_text(workspace, &criteria);
        Ok(look)
    }

    /// Begins to end what was looked at, once what was seen then is repeated.
    ///
    /// # Errors
    /// [`RevokeMatchingError`].
    #[tracing::instrument(skip_all)]
    pub async fn begin(
        &self,
        workspace: &WorkspaceId,
        said: Said,
        confirm: &str,
        actor: Actor,
    ) -> Result<MassRevocation, RevokeMatchingError> {
        let criteria = self.criteria(workspace, said).await?;
        let now = self.clock.now();
        let confirmation = Confirmation::parse(confirm, workspace, &criteria, now);
        let looked_at = confirmation.ok_or(RevokeMatchingError::NotConfirmed)?.looked_at;
        let settled_at = looked_at.checked_add(SETTLED).unwrap_or(now).max(now);
        let revocation = MassRevocation {
            id: RevocationId::of_ulid(&self.random.ulid(now)),
            workspace: workspace.clone(),
            criteria: criteria.until(looked_at),
            begun_by: actor.describe(),
            began_at: now,
            progress: Progress::default(),
            finished_at: None,
            stopped_by: None,
            due_at: settled_at,
        };
        let described = revocation.criteria.described();
        let details: Vec<(&str, &str)> = described.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (action, id) = ("connections.revocation_begun", revocation.id.as_str());
        let told = self.audit.to_note(workspace, &actor, action, id, &details);
        self.revocations.begin(&revocation, &told).await?;
        self.audit.note_left(&told).await;
        let wait = Duration::try_from(settled_at.duration_since(now)).unwrap_or_default();
        self.remind(&revocation, wait + SLACK).await;
        Ok(revocation)
    }

    /// The workspace's latest revocations, newest first, from behind `from` on.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn recent(
        &self,
        workspace: &WorkspaceId,
        from: Option<&RevocationId>,
    ) -> Result<(Vec<MassRevocation>, Option<RevocationId>), StoreError> {
        let mut recent = self.revocations.recent(workspace, from, RECENT + 1).await?;
        let has_more = recent.len() > RECENT;
        recent.truncate(RECENT);
        let next = recent.last().filter(|_| has_more).map(|last| last.id.clone());
        Ok((recent, next))
    }

    /// How far a revocation of the workspace has come.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn report(
        &self,
        workspace: &WorkspaceId,
        id: &RevocationId,
    ) -> Result<Option<MassRevocation>, StoreError> {
        self.revocations.find(workspace, id).await
    }

    async fn remind(&self, revocation: &MassRevocation, wait: Duration) {
        self.reminders.leave(MassRevocations::key(&revocation.workspace, &revocation.id), wait).await;
    }

    /// Connections from `from` on, of one connector, or of the user who is meant.
    async fn group(
        &self,
        connectors: &[Connector],
        criteria: &Criteria,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<Stretch, StoreError> {
        if let Some(user) = &criteria.user {
            let (mut connections, unreadable) = self.connections.readable_of_user(user).await?;
            connections.retain(|connection| connectors.iter().any(|known| known.id == connection.key.connector));
            return Ok(Stretch { connections, unreadable, next: None });
        }
        walk::stretch(&self.connections, connectors, criteria.app.as_ref(), from, limit).await
    }

    /// The connectors in question, in the order of their ids. What a deleted one had is ended by its own sweep.
    async fn connectors_of(&self, workspace: &WorkspaceId, criteria: &Criteria) -> Result<Vec<Connector>, StoreError> {
        let mut connectors = match &criteria.connector {
            Some(id) => self.connectors.find(workspace, id).await?.into_iter().collect(),
            None => self.connectors.of_workspace(workspace).await?,
        };
        connectors.retain(Connector::is_active);
        connectors.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(connectors)
    }

    /// What is said, if it is said of something in this workspace.
    async fn criteria(&self, workspace: &WorkspaceId, said: Said) -> Result<Criteria, RevokeMatchingError> {
        let Said { connector, app, user, connected_before, connected_after } = said;
        if let Some(connector) = &connector {
            let found = self.connectors.find(workspace, connector).await?;
            found.filter(Connector::is_active).ok_or(RevokeMatchingError::NoConnector)?;
        }
        if user.as_ref().is_some_and(|(of, ..)| app.as_ref().is_some_and(|app| app != of)) {
            return Err(RevokeMatchingError::AnotherApp);
        }
        let named = user.as_ref().map(|(of, ..)| of).or(app.as_ref());
        let known = match named {
            Some(app) => {
                let found = self.apps.find(app).await?.filter(|app| app.workspace == *workspace);
                let missing =
                    if user.is_some() { RevokeMatchingError::NoAppOfUser } else { RevokeMatchingError::NoApp };
                Some(found.ok_or(missing)?)
            }
            None => None,
        };
        let user = match (user, known) {
            (Some((app, issuer, subject)), Some(known)) => {
                let issuer = issuer.or_else(|| known.identity.map(|identity| identity.issuer));
                Some(User { app, issuer: issuer.ok_or(RevokeMatchingError::NoIssuer)?, subject })
            }
            _ => None,
        };
        let app = user.as_ref().map(|user| user.app.clone()).or(app);
        if connected_after.zip(connected_before).is_some_and(|(after, before)| after >= before) {
            return Err(RevokeMatchingError::NoTime);
        }
        let criteria = Criteria { connector, app, user, connected_before, connected_after };
        if criteria.is_empty() { Err(RevokeMatchingError::Everything) } else { Ok(criteria) }
    }
}

/// The connector that is at `from`; none where a user's own partition is read.
fn at<'c>(connectors: &'c [Connector], criteria: &Criteria, from: Option<&Cursor>) -> Option<&'c Connector> {
    if criteria.user.is_some() { None } else { walk::at(connectors, from) }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
