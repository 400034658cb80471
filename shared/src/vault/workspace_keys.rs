//! The data keys of workspaces: wrapped in the table, plain in memory only, and there for minutes.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_kms::{
    error::{ProvideErrorMetadata, SdkError},
    operation::decrypt::builders::DecryptFluentBuilder,
    primitives::Blob,
    types::DataKeySpec,
};
use jiff::Timestamp;
use zeroize::{Zeroize, Zeroizing};

use super::{NewKeyError, VaultError};
use crate::{
    clock::Clock,
    domain::{
        encryption_key::{KeyGeneration, KmsKeyArn, ResealProgress},
        ids::WorkspaceId,
        notice::Notice,
    },
    store::{WorkspaceKeys, WrappedKey, Write},
};

/// How long a plain key stays in memory: long enough that a warm function calls the key service a few times an hour, and
/// that a key which was taken away is forgotten soon.
pub const KEY_CACHED_FOR: Duration = Duration::from_mins(5);

/// When everybody seals with a new key, counted from its making: what a process remembers is forgotten, and whoever took
/// the key before it for one last use has come to the end of the longest invocation (two minutes). A minute is to spare.
pub const NOTICED_AFTER: Duration = Duration::from_mins(KEY_CACHED_FOR.as_secs() / 60 + 3);

/// How often a process says of one workspace that its keys want looking after, at most.
const REMINDED_EVERY: Duration = Duration::from_hours(1);

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
    max_age: Duration,
    wrapped: WorkspaceKeys,
    clock: Clock,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: HashMap<(WorkspaceId, u32), (DataKey, Timestamp)>,
    newest: HashMap<WorkspaceId, (u32, Timestamp)>,
    /// Workspaces whose keys want looking after, until somebody says so.
    neglected: Vec<WorkspaceId>,
    /// Until when nothing more is said of a workspace.
    reminded: HashMap<WorkspaceId, Timestamp>,
}

impl KeyRing {
    pub(super) fn new(
        kms: aws_sdk_kms::Client,
        key_id: String,
        deployment: String,
        max_age: Duration,
        wrapped: WorkspaceKeys,
        clock: Clock,
    ) -> Self {
        Self { kms, key_id, deployment, max_age, wrapped, clock, cache: Mutex::default() }
    }

