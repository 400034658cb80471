//! What is left of a deleted connector: every connection is ended here and at the provider, then the connector's secret
//! is destroyed. The same for the users of a deleted app, connector by connector.
//!
//! One turn ends one small group and leaves the rest to the next, a second later. How far it went stands in the table;
//! what is done is not read again, and whoever dies in the middle is followed by somebody who goes on.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;

use super::{
    end_connection::{EndConnection, EndError, LOOK_AFTER},
    publish::Publisher,
    reminders::Reminders,
    revoke_grant::RevokeGrant,
};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        connection::Connection,
        connector::{Connector, ConnectorState},
        ids::AppId,
        session::SESSION_LIFE,
    },
    store::{Apps, Connections, Connectors, Cursor, Healths, StoreError, Sweep, Sweeps, Write},
};

/// How many connections of one connector are ended in a turn of one second, by all sweeps of it together: below what
/// providers take for an attack.
const PER_TURN: usize = 10;

/// How long a turn is.
const TURN: Duration = Duration::from_secs(1);

/// How much earlier a sweep is due than somebody is reminded of it: the drift of two clocks must not let a reminder find
/// nothing due. A second reminder in a turn finds nothing due still.
const SLACK: Duration = Duration::from_millis(500);

/// How long after a deletion there may still be something to sweep: a session that began before it may still end in a
/// connection, and the index may be behind. A connector's shell stays for as long.
pub(super) const LINGER: Duration = Duration::from_secs(SESSION_LIFE.as_secs() + 120);

/// How often it is looked whether the last grants of a deleted connector have ended at their provider.
const LOOK_AGAIN: Duration = Duration::from_mins(5);

/// Sweeps deleted connectors and apps.
#[derive(Debug, Clone)]
pub(crate) struct SweepConnector {
    pub(crate) apps: Apps,
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) healths: Healths,
    pub(crate) sweeps: Sweeps,
    pub(crate) end: EndConnection,
    pub(crate) revoke: RevokeGrant,
    pub(crate) reminders: Reminders,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Clock,
}

/// Begins sweeps.
#[derive(Debug, Clone)]
pub(crate) struct BeginSweep {
    pub(crate) sweeps: Sweeps,
    pub(crate) reminders: Reminders,
    pub(crate) clock: Clock,
}

/// Whose connections a turn is about to end.
enum Extent {
    /// All that there are.
    Everything,
    /// Those that were made before: the app was registered anew since it was deleted.
    MadeBefore(Timestamp),
    /// None: what was to be deleted is there, so its deletion came to nothing; or the connector is gone.
    Nothing,
}

impl BeginSweep {
    /// Writes down that a connector, or an app's users with it, are to be swept. Comes before the deletion itself, so
    /// that no deletion is left without its sweep. It is due when whoever deletes is done or dead: a sweep that finds
    /// nothing deleted is over.
    pub(super) async fn of(
        &self,
        connector: &Connector,
        app: Option<&AppId>,
        ends_grants: bool,
        began_at: Timestamp,
    ) -> Result<Sweep, StoreError> {
        let sweep = Sweep {
            workspace: connector.workspace.clone(),
            connector: connector.id.clone(),
            app: app.cloned(),
            ends_grants,
            began_at,
            from: None,
            due_at: self.clock.now().checked_add(LOOK_AFTER).unwrap_or(Timestamp::MAX),
        };
        self.sweeps.begin(&sweep).await?;
        Ok(sweep)
    }

    /// Lets a sweep go to work: what it follows is deleted now. If that can't be written down, it begins a little later.
    pub(super) async fn start(&self, sweep: &Sweep) {
        let due = Sweep { due_at: self.clock.now(), ..sweep.clone() };
        match self.sweeps.begin(&due).await {
            Ok(()) => self.reminders.leave(due.key(), Duration::ZERO).await,
            Err(error) => tracing::warn!(%error, "a sweep does not begin at once; the schedule will find it"),
        }
    }
}

