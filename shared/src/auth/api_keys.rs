//! API keys, read at most once a minute.

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
        let record = if let Some(record) = self.known.get(&presented.id, self.clock.now()) {
            record
        } else {
            let record = self.keys.find(&presented.id).await?.ok_or(Unauthenticated::NoProof)?;
            self.known.put(presented.id.clone(), record.clone(), self.clock.now());
            record
        };
        if presented.proves(&record) { Ok(record) } else { Err(Unauthenticated::NoProof) }
    }
}
