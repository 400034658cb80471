//! What to do about what was found.

use connectors::domain::connector::ConnectorKind;

use super::{super::obstacles::Room, seen::Seen};

/// How clear it is what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing was said.
    Nothing,
    /// The purpose names nothing that is known.
    InVain,
    /// Several providers may be meant by one name.
    Unclearly,
    /// It can be looked for.
    Clearly,
}

/// What was found, as far as it decides what to do.
pub(super) struct Found<'a> {
    pub(super) asked: Asked,
    /// The nearest first.
    pub(super) connectors: &'a [Seen<'a>],
    pub(super) room: &'a Room,
    /// The kind that suits.
    pub(super) kind: ConnectorKind,
    /// Whether the person has said that kind.
    pub(super) is_said: bool,
    /// Whether another provider for the purpose could be added.
    pub(super) has_others: bool,
}

impl Found<'_> {
    /// What to do now.
    pub(super) fn next_step(&self) -> &'static str {
        match self.asked {
            Asked::Nothing => "Ask again with what it is for, or with an integration_type.",
            Asked::InVain => {
                "No provider is known for that purpose. Ask the person which product it is about, and ask again with its \
                 integration_type: list_providers searches by name and kind."
            }
            Asked::Unclearly => {
                "Several providers may be meant: ask the person which of `providers`, and ask again with its \
                 integration_type."
            }
            Asked::Clearly => self.use_it().or_else(|| self.repair()).unwrap_or_else(|| self.addition()),
        }
    }

    /// What to do with a connector that fits.
    fn use_it(&self) -> Option<&'static str> {
        let mut fitting = self.connectors.iter().filter(|seen| seen.fits());
        let first = fitting.next()?;
        Some(if fitting.any(|other| other.connector.kind != first.connector.kind) {
            "Connectors of both kinds fit. Ask the person what `question` says, and ask again with the `kind` that they name."
        } else if self.is_said {
            "Use the first of `connectors`: code_for writes the code."
        } else {
            "Use the first of `connectors`: code_for writes the code. Ask the person first whether the account is \
             everybody's own or one for all, if that is not clear."
        })
    }

    /// What to do about the nearest connector, which can't be used as it is.
    fn repair(&self) -> Option<&'static str> {
        let nearest = self.connectors.first().filter(|nearest| nearest.suits())?;
        if !nearest.is_of_kind() {
            let may_ask = nearest.is_usable() && !self.is_said;
            return may_ask.then(|| of_other_kind(nearest.connector.kind));
        }
        if !nearest.is_allowed {
            Some("The workspace's policy does not allow it: an admin can change that in the console, under Policies.")
        } else if !nearest.is_accepted() {
            Some(
                "The provider does not accept the client of the first of `connectors`: ask an admin to enter a new client secret \
                 in the console, on the page of that connector.",
            )
        } else if !nearest.is_connected() {
            Some(
                "A shared connector is there, and no admin has connected its account, or has to connect it again: ask one to \
                 do it in the console.",
            )
        } else if nearest.lacks_scopes() {
            Some(
                "The first of `connectors` asks for too little: propose more scopes with update_connector, its `scopes` and \
                 its `missing_scopes` together. Its users will have to connect again.",
            )
        } else {
            None
        }
    }

    fn addition(&self) -> &'static str {
        if self.room.is_closed() && self.has_others {
            "Nothing fits, and the likeliest provider can't be added: `obstacles` says why, and who can change it. Others of \
             `providers` can be: ask the person which to use."
        } else if self.room.is_closed() {
            "Nothing fits, and nothing can be added: `obstacles` says why, and who can change it. Tell the person, and propose \
             nothing before it is changed."
        } else if !self.room.allows(self.kind) {
            "Nothing fits, and the kind that suits can't be added: `obstacles` says why, and who can change it. Ask the person \
             whether the other kind will do; if so, read connector_setup_guide to them, and propose it with add_connector."
        } else if self.is_said {
            "Nothing fits. Read connector_setup_guide to the person, and propose with add_connector."
        } else {
            "Nothing fits. Ask the person whether the account is everybody's own or one for all, read connector_setup_guide to \
             them, and propose with add_connector."
        }
    }
}

/// What to ask where a connector could be used, and whose account it is for is not what the purpose speaks of.
fn of_other_kind(kind: ConnectorKind) -> &'static str {
    match kind {
        ConnectorKind::Shared => {
            "Do not use the first of `connectors` yet: its account is one for all, whose data everybody would see, and the \
             purpose speaks of everybody's own. Ask the person what `question` says, and ask again with the `kind` that they \
             name."
        }
        ConnectorKind::PerUser => {
            "Do not use the first of `connectors` yet: everybody connects an account of their own there, and the purpose speaks \
             of one for all. Ask the person what `question` says, and ask again with the `kind` that they name."
        }
    }
}
