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
    journeys::{
        end_connection::{EndError, LOOK_AFTER},
        revoke_grant::Revocation,
    },
    store::{Cursor, HeldRevocation, StoreError, Write},
};

/// How long a turn is.
const TURN: Duration = Duration::from_secs(1);

/// How many connections a turn looks at to find some that are meant.
const LOOKS_IN_TURN: u64 = 500;

/// How long the report is kept.
const KEPT: Duration = Duration::from_hours(30 * 24);

impl RevokeMatching {
    /// Takes one turn of a revocation that was claimed for it.
    ///
    /// # Errors
    /// [`EndError`] if something could not be ended. The turn comes again then, and finds what is left.
    #[tracing::instrument(skip_all, fields(revocation.id = %held.revocation.id))]
    pub(in crate::journeys) async fn turn(&self, held: HeldRevocation) -> Result<(), EndError> {
        let HeldRevocation { mut revocation, mut from } = held;
        let held_until = revocation.due_at;
        if revocation.finished_at.is_some() {
            return Ok(self.revocations.let_go(&revocation).await?);
        }
        let connectors = self.connectors_of(&revocation.workspace, &revocation.criteria).await?;
        let mut looks = 0;
        loop {
            if let Some(connector) = at(&connectors, &revocation.criteria, from.as_ref())
                && !self.sweeps.take_turn(&connector.id, self.clock.now()).await?
                && looks == 0
            {
                return Ok(self.leave_rest(revocation, from.as_ref(), held_until).await?);
            }
            let group = self.group(&connectors, &revocation.criteria, from.as_ref(), GROUP).await?;
            if group.unreadable > 0 {
                tracing::error!(connections = group.unreadable, "connections can't be read and are not ended");
            }
            looks += count(group.connections.len());
            revocation.progress.looked_at += count(group.connections.len() + group.unreadable);
            revocation.progress.failed += count(group.unreadable);
            let has_ended = self.end_all(&mut revocation, &connectors, group.connections).await?;
            self.leave_connector(&connectors, &revocation.criteria, from.as_ref(), group.next.as_ref()).await?;
            from = group.next;
            if from.is_none() {
                return Ok(self.finish(revocation, held_until).await?);
            }
            if has_ended || looks >= LOOKS_IN_TURN {
                return Ok(self.leave_rest(revocation, from.as_ref(), held_until).await?);
            }
        }
    }

    /// Ends those of a group that are meant, all at once, and counts what became of them.
    async fn end_all(
        &self,
        revocation: &mut MassRevocation,
        connectors: &[Connector],
        connections: Vec<Connection>,
    ) -> Result<bool, EndError> {
        let meant = connections.into_iter().filter(|connection| revocation.criteria.mean(connection));
        let ends = meant.map(|connection| self.end_one(revocation, connectors, connection));
        let outcomes = join_all(ends).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let progress = &mut revocation.progress;
        for outcome in outcomes.iter().flatten() {
            progress.ended += 1;
            match outcome {
                Revocation::Revoked => progress.revoked += 1,
                Revocation::Pending => progress.pending += 1,
                Revocation::Unsupported => progress.unsupported += 1,
                Revocation::Failed => progress.failed += 1,
            }
        }
        Ok(!outcomes.is_empty())
    }

    async fn end_one(
        &self,
        revocation: &MassRevocation,
        connectors: &[Connector],
        connection: Connection,
    ) -> Result<Option<Revocation>, EndError> {
        let place = connection.key.clone();
        let Some(connector) = connectors.iter().find(|connector| connector.id == place.connector) else {
            return Ok(None);
        };
        let is_meant = |connection: &Connection| revocation.criteria.mean(connection);
        let actor = Actor::Recorded(revocation.begun_by.clone());
        let Some(ended) = self.end.end_if(connection, &actor, LOOK_AFTER, is_meant).await? else { return Ok(None) };
        let outcome = self.revoke.first(connector, ended.grant).await;
        self.end.note(ended.notice.with("of", revocation.id.as_str()), outcome.as_str()).await;
        Ok(Some(outcome))
    }

    async fn finish(&self, mut revocation: MassRevocation, held: Timestamp) -> Result<(), StoreError> {
        let now = self.clock.now();
        revocation.finished_at = Some(now);
        revocation.due_at = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        if self.revocations.put_off(&revocation, None, held).await? == Write::Conflict {
            return Ok(());
        }
        let Progress { ended, revoked, pending, .. } = revocation.progress;
        let [ended, revoked, pending] = [ended, revoked, pending].map(|number| number.to_string());
        let details = [("ended", ended.as_str()), ("revoked", &revoked), ("pending", &pending)];
        let (workspace, id) = (&revocation.workspace, revocation.id.as_str());
        self.audit.note(workspace, Actor::System, "connections.revocation_finished", id, &details).await;
        Ok(())
    }

    async fn leave_rest(
        &self,
        mut revocation: MassRevocation,
        from: Option<&Cursor>,
        held: Timestamp,
    ) -> Result<(), StoreError> {
        revocation.due_at = self.clock.now().checked_add(TURN.saturating_sub(SLACK)).unwrap_or(Timestamp::MAX);
        if self.revocations.put_off(&revocation, from, held).await? == Write::Done {
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
