//! Grants that were made elsewhere by the same client become connections here, so that nobody has to connect again.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    audit::Audit,
    profile,
    publish::{Publisher, noticed_as},
    values,
};
use crate::{
    clock::Clock,
    domain::{
        app::App,
        audit::Actor,
        connection::SealedTokens,
        connector::Connector,
        event::EventKind,
        fields::FieldError,
        freshness::{Freshness, MinTtl},
        ids::{AppId, ConnectionId, ConnectorId, WorkspaceId},
        portable_grant::{Mapping, PortableGrant, PortableOwner},
        provider::{Provider, Step},
        schedule::Use,
        secret::{AccessToken, Secret},
        user::{ConnectionKey, Owner, User},
    },
    random::Random,
    store::{Apps, Connectors, Import, Imports, NewGrant, Standing, StoreError, Write},
    vault::{Place, Ready, Vault, VaultError},
};

/// In which time what has to be refreshed first is refreshed: a thousand that came together are not due together.
const SOON: Duration = Duration::from_mins(10);

/// As in every other place where a connection is made.
const FIRST_VERSIONS: u64 = 1 << 62;

/// How often a write is tried that met another at the same place.
const TRIES: usize = 3;

/// Imports grants.
#[derive(Debug, Clone)]
pub struct ImportGrants {
    pub(crate) apps: Apps,
    pub(crate) connectors: Connectors,
    pub(crate) imports: Imports,
    pub(crate) vault: Arc<Vault>,
    pub(crate) audit: Audit,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What is to become of grants.
#[derive(Debug, Clone, Copy)]
pub struct ImportWish {
    /// Whether one takes the place of a connection that is there already.
    pub replaces: bool,
    /// Whether it is only to be said what would become of them.
    pub dry_run: bool,
}

/// In which form grants come.
#[derive(Debug)]
pub enum ImportFormat {
    /// The product's own.
    Own,
    /// Nango's answers, with what has to be known beside them.
    Nango(Mapping),
}

/// What became of one grant.
#[derive(Debug)]
pub enum Imported {
    /// It is a connection, or would be one.
    Done(ConnectionId),
    /// It was left as it was, because something stands in its place.
    Skipped(ConnectionId, Skipped),
    /// It can't be a connection of this connector.
    Refused(Vec<FieldError>),
}

/// Why a grant was left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// It was imported before.
    ImportedBefore,
    /// Its owner is connected already.
    Connected,
    /// Its user was forgotten in this moment.
    Forgotten,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such connector in the workspace.
    #[error("no such connector")]
    NotFound,
    /// Tokens of this provider are bound to the key of the connector that they were given to.
    #[error("tokens are bound to another key")]
    Bound,
    /// The storage can't answer. What was imported by then is; importing it again is safe.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't seal.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What every grant of a batch is looked at with.
struct Desk<'a> {
    connector: &'a Connector,
    provider: &'a Provider,
    ready: Ready<'a>,
    wish: ImportWish,
    began_at: Timestamp,
    admin: &'a Actor,
    apps: HashMap<AppId, Option<Arc<App>>>,
}

