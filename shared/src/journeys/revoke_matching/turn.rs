//! One turn of a revocation of many connections: a small group is ended, and the rest is left to the next turn.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;

use super::{GROUP, RevokeMatching, SLACK, at, count};
use crate::{
    domain::{
        audit::Actor,
        connection::Connection,
        connector::Connector,
        mass_revocation::{Criteria, MassRevocation, Progress},
    },
    journeys::end_connection::{EndError, Ended, LOOK_AFTER},
    store::{Cursor, Group, HeldRevocation, StoreError},
};

/// How long a turn is.
const TURN: Duration = Duration::from_secs(1);

/// How many connections a turn looks at to find some that are meant.
const LOOKS_IN_TURN: u64 = 500;

/// How long the report is kept.
pub(super) const KEPT: Duration = Duration::from_hours(30 * 24);

impl RevokeMatching {
    /// Takes one turn of a revocation that was claimed for it.
    ///
    /// # Errors
    /// [`EndError`] if something could not be ended. The turn comes again then, and finds what is left.
    #[tracing::instrument(skip_all, fields(revocation.id = %held.revocation.id))]
    pub(in crate::journeys) async fn turn(&self, held: HeldRevocation) -> Result<(), EndError> {
        let HeldRevocation { revocation, mut from } = held;
        let held_until = revocation.due_at;
        if revocation.finished_at.is_some() {
            return Ok(self.revocations.let_go(&revocation).await?);
        }
        let connectors = self.connectors_of(&revocation.workspace, &revocation.criteria).await?;
        let (mut looks, mut seen, mut turn_of) = (0, Group::default(), None);
        loop {
            if let Some(connector) = at(&connectors, &revocation.criteria, from.as_ref())
                && turn_of != Some(&connector.id)
            {
                if !self.sweeps.take_turn(&connector.id, self.clock.now()).await? {
                    return Ok(self.leave_rest(revocation, seen, from.as_ref(), held_until).await?);
                }
                turn_of = Some(&connector.id);
            }
            let group = self.group(&connectors, &revocation.criteria, from.as_ref(), GROUP).await?;
            if group.unreadable > 0 {
                tracing::error!(connections = group.unreadable, "connections can't be read and are not ended");
            }
            let looked_at = count(group.connections.len());
            let ended = self.end_all(&revocation, &connectors, group.connections).await?;
            looks += looked_at;
            seen.unreadable += count(group.unreadable);
            seen.looked_at += looked_at.saturating_sub(ended) + count(group.unreadable);
            self.leave_connector(&connectors, &revocation.criteria, from.as_ref(), group.next.as_ref()).await?;
            from = group.next;
            if from.is_none() {
                return Ok(self.finish(revocation, seen, held_until).await?);
            }
            if ended > 0 || looks >= LOOKS_IN_TURN {
                return Ok(self.leave_rest(revocation, seen, from.as_ref(), held_until).await?);
            }
        }
    }

    /// Ends those of a group that are meant, one after the other, because all are counted in one place; then their providers
    /// are asked, all at once. How many it were.
    async fn end_all(
        &self,
        revocation: &MassRevocation,
        connectors: &[Connector],
        connections: Vec<Connection>,
    ) -> Result<u64, EndError> {
        let is_meant = |connection: &Connection| revocation.criteria.mean(connection);
        let actor = Actor::Recorded(revocation.begun_by.clone());
        let mut gone = Vec::new();
        let mut failure = None;
        for connection in connections.into_iter().filter(is_meant) {
            let of = connectors.iter().find(|connector| connector.id == connection.key.connector);
            let Some(connector) = of else { continue };
            match self.end.end_if(connection, &actor, LOOK_AFTER, Some(&revocation.id), is_meant).await {
                Ok(ended) => gone.extend(ended.map(|ended| (connector, ended))),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let count = count(gone.len());
        join_all(gone.into_iter().map(|(connector, ended)| self.revoke_one(revocation, connector, ended))).await;
        failure.map_or(Ok(count), Err)
    }

    async fn revoke_one(&self, revocation: &MassRevocation, connector: &Connector, ended: Ended) {
        let outcome = self.revoke.first(connector, ended.grant).await;
        self.end.note(ended.notice.with("of", revocation.id.as_str()), outcome.as_str()).await;
    }

    async fn finish(&self, mut revocation: MassRevocation, seen: Group, held: Timestamp) -> Result<(), StoreError> {
        let now = self.clock.now();
        revocation.finished_at = Some(now);
        revocation.due_at = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let Some(finished) = self.revocations.put_off(&revocation, seen, None, held).await? else { return Ok(()) };
        let Progress { ended, revoked, .. } = finished.progress;
        let [ended, revoked, pending] = [ended, revoked, finished.progress.pending()].map(|number| number.to_string());
        let details = [("ended", ended.as_str()), ("revoked", &revoked), ("pending", &pending)];
        let (workspace, id) = (&revocation.workspace, revocation.id.as_str());
        self.audit.note(workspace, Actor::System, "connections.revocation_finished", id, &details).await;
        Ok(())
    }

    async fn leave_rest(
        &self,
        mut revocation: MassRevocation,
        seen: Group,
        from: Option<&Cursor>,
        held: Timestamp,
    ) -> Result<(), StoreError> {
        revocation.due_at = self.clock.now().checked_add(TURN.saturating_sub(SLACK)).unwrap_or(Timestamp::MAX);
        if self.revocations.put_off(&revocation, seen, from, held).await?.is_some() {
            self.remind(&revocation, TURN).await;
        }
        Ok(())
    }

    /// Lets go of the turns of a connector that is done with.
    async fn leave_connector(
        &self,
        connectors: &[Connector],
        criteria: &Criteria,
        from: Option<&Cursor>,
        next: Option<&Cursor>,
    ) -> Result<(), StoreError> {
        let Some(done) = at(connectors, criteria, from) else { return Ok(()) };
        let goes_on = next.and_then(|next| at(connectors, criteria, Some(next)));
        if goes_on.is_some_and(|goes_on| goes_on.id == done.id) {
            Ok(())
        } else {
            self.sweeps.end_turns(&done.id).await
        }
    }
}
