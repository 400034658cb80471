//! What to do about what was found, and what the workspace leaves to be added.

use connectors::{
    domain::{connector::ConnectorKind, ids::WorkspaceId, policy::Switches, provider::Provider},
    web::Problem,
};
use serde_json::Value;

use super::super::Builder;
use crate::answer::capped;

/// Which kinds could be added, as plan, policy and provider are now.
pub(super) struct Room {
    pub(super) per_user: bool,
    pub(super) shared: bool,
    /// What stands in the way of those that could not.
    pub(super) why_not: Option<String>,
}

const BY_POLICY: &str =
    "The workspace's policy has switched this provider off. An admin can change that in the console.";

const BY_POLICY_OF_ONE: &str = "The workspace's policy has switched one kind of this provider off. An admin can change \
    that in the console.";

impl Room {
    /// What could be added for this provider, or for any if none is named.
    pub(super) async fn of(
        tools: &Builder,
        workspace: &WorkspaceId,
        provider: Option<&Provider>,
        switches: Option<Switches>,
    ) -> Result<Self, Problem> {
        if let Some(reason) = provider.and_then(|provider| provider.unavailable.as_deref()) {
            return Ok(Self { per_user: false, shared: false, why_not: Some(capped(reason)) });
        }
        let planned = tools.plan.of(workspace).await?;
        let has_room = |kind| planned.as_ref().map_or(Ok(()), |planned| planned.has_room_for(kind));
        let (per_user, shared) = (has_room(ConnectorKind::PerUser), has_room(ConnectorKind::Shared));
        let switches = switches.unwrap_or_default();
        let by_plan = per_user.as_ref().err().or(shared.as_ref().err()).map(|required| capped(&required.to_string()));
        let by_policy = match (switches.per_user, switches.builder) {
            (true, true) => None,
            (false, false) => Some(BY_POLICY.to_owned()),
            (true, false) | (false, true) => Some(BY_POLICY_OF_ONE.to_owned()),
        };
        Ok(Self {
            per_user: per_user.is_ok() && switches.per_user,
            shared: shared.is_ok() && switches.builder,
            why_not: by_policy.or(by_plan),
        })
    }
}

/// What to do now.
pub(super) fn next_step(
    is_asked: bool,
    is_unclear: bool,
    fits: bool,
    connectors: &[Value],
    room: &Room,
) -> &'static str {
    let lacks = |what: fn(&Value) -> bool| connectors.iter().any(what);
    if !is_asked {
        "Ask again with what it is for, or with an integration_type."
    } else if is_unclear {
        "Several providers may be meant: ask the person which of `providers`, and ask again with its integration_type."
    } else if fits {
        "Use the connector that fits: code_for writes the code. Ask the person first whether the account is everybody's own \
         or one for all, if that is not clear."
    } else if lacks(|connector| connector["allowed"] == false) {
        "The workspace's policy does not allow it: an admin can change that in the console, under Policies."
    } else if lacks(|connector| connector["connected"] == false) {
        "A shared connector is there, and no admin has connected its account, or has to connect it again: ask one to do it in \
         the console."
    } else if lacks(|connector| connector["missing_scopes"].as_array().is_some_and(|missing| !missing.is_empty())) {
        "A connector is there and asks for too little: propose more scopes with update_connector. Its users will have to \
         connect again."
    } else if !room.per_user && !room.shared {
        "Nothing fits, and nothing can be added: `why_not` says why. Tell the person; an admin of the workspace can change \
         it."
    } else {
        "Nothing fits. Ask the person whether the account is everybody's own or one for all, read connector_setup_guide to \
         them, and propose with add_connector."
    }
}
