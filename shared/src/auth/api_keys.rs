//! API keys, read at most once a minute, and the day of their last use, noted once a day.

use super::{Unauthenticated, cache::Cache};
use crate::{
    clock::Clock,
    domain::{
        api_key::{Holder, KeyRecord, PresentedKey, WorkspaceRole},
        ids::{AppId, KeyId, WorkspaceId},
    },
    store::ApiKeys,
};

#[derive(Debug)]
pub(super) struct KeyCheck {
    keys: ApiKeys,
    known: Cache<KeyId, KeyRecord>,
    clock: Clock,
}

/// Whether this is meant to be an API key, by its first characters.
pub(super) fn looks_like_a_key(bearer: &str) -> bool {
    bearer.starts_with("uck_")
}

impl KeyCheck {
    pub(super) fn new(keys: ApiKeys, clock: Clock) -> Self {
        Self { keys, known: Cache::new(), clock }
    }

    pub(super) async fn workspace_key(
        &self,
        bearer: &str,
    ) -> Result<(KeyId, WorkspaceId, WorkspaceRole), Unauthenticated> {
        let record = self.record(bearer).await?;
        match record.holder {
            Holder::Workspace { workspace, role } => Ok((record.id, workspace, role)),
            Holder::App { .. } => Err(Unauthenticated::NoProof),
        }
    }

    /// An app's key, the id of the app, and whether it may fetch tokens offline. Whether the app that has this id now is
    /// the one that the key was made for is for the caller to ask.
    pub(super) async fn app_key(&self, bearer: &str) -> Result<(KeyRecord, AppId, bool), Unauthenticated> {
        let record = self.record(bearer).await?;
        match &record.holder {
            Holder::App { app, offline_tokens, .. } => {
                let (app, offline_tokens) = (app.clone(), *offline_tokens);
                Ok((record, app, offline_tokens))
            }
            Holder::Workspace { .. } => Err(Unauthenticated::NoProof),
        }
    }

    /// The record that the key proves. A key whose checksum is wrong never reaches the table.
    async fn record(&self, bearer: &str) -> Result<KeyRecord, Unauthenticated> {
        let presented = PresentedKey::parse(bearer).ok_or(Unauthenticated::NoProof)?;
        let proven = |record: KeyRecord| presented.proves(&record).then_some(record).ok_or(Unauthenticated::NoProof);
        if let Some(record) = self.known.get(&presented.id, self.clock.now()) {
            return proven(record);
        }
        let record = self.keys.find(&presented.id).await?.ok_or(Unauthenticated::NoProof)?;
        self.known.put(presented.id.clone(), record.clone(), self.clock.now());
        let record = proven(record)?;
        self.note_use(&record).await;
        Ok(record)
    }

    /// Notes the first use of a day, as the record just read tells. Whoever calls is answered all the same if that fails:
    /// the next read of the record tries again.
    async fn note_use(&self, record: &KeyRecord) {
        let today = self.clock.today();
        if record.last_used_on.is_none_or(|day| day < today)
            && let Err(error) = self.keys.note_use(&record.id, today).await
        {
            tracing::warn!(%error, "the use of a key was not noted");
        }
    }
}
