//! Sealing anew what older keys of a workspace sealed, in the background and beside all traffic. A message is one step of a
//! walk through the workspace's connectors and, connector by connector, everything in their index; it leaves the next
//! one. Passes follow each other until one finds nothing older than the newest key.

mod walk;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};

use super::audit::Audit;
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        ids::WorkspaceId,
        secret::{Kind, Sealed},
        webhook::Webhook,
    },
    queue::{Queue, QueueError},
    store::{
        AuditKeys, ResealedTokens, SealedRows, SealedSecretRow, SealedTokensRow, StoreError, Webhooks, WorkspaceKeys,
        Write,
    },
    vault::{NOTICED_AFTER, Place, Vault, VaultError},
};

use walk::Position;
pub(crate) use walk::{KeyMessage, Walk};

/// How many rows one step looks at.
const PER_STEP: usize = 100;

/// How many rows a connector counts for by itself: it takes a request for each shard of its index to see that it has none.
const PER_CONNECTOR: usize = 10;

/// How many rows are worked on at a time.
const AT_A_TIME: usize = 8;

/// How long a step rests before the next: with [`PER_STEP`], a workspace writes at most fifty rows a second besides its
/// usual traffic, a million in six hours.
const PACE: Duration = Duration::from_secs(2);

/// How long a pass rests before the next one: whoever read a row before it was sealed anew, and writes the whole of it back,
/// has done so by then.
const BETWEEN_PASSES: Duration = Duration::from_mins(1);

/// Seals anew.
#[derive(Debug, Clone)]
pub struct Reseal {
    pub(crate) keys: WorkspaceKeys,
    pub(crate) rows: SealedRows,
    pub(crate) webhooks: Webhooks,
    pub(crate) audit_keys: AuditKeys,
    pub(crate) vault: Arc<Vault>,
    pub(crate) queue: Queue,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
}

/// What a step came upon, in values.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    /// Older than the newest key; replaced, or changed or moved by somebody else in that moment.
    older: u64,
    /// Replaced.
    resealed: u64,
    /// Left as they are, because they do not open.
    unopened: u64,
}

/// A message that must come again.
#[derive(Debug, thiserror::Error)]
pub enum NotResealed {
    /// It cannot be read; in the end it lands where somebody looks at it.
    #[error("the message can't be read")]
    Unreadable,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key can't be fetched.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The next step could not be left in the queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Reseal {
    /// Takes one step, and leaves the next in the queue. Taking it twice is harmless: what is sealed anew is not sealed
    /// again.
    ///
    /// # Errors
    /// [`NotResealed`] if it must be taken again.
    #[tracing::instrument(skip_all, fields(workspace.id = walk.workspace, generation = walk.generation))]
    pub(crate) async fn step(&self, walk: Walk) -> Result<(), NotResealed> {
        let workspace = WorkspaceId::parse(&walk.workspace).map_err(|_| NotResealed::Unreadable)?;
        let position = walk.position().ok_or(NotResealed::Unreadable)?;
        let Some(newest) = self.keys.newest(&workspace).await?.map(|wrapped| wrapped.generation) else { return Ok(()) };
        if newest.number != walk.generation || newest.progress.done_at.is_some() {
            return Ok(());
        }
        let too_early = newest.wait_until_aged(self.clock.now(), NOTICED_AFTER);
        if !too_early.is_zero() {
            return Ok(self.queue.send(&KeyMessage::Reseal(walk), too_early).await?);
        }
        let (tally, next) = self.walk_on(&workspace, walk.generation, position).await?;
        self.keys.note_progress(&workspace, walk.generation, tally.resealed, self.clock.now()).await?;
        match next {
            Some(position) => {
                self.queue.send(&KeyMessage::Reseal(walk.at(&position, tally.older, tally.unopened)), PACE).await?;
            }
            None => self.end_pass(&workspace, &walk, tally).await?,
        }
        Ok(())
    }

    /// A pass that found something is followed by another one; one that found nothing is the last.
    async fn end_pass(&self, workspace: &WorkspaceId, walk: &Walk, last: Tally) -> Result<(), NotResealed> {
        let (older, unopened) = walk.counted(last.older, last.unopened);
        tracing::info!(older, unopened, "a pass of sealing anew came to its end");
        if older > 0 {
            let next = KeyMessage::Reseal(Walk::new(workspace, walk.generation));
            return Ok(self.queue.send(&next, BETWEEN_PASSES).await?);
        }
        let (count, generation) = (unopened.to_string(), walk.generation.to_string());
        let details = [("unopened", count.as_str())];
        let told = self.audit.to_note(workspace, &Actor::System, "encryption_key.resealed", &generation, &details);
        if self.keys.note_done(workspace, walk.generation, unopened, &told).await? == Write::Done {
            self.audit.note_left(&told).await;
        }
        Ok(())
    }

