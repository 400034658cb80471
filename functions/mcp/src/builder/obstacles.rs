//! What stands in the way of a connector before anybody proposes one: the provider itself, the workspace's policy, its plan.
//! It is told with what can be done about it and by whom, so that nobody registers a client at a provider in vain.

use connectors::{
    domain::{connector::ConnectorKind, ids::WorkspaceId, policy::Switches, provider::Provider},
    journeys::{manage::Governed, plan::Planned},
    web::Problem,
};
use serde_json::{Value, json};

use super::Builder;
use crate::{
    answer::{WHO, capped, refusal},
    tool::{nested, text},
};

/// What a workspace leaves to be added, of any provider.
pub(super) struct Limits {
    planned: Option<Planned>,
    governed: Vec<Governed>,
}

/// What could be added of one provider, as provider, policy and plan are now.
pub(super) struct Room {
    pub(super) per_user: bool,
    pub(super) shared: bool,
    /// What stands in the way of those that could not.
    pub(super) obstacles: Vec<Value>,
}

const BY_POLICY: &str =
    "The workspace's policy has switched this provider off. An admin can change that in the console, under Policies.";

const BY_POLICY_OF_ONE: &str = "The workspace's policy has switched one kind of this provider off. An admin can change \
    that in the console, under Policies.";

/// The form of [`Room::obstacles`].
pub(super) fn schema() -> Value {
    json!({
        "type": "array",
        "description": "What stands in the way of adding one, and who can change it.",
        "items": nested(json!({
            "what!": {"type": "string", "enum": ["provider", "policy", "plan"]},
            "integration_type!": {"type": ["string", "null"], "description": "Of which provider; of any, if none is named."},
            "kinds!": {"type": "array", "items": {"type": "string", "enum": ConnectorKind::WORDS}, "description": "Which kinds can't be added."},
            "code": text("What add_connector would be refused with."),
            "detail!": text("Why."),
            "who_can_change": {"type": "string", "enum": WHO},
            "plan": nested(json!({
                "name!": text("The workspace's plan."),
                "limit!": text("Which of its limits."),
                "most!": {"type": "integer"},
                "used!": {"type": ["integer", "null"]},
            })),
        })),
    })
}

impl Limits {
    pub(super) async fn of(tools: &Builder, workspace: &WorkspaceId) -> Result<Self, Problem> {
        let (planned, governed) = (tools.plan.of(workspace).await?, tools.policies.list(workspace).await?);
        Ok(Self { planned, governed })
    }

    /// What the policy says of a provider.
    pub(super) fn switches(&self, provider: &str) -> Switches {
        let found = self.governed.iter().find(|governed| governed.provider.as_str() == provider);
        found.map(|governed| governed.switches).unwrap_or_default()
    }

    /// What could be added of this provider, or of any if none is named.
    pub(super) fn room(&self, provider: Option<&Provider>) -> Room {
        let mut room = Room { per_user: true, shared: true, obstacles: Vec::new() };
        let id = provider.map(|provider| provider.id.as_str());
        if let Some(reason) = provider.and_then(|provider| provider.unavailable.as_deref()) {
            let both = [ConnectorKind::PerUser, ConnectorKind::Shared];
            room.close("provider", id, &both, json!({"detail": capped(reason)}));
            return room;
        }
        let switches = id.map(|id| self.switches(id)).unwrap_or_default();
        let off = [(ConnectorKind::PerUser, switches.per_user), (ConnectorKind::Shared, switches.builder)];
        let off: Vec<ConnectorKind> = off.into_iter().filter(|(_, is_on)| !is_on).map(|(kind, _)| kind).collect();
        if !off.is_empty() {
            let mut told = refusal(&Problem::switched_off());
            told["detail"] = json!(if off.len() > 1 { BY_POLICY } else { BY_POLICY_OF_ONE });
            room.close("policy", id, &off, told);
        }
        let Some(planned) = &self.planned else { return room };
        let refused = |kind| planned.has_room_for(kind).err();
        match (refused(ConnectorKind::PerUser), refused(ConnectorKind::Shared)) {
            (Some(one), Some(other)) if one == other => {
                let both = [ConnectorKind::PerUser, ConnectorKind::Shared];
                room.close("plan", None, &both, refusal(&Problem::plan_required(&one)));
            }
            (per_user, shared) => {
                for (kind, required) in [(ConnectorKind::PerUser, per_user), (ConnectorKind::Shared, shared)] {
                    if let Some(required) = required {
                        room.close("plan", None, &[kind], refusal(&Problem::plan_required(&required)));
                    }
                }
            }
        }
        room
    }
}

impl Room {
    fn close(&mut self, what: &str, provider: Option<&str>, kinds: &[ConnectorKind], mut told: Value) {
        told["what"] = json!(what);
        told["integration_type"] = json!(provider);
        told["kinds"] = json!(kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>());
        self.obstacles.push(told);
        self.per_user &= !kinds.contains(&ConnectorKind::PerUser);
        self.shared &= !kinds.contains(&ConnectorKind::Shared);
    }

    pub(super) fn allows(&self, kind: ConnectorKind) -> bool {
        match kind {
            ConnectorKind::PerUser => self.per_user,
            ConnectorKind::Shared => self.shared,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        !self.per_user && !self.shared
    }

    /// Which kinds could be added.
    pub(super) fn may_add(&self) -> Value {
        json!({"per_user": self.per_user, "shared": self.shared})
    }
}

/// The form of [`Room::may_add`].
pub(super) fn may_add_schema() -> Value {
    nested(json!({"per_user!": {"type": "boolean"}, "shared!": {"type": "boolean"}}))
}
