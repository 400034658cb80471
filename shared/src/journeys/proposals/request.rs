//! What a proposal would have done, read out of its request.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::{Change, ProposalError};
use crate::{
    domain::{
        connector::Connector,
        fields::{FieldError, Table},
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
