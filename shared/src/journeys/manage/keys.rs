//! API keys: made, listed, revoked. A key is shown once, when it is made.

use crate::{
    clock::Clock,
    domain::{
        api_key::{Holder, KeyRecord, compose, digest_of},
        audit::Actor,
        ids::{AppId, KeyId, WorkspaceId},
        secret::{ApiKey, Secret},
    },
    journeys::audit::Audit,
    random::Random,
    store::{ApiKeys, StoreError, Write},
};

/// Makes and revokes keys.
#[derive(Debug, Clone)]
pub struct ManageKeys {
    pub(crate) keys: ApiKeys,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// A key to be made.
#[derive(Debug)]
pub struct KeyDraft {
    /// What people call it.
    pub name: String,
    /// What it may be used for.
    pub holder: Holder,
}

/// A key that was just made.
#[derive(Debug)]
pub struct NewKey {
    /// What is stored of it.
    pub record: KeyRecord,
    /// The key itself; nobody can read it again.
    pub key: Secret<ApiKey>,
}

/// Why a key was not made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key of this holder, or it was revoked before.
    #[error("no such key")]
    NotFound,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ManageKeys {
    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn create(&self, draft: KeyDraft, actor: Actor) -> Result<NewKey, KeyError> {
        let now = self.clock.now();
        let id = KeyId::of_ulid(&self.random.ulid(now));
        let key = compose(&draft.holder, &id, self.random.bytes());
        let record = KeyRecord {
            id,
            name: draft.name,
            digest: digest_of(&key),
            holder: draft.holder,
            created_at: now,
            revoked_at: None,
            last_used_on: None,
        };
        let details = [("prefix", record.holder.prefix())];
        let told = self.audit.to_note(record.holder.workspace(), &actor, "key.created", record.id.as_str(), &details);
        self.keys.put_new(&record, &told).await?;
        self.audit.note_left(&told).await;
        Ok(NewKey { record, key })
    }

    /// The keys of a workspace, or of one of its apps, revoked ones included.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn list(&self, workspace: &WorkspaceId, app: Option<&AppId>) -> Result<Vec<KeyRecord>, StoreError> {
        self.keys.of(workspace, app).await
    }

    /// Revokes a key of a workspace, or of one of its apps. It is refused everywhere within a minute.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn revoke(
        &self,
        workspace: &WorkspaceId,
        app: Option<&AppId>,
        id: &KeyId,
        actor: Actor,
    ) -> Result<(), KeyError> {
        let record = self.keys.find(id).await?.ok_or(KeyError::NotFound)?;
        let is_theirs = match (&record.holder, app) {
            (Holder::Workspace { workspace: own, .. }, None) => own == workspace,
            (Holder::App { workspace: own, app: of, .. }, Some(app)) => own == workspace && of == app,
            _ => false,
        };
        let told = self.audit.to_note(workspace, &actor, "key.revoked", id.as_str(), &[]);
        if !is_theirs || self.keys.revoke(id, &told).await? == Write::Conflict {
            return Err(KeyError::NotFound);
        }
        self.audit.note_left(&told).await;
        Ok(())
    }
}
