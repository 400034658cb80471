//! Apps: where they run, where people return to, and who vouches for their users.

use std::sync::Arc;

use crate::{
    auth::usable_keys,
    clock::Clock,
    domain::{
        app::{App, HandleDelivery, Identity, Origin, ReturnUrl, SessionBinding},
        audit::Actor,
        ids::{AppId, Issuer, WorkspaceId},
        workspace::DisplayName,
    },
    journeys::{audit::Audit, sweep_connector::BeginSweep},
    oauth::{DiscoveryError, ProviderClient},
    random::Random,
    store::{ApiKeys, Apps, Connectors, StoreError, Write},
};

/// Manages apps.
#[derive(Debug, Clone)]
pub struct ManageApps {
    pub(crate) apps: Apps,
    pub(crate) keys: ApiKeys,
    pub(crate) connectors: Connectors,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) sweep: BeginSweep,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// An app to be registered.
#[derive(Debug)]
pub struct AppDraft {
    /// Its id, if the workspace chose one.
    pub id: Option<AppId>,
    /// Its name.
    pub name: DisplayName,
    /// The rest.
    pub settings: AppChange,
}

/// What is to be changed of an app; what is `None` stays.
#[derive(Debug, Default)]
pub struct AppChange {
    /// Another name.
    pub name: Option<DisplayName>,
    /// Other origins.
    pub origins: Option<Vec<Origin>>,
    /// Other return addresses.
    pub return_urls: Option<Vec<ReturnUrl>>,
    /// Another session binding.
    pub session_binding: Option<SessionBinding>,
    /// Another way for the handle.
    pub handle_delivery: Option<HandleDelivery>,
}

/// Who is to vouch for an app's users.
#[derive(Debug)]
pub struct IdentityDraft {
    /// `iss` of every token.
    pub issuer: Issuer,
    /// `aud` of every token.
    pub audience: String,
    /// Where the keys come from.
    pub keys: KeySource,
    /// Whether the issuer gives tokens with the scopes of assistants. Unsaid, it stays as it is while the issuer stays.
    pub agent_scopes: Option<bool>,
}

/// Where an issuer's keys come from.
#[derive(Debug)]
pub enum KeySource {
    /// From where its discovery document says.
    Discovery,
    /// From this address.
    Uri(String),
    /// From the request itself (a JWK Set as JSON); they change when the identity is registered again.
    Given(String),
}

/// Why an app was not registered, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no such app in the workspace.
    #[error("no such app")]
    NotFound,
    /// The id is in use.
    #[error("the id is taken")]
    IdTaken,
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
}

impl ManageApps {
    /// Registers an app.
    ///
    /// # Errors
    /// [`AppError`].
    #[tracing::instrument(skip_all)]
    pub async fn create(&self, workspace: &WorkspaceId, draft: AppDraft, actor: Actor) -> Result<App, AppError> {
        let now = self.clock.now();
        let bare = App {
            id: draft.id.unwrap_or_else(|| AppId::of_ulid(&self.random.ulid(now))),
            workspace: workspace.clone(),
            name: draft.name,
            origins: Vec::new(),
            return_urls: Vec::new(),
            identity: None,
            session_binding: SessionBinding::default(),
            handle_delivery: HandleDelivery::default(),
            created_at: now,
        };
        let app = changed(bare, draft.settings);
        let details = [("name", app.name.as_str())];
        let told = self.audit.to_note(workspace, &actor, "app.created", app.id.as_str(), &details);
        if self.apps.put_new(&app, &told).await? == Write::Conflict {
            return Err(AppError::IdTaken);
        }
        self.audit.note_left(&told).await;
        Ok(app)
    }

