//! A proposal is made, if it could be confirmed as things are.

use serde_json::{Value, json};

use super::{
    ProposalDraft, ProposalError, ProposeChanges, Prospect, invalid, is_past,
    request::{Wanted, read, refuse_turned},
};
use crate::{
    domain::{
        audit::Actor,
        ids::{ConnectorId, ProposalId, WorkspaceId},
        notice::Notice,
        proposal::{PROPOSAL_LIFE, Proposal, ProposalKind, ProposalStatus},
    },
    store::{StoreError, Write},
};

/// How many proposals of a workspace wait at once at most: as many as a person looks through.
const MOST_OPEN: usize = 50;

/// How often a proposal is tried to be stored while others make theirs.
const TRIES: usize = 24;

impl ProposeChanges {
    /// Makes a proposal, if it could be confirmed as things are.
    ///
    /// # Errors
    /// [`ProposalError`]; nothing is stored then.
    #[tracing::instrument(skip_all)]
    pub async fn propose(
        &self,
        workspace: &WorkspaceId,
        draft: ProposalDraft,
        actor: Actor,
    ) -> Result<Prospect, ProposalError> {
        let now = self.clock.now();
        let mut request = draft.request;
        let connector = match (draft.kind, draft.connector) {
            (ProposalKind::Add, None) => self.id_of_new(&mut request),
            (ProposalKind::Add, Some(_)) => return Err(invalid("/connector_id", "does not exist before it is added")),
            (_, Some(connector)) => connector,
            (_, None) => return Err(invalid("/connector_id", "is required")),
        };
        // Read before anything is looked up: whoever proposes learns of all mistakes at once.
        let wanted = read(draft.kind, &request)?;
        refuse_turned(&request)?;
        let revision = match wanted {
            Wanted::Add(_) => None,
            Wanted::Update(_) | Wanted::Delete => Some(self.connectors.find(workspace, &connector).await?.revision),
        };
        let proposal = Proposal {
            id: ProposalId::of_ulid(&self.random.ulid(now)),
            workspace: workspace.clone(),
            kind: draft.kind,
            // The request may have named another; reading it has said that it is an id.
            connector,
            revision,
            request,
            by: actor.describe(),
            made_at: now,
            expires_at: now.checked_add(PROPOSAL_LIFE).unwrap_or(now),
            decision: None,
        };
        let prospect = self.look_ahead(proposal, ProposalStatus::Proposed).await?;
        if prospect.proposal.kind == ProposalKind::Update && prospect.changes.is_empty() {
            return Err(invalid("/connector", "changes nothing"));
        }
        let proposal = &prospect.proposal;
        let details = [
            ("kind", proposal.kind.as_str()),
            ("connector", proposal.connector.as_str()),
            ("through", draft.through.as_str()),
        ];
        let told = self.audit.to_note(workspace, &actor, "proposal.created", proposal.id.as_str(), &details);
        Box::pin(self.put_new(proposal, &told)).await?;
        self.audit.note_left(&told).await;
        Ok(prospect)
    }

    /// Stores a proposal, if there is room for it: whoever is overtaken by another one counts again.
    async fn put_new(&self, proposal: &Proposal, told: &Notice) -> Result<(), ProposalError> {
        for _ in 0..TRIES {
            let made = self.proposals.made(&proposal.workspace).await?;
            if self.waiting(&proposal.workspace).await? >= MOST_OPEN {
                return Err(ProposalError::TooMany);
            }
            if self.proposals.put_new(proposal, made, told).await? == Write::Done {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("others keep proposing".to_owned()).into())
    }

    /// The id in a request to add a connector: the one that it names, or a fresh one, which it names from then on.
    fn id_of_new(&self, request: &mut Value) -> ConnectorId {
        let named = request.get("id").and_then(Value::as_str).and_then(|raw| ConnectorId::parse(raw).ok());
        let id = named.unwrap_or_else(|| ConnectorId::of_ulid(&self.random.ulid(self.clock.now())));
        if let Some(fields) = request.as_object_mut() {
            fields.entry("id").or_insert_with(|| json!(id.as_str()));
        }
        id
    }

    /// How many proposals wait. Those that nothing comes of any more are removed on the way.
    async fn waiting(&self, workspace: &WorkspaceId) -> Result<usize, ProposalError> {
        let now = self.clock.now();
        let mut recent = Vec::new();
        for proposal in self.proposals.of_workspace(workspace).await? {
            if is_past(&proposal, now) {
                self.proposals.delete(&proposal).await?;
            } else {
                recent.push(proposal);
            }
        }
        let stand = self.all_stand(&recent).await?;
        Ok(stand.into_iter().filter(|status| *status == ProposalStatus::Proposed).count())
    }
}
