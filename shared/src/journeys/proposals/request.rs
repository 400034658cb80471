//! What a proposal would have done, read out of its request.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::{Change, ProposalError};
use crate::{
    domain::{
        connector::Connector,
        fields::{FieldError, Table, step},
        proposal::ProposalKind,
    },
    journeys::manage::{ConnectorChange, ConnectorDraft, read_change, read_draft},
};

/// A request, read.
pub(super) enum Wanted {
    Add(Box<ConnectorDraft>),
    Update(ConnectorChange),
    Delete,
}

/// Reads a request, or says everything that is wrong with it, at its place in the proposal.
pub(super) fn read(kind: ProposalKind, request: &Value) -> Result<Wanted, ProposalError> {
    let errors = RefCell::default();
    let table = Table::root(request, &errors);
    if table.has("client_secret") {
        table.refuse("client_secret", "must not be in a proposal: whoever confirms it enters the secret");
    }
    let wanted = match kind {
        ProposalKind::Add => read_draft(&table).map(|draft| Wanted::Add(Box::new(draft))),
        ProposalKind::Update => Some(Wanted::Update(read_change(&table))),
        ProposalKind::Delete => Some(Wanted::Delete),
    };
    table.close();
    let at_its_place =
        |error: FieldError| FieldError { pointer: format!("/connector{}", error.pointer), detail: error.detail };
    let errors: Vec<FieldError> = errors.into_inner().into_iter().map(at_its_place).collect();
    wanted.filter(|_| errors.is_empty()).ok_or(ProposalError::Invalid(errors))
}

/// Refuses texts in which characters turn the direction of a line, or spell what no person sees: whoever confirms would read
/// something else than what stands there.
///
/// # Errors
/// [`ProposalError::Invalid`], with the place of each.
pub(super) fn refuse_turned(request: &Value) -> Result<(), ProposalError> {
    let mut found = Vec::new();
    collect_turned(request, "/connector", &mut found);
    let error = |pointer| FieldError {
        pointer,
        detail: "has characters that nobody sees, or that turn the direction of the text".to_owned(),
    };
    if found.is_empty() { Ok(()) } else { Err(ProposalError::Invalid(found.into_iter().map(error).collect())) }
}

fn collect_turned(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.chars().any(turns) => found.push(pointer.to_owned()),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, one)| collect_turned(one, &format!("{pointer}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, one)| collect_turned(one, &format!("{pointer}/{}", step(name)), found));
        }
        _ => {}
    }
}

/// Overrides, embeddings and isolates of direction, what parts words without a mark, and tags. Joiners stay: scripts and
/// emoji need them.
fn turns(character: char) -> bool {
    matches!(character, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Everything that a request says of a connector that is not there yet.
pub(super) fn added(request: &Value) -> Vec<Change> {
    let fields = request.as_object().into_iter().flatten().filter(|(field, _)| *field != "id");
    fields.map(|(field, to)| Change { field: field.clone(), from: Value::Null, to: to.clone() }).collect()
}

/// What a request would change of a connector.
pub(super) fn changes(connector: &Connector, request: &Value) -> Vec<Change> {
    let present = |field: &str| match field {
        "name" => json!(connector.name.as_str()),
        "client_id" => json!(connector.client_id),
        "scopes" => json!(connector.scopes.iter().collect::<Vec<_>>()),
        "connection_config" => json!(connector.connection_config),
        "call_rules" => connector.call_rules.to_value(),
        "offline_use" => json!(connector.offline_use),
        "client_secret_expires_on" => json!(connector.client_secret_expires_on.map(|day| day.to_string())),
        _ => Value::Null,
    };
    let fields = request.as_object().into_iter().flatten();
    let change = |(field, to): (&String, &Value)| Change { from: present(field), field: field.clone(), to: to.clone() };
    fields.map(change).filter(|change| change.from != change.to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_read_as_something_else_is_refused_at_its_place() {
        let request = json!({
            "name": "Calendar \u{202e}live", "scopes": ["read", "wr\u{200b}ite"], "connection_config": {"a/b": "x\u{e0041}"},
        });
        let Err(ProposalError::Invalid(errors)) = refuse_turned(&request) else { panic!("it was taken") };
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/connector/connection_config/a~1b", "/connector/name", "/connector/scopes/1"]);
        for name in ["مرحبا", "👩‍💻 क्‍ष", "Équipe – 予定表"] {
            assert!(refuse_turned(&json!({"name": name})).is_ok(), "{name}");
        }
    }
}
