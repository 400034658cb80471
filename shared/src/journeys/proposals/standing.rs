//! How proposals stand: by what they say themselves, and by whether who made them is still trusted.

use std::collections::HashMap;

use super::ProposeChanges;
use crate::{
    domain::{
        ids::KeyId,
        proposal::{Proposal, ProposalStatus},
    },
    store::StoreError,
};

impl ProposeChanges {
    /// How a proposal stands now.
    pub(super) async fn stands(&self, proposal: &Proposal) -> Result<ProposalStatus, StoreError> {
        let status = proposal.status(self.clock.now());
        match (status, proposal.key()) {
            (ProposalStatus::Proposed, Some(key)) if self.is_revoked(&key).await? => Ok(ProposalStatus::Withdrawn),
            _ => Ok(status),
        }
    }

    /// The same for several, in their order. Each key is looked up once.
    pub(super) async fn all_stand(&self, proposals: &[Proposal]) -> Result<Vec<ProposalStatus>, StoreError> {
        let now = self.clock.now();
        let mut revoked: HashMap<KeyId, bool> = HashMap::new();
        let mut all = Vec::with_capacity(proposals.len());
        for proposal in proposals {
            let mut status = proposal.status(now);
            if let (ProposalStatus::Proposed, Some(key)) = (status, proposal.key()) {
                let is_revoked = match revoked.get(&key) {
                    Some(known) => *known,
                    None => self.is_revoked(&key).await?,
                };
                revoked.insert(key, is_revoked);
                if is_revoked {
                    status = ProposalStatus::Withdrawn;
                }
            }
            all.push(status);
        }
        Ok(all)
    }

    /// Whether a key was revoked, or is gone altogether. It is read where it stands: what a warm function remembers of keys may
    /// be a minute old, and a person has just said that they do not trust it any more.
    async fn is_revoked(&self, key: &KeyId) -> Result<bool, StoreError> {
        Ok(self.keys.find(key).await?.is_none_or(|record| record.revoked_at.is_some()))
    }
}
