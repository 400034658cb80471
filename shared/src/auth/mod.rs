//! Who is calling. What comes out of here is proof: nothing else in the crate can make an [`Admin`], a [`Service`] or an
//! [`AppUser`], and every key of every table is derived from one of them.

mod api_keys;
mod apps;
mod cache;
mod callers;
mod jwks;
mod people;
mod resource_tokens;
mod user_tokens;

use std::sync::Arc;

use crate::{
    clock::Clock,
    domain::{
        agent_scope::GrantedScopes,
        api_key::WorkspaceRole,
        app::App,
        ids::{AppId, WorkspaceId},
        person::WorkspaceIdentity,
        user::User,
    },
    oauth::ProviderClient,
    store::{ApiKeys, Apps, StoreError, WorkspaceIdentities},
};

use callers::AdminProof;
pub use callers::{Admin, AppUser, Service};
/// The keys of a JWK Set that can verify a user's token; `None` if there are none.
pub use jwks::usable as usable_keys;
pub use people::{KnownPerson, PersonFlaw};
pub use user_tokens::TokenFlaw;

use people::Verified;

/// Finds out who is calling.
#[derive(Debug)]
pub struct Authenticator {
    keys: api_keys::KeyCheck,
    apps: apps::AppCache,
    tokens: user_tokens::TokenCheck,
    people: people::People,
}

/// Why nobody was recognised.
#[derive(Debug, thiserror::Error)]
pub enum Unauthenticated {
    /// The proof is missing or wrong. Callers never learn which.
    #[error("the proof is missing or wrong")]
    NoProof,
    /// A user's own token where an app's backend is asked for.
    #[error("a user's token was shown where a service key is asked for")]
    ServiceOnly,
    /// The proof is good, and not for what was asked for.
    #[error("the proof is for something else")]
    Elsewhere,
    /// The workspace's issuer vouches for them, but none of these claims lets them in.
    #[error("the person is known, and not let in")]
    NotAMember(Vec<String>),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Authenticator {
    /// An authenticator over the deployment's registry.
    #[must_use]
    pub fn new(
        keys: ApiKeys,
        apps: Apps,
        identities: WorkspaceIdentities,
        client: Arc<ProviderClient>,
        clock: Clock,
    ) -> Self {
        Self {
            keys: api_keys::KeyCheck::new(keys, clock.clone()),
            apps: apps::AppCache::new(apps, clock.clone()),
            people: people::People::new(identities, clock.clone()),
            tokens: user_tokens::TokenCheck::new(client, clock),
        }
    }

    /// Who this is of `workspace`: by one of its keys, or by a token that its own issuer gave to its client.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub async fn admin(&self, bearer: Option<&str>, workspace: &WorkspaceId) -> Result<Admin, Unauthenticated> {
        let bearer = bearer.ok_or(Unauthenticated::NoProof)?;
        if !api_keys::looks_like_a_key(bearer) {
            let known = self.people.member(&self.tokens, bearer, workspace).await?;
            return Ok(Admin::of_person(workspace, known));
        }
        let (key, own, role) = self.keys.workspace_key(bearer).await?;
        if own != *workspace {
            return Err(Unauthenticated::Elsewhere);
        }
        Ok(Admin { workspace: own, role, proof: AdminProof::Key(key) })
    }

