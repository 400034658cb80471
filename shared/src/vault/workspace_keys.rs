//! The data keys of workspaces: wrapped in the table, plain in memory only, and there for minutes.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_kms::{
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::DataKeySpec,
};
use jiff::Timestamp;
use zeroize::{Zeroize, Zeroizing};

use super::VaultError;
use crate::{
    clock::Clock,
    domain::ids::WorkspaceId,
    store::{WorkspaceKeys, WrappedKey, Write},
};

/// How long a plain key stays in memory: long enough that a warm function calls the key service a few times an hour, and
/// that a key which was taken away is forgotten soon.
const CACHED_FOR: Duration = Duration::from_mins(5);

/// How many plain keys are held at once; the one that ends first makes room.
const MOST_CACHED: usize = 256;

/// A workspace's plain data key. Wiped when the last holder lets go of it.
#[derive(Clone)]
pub(super) struct DataKey {
    pub(super) generation: u32,
    plain: Arc<Zeroizing<[u8; 32]>>,
}

impl DataKey {
    pub(super) fn new(generation: u32, plain: Zeroizing<[u8; 32]>) -> Self {
        Self { generation, plain: Arc::new(plain) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.plain.as_slice()
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[data key of generation {}]", self.generation)
    }
}

/// Fetches, unwraps and remembers data keys.
#[derive(Debug)]
pub(super) struct KeyRing {
    kms: aws_sdk_kms::Client,
    key_id: String,
    deployment: String,
    wrapped: WorkspaceKeys,
    clock: Clock,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: HashMap<(WorkspaceId, u32), (DataKey, Timestamp)>,
    newest: HashMap<WorkspaceId, (u32, Timestamp)>,
}

impl KeyRing {
    pub(super) fn new(
        kms: aws_sdk_kms::Client,
        key_id: String,
        deployment: String,
        wrapped: WorkspaceKeys,
        clock: Clock,
    ) -> Self {
        Self { kms, key_id, deployment, wrapped, clock, cache: Mutex::default() }
    }

    /// The key that seals now.
    pub(super) async fn newest(&self, workspace: &WorkspaceId) -> Result<DataKey, VaultError> {
        let known = self.with_cache(|cache, now| live(cache.newest.get(workspace), now));
        if let Some(generation) = known {
            return self.of_generation(workspace, generation).await;
        }
        let wrapped = self.wrapped.newest(workspace).await?.ok_or(VaultError::NoKey)?;
        let generation = wrapped.generation;
        let key = match self.cached(workspace, generation) {
            Some(key) => key,
            None => self.unwrap(workspace, wrapped).await?,
        };
        self.with_cache(|cache, now| {
            cache.newest.retain(|_, (_, until)| *until > now);
            cache.newest.insert(workspace.clone(), (generation, ends(now)));
        });
        Ok(key)
    }

    /// The key of one generation.
    pub(super) async fn of_generation(&self, workspace: &WorkspaceId, generation: u32) -> Result<DataKey, VaultError> {
        if let Some(key) = self.cached(workspace, generation) {
            return Ok(key);
        }
        let wrapped = self.wrapped.find(workspace, generation).await?.ok_or(VaultError::NoKey)?;
        self.unwrap(workspace, wrapped).await
    }

    /// Makes and stores the key of a generation that has none.
    pub(super) async fn make(&self, workspace: &WorkspaceId, generation: u32) -> Result<(), VaultError> {
        let request = self.kms.generate_data_key().key_id(&self.key_id).key_spec(DataKeySpec::Aes256);
        let request = request.set_encryption_context(Some(self.context(workspace, generation)));
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let ciphertext = answer.ciphertext_blob.ok_or_else(|| no_answer("no wrapped key"))?.into_inner();
        let key = plain_key(generation, answer.plaintext)?;
        match self.wrapped.put_new(workspace, &WrappedKey { generation, ciphertext }).await? {
            Write::Done => self.with_cache(|cache, now| cache.remember(workspace, &key, now)),
            // Somebody else made it first; theirs is the one that counts.
            Write::Conflict => {}
        }
        Ok(())
    }

    async fn unwrap(&self, workspace: &WorkspaceId, wrapped: WrappedKey) -> Result<DataKey, VaultError> {
        let request = self.kms.decrypt().key_id(&self.key_id).ciphertext_blob(Blob::new(wrapped.ciphertext));
        let request = request.set_encryption_context(Some(self.context(workspace, wrapped.generation)));
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let key = plain_key(wrapped.generation, answer.plaintext)?;
        self.with_cache(|cache, now| cache.remember(workspace, &key, now));
        Ok(key)
    }

    /// What the key service binds a wrapped key to, and its policies ask for.
    fn context(&self, workspace: &WorkspaceId, generation: u32) -> HashMap<String, String> {
        [
            ("svc", "connectors".to_owned()),
            ("env", self.deployment.clone()),
            ("ws", workspace.to_string()),
            ("gen", generation.to_string()),
            ("purpose", "workspace-data-key".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn cached(&self, workspace: &WorkspaceId, generation: u32) -> Option<DataKey> {
        self.with_cache(|cache, now| live(cache.keys.get(&(workspace.clone(), generation)), now))
    }

    fn with_cache<T>(&self, use_it: impl FnOnce(&mut Cache, Timestamp) -> T) -> T {
        let now = self.clock.now();
        use_it(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

impl Cache {
    fn remember(&mut self, workspace: &WorkspaceId, key: &DataKey, now: Timestamp) {
        self.keys.retain(|_, (_, until)| *until > now);
        if self.keys.len() >= MOST_CACHED {
            let first = self.keys.iter().min_by_key(|(_, (_, until))| *until).map(|(place, _)| place.clone());
            first.map(|place| self.keys.remove(&place));
        }
        self.keys.insert((workspace.clone(), key.generation), (key.clone(), ends(now)));
    }
}

fn plain_key(generation: u32, plain: Option<Blob>) -> Result<DataKey, VaultError> {
    let mut bytes = plain.ok_or_else(|| no_answer("no plain key"))?.into_inner();
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new);
    bytes.zeroize();
    Ok(DataKey::new(generation, key.map_err(|_| no_answer("a key of another size"))?))
}

fn live<T: Clone>(entry: Option<&(T, Timestamp)>, now: Timestamp) -> Option<T> {
    entry.filter(|(_, until)| *until > now).map(|(value, _)| value.clone())
}

fn ends(now: Timestamp) -> Timestamp {
    now.checked_add(CACHED_FOR).unwrap_or(now)
}

fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> VaultError {
    let code = match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown"),
        SdkError::TimeoutError(_) => "timeout",
        _ => "no answer",
    };
    no_answer(code)
}

fn no_answer(what: &str) -> VaultError {
    VaultError::KeyService(what.to_owned())
}