impl ImportGrants {
    /// Imports a batch of grants through a connector, and says of each what became of it, in their order.
    ///
    /// # Errors
    /// [`ImportError`].
    #[tracing::instrument(skip_all, fields(connector.id = %connector))]
    pub async fn import(
        &self,
        workspace: &WorkspaceId,
        connector: &ConnectorId,
        (format, grants): (ImportFormat, &[serde_json::Value]),
        wish: ImportWish,
        actor: Actor,
    ) -> Result<Vec<Imported>, ImportError> {
        let connector = self.connectors.find(workspace, connector).await?;
        let connector = connector.filter(Connector::is_active).ok_or(ImportError::NotFound)?;
        let provider = profile(&connector).ok_or(ImportError::NotFound)?;
        if provider.binds_tokens() {
            return Err(ImportError::Bound);
        }
        let ready = self.vault.make_ready(workspace).await?;
        let (connector, admin) = (&connector, &actor);
        let began_at = self.clock.now();
        let mut desk = Desk { connector, provider, ready, wish, began_at, admin, apps: HashMap::new() };
        let mut outcomes = Vec::with_capacity(grants.len());
        let mut failure = None;
        for grant in grants {
            let read = match &format {
                ImportFormat::Own => PortableGrant::read(grant),
                ImportFormat::Nango(mapping) => PortableGrant::of_nango(grant, mapping, provider),
            };
            match self.one(&mut desk, read).await {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        if !wish.dry_run {
            self.note(connector, &outcomes, actor).await;
        }
        failure.map_or(Ok(outcomes), Err)
    }

    async fn one(
        &self,
        desk: &mut Desk<'_>,
        read: Result<PortableGrant, Vec<FieldError>>,
    ) -> Result<Imported, ImportError> {
        let grant = match read {
            Ok(grant) => grant,
            Err(errors) => return Ok(Imported::Refused(errors)),
        };
        let owner = self.owner(desk, &grant.owner).await?;
        let mut objections = grant.objections(desk.connector, desk.provider, desk.began_at);
        objections.extend(unusable(desk, &grant));
        let owner = match owner {
            Ok(owner) if objections.is_empty() => owner,
            Ok(_) => return Ok(Imported::Refused(objections)),
            Err(error) => {
                objections.push(error);
                return Ok(Imported::Refused(objections));
            }
        };
        let (workspace, connector) = (desk.connector.workspace.clone(), desk.connector.id.clone());
        self.placed(desk, &ConnectionKey { workspace, owner, connector }, &grant).await
    }

    async fn placed(
        &self,
        desk: &Desk<'_>,
        place: &ConnectionKey,
        grant: &PortableGrant,
    ) -> Result<Imported, ImportError> {
        let digest = grant.digest(place);
        for _ in 0..TRIES {
            if !desk.wish.dry_run {
                let new = self.new_grant(desk, place, grant);
                let (unproven, replaces) = (is_unproven(desk.provider, grant), desk.wish.replaces);
                let event = self.publisher.of_connection(EventKind::ConnectionCreated, place).because("imported");
                let (id, details) = (place.id(), [("connector", place.connector.as_str())]);
                let told = noticed_as(event, desk.admin, ("connection.imported", id.as_str()), &details);
                let began_at = desk.began_at;
                let import = Import { place, grant: new, digest, told: &told, unproven, replaces, began_at };
                if self.imports.store(&import).await? == Write::Done {
                    // Noted a little later: nobody who brings a thousand waits for a thousand lines in the trail.
                    self.publisher.remind(&told).await;
                    return Ok(Imported::Done(place.id()));
                }
            }
            match (self.imports.standing(place, &digest).await?, desk.wish) {
                (Some(Standing::Imported), _) => return Ok(Imported::Skipped(place.id(), Skipped::ImportedBefore)),
                (Some(Standing::Other), ImportWish { replaces: false, .. }) => {
                    return Ok(Imported::Skipped(place.id(), Skipped::Connected));
                }
                (_, ImportWish { dry_run: true, .. }) => return Ok(Imported::Done(place.id())),
                // What stood in the way is gone by now, or somebody forgot the user.
                (Some(Standing::Other) | None, _) => {}
            }
        }
        Ok(Imported::Skipped(place.id(), Skipped::Forgotten))
    }

    /// Whose the connection is to be.
    async fn owner(&self, desk: &mut Desk<'_>, of: &PortableOwner) -> Result<Result<Owner, FieldError>, StoreError> {
        let refused = |pointer: &str, detail: &str| {
            Ok(Err(FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() }))
        };
        let owner = match of {
            PortableOwner::Workspace => Owner::Workspace,
            PortableOwner::User { app: id, issuer, subject } => {
                let Some(app) = self.app(desk, id).await? else {
                    return refused("/app_id", "is no app of this workspace");
                };
                let issuer = issuer.clone().or_else(|| app.identity.as_ref().map(|identity| identity.issuer.clone()));
                let Some(issuer) = issuer else {
                    return refused("/user/issuer", "is required: the app has no issuer of its own");
                };
                Owner::User(User { app: id.clone(), issuer, subject: subject.clone() })
            }
        };
        if desk.connector.serves(&owner) {
            Ok(Ok(owner))
        } else if owner == Owner::Workspace {
            refused("/user", "is required: through this connector each user connects their own account")
        } else {
            refused("/user", "must be left out, with `app_id`: this connector's account is the whole workspace's")
        }
    }

    async fn app(&self, desk: &mut Desk<'_>, id: &AppId) -> Result<Option<Arc<App>>, StoreError> {
        if let Some(known) = desk.apps.get(id) {
            return Ok(known.clone());
        }
        let app = self.apps.find(id).await?.filter(|app| app.workspace == desk.connector.workspace).map(Arc::new);
        desk.apps.insert(id.clone(), app.clone());
        Ok(app)
    }

    fn new_grant(&self, desk: &Desk<'_>, key: &ConnectionKey, grant: &PortableGrant) -> NewGrant {
        let (now, place) = (self.clock.now(), Place::connection(key));
        // Where there is no access token, what stands in its place has ended already: nobody opens it, and a refresh
        // brings the first one.
        let none = Secret::<AccessToken>::new("");
        let tokens = SealedTokens {
            access: desk.ready.seal(grant.access.as_ref().unwrap_or(&none), &place),
            refresh: grant.refresh.as_ref().map(|token| desk.ready.seal(token, &place)),
            token_type: grant.token_type.clone(),
            issued_at: grant.issued_at.map_or(now, |at| at.min(now)),
            expires_at: if grant.access.is_some() { grant.expires_at } else { Some(now) },
            refresh_expires_at: grant.refresh_expires_at,
        };
        NewGrant {
            client_id: grant.client_id.clone(),
            scopes_revision: desk.connector.scopes_revision,
            granted: grant.scopes.clone().unwrap_or_else(|| desk.connector.scopes.clone()),
            account: grant.account.clone(),
            label: grant.label.clone(),
            details: grant.details.clone(),
            keeps_earlier_refresh_token: false,
            due_at: self.due_at(&tokens, desk.provider, is_unproven(desk.provider, grant), now),
            tokens,
            connected_at: now,
            connected_by: key.owner.user().is_none().then(|| desk.admin.describe()),
            first_version: self.random.below(FIRST_VERSIONS),
        }
    }

    /// Ahead of its end like every other, and soon if it has to be refreshed before it is of use.
    fn due_at(&self, tokens: &SealedTokens, provider: &Provider, unproven: bool, now: Timestamp) -> Option<Timestamp> {
        if !tokens.are_renewable(provider, now) {
            return None;
        }
        if unproven || tokens.freshness(now, MinTtl::Usual) != Freshness::Fresh {
            let within = u64::try_from(SOON.as_millis()).unwrap_or(u64::MAX);
            return now.checked_add(Duration::from_millis(self.random.below(within))).ok();
        }
        let jitter = u16::try_from(self.random.below(1_001)).unwrap_or(0);
        let due = tokens.due_at(Use { provider, last_used_on: None, connected_at: now, jitter });
        due.map(|at| at.max(now))
    }

    async fn note(&self, connector: &Connector, outcomes: &[Imported], actor: Actor) {
        let count = |is_meant: fn(&Imported) -> bool| outcomes.iter().filter(|of| is_meant(of)).count().to_string();
        let imported = count(|of| matches!(of, Imported::Done(_)));
        let skipped = count(|of| matches!(of, Imported::Skipped(..)));
        let refused = count(|of| matches!(of, Imported::Refused(_)));
        let details = [("imported", imported.as_str()), ("skipped", &skipped), ("refused", &refused)];
        self.audit.note(&connector.workspace, actor, "connections.imported", connector.id.as_str(), &details).await;
    }
}

/// Whether nobody knows if the access token works still, and a refresh would tell.
fn is_unproven(provider: &Provider, grant: &PortableGrant) -> bool {
    grant.refresh.is_some() && grant.expires_at.is_none() && provider.refreshes()
}

/// What its details lack, or have wrong, for the requests of its life.
fn unusable(desk: &Desk<'_>, grant: &PortableGrant) -> Option<FieldError> {
    let steps =
        [Step::Refresh, Step::Api].into_iter().filter(|step| *step != Step::Refresh || desk.provider.refreshes());
    let values = values(desk.connector, &grant.details);
    let mut unfilled = steps.filter_map(|step| desk.provider.filled(&values, step).err());
    unfilled.next().map(|error| FieldError {
        pointer: format!("/connection_config/{}", crate::domain::fields::step(&error.var)),
        detail: "is missing, or not of the form that the provider's addresses need".to_owned(),
    })
}
