//! Grants that were made elsewhere by the same client become connections here, so that nobody has to connect again.

mod holders;
mod placing;

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use self::{holders::Holders, placing::Rehearsal};
use super::{
    audit::Audit,
    connection_quota::{ConnectionQuotas, Quota},
    profile,
    publish::Publisher,
    values,
};
use crate::{
    clock::Clock,
    domain::{
        app::App,
        audit::Actor,
        connector::Connector,
        fields::FieldError,
        ids::{AppId, ConnectionId, ConnectorId, WorkspaceId},
        plan::PlanRequired,
        portable_grant::{Mapping, PortableGrant, PortableOwner},
        provider::{Provider, Step},
        user::{ConnectionKey, Owner, User},
    },
    random::Random,
    store::{Apps, Connectors, Imports, Policies, StoreError},
    vault::{Ready, Vault, VaultError},
};

/// Imports grants.
#[derive(Debug, Clone)]
pub struct ImportGrants {
    pub(crate) apps: Apps,
    pub(crate) connectors: Connectors,
    pub(crate) policies: Policies,
    pub(crate) quotas: ConnectionQuotas,
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
    Done {
        /// The connection.
        id: ConnectionId,
        /// Whether another made room for it.
        replaced: bool,
    },
    /// It was left as it was, because something stands in its place.
    Skipped(ConnectionId, Skipped),
    /// It can't be a connection of this connector.
    Refused(Vec<FieldError>),
    /// It would be one connection more than the workspace's plan has. It comes in once there is room.
    NoRoom(PlanRequired),
}

/// Why a grant was left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// It was imported before.
    ImportedBefore,
    /// Its owner is connected already.
    Connected,
    /// What stands in its place can't be read, and so is not replaced.
    Unreadable,
    /// It was imported before, and has ended here since.
    Ended,
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
    /// The connector's connections are on their way to another deployment.
    #[error("the connections are moving out")]
    MovingOut,
    /// The workspace's policy has switched the connector's type off.
    #[error("switched off by policy")]
    BlockedByPolicy,
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
    /// How many connections there may be, as far as that is limited.
    quota: Option<Quota>,
    /// Who holds which refresh token by now.
    holders: Holders,
    /// What a run that changes nothing has come to by now.
    rehearsal: Rehearsal,
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
        if connector.is_moving_out() {
            return Err(ImportError::MovingOut);
        }
        if !self.policies.find(workspace).await?.policy.allows(connector.kind, &connector.provider) {
            return Err(ImportError::BlockedByPolicy);
        }
        let (connector, admin) = (&connector, &actor);
        let mut desk = Desk {
            connector,
            provider,
            ready: self.vault.make_ready(workspace).await?,
            wish,
            began_at: self.clock.now(),
            admin,
            apps: HashMap::new(),
            quota: self.quotas.of(workspace).await?,
            holders: Holders::default(),
            rehearsal: Rehearsal::default(),
        };
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
        let place = ConnectionKey { workspace, owner, connector };
        if let Some(objection) = desk.holders.objection(&place, &grant, desk.provider) {
            return Ok(Imported::Refused(vec![objection]));
        }
        let imported = self.placed(desk, &place, &grant).await?;
        if matches!(imported, Imported::Done { .. } | Imported::Skipped(_, Skipped::ImportedBefore)) {
            desk.holders.note(&place, &grant);
        }
        Ok(imported)
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

    async fn note(&self, connector: &Connector, outcomes: &[Imported], actor: Actor) {
        let count = |is_meant: fn(&Imported) -> bool| outcomes.iter().filter(|of| is_meant(of)).count().to_string();
        let imported = count(|of| matches!(of, Imported::Done { .. }));
        let replaced = count(|of| matches!(of, Imported::Done { replaced: true, .. }));
        let skipped = count(|of| matches!(of, Imported::Skipped(..)));
        let refused = count(|of| matches!(of, Imported::Refused(_) | Imported::NoRoom(_)));
        let details =
            [("imported", imported.as_str()), ("replaced", &replaced), ("skipped", &skipped), ("refused", &refused)];
        self.audit.note(&connector.workspace, actor, "connections.imported", connector.id.as_str(), &details).await;
    }
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