    /// The key that seals now.
    pub(super) async fn newest(&self, workspace: &WorkspaceId) -> Result<DataKey, VaultError> {
        let known = self.with_cache(|cache, now| live(cache.newest.get(workspace), now));
        if let Some(generation) = known {
            return self.of_generation(workspace, generation).await;
        }
        let wrapped = self.wrapped.newest(workspace).await?.ok_or(VaultError::NoKey)?;
        let number = wrapped.generation.number;
        let key = match self.cached(workspace, number) {
            Some(key) => key,
            None => self.unwrap(workspace, wrapped).await?,
        };
        self.with_cache(|cache, now| cache.remember_newest(workspace, number, now));
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

    /// Makes and stores the key of a generation that has none, wrapped by the workspace's own KMS key or the deployment's.
    pub(super) async fn make(
        &self,
        workspace: &WorkspaceId,
        number: u32,
        kms_key: Option<&KmsKeyArn>,
        told: Option<&Notice>,
    ) -> Result<(), NewKeyError> {
        let (key, ciphertext) = self.generate(workspace, number, kms_key).await?;
        let generation = KeyGeneration {
            number,
            created_at: Some(self.clock.now()),
            kms_key: kms_key.cloned(),
            progress: ResealProgress::default(),
        };
        let wrapped = WrappedKey { generation, ciphertext };
        match self.wrapped.put_new(workspace, &wrapped, told).await.map_err(VaultError::from)? {
            Write::Conflict => Err(NewKeyError::Taken),
            Write::Done => {
                self.with_cache(|cache, now| {
                    cache.remember(workspace, &key, now);
                    cache.remember_newest(workspace, number, now);
                });
                Ok(())
            }
        }
    }

    /// A new plain key and the same wrapped. A KMS key of the workspace's own must also unwrap it: everything that will be
    /// sealed depends on that.
    async fn generate(
        &self,
        workspace: &WorkspaceId,
        number: u32,
        kms_key: Option<&KmsKeyArn>,
    ) -> Result<(DataKey, Vec<u8>), NewKeyError> {
        let request = self.kms.generate_data_key().key_id(self.kms_key_id(kms_key)).key_spec(DataKeySpec::Aes256);
        let request = request.set_encryption_context(Some(self.context(workspace, number)));
        let answer = request.send().await.map_err(|error| refused_or_failed(&error, kms_key))?;
        let ciphertext = answer.ciphertext_blob.ok_or_else(|| no_answer("no wrapped key"))?.into_inner();
        let key = plain_key(number, answer.plaintext)?;
        if kms_key.is_some() {
            let request = self.decryption(workspace, number, kms_key, ciphertext.clone());
            request.send().await.map_err(|error| refused_or_failed(&error, kms_key))?;
        }
        Ok((key, ciphertext))
    }

    async fn unwrap(&self, workspace: &WorkspaceId, wrapped: WrappedKey) -> Result<DataKey, VaultError> {
        let KeyGeneration { number, kms_key, .. } = &wrapped.generation;
        let request = self.decryption(workspace, *number, kms_key.as_ref(), wrapped.ciphertext);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let key = plain_key(*number, answer.plaintext)?;
        self.with_cache(|cache, now| {
            cache.remember(workspace, &key, now);
            if wrapped.generation.is_aged(now, self.max_age) || wrapped.generation.is_stalled(now) {
                cache.notice_neglect(workspace, now);
            }
        });
        Ok(key)
    }

    fn decryption(
        &self,
        workspace: &WorkspaceId,
        number: u32,
        kms_key: Option<&KmsKeyArn>,
        ciphertext: Vec<u8>,
    ) -> DecryptFluentBuilder {
        let request = self.kms.decrypt().key_id(self.kms_key_id(kms_key)).ciphertext_blob(Blob::new(ciphertext));
        request.set_encryption_context(Some(self.context(workspace, number)))
    }

    fn kms_key_id<'a>(&'a self, own: Option<&'a KmsKeyArn>) -> &'a str {
        own.map_or(&self.key_id, KmsKeyArn::as_str)
    }

    /// Notices that a workspace's keys want looking after.
    pub(super) fn neglect(&self, workspace: &WorkspaceId) {
        self.with_cache(|cache, now| cache.notice_neglect(workspace, now));
    }

    /// The workspaces whose keys turned out to want looking after since the last time somebody asked.
    pub(super) fn take_neglected(&self) -> Vec<WorkspaceId> {
        self.with_cache(|cache, _| std::mem::take(&mut cache.neglected))
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

    fn remember_newest(&mut self, workspace: &WorkspaceId, number: u32, now: Timestamp) {
        self.newest.retain(|_, (_, until)| *until > now);
        self.newest.insert(workspace.clone(), (number, ends(now)));
    }

    /// Few keys are unwrapped in an hour, so few are remembered here; of more than that it can be said later.
    fn notice_neglect(&mut self, workspace: &WorkspaceId, now: Timestamp) {
        self.reminded.retain(|_, until| *until > now);
        if self.reminded.len() < MOST_CACHED && !self.reminded.contains_key(workspace) {
            self.reminded.insert(workspace.clone(), now.checked_add(REMINDED_EVERY).unwrap_or(now));
            self.neglected.push(workspace.clone());
        }
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
    now.checked_add(KEY_CACHED_FOR).unwrap_or(now)
}

/// Refusals of a workspace's own key are for whoever named it; of the deployment's key for nobody but its operator.
fn refused_or_failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, own: Option<&KmsKeyArn>) -> NewKeyError {
    match error {
        SdkError::ServiceError(service)
            if own.is_some() && service.err().code().is_some_and(|code| REFUSALS.contains(&code)) =>
        {
            NewKeyError::Refused(service.err().code().unwrap_or_default().to_owned())
        }
        error => NewKeyError::Vault(failed(error)),
    }
}

/// What the key service answers when it is the key, its state or its policy that has to be changed.
const REFUSALS: [&str; 9] = [
    "AccessDeniedException",
    "NotFoundException",
    "DisabledException",
    "KMSInvalidStateException",
    "InvalidKeyUsageException",
    "InvalidArnException",
    "IncorrectKeyException",
    "UnsupportedOperationException",
    "ValidationException",
];

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