    /// Who of `workspace` this access token of its issuer names, if it is for `audience`, and what it is good for: for parts
    /// of the product that clients ask for tokens of their own for.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub async fn admin_at(
        &self,
        bearer: Option<&str>,
        workspace: &WorkspaceId,
        audience: &str,
    ) -> Result<(Admin, GrantedScopes), Unauthenticated> {
        let bearer = bearer.ok_or(Unauthenticated::NoProof)?;
        let (known, granted) = self.people.member_at(&self.tokens, bearer, workspace, audience).await?;
        Ok((Admin::of_person(workspace, known), granted))
    }

    /// Who vouches for the people of a workspace, as it was at most a minute ago.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    pub async fn identity_of(&self, workspace: &WorkspaceId) -> Result<Option<Arc<WorkspaceIdentity>>, StoreError> {
        self.people.identity(workspace).await
    }

    /// Whom an ID token names that was just got for a sign-in with this nonce, or what is wrong with it.
    ///
    /// # Errors
    /// [`PersonFlaw`].
    pub async fn signed_in(
        &self,
        token: &str,
        identity: &WorkspaceIdentity,
        nonce: &str,
    ) -> Result<KnownPerson, PersonFlaw> {
        people::signed_in(&self.tokens, token, identity, Some(nonce)).await
    }

    /// Which backend's key this is, if it is one of `app`.
    ///
    /// # Errors
    /// [`Unauthenticated`]; [`Unauthenticated::ServiceOnly`] for the token of a user of the app.
    pub async fn service(&self, bearer: Option<&str>, app: &AppId) -> Result<Service, Unauthenticated> {
        let bearer = bearer.ok_or(Unauthenticated::NoProof)?;
        if !api_keys::looks_like_a_key(bearer) {
            self.user(Some(bearer), app).await?;
            return Err(Unauthenticated::ServiceOnly);
        }
        let (key, own, offline_tokens) = self.keys.app_key(bearer).await?;
        if own != *app {
            return Err(Unauthenticated::Elsewhere);
        }
        let app = self.apps.find(&own).await?.filter(|app| key.is_of(app)).ok_or(Unauthenticated::NoProof)?;
        Ok(Service { app, key: key.id, offline_tokens })
    }

    /// The app, for whoever owns it: its backend, or somebody who may look at its workspace.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub async fn owner(&self, bearer: Option<&str>, app: &AppId) -> Result<Arc<App>, Unauthenticated> {
        let key = bearer.ok_or(Unauthenticated::NoProof)?;
        if !api_keys::looks_like_a_key(key) {
            return self.owner_by_token(key, app).await;
        }
        let (_, workspace, role) = match self.keys.workspace_key(key).await {
            Err(Unauthenticated::NoProof) => return Ok(self.service(bearer, app).await?.app),
            outcome => outcome?,
        };
        let app = self.apps.find(app).await?;
        let may_look = role != WorkspaceRole::Builder;
        app.filter(|app| may_look && app.workspace == workspace).ok_or(Unauthenticated::Elsewhere)
    }

    async fn owner_by_token(&self, token: &str, id: &AppId) -> Result<Arc<App>, Unauthenticated> {
        let app = self.apps.find(id).await?.ok_or(Unauthenticated::NoProof)?;
        match self.people.member(&self.tokens, token, &app.workspace).await {
            Ok(_) => Ok(app),
            Err(Unauthenticated::NoProof) => Ok(self.service(Some(token), id).await?.app),
            Err(error) => Err(error),
        }
    }

    /// Which user of `app` this token is of.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub async fn user(&self, bearer: Option<&str>, app: &AppId) -> Result<AppUser, Unauthenticated> {
        let bearer = bearer.ok_or(Unauthenticated::NoProof)?;
        let app = self.apps.find(app).await?.ok_or(Unauthenticated::NoProof)?;
        let user = self.tokens.verify(bearer, &app).await.map_err(|_| Unauthenticated::NoProof)?;
        Ok(AppUser { app, user })
    }

    /// Which user of `app` this access token of its issuer names, if it is for `audience`, and what it is good for: for parts
    /// of the product that clients ask for tokens of their own for.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub async fn user_at(
        &self,
        bearer: Option<&str>,
        app: &AppId,
        audience: &str,
    ) -> Result<(AppUser, GrantedScopes), Unauthenticated> {
        let bearer = bearer.ok_or(Unauthenticated::NoProof)?;
        let app = self.apps.find(app).await?.ok_or(Unauthenticated::NoProof)?;
        let identity = app.identity.as_ref().ok_or(Unauthenticated::NoProof)?;
        let verified = self.tokens.bearer_for(bearer, identity, audience).await;
        let Verified { subject, claims, .. } = verified.map_err(|_| Unauthenticated::NoProof)?;
        let granted = GrantedScopes::of_claims(&claims, identity.agent_scopes);
        let user = User { app: app.id.clone(), issuer: identity.issuer.clone(), subject };
        Ok((AppUser { app, user }, granted))
    }

    /// Who vouches for the users of an app, as it was at most a minute ago: nobody yet, or the app is none.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    pub async fn app_with_identity(&self, app: &AppId) -> Result<Option<Arc<App>>, StoreError> {
        Ok(self.apps.find(app).await?.filter(|app| app.identity.is_some()))
    }

    /// Which user of `app` this token is of, or what is wrong with it. For admins of the app's workspace: it is no proof.
    ///
    /// # Errors
    /// [`TokenFlaw`].
    pub async fn examine(&self, token: &str, app: &App) -> Result<User, TokenFlaw> {
        self.tokens.verify(token, app).await
    }

    /// Which user this is: by their own token as bearer, or by `on_behalf_of` beside a service key.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub async fn user_or_delegate(
        &self,
        bearer: Option<&str>,
        on_behalf_of: Option<&str>,
        app: &AppId,
    ) -> Result<AppUser, Unauthenticated> {
        match bearer {
            Some(key) if api_keys::looks_like_a_key(key) => {
                self.delegate(bearer, on_behalf_of, app).await.map(|(_, user)| user)
            }
            _ => self.user(bearer, app).await,
        }
    }

    /// The backend of `app`, and the user in whose name it calls.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub async fn delegate(
        &self,
        bearer: Option<&str>,
        on_behalf_of: Option<&str>,
        app: &AppId,
    ) -> Result<(Service, AppUser), Unauthenticated> {
        let service = self.service(bearer, app).await?;
        let user = self.user(on_behalf_of, app).await?;
        Ok((service, user))
    }

    /// Whether pages of this origin may call for this app.
    ///
    /// # Errors
    /// [`StoreError`] if the app cannot be read.
    pub async fn allows_origin(&self, app: &AppId, origin: &str) -> Result<bool, StoreError> {
        Ok(self.apps.find(app).await?.is_some_and(|app| app.allows_origin(origin)))
    }
}
