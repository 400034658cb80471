//! What to do about what was found.

use connectors::domain::connector::ConnectorKind;
use serde_json::Value;

use super::super::obstacles::Room;

/// How clear it is what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing was said.
    Nothing,
    /// Several providers may be meant by one name.
    Unclearly,
    /// It can be looked for.
    Clearly,
}

/// What was found, as far as it decides what to do.
pub(super) struct Found<'a> {
    pub(super) asked: Asked,
    pub(super) fits: bool,
    pub(super) connectors: &'a [Value],
    pub(super) room: &'a Room,
    /// The kind that suits.
    pub(super) kind: ConnectorKind,
    /// Whether another provider for the purpose could be added.
    pub(super) has_others: bool,
}

impl Found<'_> {
    /// What to do now.
    pub(super) fn next_step(&self) -> &'static str {
        match self.asked {
            Asked::Nothing => "Ask again with what it is for, or with an integration_type.",
            Asked::Unclearly => {
                "Several providers may be meant: ask the person which of `providers`, and ask again with its \
                 integration_type."
            }
            Asked::Clearly if self.fits => {
                "Use the connector that fits: code_for writes the code. Ask the person first whether the account is \
                 everybody's own or one for all, if that is not clear."
            }
            Asked::Clearly => self.repair().unwrap_or_else(|| self.addition()),
        }
    }

    /// What to do about a connector that is there and can't be used as it is.
    fn repair(&self) -> Option<&'static str> {
        let lacks = |what: fn(&Value) -> bool| self.connectors.iter().any(what);
        if lacks(|connector| connector["allowed"] == false) {
            return Some(
                "The workspace's policy does not allow it: an admin can change that in the console, under Policies.",
            );
        }
        if lacks(|connector| connector["connected"] == false) {
            return Some(
                "A shared connector is there, and no admin has connected its account, or has to connect it again: ask one to \
                 do it in the console.",
            );
        }
        lacks(|connector| connector["missing_scopes"].as_array().is_some_and(|missing| !missing.is_empty())).then_some(
            "A connector is there and asks for too little: propose more scopes with update_connector. Its users will have to \
             connect again.",
        )
    }

    fn addition(&self) -> &'static str {
        if self.room.is_closed() && self.has_others {
            "Nothing fits, and the likeliest provider can't be added: `obstacles` says why, and who can change it. Others of \
             `providers` can be: ask the person which to use."
        } else if self.room.is_closed() {
            "Nothing fits, and nothing can be added: `obstacles` says why, and who can change it. Tell the person, and propose \
             nothing before it is changed."
        } else if self.room.allows(self.kind) {
            "Nothing fits. Ask the person whether the account is everybody's own or one for all, read connector_setup_guide to \
             them, and propose with add_connector."
        } else {
            "Nothing fits, and the kind that suits can't be added: `obstacles` says why, and who can change it. Ask the person \
             whether the other kind will do; if so, read connector_setup_guide to them, and propose it with add_connector."
        }
    }
}
