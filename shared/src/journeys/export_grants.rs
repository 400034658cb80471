//! Connections leave with their tokens, encrypted to a key of whoever asks: what an import takes, and nobody else reads.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{audit::Audit, profile};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        connection::{Connection, Grant},
        connector::Connector,
        ids::{ConnectorId, WorkspaceId},
        portable_grant::{PortableGrant, PortableOwner},
        provider::Provider,
        secret::Secret,
    },
    random::Random,
    store::{Connections, Connectors, Cursor, Policies, StoreError},
    vault::{NotEncrypted, Place, Recipient, Vault, VaultError},
};

/// How many connections a page has at most.
const PAGE: usize = 200;

/// How many of them are read at a time.
const STEP: usize = 10;

/// How large a page is, in bytes, when no more are read.
const LARGE: usize = 2_500_000;

/// How large a page is at most: encrypted, armoured and written as a text in a text it fits into the six mebibytes that Lambda
/// lets a function answer. Ten of the largest connections that there can be would not.
const LARGEST: usize = 4_000_000;

/// How large a line of a file is at most, unless it holds one connection alone: it fits into the body of an import.
const LINE: usize = 96 * 1024;

/// How many connections a line has at most: as many as an import takes at once.
const MOST_IN_LINE: usize = 100;

/// Exports connections.
#[derive(Debug, Clone)]
pub struct ExportGrants {
    pub(crate) connectors: Connectors,
    pub(crate) policies: Policies,
    pub(crate) connections: Connections,
    pub(crate) vault: Arc<Vault>,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// One page of an export.
#[derive(Debug)]
pub struct ExportPage {
    /// An armoured age file. Inside, each line is the body of an import.
    pub file: String,
    /// How many connections are in it.
    pub exported: usize,
    /// How many were left out: their grants have ended, or they can't be read.
    pub left_out: usize,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// What goes into a page.
struct Gathered {
    grants: Vec<PortableGrant>,
    left_out: usize,
    next: Option<Cursor>,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such connector in the workspace.
    #[error("no such connector")]
    NotFound,
    /// The connector is not exportable, or only from this moment on.
    #[error("the connector is not exportable")]
    NotExportable(Option<Timestamp>),
    /// The connections are moving out, and what was begun before may still change them until then.
    #[error("the connections are not settled yet")]
    NotSettled(Timestamp),
    /// Tokens of this provider are bound to the connector's key, which never leaves.
    #[error("tokens are bound to the connector's key")]
    Bound,
    /// The workspace's policy has switched the connector's type off: nobody gets a token of it, this way neither.
    #[error("switched off by policy")]
    BlockedByPolicy,
    /// Nothing can be encrypted to the recipient.
    #[error(transparent)]
    NotEncrypted(#[from] NotEncrypted),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl ExportGrants {
    /// One page of a connector's connections, encrypted to this recipient.
    ///
    /// # Errors
    /// [`ExportError`]; [`StoreError::Unreadable`] for a cursor that is not one of ours.
    #[tracing::instrument(skip_all, fields(connector.id = %connector))]
    pub async fn export(
        &self,
        workspace: &WorkspaceId,
        connector: &ConnectorId,
        recipient: &Recipient,
        from: Option<&Cursor>,
        actor: Actor,
    ) -> Result<ExportPage, ExportError> {
        let connector = self.leaving(workspace, connector).await?;
        let provider = profile(&connector).filter(|provider| !provider.binds_tokens()).ok_or(ExportError::Bound)?;
        let Gathered { grants, left_out, next } = self.gathered(&connector.id, provider, from).await?;
        let file = recipient.encrypt(&lines(&grants), &self.random)?;
        // What was forbidden while the page was put together does not leave with it.
        self.leaving(workspace, &connector.id).await?;
        let (count, left, to) = (grants.len().to_string(), left_out.to_string(), recipient.fingerprint());
        let details = [("recipient", to.as_str()), ("exported", &count), ("left_out", &left)];
        let told = self.audit.to_note(workspace, &actor, "connections.exported", connector.id.as_str(), &details);
        self.audit.note_first(&told).await?;
        Ok(ExportPage { file, exported: grants.len(), left_out, next })
    }

    /// The connector, if its connections may leave at this moment.
    async fn leaving(&self, workspace: &WorkspaceId, connector: &ConnectorId) -> Result<Connector, ExportError> {
        let connector = self.connectors.find(workspace, connector).await?;
        let connector = connector.filter(Connector::is_active).ok_or(ExportError::NotFound)?;
        match connector.exportable_from() {
            Some(since) if since <= self.clock.now() => {}
            since => return Err(ExportError::NotExportable(since)),
        }
        if let Some(from) = connector.settled_from().filter(|from| *from > self.clock.now()) {
            return Err(ExportError::NotSettled(from));
        }
        if !self.policies.find(workspace).await?.policy.allows(connector.kind, &connector.provider) {
            return Err(ExportError::BlockedByPolicy);
        }
        Ok(connector)
    }

    /// Connections from `from` on, until there are enough for a page.
    async fn gathered(
        &self,
        connector: &ConnectorId,
        provider: &Provider,
        from: Option<&Cursor>,
    ) -> Result<Gathered, ExportError> {
        let mut gathered = Gathered { grants: Vec::new(), left_out: 0, next: from.cloned() };
        let (mut seen, mut size, mut step) = (0, 0, STEP);
        loop {
            let read = self.connections.of_connector(connector, None, gathered.next.as_ref(), step).await?;
            let mut grants = Vec::new();
            for connection in &read.connections {
                grants.extend(self.opened(connection, provider).await?);
            }
            let more: usize = grants.iter().map(|grant| written(std::slice::from_ref(grant)).len()).sum();
            if size + more > LARGEST && step > 1 {
                // These are for the next page, unless there would be none before it.
                if !gathered.grants.is_empty() {
                    return Ok(gathered);
                }
                step /= 2;
                continue;
            }
            gathered.left_out += read.unreadable + read.connections.len() - grants.len();
            gathered.grants.append(&mut grants);
            gathered.next = read.next;
            (seen, size) = (seen + step, size + more);
            if gathered.next.is_none() || seen >= PAGE || size >= LARGE {
                return Ok(gathered);
            }
        }
    }

    /// A connection with its tokens opened; none if it is of no use anywhere.
    async fn opened(&self, connection: &Connection, provider: &Provider) -> Result<Option<PortableGrant>, VaultError> {
        if connection.grant != Grant::Live || connection.quarantine.is_some() || connection.tokens.is_bound() {
            return Ok(None);
        }
        let (place, tokens) = (Place::connection(&connection.key), &connection.tokens);
        let access = self.vault.open(&tokens.access, &place).await;
        let refresh = match &tokens.refresh {
            Some(sealed) => self.vault.open(sealed, &place).await.map(Some),
            None => Ok(None),
        };
        let (access, refresh) = match (access, refresh) {
            (Ok(access), Ok(refresh)) => (access, refresh),
            (Err(VaultError::DoesNotOpen), _) | (_, Err(VaultError::DoesNotOpen)) => return Ok(None),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        // Nobody knows whether an unproven token works; whoever takes it over finds out by a refresh.
        let is_told = refresh.is_none() || !connection.refresh.unproven;
        let grant = PortableGrant {
            owner: PortableOwner::of(&connection.key.owner),
            client_id: connection.client_id.clone(),
            access: Some(access).filter(|token| is_told && !Secret::is_empty(token)),
            refresh,
            token_type: tokens.token_type.clone(),
            issued_at: Some(tokens.issued_at),
            expires_at: tokens.expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            scopes: Some(connection.granted.clone()),
            account: connection.account.clone(),
            label: connection.label.clone(),
            details: connection.details.clone(),
            connected_at: Some(connection.connected_at),
            last_used_on: connection.last_used_on,
        };
        Ok(Some(grant).filter(|grant| grant.is_of_use(provider, self.clock.now())))
    }
}

/// The body of an import.
#[derive(Serialize)]
struct Line<'a, G> {
    connections: &'a [G],
}

/// The grants as lines, each small enough for one request.
fn lines(grants: &[PortableGrant]) -> Zeroizing<Vec<u8>> {
    let mut lines = Zeroizing::new(Vec::with_capacity(grants.len() * 2_048));
    let mut rest = grants;
    while !rest.is_empty() {
        let mut count = rest.len().min(MOST_IN_LINE);
        let line = loop {
            let line = written(&rest[..count]);
            if line.len() <= LINE || count == 1 {
                break line;
            }
            count /= 2;
        };
        lines.extend_from_slice(&line);
        lines.push(b'\n');
        rest = &rest[count..];
    }
    lines
}

fn written(grants: &[PortableGrant]) -> Zeroizing<Vec<u8>> {
    let grants: Vec<_> = grants.iter().map(PortableGrant::written).collect();
    // Texts, numbers and maps of texts: nothing in it can't be written.
    Zeroizing::new(serde_json::to_vec(&Line { connections: &grants }).unwrap_or_default())
}
