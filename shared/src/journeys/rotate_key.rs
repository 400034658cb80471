//! A workspace's key gives way to a new one: when an admin says so, when it is old, or when another KMS key is to wrap it.
//! What the earlier ones sealed is sealed anew in the background, see `reseal`.

use std::{sync::Arc, time::Duration};

use super::{
    audit::Audit,
    reseal::{KeyMessage, Walk},
};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        encryption_key::{KeyGeneration, KmsKeyArn},
        ids::WorkspaceId,
    },
    queue::{Queue, QueueError},
    store::{StoreError, WorkspaceKeys, Workspaces, Write},
    vault::{NOTICED_AFTER, NewKeyError, Vault, VaultError},
};

/// What the audit trail and the API call the deployment's own KMS key.
pub const DEPLOYMENT_KEY: &str = "deployment";

/// Makes new keys for workspaces.
#[derive(Debug, Clone)]
pub struct RotateKey {
    pub(crate) keys: WorkspaceKeys,
    pub(crate) workspaces: Workspaces,
    pub(crate) vault: Arc<Vault>,
    pub(crate) queue: Queue,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) max_age: Duration,
}

/// What became of a wish that a certain KMS key wrap a workspace's keys. Each with the generation that seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// There is a new key.
    New(u32),
    /// It did already.
    Unchanged(u32),
}

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The key service refuses the workspace's own KMS key.
    #[error("the key service refuses the workspace's own key ({0})")]
    Refused(String),
    /// Somebody else made a new key at the same time.
    #[error("somebody else made a key at the same time")]
    Taken,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't make a key.
    #[error(transparent)]
    Vault(VaultError),
    /// Sealing anew could not be put into the queue; no key was made.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl RotateKey {
    /// What is known of every key of a workspace, from the first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn list(&self, workspace: &WorkspaceId) -> Result<Vec<KeyGeneration>, StoreError> {
        self.keys.generations(workspace).await
    }

    /// Makes a new key, wrapped by the same KMS key as the one before. Answers its generation.
    ///
    /// # Errors
    /// [`RotateError`]; everything is sealed as before then.
    #[tracing::instrument(skip_all)]
    pub async fn rotate(&self, workspace: &WorkspaceId, actor: Actor) -> Result<u32, RotateError> {
        let newest = self.newest(workspace).await?;
        self.follow(workspace, &newest, newest.kms_key.as_ref(), actor).await
    }

    /// Has this KMS key wrap the workspace's keys from now on, or the deployment's: by a new key, unless it does already.
    ///
    /// # Errors
    /// [`RotateError`]; everything is sealed as before then.
    #[tracing::instrument(skip_all)]
    pub async fn wrap_by(
        &self,
        workspace: &WorkspaceId,
        kms_key: Option<&KmsKeyArn>,
        actor: Actor,
    ) -> Result<Wrapping, RotateError> {
        let newest = self.newest(workspace).await?;
        if newest.kms_key.as_ref() == kms_key {
            return Ok(Wrapping::Unchanged(newest.number));
        }
        self.follow(workspace, &newest, kms_key, actor).await.map(Wrapping::New)
    }

    /// Looks whether a workspace's key is too old, or what it replaced still waits to be sealed anew, and sees to it.
    ///
    /// # Errors
    /// [`RotateError`] if it could not be looked, or must be tried again.
    pub(super) async fn look_after(&self, workspace: &WorkspaceId) -> Result<(), RotateError> {
        let Some(wrapped) = self.keys.newest(workspace).await? else { return Ok(()) };
        if let Err(error) = self.audit.look_after(workspace).await {
            tracing::warn!(%error, workspace.id = %workspace, "the audit trail is not signed yet");
        }
        let newest = self.dated(workspace, wrapped.generation).await?;
        let now = self.clock.now();
        if newest.is_aged(now, self.max_age) {
            return match self.follow(workspace, &newest, newest.kms_key.as_ref(), Actor::System).await {
                Ok(_) | Err(RotateError::Taken) => Ok(()),
                Err(RotateError::Refused(code)) => {
                    tracing::error!(workspace.id = %workspace, code, "a workspace's own KMS key refuses a new key");
                    Ok(())
                }
                Err(error) => Err(error),
            };
        }
        let (number, seen) = (newest.number, newest.progress.progressed_at);
        if newest.is_stalled(now) && self.keys.claim_restart(workspace, number, seen, now).await? == Write::Done {
            tracing::warn!(workspace.id = %workspace, "sealing anew had come to a halt and begins again");
            self.queue.send(&KeyMessage::Reseal(Walk::new(workspace, number)), Duration::ZERO).await?;
        }
        Ok(())
    }

    /// What seals anew is put into the queue first: a key without it would leave the old ones in use for ever, and it
    /// without a key does nothing.
    async fn follow(
        &self,
        workspace: &WorkspaceId,
        newest: &KeyGeneration,
        kms_key: Option<&KmsKeyArn>,
        actor: Actor,
    ) -> Result<u32, RotateError> {
        let generation = newest.number.saturating_add(1);
        self.queue.send(&KeyMessage::Reseal(Walk::new(workspace, generation)), NOTICED_AFTER).await?;
        let details = [("kms_key", kms_key.map_or(DEPLOYMENT_KEY, KmsKeyArn::as_str))];
        let number = generation.to_string();
        let told = self.audit.to_note(workspace, &actor, "encryption_key.created", &number, &details);
        self.vault.add_key(workspace, generation, kms_key, &told).await?;
        self.audit.note_left(&told).await;
        Ok(generation)
    }

    async fn newest(&self, workspace: &WorkspaceId) -> Result<KeyGeneration, RotateError> {
        let wrapped = self.keys.newest(workspace).await?.ok_or(RotateError::Vault(VaultError::NoKey))?;
        Ok(wrapped.generation)
    }

    /// An earlier version made a workspace's first key together with the workspace and left its date out.
    async fn dated(&self, workspace: &WorkspaceId, newest: KeyGeneration) -> Result<KeyGeneration, StoreError> {
        if newest.created_at.is_some() {
            return Ok(newest);
        }
        let Some(founded) = self.workspaces.find(workspace).await? else { return Ok(newest) };
        self.keys.date(workspace, newest.number, founded.created_at).await?;
        Ok(KeyGeneration { created_at: Some(founded.created_at), ..newest })
    }
}

impl From<NewKeyError> for RotateError {
    fn from(error: NewKeyError) -> Self {
        match error {
            NewKeyError::Refused(code) => Self::Refused(code),
            NewKeyError::Taken => Self::Taken,
            NewKeyError::Vault(VaultError::Store(cause)) => Self::Store(cause),
            NewKeyError::Vault(cause) => Self::Vault(cause),
        }
    }
}

/// Says of keys that want looking after that they do. The message gives no right: whoever takes it looks for itself.
#[derive(Debug, Clone)]
pub(crate) struct RemindOfKeys {
    pub(crate) vault: Arc<Vault>,
    pub(crate) queue: Queue,
}

impl RemindOfKeys {
    /// Leaves a message for each workspace whose key the vault found to be neglected. One that cannot be left now is left
    /// by another process, or an hour later.
    pub(super) async fn remind(&self) {
        for workspace in self.vault.take_neglected() {
            let message = KeyMessage::LookAfterKeys { workspace: workspace.to_string() };
            if let Err(error) = self.queue.send(&message, Duration::ZERO).await {
                tracing::warn!(%error, "nobody was told that a workspace's keys want looking after");
            }
        }
    }
}
