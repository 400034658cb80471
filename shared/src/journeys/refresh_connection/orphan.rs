//! Tokens that a refresh brought for a grant that stands here no more.

use jiff::Timestamp;

use super::Refresher;
use crate::{
    domain::{connection::Connection, connector::Connector, ended::EndedGrant, ids::EndedId},
    journeys::{end_connection, profile},
    store::Renewal,
};

impl Refresher {
    /// The user disconnected while the provider was rotating, and may have connected another account since, or an import put
    /// another grant in its place: what the provider gave belongs to nobody now, unless what stands there by now took it over.
    /// It is kept, sealed, as an ended grant until the provider has ended it, so that a crash or a failure here leaves nothing
    /// alive there.
    pub(super) async fn revoke_orphan(
        &self,
        connector: &Connector,
        gone: &Connection,
        renewal: Renewal,
        standing: Option<&Connection>,
    ) {
        let now = self.clock.now();
        let id = EndedId::of_ulid(&self.random.ulid(now));
        let look_at = now.checked_add(end_connection::LOOK_AFTER).unwrap_or(Timestamp::MAX);
        let (access, refresh) = (renewal.access.map(|access| access.token), renewal.refresh);
        let was_replaced = standing.is_some_and(|standing| standing.was_imported_over(gone));
        let ended = EndedGrant { access, refresh, was_replaced, ..EndedGrant::of(gone, id, now, look_at) };
        if let Some(standing) = standing
            && (ended.is_taken_over_by(standing, profile(connector)) || self.is_the_same(gone, standing).await)
        {
            return;
        }
        if let Err(error) = self.ended.put(&ended).await {
            tracing::error!(%error, "tokens of a connection that is gone are not kept for a later revocation");
        }
        if let Err(error) = self.provider.to_revoke_soon(connector, &ended).await {
            tracing::warn!(%error, "tokens of a connection that is gone are not revoked yet");
        } else if let Err(error) = self.ended.destroy(&ended).await {
            tracing::warn!(%error, "what became of a grant is not written down; its provider will be asked again");
        }
    }

    /// Whether the grant that was refreshed came back in the meantime, by an import that knows its token of before. If nobody
    /// can tell, it counts as that.
    async fn is_the_same(&self, gone: &Connection, standing: &Connection) -> bool {
        let id = EndedId::of_ulid(&self.random.ulid(self.clock.now()));
        let before = EndedGrant::of(gone, id, self.clock.now(), Timestamp::MAX);
        let is_same = self.provider.is_same_grant(&before, standing).await;
        is_same.inspect_err(|error| tracing::warn!(%error, "whether a grant came back is not known")).unwrap_or(true)
    }
}
