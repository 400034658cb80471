//! What would come of a proposal: which fields change, and whom it concerns.

use serde_json::Value;

use super::{
    ProposalError, ProposeChanges,
    request::{Wanted, added, changes, read},
};
use crate::{
    domain::{
        connector::Connector,
        proposal::{Proposal, ProposalStatus},
        standing::Standing,
    },
    journeys::{manage::needs_new_secret, profile},
    store::StoreError,
};

/// How many pages of connections are looked through to say whom a change concerns.
const MOST_PAGES: usize = 10;

/// How many connections a page has.
const PAGE: usize = 100;

/// A proposal, and what would come of it now.
#[derive(Debug)]
pub struct Prospect {
    /// The proposal.
    pub proposal: Proposal,
    /// How it stands.
    pub status: ProposalStatus,
    /// The connector as it is, if there is one.
    pub connector: Option<Connector>,
    /// The fields that would change, as they are and as they would be.
    pub changes: Vec<Change>,
    /// Whom it would concern: who has to connect again, or loses the connection.
    pub people: People,
    /// Whether who confirms has to enter a client secret.
    pub needs_secret: bool,
    /// Whether the connector was changed since: then it cannot be confirmed any more.
    pub is_outdated: bool,
    /// Why it could not be confirmed as things are, if it waits. It may be possible again later.
    pub obstacle: Option<Box<ProposalError>>,
}

/// A field that would change.
#[derive(Debug)]
pub struct Change {
    /// Its name.
    pub field: String,
    /// What it is; `null` if it is nothing yet.
    pub from: Value,
    /// What it would be; `null` if nothing is left of it.
    pub to: Value,
}

/// How many people a change concerns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct People {
    /// How many, as far as was counted.
    pub number: usize,
    /// Whether there may be more.
    pub is_more: bool,
}

impl ProposeChanges {
    /// What would come of a proposal that stands so, as things are.
    pub(super) async fn look_ahead(
        &self,
        proposal: Proposal,
        status: ProposalStatus,
    ) -> Result<Prospect, ProposalError> {
        match read(proposal.kind, &proposal.request)? {
            Wanted::Add(draft) => {
                let needs_secret = match status {
                    ProposalStatus::Proposed => self.connectors.try_out(&proposal.workspace, &draft).await?,
                    _ => false,
                };
                let changes = added(&proposal.request);
                Ok(Prospect { status, changes, needs_secret, ..bare(proposal) })
            }
            Wanted::Update(change) => {
                let connector = self.connectors.find(&proposal.workspace, &proposal.connector).await?;
                let proposed = self.connectors.try_change(&connector, &change).await?;
                let people = self.concerned(&connector, Some(&proposed)).await?;
                let is_outdated = is_outdated(&proposal, status, &connector);
                let changes = changes(&connector, &proposal.request);
                let needs_secret = status == ProposalStatus::Proposed && needs_new_secret(&connector, &change);
                let (connector, obstacle) = (Some(connector), outdated(is_outdated));
                let bare = bare(proposal);
                Ok(Prospect { status, connector, changes, people, needs_secret, is_outdated, obstacle, ..bare })
            }
            Wanted::Delete => {
                let connector = self.connectors.find(&proposal.workspace, &proposal.connector).await?;
                let people = self.concerned(&connector, None).await?;
                let is_outdated = is_outdated(&proposal, status, &connector);
                let (connector, obstacle) = (Some(connector), outdated(is_outdated));
                Ok(Prospect { status, connector, people, is_outdated, obstacle, ..bare(proposal) })
            }
        }
    }

    /// Who would have to connect again to the connector as it would be; or loses the connection, if nothing would be left.
    async fn concerned(&self, connector: &Connector, changed: Option<&Connector>) -> Result<People, StoreError> {
        let now = self.clock.now();
        let mut people = People::default();
        let mut from = None;
        for _ in 0..MOST_PAGES {
            let page = self.connections.of_connector(&connector.id, None, from.as_ref(), PAGE).await?;
            people.number += page
                .connections
                .iter()
                .filter(|connection| {
                    let (Some(changed), Some(provider)) = (changed, profile(connector)) else { return true };
                    let must = |connector| Standing::of(connection, connector, provider, now).reconnect_required();
                    must(changed) && !must(connector)
                })
                .count();
            from = page.next;
            if from.is_none() {
                return Ok(people);
            }
        }
        Ok(People { is_more: true, ..people })
    }
}

/// Whether a proposal that still waits was made about an earlier revision.
fn is_outdated(proposal: &Proposal, status: ProposalStatus, connector: &Connector) -> bool {
    status == ProposalStatus::Proposed && Some(connector.revision) != proposal.revision
}

fn outdated(is_outdated: bool) -> Option<Box<ProposalError>> {
    is_outdated.then(|| Box::new(ProposalError::Outdated))
}

pub(super) fn bare(proposal: Proposal) -> Prospect {
    Prospect {
        status: ProposalStatus::Proposed,
        connector: None,
        changes: Vec::new(),
        people: People::default(),
        needs_secret: false,
        is_outdated: false,
        obstacle: None,
        proposal,
    }
}