    /// Seals anew what comes next, and answers where it stopped; nothing if that is the end of the pass.
    async fn walk_on(
        &self,
        workspace: &WorkspaceId,
        generation: u32,
        from: Position,
    ) -> Result<(Tally, Option<Position>), NotResealed> {
        let (mut tally, mut position, mut room) = (Tally::default(), from, PER_STEP);
        if position.is_beginning() {
            tally.add(self.renew_webhooks(workspace, generation).await?);
        }
        while room > 0 {
            let Position { connector, rest } = position;
            let (connector, rest) = match (connector, rest) {
                (Some(connector), Some(rest)) => (connector, Some(rest)),
                (behind, _) => {
                    if behind.is_none() {
                        tally.add(self.renew_identity(workspace, generation).await?);
                        tally.add(self.renew_audit_key(workspace, generation).await?);
                    }
                    let Some(row) = self.rows.next_secret(workspace, behind.as_ref()).await? else {
                        return Ok((tally, None));
                    };
                    tally.add(self.renew_secret(&row, generation).await?);
                    room = room.saturating_sub(PER_CONNECTOR);
                    (row.connector, None)
                }
            };
            let page = self.rows.page(&connector, rest.as_ref(), room.max(1)).await?;
            room = room.saturating_sub(page.rows.len() + page.gone);
            // A row that was moved while it was looked for is looked for again by another pass.
            tally.older += u64::try_from(page.gone).unwrap_or(u64::MAX);
            tally.add(self.renew_all(page.rows, generation).await?);
            position = Position { connector: Some(connector), rest: page.next };
        }
        Ok((tally, Some(position)))
    }

    /// One row that fails does not keep the others from being sealed anew.
    async fn renew_all(
        &self,
        rows: Vec<Result<SealedTokensRow, StoreError>>,
        generation: u32,
    ) -> Result<Tally, NotResealed> {
        let renewals = rows.into_iter().map(|row| async move {
            match row {
                Ok(row) => self.renew_tokens(&row, generation).await,
                Err(error) => {
                    tracing::error!(%error, "a row with sealed tokens can't be read and is left as it is");
                    Ok(Tally { unopened: 1, ..Tally::default() })
                }
            }
        });
        let outcomes: Vec<_> = stream::iter(renewals).buffer_unordered(AT_A_TIME).collect().await;
        let mut tally = Tally::default();
        for outcome in outcomes {
            tally.add(outcome?);
        }
        Ok(tally)
    }

    async fn renew_tokens(&self, row: &SealedTokensRow, generation: u32) -> Result<Tally, NotResealed> {
        let (place, mut tally) = (Place::connection(&row.place), Tally::default());
        let id = row.place.id();
        let resealed = ResealedTokens {
            access: self.renewed(row.access.as_ref(), &place, generation, (id.as_str(), &mut tally)).await?,
            refresh: self.renewed(row.refresh.as_ref(), &place, generation, (id.as_str(), &mut tally)).await?,
        };
        if tally.older > 0 && self.rows.replace_tokens(row, &resealed).await? == Write::Done {
            tally.resealed = tally.older;
        }
        Ok(tally)
    }

    /// The secrets of all webhooks: there are few of them.
    async fn renew_webhooks(&self, workspace: &WorkspaceId, generation: u32) -> Result<Tally, NotResealed> {
        let mut tally = Tally::default();
        for webhook in self.webhooks.of_workspace(workspace).await? {
            tally.add(self.renew_webhook(&webhook, Some(&webhook.secret), generation).await?);
            let earlier = webhook.earlier_secret.as_ref().map(|(secret, _)| secret);
            tally.add(self.renew_webhook(&webhook, earlier, generation).await?);
        }
        Ok(tally)
    }