impl SweepConnector {
    /// Takes one turn of a sweep that was claimed for it.
    ///
    /// # Errors
    /// [`EndError`] if something could not be ended. The turn comes again then, and finds what is left.
    #[tracing::instrument(skip_all, fields(connector.id = %sweep.connector))]
    pub(super) async fn turn(&self, sweep: Sweep) -> Result<(), EndError> {
        let connector = self.connectors.find(&sweep.workspace, &sweep.connector).await?;
        let extent = self.extent(&sweep, connector.as_ref()).await?;
        let (Some(connector), false) = (connector, matches!(extent, Extent::Nothing)) else {
            return Ok(self.sweeps.finish(&sweep).await?);
        };
        if !self.sweeps.take_turn(&sweep.connector, self.clock.now()).await? {
            let from = sweep.from.clone();
            return Ok(self.leave_rest(&sweep, from.as_ref(), TURN).await?);
        }
        let page = self.connections.of_connector(&connector.id, sweep.app.as_ref(), sweep.from.as_ref(), PER_TURN);
        let page = page.await?;
        if page.unreadable > 0 {
            tracing::error!(connections = page.unreadable, "connections can't be read and are not ended");
        }
        let is_meant = |connection: &Connection| match extent {
            Extent::MadeBefore(moment) => connection.here_since() < moment,
            Extent::Everything | Extent::Nothing => true,
        };
        self.end_all(&connector, &sweep, page.connections.into_iter().filter(is_meant)).await?;
        match page.next {
            Some(next) => Ok(self.leave_rest(&sweep, Some(&next), TURN).await?),
            None => Ok(self.end_of_index(&connector, &sweep).await?),
        }
    }

    async fn extent(&self, sweep: &Sweep, connector: Option<&Connector>) -> Result<Extent, StoreError> {
        let (Some(app), Some(connector)) = (&sweep.app, connector) else {
            let is_deleted = connector.is_some_and(|connector| connector.state == ConnectorState::Deleting);
            return Ok(if is_deleted { Extent::Everything } else { Extent::Nothing });
        };
        Ok(match self.apps.find(app).await? {
            None => Extent::Everything,
            Some(app) if app.workspace != connector.workspace => Extent::Everything,
            Some(anew) if anew.created_at > sweep.began_at => Extent::MadeBefore(anew.created_at),
            Some(_) => Extent::Nothing,
        })
    }

    /// Ends a group of connections, all at once. A grant that its provider does not end goes its own way from here on.
    async fn end_all(
        &self,
        connector: &Connector,
        sweep: &Sweep,
        connections: impl Iterator<Item = Connection>,
    ) -> Result<(), EndError> {
        let ends = connections.map(|connection| self.end_one(connector, sweep, connection));
        join_all(ends).await.into_iter().collect()
    }

    async fn end_one(&self, connector: &Connector, sweep: &Sweep, connection: Connection) -> Result<(), EndError> {
        if sweep.ends_grants {
            let Some(ended) = self.end.end(connection, &Actor::System, LOOK_AFTER).await? else { return Ok(()) };
            let revocation = self.revoke.first(connector, ended.grant).await;
            self.end.note(ended.notice, revocation.as_str()).await;
            return Ok(());
        }
        let notice = self.end.notice(&connection.key, &Actor::System).with("revocation", LEFT_TO_THE_PROVIDER);
        match self.connections.remove(&connection, &notice, self.end.draw()).await? {
            Write::Done => self.publisher.made(&notice).await,
            Write::Conflict => return Err(EndError::Contended),
        }
        Ok(())
    }

    /// The index was gone through once. A connection that could not be read stays in it, and the connector with its secret
    /// for as long. Sessions that began before the deletion may still end in connections: it is gone
    /// through once more when they are over.
    async fn end_of_index(&self, connector: &Connector, sweep: &Sweep) -> Result<(), StoreError> {
        let settled_at = sweep.began_at.checked_add(LINGER).unwrap_or(Timestamp::MAX);
        let left = Duration::try_from(settled_at.duration_since(self.clock.now())).unwrap_or_default();
        if !left.is_zero() {
            return self.leave_rest(sweep, None, left).await;
        }
        if sweep.app.is_none() {
            if !self.connections.entries_of_connector(&connector.id, 1).await?.is_empty() {
                return self.leave_rest(sweep, None, LOOK_AGAIN).await;
            }
            self.connectors.destroy(&connector.workspace, &connector.id).await?;
            self.healths.forget(&connector.id).await?;
            tracing::info!("a deleted connector is gone, its secret with it");
        }
        self.sweeps.finish(sweep).await
    }

    async fn leave_rest(&self, sweep: &Sweep, from: Option<&Cursor>, wait: Duration) -> Result<(), StoreError> {
        let due_at = self.clock.now().checked_add(wait.saturating_sub(SLACK)).unwrap_or(Timestamp::MAX);
        if self.sweeps.put_off(sweep, from, due_at).await? == Write::Done {
            self.reminders.leave(sweep.key(), wait).await;
        }
        Ok(())
    }
}

/// What the audit trail says of a grant that an admin wished to leave to the provider.
const LEFT_TO_THE_PROVIDER: &str = "none";
