//! Writing the audit trail.

use std::{future::Future, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::Clock,
    domain::{
        audit::{Actor, AuditEvent, Deed, Origin},
        chain::{ChainKey, Head, LANES, SIGNING_BEGUN, Tip},
        digest::hex,
        ids::{EventId, WorkspaceId},
        notice::Notice,
    },
    random::Random,
    store::{Appended, AuditKeys, AuditLog, IsSigned, Outbox, StoreError, Write},
    vault::{Place, Vault, VaultError},
};

/// How often an event is tried to be written while others write to the same lanes: with eight lanes fifty that come in the
/// same moment need seven rounds.
const TRIES: usize = 24;

/// How long whoever was overtaken waits at most before the next try, in milliseconds.
const LONGEST_PAUSE: u64 = 30;

/// The least time between two events of a lane, so that their order is that of their times.
const STEP: SignedDuration = SignedDuration::from_millis(1);

/// What was written longer after it was done says when that was.
const LATE: SignedDuration = SignedDuration::from_secs(10);

tokio::task_local! {
    /// Where the request came from that everything in this task is done for.
    static ORIGIN: Option<Origin>;
}

/// Writes the audit trail.
#[derive(Debug, Clone)]
pub struct Audit {
    pub(crate) log: AuditLog,
    pub(crate) keys: AuditKeys,
    pub(crate) vault: Arc<Vault>,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    /// Whether a trail that was never signed is signed from what is noted here next. Where the role does not allow it,
    /// somebody else is asked to.
    pub(crate) begins_signing: bool,
}

/// Why a deed is not in the trail.
#[derive(Debug, thiserror::Error)]
pub enum NotNoted {
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the chains are made with can't be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Does something for a request that came from there: what is noted of it says so.
pub async fn caused_from<T>(origin: Option<Origin>, work: impl Future<Output = T>) -> T {
    ORIGIN.scope(origin, work).await
}

/// Where the request came from that is being answered, if it is one.
pub(super) fn origin() -> Option<Origin> {
    ORIGIN.try_with(Clone::clone).ok().flatten()
}

/// A deed of whoever is being answered.
pub(super) fn deed(actor: &Actor, action: &str, target: &str, details: &[(&str, &str)]) -> Deed {
    Deed::new(actor, action, target, details, origin().as_ref())
}

impl Audit {
    /// What is about to be done, to be left in the transaction that does it; noted when that is done, see [`Self::note_left`].
    pub(super) fn to_note(
        &self,
        workspace: &WorkspaceId,
        actor: &Actor,
        action: &str,
        target: &str,
        details: &[(&str, &str)],
    ) -> Notice {
        let now = self.clock.now();
        let id = EventId::of_ulid(&self.random.ulid(now));
        Notice::silent(id, now, workspace.clone(), deed(actor, action, target, details))
    }

    /// Notes what is done next, and changes nothing here: before it is done, so that it is not done unnoted.
    ///
    /// # Errors
    /// [`StoreError`] if it can't even be left to be noted later: then it is not to be done.
    pub(super) async fn note_first(&self, notice: &Notice) -> Result<(), StoreError> {
        self.leave(notice).await?;
        self.note_left(notice).await;
        Ok(())
    }

    /// Leaves what is done next to be noted when it is done, see [`Self::note_left`]: by somebody else if nobody comes back
    /// from it.
    ///
    /// # Errors
    /// [`StoreError`]: then it is not to be done.
    pub(super) async fn leave(&self, notice: &Notice) -> Result<(), StoreError> {
        self.outbox.put(notice).await
    }

    /// Notes what was left beside a change. What can't be written now stays there, and somebody else notes it.
    pub(super) async fn note_left(&self, notice: &Notice) {
        let Some(deed) = &notice.deed else { return };
        if let Err(error) = Box::pin(self.append(&notice.workspace, notice.at, deed, Some(&notice.id))).await {
            tracing::warn!(%error, action = deed.action, "an event is noted in the audit trail later");
        }
    }

    /// Writes an event behind the last one of a lane; another lane's, if somebody else got there first. Of what was left
    /// beside a change, `left`, nothing if it was noted before.
    ///
    /// # Errors
    /// [`NotNoted`]; it is not in the trail then, unless the storage's answer was lost.
    pub(super) async fn append(
        &self,
        workspace: &WorkspaceId,
        at: Timestamp,
        deed: &Deed,
        left: Option<&EventId>,
    ) -> Result<(), NotNoted> {
        let mut key = match self.key(workspace).await? {
            None => Box::pin(self.key_from_now_on(workspace)).await?,
            known => known,
        };
        let (deed, mut broken) = (self.dated(deed, at), 0);
        let mut has_looked_again = false;
        for _ in 0..TRIES {
            let lane = u8::try_from(self.random.below(u64::from(LANES))).unwrap_or(0);
            let (tip, is_signed) = self.log.tip(workspace, lane, key.as_ref()).await?;
            // Somebody has made a key since it was looked for, or removed it long ago.
            if key.is_none() && is_signed == IsSigned(true) && !has_looked_again {
                (key, has_looked_again) = (self.key(workspace).await?, true);
                continue;
            }
            // Somebody tampered with this lane: that shows best if it stays as it is. But something has to be written.
            if matches!(tip, Tip::Broken(_)) && broken < LANES {
                broken += 1;
                continue;
            }
            let event = self.event(workspace, &deed, &tip);
            match self.log.append(&event, (lane, &tip, is_signed), key.as_ref(), left).await? {
                Appended::Done(head) => {
                    say(workspace, lane, &head);
                    return Ok(());
                }
                Appended::NotedBefore => return Ok(()),
                Appended::Overtaken => {}
            }
            tokio::time::sleep(Duration::from_millis(self.random.below(LONGEST_PAUSE))).await;
        }
        Err(StoreError::Unavailable("others keep writing".to_owned()).into())
    }