    /// The workspace's apps.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn list(&self, workspace: &WorkspaceId) -> Result<Vec<App>, AppError> {
        let mut apps = Vec::new();
        for id in self.apps.of_workspace(workspace).await? {
            apps.extend(self.apps.find(&id).await?);
        }
        Ok(apps)
    }

    /// One of the workspace's apps.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn find(&self, workspace: &WorkspaceId, id: &AppId) -> Result<App, AppError> {
        let app = self.apps.find(id).await?;
        app.filter(|app| app.workspace == *workspace).ok_or(AppError::NotFound)
    }

    /// Changes an app.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &AppId,
        change: AppChange,
        actor: Actor,
    ) -> Result<App, AppError> {
        let earlier = self.find(workspace, id).await?;
        let fields = change.fields();
        let app = changed(earlier.clone(), change);
        self.replace((&earlier, &app), &actor, "app.changed", &[("changed", &fields)]).await?;
        Ok(app)
    }

    /// Says who vouches for an app's users. Their keys are fetched now, so that a mistake shows now.
    ///
    /// # Errors
    /// [`AppError`].
    #[tracing::instrument(skip_all)]
    pub async fn identify(
        &self,
        workspace: &WorkspaceId,
        id: &AppId,
        draft: IdentityDraft,
        actor: Actor,
    ) -> Result<App, AppError> {
        let earlier = self.find(workspace, id).await?;
        let (jwks_uri, jwks_snapshot) = match draft.keys {
            KeySource::Given(keys) => (String::new(), keys),
            KeySource::Uri(uri) => (uri.clone(), self.keys(&uri).await?),
            KeySource::Discovery => {
                let uri = self.client.jwks_uri(draft.issuer.as_str()).await.map_err(AppError::Discovery)?;
                (uri.to_string(), self.keys(uri.as_str()).await?)
            }
        };
        if usable_keys(jwks_snapshot.as_bytes()).is_none() {
            return Err(AppError::NoUsableKey);
        }
        let (issuer, audience) = (draft.issuer, draft.audience);
        let agent_scopes = Identity::agent_scopes_after(draft.agent_scopes, earlier.identity.as_ref(), &issuer);
        let jwks_fetched_at = self.clock.now();
        let identity = Identity { issuer, audience, jwks_uri, jwks_snapshot, jwks_fetched_at, agent_scopes };
        let app = App { identity: Some(identity), ..earlier.clone() };
        let issuer = app.identity.as_ref().map(|identity| identity.issuer.to_string()).unwrap_or_default();
        self.replace((&earlier, &app), &actor, "app.identity_changed", &[("issuer", &issuer)]).await?;
        Ok(app)
    }

    /// Lets nobody vouch for an app's users any more.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn forget_identity(&self, workspace: &WorkspaceId, id: &AppId, actor: Actor) -> Result<(), AppError> {
        let earlier = self.find(workspace, id).await?;
        let app = App { identity: None, ..earlier.clone() };
        self.replace((&earlier, &app), &actor, "app.identity_removed", &[]).await
    }

    /// Deletes an app and its keys. Its users' connections are removed and ended at their providers in the background; once more when
    /// the last session that began before is over.
    ///
    /// # Errors
    /// [`AppError`].
    #[tracing::instrument(skip_all)]
    pub async fn delete(&self, workspace: &WorkspaceId, id: &AppId, actor: Actor) -> Result<(), AppError> {
        let app = self.find(workspace, id).await?;
        let now = self.clock.now();
        let mut sweeps = Vec::new();
        for connector in self.connectors.of_workspace(workspace).await? {
            sweeps.push(self.sweep.of(&connector, Some(id), true, now).await?);
        }
        let told = self.audit.to_note(workspace, &actor, "app.deleted", id.as_str(), &[]);
        if self.apps.delete(&app, Some(&told)).await? == Write::Conflict {
            return Err(AppError::NotFound);
        }
        self.audit.note_left(&told).await;
        for sweep in &sweeps {
            self.sweep.start(sweep).await;
        }
        // Without their app they open nothing already.
        Ok(self.keys.remove_of_app(workspace, id).await?)
    }

    async fn keys(&self, uri: &str) -> Result<String, AppError> {
        let keys = self.client.jwks(uri).await.map_err(AppError::Keys)?;
        String::from_utf8(keys).map_err(|_| AppError::NoUsableKey)
    }

    async fn replace(
        &self,
        (earlier, app): (&App, &App),
        actor: &Actor,
        action: &str,
        details: &[(&str, &str)],
    ) -> Result<(), AppError> {
        let told = self.audit.to_note(&app.workspace, actor, action, app.id.as_str(), details);
        if self.apps.replace(earlier, app, &told).await? == Write::Conflict {
            return Err(AppError::NotFound);
        }
        self.audit.note_left(&told).await;
        Ok(())
    }
}

impl AppChange {
    /// The names of what is to be changed, for the audit trail.
    fn fields(&self) -> String {
        let fields = [
            ("name", self.name.is_some()),
            ("origins", self.origins.is_some()),
            ("return_urls", self.return_urls.is_some()),
            ("session_binding", self.session_binding.is_some()),
            ("handle_delivery", self.handle_delivery.is_some()),
        ];
        fields.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    }
}

fn changed(app: App, change: AppChange) -> App {
    App {
        name: change.name.unwrap_or(app.name),
        origins: change.origins.unwrap_or(app.origins),
        return_urls: change.return_urls.unwrap_or(app.return_urls),
        session_binding: change.session_binding.unwrap_or(app.session_binding),
        handle_delivery: change.handle_delivery.unwrap_or(app.handle_delivery),
        ..app
    }
}
