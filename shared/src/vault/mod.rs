//! Envelope encryption: the key service wraps one key per workspace and generation; under it every value is sealed with
//! a key of its own, bound to its row, field and tenant. What leaves is encrypted to a key of whoever asked.

mod age;
mod place;
mod seal;
mod workspace_keys;

use std::time::Duration;

use crate::{
    clock::Clock,
    domain::{
        encryption_key::KmsKeyArn,
        ids::WorkspaceId,
        notice::Notice,
        secret::{Kind, Sealed, Secret},
    },
    random::Random,
    store::{StoreError, WorkspaceKeys},
};

pub use age::{InvalidRecipient, NotEncrypted, Recipient};
pub use place::Place;
use workspace_keys::KeyRing;
pub use workspace_keys::{KEY_CACHED_FOR, NOTICED_AFTER};

/// Seals and opens secrets. Nothing else can turn a [`Secret`] into a [`Sealed`], or back.
#[derive(Debug)]
pub struct Vault {
    keys: KeyRing,
    random: Random,
}

/// Why a secret could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key service does not answer, or refuses.
    #[error("the key service can't answer now ({0})")]
    KeyService(String),
    /// The workspace has no key of the generation that is needed: it was deleted, or never made.
    #[error("the workspace has no key of this generation")]
    NoKey,
    /// The sealed value was not made for this row, field and tenant, or was changed.
    #[error("a sealed value does not open in this place")]
    DoesNotOpen,
    /// The storage that holds the wrapped keys does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a workspace has no new key.
#[derive(Debug, thiserror::Error)]
pub enum NewKeyError {
    /// The workspace's own KMS key is not there, not usable, or not for this deployment; what the key service calls that.
    #[error("the key service refuses the workspace's own key ({0})")]
    Refused(String),
    /// Somebody else made a key at the same time.
    #[error("somebody else made a key at the same time")]
    Taken,
    /// The key service or the storage does not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Vault {
    /// A vault over the deployment's key service.
    ///
    /// `key_id` is the customer master key; `deployment` names this deployment in the encryption context, so that the
    /// wrapped keys of two deployments under one master key do not open in each other. A key older than `max_key_age` is
    /// noticed when it is fetched, see [`Vault::take_neglected`].
    #[must_use]
    pub fn new(
        kms: aws_sdk_kms::Client,
        key_id: String,
        deployment: String,
        max_key_age: Duration,
        wrapped: WorkspaceKeys,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { keys: KeyRing::new(kms, key_id, deployment, max_key_age, wrapped, clock), random }
    }

    /// Makes the first key of a new workspace, wrapped by its own KMS key or the deployment's.
    ///
    /// # Errors
    /// [`NewKeyError`].
    pub async fn found(&self, workspace: &WorkspaceId, kms_key: Option<&KmsKeyArn>) -> Result<(), NewKeyError> {
        self.keys.make(workspace, FIRST_GENERATION, kms_key, None).await
    }

    /// Makes the key of a new generation, which seals from now on: here at once, elsewhere within [`NOTICED_AFTER`]. What is to
    /// be noted of that is left in the same moment.
    ///
    /// # Errors
    /// [`NewKeyError`].
    pub async fn add_key(
        &self,
        workspace: &WorkspaceId,
        generation: u32,
        kms_key: Option<&KmsKeyArn>,
        told: &Notice,
    ) -> Result<(), NewKeyError> {
        self.keys.make(workspace, generation, kms_key, Some(told)).await
    }

    /// Has somebody else look after a workspace's keys: one is missing that can't be made here.
    pub fn neglect(&self, workspace: &WorkspaceId) {
        self.keys.neglect(workspace);
    }

    /// The workspaces whose keys turned out to be too old, to be missing, or not to have replaced the one before, since the
    /// last call. Each is named once an hour at most.
    #[must_use]
    pub fn take_neglected(&self) -> Vec<WorkspaceId> {
        self.keys.take_neglected()
    }

    /// Makes sure that the workspace's sealing key is at hand, so that sealing later cannot fail for want of it. Called
    /// before anything that cannot be undone.
    ///
    /// # Errors
    /// [`VaultError`] if it cannot be fetched.
    pub async fn make_ready(&self, workspace: &WorkspaceId) -> Result<Ready<'_>, VaultError> {
        Ok(Ready { vault: self, key: self.keys.newest(workspace).await? })
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// [`VaultError`] if the workspace's key cannot be fetched.
    pub async fn seal<K: Kind>(&self, secret: &Secret<K>, place: &Place) -> Result<Sealed<K>, VaultError> {
        Ok(self.make_ready(place.workspace()).await?.seal(secret, place))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`VaultError::DoesNotOpen`] if it was sealed for another, or changed; others if the key cannot be fetched.
    pub async fn open<K: Kind>(&self, sealed: &Sealed<K>, place: &Place) -> Result<Secret<K>, VaultError> {
        let generation = seal::generation(sealed.as_bytes()).ok_or(VaultError::DoesNotOpen)?;
        let key = self.keys.of_generation(place.workspace(), generation).await?;
        seal::open(&key, sealed, place).ok_or(VaultError::DoesNotOpen)
    }

    /// Seals anew under the key of `generation` what an older one sealed for this place; `None` if no older one did.
    ///
    /// # Errors
    /// [`VaultError::DoesNotOpen`] if it does not open in this place; others if a key cannot be fetched.
    pub async fn reseal<K: Kind>(
        &self,
        sealed: &Sealed<K>,
        place: &Place,
        generation: u32,
    ) -> Result<Option<Sealed<K>>, VaultError> {
        if seal::generation(sealed.as_bytes()).ok_or(VaultError::DoesNotOpen)? >= generation {
            return Ok(None);
        }
        let secret = self.open(sealed, place).await?;
        let key = self.keys.of_generation(place.workspace(), generation).await?;
        Ok(Some(seal::seal(&key, self.random.bytes(), &secret, place)))
    }
}

/// The generation of a new workspace's key.
const FIRST_GENERATION: u32 = 1;

/// A vault that holds the key it will seal with.
#[derive(Debug)]
pub struct Ready<'a> {
    vault: &'a Vault,
    key: workspace_keys::DataKey,
}

impl Ready<'_> {
    /// Seals a secret for its place. Cannot fail.
    #[must_use]
    pub fn seal<K: Kind>(&self, secret: &Secret<K>, place: &Place) -> Sealed<K> {
        seal::seal(&self.key, self.vault.random.bytes(), secret, place)
    }

    /// Seals anew what an older key sealed for this place; `None` if no older one did.
    ///
    /// # Errors
    /// As [`Vault::reseal`].
    pub async fn reseal<K: Kind>(&self, sealed: &Sealed<K>, place: &Place) -> Result<Option<Sealed<K>>, VaultError> {
        self.vault.reseal(sealed, place, self.key.generation).await
    }
}
