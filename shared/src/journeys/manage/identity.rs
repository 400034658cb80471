//! Who vouches for the people of a workspace.

use std::sync::Arc;

use super::apps::KeySource;
use crate::{
    auth::usable_keys,
    clock::Clock,
    domain::{
        app::Identity,
        audit::Actor,
        ids::{Issuer, WorkspaceId},
        notice::Notice,
        person::{ClaimRule, WorkspaceIdentity},
        secret::{ClientSecret, Sealed, Secret},
    },
    journeys::audit::Audit,
    oauth::{DiscoveryError, ProviderClient},
    store::{StoreError, WorkspaceIdentities, Write},
    vault::{Place, Vault, VaultError},
};

/// Manages who vouches for the people of workspaces.
#[derive(Debug, Clone)]
pub struct ManageIdentity {
    pub(crate) identities: WorkspaceIdentities,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
}

/// Who is to vouch for the people of a workspace.
#[derive(Debug)]
pub struct WorkspaceIdentityDraft {
    /// `iss` of every token.
    pub issuer: Issuer,
    /// The client that the workspace is there, and `aud` of every token.
    pub client_id: String,
    /// What to do about the client's secret.
    pub client_secret: SecretChange,
    /// Where the issuer's keys come from.
    pub keys: KeySource,
    /// Whether the issuer gives tokens with the scopes of assistants. Unsaid, it stays as it is while the issuer stays.
    pub agent_scopes: Option<bool>,
    /// Who may do everything.
    pub admins: ClaimRule,
    /// Who may look.
    pub readers: Option<ClaimRule>,
}

/// What becomes of a secret that is written and never read.
#[derive(Debug)]
pub enum SecretChange {
    /// It stays, if issuer and client stay.
    Keep,
    /// There is none any more.
    Remove,
    /// It is this one.
    Set(Secret<ClientSecret>),
}

/// Why nobody new vouches for the people of a workspace.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Nobody does.
    #[error("nobody vouches for the workspace's people")]
    None,
    /// Somebody else changed it in the meantime.
    #[error("it was changed by somebody else in the meantime")]
    Changed,
    /// The issuer's discovery document could not be used.
    #[error("the issuer's discovery document can't be used: {0}")]
    Discovery(DiscoveryError),
    /// The issuer's keys could not be fetched.
    #[error("the issuer's keys can't be fetched: {0}")]
    Keys(DiscoveryError),
    /// The set has no key that can verify a token.
    #[error("the set has no key that can verify a token")]
    NoUsableKey,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret can't be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl ManageIdentity {
    /// Who vouches for a workspace's people.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub async fn find(&self, workspace: &WorkspaceId) -> Result<WorkspaceIdentity, IdentityError> {
        self.identities.find(workspace).await?.ok_or(IdentityError::None)
    }

    /// Says who vouches for a workspace's people. Keys and endpoints are looked up now, so that a mistake shows now, and a
    /// secret never goes to an endpoint that was named later.
    ///
    /// # Errors
    /// [`IdentityError`].
    #[tracing::instrument(skip_all)]
    pub async fn save(
        &self,
        workspace: &WorkspaceId,
        draft: WorkspaceIdentityDraft,
        actor: Actor,
    ) -> Result<WorkspaceIdentity, IdentityError> {
        let earlier = self.identities.find(workspace).await?;
        let metadata = self.client.metadata(draft.issuer.as_str()).await;
        let sign_in = metadata.as_ref().ok().and_then(|metadata| self.client.sign_in_endpoints(metadata));
        let (jwks_uri, jwks_snapshot) = match draft.keys {
            KeySource::Given(keys) => (String::new(), keys),
            KeySource::Uri(uri) => (uri.clone(), self.keys(&uri).await?),
            KeySource::Discovery => {
                let metadata = metadata.map_err(IdentityError::Discovery)?;
                let uri = metadata.get("jwks_uri").and_then(serde_json::Value::as_str);
                let uri = uri.ok_or(IdentityError::Discovery(DiscoveryError::NotFound))?;
                (uri.to_owned(), self.keys(uri).await?)
            }
        };
        if usable_keys(jwks_snapshot.as_bytes()).is_none() {
            return Err(IdentityError::NoUsableKey);
        }
        let now = self.clock.now();
        let (issuer, audience) = (draft.issuer, draft.client_id);
        let known = earlier.as_ref().map(|earlier| &earlier.issuer);
        let agent_scopes = Identity::agent_scopes_after(draft.agent_scopes, known, &issuer);
        let mut identity = WorkspaceIdentity {
            issuer: Identity { issuer, audience, jwks_uri, jwks_snapshot, jwks_fetched_at: now, agent_scopes },
            client_secret: None,
            sign_in,
            admins: draft.admins,
            readers: draft.readers,
            updated_at: now,
        };
        identity.client_secret = self.secret(workspace, draft.client_secret, earlier.as_ref(), &identity).await?;
        let told = self.told(workspace, &actor, "workspace.identity_changed", Some(&identity));
        if self.identities.put(workspace, earlier.as_ref(), &identity, &told).await? == Write::Conflict {
            return Err(IdentityError::Changed);
        }
        self.audit.note_left(&told).await;
        Ok(identity)
    }

    /// Lets nobody vouch for a workspace's people any more. Keys of the workspace open it as before.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub async fn remove(&self, workspace: &WorkspaceId, actor: Actor) -> Result<(), IdentityError> {
        let told = self.told(workspace, &actor, "workspace.identity_removed", None);
        if self.identities.remove(workspace, Some(&told)).await? == Write::Conflict {
            return Err(IdentityError::None);
        }
        self.audit.note_left(&told).await;
        Ok(())
    }

    /// The secret as it is stored. One that was made for another client, or that would go elsewhere now, is forgotten.
    async fn secret(
        &self,
        workspace: &WorkspaceId,
        change: SecretChange,
        earlier: Option<&WorkspaceIdentity>,
        identity: &WorkspaceIdentity,
    ) -> Result<Option<Sealed<ClientSecret>>, IdentityError> {
        let place = Place::workspace_identity(workspace);
        match change {
            SecretChange::Set(secret) => Ok(Some(self.vault.seal(&secret, &place).await?)),
            SecretChange::Remove => Ok(None),
            SecretChange::Keep => {
                let client = |identity: &WorkspaceIdentity| {
                    let endpoint = identity.sign_in.as_ref().map(|sign_in| sign_in.token.clone());
                    (identity.issuer.issuer.clone(), identity.issuer.audience.clone(), endpoint)
                };
                let same = earlier.filter(|earlier| client(earlier) == client(identity));
                Ok(same.and_then(|earlier| earlier.client_secret.clone()))
            }
        }
    }

    async fn keys(&self, uri: &str) -> Result<String, IdentityError> {
        let keys = self.client.jwks(uri).await.map_err(IdentityError::Keys)?;
        String::from_utf8(keys).map_err(|_| IdentityError::NoUsableKey)
    }

    fn told(
        &self,
        workspace: &WorkspaceId,
        actor: &Actor,
        action: &str,
        identity: Option<&WorkspaceIdentity>,
    ) -> Notice {
        let admins =
            identity.map(|identity| format!("{}: {} values", identity.admins.claim(), identity.admins.values().len()));
        let details: Vec<(&str, &str)> = identity
            .map(|identity| ("issuer", identity.issuer.issuer.as_str()))
            .into_iter()
            .chain(admins.as_deref().map(|admins| ("admins", admins)))
            .collect();
        self.audit.to_note(workspace, actor, action, workspace.as_str(), &details)
    }
}
