//! How a workspace does as a whole: each connector with what its provider says and what the doctor found, and a sample of
//! connections, with how they stand and when they are due. Nothing is opened, and no provider is asked.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::profile;
use crate::{
    clock::Clock,
    domain::{
        connection::Connection,
        connector::Connector,
        due_age::{DueAge, DueAges},
        finding::Checkup,
        health::Health,
        ids::WorkspaceId,
        standing::{Standing, Status},
    },
    store::{Checkups, Connections, Connectors, Healths, StoreError},
};

/// How many connections are looked at, those of all connectors together.
const MOST: usize = 500;

/// How many connections of a connector are looked at, if there are so many connectors that it would be fewer. With more
/// than fifty connectors, those that were made last are looked at without their connections.
const FEWEST_OF_ONE: usize = 10;

/// How many connectors are looked at side by side.
const AT_ONCE: usize = 8;

/// Looks at whole workspaces.
#[derive(Debug, Clone)]
pub struct Survey {
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) healths: Healths,
    pub(crate) checkups: Checkups,
    pub(crate) clock: Clock,
}

/// What was seen of a workspace.
#[derive(Debug)]
pub struct Surveyed {
    /// Its connectors, in the order they were made.
    pub connectors: Vec<SurveyedConnector>,
    /// When.
    pub at: Timestamp,
}

/// What was seen of a connector.
#[derive(Debug)]
pub struct SurveyedConnector {
    /// The connector.
    pub connector: Connector,
    /// How its provider does.
    pub health: Health,
    /// What the doctor found last; `None` if it was never examined.
    pub checkup: Option<Checkup>,
    /// What was seen of its connections.
    pub sample: Sample,
}

/// What was seen of connections.
#[derive(Debug, Default)]
pub struct Sample {
    /// How many work.
    pub active: usize,
    /// How many can't be refreshed for now.
    pub degraded: usize,
    /// How many wait for their users.
    pub reconnect_required: usize,
    /// How far they are from their due times.
    pub due: DueAges,
    /// Whether these are all there are.
    pub is_all: bool,
}

impl Sample {
    /// How many were looked at.
    #[must_use]
    pub fn looked_at(&self) -> usize {
        self.active + self.degraded + self.reconnect_required
    }

    fn count(&mut self, connection: &Connection, connector: &Connector, now: Timestamp) {
        let Some(provider) = profile(connector) else { return };
        match Standing::of(connection, connector, provider, now).status {
            Status::Active => self.active += 1,
            Status::Degraded => self.degraded += 1,
            Status::ReconnectRequired => self.reconnect_required += 1,
            // The policy is not asked here: what is switched off is kept, and stands as well as before.
            Status::Disabled | Status::Disconnected => return,
        }
        self.due.count(DueAge::of(connection.refresh.due_at, now));
    }
}

impl Survey {
    /// Looks at a workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    #[tracing::instrument(skip_all)]
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Surveyed, StoreError> {
        let now = self.clock.now();
        let connectors = self.connectors.of_workspace(workspace).await?;
        let connectors: Vec<Connector> = connectors.into_iter().filter(Connector::is_active).collect();
        let share = (MOST / connectors.len().max(1)).max(FEWEST_OF_ONE);
        let looks = connectors.into_iter().enumerate().map(|(place, connector)| {
            let limit = if (place + 1) * share <= MOST { share } else { 0 };
            self.look(connector, limit, now)
        });
        let connectors = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(Surveyed { connectors, at: now })
    }

    /// Looks at a connector and up to `limit` of its connections.
    async fn look(&self, connector: Connector, limit: usize, now: Timestamp) -> Result<SurveyedConnector, StoreError> {
        let health = self.healths.find(&connector.id).await?;
        let checkup = self.checkups.find(&connector.id).await?;
        let mut sample = Sample::default();
        if limit > 0 {
            let page = self.connections.of_connector(&connector.id, None, None, limit).await?;
            sample.is_all = page.next.is_none();
            for connection in &page.connections {
                sample.count(connection, &connector, now);
            }
        }
        Ok(SurveyedConnector { connector, health, checkup, sample })
    }
}