    /// What the chains of a workspace are made with; nothing once it is gone.
    pub(super) async fn key(&self, workspace: &WorkspaceId) -> Result<Option<ChainKey>, NotNoted> {
        let Some(sealed) = self.keys.find(workspace).await? else { return Ok(None) };
        match self.vault.open(&sealed, &Place::audit_key(workspace)).await {
            Ok(secret) => Ok(ChainKey::of(&secret)),
            // Its workspace has just been deleted, its keys first; or somebody put another in its place.
            Err(VaultError::NoKey | VaultError::DoesNotOpen) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The key of a trail that had none when it was looked for.
    async fn key_from_now_on(&self, workspace: &WorkspaceId) -> Result<Option<ChainKey>, NotNoted> {
        if self.begins_signing {
            return self.sign_from_now_on(workspace).await;
        }
        self.vault.neglect(workspace);
        Ok(None)
    }

    /// Has a trail signed from now on that is older than signing. One whose key is gone has none from then on: whoever
    /// removed a key must not get another by that. Answers the key, if there is one by now.
    ///
    /// # Errors
    /// [`NotNoted`]; it is as before then, unless the storage's answer was lost.
    pub(super) async fn sign_from_now_on(&self, workspace: &WorkspaceId) -> Result<Option<ChainKey>, NotNoted> {
        // What is signed by now may have been signed since it was looked for the key.
        let Some(until) = self.log.unsigned_until(workspace).await? else { return self.key(workspace).await };
        if !self.keys.may_be_made(workspace).await? {
            return Ok(None);
        }
        let secret = ChainKey::made_of(self.random.bytes());
        let sealed = match self.vault.seal(&secret, &Place::audit_key(workspace)).await {
            Err(VaultError::NoKey) => return Ok(None),
            sealed => sealed?,
        };
        let key = ChainKey::of(&secret).ok_or(VaultError::DoesNotOpen)?;
        let details = [("earlier_events", "unsigned")];
        let deed = Deed::new(&Actor::System, SIGNING_BEGUN, workspace.as_str(), &details, None);
        let behind = Tip::Sound(Head::first(until));
        let event = self.event(workspace, &deed, &behind);
        if self.log.begin_signing(&event, &key, (&self.keys, &sealed)).await? == Write::Conflict {
            return self.key(workspace).await;
        }
        tracing::info!(workspace.id = %workspace, "the audit trail is signed from now on");
        Ok(Some(key))
    }

    /// Sees to it that a trail is signed.
    ///
    /// # Errors
    /// [`NotNoted`].
    pub(super) async fn look_after(&self, workspace: &WorkspaceId) -> Result<(), NotNoted> {
        if self.key(workspace).await?.is_none() {
            self.sign_from_now_on(workspace).await?;
        }
        Ok(())
    }

    /// Whether nothing of a trail was ever signed.
    pub(super) async fn was_never_signed(&self, workspace: &WorkspaceId) -> Result<bool, StoreError> {
        Ok(self.log.unsigned_until(workspace).await?.is_some())
    }

    /// Begins the trail of a new workspace, whose key the vault holds already.
    pub(super) async fn begin(&self, workspace: &WorkspaceId) -> Result<(), NotNoted> {
        let secret = ChainKey::made_of(self.random.bytes());
        let sealed = self.vault.seal(&secret, &Place::audit_key(workspace)).await?;
        self.keys.put_new(workspace, &sealed).await?;
        let key = ChainKey::of(&secret).ok_or(VaultError::DoesNotOpen)?;
        Ok(self.log.begin(workspace, &key, self.clock.now()).await?)
    }

    /// Lets the trail of a workspace that is gone come to its end by itself.
    pub(super) async fn let_end(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        self.log.let_end(workspace, self.clock.now()).await
    }

    /// The deed, and when it was done if that is a while ago. The trail's own times are those at which it was written: it is
    /// read in their order, and whoever reads it has not yet come to what is written now.
    fn dated(&self, deed: &Deed, at: Timestamp) -> Deed {
        let is_late = self.clock.now().duration_since(at) > LATE;
        if is_late { deed.clone().with("happened_at", &at.to_string()) } else { deed.clone() }
    }

    /// The event, later than the last of its lane whatever the clocks of two machines say.
    fn event(&self, workspace: &WorkspaceId, deed: &Deed, tip: &Tip) -> AuditEvent {
        let now = self.clock.now();
        let after = tip.head().and_then(|head| head.at.checked_add(STEP).ok());
        let at = after.map_or(now, |after| after.max(now));
        AuditEvent { id: self.random.ulid(at), at, workspace: workspace.clone(), deed: deed.clone() }
    }
}

/// Says in the log how far a lane has come: a witness that whoever writes the tables can't change.
fn say(workspace: &WorkspaceId, lane: u8, head: &Head) {
    let hash = hex(&head.hash);
    tracing::info!(workspace.id = %workspace, audit.lane = lane, audit.seq = head.seq, audit.hash = hash, "noted in the audit trail");
}