    async fn renew_webhook<K: Kind>(
        &self,
        webhook: &Webhook,
        value: Option<&Sealed<K>>,
        generation: u32,
    ) -> Result<Tally, NotResealed> {
        let (mut tally, place) = (Tally::default(), Place::webhook(&webhook.workspace, &webhook.id));
        let resealed = self.renewed(value, &place, generation, (webhook.id.as_str(), &mut tally)).await?;
        if let (Some(earlier), Some(resealed)) = (value, resealed)
            && self.webhooks.replace_secret(webhook, earlier, &resealed).await? == Write::Done
        {
            tally.resealed = tally.older;
        }
        Ok(tally)
    }

    async fn renew_secret(&self, row: &SealedSecretRow, generation: u32) -> Result<Tally, NotResealed> {
        let mut tally = self.renew_value(row, &row.secret, generation).await?;
        tally.add(self.renew_value(row, &row.signing_key, generation).await?);
        tally.add(self.renew_value(row, &row.earlier_signing_key, generation).await?);
        Ok(tally)
    }

    /// The secret of the client by which the workspace's people sign in.
    async fn renew_identity(&self, workspace: &WorkspaceId, generation: u32) -> Result<Tally, NotResealed> {
        let mut tally = Tally::default();
        let secret = match self.rows.identity_secret(workspace).await {
            Err(StoreError::Unreadable(_)) => {
                tracing::error!(workspace.id = %workspace, "an identity can't be read and is left as it is");
                return Ok(Tally { unopened: 1, ..tally });
            }
            secret => secret?,
        };
        let place = Place::workspace_identity(workspace);
        let resealed = self.renewed(secret.as_ref(), &place, generation, (workspace.as_str(), &mut tally)).await?;
        if let (Some(earlier), Some(resealed)) = (secret, resealed)
            && self.rows.replace_identity_secret(workspace, &earlier, &resealed).await? == Write::Done
        {
            tally.resealed = tally.older;
        }
        Ok(tally)
    }

    /// What the workspace's audit trail is made with.
    async fn renew_audit_key(&self, workspace: &WorkspaceId, generation: u32) -> Result<Tally, NotResealed> {
        let (mut tally, place) = (Tally::default(), Place::audit_key(workspace));
        let sealed = self.audit_keys.find(workspace).await?;
        let resealed = self.renewed(sealed.as_ref(), &place, generation, (workspace.as_str(), &mut tally)).await?;
        if let (Some(earlier), Some(resealed)) = (sealed, resealed)
            && self.audit_keys.replace(workspace, &earlier, &resealed).await? == Write::Done
        {
            tally.resealed = tally.older;
        }
        Ok(tally)
    }

    async fn renew_value<K: Kind>(
        &self,
        row: &SealedSecretRow,
        value: &Result<Option<Sealed<K>>, StoreError>,
        generation: u32,
    ) -> Result<Tally, NotResealed> {
        let mut tally = Tally::default();
        let value = match value {
            Ok(value) => value.as_ref(),
            Err(error) => {
                tracing::error!(%error, connector.id = %row.connector, "a connector can't be read and is left as it is");
                return Ok(Tally { unopened: 1, ..tally });
            }
        };
        let place = Place::connector(&row.workspace, &row.connector);
        let resealed = self.renewed(value, &place, generation, (row.connector.as_str(), &mut tally)).await?;
        if let (Some(earlier), Some(resealed)) = (value, resealed)
            && self.rows.replace_secret(row, earlier, &resealed).await? == Write::Done
        {
            tally.resealed = tally.older;
        }
        Ok(tally)
    }

    /// A value sealed anew, if an older key sealed it. One that does not open is counted, said by the id of what it belongs
    /// to, and left as it is.
    async fn renewed<K: Kind>(
        &self,
        sealed: Option<&Sealed<K>>,
        place: &Place,
        generation: u32,
        (id, tally): (&str, &mut Tally),
    ) -> Result<Option<Sealed<K>>, NotResealed> {
        let Some(sealed) = sealed else { return Ok(None) };
        match self.vault.reseal(sealed, place, generation).await {
            Ok(resealed) => {
                tally.older += u64::from(resealed.is_some());
                Ok(resealed)
            }
            Err(error @ (VaultError::DoesNotOpen | VaultError::NoKey)) => {
                tracing::error!(%error, id, field = K::FIELD, "a sealed value does not open and is left as it is");
                tally.unopened += 1;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Tally {
    fn add(&mut self, more: Self) {
        self.older += more.older;
        self.resealed += more.resealed;
        self.unopened += more.unopened;
    }
}
